package load

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// action is what the load does with a statement.
type action int

const (
	skip   action = iota // not run
	run                  // run, as rewritten
	settle               // a setting of the session: run
	later                // a trigger: run after all rows
)

// verdict is the decision about one statement.
type verdict struct {
	action action
	sql    []byte // the statement as it runs
	parsed *sqlscan.Parsed
	rows   int64 // of an INSERT
	loose  bool  // an INSERT whose rows may be inserted in parallel with others of the table, in any order
	merges bool  // an INSERT whose rows change, replace or give way to earlier rows of a unique key
}

// guard judges statements in the order of the dump. It allows only statements that it
// knows and that change only the target.
type guard struct {
	schema   string // the target
	from     string // the target's name in the dump; "": only the target's own name
	maria    bool
	current  bool     // replace definers by the loading user
	events   bool     // events keep their status
	off      []string // events that are disabled all the same
	skipping bool     // inside another schema's part of a dump of several
	others   bool     // other schemas' parts may be skipped
	without  []string // objects to leave out, as in Options
	addsKeys bool     // the server adds keys to tables without one
	unfired  bool     // no trigger is fired in the target
	folds    bool     // the dump's own name is read without its case
	settings settings
	note     func(kind, object, detail string)

	definers map[string][]string // account as SQL → objects
	options  string              // of CREATE DATABASE, after the name
	skipped  bool                // the last PREPARE was skipped
	noted    bool                // the remark that accounts are left out was made
	entered  bool                // a USE selected the target
	strayed  bool                // a USE selected another schema
	held     []string            // the schemas that a USE selected and that are skipped
	tables   map[string]facts    // created by the dump and not altered since
	afar     map[string]string   // tables whose engine stores the rows elsewhere: the engine, by lower-case name
	leads    leads               // what the dump's views and routines lead to
}

func (s *session) guard() *guard {
	g := &guard{
		schema:   s.o.Schema,
		from:     s.o.From,
		maria:    s.maria,
		addsKeys: s.addsKeys,
		folds:    s.folds && s.o.Apart,
		current:  s.o.Definer == DefinerCurrent,
		events:   s.o.Events,
		off:      s.o.EventsOff,
		others:   s.o.SkipOthers,
		without:  s.o.Without,
		note:     s.note,
		definers: map[string][]string{},
		tables:   map[string]facts{},
	}
	g.settings.vars = map[string]string{}
	return g
}

// ours tells whether a schema name in the dump means the target.
func (g *guard) ours(name string) bool {
	from := g.from
	if from == "" {
		from = g.schema
	}
	return sqlscan.Mode{FoldNames: g.folds}.Same(name, from)
}

// judge decides about one statement. where names its place for errors.
func (g *guard) judge(sql []byte, where string) (verdict, error) {
	if g.others && ofTheServer.Match(sql) { // in a dump of several databases: a load changes only the target schema
		if !g.noted {
			g.noted = true
			g.note(backup.NoteLeftOut, "accounts, rights, plugins and servers", redact.Text(firstWords(string(sql))))
		}
		return verdict{action: skip, parsed: &sqlscan.Parsed{}}, nil
	}
	p, err := sqlscan.Parse(sql, g.settings.mode)
	if err != nil {
		if again := ansiDrop(sql, g.settings.mode); again != nil {
			sql = again
			p, err = sqlscan.Parse(sql, g.settings.mode)
		}
	}
	if err != nil {
		if g.skipping && p != nil && p.Verb != "USE" {
			return verdict{parsed: p}, nil
		}
		return verdict{}, refuse(where, lang.M("opsdeck cannot parse the statement: %s", firstWords(string(sql))))
	}
	v := verdict{action: run, sql: sql, parsed: p}
	reason := g.decide(&v)
	if !reason.Empty() {
		return verdict{}, refuse(where, reason)
	}
	return v, nil
}

// ansiDrop rewrites a DROP with double-quoted names for a mode without ANSI_QUOTES; nil
// for other statements. mysqldump --compatible=ansi writes such a DROP after it has
// switched back to a routine's mode.
func ansiDrop(sql []byte, mode sqlscan.Mode) []byte {
	mode.ANSIQuotes = true
	p, err := sqlscan.Parse(sql, mode)
	if err != nil || p.Verb != "DROP" || !p.Cautious || len(p.Refs) == 0 {
		return nil
	}
	var edits []sqlscan.Edit
	for _, r := range p.Refs {
		if r.Qualified() {
			return nil
		}
		edits = append(edits, p.Requalify(r, schema.Ident(r.Name)))
	}
	return sqlscan.Apply(p.SQL, edits)
}

