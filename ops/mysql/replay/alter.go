package replay

import (
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/sqlscan"
)

// moves reports whether an ALTER TABLE moves a table or a partition's rows between our
// database and another. own tells that the table that it alters is ours.
func (j *judge) moves(q *binlog.Query, p *sqlscan.Parsed, own bool) bool {
	if p.Verb != "ALTER" || p.Kind != "TABLE" {
		return false
	}
	for i := p.Body; i < p.Len(); i++ {
		at := other(p, i)
		if at == 0 {
			continue
		}
		in := q.Schema // of a name alone, whatever the altered table's database is
		if p.Is(at+1, ".") {
			in, _ = p.Text.Name(at)
		}
		if j.ours(in) != own {
			return true
		}
	}
	return false
}

// other is the index of the name of the second table of an ALTER TABLE's clause that begins
// at a token; 0 if none does.
//
//	RENAME [TO | AS | =] x
//	EXCHANGE PARTITION p WITH TABLE x
//	CONVERT PARTITION p TO TABLE x, CONVERT TABLE x TO PARTITION p (MariaDB)
func other(p *sqlscan.Parsed, i int) int {
	switch {
	case p.Is(i, "RENAME") && p.Any(i+1, "COLUMN", "INDEX", "KEY") && !p.Is(i+2, "."):
		return 0
	case p.Is(i, "RENAME") && p.Any(i+1, "TO", "AS", "="):
		return i + 2
	case p.Is(i, "RENAME"):
		return i + 1
	case p.Follows(i, "WITH", "TABLE"), p.Follows(i, "TO", "TABLE"), p.Follows(i, "CONVERT", "TABLE"):
		return i + 2
	}
	return 0
}
