package line

import (
	"bytes"
	"strconv"
	"strings"

	"opsdeck/ops/logs"
)

// Lines of servers whose level, status or time stands in a column of their own.

// server reads the text after the time of such a line.
func (r bodyReader) server(rest []byte) (e logs.Event, ok bool) {
	if e, ok = r.postgres(rest); ok {
		return e, true
	}
	if e, ok = postgresCSV(rest); ok {
		return e, true
	}
	if e, ok = r.squid(rest); ok {
		return e, true
	}
	if e, ok = r.quotedRequest(rest); ok {
		return e, true
	}
	if e, ok = sqlServer(rest); ok {
		return e, true
	}
	if e, ok = clickhouse(rest); ok {
		return e, true
	}
	if e, ok = sidekiq(rest); ok {
		return e, true
	}
	return taggedLevel(rest)
}

// clickhouse reads "[ 7 ] {query-id} <Error> executeQuery: text", what follows the time in
// ClickHouse's log: the thread, the query, the level, the logger.
func clickhouse(rest []byte) (e logs.Event, ok bool) {
	thread, after, ok := bytes.Cut(bytes.TrimPrefix(rest, []byte("[ ")), []byte(" ] {"))
	if !ok || rest[0] != '[' || !allDigits(thread) {
		return e, false
	}
	id, after, ok := bytes.Cut(after[:min(len(after), 200)], []byte("} <"))
	word, _, shut := bytes.Cut(after, []byte("> "))
	if !ok || !shut {
		return e, false
	}
	e.Format = logs.FormatText
	if e.Level, ok = logs.ParseLevel(string(word)); !ok && string(word) == "Test" {
		e.Level, ok = logs.LevelVerbose, true
	}
	if e.Fields = []logs.Field{{Key: "thread", Value: string(thread)}}; len(id) > 0 {
		e.Fields = append(e.Fields, logs.Field{Key: "query_id", Value: string(id)})
	}
	message := rest[len("[ ] {} <> ")+1+len(thread)+len(id)+len(word):]
	e.Message = string(message)
	if name, text, named := bytes.Cut(message, []byte(": ")); named && bytes.IndexByte(name, ' ') < 0 {
		e.Context, e.Message = string(name), string(text)
	}
	return e, ok
}

// sidekiq reads "pid=1 tid=abc class=Job jid=1 INFO: text", what follows Sidekiq's time.
func sidekiq(rest []byte) (e logs.Event, ok bool) {
	if !bytes.HasPrefix(rest, []byte("pid=")) {
		return e, false
	}
	e.Format = logs.FormatText
	for text := rest; ; {
		word, after, more := bytes.Cut(text, []byte{' '})
		key, value, pair := bytes.Cut(word, []byte{'='})
		switch {
		case !more:
			return logs.Event{}, false
		case !pair && bytes.HasSuffix(word, []byte{':'}):
			e.Level, ok = logs.ParseLevel(string(word[:len(word)-1]))
			e.Message = string(after)
			return e, ok
		case !pair:
			return logs.Event{}, false
		case string(key) == "class":
			e.Context = string(value)
		}
		e.Fields = append(e.Fields, logs.Field{Key: string(key), Value: string(value)})
		text = after
	}
}

// uvicornAccess reads what follows "INFO:     " in Uvicorn's access log: the client and its
// port, the request, the status.
func (p *Parser) uvicornAccess(e *logs.Event) {
	client, rest, ok := strings.Cut(e.Message, ` - "`)
	request, status, shut := strings.Cut(rest, `" `)
	if !ok || !shut || strings.IndexByte(client, ' ') >= 0 || strings.LastIndexByte(client, ':') < 0 ||
		!strings.Contains(request, " HTTP/") {
		return
	}
	word, _, _ := strings.Cut(status, " ")
	if said := e.Level; p.status(e, []byte(word)) {
		e.Level = max(said, e.Level)
		e.Context = accessContext
		e.Fields = append(e.Fields,
			logs.Field{Key: "client", Value: client}, logs.Field{Key: "request", Value: request})
	}
}

