package line

import (
	"bytes"
	"unicode/utf8"

	"opsdeck/ops/logs"
)

// What web frameworks print on a console without a time.

// webConsole reads such a line without its indentation.
func webConsole(p *Parser, text []byte) (e logs.Event, ok bool) {
	if e, ok = djangoRequest(text); ok {
		return e, true
	}
	return nextMessage(p, text)
}

// nextGlyphs are the marks before a message of Next.js (src/build/output/log.ts).
var nextGlyphs = map[rune]logs.Level{
	'⨯': logs.LevelError, '⚠': logs.LevelWarn, '✓': logs.LevelInfo, '○': logs.LevelInfo, '▲': logs.LevelInfo,
	'»': logs.LevelInfo,
}

// nextConsole reads a line of Next.js, which indents all of them.
func nextConsole(p *Parser, line []byte) (e logs.Event, ok bool) {
	text := bytes.TrimLeft(line, " ")
	if n := len(line) - len(text); n == 0 || n > 3 {
		return e, false
	}
	return nextMessage(p, text)
}

// nextMessage reads "⨯ Error: text" and "GET /x 500 in 12ms"; a mark with more than a space
// after it continues the message before.
func nextMessage(p *Parser, text []byte) (e logs.Event, ok bool) {
	r, n := utf8.DecodeRune(text)
	if r < utf8.RuneSelf {
		return nextRequest(p, text)
	}
	level, ok := nextGlyphs[r]
	if !ok || n+1 >= len(text) || text[n] != ' ' || text[n+1] == ' ' {
		return e, false
	}
	return logs.Event{Format: logs.FormatText, Level: level, Message: string(text)}, true
}

// nextRequest reads "GET /x 500 in 12ms", also with what it was made of in brackets after it.
func nextRequest(p *Parser, text []byte) (e logs.Event, ok bool) {
	words := bytes.SplitN(text, []byte{' '}, 6)
	if len(words) < 5 || !method(words[0]) || !bytes.HasPrefix(words[1], []byte("/")) ||
		string(words[3]) != "in" || len(words[4]) == 0 || !Digit(words[4][0]) {
		return e, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(text)}
	return e, p.status(&e, words[2])
}

// method recognises a word in capitals.
func method(word []byte) bool {
	for _, c := range word {
		if !capital(c) {
			return false
		}
	}
	return len(word) >= 3 && len(word) <= 7
}

// djangoSays are the beginnings of what Django's django.request logs of a response with a
// status from 400 on (django/utils/log.py, log_response), before its path.
var djangoSays = [...]struct {
	begins string
	level  logs.Level
}{
	{"Internal Server Error: /", logs.LevelError},
	{"Service Unavailable: /", logs.LevelError},
	{"Bad Request: /", logs.LevelWarn},
	{"Unauthorized: /", logs.LevelWarn},
	{"Forbidden: /", logs.LevelWarn},
	{"Not Found: /", logs.LevelWarn},
	{"Method Not Allowed: /", logs.LevelWarn},
	{"Method Not Allowed (", logs.LevelWarn},
	{"Forbidden (", logs.LevelWarn},
}

// djangoRequest reads such a line: "Internal Server Error: /x", "Forbidden (Permission
// denied): /x".
func djangoRequest(line []byte) (e logs.Event, ok bool) {
	for _, s := range djangoSays {
		if !bytes.HasPrefix(line, []byte(s.begins)) {
			continue
		}
		if s.begins[len(s.begins)-1] == '(' && !bytes.Contains(line, []byte("): /")) {
			return e, false
		}
		return logs.Event{Format: logs.FormatText, Level: s.level, Message: string(line)}, true
	}
	return e, false
}
