package line

import (
	"bytes"
	"strings"

	"opsdeck/ops/logs"
)

// postgresWords are the words with which PostgreSQL begins a message; those of the lines that
// belong to the message before have no level (src/backend/utils/error/elog.c, error_severity).
var postgresWords = map[string]logs.Level{
	"DEBUG": logs.LevelDebug, "DEBUG1": logs.LevelDebug, "DEBUG2": logs.LevelDebug, "DEBUG3": logs.LevelDebug,
	"DEBUG4": logs.LevelDebug, "DEBUG5": logs.LevelDebug, "LOG": logs.LevelInfo, "INFO": logs.LevelInfo,
	"NOTICE": logs.LevelInfo, "WARNING": logs.LevelWarn, "ERROR": logs.LevelError, "FATAL": logs.LevelFatal,
	"PANIC": logs.LevelFatal, "STATEMENT": logs.LevelUnknown, "DETAIL": logs.LevelUnknown, "HINT": logs.LevelUnknown,
	"CONTEXT": logs.LevelUnknown, "LOCATION": logs.LevelUnknown, "QUERY": logs.LevelUnknown,
	"BACKTRACE": logs.LevelUnknown,
}

// prefixBytes is how long a log_line_prefix may be.
const prefixBytes = 400

// postgres reads what follows the time where log_line_prefix goes on: "[12] ERROR:  text" as it
// is by default, "[12] u@d ERROR:  text" of Debian, "[12]: [3-1] user=u,db=d,app=a,client=c ERROR:
// text" as pgBadger asks for it, ":c(5):u@d:[12]:ERROR:  text" of Amazon RDS.
func (r bodyReader) postgres(rest []byte) (e logs.Event, ok bool) {
	at := bytes.Index(rest[:min(len(rest), prefixBytes)], []byte(":  "))
	if at < 3 {
		return e, false
	}
	start := bytes.LastIndexAny(rest[:at], " :") + 1
	before := rest[:start]
	level, ok := postgresWords[string(rest[start:at])]
	belongs := level == logs.LevelUnknown
	pid := postgresPid(before)
	if !ok || len(pid) == 0 && !bytes.Contains(before, []byte("user=")) && !(belongs && len(before) == 0) {
		return e, false
	}
	r.p.read.session, r.p.read.belongs = true, belongs
	e = logs.Event{Format: logs.FormatText, Level: level, Message: string(rest[at+3:])}
	if belongs {
		e.Message = string(rest[start:])
	}
	if len(pid) > 0 {
		e.Fields = append(e.Fields, logs.Field{Key: "pid", Value: string(pid)})
	}
	e.Fields = append(e.Fields, postgresWho(string(before))...)
	return e, true
}

// postgresWho reads who is connected from a prefix: "user=u,db=d,app=a,client=c", or "u@d".
func postgresWho(prefix string) (who []logs.Field) {
	add := func(key, value string) {
		if value != "" && value != "[unknown]" {
			who = append(who, logs.Field{Key: key, Value: value})
		}
	}
	if _, pairs, ok := strings.Cut(prefix, "user="); ok {
		for pair := range strings.SplitSeq("user="+strings.TrimSpace(pairs), ",") {
			key, value, _ := strings.Cut(pair, "=")
			add(key, value)
		}
		return who
	}
	for _, word := range strings.FieldsFunc(prefix, func(c rune) bool { return c == ' ' || c == ':' }) {
		if user, db, ok := strings.Cut(word, "@"); ok {
			add("user", user)
			add("db", db)
		}
	}
	return who
}

// postgresPid is the process of a session in a prefix: "[12]", or "[12-3]" with the number of
// the line; nil where there is none.
func postgresPid(prefix []byte) (pid []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(prefix[at:], '[')
		if i < 0 {
			return pid
		}
		at += i + 1
		n := digitsAt(prefix, at)
		switch end := at + n; {
		case n == 0 || end >= len(prefix):
		case prefix[end] == ']':
			return prefix[at:end]
		case prefix[end] == '-' && pid == nil:
			if more := digitsAt(prefix, end+1); more > 0 && bytes.HasPrefix(prefix[end+1+more:], []byte{']'}) {
				pid = prefix[at:end]
			}
		}
	}
}

// digitsAt is the number of digits from i on.
func digitsAt(b []byte, i int) (n int) {
	for i+n < len(b) && Digit(b[i+n]) {
		n++
	}
	return n
}

// sessionOf is the session that wrote a line of PostgreSQL, 0 where the line does not say.
func sessionOf(raw []byte) (session uint32) {
	raw = raw[:min(len(raw), 2*prefixBytes)]
	end := bytes.Index(raw, []byte(":  "))
	for _, c := range postgresPid(raw[:max(end, 0)]) {
		session = session*10 + uint32(c-'0')
	}
	return session
}

// postgresCSV reads the columns after the time of csvlog: …,ERROR,42703,"text",… (PostgreSQL's
// manual, "Using CSV-Format Log Output").
func postgresCSV(rest []byte) (e logs.Event, ok bool) {
	head := rest[:min(len(rest), 512)]
	for i := bytes.IndexByte(head, ','); i >= 0; {
		word, after, more := bytes.Cut(head[i+1:], []byte{','})
		if !more {
			return e, false
		}
		level, known := postgresWords[string(word)]
		if text := i + 1 + len(word) + 1 + 6; known && len(after) > 7 && after[5] == ',' && after[6] == '"' {
			e = logs.Event{Format: logs.FormatText, Level: level}
			e.Fields = []logs.Field{{Key: "code", Value: string(after[:5])}}
			e.Message = csvText(rest[text:])
			return e, true
		}
		i += 1 + len(word)
	}
	return e, false
}

// csvText is the text of a quoted column; where it does not end, all of it.
func csvText(b []byte) string {
	var out strings.Builder
	for i := 1; i < len(b); i++ {
		if b[i] == '"' {
			if i+1 >= len(b) || b[i+1] != '"' {
				break
			}
			i++
		}
		out.WriteByte(b[i])
	}
	return out.String()
}
