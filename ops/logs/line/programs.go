package line

import (
	"bytes"
	"strconv"

	"opsdeck/ops/logs"
)

// program reads the text after the time for programs with their own format there.
func (r bodyReader) program(rest []byte) (e logs.Event, ok bool) {
	if len(rest) == 0 {
		return e, false
	}
	if Digit(rest[0]) {
		if e, ok = mysqlError(rest); ok {
			return e, true
		}
		if e, ok = mysqlGeneral(rest); ok {
			return e, true
		}
	}
	if e, ok = goHTTP(rest); ok { // its "http:" is no level
		return e, true
	}
	if e, ok = r.pm2Daemon(rest); ok {
		return e, true
	}
	if e, ok = nodeConsole(rest); ok {
		return e, true
	}
	if e, ok = kernel(rest); ok {
		return e, true
	}
	if e, ok = nginxError(rest); ok {
		return e, true
	}
	if e, ok = apacheError(rest); ok {
		return e, true
	}
	if e, ok = r.server(rest); ok {
		return e, true
	}
	if len(rest) > 6 && rest[1] == '/' { // "V/Tag( 123): text" of logcat -v time
		if e, ok = logcat(rest); ok {
			return e, true
		}
	}
	if e, ok = r.w3c(rest); ok {
		return e, true
	}
	if e, ok = monolog(rest); ok {
		return e, true
	}
	if e, ok = dashed(rest); ok {
		return e, true
	}
	if e, ok = proxifier(rest); ok {
		return e, true
	}
	if e, ok = phpMessage(rest); ok {
		return e, true
	}
	if e, ok = dotnetConsole(rest); ok {
		return e, true
	}
	return r.relayed(rest)
}

// mysqlError reads "0 [ERROR] [MY-010068] [Server] text", the text after the time in the
// error logs of MySQL and MariaDB: the thread, the level and, in MySQL 8, a code and the
// subsystem.
func mysqlError(rest []byte) (e logs.Event, ok bool) {
	thread, after, _ := bytes.Cut(rest, []byte{' '})
	if !allDigits(thread) || len(after) < 6 || after[0] != '[' {
		return e, false
	}
	word, text, ok := bytes.Cut(after[1:], []byte("] "))
	if !ok {
		return e, false
	}
	switch string(word) {
	case "Note", "System", "Warning", "ERROR", "Error", "Information":
	default:
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Fields: []logs.Field{{Key: "thread", Value: string(thread)}}}
	e.Level, _ = logs.ParseLevel(string(word))
	if code, after, ok := bytes.Cut(text, []byte("] ")); ok && bytes.HasPrefix(code, []byte("[MY-")) {
		e.Fields = append(e.Fields, logs.Field{Key: "code", Value: string(code[1:])})
		text = after
		e.Context, e.Message = leadingContext(text)
		return e, true
	}
	e.Message = string(text)
	return e, true
}

// generalLog is the context of lines of the general log of MySQL and MariaDB.
const generalLog = "general log"

// generalCommands are the commands that a server writes there (sql/sql_parse.cc).
var generalCommands = [...]string{
	"Query", "Connect", "Quit", "Init DB", "Prepare", "Execute", "Close stmt", "Reset stmt", "Field List",
	"Change user", "Ping", "Statistics", "Kill", "Shutdown", "Refresh", "Create DB", "Drop DB", "Process List",
	"Long Data", "Fetch", "Binlog Dump", "Binlog Dump GTID", "Register Slave", "Register Replica", "Set option",
	"Daemon", "Sleep", "Debug", "Time", "Delayed insert", "Connect Out", "Reset Connection",
}

// mysqlGeneral reads "10 Query\tSELECT 1", the text after the time in the general log.
func mysqlGeneral(rest []byte) (e logs.Event, ok bool) {
	thread, after, _ := bytes.Cut(rest, []byte{' '})
	if !allDigits(thread) {
		return e, false
	}
	command, text, ok := bytes.Cut(after, []byte{'\t'})
	if !ok {
		return e, false
	}
	for _, c := range generalCommands {
		if string(command) != c {
			continue
		}
		e = logs.Event{Format: logs.FormatText, Context: generalLog, Level: logs.LevelInfo}
		e.Fields = []logs.Field{{Key: "thread", Value: string(thread)}, {Key: "command", Value: c}}
		if e.Message = string(bytes.TrimSpace(text)); c != "Query" && c != "Execute" {
			e.Message = string(bytes.TrimSpace(append(append(bytes.Clone(command), ' '), text...)))
		}
		return e, true
	}
	return e, false
}

// laterInSecond reads a line of the general log in the same second as the previous line.
// MariaDB, and MySQL before 5.7, omit its time: "\t\t    10 Query\tSELECT 1".
func laterInSecond(line []byte) (e logs.Event, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("\t\t"))
	if !ok {
		return e, false
	}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) == 0 || !Digit(rest[0]) {
		return e, false
	}
	return mysqlGeneral(rest)
}

// logcat reads "E/AndroidRuntime( 1234): text", Android's brief format.
func logcat(line []byte) (e logs.Event, ok bool) {
	if len(line) < 6 || line[1] != '/' || letterLevels[line[0]] == logs.LevelUnknown {
		return e, false
	}
	tag, after, ok := bytes.Cut(line[2:min(len(line), 80)], []byte{'('})
	if !ok || len(tag) == 0 {
		return e, false
	}
	pid, _, ok := bytes.Cut(after, []byte("): "))
	if pid = bytes.TrimLeft(pid, " "); !ok || len(pid) == 0 || !allDigits(pid) {
		return e, false
	}
	at := bytes.Index(line, []byte("): "))
	e = logs.Event{
		Format:  logs.FormatText,
		Level:   letterLevels[line[0]],
		Context: string(tag),
		Message: string(line[at+3:]),
	}
	e.Fields = []logs.Field{{Key: "pid", Value: string(pid)}}
	return e, true
}

