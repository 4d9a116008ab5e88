package human

import (
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1023: "1023 B", 1024: "1.0 KiB", 1500: "1.5 KiB",
		665 << 20: "665 MiB", 1<<20 - 1: "1.0 MiB", 1 << 62: "4.0 EiB", -2048: "-2.0 KiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 850 * time.Millisecond: "850 ms",
		4200 * time.Millisecond: "4.2 s",
		200 * time.Second:       "3 m 20 s", 3*time.Hour + 12*time.Minute: "3 h 12 m", 24 * time.Hour: "1 d",
		122 * time.Hour:          "5 d 2 h",
		59600 * time.Millisecond: "1 m", -90 * time.Second: "-1 m 30 s"} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 7500000: "7,500,000", -1234: "-1,234"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for s, want := range map[string]int64{"512": 512, "64k": 65536, "1.5 GiB": 3 << 29, "10MB": 10 << 20, "0": 0} {
		got, err := ParseBytes(s)
		if err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "k", "-1", "1x", "1e300", "nan"} {
		if got, err := ParseBytes(s); err == nil {
			t.Errorf("ParseBytes(%q) = %d, want an error", s, got)
		}
	}
}

func TestAShareBelowItsLimitDoesNotReadAsTheLimit(t *testing.T) {
	for share, want := range map[float64]string{
		0.1999: "19.9 %", 0.196: "19.6 %", 0.19: "19 %", 0.2: "20 %", 0.204: "20 %", 0.199999: "19.9 %",
	} {
		if got := PercentUnder(share, 0.2); got != want {
			t.Errorf("%v: %s, want %s", share, got, want)
		}
	}
}
