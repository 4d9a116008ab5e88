package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// levelAfterTime finds the level in the text after a line's time: the first word in any
// case, else a word in capitals or brackets after a thread, a process id, a host and a
// tag. rest is the text after a level that comes first, else all of b.
func (r bodyReader) levelAfterTime(b []byte) (l logs.Level, rest []byte) {
	if i := bytes.IndexByte(b[:min(len(b), 12)], ']'); i > 0 && allDigits(b[:i]) {
		b = bytes.TrimLeft(b[i+1:], " ") // "25376]INFO:text"
	}
	if l, rest, ok := leadingLevel(b); ok {
		return l, rest
	}
	if l, n := r.firstWordLevel(b); n > 0 {
		return l, bytes.TrimLeft(b[n:], " \t:|-")
	}
	return laterLevel(b), b
}

// firstWordLevel reads "error text", "E text" and "错误 text".
func (r bodyReader) firstWordLevel(b []byte) (l logs.Level, n int) {
	if n = bytes.IndexAny(b, " \t"); n < 0 {
		n = len(b)
	}
	if n == 0 { // a line with only a time
		return logs.LevelUnknown, 0
	}
	if bar := bytes.IndexByte(b[:min(len(b), maxLevelWord)], '|'); bar > 2 && bar < n { // "info|text"
		if l, ok := logs.ParseLevel(string(b[:bar])); ok {
			return l, bar
		}
	}
	word := b[:n]
	if l, ok := letterLevel(word, b[n:]); ok {
		return l, n
	}
	if len(word) == 1 || len(word) > maxLevelWord {
		return logs.LevelUnknown, 0
	}
	bare := bytes.Trim(word, ":,*|")
	if l, ok := logs.ParseLevel(string(bare)); !ok {
		return logs.LevelUnknown, 0
	} else if !r.p.Column && (sentenceWord(word) || len(bare) == len(word) && beginsSentence(word, b[n:])) {
		r.p.read.doubt = l
		return logs.LevelUnknown, 0
	} else {
		return l, n
	}
}

