// Package replay rolls a loaded backup forward with the binlog. It finds how far the log
// reaches from the backup's position, decides on every statement in it, and replays it
// into a database. Each transaction is applied exactly once, even if the process is
// killed: the binlog position is committed with the data.
package replay

import (
	"slices"
	"strings"
	"unicode/utf8"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/sqlscan"
	"opsdeck/ops/restore"
)

// kind classifies a logged statement for the replay.
type kind uint8

const (
	foreign    kind = iota // concerns other databases or accounts, or changes nothing
	definition             // changes definitions and commits implicitly
	rowsOf                 // changes rows, in statement format
	control                // SAVEPOINT, ROLLBACK TO, RELEASE
	scratch                // changes temporary tables only
)

// effect is the effect of a definition on the set of tables.
type effect struct {
	made      []string
	dropped   []string
	emptied   []string
	renamed   [][2]string
	repart    []string // partitions that may lose rows
	exchanged []string // a partition and a table are exchanged
	enabled   string   // an event that was enabled and is created disabled
	disabled  string   // an event that was dropped or disabled
	trigger   bool     // a trigger is created
	function  bool     // a function is created
}

// decided is the decision on one statement.
type decided struct {
	kind   kind
	sql    string
	tables []string // our tables that it affects
	fewer  bool     // rows in statement format: there may be fewer rows afterwards
	partly bool     // it also concerned other databases, and that part is left out
	back   bool     // it rolls back to a savepoint
	// definer is the account that it creates an object for, as SQL; "" for the current one.
	definer string
	effect  effect
	like    *sqlscan.Ref // the table of another database whose definition it copies
}

// judge decides on the statements of a log.
type judge struct {
	from, to string
	maria    bool
	folds    bool     // names of databases and tables are in lower case, as the server stores them
	scope    []string // tables; empty means all
	others   func(schema string) bool
	temp     temps
	inbound  Inbound
	implicit bool                   // triggers or functions may change tables that a statement does not name
	strays   map[string]bool        // triggers and functions of the log that name other databases
	has      func(sqlscan.Ref) bool // whether a table of another database exists; nil: not known
}

func (j *judge) mode(q *binlog.Query) sqlscan.Mode {
	mode := q.Mode()
	mode.FoldNames = j.folds
	return mode
}

// ours reports whether a database's name in a statement is that of the replayed one.
func (j *judge) ours(name string) bool { return sqlscan.Mode{FoldNames: j.folds}.Same(name, j.from) }

// inScope reports whether a table is replayed.
func (j *judge) inScope(table string) bool {
	return len(j.scope) == 0 || slices.Contains(j.scope, table)
}

// statement decides on a logged query.
func (j *judge) statement(q *binlog.Query) (decided, lang.Msg) {
	d, refusal := j.decide(q)
	if refusal.Empty() && slices.ContainsFunc(d.tables, func(name string) bool { return !utf8.ValidString(name) }) {
		return decided{}, lang.M("opsdeck cannot parse the statement: %s", short(q.SQL)) // of a charset unknown to us
	}
	if refusal.Empty() && d.kind != foreign && interrupted(q.ErrorCode) {
		return decided{}, lang.M("it was interrupted there with error %d, after an unknown part of its changes: %s",
			q.ErrorCode, short(q.SQL))
	}
	if d.sql != "" && d.kind != control {
		d.sql = withSettings(q) + d.sql
	}
	return d, refusal
}

func (j *judge) decide(q *binlog.Query) (decided, lang.Msg) {
	text, err := sqlscan.Tokenize(q.SQL, j.mode(q))
	if err != nil {
		return decided{}, lang.M("opsdeck cannot parse the statement: %s", short(q.SQL))
	}
	switch {
	case text.Len() == 0 || elsewhere(text):
		return decided{}, lang.Msg{}
	case text.Any(0, "SAVEPOINT", "RELEASE"), text.Is(0, "ROLLBACK"):
		return decided{kind: control, sql: string(q.SQL), back: text.Is(0, "ROLLBACK")}, lang.Msg{}
	case text.Is(0, "RENAME"):
		return j.rename(q, text)
	case text.Any(0, "CREATE", "DROP", "ALTER", "TRUNCATE"):
		return j.definition(q, text)
	case text.Any(0, "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH"):
		return j.rows(q, text)
	case !j.concerned(q, text):
		return decided{}, j.through(q, text, nil)
	case text.Any(0, "SELECT", "DO"):
		return j.calls(q, text)
	}
	return decided{}, lang.M("statement not allowed in a replay: %s", short(q.SQL))
}

