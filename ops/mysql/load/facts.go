package load

import (
	"slices"

	"opsdeck/ops/mysql/sqlscan"
)

// facts tell whether the order of a table's rows matters.
type facts struct {
	columns []string
	counter string // its AUTO_INCREMENT column
	loose   bool   // no other reason makes a row depend on earlier rows
}

// learn records the facts about a table from its definition.
func (g *guard) learn(p *sqlscan.Parsed) {
	if p.Kind != "TABLE" || switchesKeys(p) {
		return
	}
	for _, r := range p.Refs {
		delete(g.tables, r.Name)
	}
	if p.Verb != "CREATE" || p.Temporary {
		return
	}
	t, err := sqlscan.ParseTable(p.SQL, p.Mode)
	if err != nil {
		return
	}
	// Without a primary key, rows are stored in the order in which they were inserted.
	primary := slices.ContainsFunc(t.Keys, func(k sqlscan.Key) bool { return k.Kind == "PRIMARY" })
	f := facts{loose: t.Whole && primary && !t.Versioned && transactional(t.Options["ENGINE"])}
	for _, c := range t.Columns {
		f.columns = append(f.columns, c.Name)
		if c.AutoInc {
			f.counter = c.Name
		}
	}
	g.tables[p.Own().Name] = f
}

// switchesKeys tells whether a statement is ALTER TABLE … DISABLE KEYS or ENABLE KEYS.
func switchesKeys(p *sqlscan.Parsed) bool {
	return p.Verb == "ALTER" && p.Len() == p.Body+2 && p.Any(p.Body, "DISABLE", "ENABLE") && p.Is(p.Body+1, "KEYS")
}

// counter returns the index of the AUTO_INCREMENT column among an INSERT's values; -1
// when it is not there. loose tells whether the rows may be inserted in any order when
// the column is given.
func (g *guard) counter(p *sqlscan.Parsed) (place int, loose bool) {
	f, known := g.tables[p.Own().Name]
	if !known || !f.loose || p.Verb != "INSERT" || !p.Is(1, "INTO") {
		return -1, false
	}
	if f.counter == "" {
		return -1, true
	}
	columns := f.columns
	if p.Is(p.Body, "(") {
		columns = nil
		for i := p.Body + 1; i < p.Len() && !p.Is(i, ")"); i += 2 {
			name, _ := p.Name(i)
			columns = append(columns, name)
		}
	}
	place = slices.Index(columns, f.counter)
	return place, place >= 0
}
