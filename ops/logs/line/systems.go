package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// Lines of further systems whose time is behind a word of their own. They are tried where
// all else has failed.

// system reads such a line.
func system(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	switch c := line[0]; {
	case c == '[':
		if e, ms, ok = levelInBrackets(p, line); ok {
			return e, ms, true
		}
		if e, ms, ok = gin(p, line); ok {
			return e, ms, true
		}
		return sentinel(p, line)
	case c == '(':
		return inParentheses(p, line)
	case Digit(c):
		return redisSignal(p, line)
	case letterLevels[c] != logs.LevelUnknown && len(line) > 4 && line[1] == ' ' && line[2] == '[':
		return letterFirst(p, line)
	}
	return e, Unset, false
}

// levelInBrackets reads "[2026-01-29T12:00:00Z ERROR main] text" of Rust's env_logger.
func levelInBrackets(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	ms, n := p.AnyTime(line[1:])
	end := bytes.IndexByte(line, ']')
	if n == 0 || end < n+2 || line[n+1] != ' ' {
		return e, Unset, false
	}
	words := bytes.Fields(line[n+1 : end])
	if len(words) == 0 || len(words) > 3 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Message: string(bytes.TrimLeft(line[end+1:], " "))}
	if e.Level, ok = logs.LevelWords[string(words[0])]; !ok {
		return e, Unset, false
	}
	if len(words) > 1 {
		e.Context = string(words[1])
	}
	return e, ms, true
}

// sentinel reads "[3574] 13 Apr 12:52:30.731 # text", as Redis wrote it before version 3.
func sentinel(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	end := bytes.IndexByte(line[:min(len(line), 12)], ']')
	if end < 2 || !allDigits(line[1:end]) || end+2 >= len(line) || line[end+1] != ' ' || !Digit(line[end+2]) {
		return e, Unset, false
	}
	ms, n := p.AnyTime(line[end+2:])
	rest := line[end+2+n:]
	if n == 0 || len(rest) < 4 || rest[0] != ' ' || rest[2] != ' ' {
		return e, Unset, false
	}
	l, ok := redisMark(rest[1])
	e = logs.Event{Format: logs.FormatText, Level: l, Message: string(rest[3:])}
	e.Fields = []logs.Field{{Key: "pid", Value: string(line[1:end])}}
	return e, ms, ok
}

// redisSignal reads "1:signal-handler (1693279182) Received SIGTERM scheduling shutdown...":
// what Redis writes from a handler of signals (serverLogRawFromHandler).
func redisSignal(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	pid, rest, _ := bytes.Cut(line, []byte(":signal-handler ("))
	at, text, ok := bytes.Cut(rest, []byte(") "))
	if !ok || !allDigits(pid) || len(at) != 10 || !allDigits(at) {
		return e, Unset, false
	}
	ms, n := p.AnyTime(at)
	if n != 10 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Level: logs.LevelWarn, Message: string(text)}
	e.Fields = []logs.Field{{Key: "pid", Value: string(pid)}}
	return e, ms, true
}

// redisMark is the level of Redis' mark before a text.
func redisMark(c byte) (logs.Level, bool) {
	switch c {
	case '.':
		return logs.LevelDebug, true
	case '-':
		return logs.LevelVerbose, true
	case '*':
		return logs.LevelInfo, true
	case '#':
		return logs.LevelWarn, true
	}
	return logs.LevelUnknown, false
}

// inParentheses reads "(Tue Mar 31 06:03:46 2015) [sssd] text" of sssd, also with a colon
// after it.
func inParentheses(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	ms, n := p.AnyTime(line[1:])
	if n == 0 || n+2 > len(line) || line[n+1] != ')' {
		return e, Unset, false
	}
	return bodies(p).body(line[afterTime(line, n+2):]), ms, true
}

// letterFirst reads "E [08/Jun/2013:11:28:58 -0700] text" of CUPS.
func letterFirst(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	ms, n := p.AnyTime(line[3:])
	end := 3 + n
	if n == 0 || end+1 >= len(line) || line[end] != ']' || line[end+1] != ' ' {
		return e, Unset, false
	}
	return logs.Event{Format: logs.FormatText, Level: letterLevels[line[0]], Message: string(line[end+2:])}, ms, true
}
