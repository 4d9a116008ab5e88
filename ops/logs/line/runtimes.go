package line

import (
	"bytes"
	"strconv"
	"strings"

	"opsdeck/ops/logs"
)

// What the runtimes of languages print by themselves: errors that nothing caught, warnings,
// and the console loggers that come with them.

// uncaught are the beginnings of what a runtime prints when nothing caught an error.
var uncaught = [...]struct {
	begins string
	level  logs.Level
}{
	{"panic: ", logs.LevelFatal},       // Go (runtime/panic.go)
	{"fatal error: ", logs.LevelFatal}, // Go (runtime.throw)
	{"thread 'main' ", logs.LevelFatal},
	{"thread '", logs.LevelError},              // Rust (std/src/panicking.rs)
	{`Exception in thread "`, logs.LevelError}, // Java (ThreadGroup.uncaughtException)
}

// ofRuntime reads a line that a runtime printed by itself. It begins an event.
func ofRuntime(line []byte) (e logs.Event, ok bool) {
	switch line[0] {
	case '(':
		return nodeWarning(line)
	case 'P':
		return phpMessage(line)
	case 'n':
		return npmMessage(line)
	}
	for _, u := range uncaught {
		if !bytes.HasPrefix(line, []byte(u.begins)) {
			continue
		}
		if line[0] == 't' && !bytes.Contains(line, []byte(" panicked at ")) {
			return e, false
		}
		return logs.Event{Format: logs.FormatText, Level: u.level, Message: string(line)}, true
	}
	return dotnetConsole(line)
}

// nodeWarning reads "(node:12) [DEP0005] DeprecationWarning: text", as Node prints what
// process.emitWarning is given (lib/internal/process/warning.js).
func nodeWarning(line []byte) (e logs.Event, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("(node:"))
	if !ok {
		return e, false
	}
	pid, rest, ok := bytes.Cut(rest, []byte(") "))
	if !ok || len(pid) == 0 || !allDigits(pid) {
		return e, false
	}
	if rest = bytes.TrimLeft(rest, " "); len(rest) > 0 && rest[0] == '[' {
		_, rest, _ = bytes.Cut(rest, []byte("] "))
	}
	name, _, ok := bytes.Cut(rest, []byte{':'})
	if !ok || !bytes.HasSuffix(name, []byte("Warning")) || bytes.IndexByte(name, ' ') >= 0 {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Level: logs.LevelWarn, Message: string(line)}
	if IsCritical(line) {
		e.Level = logs.LevelError
	}
	return e, true
}

// npmMessage reads "npm ERR! text" and "npm warn text", by the forms of npm 6 to 11.
func npmMessage(line []byte) (e logs.Event, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("npm "))
	if !ok {
		return e, false
	}
	word, text, _ := bytes.Cut(rest, []byte{' '})
	e = logs.Event{Format: logs.FormatText, Context: "npm", Message: string(text)}
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

// phpLevels are the levels of what PHP logs, by its names of the kinds of errors
// (main/main.c, php_error_cb).
var phpLevels = map[string]logs.Level{
	"Fatal error": logs.LevelFatal, "Recoverable fatal error": logs.LevelError, "Parse error": logs.LevelError,
	"Warning": logs.LevelWarn, "Deprecated": logs.LevelWarn, "Notice": logs.LevelInfo,
	"Strict Standards": logs.LevelInfo,
	"Unknown error":    logs.LevelError,
}

// phpMessage reads "PHP Fatal error:  text", also after a time.
func phpMessage(line []byte) (e logs.Event, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("PHP "))
	if !ok {
		return e, false
	}
	kind, _, ok := bytes.Cut(rest[:min(len(rest), 32)], []byte(":  "))
	if !ok {
		return e, false
	}
	level, ok := phpLevels[string(kind)]
	return logs.Event{Format: logs.FormatText, Level: level, Message: string(line)}, ok
}

// dotnetLevels are the words of .NET's console logger (SimpleConsoleFormatter.cs).
var dotnetLevels = map[string]logs.Level{
	"trce": logs.LevelVerbose, "dbug": logs.LevelDebug, "info": logs.LevelInfo,
	"warn": logs.LevelWarn, "fail": logs.LevelError, "crit": logs.LevelFatal,
}

// dotnetConsole reads "fail: Category[13]" of .NET's console logger; the text follows on
// indented lines, or after a space.
func dotnetConsole(line []byte) (e logs.Event, ok bool) {
	if len(line) < 10 || line[4] != ':' || line[5] != ' ' {
		return e, false
	}
	level, ok := dotnetLevels[string(line[:4])]
	if !ok {
		return e, false
	}
	text := line[6:]
	category, rest, _ := bytes.Cut(text, []byte{' '})
	name, id, ok := bytes.Cut(category, []byte{'['})
	digits, ok2 := bytes.CutSuffix(id, []byte{']'})
	if !ok || !ok2 || len(name) == 0 || len(digits) == 0 || !allDigits(digits) {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Level: level, Context: string(name), Message: string(text)}
	if len(rest) > 0 {
		e.Message = string(rest)
	}
	return e, true
}