// dashed reads "app.module - ERROR - text", the format of most Python examples: logger,
// level, text.
func dashed(rest []byte) (e logs.Event, ok bool) {
	parts := bytes.SplitN(rest, []byte(" - "), 3)
	if len(parts) < 3 || len(parts[0]) == 0 || !headWord(parts[0]) {
		return e, false
	}
	l, ok := logs.ParseLevel(string(parts[1]))
	if !ok || len(parts[1]) > maxLevelWord {
		return e, false
	}
	return logs.Event{Format: logs.FormatText, Level: l, Context: string(parts[0]), Message: string(parts[2])}, true
}

// monolog reads "production.ERROR: text", as Monolog writes it for Laravel and others.
func monolog(rest []byte) (e logs.Event, ok bool) {
	end := bytes.Index(rest[:min(len(rest), 64)], []byte(": "))
	if end < 0 {
		return e, false
	}
	dot := bytes.LastIndexByte(rest[:end], '.')
	if dot < 1 || !headWord(rest[:dot]) {
		return e, false
	}
	l, ok := logs.LevelWords[string(rest[dot+1:end])]
	if !ok {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Level: l, Context: string(rest[:dot]), Message: string(rest[end+2:])}
	return e, true
}

// proxifier reads "chrome.exe - shop.example:443 error : text" of Proxifier, the only one of
// its lines that has a level.
func proxifier(rest []byte) (e logs.Event, ok bool) {
	program, after, ok := bytes.Cut(rest, []byte(" - "))
	if !ok || len(program) > 64 {
		return e, false
	}
	target, text, ok := bytes.Cut(after, []byte{' '})
	if !ok || bytes.IndexByte(target, ':') < 1 || !bytes.HasPrefix(text, []byte("error : ")) {
		return e, false
	}
	return logs.Event{Format: logs.FormatText, Level: logs.LevelError, Message: string(rest)}, true
}

// relayed reads "source=node-1 2026-01-29 12:00:00 …": a line to which a collector added
// its own time and a source.
func (r bodyReader) relayed(rest []byte) (e logs.Event, ok bool) {
	word, after, _ := bytes.Cut(rest[:min(len(rest), 512)], []byte{' '})
	eq := bytes.IndexByte(word, '=')
	if eq < 1 || len(after) == 0 || !Digit(after[0]) {
		return e, false
	}
	text := rest[len(word)+1:]
	from, _, n := lateTimes(r.p).fullDate(text, 0)
	if n == 0 {
		return e, false
	}
	e = r.body(text[afterDate(text, from, from+n):])
	e.Fields = append(e.Fields, logs.Field{Key: string(word[:eq]), Value: string(word[eq+1:])})
	return e, true
}

// w3c reads a line of the W3C extended format after its date: a method before a path,
// and the status. The column of the status is stated only by #Fields at the head of the
// file; here it is the first of the numbers at the end of the line, as IIS writes it,
// else the three-digit number after the path.
func (r bodyReader) w3c(rest []byte) (e logs.Event, ok bool) {
	at := -1
	for _, m := range methods {
		if i := bytes.Index(rest[:min(len(rest), 160)], []byte(" "+m)); i >= 0 && i+len(m)+1 < len(rest) &&
			rest[i+len(m)+1] == '/' {
			at = i + 1
		}
	}
	if at < 0 || bytes.IndexByte(rest[:at], '.') < 0 && bytes.IndexByte(rest[:at], ':') < 0 {
		return e, false
	}
	for _, w := range bytes.Fields(rest[:at]) { // only addresses, a site, a user: not a sentence
		if !noSentence(w) && string(w) != "-" && !bytes.HasPrefix(w, []byte("W3SVC")) {
			return e, false
		}
	}
	words := bytes.Fields(rest[at:])
	status := w3cStatus(words)
	if status == nil {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(rest[at:])}
	return e, r.p.status(&e, status)
}

func w3cStatus(words [][]byte) []byte {
	tail := len(words)
	for tail > 2 && allDigits(words[tail-1]) {
		tail--
	}
	if len(words)-tail >= 3 {
		return words[tail]
	}
	for _, w := range words[2:] {
		if n, err := strconv.Atoi(string(w)); err == nil && len(w) == 3 && n >= 100 && n < 600 && n != 443 {
			return w
		}
	}
	return nil
}

// haproxy reads haproxy's log in HTTP mode after its tag: the client, the time, frontend
// and backend, the durations in ms, the last of which is the total, and the status
// (docs.haproxy.org, "HTTP log format").
func (r bodyReader) haproxy(e *logs.Event, text []byte) {
	words := bytes.SplitN(text, []byte{' '}, 7)
	if len(words) < 7 || bytes.Count(words[4], []byte{'/'}) != 4 || !r.p.status(e, words[5]) {
		return
	}
	total := words[4][bytes.LastIndexByte(words[4], '/')+1:]
	e.Fields = append(e.Fields, logs.Field{Key: "took_ms", Value: string(bytes.TrimLeft(total, "+"))})
}
