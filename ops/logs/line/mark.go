package line

import "bytes"

// criticals are the errors that need a person at once.
var criticals = [...][]byte{
	[]byte("Unable to connect to the database"),
	[]byte("External API call failed"),
	[]byte("JavaScript heap out of memory"),
	[]byte("Unhandled exception"),
	[]byte("UnhandledPromiseRejection"),
}

// IsCritical tells whether a line holds one of the critical errors.
func IsCritical(line []byte) bool {
	for _, c := range criticals {
		if bytes.Contains(line, c) {
			return true
		}
	}
	return false
}

// Critical tells whether the text holds one of the errors that need a person at
// once, and which.
func Critical(text string) (which string, ok bool) {
	for _, c := range criticals {
		if bytes.Contains([]byte(text), c) {
			return string(c), true
		}
	}
	return "", false
}

// SlowMS is how long an operation may take, in ms, before it counts as slow.
const SlowMS = 1000

var took = []byte("took ")

// Took reads "took 1234ms" (also "took 1.2s") out of a line; ms is -1 when it
// says no such thing. Of several the longest counts.
func Took(line []byte) (ms int64) {
	ms = -1
	for {
		i := bytes.Index(line, took)
		if i < 0 {
			return ms
		}
		line = line[i+len(took):]
		if v := duration(line); v > ms {
			ms = v
		}
	}
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
				frac, scale = frac*10+int64(b[i]-'0'), scale*10
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

// Letter tells whether c is one of a to z in either case.
func Letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
