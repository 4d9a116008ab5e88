package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// assignSigns separate a name from its value.
var assignSigns = []string{"=", ":", "：", "＝", "%3a", "%3A", "%3d", "%3D"}

// maskAssigned masks the values of names that hold secrets: name=value, "name": "value",
// name: value, also with the quotes escaped or percent-encoded.
func maskAssigned(s string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); {
		sign := signAt(s, i)
		if sign == "" {
			i++
			continue
		}
		name, quoted := nameBefore(s[done:i])
		i += len(sign)
		if name == "" || !SecretName(name) {
			continue
		}
		from, to, with := valueAfter(s, i, sign, quoted)
		if from == to || isPlain(name, s[from:to]) {
			continue
		}
		out.WriteString(s[done:from])
		out.WriteString(with)
		done = to
		i = to
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

func signAt(s string, i int) string {
	switch s[i] {
	case '=', ':', '%', 0xef:
	default:
		return ""
	}
	for _, sign := range assignSigns {
		if strings.HasPrefix(s[i:], sign) {
			return sign
		}
	}
	return ""
}

// nameBefore is the name at the end of s, and the quote after it, if there is one.
func nameBefore(s string) (name, quote string) {
	s = strings.TrimRight(s, " \t")
	end := len(s)
	switch {
	case strings.HasSuffix(s, "%22"), strings.HasSuffix(s, "%27"):
		end -= 3
	case end > 0 && strings.IndexByte("\"'`", s[end-1]) >= 0:
		end--
		for end > 0 && s[end-1] == '\\' {
			end--
		}
	case end > 0 && s[end-1] == ']': // form[password]=
		end--
	}
	from := end
	for from > 0 {
		r, n := utf8.DecodeLastRuneInString(s[:from])
		if r != '_' && r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		from -= n
	}
	name = s[from:end]
	if from > 0 && s[from-1] == '%' && len(name) > 2 {
		name = name[2:]
	}
	return name, s[end:]
}

// valueAfter is where the value after a sign begins and ends, and what is put there.
func valueAfter(s string, i int, sign, nameQuote string) (from, to int, with string) {
	if sign == "=" && i < len(s) && s[i] == '>' {
		i++
	}
	for i < len(s) && unicode.IsSpace(rune(s[i])) {
		i++
	}
	if i < len(s) && s[i] == '[' && i+1 < len(s) && strings.IndexByte(`"'\`, s[i+1]) >= 0 {
		i++ // the first of a list
	}
	if open := quoteAt(s[i:]); open != "" {
		from = i + len(open)
		return from, from + quotedEnd(s[from:], open), Mask
	}
	to = i + bareEnd(s[i:], sign)
	if nameQuote == `"` {
		if n := numberEnd(s[i:to]); n > 0 {
			return i, i + n, `"` + Mask + `"`
		}
	}
	return i, to, Mask
}

// quoteAt is the quote, with the backslashes before it, that a text begins with.
func quoteAt(s string) string {
	if strings.HasPrefix(s, "%22") || strings.HasPrefix(s, "%27") {
		return s[:3]
	}
	n := 0
	for n < len(s) && s[n] == '\\' {
		n++
	}
	if n < len(s) && strings.IndexByte("\"'`", s[n]) >= 0 {
		return s[:n+1]
	}
	return ""
}

// quotedEnd is the length of a quoted value up to its closing quote. One that was cut goes
// to the end.
func quotedEnd(s, quote string) int {
	if quote[0] == '%' {
		if at := strings.Index(s, quote); at >= 0 {
			return at
		}
		return len(s)
	}
	mark := quote[len(quote)-1]
	slashes := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			slashes++
			continue
		case mark:
			// One that is escaped within has more backslashes than the quote that opened.
			if slashes == len(quote)-1 || slashes%2 == 0 && len(quote) == 1 {
				return i - min(slashes, len(quote)-1)
			}
		}
		slashes = 0
	}
	return len(s)
}

// bareEnd is the length of a value without quotes.
func bareEnd(s, sign string) int {
	end := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("&,;\"'，；。、", r)
	})
	if end < 0 {
		end = len(s)
	}
	if end < len(s) && s[end] == '"' { // a quote that is escaped is no part of the value
		end = len(strings.TrimRight(s[:end], `\`))
	}
	if sign[0] == '%' {
		for _, stop := range []string{"%26", "%22", "%2C", "%2c"} {
			if at := strings.Index(s[:end], stop); at >= 0 {
				end = at
			}
		}
	}
	return end
}

// numberEnd is the length of a JSON number; 0 where it is none.
func numberEnd(s string) int {
	end := len(s) - len(strings.TrimLeft(s, "+-.eE0123456789"))
	if end < len(s) && strings.IndexByte("}]", s[end]) < 0 || strings.Trim(s[:end], "+-.eE") == "" {
		return 0
	}
	return end
}

// isPlain tells whether a value is none of a secret: null, a count such as "pass: 5", or
// one that is masked already.
func isPlain(name, value string) bool {
	switch bare := strings.TrimRight(value, ")}]"); bare {
	case "null", "undefined", "true", "false", "nil", "***", Mask:
		return true
	case "":
		return true
	}
	if value[0] == '=' || value == "{" || value == "[" || value[0] == 0 {
		return true
	}
	flat := flatten(name)
	if !strings.HasSuffix(flat, "pass") && !strings.HasSuffix(flat, "sig") {
		return false
	}
	value = strings.TrimRight(value, "%.)}]")
	return len(value) <= 3 && strings.Trim(value, "0123456789") == ""
}