// beginsSentence tells whether a level word without separators begins a sentence in
// lower case: "error rate is low", "Warning lights are on". It is a level when it is
// alone, or when two spaces, a tab, a name, a number or something in brackets follow it.
// So are the short words that sentences do not use, and "error reading x".
func beginsSentence(word, rest []byte) bool {
	if bytes.Equal(word, bytes.ToUpper(word)) {
		return false
	}
	switch string(bytes.ToLower(word)) {
	case "info", "warn", "err", "crit", "emerg", "dbg", "inf", "wrn":
		return false
	}
	if len(rest) < 2 || rest[0] == '\t' || rest[1] == ' ' {
		return false
	}
	next, more, _ := bytes.Cut(rest[1:], []byte{' '})
	if len(bytes.TrimSpace(more)) == 0 || more[0] == '[' || bytes.HasSuffix(next, []byte("ing")) {
		return false
	}
	next = bytes.TrimRight(next, ":,.;!?")
	for _, c := range next {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return len(next) > 0
}

// letterLevel reads a one-letter level: "E text", "E: text", "E/Tag: text" and "[E]".
// "I" is also a word: it is a level before a name in capitals or with a colon, a number,
// or something in brackets; "I am here" is a sentence.
func letterLevel(word, rest []byte) (l logs.Level, ok bool) {
	switch {
	case len(word) == 1:
		rest = bytes.TrimLeft(rest, " \t")
		next, _, _ := bytes.Cut(rest, []byte{' '})
		if len(next) == 0 || word[0] == 'I' && !afterLetter(next) {
			return logs.LevelUnknown, false
		}
		l = letterLevels[word[0]]
	case len(word) == 2 && word[1] == ':', len(word) > 3 && word[1] == '/' && word[len(word)-1] == ':':
		l = letterLevels[word[0]]
	case len(word) == 3 && word[0] == '[' && word[2] == ']':
		l = letterLevels[word[1]]
	}
	return l, l != logs.LevelUnknown
}

func afterLetter(next []byte) bool {
	return Digit(next[0]) || inBrackets(next) || next[0] == '-' || next[0] == '|' || capitalName(next)
}

// capitalName recognises a name such as NETWORK, or one with a colon after it.
func capitalName(word []byte) bool {
	if len(word) > 1 && word[len(word)-1] == ':' {
		return true
	}
	for _, c := range word {
		if (c < 'A' || c > 'Z') && !Digit(c) && c != '_' {
			return false
		}
	}
	return len(word) > 1
}

// sentenceWord recognises a level word that often begins a sentence: it is a level in
// capitals, or when more than a space separates it.
func sentenceWord(word []byte) bool {
	if word[len(word)-1] == ':' || word[len(word)-1] == ',' || word[len(word)-1] == '|' ||
		bytes.Equal(word, bytes.ToUpper(word)) {
		return false
	}
	switch string(bytes.ToLower(word)) {
	case "log", "notice", "system", "note", "fine", "finer", "finest", "alert", "http", "silly", "information", "panic",
		"emergency", "severe":
		return true
	}
	return false
}

// letterLevels are the levels that logcat, klog and MongoDB write as one letter.
var letterLevels = [256]logs.Level{
	'V': logs.LevelVerbose, 'D': logs.LevelDebug, 'I': logs.LevelInfo, 'W': logs.LevelWarn,
	'E': logs.LevelError, 'F': logs.LevelFatal,
}

const (
	maxLevelWord  = 16 // bytes of a level with its separators
	maxHeadWords  = 6  // words before a level
	maxPlainWords = 2  // of those, words that are neither numbers nor in brackets
	maxHeadBytes  = 120
)

// laterLevel finds a level after other words at the head of a line.
func laterLevel(b []byte) logs.Level {
	b = b[:min(len(b), maxHeadBytes)]
	plain, numbers := 0, true
	for i := range maxHeadWords {
		b = bytes.TrimLeft(b, " \t|,-")
		n := bytes.IndexAny(b, " \t")
		if n < 0 {
			n = len(b)
		}
		word := b[:n]
		if l := wordLevel(word, numbers && i > 0); l != logs.LevelUnknown {
			return l
		}
		if len(word) == 0 || !headWord(word) {
			return logs.LevelUnknown
		}
		if !inBrackets(word) && !allDigits(word) && !hexNumber(word) {
			plain++
			numbers = false
		}
		if plain > maxPlainWords {
			return logs.LevelUnknown
		}
		b = b[n:]
	}
	return logs.LevelUnknown
}

// wordLevel is the level of a word at the head: in capitals, in brackets in any case, or
// one letter after only numbers.
func wordLevel(word []byte, afterNumbers bool) logs.Level {
	if at := bytes.Index(word, []byte("：")); at > 0 {
		word = word[:at]
	}
	if len(word) == 0 || len(word) > maxLevelWord {
		return logs.LevelUnknown
	}
	if len(word) == 1 && afterNumbers {
		return letterLevels[word[0]]
	}
	bare := bytes.Trim(word, "[]()<>|*:,【】［］：｜")
	if len(bare) == len(word) && !afterNumbers && alsoWord(bare) {
		return logs.LevelUnknown
	}
	if l, ok := logs.LevelWords[string(bare)]; ok {
		return l
	}
	if c := word[0]; c == '[' || c == '(' || c == '<' {
		l, _ := logs.ParseLevel(string(bare))
		return l
	}
	return logs.LevelUnknown
}

// alsoWord recognises a level in capitals that is also used in text: "X HTTP load
// failed".
func alsoWord(word []byte) bool {
	switch string(word) {
	case "HTTP", "SYSTEM", "NOTE", "FINE":
		return true
	}
	return false
}

// headWord recognises a word that may precede a level: a number, something in brackets,
// a name, a name with a process id and a colon.
func headWord(word []byte) bool {
	if inBrackets(word) {
		return true
	}
	for i, c := range word {
		switch {
		case Alnum[c] || c >= 0x80 || bytes.IndexByte([]byte("._-/@#*[]()"), c) >= 0:
		case c == ':' && (i == len(word)-1 || Alnum[word[i+1]]): // "file.cpp:25:name():"
		default:
			return false
		}
	}
	return true
}

// hexNumber recognises a thread number in hexadecimal digits.
func hexNumber(word []byte) bool {
	for _, c := range word {
		if !Digit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return len(word) >= 8 && bytes.ContainsAny(word, "0123456789")
}

func inBrackets(word []byte) bool {
	switch word[0] {
	case '[', '(', '<':
		return true
	}
	return false
}

func allDigits(word []byte) bool {
	for _, c := range word {
		if !Digit(c) {
			return false
		}
	}
	return true
}
