package line

import "bytes"

// further reads the less common time formats at the beginning of b, which iso, us,
// syslog and short do not read. Each is the format of a widely used program: PM2's
// documented date formats, Apache, Redis, Spark, HDFS, Java's and JavaScript's own
// dates, mail dates, seconds since 1970.
func (s *Stamps) further(b []byte) (t Stamp, n int) {
	sc := scanner{b: b}
	switch {
	case Digit(b[0]):
		n = s.fromDigits(&sc, &t)
	case Letter(b[0]):
		n = s.fromWord(&sc, &t)
	}
	if n > 0 && s.Millis(&t) == Unset {
		return t, 0
	}
	return t, n
}

// scanner reads a text that may be a time.
type scanner struct {
	b []byte
	i int
}

// number reads up to limit digits and returns their value and count.
func (c *scanner) number(limit int) (value, width int) {
	for width < limit && c.i < len(c.b) && Digit(c.b[c.i]) {
		value = value*10 + int(c.b[c.i]-'0')
		width++
		c.i++
	}
	return value, width
}

// take reads one byte of set and returns it, or 0.
func (c *scanner) take(set string) byte {
	if c.i < len(c.b) && bytes.IndexByte([]byte(set), c.b[c.i]) >= 0 {
		c.i++
		return c.b[c.i-1]
	}
	return 0
}

// has skips the text if it comes next.
func (c *scanner) has(text string) bool {
	if !bytes.HasPrefix(c.b[c.i:], []byte(text)) {
		return false
	}
	c.i += len(text)
	return true
}

// blanks skips spaces and tells whether there were any.
func (c *scanner) blanks() bool {
	from := c.i
	for c.i < len(c.b) && c.b[c.i] == ' ' {
		c.i++
	}
	return c.i > from
}

// month reads an English month, short or long, and returns its number, or 0.
func (c *scanner) month() int {
	if c.i+3 > len(c.b) {
		return 0
	}
	for i, name := range months {
		if !bytes.EqualFold(c.b[c.i:c.i+3], []byte(name)) {
			continue
		}
		c.i += 3
		for c.i < len(c.b) && Letter(c.b[c.i]) {
			c.i++
		}
		return i + 1
	}
	return c.foreignMonth()
}

// foreignMonths are the short month names of European locales that differ from English,
// as journalctl and older syslogs print them.
var foreignMonths = map[string]int{
	"janv": 1, "févr": 2, "avril": 4, "mai": 5, "juin": 6, "juil": 7, "août": 8, "déc": 12, // French
	"Jän": 1, "Mär": 3, "Mai": 5, "Okt": 10, "Dez": 12, // German
	"ene": 1, "abr": 4, "ago": 8, "dic": 12, // Spanish
	"fev": 2, "set": 9, "out": 10, "dez": 12, // Portuguese
	"gen": 1, "mag": 5, "giu": 6, "lug": 7, "ott": 10, // Italian
	"mrt": 3, "mei": 5, "okt": 10, // Dutch
}

// foreignMonth reads a month in another language, also with a full stop.
func (c *scanner) foreignMonth() int {
	end := c.i
	for end < len(c.b) && end < c.i+8 && (Letter(c.b[end]) || c.b[end] >= 0x80) {
		end++
	}
	month := foreignMonths[string(c.b[c.i:end])]
	if month > 0 {
		if c.i = end; c.i < len(c.b) && c.b[c.i] == '.' {
			c.i++
		}
	}
	return month
}

var weekdays = [...]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// weekday reads an English weekday, short or long, and its separator.
func (c *scanner) weekday() bool {
	if c.i+4 > len(c.b) {
		return false
	}
	for _, name := range weekdays {
		if string(c.b[c.i:c.i+3]) != name {
			continue
		}
		c.i += 3
		for c.i < len(c.b) && Letter(c.b[c.i]) {
			c.i++
		}
		c.take(",")
		return c.blanks()
	}
	return false
}

