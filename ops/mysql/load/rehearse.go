package load

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// Uncreatable is an object of a backup that the server does not create.
type Uncreatable struct {
	Kind string // "table", "view", "procedure" …
	Name string
	Why  string // in the server's words
	// Unread means that opsdeck itself refuses the definition; the server was not asked.
	Unread bool
}

// Substituted is a table that the server creates with another engine.
type Substituted struct {
	Table string
	Asked string
	Used  string
}

// Rehearsal is the result of creating all definitions of a backup without rows.
type Rehearsal struct {
	Uncreatable []Uncreatable
	Substituted []Substituted
	Enabled     []string // events that are enabled in the backup
	Collation   string   // of the database in the backup
	// Sequences are the next values of MariaDB's sequences in the backup that are not cached.
	Sequences map[string]string
}

// Rehearse creates all that a backup defines, without rows, in the schema o.Schema, which
// must not exist, and drops it again. It tells what the server refuses. Tables whose rows
// are elsewhere are not created, because that could change what is there; only their
// engine is checked. definitions are those of a foreign dump, from Inspect. An error means
// that a load would fail as a whole, or that the rehearsal could not be made.
func Rehearse(
	ctx context.Context,
	target mysql.Target,
	src *Source,
	definitions []backup.DumpStatement,
	o Options,
) (*Rehearsal, error) {
	s, err := connect(ctx, target, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	engines, err := enginesOf(ctx, s.main)
	if err != nil {
		return nil, err
	}
	r := &rehearsal{s: s, engines: engines, failed: map[string]bool{}, out: &Rehearsal{Sequences: map[string]string{}}}
	if src.Manifest != nil && len(src.Manifest.Members) > 0 {
		err = r.native(ctx, src)
	} else {
		err = r.foreign(ctx, definitions)
	}
	for _, n := range s.report.Notes {
		if n.Kind == backup.NoteEvent {
			r.out.Enabled = append(r.out.Enabled, n.Object)
		}
	}
	return r.out, err
}

// enginesOf lists the server's engines, in upper case.
func enginesOf(ctx context.Context, q schema.Querier) (map[string]bool, error) {
	rows, err := schema.All(ctx, q,
		"SELECT UPPER(ENGINE) FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')")
	have := map[string]bool{}
	for _, r := range rows {
		have[r[0]] = true
	}
	return have, err
}

// rehearsal creates definitions and records what the server refuses.
type rehearsal struct {
	s       *session
	engines map[string]bool
	mu      sync.Mutex      // of what follows
	failed  map[string]bool // objects that were refused
	untried bool            // tables were not created because their rows are elsewhere
	out     *Rehearsal
}

// open creates the schema; the returned function drops it.
func (r *rehearsal) open(ctx context.Context, options string) (end func(), err error) {
	if err := r.s.makeSchema(ctx, options); err != nil {
		return nil, noSchema(err)
	}
	return func() {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropWait)
		defer cancel()
		c, err := r.s.conn(back) // the main connection may be in any state
		if err != nil {
			return
		}
		defer c.Close()
		mysql.DropDatabase(back, c, r.s.o.Schema)
	}, nil
}

// dropWait is how long a rehearsal waits for the end of its own schema.
const dropWait = 30 * time.Second

// noSchema explains that the server does not know the charset or collation of the backup's
// database. Other errors stay as they are.
func noSchema(err error) error {
	switch mysql.Number(err) {
	case 1115, 1253, 1273:
		return ops.E(ops.Failed, lang.M("the server cannot create the database: %s", serverReason(err))).
			WithHint(lang.M("restore on a server of the backup's version, or convert the backup first"))
	}
	return err
}

// serverReason is the server's message without its number.
func serverReason(err error) string {
	var server *driver.MySQLError
	if errors.As(err, &server) {
		return server.Message
	}
	return err.Error()
}

func (r *rehearsal) native(ctx context.Context, src *Source) error {
	r.s.lenient = true
	p, err := r.s.plan(ctx, src)
	if err != nil {
		return err
	}
	for _, u := range p.refused {
		r.failed[u.Kind+" "+u.Name] = true
	}
	r.out.Uncreatable = append(r.out.Uncreatable, p.refused...)
	end, err := r.open(ctx, p.options)
	if err != nil {
		return err
	}
	defer end()
	r.out.Collation, err = schema.One(ctx, r.s.main, "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "+
		"WHERE SCHEMA_NAME = ?", r.s.o.Schema)
	if err != nil {
		return err
	}
	if err := r.s.header(ctx, p); err != nil {
		return err
	}
	if err := r.tables(ctx, p); err != nil {
		return err
	}
	lent := false
	for _, o := range p.objects {
		if o.kind == "view" && !lent {
			if _, err := makeObject(ctx, r.s, o, false); Lendable(err) && !r.follows(err) {
				lent = true
				if err := r.lend(ctx, p); err != nil {
					return err
				}
			}
		}
		if o.kind == "view" && lent {
			continue
		}
		if err := r.all(ctx, r.s.main, strings.TrimSuffix(o.kind, "-placeholder"), o); err != nil {
			return err
		}
	}
	return nil
}

