package line

import (
	"bytes"
	"time"

	"opsdeck/ops/logs"
)

// nest reads "[Nest] 12345  - 01/29/2026, 12:00:00 PM     LOG [Context] text +3ms", with
// the date of any locale, and nest-winston's line, which has no dash.
func (r headReader) nest(line []byte) (e logs.Event, ms int64, ok bool) {
	end := bytes.IndexByte(line, ']')
	if end < 0 {
		return e, Unset, false
	}
	pid := skipBlank(line, end+1)
	pidEnd := pid
	for pidEnd < len(line) && Digit(line[pidEnd]) {
		pidEnd++
	}
	i := skipBlank(line, pidEnd)
	if pidEnd == pid || i == pidEnd || i+2 > len(line) {
		return e, Unset, false
	}
	level, date, rest, named := nestLevel(line[i:])
	if line[i] == '-' {
		i = skipBlank(line, i+1)
	} else if !named {
		return e, Unset, false
	}
	if named {
		date = bytes.TrimLeft(date, "- ")
		ms, ok = r.nestDate(date)
	} else {
		var n int
		if ms, n = r.p.AnyTime(line[i:]); n == 0 {
			n = likeTime(line[i:])
		}
		ok = n > 0
		rest = bytes.TrimLeft(line[min(i+n, len(line)):], " ")
	}
	if !ok {
		return e, Unset, false
	}
	e = logs.Event{
		Format: logs.FormatNest,
		Level:  level,
		Fields: []logs.Field{{Key: "pid", Value: string(line[pid:pidEnd])}},
	}
	e.Context, e.Message = leadingContext(rest)
	e.Message, e.Fields = elapsed(e.Message, e.Fields)
	return e, ms, true
}

// likeTime is how many leading bytes would be a time with other digits: lines that
// differ only in digits are read alike, and an impossible date is a date whose time is
// unknown.
func likeTime(b []byte) int {
	text := bytes.Clone(b[:min(len(b), nestDateBytes)])
	fillTimes(text)
	_, n := NewParser(time.UTC, time.Unix(1<<31, 0)).AnyTime(text)
	return n
}

// fillTimes replaces digits by ones that are valid in every time format.
func fillTimes(text []byte) {
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && Digit(text[end]) {
			end++
		}
		switch run := text[i:end]; {
		case len(run) == 0:
			end++
		case len(run) == 6, len(run) == 12: // 010101 is a date and a time in any order
			copy(run, "010101010101")
		case len(run) >= 4:
			copy(run, "20260101010101")
		default:
			copy(run, "001"[3-len(run):])
		}
		i = end
	}
}

// nestLevels are the words that Nest prints, each after a space.
var nestLevels = [...]string{"LOG", "ERROR", "WARN", "DEBUG", "VERBOSE", "FATAL"}

// nestDateBytes limits the length of a date that Node prints, in bytes.
const nestDateBytes = 160

// nestLevel finds the level in the text after a process id, the date before it and the
// text after it.
func nestLevel(b []byte) (level logs.Level, date, rest []byte, ok bool) {
	at := -1
	word := ""
	for _, w := range nestLevels {
		i := bytes.Index(b[:min(len(b), nestDateBytes)], []byte(" "+w))
		if i < 0 || at >= 0 && i > at {
			continue
		}
		if end := i + 1 + len(w); end == len(b) || b[end] == ' ' {
			at, word = i, w
		}
	}
	if at < 0 {
		return logs.LevelUnknown, nil, nil, false
	}
	rest = bytes.TrimLeft(b[at+1+len(word):], " ")
	return logs.LevelWords[word], bytes.TrimRight(b[:at], " "), rest, true
}

// nestDate reads a text that is only a date. A text with the numbers of a date that is
// impossible is a date whose time is unknown.
func (r headReader) nestDate(date []byte) (ms int64, ok bool) {
	var t Stamp
	if r.p.Learns && iso(date, &t) == len(date) {
		switch t.yearOrder() {
		case DayThenMonth:
			r.p.YearDay = true
		case MonthThenDay:
			r.p.YearDay = false
		}
	}
	if ms, n := r.p.AnyTime(date); n > 0 && n == len(date) {
		return ms, true
	}
	if !localeDate(date, &t) {
		return Unset, digitsInText(date) >= 6
	}
	if r.p.Learns {
		r.p.learn(&t)
	}
	r.p.Seen = t
	return r.p.Millis(&t), true
}

// digitsInText counts decimal digits of any script.
func digitsInText(b []byte) int {
	n := 0
	for _, r := range string(b) {
		if digitValue(r) >= 0 {
			n++
		}
	}
	return n
}
