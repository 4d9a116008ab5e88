package line

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Unit is what a number in a log counts.
type Unit uint8

// The units that numbers are converted to.
const (
	Plain  Unit = iota // the log names none
	Millis             // ms of a duration
	Bytes
)

// units are how logs write units, in lower case, and how much one is in ms or bytes.
// Sizes are by 1024 throughout, as everywhere in this program.
var units = map[string]struct {
	unit Unit
	size float64
}{
	"ns": {Millis, 1e-6}, "nsec": {Millis, 1e-6},
	"us": {Millis, 1e-3}, "µs": {Millis, 1e-3}, "μs": {Millis, 1e-3}, "usec": {Millis, 1e-3},
	"ms": {Millis, 1}, "msec": {Millis, 1}, "msecs": {Millis, 1}, "millis": {Millis, 1}, "milliseconds": {Millis, 1},
	"s": {Millis, 1e3}, "sec": {Millis, 1e3}, "secs": {Millis, 1e3}, "second": {Millis, 1e3}, "seconds": {Millis, 1e3},
	"m": {Millis, 60e3}, "min": {Millis, 60e3}, "mins": {Millis, 60e3}, "minutes": {Millis, 60e3},
	"h": {Millis, 3600e3}, "hour": {Millis, 3600e3}, "hours": {Millis, 3600e3},
	"d": {Millis, 86400e3}, "day": {Millis, 86400e3}, "days": {Millis, 86400e3},
	"毫秒": {Millis, 1}, "秒": {Millis, 1e3}, "分钟": {Millis, 60e3},
	"b": {Bytes, 1}, "byte": {Bytes, 1}, "bytes": {Bytes, 1}, "字节": {Bytes, 1},
	"kb": {Bytes, 1 << 10}, "kib": {Bytes, 1 << 10}, "mb": {Bytes, 1 << 20}, "mib": {Bytes, 1 << 20},
	"gb": {Bytes, 1 << 30}, "gib": {Bytes, 1 << 30}, "tb": {Bytes, 1 << 40}, "tib": {Bytes, 1 << 40},
}

// Quantity reads a number with its unit: "63", "1.5e3", "800ms", "1.2 s", "1m30s",
// "250µs", "12 kB". Durations are given in ms and sizes in bytes.
func Quantity(text string) (v float64, unit Unit, ok bool) {
	text = strings.TrimSpace(text)
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v, Plain, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	sign := 1.0
	if rest, minus := strings.CutPrefix(text, "-"); minus {
		text = rest
		sign = -1
	}
	for n := 0; text != ""; n++ {
		size, of, rest, ok := quantityPart(text)
		if !ok || n > 0 && (of != Millis || unit != Millis) {
			return 0, Plain, false
		}
		v = v + size
		unit = of
		text = rest
	}
	return sign * v, unit, unit != Plain && !math.IsInf(v, 0)
}

// quantityPart reads a number and the unit after it.
func quantityPart(text string) (v float64, unit Unit, rest string, ok bool) {
	n := 0
	for n < len(text) && (Digit(text[n]) || text[n] == '.') {
		n++
	}
	v, err := strconv.ParseFloat(text[:n], 64)
	if err != nil {
		return 0, Plain, "", false
	}
	text = strings.TrimLeft(text[n:], " ")
	end := 0
	for end < len(text) && (Letter(text[end]) || text[end] >= 0x80) {
		end++
	}
	u, ok := units[strings.ToLower(text[:end])]
	return v * u.size, u.unit, strings.TrimLeft(text[end:], " "), ok
}

// UnitOf is the unit that the name of a field says: took_ms, durationMs, bytes_sent.
func UnitOf(name string) Unit {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	lower := strings.ToLower(name)
	switch {
	case name == "took", lower == "ms", strings.HasSuffix(lower, "_ms"), strings.HasSuffix(name, "Ms"),
		strings.HasSuffix(lower, "millis"), strings.HasSuffix(lower, "milliseconds"):
		return Millis
	case lower == "bytes", strings.HasSuffix(lower, "_bytes"), strings.HasPrefix(lower, "bytes_"),
		strings.HasSuffix(name, "Bytes"):
		return Bytes
	}
	return Plain
}

// ValueOf is a regular expression for a value after its name in text that is no JSON, or
// in JSON within text; the group that matches is the value.
func ValueOf(name string) string {
	n := regexp.QuoteMeta(name)
	return `(?:^|[^\w.-])` + n + `\s?[=:]\s?(?:"([^"]*)"|'([^']*)'|([^\s,;&)\]}"']+))|` +
		`"` + n + `"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,}\]"]+))`
}