// clock reads "12:00", "12:00:00" with a fraction and the half of the day.
func (c *scanner) clock(t *Stamp) bool {
	var width int
	if t.hour, width = c.number(2); width == 0 || c.take(":") == 0 {
		return false
	}
	if t.min, width = c.number(2); width != 2 {
		return false
	}
	if c.i+2 < len(c.b) && c.b[c.i] == ':' && Digit(c.b[c.i+1]) {
		c.i++
		if t.sec, width = c.number(2); width != 2 {
			return false
		}
		t.ms, c.i = fraction(c.b, c.i)
	}
	if c.i < len(c.b) && Digit(c.b[c.i]) {
		return false
	}
	half, lower, end := meridiem(c.b, c.i)
	c.i = end
	t.Hint = hintOf(half, lower)
	return t.toHalf(half)
}

// end reads a zone and returns where the time ends.
func (c *scanner) end(t *Stamp) int {
	if !t.zoned {
		t.zoned, t.offset, c.i = zoneAt(c.b, c.i)
	}
	return c.i
}

// fromDigits reads a time that begins with a digit.
func (s *Stamps) fromDigits(c *scanner, t *Stamp) int {
	first, width := c.number(20)
	switch width {
	case 1, 2:
		return s.fromDay(c, t, first)
	case 4:
		t.Year = first
		return fromYear(c, t)
	case 6:
		t.Year = 2000 + first/10000
		t.month = first / 100 % 100
		t.day = first % 100
		return compact(c, t, " ")
	case 8:
		t.Year = first / 10000
		t.month = first / 100 % 100
		t.day = first % 100
		return compact(c, t, "Tt -_.")
	case 10, 13, 16, 19:
		return fromEpoch(c, t, first, width)
	}
	return 0
}

// fromYear reads "2026-01-29T12:00", "2026.01.29 12:00:00", "2026年1月29日 12:00:00",
// "2026/01/29 下午2:30:00", "2026/01/29-12.00.00.123" of log4js and "2026-01-29 12:05 +08:00"
// after the year.
func fromYear(c *scanner, t *Stamp) int {
	if c.has("年") || c.has("년") {
		return c.hanziDate(t)
	}
	sep := c.take("-/.")
	if sep == 0 {
		return 0
	}
	var width int
	if from := c.i; sep == '-' {
		if day, width := c.number(3); width == 3 && c.take("Tt") != 0 {
			return yearDay(c, t, day)
		}
		c.i = from
	}
	if t.month, width = c.number(2); width == 0 || c.take(string(sep)) == 0 {
		return 0
	}
	if t.day, width = c.number(2); width == 0 {
		return 0
	}
	between := c.take("Tt _,:")
	if between == 0 && (sep != '/' || c.take("-") == 0) {
		return 0
	}
	c.blanks()
	from := c.i
	switch {
	case c.i < len(c.b) && c.b[c.i] >= 0x80:
		if !c.hanziClock(t) {
			return 0
		}
	case between == 0 && c.dottedClock(t):
	case !c.clock(t), between|0x20 == 't' && c.b[from+1] == ':':
		return 0
	}
	return c.end(t)
}

// dottedClock reads "12.00.00.123".
func (c *scanner) dottedClock(t *Stamp) bool {
	b := c.b[c.i:]
	if len(b) < 8 || b[2] != '.' || b[5] != '.' {
		return false
	}
	if t.hour, t.min, t.sec = digits2(b), digits2(b[3:]), digits2(b[6:]); t.hour|t.min|t.sec < 0 {
		return false
	}
	t.ms, c.i = fraction(c.b, c.i+8)
	return true
}

// yearDay reads "10:22:40" after "2012-025T", the 25th day of the year (an ordinal date
// of ISO 8601).
func yearDay(c *scanner, t *Stamp, day int) int {
	if day < 1 || day > 366 || !c.clock(t) {
		return 0
	}
	t.month = 1
	for t.month < 12 && day > daysIn(t.Year, t.month) {
		day -= daysIn(t.Year, t.month)
		t.month++
	}
	t.day = day
	return c.end(t)
}

