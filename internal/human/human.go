// Package human writes sizes, durations, rates and counts the way the console
// and the commands show them. JSON never carries these forms.
package human

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes writes a size in powers of 1024 with three significant digits at most:
// "0 B", "999 B", "1.4 KiB", "665 MiB".
func Bytes(n int64) string {
	if n < 0 {
		return "-" + Bytes(-n)
	}
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v := float64(n)
	unit := -1
	for v >= 1023.5 && unit < 5 {
		v /= 1024
		unit++
	}
	return digits(v) + " " + "KMGTPE"[unit:unit+1] + "iB"
}

// Rate writes bytes per second: "12.3 MiB/s".
func Rate(bytesPerSecond float64) string {
	if math.IsNaN(bytesPerSecond) || math.IsInf(bytesPerSecond, 0) || bytesPerSecond < 0 {
		return "–"
	}
	return Bytes(int64(bytesPerSecond)) + "/s"
}

func digits(v float64) string {
	if v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Count groups thousands: "7,500,000".
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Milliseconds is Duration of so many ms.
func Milliseconds(n int64) string { return Duration(time.Duration(n) * time.Millisecond) }

// Duration writes a span with its two largest units: "850 ms", "4.2 s",
// "3 m 20 s", "3 h 12 m", "5 d 2 h". Negative spans get a minus.
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-d)
	}
	switch {
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return pair(s, 60, "m", "s", 1)
	case s < 86400:
		return pair(s, 3600, "h", "m", 60)
	}
	return pair(s, 86400, "d", "h", 3600)
}

func pair(s, big int64, bigUnit, smallUnit string, small int64) string {
	rest := s % big / small
	if rest == 0 {
		return fmt.Sprintf("%d %s", s/big, bigUnit)
	}
	return fmt.Sprintf("%d %s %d %s", s/big, bigUnit, rest, smallUnit)
}

// Clock writes a running time as a stopwatch does: "0:04", "12:30", "1:02:03".
func Clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Percent writes a share of 1 as "0 %", "7.5 %", "100 %".
func Percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return "–"
	}
	return strings.TrimSuffix(digits(share*100), ".0") + " %"
}

// PercentUnder is Percent for a share beside its limit: one that is below it never reads as the
// limit itself, "19.9 %" and not "20 %".
func PercentUnder(share, limit float64) string {
	text := Percent(share)
	if share < limit && text == Percent(limit) {
		return strconv.FormatFloat(math.Floor(share*1000)/10, 'f', 1, 64) + " %"
	}
	return text
}

// ParseBytes reads a size as people write it: "512", "64k", "1.5 GiB", "10MB".
// Powers of 1024 throughout.
func ParseBytes(s string) (int64, error) {
	t := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), " ", ""))
	t = strings.TrimSuffix(strings.TrimSuffix(t, "b"), "i")
	mult := int64(1)
	if t != "" {
		if i := strings.IndexByte("kmgtp", t[len(t)-1]); i >= 0 {
			mult <<= 10 * (i + 1)
			t = t[:len(t)-1]
		}
	}
	v, err := strconv.ParseFloat(t, 64)
	if err != nil || v < 0 || math.IsNaN(v) || v*float64(mult) > math.MaxInt64/2 {
		return 0, fmt.Errorf("size %q: want a number with k, M, G or T behind it", s)
	}
	return int64(v * float64(mult)), nil
}

// Moment is a moment in local time, with its offset, as a report writes it.
func Moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -07:00") }
