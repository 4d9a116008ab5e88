package load

import (
	"slices"
	"strings"

	"opsdeck/ops/mysql/sqlscan"
)

// staysOff tells whether an event is created disabled whatever the dump says.
func (g *guard) staysOff(name string) bool {
	return slices.ContainsFunc(g.off, func(off string) bool { return strings.EqualFold(off, name) })
}

// disabled tells whether the dump's event is disabled already. Then the edit keeps the
// status as it is: DISABLE ON SLAVE says that a replica has it from its source. MariaDB
// does not know MySQL's newer DISABLE ON REPLICA.
func (g *guard) disabled(p *sqlscan.Parsed, e *sqlscan.Edit) bool {
	was := strings.ToUpper(string(p.SQL[e.Start:e.End]))
	if !strings.HasPrefix(was, "DISABLE") {
		return false
	}
	e.New = string(p.SQL[e.Start:e.End])
	if g.maria && strings.HasSuffix(was, "REPLICA") {
		e.New = "DISABLE ON SLAVE"
	}
	return true
}