// goHTTP reads what Go's net/http logs by itself, "http: panic serving 127.0.0.1:80: text":
// its http is no level.
func goHTTP(rest []byte) (e logs.Event, ok bool) {
	text, ok := bytes.CutPrefix(rest, []byte("http: "))
	if !ok {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Message: string(rest)}
	for _, says := range [...]string{
		"panic serving ", "proxy error: ", "Accept error: ", "TLS handshake error ",
	} {
		if bytes.HasPrefix(text, []byte(says)) {
			e.Level = logs.LevelError
			return e, true
		}
	}
	for _, says := range [...]string{"superfluous response.", "response.WriteHeader ", "URL query contains ",
		"Server closed"} {
		if bytes.HasPrefix(text, []byte(says)) {
			return e, true
		}
	}
	return e, false
}

// springBoot reads "4242 --- [app] [thread] logger : text", what Spring Boot's default
// pattern writes after the level; the name of the application may be missing.
func springBoot(rest []byte) (context, message string, ok bool) {
	pid, after, ok := bytes.Cut(rest[:min(len(rest), 300)], []byte(" --- ["))
	if !ok || len(pid) == 0 || !allDigits(pid) {
		return "", "", false
	}
	at := len(pid) + len(" --- [")
	for more := true; more; {
		end := bytes.Index(after, []byte("] "))
		if end < 0 {
			return "", "", false
		}
		after = after[end+2:]
		at += end + 2
		if more = len(after) > 0 && after[0] == '['; more {
			after = after[1:]
			at++
		}
	}
	logger, _, ok := bytes.Cut(after, []byte(" : "))
	if !ok {
		return "", "", false
	}
	return string(bytes.TrimSpace(logger)), string(rest[at+len(logger)+len(" : "):]), true
}

// railsStarted reads "Started GET "/x" for 10.0.0.1 at 2026-01-29 12:00:00 +0800", with which
// Rails begins the lines of a request (Rails::Rack::Logger).
func railsStarted(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	at := bytes.LastIndex(line, []byte(" at "))
	if at < 0 || !bytes.HasPrefix(line, []byte("Started ")) || !bytes.Contains(line[:at], []byte(`" for `)) {
		return e, Unset, false
	}
	ms, n := p.AnyTime(line[at+4:])
	if n == 0 || at+4+n != len(line) {
		return e, Unset, false
	}
	return logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(line)}, ms, true
}

// gin reads "[GIN] 2026/01/29 - 12:00:00 | 200 | 1.2345s | 127.0.0.1 | GET "/ping"", what gin
// prints for a request (logger.go, defaultLogFormatter).
func gin(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("[GIN] "))
	if !ok || len(rest) < 24 || string(rest[10:13]) != " - " {
		return e, Unset, false
	}
	ms, n := p.AnyTime(append(append(bytes.Clone(rest[:10]), ' '), rest[13:21]...))
	if n != 19 {
		return e, Unset, false
	}
	columns := bytes.SplitN(rest[21:], []byte{'|'}, 5)
	if len(columns) < 5 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(bytes.TrimSpace(columns[4]))}
	if !p.status(&e, bytes.TrimSpace(columns[1])) {
		return e, Unset, false
	}
	if took, unit, ok := Quantity(string(columns[2])); ok && unit == Millis {
		e.Fields = append(e.Fields, logs.Field{Key: "took_ms", Value: strconv.FormatFloat(took, 'f', -1, 64)})
	}
	return e, ms, true
}

// celery reads ": INFO/MainProcess] text", what Celery writes after the time in a bracket.
func celery(rest []byte) (e logs.Event, ok bool) {
	rest, ok = bytes.CutPrefix(rest, []byte(": "))
	if !ok {
		return e, false
	}
	head, text, ok := bytes.Cut(rest, []byte("] "))
	if !ok || len(head) > 64 {
		return e, false
	}
	word, process, ok := bytes.Cut(head, []byte{'/'})
	if !ok {
		return e, false
	}
	level, ok := logs.LevelWords[string(word)]
	return logs.Event{Format: logs.FormatText, Level: level, Context: string(process), Message: string(text)}, ok
}

// log4jsCategory splits "default - text", what log4js writes after "[time] [LEVEL] ".
func log4jsCategory(whole []byte, message string) (category, text string) {
	category, text, ok := strings.Cut(message, " - ")
	if !ok || len(whole) == 0 || whole[0] != '[' || category == "" || strings.ContainsAny(category, ` \t:"=[](){}`) {
		return "", message
	}
	return category, text
}

// ormFailure recognises what TypeORM's and Prisma's own loggers print of a query that failed.
func ormFailure(line []byte) bool {
	return bytes.HasPrefix(line, []byte("query failed: ")) || bytes.HasPrefix(line, []byte("prisma:error"))
}
