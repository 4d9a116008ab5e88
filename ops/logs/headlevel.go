package logs

import "bytes"

// levelAfterTime finds the level in what follows the time of a line: the first word in
// any case, else a word in capitals or in brackets after a thread, a process id, a
// host and a tag. rest is the text after a level that comes first, else all of b.
func levelAfterTime(b []byte) (l Level, rest []byte) {
	if l, rest, ok := leadingLevel(b); ok {
		return l, rest
	}
	if l, n := firstWordLevel(b); n > 0 {
		return l, bytes.TrimLeft(b[n:], " \t:|-")
	}
	return laterLevel(b), b
}

// firstWordLevel reads "error text", "E text" and "错误 text".
func firstWordLevel(b []byte) (l Level, n int) {
	if n = bytes.IndexAny(b, " \t"); n < 0 {
		n = len(b)
	}
	word := b[:n]
	if len(word) == 1 {
		if l = letterLevels[word[0]]; l != LevelUnknown && n < len(b) {
			return l, n
		}
		return LevelUnknown, 0
	}
	if l, ok := ParseLevel(string(bytes.Trim(word, ":,*|"))); ok && len(word) <= maxLevelWord {
		return l, n
	}
	return LevelUnknown, 0
}

// letterLevels are the levels that logcat, klog and MongoDB write as one letter.
var letterLevels = [256]Level{
	'V': LevelVerbose, 'D': LevelDebug, 'I': LevelInfo, 'W': LevelWarn, 'E': LevelError, 'F': LevelFatal,
}

const (
	maxLevelWord  = 16 // bytes of a level with what is around it
	maxHeadWords  = 6  // words before a level
	maxPlainWords = 2  // of those how many are neither numbers nor in brackets
	maxHeadBytes  = 120
)

// laterLevel finds a level after other words of a line's head.
func laterLevel(b []byte) Level {
	b = b[:min(len(b), maxHeadBytes)]
	plain, numbers := 0, true
	for range maxHeadWords {
		b = bytes.TrimLeft(b, " \t|,-")
		n := bytes.IndexAny(b, " \t")
		if n < 0 {
			n = len(b)
		}
		word := b[:n]
		if l := wordLevel(word, numbers); l != LevelUnknown {
			return l
		}
		if len(word) == 0 || !headWord(word) {
			return LevelUnknown
		}
		if !inBrackets(word) && !allDigits(word) {
			plain++
			numbers = false
		}
		if plain > maxPlainWords {
			return LevelUnknown
		}
		b = b[n:]
	}
	return LevelUnknown
}

// wordLevel is the level that a word of a head is: in capitals, or in brackets in any
// case, or one letter after numbers alone.
func wordLevel(word []byte, afterNumbers bool) Level {
	if len(word) == 0 || len(word) > maxLevelWord {
		return LevelUnknown
	}
	if len(word) == 1 && afterNumbers {
		return letterLevels[word[0]]
	}
	bare := bytes.Trim(word, "[]()<>|*:,")
	if l, ok := levelWords[string(bare)]; ok {
		return l
	}
	if c := word[0]; c == '[' || c == '(' || c == '<' {
		l, _ := ParseLevel(string(bare))
		return l
	}
	return LevelUnknown
}

// headWord tells a word that may come before a level: a number, something in
// brackets, a name, a name with a process id and a colon.
func headWord(word []byte) bool {
	if inBrackets(word) {
		return true
	}
	for i, c := range word {
		switch {
		case alnum[c] || c >= 0x80 || bytes.IndexByte([]byte("._-/@#*[]()"), c) >= 0:
		case c == ':' && i == len(word)-1:
		default:
			return false
		}
	}
	return true
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
		if !digit(c) {
			return false
		}
	}
	return true
}
