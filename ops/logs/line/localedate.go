package line

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Node prints a date the way the locale of the process has it: another order of
// day and month, other separators and digits, words for the half of the day, the
// clock before the date. localeDate reads all of them by one rule, from the six
// numbers that each form has.

// halves are the words for the two halves of the day in the locales of Node 20's ICU 74,
// as printed by Intl.DateTimeFormat; tests compare them with the installed Node.
var halves = func() map[string]byte {
	words := map[string]byte{}
	for _, w := range [...]string{
		"vm.", "AN", "ጥዋት", "ص", "পূৰ্বাহ্ন", "AM", "སྔ་དྲོ་", "སྔ་ཆ་", "ŋdi", "π.μ.", "am", "a.m.", "a.", "subaka",
		"SF", "PG", "पूर्वाह्न", "WD", "صبح", "GH", "p.d.", "ቅ.ቀ.", "HH", "ÖÖ", "上午", "uluchelo", "फुं", "ᏌᎾᎴ", "ب.ن",
		"\u070fܩܛ", "ᐊᒼ", "सवेर", "tufat", "भोर", "নুমাং", "ǁgoagas", "RW", "भ्यागा", "上晝", "오전", "午前",
	} {
		words[w] = 'A'
	}
	for _, w := range [...]string{
		"nm.", "ANW", "ከሰዓት", "م", "অপৰাহ্ন", "PM", "ཕྱི་དྲོ་", "ཕྱི་ཆ་", "ɣetrɔ", "μ.μ.", "pm", "p.m.", "p.",
		"kikiiɗe", "YM", "PTG", "अपराह्न", "WB", "شام", "GD", "m.d.", "ድ.ቀ.", "EA", "ÖS", "下午", "akasuba", "बेलासे",
		"ᏒᎯᏱᎢ", "د.ن", "\u070fܒܛ", "ᐲᒼ", "स’ञ", "tmeddit", "सांझ", "ǃuias", "TŊ", "दपेहरा", "संजा", "दपेहरा/संजा", "下晝",
		"오후", "午後",
	} {
		words[w] = 'P'
	}
	return words
}()

// localeText is a date in some locale, split into its parts.
type localeText struct {
	nums   [6]int
	digits [6]int  // number of digits of each number
	after  [6]rune // text after each number
	n      int
	half   byte // 'A' or 'P'; 0 when there is none
	lower  bool // the half is in lower case
}

// localeDate reads a text that is only a date with a time in some locale, into t. Years
// of the Buddhist era (Thai) and of the Persian calendar are converted. es-AR is not to be
// read: it prints 10 for 22:00 without a word for the half of the day.
func localeDate(b []byte, t *Stamp) bool {
	var p localeText
	if !p.split(b) || p.n != 6 {
		return false
	}
	date, clock := p.nums[:3], p.nums[3:]
	years := p.digits[:3]
	if p.after[0] == ':' {
		date, clock, years = clock, date, p.digits[3:]
	}
	long := 0 // numbers that can only be a year
	for _, n := range p.digits {
		if n > 2 {
			long++
		}
	}
	if long != 1 {
		return false
	}
	*t = Stamp{hour: clock[0], min: clock[1], sec: clock[2]}
	switch {
	case years[0] == 4:
		t.Year = date[0]
		t.month = date[1]
		t.day = date[2]
	case years[2] == 4:
		t.month = date[0]
		t.day = date[1]
		t.Year = date[2]
		t.orderByWords(p.after[0] == '/' || p.after[3] == '/', p.half, p.lower)
	default:
		return false
	}
	if t.month > 12 {
		t.month, t.day = t.day, t.month
	}
	t.convertYear()
	return t.toHalf(p.half)
}

// orderByWords decides which of the first two numbers, read as month and day so far, is
// the month: with slashes either may be; otherwise the day comes first.
func (t *Stamp) orderByWords(slashes bool, half byte, lower bool) {
	first, second := t.month, t.day
	if !slashes || first > 12 {
		t.month, t.day = second, first
	}
	if !slashes {
		return
	}
	t.Hint = hintOf(half, lower)
	switch {
	case first > 12:
		t.Order = DayThenMonth
	case second > 12:
		t.Order = MonthThenDay
	case first != second:
		t.Order, t.either = EitherOrder, true
	}
}

// YearFirst tells the order of day and month in the date of a line of Nest that begins with
// the year, at first: Kyrgyz alone has the day before the month there.
func YearFirst(line []byte, first int, t *Stamp) order {
	if !bytes.Contains(line[:first], []byte("[Nest]")) || iso(line[first:], t) == 0 || !t.spaced {
		return noOrder
	}
	return t.yearOrder()
}

