package line

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"opsdeck/ops/logs"
)

// Lines of common programs whose time is neither at the beginning nor where heads.go
// expects it. They are tried last, so that they do not slow down other lines.

// late reads such a line.
func (r lateReader) late(line []byte) (e logs.Event, ms int64, ok bool) {
	switch c := line[0]; {
	case c == '@':
		return r.tai64(line)
	case c == '#':
		return history(line)
	case c == '=':
		return r.banner(line)
	case bytes.HasPrefix(line, []byte("[pid: ")):
		return r.uwsgi(line)
	case Digit(c):
		if e, ms, ok = r.strace(line); ok {
			return e, ms, true
		}
		if e, ms, ok = r.hpc(line); ok {
			return e, ms, true
		}
	}
	if e, ms, ok = r.cluster(line); ok {
		return e, ms, true
	}
	if e, ms, ok = r.fpmAccess(line); ok {
		return e, ms, true
	}
	if e, ms, ok = system(r.p, line); ok {
		return e, ms, true
	}
	return r.columns(line)
}

// tai64 reads "@40000000433225833b6e1a8c text", the TAI64N label of daemontools'
// multilog and s6-log: 2^62 plus seconds of TAI, which is 10 s plus the leap seconds
// since 1970 ahead of UTC (cr.yp.to/libtai/tai64.html), then nanoseconds.
func (r lateReader) tai64(line []byte) (e logs.Event, ms int64, ok bool) {
	const label = 25
	var b [12]byte
	if len(line) <= label || line[label] != ' ' {
		return e, Unset, false
	}
	if _, err := hex.Decode(b[:], line[1:label]); err != nil || b[0]>>6 != 1 {
		return e, Unset, false
	}
	seconds := int64(binary.BigEndian.Uint64(b[:8])) - 1<<62 - 10
	nanos := int64(binary.BigEndian.Uint32(b[8:]))
	if seconds < 0 || seconds > lastEpoch || nanos > 999_999_999 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText}
	e.Level, line = bodies(r.p).levelAfterTime(line[label+1:])
	e.Message = string(line)
	return e, seconds*1000 + nanos/1_000_000, true
}

// history reads the time that a shell writes before each command of its history: bash's
// "#1162490366" and tcsh's "#+1162490366".
func history(line []byte) (e logs.Event, ms int64, ok bool) {
	digits := bytes.TrimPrefix(line[1:], []byte{'+'})
	if len(digits) != 10 || !allDigits(digits) {
		return e, Unset, false
	}
	seconds, _ := strconv.ParseInt(string(digits), 10, 64)
	if seconds < firstEpoch || seconds > lastEpoch {
		return e, Unset, false
	}
	return logs.Event{Format: logs.FormatText, Message: string(line)}, seconds * 1000, true
}

