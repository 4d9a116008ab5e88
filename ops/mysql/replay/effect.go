package replay

import (
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

func hide(sql string) string { return binlog.Hide(sql) }

// effectOf is the effect of a definition on the tables that it names.
func effectOf(p *sqlscan.Parsed, ours []string, t *sqlscan.Text) (e effect) {
	table := p.Kind == "TABLE" || p.Kind == "SEQUENCE"
	switch {
	case p.Verb == "CREATE" && table:
		e.made = ours
		if p.Replace {
			e.dropped = ours
		}
	case p.Verb == "DROP" && table:
		e.dropped = ours
	case p.Verb == "TRUNCATE":
		e.emptied = ours
	case p.Verb == "ALTER" && p.Kind == "TABLE":
		alterEffect(p, ours, t, &e)
	}
	return e
}

// alterEffect finds the effects of an ALTER TABLE beyond the definition.
func alterEffect(p *sqlscan.Parsed, ours []string, t *sqlscan.Text, e *effect) {
	for i := 1; i < t.Len(); i++ {
		switch {
		case i < p.Body && !t.Is(i, "IGNORE"):
		case t.Any(i, "PARTITION", "IGNORE", "TABLESPACE"):
			e.repart = append(e.repart, ours...)
			if t.Is(i-1, "EXCHANGE") {
				e.exchanged = ours
			}
		case t.Is(i, "TABLE") && t.Is(i-1, "WITH"): // EXCHANGE PARTITION p WITH TABLE t
			e.repart = append(e.repart, named(t, i+1)...)
		case t.Is(i, "TABLE") && t.Is(i-1, "TO"): // CONVERT PARTITION p TO TABLE t
			e.made = append(e.made, named(t, i+1)...)
			e.repart = append(e.repart, named(t, i+1)...)
		case t.Is(i, "TABLE") && t.Is(i-1, "CONVERT"): // CONVERT TABLE t TO PARTITION p
			e.dropped = append(e.dropped, named(t, i+1)...)
		case t.Is(i, "RENAME") && !t.Any(i+1, "COLUMN", "INDEX", "KEY", "CONSTRAINT"):
			at := i + 1
			if t.Any(at, "TO", "AS", "=") {
				at++
			}
			if t.Is(at+1, ".") {
				at += 2
			}
			if name, ok := t.Name(at); ok && len(ours) == 1 {
				e.renamed = append(e.renamed, [2]string{ours[0], t.Mode.Fold(name)})
			}
		}
	}
}

// named is the name at a token, without its database.
func named(t *sqlscan.Text, at int) []string {
	name, ok := t.Name(at)
	if ok && t.Is(at+1, ".") {
		name, ok = t.Name(at + 2)
	}
	if !ok {
		return nil
	}
	return []string{t.Mode.Fold(name)}
}

// eventStatus keeps events from running in the new database: statements that enable or
// disable one are recorded, not run.
func (j *judge) eventStatus(p *sqlscan.Parsed, t *sqlscan.Text, d *decided) lang.Msg {
	if p.Kind != "EVENT" || p.Verb == "CREATE" {
		return lang.Msg{}
	}
	name := p.Own().Name
	if p.Verb == "DROP" {
		d.effect.disabled = name
		return lang.Msg{}
	}
	for i := p.Body; i < t.Len() && !t.Is(i, "DO"); i++ {
		switch {
		case t.Is(i, "ENABLE"):
			d.effect.enabled = name
			now, err := sqlscan.Tokenize([]byte(d.sql), p.Mode)
			if err != nil || now.Len() != t.Len() {
				return lang.M("opsdeck cannot parse the statement: %s", short(p.SQL))
			}
			d.sql = d.sql[:now.Tokens[i].Start] + "DISABLE" + d.sql[now.Tokens[i].End:]
			return lang.Msg{}
		case t.Is(i, "DISABLE"):
			d.effect.disabled = name
			return lang.Msg{}
		}
	}
	return lang.Msg{}
}

// unknownRows marks an unknown row count.
const unknownRows = -1

// apply updates the tables and their row counts.
func (e effect) apply(rows map[string]int64) {
	for _, t := range e.dropped {
		delete(rows, t)
	}
	for _, t := range e.made {
		if _, there := rows[t]; !there { // CREATE … IF NOT EXISTS changes nothing
			rows[t] = 0
		}
	}
	for _, t := range e.emptied {
		rows[t] = 0
	}
	for _, t := range e.repart {
		rows[t] = unknownRows
	}
	for _, r := range e.renamed {
		if n, there := rows[r[0]]; there {
			delete(rows, r[0])
			rows[r[1]] = n
		}
	}
}

// follow updates a list of tables: a dropped one leaves it, a renamed one keeps its place.
func (e effect) follow(tables []string) (now []string) {
	for _, t := range tables {
		if slices.Contains(e.dropped, t) {
			continue
		}
		for _, r := range e.renamed { // one after the other, as RENAME TABLE a TO b, b TO c does
			if r[0] == t {
				t = r[1]
			}
		}
		now = append(now, t)
	}
	return now
}

// applyEvents updates the list of events to enable.
func (e effect) applyEvents(enabled []string) []string {
	if e.disabled != "" {
		enabled = slices.DeleteFunc(enabled, func(n string) bool { return n == e.disabled })
	}
	if e.enabled != "" && !slices.Contains(enabled, e.enabled) {
		enabled = append(enabled, e.enabled)
	}
	return enabled
}

func using(name string) string { return "USE " + schema.Ident(name) }