func (t *Stamp) yearOrder() order {
	switch {
	case !t.spaced || t.month == t.day:
		return noOrder
	case t.month > 12 && t.day <= 12:
		return DayThenMonth
	case t.day > 12 && t.month <= 12:
		return MonthThenDay
	}
	return EitherOrder
}

// toHalf converts the hour to 24 hours by the half of the day; false when there is no
// such hour.
func (t *Stamp) toHalf(half byte) bool {
	switch {
	case half != 0 && t.hour > 12:
		return false
	case half == 'A' && t.hour == 12:
		t.hour = 0
	case half == 'P' && t.hour < 12:
		t.hour += 12
	}
	return true
}

// split splits the text into numbers and the words between them.
func (p *localeText) split(b []byte) bool {
	word := make([]byte, 0, 32)
	inNumber := false
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		d := digitValue(r)
		switch {
		case d >= 0 && !inNumber:
			p.word(word)
			word = word[:0]
			if p.n == len(p.nums) {
				return false
			}
			p.n++
			inNumber = true
			fallthrough
		case d >= 0:
			p.nums[p.n-1] = p.nums[p.n-1]*10 + d
			p.digits[p.n-1]++
			if p.digits[p.n-1] > 4 {
				return false
			}
		case isBidiMark(r):
		default:
			if inNumber {
				p.after[p.n-1] = r
				inNumber = false
			}
			if unicode.IsSpace(r) || r < 0x80 && r != '.' && !Letter(byte(r)) || r == '،' {
				p.word(word)
				word = word[:0]
			} else {
				word = append(word, b[:size]...)
			}
		}
		b = b[size:]
	}
	p.word(word)
	return true
}

func (p *localeText) word(w []byte) {
	if len(w) == 0 {
		return
	}
	half, ok := halves[string(w)]
	if !ok {
		if half, ok = halves[string(bytes.TrimLeft(w, "."))]; !ok {
			return
		}
	}
	if p.half == 0 {
		p.half = half
		p.lower = w[0] >= 'a' && w[0] <= 'z'
	}
}

// isBidiMark recognises direction marks, used in Arabic dates, and joiners.
func isBidiMark(r rune) bool {
	return r == 0x200e || r == 0x200f || r == 0x061c || r == 0x200c || r == 0x200d
}

// digitValue is the value of a decimal digit in any script, or -1. In Unicode the ten
// digits of a script are consecutive.
func digitValue(r rune) int {
	if r < 0x80 {
		if r >= '0' && r <= '9' {
			return int(r - '0')
		}
		return -1
	}
	for _, span := range unicode.Nd.R16 {
		if rune(span.Lo) <= r && r <= rune(span.Hi) {
			return int(r-rune(span.Lo)) % 10
		}
	}
	for _, span := range unicode.Nd.R32 {
		if rune(span.Lo) <= r && r <= rune(span.Hi) {
			return int(r-rune(span.Lo)) % 10
		}
	}
	return -1
}

// Years that can only belong to another calendar: 2400 BE is 1857, 1380 of the Persian
// calendar is 2001.
const (
	buddhistEra   = 543
	firstBuddhist = 2400
	firstPersian  = 1380
	lastPersian   = 1500
)

// convertYear converts a date of the Thai or the Persian calendar to a Gregorian one.
func (t *Stamp) convertYear() {
	switch {
	case t.Year >= firstBuddhist && t.Year < firstBuddhist+400:
		t.Year -= buddhistEra
	case t.Year >= firstPersian && t.Year <= lastPersian:
		if t.either { // 07/09/1405 is the seventh of Azar
			t.month, t.day, t.either = t.day, t.month, false
		}
		t.Year, t.month, t.day = gregorian(t.Year, t.month, t.day)
	}
}

// gregorian converts a date of the Persian calendar by the 33-year cycle, which agrees
// with it from 1178 to 1633 (Borkowski 1996).
func gregorian(year, month, day int) (y, m, d int) {
	year -= 979
	days := 365*year + year/33*8 + (year%33+3)/4 + day - 1
	if month <= 7 {
		days += (month - 1) * 31
	} else {
		days += (month-7)*30 + 186
	}
	// 1 Farvardin 979 is 20 March 1600.
	return fromDays(epochDays(1600, 3, 20) + int64(days))
}

// fromDays is the date that many days after 1970-01-01, by Howard Hinnant's
// civil_from_days.
func fromDays(days int64) (y, m, d int) {
	z := days + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy - (153*mp+2)/5 + 1)
	m = int(mp + 3)
	y = int(yoe + era*400)
	if m > 12 {
		return y + 1, m - 12, d
	}
	return y, m, d
}
