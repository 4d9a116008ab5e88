package line

import (
	"strconv"
	"strings"
	"time"
)

// Stamps reads the times at the beginning of lines. It caches the last hour that it
// computed, because most lines of a log share one; so it is not safe for concurrent use.
type Stamps struct {
	Zone *time.Location
	Now  time.Time // a time without a year is before it

	Written time.Time // and before the last write to the text, unless zero
	// Ends, unless nil, gives the time of the text's last line that has a date without a
	// year, zero where there is none. It is asked at the first such date: the year never
	// goes back after it, even if the text was written to before its last line's time.
	Ends func() time.Time

	At      int64          // where the line begins in the text, for texts of several years
	turns   func() []int64 // finds turnsAt, once
	turnsAt []int64        // the offsets at which the year turned
	ruled   int64          // the last date without a year, in the twelve months before the end

	DayFirst   bool // 05/01/2026 is the fifth of January
	YearDay    bool // so is 2026-05-01, as Node prints it in Kyrgyz
	Learns     bool // DayFirst follows the last unambiguous time
	orderKnown bool // DayFirst comes from such a time, not from a hint
	guessed    bool // a date without a year was read

	head func() // looks at the text's beginning for the zone, at the first time without one

	year, month, day, hour int
	base                   int64 // of that hour in zone, in ms
	twice                  twice // where that hour comes twice

	passes func(at int64, hour twice) passed // tells where in the text it comes again, or nil
	known  passed                            // what that said last
	walls  bool                              // times without a zone are wall times
	walled bool                              // one was read
}

// Unset is the time, in ms, of a line without a time.
const Unset = -1 << 62

func (s *Stamps) hourBase(year, month, day, hour int) int64 {
	if year != s.year || month != s.month || day != s.day || hour != s.hour || s.base == 0 {
		s.askHead()
		s.year = year
		s.month = month
		s.day = day
		s.hour = hour
		if s.walled = s.walls; s.walls {
			s.base = epochDays(year, month, day)*86400000 + int64(hour)*3600000
			return s.base
		}
		begins := time.Date(year, time.Month(month), day, hour, 0, 0, 0, s.Zone)
		s.base = begins.UnixMilli()
		s.twice = twiceAt(begins)
	}
	return s.base
}

// Stamp is a time in text, in parts.
type Stamp struct {
	Year, month, day, hour, min, sec, ms int
	zoned                                bool
	offset                               int  // seconds east of UTC, when zoned
	name                                 int  // for a named zone: where the time ends before it
	either                               bool // month and day may be exchanged
	spaced                               bool // it is "2026-01-29 12:00:00" without a zone
	Hint                                 hint // what the words of the date tell about that order
	Order                                order
}

// hint is what the word for the half of the day tells about the order of day and month:
// most locales with AM and PM print the month first, most with am and pm the day.
type hint uint8

const (
	noHint hint = iota
	MonthHint
	DayHint
)

func hintOf(half byte, lower bool) hint {
	switch {
	case half == 0:
		return noHint
	case lower:
		return DayHint
	}
	return MonthHint
}

