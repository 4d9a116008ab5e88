package replay

import (
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// dropPart handles a DROP of several tables or views, some of them in other databases: it
// keeps the part about ours. split is false if the statement does not need it.
func (j *judge) dropPart(q *binlog.Query, p *sqlscan.Parsed) (d decided, split bool) {
	if p.Verb != "DROP" || len(p.Refs) < 2 || !slices.Contains([]string{"TABLE", "VIEW", "SEQUENCE"}, p.Kind) {
		return d, false
	}
	d = decided{kind: definition, partly: true}
	var names []string
	foreign := 0
	for _, r := range p.Refs {
		in := r.Schema
		if in == "" {
			in = q.Schema
		}
		switch {
		case !j.ours(in):
			foreign++
		case j.inScope(r.Name):
			d.tables = append(d.tables, r.Name)
			names = append(names, schema.Name(j.to, r.Name))
		}
	}
	if foreign == 0 || len(names) == 0 {
		return d, false
	}
	d.sql = "DROP " + p.Kind + " " + ifExists(p.Text, 2) + strings.Join(names, ", ")
	if p.Kind != "VIEW" {
		d.effect.dropped = d.tables
	}
	return d, true
}

// noteStray records a trigger, function or view of the log that names another database in its
// code, or that it is gone. The code is not run by row images; a statement in statement
// format would run it.
func (j *judge) noteStray(p *sqlscan.Parsed, outside bool) {
	name := strings.ToLower(p.Own().Name)
	switch p.Kind {
	case "TRIGGER", "FUNCTION":
	case "PROCEDURE":
		if !j.implicit { // nothing calls it within a statement
			return
		}
	case "VIEW":
		name = viewPrefix + name
	default:
		return
	}
	switch {
	case p.Verb == "CREATE" && outside:
		j.strays[name] = true
	case p.Verb == "DROP", p.Verb == "CREATE" && p.Replace:
		delete(j.strays, name)
	}
}

// strayed is why a statement that changes rows cannot be run again: a trigger of the backup,
// a trigger or function that the log created, or a view, could change another database.
func (j *judge) strayed(q *binlog.Query, t *sqlscan.Text) lang.Msg {
	var held []string
	for _, name := range slices.Sorted(maps.Keys(j.strays)) {
		view, is := strings.CutPrefix(name, viewPrefix)
		if !is || j.changesBy(q, t, view) {
			held = append(held, view)
		}
	}
	if len(held) == 0 {
		return lang.Msg{}
	}
	names := strings.Join(held, ", ")
	return lang.M("run again in statement format, it could change another database, which %s names: %s", names,
		short(q.SQL))
}

// changesBy reports whether a statement may change rows by a view: it does not only read it.
func (j *judge) changesBy(q *binlog.Query, t *sqlscan.Text, view string) bool {
	p, err := sqlscan.Parse(q.SQL, j.mode(q))
	if err == nil && len(p.Refs) > 0 && singleTable(p) {
		return strings.EqualFold(p.Own().Name, view)
	}
	return hasName(t, view)
}

// pair is one table's old and new name in a RENAME.
type pair struct {
	old, now sqlscan.Ref
}

// rename decides on RENAME TABLE a TO b, c TO d. Pairs of other databases are left out.
func (j *judge) rename(q *binlog.Query, t *sqlscan.Text) (decided, lang.Msg) {
	pairs := renamePairs(q, t)
	if pairs == nil {
		return decided{}, lang.M("opsdeck cannot parse the statement: %s", short(q.SQL))
	}
	d := decided{kind: definition}
	var parts []string
	moves := false
	scoped := 0
	named := 0
	for _, p := range pairs {
		from := j.ours(p.old.Schema)
		to := j.ours(p.now.Schema)
		for _, r := range []sqlscan.Ref{p.old, p.now} {
			if j.ours(r.Schema) {
				named++
			}
			if j.ours(r.Schema) && j.inScope(r.Name) {
				scoped++
			}
		}
		switch {
		case from && to:
			parts = append(parts, schema.Name(j.to, p.old.Name)+" TO "+schema.Name(j.to, p.now.Name))
			d.tables = append(d.tables, p.old.Name, p.now.Name)
			d.effect.renamed = append(d.effect.renamed, [2]string{p.old.Name, p.now.Name})
		case from || to:
			moves = true
		default:
			d.partly = true
		}
	}
	switch {
	case scoped == 0:
		return decided{}, lang.Msg{}
	case moves && j.swaps(q):
		return decided{}, lang.M("a restore swapped the tables; a later moment needs a backup made after it: %s",
			short(q.SQL))
	case moves:
		return decided{}, lang.M("it moves tables between databases: %s", short(q.SQL))
	case scoped < named:
		return decided{}, lang.M("it also renames tables that are not restored: %s", short(q.SQL))
	}
	d.sql = "RENAME TABLE " + ifExists(t, 2) + strings.Join(parts, ", ")
	return d, lang.Msg{}
}

// ifExists is the clause IF EXISTS if it is at a token.
func ifExists(t *sqlscan.Text, at int) string {
	if t.Follows(at, "IF", "EXISTS") {
		return "IF EXISTS "
	}
	return ""
}

// renamePairs are the names of a RENAME TABLE, each with its database; nil if it cannot be
// parsed.
func renamePairs(q *binlog.Query, t *sqlscan.Text) (pairs []pair) {
	at := 2
	if ifExists(t, at) != "" {
		at += 2
	}
	name := func() (r sqlscan.Ref, ok bool) {
		r.Schema = q.Schema
		r.Name, ok = t.Name(at)
		if ok && t.Is(at+1, ".") {
			r.Schema = r.Name
			at += 2
			r.Name, ok = t.Name(at)
		}
		at++
		r.Name = t.Mode.Fold(r.Name)
		return r, ok
	}
	for {
		old, ok := name()
		for ok && t.Any(at, "WAIT", "NOWAIT") || ok && t.Kind(at) == sqlscan.Number {
			at++
		}
		if !ok || !t.Is(at, "TO") {
			return nil
		}
		at++
		now, ok := name()
		if !ok {
			return nil
		}
		pairs = append(pairs, pair{old, now})
		if at == t.Len() {
			return pairs
		}
		if !t.Is(at, ",") {
			return nil
		}
		at++
	}
}
