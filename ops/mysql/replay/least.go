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

// Side is what statements of a schema do besides what they say, and no log tells.
type Side struct {
	Harmless bool                // no trigger and no function removes rows
	Cascades map[string][]string // a deleted row of the key removes rows of these tables
}

// removing are the words by which a trigger or a function may remove rows.
var removing = regexp.MustCompile(`(?i)\b(DELETE|REPLACE|TRUNCATE|CALL)\b`)

// madeRemoving is a definition of a trigger or a function that may remove rows.
var madeRemoving = regexp.MustCompile(`(?is)\b(TRIGGER|FUNCTION)\b.*\b(DELETE|REPLACE|TRUNCATE|CALL)\b`)

// sideOf asks the server what statements do besides. A trigger of the backup that is not
// there any more counts as one that removes rows.
func sideOf(ctx context.Context, q schema.Querier, src restore.Source) (side Side, err error) {
	bodies, err := schema.All(ctx, q, "SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS "+
		"WHERE TRIGGER_SCHEMA = ? UNION ALL SELECT CONCAT('()', ROUTINE_NAME), COALESCE(ROUTINE_DEFINITION, 'CALL') "+
		"FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE = 'FUNCTION'",
		src.Database, src.Database)
	if err != nil {
		return side, err
	}
	side.Harmless = true
	there := map[string]bool{}
	for _, b := range bodies {
		there[b[0]] = true
		side.Harmless = side.Harmless && !removing.MatchString(b[1])
	}
	for _, o := range src.Holds {
		side.Harmless = side.Harmless && (o.Kind != "trigger" || there[o.Name])
	}
	keys, err := schema.All(ctx, q, "SELECT REFERENCED_TABLE_NAME, TABLE_NAME FROM "+
		"information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND DELETE_RULE = 'CASCADE'",
		src.Database)
	side.Cascades = map[string][]string{}
	for _, k := range keys {
		side.Cascades[k[0]] = append(side.Cascades[k[0]], k[1])
	}
	return side, err
}

// least follows the fewest rows that each table can have, where statements of the
// statement format do not tell how many they change.
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

// of are the numbers of the tables whose rows are not known.
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

// rows takes in row images.
func (l *least) rows(c binlog.TableChange) {
	l.n[c.Table] = max(0, l.n[c.Table]+c.Inserted-c.Deleted)
	if c.Deleted > 0 {
		for _, t := range l.below(c.Table) {
			l.rough[t] = true
		}
	}
}

// define takes in a definition.
func (l *least) define(d decided) {
	d.effect.apply(l.n)
	for t, n := range l.n {
		l.n[t] = max(0, n)
	}
	l.side.Harmless = l.side.Harmless && !madeRemoving.MatchString(d.sql)
}

// statement takes in a statement that changes rows, and does not tell how many.
func (l *least) statement(d decided) {
	switch {
	case !l.side.Harmless || d.fewer && strings.Join(d.tables, "") == "":
		for t := range l.n {
			l.n[t] = 0
		}
	case d.fewer:
		for _, t := range d.tables {
			l.n[t] = 0
			for _, b := range l.below(t) {
				l.n[b] = 0
			}
		}
	}
}

// below are the tables that lose rows with those of a table.
func (l *least) below(table string) (out []string) {
	todo := []string{table}
	seen := map[string]bool{table: true}
	for len(todo) > 0 {
		for _, t := range l.side.Cascades[todo[0]] {
			if !seen[t] {
				seen[t] = true
				todo = append(todo, t)
				out = append(out, t)
			}
		}
		todo = todo[1:]
	}
	return out
}
