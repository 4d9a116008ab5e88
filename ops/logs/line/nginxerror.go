package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// nginxError reads "[error] 12#34: *56 text, client: 1.2.3.4, server: _, request: "GET / HTTP/1.1",
// upstream: "http://127.0.0.1:3000/", host: "h"", what follows the time in nginx's error log
// (src/core/ngx_log.c, src/http/ngx_http_request.c).
func nginxError(rest []byte) (e logs.Event, ok bool) {
	if rest[0] != '[' {
		return e, false
	}
	word, _, ok := bytes.Cut(rest[1:min(len(rest), maxLevelWord+2)], []byte("] "))
	if !ok {
		return e, false
	}
	text := rest[len(word)+len("[] "):]
	pid := digitsAt(text, 0)
	thread := digitsAt(text, pid+1)
	if pid == 0 || thread == 0 || text[pid] != '#' || !bytes.HasPrefix(text[pid+1+thread:], []byte(": ")) {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Message: string(text)}
	if e.Level, ok = logs.ParseLevel(string(word)); !ok {
		return e, false
	}
	e.Fields = append(e.Fields, logs.Field{Key: "pid", Value: string(text[:pid])})
	if at := bytes.LastIndex(text, []byte(", client: ")); at >= 0 {
		e.Fields = append(e.Fields, nginxPairs(text[at+2:])...)
	}
	return e, true
}

// nginxPairs reads "client: 1.2.3.4, server: _, request: "GET / HTTP/1.1"".
func nginxPairs(b []byte) (fields []logs.Field) {
	for len(b) > 0 {
		key, value, ok := bytes.Cut(b, []byte(": "))
		if !ok || len(key) == 0 || bytes.ContainsAny(key, ` ",`) {
			return fields
		}
		end := bytes.Index(value, []byte(", "))
		if len(value) > 0 && value[0] == '"' {
			if shut := closingQuote(value); shut > 0 {
				fields = append(fields, logs.Field{Key: string(key), Value: string(value[1:shut])})
				b = bytes.TrimPrefix(value[shut+1:], []byte(", "))
				continue
			}
		}
		if end < 0 {
			end = len(value)
		}
		fields = append(fields, logs.Field{Key: string(key), Value: string(value[:end])})
		b = bytes.TrimPrefix(value[end:], []byte(", "))
	}
	return fields
}

// apacheError reads "[core:error] [pid 12:tid 34] [client 1.2.3.4:56] AH00001: text", what follows
// the time in the error log of Apache 2.4 (ErrorLogFormat in its manual).
func apacheError(rest []byte) (e logs.Event, ok bool) {
	module, _, ok := bytes.Cut(rest[:min(len(rest), 64)], []byte("] [pid "))
	if !ok || len(module) < 4 || module[0] != '[' {
		return e, false
	}
	name, word, ok := bytes.Cut(module[1:], []byte{':'})
	if !ok {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Context: string(name)}
	if e.Level, ok = logs.ParseLevel(string(word)); !ok {
		return e, false
	}
	text := rest[len(module)+len("] [pid "):]
	pid := digitsAt(text, 0)
	if pid == 0 {
		return e, false
	}
	e.Fields = append(e.Fields, logs.Field{Key: "pid", Value: string(text[:pid])})
	if tid, ok := bytes.CutPrefix(text[pid:], []byte(":tid ")); ok {
		e.Fields = append(e.Fields, logs.Field{Key: "tid", Value: string(tid[:digitsAt(tid, 0)])})
	}
	_, text, _ = bytes.Cut(text, []byte("] "))
	if client, after, ok := bytes.Cut(text, []byte("] ")); ok && bytes.HasPrefix(client, []byte("[client ")) {
		e.Fields = append(e.Fields, logs.Field{Key: "client", Value: string(client[len("[client "):])})
		text = after
	}
	e.Message = string(text)
	return e, true
}