// elsewhere reports whether a statement changes nothing in a database.
func elsewhere(t *sqlscan.Text) bool {
	switch t.Upper(0) {
	case "GRANT", "REVOKE", "FLUSH", "INSTALL", "UNINSTALL", "USE", "COMMIT", "BEGIN", "CHECKSUM", "KILL":
		return true
	case "SET":
		return !t.Is(1, "STATEMENT") // which precedes another statement
	case "ANALYZE", "OPTIMIZE", "REPAIR", "CHECK":
		at := 1
		if t.Any(at, "LOCAL", "NO_WRITE_TO_BINLOG") {
			at++
		}
		return t.Any(at, "TABLE", "TABLES", "VIEW", "VIEWS", "INDEX") // MariaDB's ANALYZE UPDATE … changes rows
	case "CREATE", "DROP", "ALTER", "RENAME":
		at := 1
		if t.Follows(at, "OR", "REPLACE") {
			at += 2
		}
		return t.Any(
			at,
			"USER",
			"ROLE",
			"SERVER",
			"RESOURCE",
			"TABLESPACE",
			"UNDO",
			"LOGFILE",
			"INSTANCE",
			"SPATIAL",
		) &&
			!t.Is(at+1, "INDEX")
	}
	return false
}

// definition decides on CREATE, DROP, ALTER and TRUNCATE.
func (j *judge) definition(q *binlog.Query, text *sqlscan.Text) (decided, lang.Msg) {
	if now := alterView(q, text); now != nil {
		return j.decide(now)
	}
	p, err := sqlscan.Parse(q.SQL, j.mode(q))
	if err != nil {
		if !j.concerned(q, text) {
			return decided{}, lang.Msg{}
		}
		return decided{}, lang.M("opsdeck cannot parse the statement: %s", short(q.SQL))
	}
	j.implicit = j.implicit || p.Verb == "CREATE" && (p.Kind == "TRIGGER" || p.Kind == "FUNCTION")
	if p.Temporary || p.Verb != "CREATE" && j.isTemp(q, p.Refs[0]) || p.Kind == "INDEX" && j.isTemp(q, p.Refs[1]) {
		return j.temporary(q, p), lang.Msg{}
	}
	if p.Kind == "DATABASE" {
		return j.database(q, p)
	}
	if d, split := j.dropPart(q, p); split {
		return d, lang.Msg{}
	}
	ours, others := j.owners(q, p)
	switch {
	case j.moves(q, p, len(ours) > 0):
		return decided{}, lang.M("it moves tables between databases: %s", short(q.SQL))
	case len(ours) == 0:
		if p.Verb == "CREATE" && j.names(text) {
			j.inbound.creates(q, p)
		}
		return decided{}, lang.Msg{}
	case others:
		return decided{}, lang.M(
			"it changes several databases, or tables that are not restored, at once: %s",
			short(q.SQL),
		)
	case !j.ours(q.Schema) && loose(p):
		return decided{}, lang.M("it was run in the database %s: %s", q.Schema, short(q.SQL))
	}
	if d, refusal, copies := j.like(q, p); copies {
		return d, refusal
	}
	got, refusal := load.Judge(q.SQL, p.Mode, j.from, j.to, j.maria)
	if !refusal.Empty() {
		return decided{}, refusal
	}
	d := decided{kind: definition, sql: plainCreate(got), tables: ours}
	j.noteStray(p, got.Outside)
	d.effect = effectOf(p, ours, text)
	d.effect.trigger = p.Verb == "CREATE" && p.Kind == "TRIGGER"
	d.effect.function = p.Verb == "CREATE" && p.Kind == "FUNCTION"
	if !strings.HasPrefix(strings.ToUpper(p.Definer), "CURRENT_USER") {
		d.definer = p.Definer
	}
	d.effect.enabled = got.Enabled
	return d, j.eventStatus(p, text, &d)
}

