package audit

import (
	"fmt"
	"time"
)

// zeroDate is the stamp of '0000-00-00 …', a moment that is not one: after
// NULL, before all others, as the server sorts it.
const zeroDate = NoStamp + 1

const stampLayout = "2006-01-02 15:04:05.000000"

// ParseStamp reads a time as the server prints it, "2026-01-29 12:00:00" with
// up to six digits of a fraction, or a bare date.
func ParseStamp(s string) (Stamp, error) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, fmt.Errorf("%q is not a time of the server", s)
	}
	var p [7]int // year month day hour minute second micro
	ok := digits(s[0:4], &p[0]) && digits(s[5:7], &p[1]) && digits(s[8:10], &p[2])
	if ok && len(s) >= 19 {
		ok = digits(s[11:13], &p[3]) && digits(s[14:16], &p[4]) && digits(s[17:19], &p[5])
		if ok && len(s) > 20 {
			ok = fraction(s[20:], &p[6])
		}
	}
	if !ok {
		return 0, fmt.Errorf("%q is not a time of the server", s)
	}
	if p[1] == 0 || p[2] == 0 {
		return zeroDate, nil
	}
	days := daysFromCivil(p[0], p[1], p[2])
	return Stamp(((int64(days)*24+int64(p[3]))*60+int64(p[4]))*60+int64(p[5]))*1e6 + Stamp(p[6]), nil
}

func digits(s string, n *int) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return false
		}
		*n = *n*10 + int(c)
	}
	return true
}

func fraction(s string, n *int) bool {
	if len(s) > 6 {
		s = s[:6]
	}
	if !digits(s, n) {
		return false
	}
	for i := len(s); i < 6; i++ {
		*n *= 10
	}
	return true
}

// daysFromCivil counts days since 1970-01-01 in the proleptic Gregorian
// calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
func daysFromCivil(y, m, d int) int {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	shift := -3
	if m <= 2 {
		shift = 9
	}
	doy := (153*(m+shift)+2)/5 + d - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// String writes the stamp as a literal's text for the server, without a zone.
// Stamps beyond the server's range are cut to it.
func (s Stamp) String() string {
	const first, last = Stamp(-62135596800 * 1e6), Stamp(253402300799*1e6 + 999999)
	return time.UnixMicro(int64(min(max(s, first), last))).UTC().Format(stampLayout)
}

// Moment is the stamp as a moment, for a column whose clock runs in zone; the
// zero Time for NULL and zero dates.
func (s Stamp) Moment(zone *time.Location) time.Time {
	if s <= zeroDate {
		return time.Time{}
	}
	t := time.UnixMicro(int64(s)).UTC()
	if zone == time.UTC {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
}

// StampOf is the stamp of a moment on the clock of a column in zone.
func StampOf(t time.Time, zone *time.Location) Stamp {
	t = t.In(zone)
	return Stamp(
		time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).UnixMicro(),
	)
}