func (g *guard) decide(v *verdict) (refusal lang.Msg) {
	p := v.parsed
	switch p.Verb {
	case "":
		v.action = skip
		if p.Len() > 0 {
			return unknownStatement(p)
		}
		return lang.Msg{}
	case "SET":
		return g.set(v)
	case "USE":
		return g.use(v)
	}
	if g.skipping {
		v.action = skip
		return lang.Msg{}
	}
	if g.leavesOut(p) {
		v.action = skip
		return lang.Msg{}
	}
	switch p.Verb {
	case "CHANGE", "STOP", "FLUSH", "START", "ANALYZE", "OPTIMIZE":
		if needless(p) {
			v.action = skip
			g.note(backup.NoteSkipped, p.Verb, redact.Text(firstWords(string(p.SQL))))
			return lang.Msg{}
		}
	}
	if reason := g.refuseRemoteRows(p); !reason.Empty() {
		return reason
	}
	switch p.Verb {
	case "CREATE", "DROP", "ALTER":
		if p.Kind == "DATABASE" {
			return g.database(v)
		}
		return g.definition(v)
	case "INSERT", "REPLACE":
		return g.insert(v)
	case "LOCK", "UNLOCK":
		if p.Any(1, "TABLES", "TABLE") {
			v.action = skip
			return lang.Msg{}
		}
	case "START", "BEGIN", "COMMIT":
		if p.Len() == 1 || p.Follows(1, "TRANSACTION") && p.Len() == 2 || p.Is(1, "WORK") && p.Len() == 2 {
			return lang.Msg{}
		}
	case "TRUNCATE", "DELETE":
		if p.Body == p.Len() {
			g.leads.calls = nil
			if reason := g.refuseLead(p); !reason.Empty() {
				return reason
			}
			return g.names(v)
		}
	case "SELECT", "DO":
		return g.call(v)
	case "PREPARE", "EXECUTE", "DEALLOCATE":
		return g.prepared(v)
	}
	return unknownStatement(p)
}

// leavesOut tells whether a statement is about an object that is left out.
func (g *guard) leavesOut(p *sqlscan.Parsed) bool {
	if len(g.without) == 0 || len(p.Refs) == 0 {
		return false
	}
	kind := strings.ToLower(p.Kind)
	name := p.Own().Name
	switch {
	case kind == "index":
		kind, name = "table", p.Refs[len(p.Refs)-1].Name
	case kind == "":
		kind = "table"
	}
	return slices.Contains(g.without, kind+" "+name)
}

// ofTheServer matches statements about accounts, privileges, plugins and servers, which
// mariadb-dump --system=all writes between the databases.
var ofTheServer = regexp.MustCompile(`(?is)^(?:\s+|--[^\n]*\n)*(?:/\*M?!\d*\s*)?(?:` +
	`(?:CREATE|ALTER|DROP|RENAME)\s+(?:OR\s+REPLACE\s+)?(?:USER|ROLE|SERVER)\b|(?:GRANT|REVOKE)\s|` +
	`SET\s+(?:DEFAULT\s+)?ROLE\b|SET\s+PASSWORD\b|(?:UN)?INSTALL\s+(?:PLUGIN|SONAME|COMPONENT)\b|` +
	`CREATE\s+(?:OR\s+REPLACE\s+)?(?:AGGREGATE\s+)?FUNCTION\s+\S+\s+RETURNS\s+\w+\s+SONAME\b|` +
	`SELECT\s+COALESCE\(CURRENT_ROLE\(\)|EXECUTE\s+IMMEDIATE\s+CONCAT\('SET ROLE)`)

// needless tells whether a statement is there for a replica, is FLUSH PRIVILEGES, or looks
// after tables without a change of what they hold. Such a statement is never run: a load
// changes only the target schema.
func needless(p *sqlscan.Parsed) bool {
	switch p.Verb {
	case "ANALYZE", "OPTIMIZE":
		return p.Any(1, "TABLE", "TABLES") || p.Any(1, "LOCAL", "NO_WRITE_TO_BINLOG") && p.Any(2, "TABLE", "TABLES")
	case "CHANGE":
		return p.Is(1, "MASTER") || p.Follows(1, "REPLICATION", "SOURCE", "TO")
	case "STOP", "START":
		return p.Any(1, "SLAVE", "REPLICA") || p.Is(1, "ALL") && p.Any(2, "SLAVES", "REPLICAS")
	case "FLUSH":
		return p.Is(1, "PRIVILEGES") && p.Len() == 2
	}
	return false
}

func unknownStatement(p *sqlscan.Parsed) lang.Msg { return notAllowed(string(p.SQL)) }

func notAllowed(statement string) lang.Msg {
	return lang.M("statement not allowed in a load: %s", firstWords(statement))
}

