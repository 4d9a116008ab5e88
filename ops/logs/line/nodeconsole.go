package line

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"opsdeck/ops/logs"
)

// What loggers for the console write: consola (Nuxt, Nitro), signale, PM2's daemon, Tornado.

// nodeConsole reads a line of them that has no time.
func nodeConsole(line []byte) (e logs.Event, ok bool) {
	if line[0] == '[' {
		tag, rest, _ := bytes.Cut(line[1:], []byte("] "))
		if l, ok := consolaTypes[string(tag)]; ok {
			return logs.Event{Format: logs.FormatText, Level: l, Message: string(rest)}, true
		}
		if e, ok = consolaBadge(rest); ok { // "[db]  ERROR  text"
			e.Context = string(tag)
			return e, true
		}
	} else if e, ok = consolaIcon(line); ok {
		return e, true
	}
	return signale(line)
}

// consolaTypes are the types of consola that name no level, as its basic reporter writes them.
var consolaTypes = map[string]logs.Level{
	"success": logs.LevelInfo, "ready": logs.LevelInfo, "start": logs.LevelInfo, "fail": logs.LevelError,
}

// consolaBadge reads " ERROR  text", what consola's fancy reporter writes: the level on a
// background of its own, with a space on both sides.
func consolaBadge(line []byte) (e logs.Event, ok bool) {
	if len(line) < 8 || line[0] != ' ' || !capital(line[1]) {
		return e, false
	}
	word, rest, ok := bytes.Cut(line[1:min(len(line), maxLevelWord)], []byte("  "))
	l, ok2 := logs.LevelWords[string(word)]
	if !ok || !ok2 || len(rest) == 0 || rest[0] == ' ' {
		return e, false
	}
	text := string(line[len(word)+3:])
	return logs.Event{Format: logs.FormatText, Level: l, Message: text}, true
}

// consolaIcons are the icons of its fancy reporter (src/reporters/fancy.ts).
var consolaIcons = map[rune]logs.Level{
	'ℹ': logs.LevelInfo, '✔': logs.LevelInfo, '◐': logs.LevelInfo, '⚙': logs.LevelDebug, '⚠': logs.LevelWarn,
	'✖': logs.LevelError,
}

// consolaIcon reads "ℹ text".
func consolaIcon(line []byte) (e logs.Event, ok bool) {
	r, n := utf8.DecodeRune(line)
	l, ok := consolaIcons[r]
	if !ok || n+1 >= len(line) || line[n] != ' ' || line[n+1] == ' ' {
		return e, false
	}
	return logs.Event{Format: logs.FormatText, Level: l, Message: string(line[n+1:])}, true
}

// signaleLabels are the labels of signale's types (types.js there) that its name for the
// level, or the text after them, does not tell.
var signaleLabels = map[string]logs.Level{
	"error": logs.LevelError, "fatal": logs.LevelFatal, "warning": logs.LevelWarn, "debug": logs.LevelDebug,
	"info": logs.LevelInfo, "log": logs.LevelInfo, "note": logs.LevelInfo, "success": logs.LevelInfo,
	"start": logs.LevelInfo, "pause": logs.LevelInfo, "complete": logs.LevelInfo, "pending": logs.LevelInfo,
	"waiting": logs.LevelInfo, "awaiting": logs.LevelInfo, "watching": logs.LevelInfo, "await": logs.LevelInfo,
	"watch": logs.LevelInfo, "star": logs.LevelInfo, "favorite": logs.LevelInfo,
}

// signale reads "[file.js] [scope] › ✖  error     text": the brackets are those that were
// asked for, and › follows them.
func signale(line []byte) (e logs.Event, ok bool) {
	if line[0] != '[' && line[0] < utf8.RuneSelf {
		return e, false
	}
	rest := line
	for len(rest) > 0 && rest[0] == '[' {
		tag, _, ok := bytes.Cut(rest[1:min(len(rest), 120)], []byte("] "))
		if !ok {
			return e, false
		}
		e.Context = string(tag)
		rest = rest[len(tag)+3:]
	}
	after, pointed := bytes.CutPrefix(rest, []byte("› "))
	if !pointed && len(rest) < len(line) {
		return e, false
	}
	e.Format = logs.FormatText
	if _, n := utf8.DecodeRune(after); n > 1 && bytes.HasPrefix(after[n:], []byte("  ")) {
		word, text, _ := bytes.Cut(after[n+2:], []byte{' '})
		if e.Level, ok = signaleLabels[string(word)]; ok {
			e.Message = strings.TrimLeft(string(text), " ")
			return e, true
		}
	}
	if !pointed {
		return e, false
	}
	e.Level, e.Message = logs.LevelInfo, string(after)
	return e, true
}

// signaleDated reads "[12/1/2026] [6:19:27 AM] [file.js] › ✖  error     text": the date and
// the time of day in brackets of their own, as JavaScript writes them in the locale.
func signaleDated(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	date, _, ok := bytes.Cut(line[1:min(len(line), 16)], []byte("] ["))
	if !ok || len(date) < 8 || !Digit(date[0]) {
		return e, Unset, false
	}
	after := line[len(date)+4:]
	clock, _, ok := bytes.Cut(after[:min(len(after), 24)], []byte("] "))
	if !ok {
		return e, Unset, false
	}
	whole := append(append(bytes.Clone(date), ' '), clock...)
	ms, n := p.AnyTime(whole)
	if n != len(whole) {
		return e, Unset, false
	}
	rest := after[len(clock)+2:]
	if e, ok = signale(rest); !ok {
		e = bodies(p).body(rest)
	}
	return e, ms, true
}

// pm2Daemon reads "PM2 error: text" of PM2's own log (~/.pm2/pm2.log). An app that exits with
// another code than 0 is a warning.
func (r bodyReader) pm2Daemon(rest []byte) (e logs.Event, ok bool) {
	after, ok := bytes.CutPrefix(rest, []byte("PM2 "))
	if !ok {
		return e, false
	}
	word, text, ok := bytes.Cut(after, []byte(": "))
	if !ok || len(word) > maxLevelWord {
		return e, false
	}
	if e.Level, ok = logs.ParseLevel(string(word)); !ok {
		return e, false
	}
	e.Format, e.Context, e.Message = logs.FormatText, "PM2", string(text)
	if at := bytes.Index(text, []byte(" exited with code [")); at > 0 && bytes.HasPrefix(text, []byte("App [")) {
		r.p.read.numbered = true
		if !bytes.HasPrefix(text[at:], []byte(" exited with code [0]")) {
			e.Level = max(e.Level, logs.LevelWarn)
		}
	}
	return e, true
}

// tornado reads "[E 260129 12:00:00 web:12] text" of Tornado (tornado/log.py, LogFormatter) and
// "[E 2026-01-29 12:00:00.123 ServerApp] text" of Jupyter.
func tornado(p *Parser, line []byte) (e logs.Event, ms int64, ok bool) {
	if len(line) < 20 || line[2] != ' ' || !Digit(line[3]) {
		return e, Unset, false
	}
	level := letterLevels[line[1]]
	if line[1] == 'C' {
		level = logs.LevelFatal
	}
	ms, n := p.AnyTime(line[3:])
	at := 3 + n
	end := bytes.IndexByte(line[:min(len(line), 160)], ']')
	if level == logs.LevelUnknown || n == 0 || end < at || line[at] != ' ' {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Level: level, Context: string(line[at+1 : end])}
	e.Message = string(bytes.TrimLeft(line[end+1:], " "))
	return e, ms, true
}