// squid reads "3003 127.0.0.1 TCP_MISS/503 324 GET http://a/b - HIER_DIRECT/127.0.0.1 text/plain",
// what follows the time in Squid's own format: ms, client, result and status.
func (r bodyReader) squid(rest []byte) (e logs.Event, ok bool) {
	if !Digit(rest[0]) {
		return e, false
	}
	words := bytes.SplitN(rest, []byte{' '}, 5)
	if len(words) < 5 || !allDigits(words[0]) {
		return e, false
	}
	result, status, ok := bytes.Cut(words[2], []byte{'/'})
	if !ok || !bytes.HasPrefix(result, []byte("TCP_")) && !bytes.HasPrefix(result, []byte("UDP_")) &&
		!bytes.HasPrefix(result, []byte("NONE")) {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(rest)}
	r.p.status(&e, status)
	e.Fields = append(e.Fields,
		logs.Field{Key: "client", Value: string(words[1])}, logs.Field{Key: "took_ms", Value: string(words[0])})
	return e, true
}

// quotedRequest reads an access log that begins with its time: addresses, the quoted request,
// the status, as nginx writes it with log_format '$time_iso8601 $remote_addr "$request" $status'.
func (r bodyReader) quotedRequest(rest []byte) (e logs.Event, ok bool) {
	head := rest[:min(len(rest), 200)]
	at := bytes.IndexByte(head, '"')
	if at < 0 || len(rest) < at+12 {
		return e, false
	}
	known := false
	for _, m := range methods {
		known = known || bytes.HasPrefix(rest[at+1:], []byte(m))
	}
	if !known {
		return e, false
	}
	for _, w := range bytes.Fields(head[:at]) {
		if !noSentence(w) && (!headWord(w) || bytes.IndexByte(w[:len(w)-1], '.') < 1) {
			return e, false // words of a sentence, neither an address nor a host
		}
	}
	end := closingQuote(rest[at:])
	if end < 0 {
		return e, false
	}
	words := bytes.Fields(rest[at+end+1:])
	if len(words) == 0 {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(rest)}
	e.Fields = []logs.Field{{Key: "request", Value: string(rest[at+1 : at+end])}}
	return e, r.p.status(&e, words[0])
}

// taggedLevel reads "unbound[18784:0] notice: text": a program with its process, then the level.
func taggedLevel(rest []byte) (e logs.Event, ok bool) {
	tag, text, _ := bytes.Cut(rest[:min(len(rest), 80)], []byte("] "))
	open := bytes.IndexByte(tag, '[')
	if open < 1 || !headWord(tag[:open]) || !allDigits(bytes.ReplaceAll(tag[open+1:], []byte{':'}, nil)) {
		return e, false
	}
	word, _, ok := bytes.Cut(text, []byte(": "))
	if !ok || len(word) > maxLevelWord {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Context: string(tag[:open])}
	if e.Level, ok = logs.ParseLevel(string(word)); !ok {
		return e, false
	}
	e.Message = string(rest[len(tag)+len("] ")+len(word)+len(": "):])
	return e, true
}

// bareHaproxy reads what follows the bracketed time in a line of haproxy without a syslog
// header, "f b/s1 0/0/2/0/2 200 124 - - ----"; one of TCP mode has no status.
func (r headReader) bareHaproxy(rest []byte) (e logs.Event, ok bool) {
	words := bytes.SplitN(rest, []byte{' '}, 5)
	if len(words) < 5 || bytes.IndexByte(words[1], '/') < 1 {
		return e, false
	}
	slashes := bytes.Count(words[2], []byte{'/'})
	if slashes != 4 && slashes != 2 || !Digit(words[2][0]) && words[2][0] != '-' {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(rest)}
	total := words[2][bytes.LastIndexByte(words[2], '/')+1:]
	if slashes == 4 && !r.p.status(&e, words[3]) {
		return e, false
	}
	e.Fields = append(e.Fields, logs.Field{Key: "took_ms", Value: string(bytes.TrimLeft(total, "+"))})
	return e, true
}