// banner reads "===== Start of … at Thu Jun 2 00:01:01 UTC 2022 =====".
func (r lateReader) banner(line []byte) (e logs.Event, ms int64, ok bool) {
	at := bytes.LastIndex(line[:min(len(line), 160)], []byte(" at "))
	if at < 0 || !bytes.HasPrefix(line, []byte("=====")) {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(line[at+4:])
	if n < 19 {
		return e, Unset, false
	}
	return logs.Event{Format: logs.FormatText, Message: string(bytes.Trim(line, "= "))}, ms, true
}

// uwsgi reads "[pid: 1|app: 0|req: 1/1] 10.0.0.1 () {38 vars in 696 bytes} [Sun Mar 13 22:49:12
// 2016] POST /x => generated 47 bytes in 129 msecs (HTTP/1.1 200) …".
func (r lateReader) uwsgi(line []byte) (e logs.Event, ms int64, ok bool) {
	open := bytes.Index(line, []byte("} ["))
	if open < 0 {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(line[open+3:])
	end := open + 3 + n
	if n == 0 || end+2 > len(line) || line[end] != ']' {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Context: accessContext, Message: string(bytes.TrimLeft(line[end+1:], " "))}
	if at := bytes.Index(line, []byte(" (HTTP/")); at > 0 {
		words := bytes.Fields(line[at:])
		if len(words) > 1 {
			r.p.status(&e, bytes.TrimRight(words[1], ")"))
		}
	}
	return e, ms, true
}

// status sets an event's level from an HTTP status and keeps the status.
func (p *Parser) status(e *logs.Event, word []byte) bool {
	status, err := strconv.Atoi(string(word))
	if err != nil || status < 100 || status > 599 || len(word) != 3 {
		return false
	}
	e.Level = statusLevel(status)
	p.read.numbered = true
	e.Fields = append(e.Fields, logs.Field{Key: "status", Value: string(word)})
	return true
}

// strace reads "10000 1697048351.000001 execve(…) = 0", as strace -f -ttt prints it.
func (r lateReader) strace(line []byte) (e logs.Event, ms int64, ok bool) {
	pid, rest, _ := bytes.Cut(line, []byte{' '})
	rest = bytes.TrimLeft(rest, " ")
	if !allDigits(pid) || len(rest) < 18 || rest[10] != '.' || !allDigits(rest[:10]) || !allDigits(rest[11:17]) {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(rest)
	if n < 17 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Message: string(bytes.TrimLeft(rest[n:], " "))}
	e.Fields = []logs.Field{{Key: "pid", Value: string(pid)}}
	return e, ms, true
}

// hpc reads "134681 node-246 unix.hw state_change.unavailable 1077804742 1 text", a line of the
// HPC set of loghub: id, node, component, state, seconds since 1970, flag. No column is a
// level; the state error is one.
func (r lateReader) hpc(line []byte) (e logs.Event, ms int64, ok bool) {
	words := bytes.SplitN(line, []byte{' '}, 7)
	if len(words) < 7 || !allDigits(words[0]) || len(words[4]) != 10 {
		return e, Unset, false
	}
	if flag := words[5]; len(flag) == 0 || len(flag) > 2 || !Digit(flag[len(flag)-1]) { // 0, 1, -1
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(words[4])
	if n != 10 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Context: string(words[2]), Message: string(words[6])}
	if state := string(words[3]); state == "error" || strings.HasSuffix(state, "-error") {
		e.Level = logs.LevelError
	}
	return e, ms, true
}

// cluster reads "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS
// KERNEL INFO text" and "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228
// crond[2915]: text", the format of the supercomputer logs of the USENIX CFDR: an alert
// tag or -, seconds since 1970, the date, the node, then the line itself.
func (r lateReader) cluster(line []byte) (e logs.Event, ms int64, ok bool) {
	words := bytes.SplitN(line[:min(len(line), 4096)], []byte{' '}, 5)
	if len(words) < 5 || len(words[1]) != 10 || len(words[2]) != 10 || words[2][4] != '.' || words[2][7] != '.' {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(words[1])
	if n != 10 || digits4(words[2]) < 0 {
		return e, Unset, false
	}
	rest := line[len(words[0])+len(words[1])+len(words[2])+len(words[3])+4:]
	if _, n := r.p.AnyTime(rest); n > 0 {
		e = bodies(r.p).tagged(bytes.TrimLeft(rest[n:], " "))
		return e, ms, true
	}
	e = logs.Event{Format: logs.FormatText, Context: string(words[3]), Message: string(rest)}
	for i, w := range bytes.SplitN(rest, []byte{' '}, 7) {
		if i < 2 {
			continue // the time again, and the node
		}
		if e.Level = clusterLevel(w); e.Level != logs.LevelUnknown {
			break
		}
	}
	return e, ms, true
}

func clusterLevel(word []byte) logs.Level {
	if string(word) == "FAILURE" {
		return logs.LevelError
	}
	return logs.LevelWords[string(word)]
}

// maxColumns is the number of words or columns allowed before a time.
const maxColumns = 6

// columns reads a line whose words before the time cannot be a sentence: a level ("INFO
// 2026-01-29 12:00:00 text", "I, [2026-01-29T12:00:00 #12]  INFO -- : text"), a file
// name, an address, or columns separated by ::, | or quotes.
func (r lateReader) columns(line []byte) (e logs.Event, ms int64, ok bool) {
	level, at := logs.LevelUnknown, 0
	// "[ERROR][2026-01-29 12:00:00] text"
	if end := bytes.Index(line[:min(len(line), maxLevelWord)], []byte("][")); end > 0 {
		if level = markLevel(line[:end+1]); level != logs.LevelUnknown {
			at = end + 1
		}
	}
	for range maxColumns {
		if from, ms, n := r.fullDate(line, at); n > 0 {
			r.p.read.dateAt = from
			e = bodies(r.p).body(line[afterDate(line, from, from+n):])
			if e.Level == logs.LevelUnknown {
				e.Level = level
			}
			if e.Level == logs.LevelUnknown {
				e.Level = columnLevel(line)
			}
			return e, ms, true
		}
		word, next, columned := column(line, at)
		if len(word) == 0 || next >= len(line) {
			return e, Unset, false
		}
		if l := markLevel(word); l != logs.LevelUnknown {
			level = l
		} else if !columned && !noSentence(word) {
			bar := bytes.IndexByte(line[next:min(len(line), next+40)], '|')
			if bar < 0 || bytes.IndexByte(line[:at], '|') < 0 {
				return e, Unset, false
			}
			next = skipBlank(line, next+bar+1) // a column of several words: "| jvm 1    |"
		}
		at = next
	}
	return e, Unset, false
}

// column returns the word at i, the index after it, and whether a column separator ends
// it.
func column(line []byte, i int) (word []byte, next int, columned bool) {
	end := i
	for ; end < len(line) && end < i+80; end++ {
		switch c := line[end]; {
		case c == ' ', c == '\t':
			for next = end; next < len(line) && (line[next] == ' ' || line[next] == '\t'); {
				next++
			}
			if next < len(line) && line[next] == '|' { // padded
				for next++; next < len(line) && line[next] == ' '; {
					next++
				}
				return line[i:end], next, true
			}
			return line[i:end], next, c == '\t' || next > end+3
		case c == '|':
			return line[i:end], end + 1, true
		case c == ':' && end+1 < len(line) && line[end+1] == ':':
			return line[i:end], end + 2, true
		}
	}
	return nil, len(line), false
}

// fullDate reads a date with a year and a clock at i, also after an opening bracket or
// quote; from is where the date begins.
func (r lateReader) fullDate(line []byte, i int) (from int, ms int64, n int) {
	for from = i; from < len(line) && from < i+2 && bytes.IndexByte([]byte(`["(<`), line[from]) >= 0; {
		from++
	}
	b := line[from:]
	if len(b) < 16 || !Digit(b[0]) || b[4] != '-' && b[4] != '/' || !Digit(b[1]) || b[7] != b[4] {
		return from, Unset, 0
	}
	if len(b) > 21 && string(b[10:13]) == `" "` { // "2026-01-29" "12:00:00"
		b = append(append(bytes.Clone(b[:10]), ' '), b[13:min(len(b), 40)]...)
		if ms, n = r.p.AnyTime(b); n > 0 {
			n += 2
		}
		return from, ms, n
	}
	if ms, n = r.p.AnyTime(b); n == 0 { // date and clock in separate columns
		if wide := bytes.TrimLeft(b[10:], " "); len(b)-10 > len(wide)+1 {
			near := append(append(bytes.Clone(b[:10]), ' '), wide[:min(len(wide), 30)]...)
			if ms, n = r.p.AnyTime(near); n > 0 {
				n += len(b) - 10 - len(wide) - 1
			}
		}
	}
	return from, ms, n
}

// afterDate skips the closing brackets or quotes of a date, and a process id before
// them.
func afterDate(line []byte, from, i int) int {
	if from > 0 {
		switch line[from-1] {
		case '[':
			if end := bytes.IndexByte(line[i:min(len(line), i+24)], ']'); end >= 0 {
				i += end + 1
			}
		case '"', '(', '<':
			if i < len(line) && (line[i] == '"' || line[i] == ')' || line[i] == '>') {
				i++
			}
		}
	}
	return afterTime(line, i)
}

// markLevel is the level of a word before a time: in capitals or brackets, or Ruby's
// letter with a comma.
func markLevel(word []byte) logs.Level {
	if len(word) == 2 && word[1] == ',' {
		return letterLevels[word[0]]
	}
	return wordLevel(word, false)
}

// noSentence tells whether a word cannot be part of a sentence: a number, an address, a
// file or class name, something in brackets, a dash.
func noSentence(word []byte) bool {
	if inBrackets(word) || allDigits(word) {
		return true
	}
	switch string(word) {
	case "-", "http", "https", "h2", "ws", "wss", "grpcs": // the latter of AWS's load balancers
		return true
	}
	for _, c := range word {
		if !Alnum[c] && bytes.IndexByte([]byte("._/-:@#"), c) < 0 {
			return false
		}
	}
	return bytes.ContainsAny(word, "0123456789") && bytes.ContainsAny(word, "._/-")
}

// columnLevel finds a level that fills a column of a tab-separated line.
func columnLevel(line []byte) logs.Level {
	for _, c := range bytes.SplitN(line[:min(len(line), 8192)], []byte{'\t'}, 16) {
		if l, ok := logs.LevelWords[string(bytes.Trim(c, `"`))]; ok {
			return l
		}
	}
	return logs.LevelUnknown
}