// compact reads what follows a date without separators: one of seps, and a clock
// with or without colons.
func compact(c *scanner, t *Stamp, seps string) int {
	sep := c.take(seps)
	if sep == 0 {
		return 0
	}
	c.blanks()
	from := c.i
	if clock, width := c.number(6); width == 6 {
		t.hour = clock / 10000
		t.min = clock / 100 % 100
		t.sec = clock % 100
		t.ms, c.i = fraction(c.b, c.i)
		if c.i < len(c.b) && Alnum[c.b[c.i]] && c.b[c.i]|0x20 != 'z' {
			return 0
		}
		return c.end(t)
	}
	if c.i = from; sep == '-' && c.looseClock(t) {
		return c.i
	}
	if c.i = from; sep == '.' || !c.clock(t) {
		return 0
	}
	return c.end(t)
}

// looseClock reads "22:16:0:606|", a clock without leading zeros, as Huawei's HealthApp
// writes it.
func (c *scanner) looseClock(t *Stamp) bool {
	var parts [4]int
	for i := range parts {
		var width int
		limit := 2 + i/3
		if parts[i], width = c.number(limit); width == 0 {
			return false
		}
		if i < 3 && c.take(":") == 0 {
			return false
		}
	}
	t.hour = parts[0]
	t.min = parts[1]
	t.sec = parts[2]
	t.ms = parts[3]
	return c.i < len(c.b) && c.b[c.i] == '|'
}

// The range of seconds since 1970 that a line may begin with: 2001 to 2100.
const (
	firstEpoch = 1_000_000_000
	lastEpoch  = 4_102_444_800
)

// fromEpoch reads a number as seconds, ms, µs or ns since 1970, by its width.
func fromEpoch(c *scanner, t *Stamp, n, width int) int {
	ms := 0
	seconds := n
	switch width {
	case 10:
		ms, c.i = fraction(c.b, c.i)
	case 13:
		seconds, ms = n/1000, n%1000
	case 16:
		seconds, ms = n/1_000_000, n/1000%1000
	case 19:
		seconds, ms = n/1_000_000_000, n/1_000_000%1000
	}
	if seconds < firstEpoch || seconds > lastEpoch ||
		c.i < len(c.b) && bytes.IndexByte([]byte(": \t]|,"), c.b[c.i]) < 0 {
		return 0
	}
	t.Year, t.month, t.day = fromDays(int64(seconds / 86400))
	t.hour = seconds / 3600 % 24
	t.min = seconds / 60 % 60
	t.sec = seconds % 60
	t.ms = ms
	t.zoned = true
	return c.i
}

// fromDay reads a date after its first one or two digits.
func (s *Stamps) fromDay(c *scanner, t *Stamp, first int) int {
	if c.has("月") || c.has("월") {
		return s.numberedMonth(c, t, first)
	}
	sep := c.take("/-. ")
	if sep == 0 {
		return 0
	}
	if sep == '.' && c.blanks() {
		sep = ' ' // "29. 01. 2026"
	}
	if month := c.month(); month > 0 {
		return s.fromDayMonth(c, t, first, month)
	}
	second, width := c.number(2)
	if width == 0 {
		return 0
	}
	if sep == '.' && c.i < len(c.b) && c.b[c.i] == ' ' && width == 2 {
		t.month, t.day = first, second // "10.30 16:49:06"
		return s.yearless(c, t)
	}
	if c.take("/-.") == 0 && sep != ' ' {
		return 0
	}
	c.blanks()
	third, width := c.number(4)
	switch {
	case width == 4:
		t.month = first
		t.day = second
		t.Year = third
		t.orderByWords(sep == '/', 0, false)
	case width == 2 && sep == '/':
		t.Year = 2000 + first
		t.month = second
		t.day = third
	case width == 2 && sep == '.': // "29.01.26", in German
		t.Year = 2000 + third
		t.month = second
		t.day = first
	default:
		return 0
	}
	c.take(".,:")
	if !c.blanks() && c.b[c.i-1] != ':' {
		return 0
	}
	from := c.i
	if !c.clock(t) || bytes.Count(c.b[from:c.i], []byte{':'}) < 2 {
		return 0
	}
	return c.end(t)
}

