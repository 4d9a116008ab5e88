package logs

import (
	"strings"
	"time"
)

// stamps reads the times that lines begin with. It remembers the last hour it
// computed, for the lines of a log mostly share one; so it is not safe for
// concurrent use.
type stamps struct {
	zone *time.Location
	now  time.Time // a time without a year lies before it

	dayFirst bool // 05/01/2026 is the fifth of January
	learns   bool // dayFirst is that of the last time that can only be so

	year, month, day, hour int
	base                   int64 // of that hour in zone, in ms
}

// unset is the time, in ms, of a line that says none.
const unset = -1 << 62

func (s *stamps) hourBase(year, month, day, hour int) int64 {
	if year != s.year || month != s.month || day != s.day || hour != s.hour || s.base == 0 {
		s.year, s.month, s.day, s.hour = year, month, day, hour
		s.base = time.Date(year, time.Month(month), day, hour, 0, 0, 0, s.zone).UnixMilli()
	}
	return s.base
}

// stamp is a time in text, in parts.
type stamp struct {
	year, month, day, hour, min, sec, ms int
	zoned                                bool
	offset                               int  // seconds east of UTC, when zoned
	either                               bool // month and day can be the other way round
}

func (s *stamps) millis(t *stamp) int64 {
	month, day := t.month, t.day
	if t.either && s.dayFirst {
		month, day = day, month
	}
	if month < 1 || month > 12 || day < 1 || day > 31 || t.hour > 24 || t.min > 59 || t.sec > 60 {
		return unset
	}
	rest := int64(t.min*60+t.sec)*1000 + int64(t.ms)
	if t.zoned {
		return civil(t.year, month, day)*86400000 + int64(t.hour)*3600000 + rest - int64(t.offset)*1000
	}
	return s.hourBase(t.year, month, day, t.hour) + rest
}

// civil is the number of days since 1970-01-01, by Howard Hinnant's
// days_from_civil.
func civil(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	return int64(era)*146097 + int64(yoe*365+yoe/4-yoe/100+doy) - 719468
}

// iso reads into t "2026-01-29T12:00:00.123Z" and its kin from the beginning of b: T or
// a space between, / for -, a comma for the point, a zone or none; behind a space
// the hour may have one digit, as in Japanese. n is how many bytes it took, 0 when
// there is no such time.
func iso(b []byte, t *stamp) (n int) {
	if len(b) < 18 || b[4] != '-' && b[4] != '/' || b[7] != b[4] || b[10] != 'T' && b[10] != ' ' {
		return 0
	}
	*t = stamp{}
	if t.year, t.month, t.day = digits4(b), digits2(b[5:]), digits2(b[8:]); t.year|t.month|t.day < 0 {
		return 0
	}
	if n = t.clock(b, 11); n == 0 || n == 18 && b[10] == 'T' {
		return 0
	}
	t.ms, n = fraction(b, n)
	t.zoned, t.offset, n = zoneAt(b, n)
	return n
}

