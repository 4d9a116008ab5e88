package replay

import (
	"context"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// Inbound is how statements on other databases change ours without naming it. Row events show
// such changes; a log in statement format has only the statement, and no MariaDB log has what
// foreign keys changed.
type Inbound struct {
	Targets []Through // tables with triggers, and views: a statement that changes them
	Called  []Through // functions and procedures: a statement that names them
	// Parents are tables of other databases, as schema.Name writes them, with our tables whose
	// rows follow theirs by a foreign key.
	Parents map[string][]string
}

// Through is an object of another database by which a statement changes ours: its database,
// the name that a statement has, and the object's own name, which differs for a trigger.
type Through struct{ Schema, Name, By string }

const systemSchemas = "('mysql', 'sys', 'information_schema', 'performance_schema')"

// code is the code of an object.
type code struct {
	kind    string
	through Through
	text    string
	mode    sqlscan.Mode
}

// inboundOf queries the server for what its user may see.
func inboundOf(ctx context.Context, q schema.Querier, database string) (in Inbound, err error) {
	rows, err := schema.All(ctx, q, "SELECT 'trigger', TRIGGER_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, "+
		"ACTION_STATEMENT, SQL_MODE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA <> ? "+
		"AND TRIGGER_SCHEMA NOT IN "+systemSchemas+" UNION ALL "+
		"SELECT 'view', TABLE_SCHEMA, TABLE_NAME, TABLE_NAME, VIEW_DEFINITION, '' "+
		"FROM information_schema.VIEWS WHERE TABLE_SCHEMA <> ? AND IS_UPDATABLE = 'YES' "+
		"AND TABLE_SCHEMA NOT IN "+systemSchemas+" UNION ALL "+
		"SELECT 'routine', ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_NAME, "+
		"COALESCE(ROUTINE_DEFINITION, ''), SQL_MODE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA <> ? "+
		"AND ROUTINE_SCHEMA NOT IN "+systemSchemas, database, database, database)
	if err != nil {
		return in, err
	}
	var left []code
	for _, r := range rows {
		left = append(left, code{r[0], Through{r[1], r[2], r[3]}, r[4], sqlscan.ModeOf(r[5])})
	}
	for { // what calls one that changes ours changes ours too
		before := len(left)
		left = slices.DeleteFunc(left, func(c code) bool {
			if !in.reaches(c, database) {
				return false
			}
			if c.kind == "routine" {
				in.Called = append(in.Called, c.through)
			} else {
				in.Targets = append(in.Targets, c.through)
			}
			return true
		})
		if len(left) == before {
			break
		}
	}
	in.Parents, err = outsideParents(ctx, q, database)
	return in, err
}

// reaches reports whether code changes our database: it names the database, or something
// else that changes it. A view has no verb. Code that this user may not read counts.
func (in Inbound) reaches(c code, database string) bool {
	if c.text == "" {
		return true
	}
	if c.kind != "view" && !changing.MatchString(c.text) && !in.calls(c) {
		return false
	}
	t, err := sqlscan.Tokenize([]byte(c.text), c.mode)
	if err != nil {
		return true
	}
	for i := range t.Tokens {
		if name, ok := t.Name(i); ok && t.Is(i+1, ".") && c.mode.Same(name, database) {
			return true
		}
	}
	return in.calls(c) || slices.ContainsFunc(in.Targets, func(x Through) bool { return hasName(t, x.Name) })
}

func (in Inbound) calls(c code) bool {
	t, err := sqlscan.Tokenize([]byte(c.text), c.mode)
	return err == nil && slices.ContainsFunc(in.Called, func(x Through) bool { return hasName(t, x.Name) })
}

func hasName(t *sqlscan.Text, want string) bool {
	for i := range t.Tokens {
		if name, ok := t.Name(i); ok && strings.EqualFold(name, want) {
			return true
		}
	}
	return false
}

// outsideParents are the tables of other databases whose rows take rows of ours with them, by
// foreign keys, also over other tables.
func outsideParents(ctx context.Context, q schema.Querier, database string) (map[string][]string, error) {
	rows, err := schema.All(ctx, q, "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA, "+
		"REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "+
		"WHERE DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') "+
		"OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT')")
	parents := map[string][]string{}
	var follow func(child, inSchema, table string)
	follow = func(child, inSchema, table string) {
		for _, r := range rows {
			if r[0] != inSchema || r[1] != table || r[2] == database {
				continue
			}
			parent := schema.Name(r[2], r[3])
			if !slices.Contains(parents[parent], child) {
				parents[parent] = append(parents[parent], child)
				follow(child, r[2], r[3])
			}
		}
	}
	for _, r := range rows {
		if r[0] == database && r[2] != database {
			follow(r[1], database, r[1])
		}
	}
	return parents, err
}

// creates records an object of another database that the log creates and that names ours.
func (in *Inbound) creates(q *binlog.Query, p *sqlscan.Parsed) {
	at := func(r sqlscan.Ref) string {
		if r.Schema != "" {
			return r.Schema
		}
		return q.Schema
	}
	own := p.Own()
	by := own.Name
	switch p.Kind {
	case "TRIGGER":
		in.Targets = append(in.Targets, Through{at(p.Refs[1]), p.Refs[1].Name, by})
	case "VIEW":
		in.Targets = append(in.Targets, Through{at(own), own.Name, by})
	case "FUNCTION", "PROCEDURE":
		in.Called = append(in.Called, Through{at(own), own.Name, by})
	}
}

// through refuses a statement on another database that may change ours. p is nil if its
// table is not known.
func (j *judge) through(q *binlog.Query, t *sqlscan.Text, p *sqlscan.Parsed) lang.Msg {
	why := func(x Through) lang.Msg {
		return lang.M("it may change this database, by %s of the database %s: %s", x.By, x.Schema, short(q.SQL))
	}
	for _, x := range j.inbound.Called {
		if hasName(t, x.Name) {
			return why(x)
		}
	}
	for _, x := range j.inbound.Targets {
		if p != nil && singleTable(p) {
			own := p.Own()
			in := own.Schema
			if in == "" {
				in = q.Schema
			}
			if !strings.EqualFold(own.Name, x.Name) || !strings.EqualFold(in, x.Schema) {
				continue
			}
		} else if !hasName(t, x.Name) {
			continue
		}
		return why(x)
	}
	return lang.Msg{}
}

// follow records our tables whose rows followed a change of another database's table, which
// the log omits.
func (l *look) follow(r *binlog.Rows) {
	if r.Verb != domain.Insert && r.Silent() {
		l.followed = append(l.followed, l.children(schema.Name(r.Map.Schema, r.Map.Name))...)
	}
}

// followStatement does so for a statement on another database.
func (l *look) followStatement(q *binlog.Query) {
	if len(l.q.Inbound.Parents) == 0 {
		return
	}
	t, err := sqlscan.Tokenize(q.SQL, l.judge.mode(q))
	if err != nil || !t.Any(0, "UPDATE", "DELETE", "REPLACE", "WITH", "LOAD") {
		return
	}
	for parent := range l.q.Inbound.Parents {
		name := parent[strings.LastIndex(parent, ".")+1:]
		if hasName(t, strings.Trim(name, "`")) {
			l.followed = append(l.followed, l.children(parent)...)
		}
	}
}

func (l *look) children(parent string) (in []string) {
	for _, c := range l.q.Inbound.Parents[parent] {
		if l.judge.inScope(c) {
			in = append(in, c)
		}
	}
	return in
}

// hidden are the databases that a statement on another database may change, and whose
// triggers, views and routines this user may not all see: one of them may change ours.
func (l *look) hidden(q *binlog.Query) (in []string) {
	if l.q.server.account.User == "" {
		return nil
	}
	p, err := sqlscan.Parse(q.SQL, l.judge.mode(q))
	if p == nil || !p.Any(0, "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH", "LOAD", "SELECT", "DO") {
		return nil
	}
	names := []string{q.Schema}
	for i := range p.Tokens {
		if name, ok := p.Name(i); ok && p.Is(i+1, ".") && l.judge.others(p.Mode.Fold(name)) {
			names = append(names, name)
		}
	}
	if err == nil {
		for _, r := range p.Refs {
			names = append(names, r.Schema)
		}
	}
	for _, name := range names {
		if name == "" || l.judge.ours(name) || strings.Contains(systemSchemas, "'"+strings.ToLower(name)+"'") {
			continue
		}
		if missing, _ := l.q.server.account.Blind(name); len(missing) > 0 {
			in = append(in, name)
		}
	}
	return in
}

// unseen warns of code that this user may not see.
func (f *Forecast) unseen(s *server, database string) lang.Msg {
	missing, grant := s.account.Blind(f.Unseen[0])
	return lang.M("the binlog holds statements on %s, and this user may not see all triggers, views and routines "+
		"there (missing: %s). What one of them changed in %s would not be replayed, and nothing would show it. "+
		"To see them: %s",
		strings.Join(f.Unseen, ", "), strings.Join(missing, ", "), database, grant)
}