// fromDayMonth reads "29/Jan/2026:12:00:00 +0800", "29 Jan 2026 12:00:00.123" and, with no
// year, "29 Jan 12:00:00.123" after the month.
func (s *Stamps) fromDayMonth(c *scanner, t *Stamp, day, month int) int {
	t.day, t.month = day, month
	if c.take("/- ") == 0 {
		return 0
	}
	from := c.i
	year, width := c.number(4)
	if width != 4 {
		c.i = from
		return s.yearless(c, t)
	}
	t.Year = year
	c.take(":,")
	c.blanks()
	if !c.clock(t) {
		return 0
	}
	return c.end(t)
}

// yearless reads the clock after a date without a year.
func (s *Stamps) yearless(c *scanner, t *Stamp) int {
	c.blanks()
	if !c.clock(t) {
		return 0
	}
	*t = s.withYear(*t)
	return c.end(t)
}

// fromWord reads "Thu Jan 29 12:00:00 2026", "Thu, 29 Jan 2026 12:00:00 GMT", "Jan 29, 2026
// 12:00:00 PM", "Jan-29-2026 12:00:00" and "January 29th 2026, 12:00:00 pm",
// JavaScript's "Thu Jan 29 2026 12:00:00 GMT+0800" and systemd's "Thu 2026-01-29 12:00:00 UTC".
func (s *Stamps) fromWord(c *scanner, t *Stamp) int {
	if c.weekday() && c.i < len(c.b) && Digit(c.b[c.i]) {
		if n := iso(c.b[c.i:], t); n > 0 {
			return c.i + n
		}
		day, _ := c.number(2)
		if c.take(" -") == 0 {
			return 0
		}
		return s.fromDayMonth(c, t, day, c.month())
	}
	t.month = c.month()
	dashed := t.month > 0 && c.take("-") != 0
	if t.month == 0 || !dashed && !c.blanks() {
		return 0
	}
	var width int
	if t.day, width = c.number(2); width == 0 {
		return 0
	}
	_ = c.has("st") || c.has("nd") || c.has("rd") || c.has("th")
	c.take(",")
	if dashed && c.take("-") == 0 || !dashed && !c.blanks() {
		return 0
	}
	from := c.i
	if t.Year, width = c.number(4); width == 4 {
		c.take(",")
		c.blanks()
		if !c.clock(t) {
			return 0
		}
		return c.end(t)
	}
	if c.i = from; dashed {
		return 0
	}
	return s.yearLast(c, t)
}

// yearLast reads "12:00:00 2026" and "12:00:00 UTC 2026"; without a year it uses the
// latest.
func (s *Stamps) yearLast(c *scanner, t *Stamp) int {
	if !c.clock(t) {
		return 0
	}
	from := c.i
	t.zoned, t.offset, c.i = zoneAt(c.b, c.i)
	if !t.zoned && c.i+5 < len(c.b) {
		if word := capitals(c.b, c.i+1); c.b[c.i] == ' ' && len(word) >= 2 {
			c.i += 1 + len(word) // an ambiguous zone: use that of the source
		}
	}
	if c.blanks() {
		if year, width := c.number(4); width == 4 && (c.i == len(c.b) || !Alnum[c.b[c.i]]) {
			t.Year = year
			return c.i
		}
	}
	c.i = from
	t.zoned, t.offset = false, 0
	*t = s.withYear(*t)
	return c.end(t)
}