func outside(name string, p *sqlscan.Parsed) lang.Msg {
	return lang.M("it would change the database %q: %s", name, firstWords(string(p.SQL)))
}

// use handles USE: it selects the target, or a schema that is skipped.
func (g *guard) use(v *verdict) lang.Msg {
	p := v.parsed
	name := p.Own().Name
	v.action = skip
	if p.Own().Qualified() || p.Body != p.Len() {
		return unknownStatement(p)
	}
	switch {
	case g.ours(name):
		g.skipping, g.entered = false, true
	case g.others:
		g.skipping, g.strayed = true, true
		if !slices.Contains(g.held, name) && !system(name) {
			g.held = append(g.held, name)
		}
		g.note(backup.NoteLeftOut, "database "+name, "only one database is restored")
	default:
		return outside(name, p)
	}
	return lang.Msg{}
}

// database judges CREATE, DROP and ALTER DATABASE. The load itself creates the target.
func (g *guard) database(v *verdict) lang.Msg {
	p := v.parsed
	v.action = skip
	if p.Own().Qualified() {
		return unknownStatement(p)
	}
	if !g.ours(p.Own().Name) {
		if g.others && p.Verb != "ALTER" {
			if p.Verb == "DROP" {
				g.note(backup.NoteLeftOut, "database "+p.Own().Name, redact.Text(firstWords(string(p.SQL))))
			}
			return lang.Msg{}
		}
		return outside(p.Own().Name, p)
	}
	switch p.Verb {
	case "CREATE":
		g.options = databaseOptions(p)
	case "ALTER":
		v.action = run
		v.sql = sqlscan.Apply(p.SQL, []sqlscan.Edit{p.Requalify(p.Own(), schema.Ident(g.schema))})
	}
	return lang.Msg{}
}

// databaseOptions returns the charset and collation of a CREATE DATABASE.
func databaseOptions(p *sqlscan.Parsed) string {
	var out []string
	for i := p.Body; i < p.Len(); i++ {
		value := i + 1
		if p.Is(value, "=") {
			value++
		}
		name, ok := p.Name(value)
		switch {
		case !ok:
		case p.Follows(i, "CHARACTER", "SET"):
			if p.Is(i+2, "=") {
				value++
			}
			if name, ok = p.Name(value + 1); ok {
				out = append(out, "CHARACTER SET "+schema.Ident(name))
			}
		case p.Any(i, "CHARSET", "COLLATE"):
			out = append(out, p.Upper(i)+" "+schema.Ident(name))
		}
	}
	return strings.Join(out, " ")
}

// body tells whether the names after the statement's own name are in code that runs
// later.
func body(p *sqlscan.Parsed) bool {
	switch p.Kind {
	case "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "PACKAGE", "PACKAGE BODY", "LIBRARY":
		return p.Verb == "CREATE"
	}
	return false
}

// asQuoted is another schema in the quotes that a name's schema has, so that a comparison can
// tell what was written. Without quotes it stays only if it can be no reserved word: none has
// two underscores, as every schema beside a live one, or six digits, as those of drills.
func asQuoted(p *sqlscan.Parsed, r sqlscan.Ref, name string) string {
	if text := p.Quoted(r.First, name); text != name || sideName.MatchString(name) {
		return text
	}
	return schema.Ident(name)
}

