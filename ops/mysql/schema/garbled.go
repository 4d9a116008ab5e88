package schema

import (
	"strings"
	"unicode/utf8"
)

// Ungarbled undoes one more reading of a text by MySQL. MySQL 8 and 9 store the non-ASCII
// text of a comparison with binary in a view, as in BINARY name = '张三', as one character a
// byte, so that the view finds nothing. Each time such a view is created from what SHOW CREATE
// VIEW shows, this happens again. The text is unchanged if it has no such part.
func Ungarbled(text string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		n := strings.IndexFunc(rest, high)
		if n < 0 {
			n = len(rest)
		}
		b.WriteString(rest[:n])
		rest = rest[n:]
		n = strings.IndexFunc(rest, func(r rune) bool { return !high(r) })
		if n < 0 {
			n = len(rest)
		}
		b.WriteString(ungarbled(rest[:n]))
		rest = rest[n:]
	}
	return b.String()
}

func high(r rune) bool { return r >= utf8.RuneSelf }

func ungarbled(run string) string {
	bytes := make([]byte, 0, len(run))
	for _, r := range run {
		if r > 0xff {
			return run
		}
		bytes = append(bytes, byte(r))
	}
	if !utf8.Valid(bytes) {
		return run
	}
	return string(bytes)
}

// Runnable is an object's statement as its server can run it: under HIGH_NOT_PRECEDENCE,
// MySQL cannot parse the default that it shows for an event.
func Runnable(kind, sqlMode, create string) string {
	if kind != "event" || !strings.Contains(sqlMode, "HIGH_NOT_PRECEDENCE") {
		return create
	}
	return strings.Replace(create, " ON COMPLETION NOT PRESERVE", "", 1)
}