// fpmAccess reads "127.0.0.1 -  30/Nov/2026:10:25:50 +0000 "GET /index.php" 500", the access log
// of PHP-FPM, whose user may be empty and whose time has no brackets.
func (r lateReader) fpmAccess(line []byte) (e logs.Event, ms int64, ok bool) {
	quote := bytes.Index(line[:min(len(line), 160)], []byte(` "`))
	if quote < 20 {
		return e, Unset, false
	}
	zone := bytes.LastIndexByte(line[:quote], ' ')
	if zone < 20 {
		return e, Unset, false
	}
	from := bytes.LastIndexByte(line[:zone], ' ') + 1
	if !Digit(line[from]) || bytes.Count(line[:from], []byte{' '}) < 2 {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(line[from:])
	if n != quote-from {
		return e, Unset, false
	}
	end := closingQuote(line[quote+1:])
	if end < 0 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(line[quote+1:])}
	e.Fields = []logs.Field{{Key: "request", Value: string(line[quote+2 : quote+1+end])}}
	status, _, _ := bytes.Cut(bytes.TrimLeft(line[quote+1+end+1:], " "), []byte{' '})
	return e, ms, r.p.status(&e, status)
}

// auditTime reads the value of msg in a line of auditd, "audit(1796034351.902:123):": seconds,
// ms, the event's number.
func auditTime(value string) (ms int64, ok bool) {
	text, ok := strings.CutPrefix(value, "audit(")
	if !ok || len(text) < 15 || text[10] != '.' || text[14] != ':' {
		return Unset, false
	}
	seconds, err := strconv.ParseInt(text[:10], 10, 64)
	part, err2 := strconv.ParseInt(text[11:14], 10, 64)
	if err != nil || err2 != nil || seconds < firstEpoch || seconds > lastEpoch {
		return Unset, false
	}
	return seconds*1000 + part, true
}

// npm reads "npm ERR! code E404", "npm error text" and "npm warn text".
func npm(line []byte) (e logs.Event, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("npm "))
	if !ok {
		return e, false
	}
	word, text, _ := bytes.Cut(rest, []byte{' '})
	e = logs.Event{Context: "npm", Message: string(text)}
	switch string(word) {
	case "ERR!", "error":
		e.Level = logs.LevelError
	case "WARN", "warn":
		e.Level = logs.LevelWarn
	default:
		return e, false
	}
	return e, true
}

// proxyTook reads the duration, in ms, of a line of Squid, the second column, or of haproxy, the
// last of the times after the names of the servers.
func proxyTook(line []byte) (ms float64, ok bool) {
	var word []byte
	if len(line) > 20 && line[10] == '.' && allDigits(line[:10]) {
		words := bytes.Fields(line[:min(len(line), 160)])
		if len(words) < 4 || !bytes.Contains(words[3], []byte{'/'}) || !allDigits(words[1]) {
			return 0, false
		}
		word = words[1]
	} else {
		_, rest, _ := bytes.Cut(line[:min(len(line), 400)], []byte("] "))
		words := bytes.SplitN(rest, []byte{' '}, 4)
		if len(words) < 4 || bytes.IndexByte(words[1], '/') < 1 {
			return 0, false
		}
		if slashes := bytes.Count(words[2], []byte{'/'}); slashes != 4 && slashes != 2 {
			return 0, false
		}
		word = bytes.TrimLeft(words[2][bytes.LastIndexByte(words[2], '/')+1:], "+")
	}
	v, err := strconv.Atoi(string(word))
	return float64(v), err == nil
}

// sqlServerSource is the width of the column of the source in the error log of SQL Server.
const sqlServerSource = 12

// sqlServer reads "Logon       Error: 18456, Severity: 14, State: 8.", what SQL Server writes
// after a time: the source (Server, Logon, Backup, spid51, spid7s) in a column, and text. An
// error's number comes on a line before its text.
func sqlServer(rest []byte) (e logs.Event, ok bool) {
	if len(rest) <= sqlServerSource || rest[sqlServerSource-1] != ' ' || rest[sqlServerSource] == ' ' {
		return e, false
	}
	source := bytes.TrimRight(rest[:sqlServerSource], " ")
	switch string(source) {
	case "Server", "Logon", "Backup":
	default:
		id, ok := bytes.CutPrefix(bytes.TrimSuffix(source, []byte("s")), []byte("spid"))
		if !ok || len(id) == 0 || !allDigits(id) {
			return e, false
		}
	}
	e = logs.Event{Format: logs.FormatText, Context: string(source), Message: string(rest[sqlServerSource:])}
	if strings.HasPrefix(e.Message, "Error: ") && strings.Contains(e.Message, ", Severity: ") {
		e.Level = logs.LevelError
	}
	return e, true
}