// clock reads "12:00:00" or "2:00:00" at n and returns where it ends, or 0.
func (t *stamp) clock(b []byte, n int) int {
	if n+1 < len(b) && b[n+1] == ':' {
		if t.hour = -1; digit(b[n]) {
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

// us reads into t "01/29/2026, 2:00:00 PM", as Nest writes it in its default locale, and
// with the day first where the first number cannot be a month or the parts are
// set off by dots, as in German. Where neither that nor AM or PM tells, either is
// set: the month is taken for the first.
func us(b []byte, t *stamp) (n int) {
	if len(b) < 18 || b[2] != '/' && b[2] != '.' || b[5] != b[2] {
		return 0
	}
	*t = stamp{}
	t.month, t.day, t.year = digits2(b), digits2(b[3:]), digits4(b[6:])
	n = 10
	if b[n] == ',' {
		n++
	}
	if b[n] != ' ' || t.year|t.month|t.day < 0 {
		return 0
	}
	if n = t.clock(b, n+1); n == 0 {
		return 0
	}
	if t.month > 12 || b[2] == '.' {
		t.month, t.day = t.day, t.month
	}
	half, n := meridiem(b, n)
	t.either = half == 0 && b[2] == '/' && t.month <= 12 && t.day <= 12 && t.month != t.day
	switch {
	case half == 'A' && t.hour == 12:
		t.hour = 0
	case half == 'P' && t.hour < 12:
		t.hour += 12
	}
	return n
}

// meridiem reads " PM", also with the narrow space that newer Node writes.
func meridiem(b []byte, n int) (half byte, end int) {
	i := n
	switch {
	case i < len(b) && b[i] == ' ':
		i++
	case i+2 < len(b) && b[i] == 0xe2 && b[i+1] == 0x80 && b[i+2] == 0xaf:
		i += 3
	default:
		return 0, n
	}
	if i+1 < len(b) && (b[i] == 'A' || b[i] == 'P') && b[i+1] == 'M' {
		return b[i], i + 2
	}
	return 0, n
}

// fraction reads ".123" or ",123456" at n, in ms.
func fraction(b []byte, n int) (ms, end int) {
	if n+1 >= len(b) || b[n] != '.' && b[n] != ',' || !digit(b[n+1]) {
		return 0, n
	}
	scale := 100
	for n++; n < len(b) && digit(b[n]); n++ {
		ms += int(b[n]-'0') * scale
		scale /= 10
	}
	return ms, n
}

// zoneAt reads "Z", "+08:00", "+0800", " +08:00" or " UTC" at n.
func zoneAt(b []byte, n int) (zoned bool, offset, end int) {
	if n < len(b) && b[n] == 'Z' {
		return true, 0, n + 1
	}
	i := n
	if i < len(b) && b[i] == ' ' {
		i++
		if i+3 <= len(b) && string(b[i:i+3]) == "UTC" {
			return true, 0, i + 3
		}
	}
	if i+5 > len(b) || b[i] != '+' && b[i] != '-' {
		return false, 0, n
	}
	h, rest := digits2(b[i+1:]), b[i+3:]
	size := 5
	if rest[0] == ':' {
		rest, size = rest[1:], 6
	}
	if len(rest) < 2 || h < 0 || digits2(rest) < 0 {
		return false, 0, n
	}
	offset = h*3600 + digits2(rest)*60
	if b[i] == '-' {
		offset = -offset
	}
	return true, offset, i + size
}

var months = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// syslog reads "Jan 29 12:00:00", which has no year: the latest one that does
// not lie more than a day ahead of now.
func (s *stamps) syslog(b []byte) (t stamp, n int) {
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
	return s.withYear(t), 15
}

// short reads "01-29 12:00:00", which has no year either.
func (s *stamps) short(b []byte) (t stamp, n int) {
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

func (s *stamps) withYear(t stamp) stamp {
	t.year = s.now.In(s.zone).Year()
	if s.millis(&t) > s.now.Add(24*time.Hour).UnixMilli() {
		t.year--
	}
	return t
}

// any reads whichever time b begins with, a time without a year too.
func (s *stamps) any(b []byte) (ms int64, n int) {
	if len(b) == 0 {
		return unset, 0
	}
	var t stamp
	n = iso(b, &t)
	if n == 0 {
		if n = us(b, &t); n > 0 && s.learns {
			s.learn(b[:n], &t)
		}
	}
	if n == 0 {
		t, n = s.syslog(b)
	}
	if n == 0 {
		t, n = s.short(b)
	}
	if n == 0 {
		return unset, 0
	}
	return s.millis(&t), n
}

// learn takes the order of dates from one that tells it.
func (s *stamps) learn(text []byte, t *stamp) {
	switch orderOf(text, t) {
	case dayThenMonth:
		s.dayFirst = true
	case monthThenDay:
		s.dayFirst = false
	}
}

// order is the order of day and month in a date with slashes.
type order uint8

const (
	noOrder order = iota // it is no such date
	eitherOrder
	dayThenMonth
	monthThenDay
)

// orderOf tells the order in a date that us read. AM and PM only follow a month.
func orderOf(text []byte, t *stamp) order {
	switch {
	case text[2] != '/':
		return noOrder
	case t.either:
		return eitherOrder
	case digits2(text) > 12:
		return dayThenMonth
	case digits2(text[3:]) > 12 || text[len(text)-1] == 'M':
		return monthThenDay
	}
	return noOrder
}

// value reads a time out of a field: ISO text, or seconds, ms, µs or ns since
// 1970 by the size of the number.
func (s *stamps) value(v string) int64 {
	if ms, n := s.any([]byte(v)); n > 0 {
		return ms
	}
	whole, frac, _ := strings.Cut(v, ".")
	if len(whole) < 9 || len(whole) > 19 {
		return unset
	}
	var n int64
	for i := range len(whole) {
		if !digit(whole[i]) {
			return unset
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

func digit(c byte) bool { return c-'0' < 10 }

// digits2 is the number in the first two bytes, or negative.
func digits2(b []byte) int {
	_ = b[1]
	if !digit(b[0]) || !digit(b[1]) {
		return -1
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

func digits4(b []byte) int {
	high, low := digits2(b), digits2(b[2:])
	if high < 0 || low < 0 {
		return -1
	}
	return high*100 + low
}
