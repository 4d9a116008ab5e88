package line

import (
	"bytes"
	"net"
	"strconv"

	"opsdeck/ops/logs"
)

// accessContext is the context of the lines of access logs.
const accessContext = "access"

// access reads a line of an access log: nginx's and Apache's common and combined forms,
// "10.0.0.1 - - [29/Jan/2026:12:00:00 +0800] "GET / HTTP/1.1" 502 157", and morgan's dev
// form, "GET /orders 200 12.3 ms - 15". A status of 500 or more is an error, 400 or more
// a warning.
func (r headReader) access(line []byte) (e logs.Event, ms int64, ok bool) {
	if e, ok := morgan(line); ok {
		r.p.read.numbered = true
		return e, Unset, true
	}
	open := bytes.Index(line[:min(len(line), 256)], []byte(" ["))
	if open < 1 || bytes.Contains(line[:open], []byte(" | ")) { // a prefix of docker compose is read by prefixed
		return e, Unset, false
	}
	shut := bytes.IndexByte(line[open:], ']')
	if shut < 18 || shut > 40 {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(line[open+2 : open+shut])
	if n != shut-2 {
		return e, Unset, false
	}
	rest := bytes.TrimLeft(line[open+shut+1:], " ")
	if e, ok := r.bareHaproxy(rest); ok && bytes.IndexByte(line[:open], ' ') < 0 {
		client := line[:open]
		client = client[bytes.IndexByte(client, '>')+1:] // a syslog priority
		e.Fields = append(e.Fields, logs.Field{Key: "client", Value: string(client)})
		return e, ms, true
	}
	if len(rest) == 0 || rest[0] != '"' {
		return e, Unset, false
	}
	end := closingQuote(rest)
	if end < 0 {
		return e, Unset, false
	}
	status := 0
	size := []byte(nil)
	if words := bytes.Fields(rest[end+1:]); len(words) > 0 {
		status, _ = strconv.Atoi(string(words[0]))
		if len(words) > 1 {
			size = words[1]
		}
	}
	if status < 100 || status > 599 {
		return e, Unset, false
	}
	r.p.read.numbered = true
	client, who, _ := bytes.Cut(line, []byte{' '})
	if next, _, ok := bytes.Cut(who, []byte{' '}); ok && net.ParseIP(string(next)) != nil {
		client = next // after the name of the virtual host, and its port
	}
	e = logs.Event{Format: logs.FormatText, Level: statusLevel(status), Context: accessContext}
	e.Message = string(rest)
	e.Fields = []logs.Field{
		{Key: "client", Value: string(client)},
		{Key: "request", Value: string(rest[1:end])},
		{Key: "status", Value: strconv.Itoa(status)},
	}
	if size != nil {
		e.Fields = append(e.Fields, logs.Field{Key: "bytes", Value: string(size)})
	}
	if took, ok := accessTook(line); ok {
		e.Fields = append(e.Fields, logs.Field{Key: "took_ms", Value: strconv.FormatFloat(took, 'f', -1, 64)})
	}
	return e, ms, true
}

// closingQuote is the index of the quote that closes the quoted text at the beginning of
// b, or -1.
func closingQuote(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func statusLevel(status int) logs.Level {
	switch {
	case status >= 500:
		return logs.LevelError
	case status >= 400:
		return logs.LevelWarn
	}
	return logs.LevelInfo
}

var methods = [...]string{"GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "HEAD ", "OPTIONS "}

// morgan reads "GET /orders 200 12.3 ms - 15".
func morgan(line []byte) (e logs.Event, ok bool) {
	for _, m := range methods {
		if bytes.HasPrefix(line, []byte(m)) {
			ok = true
		}
	}
	if !ok {
		return e, false
	}
	words := bytes.Fields(line)
	if len(words) < 5 || len(words[1]) == 0 || words[1][0] != '/' || string(words[4]) != "ms" {
		return e, false
	}
	status, err := strconv.Atoi(string(words[2]))
	if err != nil || status < 100 || status > 599 {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Level: statusLevel(status), Context: accessContext, Message: string(line)}
	e.Fields = []logs.Field{
		{Key: "request", Value: string(words[0]) + " " + string(words[1])},
		{Key: "status", Value: strconv.Itoa(status)},
		{Key: "took_ms", Value: string(words[3])},
	}
	return e, true
}

// accessTook reads the duration, in ms, at the end of an access log line, after the
// quoted user agent. A whole number is Apache's %D, in microseconds; one with a decimal
// point is nginx's $request_time, in seconds.
func accessTook(line []byte) (ms float64, ok bool) {
	if v, ok := proxyTook(line); ok {
		return v, true
	}
	if !bytes.Contains(line[:min(len(line), 320)], []byte(`] "`)) {
		return 0, false
	}
	if v, ok := namedRequestTime(line); ok {
		return v, true
	}
	quote := bytes.LastIndexByte(line, '"')
	if quote < 0 || quote+2 >= len(line) || line[quote+1] != ' ' || !Digit(line[quote+2]) {
		return 0, false
	}
	word, rest, _ := bytes.Cut(line[quote+2:], []byte{' '})
	if len(rest) > 0 && !upstreamTimes(word, rest) || bytes.Count(line, []byte{'"'}) < 6 {
		return 0, false // other columns follow, or it is not the combined form
	}
	v, err := strconv.ParseFloat(string(word), 64)
	if err != nil {
		return 0, false
	}
	if bytes.IndexByte(word, '.') >= 0 {
		return v * 1000, true
	}
	return v / 1000, true
}

// upstreamTimes tells whether nginx's $upstream_response_time and the like follow its
// $request_time: "1.234 0.900", "0.001 -".
func upstreamTimes(word, rest []byte) bool {
	if bytes.IndexByte(word, '.') < 0 {
		return false
	}
	for _, w := range bytes.Fields(rest) {
		whole, part, _ := bytes.Cut(bytes.TrimSuffix(w, []byte{','}), []byte{'.'})
		if string(w) != "-" && (!allDigits(whole) || !allDigits(part)) {
			return false
		}
	}
	return true
}

// namedRequestTime reads nginx's $request_time, in seconds, where the format names it:
// rt=1.234, request_time=1.234, request_time:1.234, in quotes or not.
func namedRequestTime(line []byte) (ms float64, ok bool) {
	for _, name := range [...]string{" rt=", " request_time=", " request_time:"} {
		_, rest, ok := bytes.Cut(line, []byte(name))
		if !ok {
			continue
		}
		rest = bytes.TrimLeft(rest[:min(len(rest), 24)], `" `)
		n := 0
		for n < len(rest) && (Digit(rest[n]) || rest[n] == '.') {
			n++
		}
		if bytes.IndexByte(rest[:n], '.') < 1 {
			continue
		}
		if v, err := strconv.ParseFloat(string(rest[:n]), 64); err == nil {
			return v * 1000, true
		}
	}
	return 0, false
}
