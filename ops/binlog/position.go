// Package binlog is the operator's view of a binlog: positions, sets of GTIDs, the spans
// and gaps of an archive, transactions and their row changes, what an archive keeps, and
// the inverse of a transaction. It has the rules; ops/mysql/binlog reads the servers'
// format.
package binlog

import (
	"fmt"
	"strconv"
	"strings"
)

// Position is a position in a server's binlog: after Pos bytes of a file.
type Position struct {
	File string `json:"file"`
	Pos  uint64 `json:"pos"`
}

// String is FILE:POS, as --until and --before accept it.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Pos) }

// ParsePosition parses FILE:POS. ok is false for anything else.
func ParsePosition(text string) (p Position, ok bool) {
	file, pos, found := cutLast(text, ":")
	if !found || file == "" {
		return p, false
	}
	if _, _, numbered := Split(file); !numbered {
		return p, false
	}
	n, err := strconv.ParseUint(pos, 10, 64)
	if err != nil {
		return p, false
	}
	return Position{File: file, Pos: n}, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Split splits a log file's name: "binlog" and 7 for "binlog.000007".
func Split(file string) (base string, number uint64, ok bool) {
	base, digits, found := cutLast(file, ".")
	if !found || base == "" || len(digits) < 6 {
		return file, 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return base, number, err == nil
}

// Before reports whether p comes before q in one server's log.
func (p Position) Before(q Position) bool {
	_, a, _ := Split(p.File)
	_, b, _ := Split(q.File)
	if a != b {
		return a < b
	}
	return p.Pos < q.Pos
}