// owners are our tables, or other objects, that a definition affects. others tells that it
// also affects objects that are not replayed.
func (j *judge) owners(q *binlog.Query, p *sqlscan.Parsed) (ours []string, others bool) {
	own := p.Refs[:1]
	switch p.Kind {
	case "TRIGGER", "INDEX":
		own = p.Refs[len(p.Refs)-1:]
		if p.Verb == "CREATE" || p.Kind == "INDEX" {
			own = p.Refs[1:2]
		}
	case "TABLE":
		if p.Verb == "DROP" {
			own = p.Refs
		}
	}
	whole := p.Kind != "TABLE" && p.Kind != "INDEX" && p.Kind != "TRIGGER" && p.Kind != ""
	for _, r := range own {
		in := r.Schema
		if in == "" {
			in = q.Schema
		}
		if j.ours(in) && (j.inScope(r.Name) || whole && len(j.scope) == 0) {
			ours = append(ours, r.Name)
		} else if j.ours(in) || len(own) > 1 {
			others = true
		}
	}
	return ours, others
}

// loose reports whether a name lacks its database where that matters.
func loose(p *sqlscan.Parsed) bool {
	return slices.ContainsFunc(p.Refs, func(r sqlscan.Ref) bool { return !r.Qualified() })
}

// plainCreate removes the option that MySQL adds to the CREATE TABLE of a CREATE TABLE …
// SELECT: the rows follow in the log, and are replayed like any others.
// https://dev.mysql.com/doc/refman/8.4/en/atomic-ddl.html
func plainCreate(got load.Judged) string {
	t, err := sqlscan.Tokenize(got.SQL, got.Parsed.Mode)
	if err == nil && t.Is(0, "CREATE") && t.Follows(t.Len()-2, "START", "TRANSACTION") {
		return string(got.SQL[:t.Tokens[t.Len()-2].Start])
	}
	return string(got.SQL)
}

// database decides on statements about whole databases.
func (j *judge) database(q *binlog.Query, p *sqlscan.Parsed) (decided, lang.Msg) {
	name := p.Own().Name
	if p.Verb == "ALTER" && withoutReadOnly(p) == nil {
		return decided{}, lang.Msg{}
	}
	if p.Verb == "ALTER" && currentDatabase(p) { // it affects the current database
		if !j.ours(q.Schema) || len(j.scope) > 0 {
			return decided{}, lang.Msg{}
		}
		return decided{kind: definition, sql: string(withoutReadOnly(p))}, lang.Msg{}
	}
	switch {
	case !j.ours(name) || p.Verb == "CREATE" || len(j.scope) > 0:
		return decided{}, lang.Msg{}
	case p.Verb == "DROP":
		return decided{}, lang.M("it removes the whole database: %s", short(q.SQL))
	}
	got, refusal := load.Judge(withoutReadOnly(p), p.Mode, j.from, j.to, j.maria)
	return decided{kind: definition, sql: string(got.SQL)}, refusal
}

// withoutReadOnly is an ALTER DATABASE without MySQL's READ ONLY, which would keep the replay
// itself from writing; nil if it has no other option. The option is not content: a backup does
// not have it either.
func withoutReadOnly(p *sqlscan.Parsed) []byte {
	sql, left := p.SQL, p.Len()
	for i := p.Len() - 2; i > 0; i-- {
		if !p.Follows(i, "READ", "ONLY") {
			continue
		}
		last := i + 2
		if p.Is(last, "=") {
			last++
		}
		last = min(last, p.Len()-1)
		sql = append(slices.Clone(sql[:p.Tokens[i].Start]), sql[p.Tokens[last].End:]...)
		left -= last - i + 1
	}
	if left <= 3 && left < p.Len() { // ALTER DATABASE name
		return nil
	}
	return sql
}

// currentDatabase reports whether an ALTER DATABASE names no database: its options follow
// at once.
func currentDatabase(p *sqlscan.Parsed) bool {
	const first = 2
	switch {
	case p.Follows(first, "CHARACTER", "SET"), p.Follows(first, "READ", "ONLY"), p.Is(first, "DEFAULT"),
		p.Is(first, "COLLATE"):
		return true
	}
	return p.Any(first, "CHARSET", "ENCRYPTION", "COMMENT") &&
		(p.Is(first+1, "=") || p.Len() == first+2)
}

// swaps reports whether a RENAME belongs to a restore: it names a database that restores
// create next to ours.
func (j *judge) swaps(q *binlog.Query) bool {
	text, err := sqlscan.Tokenize(q.SQL, j.mode(q))
	if err != nil {
		return false
	}
	for i := range text.Tokens {
		name, ok := text.Name(i)
		if !ok || !text.Is(i+1, ".") {
			continue
		}
		for _, role := range []string{"__old_", "__new_", "__standby_"} {
			live, id, side := strings.Cut(name, role)
			if side && restore.SideSchema(j.from, strings.Trim(role, "_"), id) == live+role+id {
				return true
			}
		}
	}
	return false
}

