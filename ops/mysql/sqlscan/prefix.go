package sqlscan

import "bytes"

// Prefix is what MariaDB lets precede a statement, and logs with it.
type Prefix struct {
	Settings []string // of SET STATEMENT … FOR, each as "name = value"; they apply to the statement alone
	Analyze  bool     // ANALYZE [FORMAT=…]: the statement is run, and its plan is shown
}

// Prefixed splits off what precedes a statement. A statement without a prefix, or whose prefix
// cannot be told from it, is returned whole.
// https://mariadb.com/docs/server/reference/sql-statements/administrative-sql-statements/set-commands/set-statement
func Prefixed(sql []byte, mode Mode) (Prefix, []byte) {
	var p Prefix
	for {
		end := p.take(sql, mode)
		if end == 0 {
			return p, sql
		}
		sql = bytes.TrimLeft(sql[end:], " \t\r\n")
	}
}

// take reads one prefix. It returns where the prefix ends; 0 if there is none.
func (p *Prefix) take(sql []byte, mode Mode) (end int) {
	depth, first := 0, 2
	var settings []string
	t, err := tokenize(sql, mode, func(t *Text) bool {
		last := t.Len() - 1
		switch {
		case last == 0:
			return t.Any(0, "SET", "ANALYZE")
		case t.Is(0, "ANALYZE"):
			return !t.Any(last, "INSERT", "REPLACE", "UPDATE", "DELETE", "TABLE", "TABLES", "SELECT", "WITH")
		case last == 1:
			return t.Is(1, "STATEMENT")
		case t.Is(last, "("):
			depth++
		case t.Is(last, ")"):
			depth--
		case depth == 0 && (t.Is(last, ",") || t.Is(last, "FOR")):
			if last > first {
				settings = append(settings, string(sql[t.Tokens[first].Start:t.Tokens[last-1].End]))
			}
			first = last + 1
			return t.Is(last, ",")
		}
		return true
	})
	if err != nil || len(t.Conditional) > 0 {
		return 0
	}
	last := t.Len() - 1
	switch {
	case t.Follows(0, "SET", "STATEMENT") && t.Is(last, "FOR"):
		p.Settings = append(p.Settings, settings...)
		return t.Tokens[last].End
	case t.Is(0, "ANALYZE") && t.Any(last, "INSERT", "REPLACE", "UPDATE", "DELETE"):
		p.Analyze = true
		return t.Tokens[last].Start
	}
	return 0
}
