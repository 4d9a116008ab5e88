package logs

import (
	"fmt"
	"strings"
)

// Level is how serious a line says it is. The order is that of Nest:
// verbose < debug < info < warn < error < fatal.
type Level uint8

// The levels. Nest prints LOG for info; trace counts as verbose.
const (
	LevelUnknown Level = iota
	LevelVerbose
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
	LevelFatal
	LevelCount
)

var levelNames = [LevelCount]string{"UNKNOWN", "VERBOSE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

// String is the word that JSON output carries: "ERROR", or "UNKNOWN".
func (l Level) String() string { return levelNames[min(l, LevelCount-1)] }

// Levels lists all levels, the least serious first, LevelUnknown in front.
func Levels() []Level {
	return []Level{LevelUnknown, LevelVerbose, LevelDebug, LevelInfo, LevelWarn, LevelError, LevelFatal}
}

var LevelWords = map[string]Level{
	"VERBOSE": LevelVerbose, "TRACE": LevelVerbose, "VRB": LevelVerbose, "TRC": LevelVerbose, "SILLY": LevelVerbose,
	"FINEST": LevelVerbose,
	"DEBUG":  LevelDebug, "DBG": LevelDebug,
	"INFO": LevelInfo, "LOG": LevelInfo, "INF": LevelInfo, "NOTICE": LevelInfo, "INFORMATION": LevelInfo,
	"HTTP": LevelInfo,
	"WARN": LevelWarn, "WARNING": LevelWarn, "WRN": LevelWarn,
	"ERROR": LevelError, "ERR": LevelError, "EROR": LevelError, "SEVERE": LevelError,
	"FATAL": LevelFatal, "FTL": LevelFatal, "CRITICAL": LevelFatal, "CRIT": LevelFatal, "PANIC": LevelFatal,
	"EMERG": LevelFatal, "ALERT": LevelFatal,
	"EMERGENCY": LevelFatal, "DPANIC": LevelFatal,
	"NOTE": LevelInfo, "SYSTEM": LevelInfo, // MySQL and MariaDB
	"FINE": LevelDebug, "FINER": LevelVerbose, // java.util.logging
	"致命": LevelFatal, "严重": LevelFatal, "错误": LevelError, "警告": LevelWarn, "信息": LevelInfo, "调试": LevelDebug,
	"致命错误": LevelFatal, "严重错误": LevelFatal, "紧急": LevelFatal, "异常": LevelError, "告警": LevelWarn, "提示": LevelInfo,
	"通知": LevelInfo, "跟踪": LevelVerbose, "追踪": LevelVerbose,
	"嚴重": LevelFatal, "錯誤": LevelError, "資訊": LevelInfo, "偵錯": LevelDebug, "除錯": LevelDebug,
}

// ParseLevel reads a level's name in any case.
func ParseLevel(word string) (Level, bool) {
	if l, ok := LevelWords[word]; ok {
		return l, true
	}
	upper := strings.ToUpper(word)
	if l, ok := LevelWords[upper]; ok {
		return l, true
	}
	if n := len(upper); n == 6 && upper[5]-'1' < 8 {
		l, ok := LevelWords[upper[:5]] // DEBUG1 to DEBUG5 of PostgreSQL, trace1 to trace8 of Apache
		return l, ok && l <= LevelDebug
	}
	return LevelUnknown, false
}

// numberLevel is the level of a number in the manner of pino and bunyan, where
// 10 is trace and 60 is fatal.
func NumberLevel(n int) Level {
	switch {
	case n <= 0:
		return LevelUnknown
	case n <= 10:
		return LevelVerbose
	case n <= 20:
		return LevelDebug
	case n <= 30:
		return LevelInfo
	case n <= 40:
		return LevelWarn
	case n <= 50:
		return LevelError
	}
	return LevelFatal
}

// LevelSet is a set of levels, a bit for each.
type LevelSet uint8

// AllLevels holds every level, the unknown one too.
const AllLevels LevelSet = 1<<LevelCount - 1

// Has tells whether l is in the set.
func (s LevelSet) Has(l Level) bool { return s&(1<<l) != 0 }

// ParseLevelSet reads "error", "warn+" (that and all above), "debug-" (that and
// all below), or several with commas: "info,error+".
func ParseLevelSet(text string) (LevelSet, error) {
	var set LevelSet
	for _, word := range strings.Split(text, ",") {
		name := strings.TrimRight(word, "+-")
		l, ok := ParseLevel(name)
		if !ok && strings.EqualFold(name, "unknown") {
			l, ok = LevelUnknown, true
		}
		if !ok || len(word)-len(name) > 1 {
			return 0, fmt.Errorf(
				"level %q: want verbose, debug, info, warn, error or fatal, with + for that and above",
				word,
			)
		}
		switch {
		case strings.HasSuffix(word, "+"):
			set |= AllLevels &^ (1<<l - 1)
		case strings.HasSuffix(word, "-"):
			set |= 1<<(l+1) - 1
		default:
			set |= 1 << l
		}
	}
	return set, nil
}