// rows decides on a statement that changes rows. Names before a dot count as database
// names: ours is replaced by the new one, another database's name is refused.
func (j *judge) rows(q *binlog.Query, t *sqlscan.Text) (decided, lang.Msg) {
	p, err := sqlscan.Parse(q.SQL, j.mode(q))
	if err != nil || len(p.Refs) == 0 {
		p = nil
	}
	target := ""
	if p != nil {
		target = p.Own().Name
		if in := p.Own().Schema; in != "" && !j.ours(in) || in == "" && !j.ours(q.Schema) {
			return j.elsewhereRows(q, t, p)
		}
		if j.isTemp(q, p.Own()) {
			return j.changesTemp(q, p)
		}
		if !j.inScope(target) {
			return decided{}, j.outside(q, t, singleTable(p))
		}
	} else if !j.concerned(q, t) {
		return decided{}, j.through(q, t, nil)
	} else if len(j.scope) > 0 {
		return decided{}, j.outside(q, t, false)
	}
	if len(j.scope) > 0 && j.implicit {
		return decided{}, lang.M("only some tables are restored, and a trigger or function may change others: %s",
			short(q.SQL))
	}
	sql, why := j.rewritten(q, t)
	if !why.Empty() {
		return decided{}, why
	}
	return decided{
		kind: rowsOf, sql: sql, tables: []string{target},
		fewer: p == nil || p.Verb != "INSERT" && p.Verb != "UPDATE",
	}, lang.Msg{}
}

// outside refuses a statement on tables that are not restored if it may change one that is.
func (j *judge) outside(q *binlog.Query, t *sqlscan.Text, single bool) lang.Msg {
	named := slices.ContainsFunc(j.scope, func(table string) bool {
		for i := range t.Tokens {
			if name, ok := t.Name(i); ok && t.Mode.Same(name, table) {
				return true
			}
		}
		return false
	})
	if !j.implicit && (single || !named) {
		return lang.Msg{}
	}
	return lang.M("only some tables are restored, and it is not known which ones it changes: %s", short(q.SQL))
}

// elsewhereRows handles a statement whose rows are in another database: with more than one
// table it may also change ours.
func (j *judge) elsewhereRows(q *binlog.Query, t *sqlscan.Text, p *sqlscan.Parsed) (decided, lang.Msg) {
	if t.Any(0, "INSERT", "REPLACE") || !j.concerned(q, t) {
		return decided{}, j.through(q, t, p)
	}
	return decided{}, lang.M("it also uses the database %s: %s", q.Schema, short(q.SQL))
}

// concerned reports whether a statement may affect our database: it ran there, or names
// it.
func (j *judge) concerned(q *binlog.Query, t *sqlscan.Text) bool {
	return j.ours(q.Schema) || j.names(t)
}

// names reports whether a statement names our database.
func (j *judge) names(t *sqlscan.Text) bool {
	for i := range t.Tokens {
		if name, ok := t.Name(i); ok && j.ours(name) {
			return true
		}
	}
	return false
}

// unreplayable tells why a Load or an Incident ends a replay; it is empty for a LOAD DATA
// into another database.
func (j *judge) unreplayable(i *binlog.Item) lang.Msg {
	switch {
	case i.What == binlog.Incident:
		return lang.M("the server reports that its binlog lost events here: what they changed is not known")
	case i.Query != nil && j.loads(i.Query):
		return lang.M("LOAD DATA in statement format is not replayed: %s", short(i.Query.SQL))
	}
	return lang.Msg{}
}

// loads reports whether a LOAD DATA may affect our database; one that cannot be parsed
// may.
func (j *judge) loads(q *binlog.Query) bool {
	text, err := sqlscan.Tokenize(q.SQL, j.mode(q))
	return err != nil || j.concerned(q, text) || !j.through(q, text, nil).Empty()
}

// short is the start of a statement, with secrets masked.
func short(sql []byte) string {
	head := strings.ToValidUTF8(string(sql[:min(len(sql), 400)]), "�")
	return cut(strings.Join(strings.Fields(hide(head)), " "), 160)
}

// cut is the start of a text, of at most that many bytes.
func cut(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
