package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// zoneNames are the zone abbreviations with one meaning in logs, in minutes east of UTC.
// CST, IST, BST and others have several: they are read in the zone of the source.
var zoneNames = map[string]int{
	"UTC": 0, "GMT": 0, "Z": 0, "WET": 0,
	"EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
	"AKST": -540, "AKDT": -480, "HST": -600, "NST": -210, "NDT": -150, "ADT": -180, "BRT": -180,
	"WEST": 60, "CET": 60, "MEZ": 60, "CEST": 120, "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180,
	"JST": 540, "KST": 540, "HKT": 480, "SGT": 480, "AWST": 480, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660,
	"NZST": 720, "NZDT": 780, "PKT": 300, "ICT": 420, "WIB": 420,
}

// ambiguousZones are abbreviations used in several countries: CST is China's and
// America's. A time with one is read in the zone of its source.
var ambiguousZones = map[string]bool{
	"CST": true, "IST": true, "BST": true, "ECT": true, "AST": true, "GST": true, "WST": true, "SST": true,
}

// zoneAt reads "Z", "+08", "+08:00", "+0800", " +08:00", " UTC", " GMT+8", "
// [GMT+08:00]" or another name of zoneNames at n; "+8", " -03" and " Z" only where they
// are clearly not part of a sentence.
func zoneAt(b []byte, n int) (zoned bool, offset, end int) {
	if n >= len(b) {
		return false, 0, n
	}
	if b[n]|0x20 == 'z' && (n+1 == len(b) || !Alnum[b[n+1]]) {
		return true, 0, n + 1
	}
	i := n
	if b[i] == ' ' {
		if i++; i < len(b) && (b[i] == '(' || b[i] == '[') {
			i++ // log4j's " (UTC)", " [GMT+08:00]"
		}
		if i < len(b) && b[i] == 'Z' && b[i-1] == ' ' && endsZone(b, i+1) {
			return true, 0, i + 1
		}
	}
	if word := capitals(b, i); len(word) >= 2 {
		return namedZone(b, n, i, word)
	}
	if i > n && b[i-1] == '[' {
		return false, 0, n
	}
	size, seconds := numericZone(b, i)
	if size == 0 {
		size, seconds = shortZone(b, i)
	}
	if size == 0 || (size == 2 || size == 3 && i > n) && !endsZone(b, i+size) {
		return false, 0, n // "12:00:00 -10 degrees"
	}
	return true, seconds, i + size
}

// endsZone tells whether the text at i cannot continue a sentence after a sign and a
// number, or after the letter Z: it is the end, a bracket, a separator or a level.
func endsZone(b []byte, i int) bool {
	if i >= len(b) || bytes.IndexByte([]byte("\"'])|,"), b[i]) >= 0 {
		return true
	}
	if b[i] != ' ' || i+1 == len(b) {
		return b[i] == ' '
	}
	if b[i+1] == '[' || b[i+1] == '|' || b[i+1] == '-' && i+2 < len(b) && b[i+2] == ' ' {
		return true
	}
	_, ok := logs.ParseLevel(string(capitals(b, i+1)))
	return ok
}

// namedZone reads the zone named word at i; n is where the time ended.
func namedZone(b []byte, n, i int, word []byte) (zoned bool, offset, end int) {
	end = i + len(word)
	if ambiguousZones[string(word)] && i > n && b[i-1] == ' ' {
		return false, 0, end
	}
	minutes, ok := zoneNames[string(word)]
	if !ok {
		return false, 0, n
	}
	if minutes == 0 && end < len(b) && (b[end] == '+' || b[end] == '-') {
		size, seconds := numericZone(b, end)
		if size == 0 {
			size, seconds = shortZone(b, end)
		}
		minutes, end = seconds/60, end+size
	}
	if i > n && b[i-1] != ' ' {
		if b[i-1] == '[' && word[0] != 'G' && word[0] != 'U' {
			return false, 0, n // a context
		}
		closing := byte(')')
		if b[i-1] == '[' {
			closing = ']'
		}
		if end >= len(b) || b[end] != closing {
			return false, 0, n
		}
		end++
	}
	return true, minutes * 60, end
}

// capitals is the run of ASCII capitals at i, if no letter or digit follows it.
func capitals(b []byte, i int) []byte {
	end := i
	for end < len(b) && b[end] >= 'A' && b[end] <= 'Z' {
		end++
	}
	if end < len(b) && Alnum[b[end]] {
		return nil
	}
	return b[i:end]
}

// numericZone reads "+08:00", "+0800" or "+08" at i and returns its length, 0 without
// one, and the offset in seconds.
func numericZone(b []byte, i int) (size, seconds int) {
	if i+3 > len(b) || b[i] != '+' && b[i] != '-' {
		return 0, 0
	}
	hours := digits2(b[i+1:])
	if hours < 0 || hours > 14 {
		return 0, 0
	}
	minutes := 0
	rest := b[i+3:]
	size = 3
	colon := len(rest) > 0 && rest[0] == ':'
	if colon {
		rest = rest[1:]
	}
	if len(rest) >= 2 && digits2(rest) >= 0 {
		minutes = digits2(rest)
		if size = 5; colon {
			size = 6
		}
	}
	if end := i + size; end < len(b) && Digit(b[end]) {
		return 0, 0
	}
	seconds = hours*3600 + minutes*60
	if b[i] == '-' {
		seconds = -seconds
	}
	return size, seconds
}

// shortZone reads "+8", "+5:30" or "+530" at i, not followed by a digit.
func shortZone(b []byte, i int) (size, seconds int) {
	if i+2 > len(b) || !Digit(b[i+1]) || b[i] != '+' && b[i] != '-' {
		return 0, 0
	}
	size = 2
	seconds = int(b[i+1]-'0') * 3600
	at := i + 2
	if at < len(b) && b[at] == ':' {
		at++
	}
	if at+2 <= len(b) && digits2(b[at:]) >= 0 && digits2(b[at:]) < 60 {
		seconds += digits2(b[at:]) * 60
		size = at + 2 - i
	}
	if end := i + size; end < len(b) && Digit(b[end]) {
		return 0, 0
	}
	if b[i] == '-' {
		seconds = -seconds
	}
	return size, seconds
}
