package line

import (
	"strings"

	"opsdeck/internal/jsontext"
	"opsdeck/ops/logs"
)

// logfmt reads "time=… level=info msg="…" key=value".
func (p *Parser) logfmt(line string) (e logs.Event, ms int64, ok bool) {
	eq := strings.IndexByte(line, '=')
	if eq <= 0 || strings.ContainsAny(line[:eq], " \"{[(:") {
		return e, Unset, false
	}
	ms = Unset
	known := false
	for rest := line; rest != ""; {
		var key, value string
		key, value, rest, ok = logfmtPair(rest)
		if !ok {
			return logs.Event{}, Unset, false
		}
		switch key {
		case "":
		case "time", "ts", "timestamp", "t":
			ms = p.value(value)
			known = known || value != "" && Digit(value[0])
		case "level", "lvl", "severity":
			l, isLevel := logs.ParseLevel(value)
			e.Level, known = l, known || isLevel
		case "msg", "message":
			e.Message, known = value, true
			if at, ok := auditTime(value); ok && ms == Unset {
				ms = at
			}
		case "context", "logger", "module", "component":
			e.Context = value
		default:
			e.Fields = append(e.Fields, logs.Field{Key: key, Value: value})
		}
	}
	if !known {
		return logs.Event{}, Unset, false
	}
	e.Format = logs.FormatLogfmt
	return e, ms, true
}

// logfmtPair splits off the first pair; a word without = is a key with the value true.
func logfmtPair(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	i := strings.IndexAny(s, "= ")
	if i < 0 {
		return s, "true", "", true
	}
	if key = s[:i]; s[i] == ' ' {
		return key, "true", s[i:], true
	}
	if s = s[i+1:]; strings.HasPrefix(s, `"`) {
		end := jsontext.StringEnd(s, 0)
		if end < 0 {
			return "", "", "", false
		}
		return key, jsontext.Unquote(s[:end]), s[end:], true
	}
	value, rest, _ = strings.Cut(s, " ")
	return key, value, rest, true
}