// Millis is the time of a stamp in ms since 1970.
func (s *Stamps) Millis(t *Stamp) int64 {
	month, day := t.month, t.day
	if t.either && s.DayFirst || t.spaced && s.YearDay {
		month, day = day, month
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(t.Year, month) || t.min > 59 || t.sec > 60 {
		return Unset
	}
	if t.hour > 23 && (t.hour > 24 || t.min+t.sec > 0) {
		return Unset
	}
	rest := int64(t.min*60+t.sec)*1000 + int64(t.ms)
	if t.zoned {
		return epochDays(t.Year, month, day)*86400000 + int64(t.hour)*3600000 + rest - int64(t.offset)*1000
	}
	ms := s.hourBase(t.Year, month, day, t.hour) + rest
	if s.twice.back > 0 {
		return s.inHour(month, day, t)
	}
	return ms
}

// daysIn is the number of days in a month.
func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// epochDays is the number of days since 1970-01-01, by Howard Hinnant's
// days_from_civil.
func epochDays(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	return int64(era)*146097 + int64(yoe*365+yoe/4-yoe/100+doy) - 719468
}

// iso reads "2026-01-29T12:00:00.123Z" and similar times from the beginning of b into t:
// T or a space between date and clock, / for -, a comma for the point, with or without a
// zone. After a space the hour may have one digit, as in Japanese, and a second space as
// padding, as in MariaDB's error log. n is the number of bytes read, 0 when there is no
// such time.
func iso(b []byte, t *Stamp) (n int) {
	if len(b) < 18 || b[4] != '-' && b[4] != '/' || b[7] != b[4] {
		return 0
	}
	at := 11
	switch b[10] {
	case 'T', 't':
	case ' ':
		if b[11] == ' ' {
			at = 12
		}
	case ',', '_':
		if b[10] == ',' && b[11] != ' ' {
			return 0
		}
		if b[11] == ' ' {
			at = 12
		}
	default:
		return 0
	}
	*t = Stamp{}
	t.Year, t.month, t.day = digits4(b), digits2(b[5:]), digits2(b[8:])
	if t.Year|t.month|t.day < 0 {
		return 0
	}
	n = t.clock(b, at)
	if n == 0 || n == 18 && b[10]|0x20 == 't' {
		return 0
	}
	half, _, n := meridiem(b, n)
	if half != 0 && !t.toHalf(half) {
		return 0
	}
	t.ms, n = fraction(b, n)
	before := n
	t.zoned, t.offset, n = zoneAt(b, n)
	t.spaced = !t.zoned && b[10] == ' ' && b[4] == '-'
	if n >= before+2 && (capital(b[before]) || capital(b[before+1]) || capital(b[min(before+2, n-1)])) {
		t.name = before
	}
	return n
}

func capital(c byte) bool { return c >= 'A' && c <= 'Z' }

// clock reads "12:00:00" or "2:00:00" at n and returns where it ends, or 0.
func (t *Stamp) clock(b []byte, n int) int {
	if n+1 < len(b) && b[n+1] == ':' {
		if t.hour = -1; Digit(b[n]) {
			t.hour = int(b[n] - '0')
		}
		n++
	} else if n+2 < len(b) && b[n+2] == ':' {
		t.hour = digits2(b[n:])
		n += 2
	} else {
		return 0
	}
	if n+6 > len(b) || b[n+3] != ':' {
		return 0
	}
	if t.min, t.sec = digits2(b[n+1:]), digits2(b[n+4:]); t.hour|t.min|t.sec < 0 {
		return 0
	}
	return n + 6
}

// SlashDate reads "01/29/2026, 2:00:00 PM", Nest's default locale, into t. The day is
// first where the first number cannot be a month, or where dots separate the parts, as
// in German. When neither that nor AM or PM decides, either is set, and the first number
// is read as the month.
func SlashDate(b []byte, t *Stamp) (n int) {
	if len(b) < 18 || b[2] != '/' && b[2] != '.' || b[5] != b[2] {
		return 0
	}
	*t = Stamp{}
	t.month, t.day, t.Year = digits2(b), digits2(b[3:]), digits4(b[6:])
	n = 10
	if b[n] == ',' {
		n++
	}
	if b[n] != ' ' || t.Year|t.month|t.day < 0 {
		return 0
	}
	if n = t.clock(b, n+1); n == 0 {
		return 0
	}
	half, lower, n := meridiem(b, n)
	t.orderByWords(b[2] == '/', half, lower)
	if t.Year >= firstBuddhist {
		t.convertYear()
	}
	if !t.toHalf(half) {
		return 0
	}
	return n
}

// meridiem reads " PM", " pm", " p.m." and " p. m.", also with the narrow and the
// no-break space that Node writes.
func meridiem(b []byte, n int) (half byte, lower bool, end int) {
	i := n + blankAt(b, n)
	if i == n || i+1 >= len(b) {
		return 0, false, n
	}
	if half = b[i] &^ 0x20; half != 'A' && half != 'P' {
		return 0, false, n
	}
	lower = b[i] != half
	switch i++; {
	case b[i]|0x20 == 'm':
		i++
	case b[i] == '.':
		i++
		i += blankAt(b, i)
		if i+1 >= len(b) || b[i]|0x20 != 'm' || b[i+1] != '.' {
			return 0, false, n
		}
		i += 2
	default:
		return 0, false, n
	}
	if i < len(b) && Alnum[b[i]] {
		return 0, false, n
	}
	return half, lower, i
}

// blankAt is the length of the blank at i: a space, a no-break space (U+00A0) or a
// narrow one (U+202F); 0 without one.
func blankAt(b []byte, i int) int {
	switch {
	case i < len(b) && b[i] == ' ':
		return 1
	case i+1 < len(b) && b[i] == 0xc2 && b[i+1] == 0xa0:
		return 2
	case i+2 < len(b) && b[i] == 0xe2 && b[i+1] == 0x80 && b[i+2] == 0xaf:
		return 3
	}
	return 0
}

// fraction reads ".123", ",123456" or ":123" at n, in ms.
func fraction(b []byte, n int) (ms, end int) {
	if n+1 >= len(b) || b[n] != '.' && b[n] != ',' && b[n] != ':' || !Digit(b[n+1]) {
		return 0, n
	}
	if b[n] == ':' && (n+3 >= len(b) || !Digit(b[n+2]) || !Digit(b[n+3])) {
		return 0, n // PM2's colon, and a number that begins the message
	}
	scale := 100
	for n++; n < len(b) && Digit(b[n]); n++ {
		ms += int(b[n]-'0') * scale
		scale /= 10
	}
	return ms, n
}

var months = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// syslog reads "Jan 29 12:00:00", which has no year: it uses the latest year in which
// the date is at most a day after now.
func (s *Stamps) syslog(b []byte) (t Stamp, n int) {
	if len(b) < 15 || b[3] != ' ' || b[6] != ' ' || b[9] != ':' || b[12] != ':' {
		return t, 0
	}
	for i, name := range months {
		if string(b[:3]) == name {
			t.month = i + 1
		}
	}
	if b[4] == ' ' {
		t.day = int(b[5]) - '0'
	} else {
		t.day = digits2(b[4:])
	}
	t.hour, t.min, t.sec = digits2(b[7:]), digits2(b[10:]), digits2(b[13:])
	if t.month == 0 || t.day|t.hour|t.min|t.sec < 0 {
		return t, 0
	}
	if n = 15; len(b) > 15 && b[15] == '.' {
		t.ms, n = fraction(b, n)
	}
	return s.withYear(t), n
}

// short reads "01-29 12:00:00", which has no year either.
func (s *Stamps) short(b []byte) (t Stamp, n int) {
	if len(b) < 14 || b[2] != '-' && b[2] != '/' || b[5] != ' ' || b[8] != ':' || b[11] != ':' {
		return t, 0
	}
	t.month, t.day = digits2(b), digits2(b[3:])
	if t.hour, t.min, t.sec = digits2(b[6:]), digits2(b[9:]), digits2(b[12:]); t.month|t.day|t.hour|t.min|t.sec < 0 {
		return t, 0
	}
	t.ms, n = fraction(b, 14)
	return s.withYear(t), n
}

// AnyTime reads the time at the beginning of b in any format, also without a year.
func (s *Stamps) AnyTime(b []byte) (ms int64, n int) {
	if len(b) == 0 {
		return Unset, 0
	}
	var t Stamp
	n = iso(b, &t)
	if n == 0 {
		if n = SlashDate(b, &t); n > 0 && s.Learns {
			s.learn(&t)
		}
	}
	if n == 0 {
		t, n = s.syslog(b)
	}
	if n == 0 {
		t, n = s.short(b)
	}
	if n == 0 {
		t, n = s.further(b)
	}
	if n == 0 {
		return Unset, 0
	}
	return s.Millis(&t), n
}

// learn takes the order of dates from an unambiguous one.
func (s *Stamps) learn(t *Stamp) {
	switch t.Order {
	case DayThenMonth:
		s.DayFirst, s.orderKnown = true, true
	case MonthThenDay:
		s.DayFirst, s.orderKnown = false, true
	case EitherOrder:
		if t.Hint != noHint && !s.orderKnown {
			s.DayFirst = t.Hint == DayHint
		}
	}
}

// order is the order of day and month in a date with slashes that ends with the year.
type order uint8

const (
	noOrder order = iota // not such a date, or both numbers are the same
	EitherOrder
	DayThenMonth
	MonthThenDay
)

// value reads a time from a field: text in any format of a line's beginning, a date
// alone, or seconds, ms, µs or ns since 1970 by the size of the number. The whole value
// must be a time.
func (s *Stamps) value(v string) int64 {
	if ms, n := s.AnyTime([]byte(v)); n > 0 && n >= len(strings.TrimRight(v, " ")) {
		return ms
	}
	if ms := s.dateAlone(v); ms != Unset {
		return ms
	}
	if strings.ContainsAny(v, "eE") {
		return fromFloat(v)
	}
	whole, frac, _ := strings.Cut(v, ".")
	if len(whole) < 9 || len(whole) > 19 {
		return Unset
	}
	var n int64
	for i := range len(whole) {
		if !Digit(whole[i]) {
			return Unset
		}
		n = n*10 + int64(whole[i]-'0')
	}
	switch {
	case len(whole) <= 10:
		ms, _ := fraction([]byte("."+frac), 0)
		return n*1000 + int64(ms)
	case len(whole) <= 13:
		return n
	case len(whole) <= 16:
		return n / 1000
	}
	return n / 1_000_000
}

// dateAlone reads "2026-01-29".
func (s *Stamps) dateAlone(v string) int64 {
	if len(v) != 10 || v[4] != '-' || v[7] != '-' {
		return Unset
	}
	b := []byte(v)
	t := Stamp{Year: digits4(b), month: digits2(b[5:]), day: digits2(b[8:])}
	if t.Year|t.month|t.day < 0 {
		return Unset
	}
	return s.Millis(&t)
}

// fromFloat reads seconds since 1970 in the form 1.769659200123e9.
func fromFloat(v string) int64 {
	seconds, err := strconv.ParseFloat(v, 64)
	if err != nil || seconds < firstEpoch || seconds > lastEpoch {
		return Unset
	}
	return int64(seconds*1000 + 0.5)
}

// Digit tells whether c is an ASCII digit.
func Digit(c byte) bool { return c-'0' < 10 }

// digits2 is the number in the first two bytes; negative without one.
func digits2(b []byte) int {
	_ = b[1]
	if !Digit(b[0]) || !Digit(b[1]) {
		return -1
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

func digits4(b []byte) int {
	high := digits2(b)
	low := digits2(b[2:])
	if high < 0 || low < 0 {
		return -1
	}
	return high*100 + low
}
