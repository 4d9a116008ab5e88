package replay

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Side describes the implicit effects of statements, which are in no log.
type Side struct {
	None     bool // there is no trigger and no function
	Harmless bool // no trigger or function removes rows
	Cascades cascades
}

// removing matches the keywords with which a trigger or function may remove rows.
var removing = regexp.MustCompile(`(?i)\b(DELETE|REPLACE|TRUNCATE|CALL)\b`)

// madeRemoving matches the definition of a trigger or function that may remove rows.
var madeRemoving = regexp.MustCompile(`(?is)\b(TRIGGER|FUNCTION)\b.*\b(DELETE|REPLACE|TRUNCATE|CALL)\b`)

// sideOf queries the server for the implicit effects of statements. A trigger of the
// backup that no longer exists counts as one that removes rows.
func sideOf(ctx context.Context, q schema.Querier, src restore.Source) (side Side, err error) {
	bodies, err := schema.All(ctx, q, "SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS "+
		"WHERE TRIGGER_SCHEMA = ? UNION ALL SELECT CONCAT('()', ROUTINE_NAME), COALESCE(ROUTINE_DEFINITION, 'CALL') "+
		"FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE = 'FUNCTION'",
		src.Database, src.Database)
	if err != nil {
		return side, err
	}
	side.Harmless = true
	side.None = len(bodies) == 0
	there := map[string]bool{}
	for _, b := range bodies {
		there[b[0]] = true
		side.Harmless = side.Harmless && !removing.MatchString(b[1])
	}
	for _, o := range src.Holds {
		side.Harmless = side.Harmless && (o.Kind != "trigger" || there[o.Name])
		side.None = side.None && o.Kind != "trigger" && o.Kind != "function"
	}
	side.Cascades, err = cascadesOf(ctx, q, src.Database)
	return side, err
}

// least tracks the minimum row count of each table where statement-format statements do
// not tell how many rows they change.
type least struct {
	side  Side
	n     map[string]int64
	rough map[string]bool
}

func newLeast(q Question) *least {
	l := &least{side: q.Side, n: maps.Clone(q.Rows), rough: map[string]bool{}}
	if l.n == nil {
		l.n = map[string]int64{}
	}
	for t, n := range l.n {
		l.n[t] = max(0, n)
	}
	return l
}

// of returns the minimum for the tables with unknown row counts.
func (l *least) of(rows map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for t, n := range rows {
		if n == unknownRows {
			out[t] = l.n[t]
		}
	}
	return out
}

func (l *least) roughly() []string { return slices.Sorted(maps.Keys(l.rough)) }

// rows records row images.
func (l *least) rows(c binlog.TableChange) {
	l.n[c.Table] = max(0, l.n[c.Table]+c.Inserted-c.Deleted)
	if c.Deleted > 0 {
		for _, t := range l.side.Cascades.below(c.Table) {
			l.rough[t] = true
		}
	}
}

// define records a definition.
func (l *least) define(d decided) {
	d.effect.apply(l.n)
	for t, n := range l.n {
		l.n[t] = max(0, n)
	}
	l.side.Harmless = l.side.Harmless && !madeRemoving.MatchString(d.sql)
}

// statement records a statement that changes an unknown number of rows.
func (l *least) statement(d decided) {
	switch {
	case !l.side.Harmless || d.fewer && strings.Join(d.tables, "") == "":
		for t := range l.n {
			l.n[t] = 0
		}
	case d.fewer:
		for _, t := range d.tables {
			l.n[t] = 0
			for _, b := range l.side.Cascades.below(t) {
				l.n[b] = 0
			}
		}
	}
}
