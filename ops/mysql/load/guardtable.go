package load

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// definition judges CREATE, DROP and ALTER of objects in a schema.
func (g *guard) definition(v *verdict) lang.Msg {
	p := v.parsed
	if p.Kind == "TABLE" && p.Verb != "DROP" {
		if reason := g.engine(p); !reason.Empty() {
			return reason
		}
		if reason := g.keyless(p); !reason.Empty() {
			return reason
		}
	}
	if reason := g.names(v); !reason.Empty() {
		return reason
	}
	if reason := g.refuseLead(p); !reason.Empty() {
		return reason
	}
	if p.Verb == "CREATE" && p.Kind == "TRIGGER" {
		v.action = later
	}
	g.learn(p)
	g.leads.learn(g, p)
	return lang.Msg{}
}

// engine refuses rows for an engine that stores them elsewhere. It allows the table
// itself, because its definition is all that a backup contains of it.
func (g *guard) engine(p *sqlscan.Parsed) lang.Msg {
	name := remoteEngine(p)
	if name == "" {
		return lang.Msg{}
	}
	for i := range p.Len() {
		if p.Verb != "CREATE" || p.Any(i, "SELECT", "VALUES", "TABLE") && i >= p.Body {
			return keptElsewhere(name, p)
		}
	}
	if g.afar == nil {
		g.afar = map[string]string{}
	}
	g.afar[strings.ToLower(p.Own().Name)] = name
	return lang.Msg{}
}

func keptElsewhere(engine string, p *sqlscan.Parsed) lang.Msg {
	return lang.M("the table's engine %s keeps its rows elsewhere: %s", engine, firstWords(string(p.SQL)))
}

// refuseRemoteRows refuses rows for a table that stores them elsewhere, and for a view that
// may lead to such a table.
func (g *guard) refuseRemoteRows(p *sqlscan.Parsed) lang.Msg {
	if len(g.afar) == 0 {
		return lang.Msg{}
	}
	switch p.Verb {
	case "INSERT", "REPLACE", "TRUNCATE", "DELETE":
		for _, r := range p.Refs {
			if engine, ok := g.afar[strings.ToLower(r.Name)]; ok {
				return keptElsewhere(engine, p)
			}
		}
	case "CREATE":
		if p.Kind == "VIEW" {
			g.afar[strings.ToLower(p.Own().Name)] = "VIEW"
		}
	}
	return lang.Msg{}
}

// remoteEngine returns the engine that a statement names, if that engine stores its rows
// elsewhere.
func remoteEngine(p *sqlscan.Parsed) string {
	for _, name := range enginesNamed(p) {
		if schema.RowsOutside(name) {
			return name
		}
	}
	return ""
}

// enginesNamed returns the engines that a statement names, also those of partitions.
func enginesNamed(p *sqlscan.Parsed) (names []string) {
	for i := p.Body; i < p.Len(); i++ {
		if !p.Any(i, "ENGINE", "TYPE") {
			continue
		}
		value := i + 1
		if p.Is(value, "=") {
			value++
		}
		name, ok := p.Name(value)
		if !ok {
			name, _ = p.Value(value)
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// keyless refuses a table to which the server would add a key column: it would differ
// from the table that was backed up.
//
// MySQL Reference Manual, "Generated Invisible Primary Keys": InnoDB's tables only.
func (g *guard) keyless(p *sqlscan.Parsed) lang.Msg {
	if !g.addsKeys || p.Verb != "CREATE" || p.Temporary {
		return lang.Msg{}
	}
	for i := p.Body; i < p.Len(); i++ {
		if p.Follows(i, "PRIMARY", "KEY") {
			return lang.Msg{}
		}
	}
	t, err := sqlscan.ParseTable(p.SQL, p.Mode)
	if err == nil && t.Options["ENGINE"] != "" && !strings.EqualFold(t.Options["ENGINE"], "InnoDB") {
		return lang.Msg{}
	}
	return lang.M(
		"the server would add a key column to %s, which has no primary key; the loading user needs "+
			"SESSION_VARIABLES_ADMIN to prevent it, or: SET GLOBAL sql_generate_invisible_primary_key = OFF",
		p.Own().Name,
	)
}