var sideName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(?:__|\d{6})[A-Za-z0-9_]*$`)

// names judges all names of a statement and rewrites them for the target.
func (g *guard) names(v *verdict) lang.Msg {
	p := v.parsed
	var edits []sqlscan.Edit
	for i, r := range p.Refs {
		switch {
		case !r.Qualified():
		case g.ours(r.Schema):
			if r.Schema != g.schema {
				edits = append(edits, p.Requalify(r, asQuoted(p, r, g.schema)))
			}
		case p.Kind == "TABLE" && r.First > 0 && p.Is(r.First-1, "REFERENCES"):
			// A foreign key reads the other table's definition, and changes nothing there.
			g.note(backup.NoteRefers, p.Own().Name, "a foreign key refers to "+schema.Name(r.Schema, r.Name))
		case body(p) && !g.isOwnName(p, i):
			if harmless(r.Schema) {
				break
			}
			if p.Kind == "TRIGGER" && g.schema != g.from && !g.unfired {
				return outside(r.Schema, p)
			}
			g.note(backup.NoteOutside, p.Own().Name, strings.ToLower(p.Kind)+" names "+schema.Name(r.Schema, r.Name))
		default:
			return outside(r.Schema, p)
		}
	}
	if reason := g.body(p, &edits); !reason.Empty() {
		return reason
	}
	v.sql = sqlscan.Apply(p.SQL, edits)
	return lang.Msg{}
}

// isOwnName tells whether name i of a statement with a body is where the object itself is
// created: its own name, or a trigger's table.
func (g *guard) isOwnName(p *sqlscan.Parsed, i int) bool {
	return i == 0 || p.Kind == "TRIGGER" && i == 1
}

func harmless(name string) bool {
	switch strings.ToLower(name) {
	case "information_schema", "performance_schema", "sys", "mysql":
		return true
	}
	return false
}

// body checks the code that runs later: old names in strings, the definer, the status of
// events.
func (g *guard) body(p *sqlscan.Parsed, edits *[]sqlscan.Edit) lang.Msg {
	if !body(p) {
		return lang.Msg{}
	}
	name := p.Own().Name
	if g.from != "" && g.from != g.schema {
		if _, inString := p.Mentions(g.from); inString {
			g.note(backup.NoteOldName, name, strings.ToLower(p.Kind)+" holds "+g.from+" in a string")
		}
	}
	if p.Definer != "" && !strings.HasPrefix(strings.ToUpper(p.Definer), "CURRENT_USER") {
		if g.current {
			*edits = append(*edits, p.Redefine("CURRENT_USER"))
		} else {
			g.definers[p.Definer] = append(g.definers[p.Definer], name)
		}
	}
	if p.Kind == "EVENT" && (!g.events || g.staysOff(name)) {
		e, err := p.Disable()
		if err != nil {
			return unknownStatement(p)
		}
		if !g.disabled(p, &e) {
			g.note(backup.NoteEvent, name, "made DISABLED")
		}
		*edits = append(*edits, e)
	}
	return lang.Msg{}
}

// insert judges INSERT and REPLACE, and allows only values.
func (g *guard) insert(v *verdict) lang.Msg {
	p := v.parsed
	last := p.Len() - 1
	if !p.Any(last, "VALUES", "VALUE") {
		return unknownStatement(p)
	}
	place, loose := g.counter(p)
	g.leads.calls = nil
	list, ok := sqlscan.Rows(p.SQL, p.Tokens[last].End, p.Mode, place, g.leads.called)
	if !ok {
		return unknownStatement(p)
	}
	if reason := g.refuseLead(p); !reason.Empty() {
		return reason
	}
	v.rows = int64(list.Count)
	v.merges = list.Updates || merges(p)
	v.loose = loose && !v.merges && (list.Numbered || place < 0)
	for i := p.Body; i < last; i++ {
		if p.Is(i, ".") || p.Is(i, "SELECT") {
			return unknownStatement(p)
		}
	}
	return g.names(v)
}

// merges tells whether the head of an INSERT or REPLACE lets rows replace earlier ones or
// give way to them.
func merges(p *sqlscan.Parsed) bool {
	return p.Verb == "REPLACE" || p.Any(1, "IGNORE") || p.Any(2, "IGNORE")
}

// call judges SELECT SETVAL(`sequence`, …) and DO SETVAL(…), which set a
// sequence of MariaDB.
func (g *guard) call(v *verdict) lang.Msg {
	p := v.parsed
	if bytes.Contains(bytes.ToLower(p.SQL), []byte("rocksdb")) {
		v.action = skip
		return lang.Msg{}
	}
	if !p.Is(1, "SETVAL") || !p.Is(2, "(") || !p.Is(p.Len()-1, ")") {
		return unknownStatement(p)
	}
	at := 3
	if p.Is(4, ".") {
		name, _ := p.Name(3)
		if !g.ours(name) {
			return outside(name, p)
		}
		v.sql = sqlscan.Apply(
			p.SQL,
			[]sqlscan.Edit{{Start: p.Tokens[3].Start, End: p.Tokens[3].End, New: schema.Ident(g.schema)}},
		)
		at = 5
	}
	for i := at + 1; i < p.Len()-1; i++ {
		if k := p.Text.Kind(i); k != sqlscan.Number && !p.Is(i, ",") && !p.Is(i, "-") {
			return unknownStatement(p)
		}
	}
	return lang.Msg{}
}

// prepared skips the statements by which Percona's mysqldump prepares MyRocks.
func (g *guard) prepared(v *verdict) lang.Msg {
	p := v.parsed
	switch {
	case p.Verb == "PREPARE":
		g.skipped = bytes.Contains(bytes.ToLower(p.SQL), []byte("rocksdb"))
	case p.Verb == "DEALLOCATE" && g.skipped:
		v.action, g.skipped = skip, false
		return lang.Msg{}
	}
	if !g.skipped {
		return unknownStatement(p)
	}
	v.action = skip
	return lang.Msg{}
}
