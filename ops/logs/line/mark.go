package line

import (
	"bytes"
	"strconv"
)

// criticals are the errors that need immediate action.
var criticals = [...][]byte{
	[]byte("Unable to connect to the database"),
	[]byte("External API call failed"),
	[]byte("JavaScript heap out of memory"),
	[]byte("Unhandled exception"),
	[]byte("UnhandledPromiseRejection"),
}

// IsCritical tells whether a line contains a critical error.
func IsCritical(line []byte) bool {
	for _, c := range criticals {
		if bytes.Contains(line, c) {
			return true
		}
	}
	return false
}

// Critical tells whether the text contains an error that needs immediate action, and
// which.
func Critical(text string) (which string, ok bool) {
	for _, c := range criticals {
		if bytes.Contains([]byte(text), c) {
			return string(c), true
		}
	}
	return "", false
}

// SlowMS is the duration in ms from which an operation counts as slow.
const SlowMS = 1000

// tooks are the words before a duration, and its format there: with a unit, in seconds,
// or in ms.
var tooks = [...]struct {
	word []byte
	read func(b []byte) (ms int64)
}{
	{[]byte("took "), duration},
	{[]byte("# Query_time: "), inSeconds}, // MySQL and MariaDB
	{[]byte("request_time="), inSeconds},  // nginx, by its usual names
	{[]byte(`"request_time":`), inSeconds},
	{[]byte(" rt="), inSeconds},
	{[]byte(`"responseTime":`), inMillis}, // pino-http
}

// tookWays are the ways to state a duration: one bit for each of tooks, one for morgan's, one
// for access logs, one for Rails' and gin's, one for each of tookNames.
type tookWays uint16

const (
	morganWay    tookWays = 1 << len(tooks)
	accessWay             = morganWay << 1
	frameworkWay          = accessWay << 1
	nameWay               = frameworkWay << 1 // of the first of tookNames
	everyWay              = nameWay<<len(tookNames) - 1
)

// waysIn returns the ways in which a line states a duration.
func waysIn(line []byte) (ways tookWays) {
	for i := range tooks {
		if bytes.Contains(line, tooks[i].word) {
			ways |= 1 << i
		}
	}
	if _, ok := morganTook(line); ok {
		ways |= morganWay
	}
	if _, ok := accessTook(line); ok {
		ways |= accessWay
	}
	for i := range tookNames {
		if namedTook(line, &tookNames[i]) >= 0 {
			ways |= nameWay << i
		}
	}
	if max(railsTook(line), ginTook(line)) >= 0 {
		ways |= frameworkWay
	}
	return ways
}

// Took reads a duration in ms: "took 1234ms" (also "took 1.2s"), the query time of a
// slow log, the request time of an access log, elapsed=1.2s. It is -1 when the text has none, and the
// longest of several.
func Took(text []byte) (ms int64) { return everyWay.took(text) }

func (w tookWays) took(text []byte) (ms int64) {
	ms = -1
	for i := range tooks {
		for rest := text; w&(1<<i) != 0; {
			at := bytes.Index(rest, tooks[i].word)
			if at < 0 {
				break
			}
			rest = rest[at+len(tooks[i].word):]
			ms = max(ms, tooks[i].read(rest))
		}
	}
	if w&morganWay != 0 {
		if v, ok := morganTook(text); ok {
			ms = max(ms, v)
		}
	}
	if w&accessWay != 0 {
		if v, ok := accessTook(text); ok {
			ms = max(ms, int64(v))
		}
	}
	for i := 0; w >= nameWay && i < len(tookNames); i++ {
		if w&(nameWay<<i) != 0 {
			ms = max(ms, namedTook(text, &tookNames[i]))
		}
	}
	if w&frameworkWay != 0 {
		ms = max(ms, railsTook(text), ginTook(text))
	}
	return ms
}

// inSeconds reads "2.511853", also quoted, and returns ms, or -1.
func inSeconds(b []byte) int64 {
	if v, ok := number(b); ok {
		return int64(v * 1000)
	}
	return -1
}

// inMillis reads "12.5" as ms, or a number with its unit, also quoted; or -1.
func inMillis(b []byte) int64 {
	if ms := duration(bytes.TrimLeft(b, ` "`)); ms >= 0 {
		return ms
	}
	if v, ok := number(b); ok {
		return int64(v)
	}
	return -1
}

// number reads an unsigned decimal number, also quoted.
func number(b []byte) (v float64, ok bool) {
	b = bytes.TrimLeft(b, ` "`)
	n := 0
	for n < len(b) && n < 20 && (Digit(b[n]) || b[n] == '.') {
		n++
	}
	v, err := strconv.ParseFloat(string(b[:n]), 64)
	return v, err == nil
}

// morganTook reads the time of morgan's dev form, "GET /orders 200 12.3 ms - 15".
func morganTook(line []byte) (ms int64, ok bool) {
	i := bytes.Index(line, []byte(" ms - "))
	if i < 0 {
		return 0, false
	}
	start := bytes.LastIndexByte(line[:i], ' ') + 1
	v, err := strconv.ParseFloat(string(line[start:i]), 64)
	return int64(v), err == nil
}

// duration reads "1234ms", "1234 ms", "1.5s" at the beginning of b, or -1.
func duration(b []byte) int64 {
	var whole, frac, scale int64 = 0, 0, 1
	i := 0
	for ; i < len(b) && i < 15 && Digit(b[i]); i++ {
		whole = whole*10 + int64(b[i]-'0')
	}
	if i == 0 {
		return -1
	}
	if i+1 < len(b) && b[i] == '.' && Digit(b[i+1]) {
		for i++; i < len(b) && Digit(b[i]); i++ {
			if scale < 1000 {
				frac = frac*10 + int64(b[i]-'0')
				scale = scale * 10
			}
		}
	}
	if i < len(b) && b[i] == ' ' {
		i++
	}
	switch rest := b[i:]; {
	case bytes.HasPrefix(rest, []byte("ms")):
		return whole
	case len(rest) > 0 && rest[0] == 's' && (len(rest) == 1 || !Letter(rest[1])):
		return whole*1000 + frac*1000/scale
	}
	return -1
}

// Letter tells whether c is an ASCII letter.
func Letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
