package line

// Dates with the words of Chinese, Japanese and Korean for year, month, day and the halves
// of the day, as browsers, Windows, .NET, Java, moment and date(1) print them there.

// hanziDate reads "1月29日 12:00:00" after "2026年": with the weekday, with the half of the day
// before or after the clock, with blanks between the parts, and "14时30分00秒" for the clock.
func (c *scanner) hanziDate(t *Stamp) int {
	c.blanks()
	if t.month, _ = c.number(2); !c.has("月") && !c.has("월") {
		return 0
	}
	c.blanks()
	if t.day, _ = c.number(2); !c.has("日") && !c.has("일") {
		return 0
	}
	c.blanks()
	c.hanziWeekday()
	if !c.hanziClock(t) {
		return 0
	}
	return c.end(t)
}

// hanziWeekday skips "星期日", "周日" and "(日)".
func (c *scanner) hanziWeekday() {
	from := c.i
	bracket := c.has("(") || c.has("（")
	if !c.has("星期") && !c.has("礼拜") && !c.has("周") && !c.has("週") && !bracket {
		return
	}
	for _, day := range [...]string{"一", "二", "三", "四", "五", "六", "日", "天", "月", "火", "水", "木", "金", "土"} {
		if c.has(day) {
			_ = c.has("曜日")
			if !bracket || c.has(")") || c.has("）") {
				c.blanks()
				return
			}
		}
	}
	c.i = from
}

// hanziClock reads a clock with the half of the day before or after it: "下午2:30:00",
// "下午 02:30:00", "2:30:00 下午", and "14时30分00秒".
func (c *scanner) hanziClock(t *Stamp) bool {
	half := c.leadingHalf()
	from := c.i
	if !c.clock(t) {
		if c.i = from; !c.hourMinute(t) {
			return false
		}
	}
	switch {
	case half == 0:
		c.halfWord(t)
		return true
	case half == 'N' && (t.hour == 11 || t.hour == 12):
		return true
	case half == 'N':
		half = 'P'
	}
	return t.toHalf(half)
}

// hourMinute reads "14时30分00秒" and "14点30分", the seconds of which may be missing.
func (c *scanner) hourMinute(t *Stamp) bool {
	var width int
	if t.hour, width = c.number(2); width == 0 || !c.has("时") && !c.has("時") && !c.has("点") && !c.has("點") {
		return false
	}
	if t.min, width = c.number(2); width == 0 || !c.has("分") {
		return false
	}
	from := c.i
	if t.sec, width = c.number(2); width == 0 {
		return true
	}
	t.ms, c.i = fraction(c.b, c.i)
	if !c.has("秒") {
		t.sec, t.ms, c.i = 0, 0, from
	}
	return true
}

// hanziHalves are words for a part of the day that no locale of Node prints alone, as moment
// and Windows do; N is around noon.
var hanziHalves = map[string]byte{
	"凌晨": 'A', "清晨": 'A', "早上": 'A', "早晨": 'A', "中午": 'N', "傍晚": 'P', "晚上": 'P', "夜间": 'P',
}

// leadingHalf reads the half of the day before a clock, and the blanks after it.
func (c *scanner) leadingHalf() byte {
	end := c.i
	for end < len(c.b) && end < c.i+12 && c.b[end] >= 0x80 {
		end++
	}
	half := halves[string(c.b[c.i:end])]
	if half == 0 {
		half = hanziHalves[string(c.b[c.i:end])]
	}
	if half != 0 {
		c.i = end
		c.blanks()
	}
	return half
}

// numberedMonth reads "29 12:00:00" after "1月", as journalctl and syslog print it in Chinese,
// Japanese and Korean locales.
func (s *Stamps) numberedMonth(c *scanner, t *Stamp, month int) int {
	t.month = month
	c.blanks()
	var width int
	if t.day, width = c.number(2); width == 0 {
		return 0
	}
	if c.take(",") != 0 { // of java.util.logging
		c.blanks()
		if t.Year, width = c.number(4); width != 4 || !c.blanks() || !c.clock(t) || !c.halfWord(t) {
			return 0
		}
		return c.end(t)
	}
	if !c.blanks() {
		return 0
	}
	return s.yearless(c, t)
}

// halfWord reads the half of the day in another script after a blank, "下午".
func (c *scanner) halfWord(t *Stamp) bool {
	from := c.i
	c.blanks()
	end := c.i
	for end < len(c.b) && c.b[end] >= 0x80 {
		end++
	}
	half, ok := halves[string(c.b[c.i:end])]
	if ok = ok && c.i > from && t.toHalf(half); ok {
		c.i = end
	} else {
		c.i = from
	}
	return ok
}