// lend creates all views as a load does that meets a definer who may not read.
func (r *rehearsal) lend(ctx context.Context, p *plan) error {
	failed, err := lend(ctx, r.s.main, p.objects)
	for _, o := range p.objects {
		if why := failed[o.object]; o.kind == "view" && why != nil && !r.follows(why) {
			r.refuse("view", o.object, serverReason(why))
		}
	}
	return err
}

// SequenceNext is the next value of a MariaDB sequence that is not cached.
func SequenceNext(ctx context.Context, q schema.Querier, in, name string) (string, error) {
	return schema.One(ctx, q, "SELECT next_not_cached_value FROM "+schema.Name(in, name))
}

// all runs the statements of one object, until one is refused.
func (r *rehearsal) all(ctx context.Context, c *sql.Conn, kind string, o step) error {
	for _, v := range o.statements {
		if v.parsed.Verb == "CREATE" && v.parsed.Kind == "TABLE" && r.elsewhere(v.parsed) {
			return nil
		}
		refused, err := r.try(ctx, c, kind, o.object, v)
		if err != nil || refused {
			return err
		}
	}
	return nil
}

// elsewhere reports whether a table's rows are outside the schema, and checks its engine.
func (r *rehearsal) elsewhere(p *sqlscan.Parsed) bool {
	engine := remoteEngine(p)
	if engine == "" {
		return false
	}
	if r.engines[strings.ToUpper(engine)] {
		r.mu.Lock()
		r.untried = true
		r.mu.Unlock()
	} else {
		r.refuse("table", p.Own().Name, "Unknown storage engine '"+engine+"'")
	}
	return true
}

func (r *rehearsal) refuse(kind, name, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed[kind+" "+name] {
		return
	}
	r.failed[kind+" "+name] = true
	r.out.Uncreatable = append(r.out.Uncreatable, Uncreatable{Kind: kind, Name: name, Why: why})
}

// try runs a definition. An error is about the connection, not about the object.
func (r *rehearsal) try(ctx context.Context, c *sql.Conn, kind, name string, v verdict) (refused bool, err error) {
	err = mysql.Define(ctx, c, string(v.sql))
	switch {
	case err == nil:
		return false, r.substituted(ctx, c, v)
	case ctx.Err() != nil || mysql.Number(err) == 0:
		return false, err
	case mysql.Number(err) == errEmptyQuery:
		return false, nil
	case r.follows(err):
		return false, nil
	}
	r.refuse(kind, name, serverReason(err))
	return true, nil
}

// substituted notes a table that was created with another engine than its definition
// names. Its rows are the same, so this does not stop a load.
func (r *rehearsal) substituted(ctx context.Context, c *sql.Conn, v verdict) error {
	p := v.parsed
	if p.Verb != "CREATE" || p.Kind != "TABLE" {
		return nil
	}
	t, err := sqlscan.ParseTable(p.SQL, p.Mode)
	if err != nil {
		return nil // its options are not known
	}
	asked := t.Options["ENGINE"]
	if asked == "" || r.engines[strings.ToUpper(asked)] {
		return nil
	}
	used, err := schema.One(ctx, c,
		"SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		r.s.o.Schema, p.Own().Name)
	if err == nil && used != "" && !strings.EqualFold(used, asked) && !sameEngine(used, asked) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.out.Substituted = append(r.out.Substituted, Substituted{Table: p.Own().Name, Asked: asked, Used: used})
	}
	return err
}

// sameEngine tells whether two names are of one engine.
func sameEngine(a, b string) bool {
	merge := []string{"MERGE", "MRG_MYISAM"}
	memory := []string{"HEAP", "MEMORY"}
	for _, names := range [][]string{merge, memory} {
		if slices.Contains(names, strings.ToUpper(a)) && slices.Contains(names, strings.ToUpper(b)) {
			return true
		}
	}
	return false
}

const errNoSuchTable = 1146

// follows tells whether a failure may be because of a table that was not created here.
func (r *rehearsal) follows(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.untried && (tooEarly(err) || mysql.Number(err) == errNoSuchTable)
}
