package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// comeBack bounds the wait for a server that ended while a table was read, and that something
// starts again.
const comeBack = 2 * time.Minute

// deadly is a table that the server did not survive reading: InnoDB ends the server
// when it meets some kinds of damaged pages. It is never read again.
type deadly struct {
	Server   string    `json:"server"` // identity
	Schema   string    `json:"schema"`
	Table    string    `json:"table"`
	Created  string    `json:"created"` // CREATE_TIME: a table made anew is another one
	At       time.Time `json:"at"`
	Evidence []string  `json:"evidence,omitempty"` // the last lines of the server's error log
	// Suspect: the server ended once while a look at the status read it, which may
	// have been chance. A suspect is read once more.
	Suspect bool `json:"suspect,omitempty"`
}

// deadlyError says that a table is not read, because the server ended when it was.
type deadlyError struct{ deadly }

func (e *deadlyError) Error() string {
	return fmt.Sprintf("the server ended when %s was read", e.Table)
}

// marks are the deadly tables that are known, and in which file.
type marks struct {
	mu   sync.Mutex // readings that the server may not survive come one after another
	list []deadly
	read bool
}

// Damage remembers the tables that end the server when they are read, and keeps
// every reading away from them.
type Damage struct {
	*link
	facts *Facts
	file  string // where they are remembered; "": in this process alone
	marks marks
}

// known reads the marks once. A file that cannot be read stops every reading: which
// tables end the server is not known then.
func (g *Damage) knownMarks() error {
	if g.marks.read || g.file == "" {
		return nil
	}
	text, err := os.ReadFile(g.file)
	if err == nil {
		err = json.Unmarshal(text, &g.marks.list)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ops.Wrap(err, ops.Failed, lang.M("the list of tables that crash the server cannot be read: %s", g.file)).
			WithHint(lang.M("remove it if all tables are safe to read again"))
	}
	g.marks.read = true
	return nil
}

// marked finds the mark of a table; nil when it has none. The caller holds the lock.
func (g *Damage) marked(ctx context.Context, db *sql.DB, in, table string) (*deadly, error) {
	if err := g.knownMarks(); err != nil {
		return nil, err
	}
	for i, m := range g.marks.list {
		if m.Schema != in || m.Table != table || m.Suspect {
			continue
		}
		id, created, err := g.made(ctx, db, in, table)
		if err != nil {
			return nil, err
		}
		if m.Server == id && m.Created == created {
			return &g.marks.list[i], nil
		}
	}
	return nil, nil
}

// made is the server's identity and when a table was made.
func (g *Damage) made(ctx context.Context, db *sql.DB, in, table string) (identity, created string, err error) {
	state, err := g.facts.state(ctx, db)
	if err != nil {
		return "", "", err
	}
	created, err = schema.One(
		ctx,
		db,
		"SELECT CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		in,
		table,
	)
	return state.Identity, created, err
}

// deadlyTables are those of the schema that must not be read.
func (g *Damage) deadlyTables(ctx context.Context, in string, names []string) (out []string, err error) {
	db, err := g.db(ctx)
	if err != nil {
		return nil, err
	}
	g.marks.mu.Lock()
	defer g.marks.mu.Unlock()
	for _, n := range names {
		m, err := g.marked(ctx, db, in, n)
		if err != nil {
			return nil, err
		}
		if m != nil {
			out = append(out, n)
		}
	}
	return out, nil
}

// readable takes the tables out of a list that must not be read.
func (g *Damage) readable(
	ctx context.Context,
	in string,
	list []*schema.Table,
) (left []*schema.Table, deadly []string, err error) {
	var names []string
	for _, t := range list {
		names = append(names, t.Name)
	}
	deadly, err = g.deadlyTables(ctx, in, names)
	for _, t := range list {
		if !has(deadly, t.Name) {
			left = append(left, t)
		}
	}
	return left, deadly, err
}

// risk reads a table by f, alone, unless the server is known to end by it. When the
// server ends now, the table is marked, and the server is waited for.
func (g *Damage) risk(ctx context.Context, db *sql.DB, in, table string, f func() error) error {
	g.marks.mu.Lock()
	defer g.marks.mu.Unlock()
	m, err := g.marked(ctx, db, in, table)
	if err != nil {
		return err
	}
	if m != nil {
		return &deadlyError{*m}
	}
	before, err := g.await(ctx, db)
	if err != nil {
		return err
	}
	id, created, err := g.made(ctx, db, in, table)
	if err != nil {
		return err
	}
	begin := time.Now()
	err = f()
	if !mysql.Lost(err) || ctx.Err() != nil {
		return err
	}
	d := deadlyNow(id, in, table, created)
	return g.afterLoss(ctx, db, d, before+time.Since(begin).Seconds(), err)
}

// afterLoss tells, after the connection was lost while a table was read, whether the
// server ended: then the table is marked. up is for how many seconds it would have
// been up otherwise; lost is the error of the connection.
func (g *Damage) afterLoss(ctx context.Context, db *sql.DB, d deadly, up float64, lost error) error {
	after, gone := g.await(ctx, db)
	if g.Target.Deaf() {
		return lost // the line is stalled: of the server nothing is known
	}
	if gone == nil && after+1 >= up {
		return lost // the connection was lost, the server was not
	}
	if gone == nil {
		d.Evidence = g.lastErrors(ctx, db)
	}
	if err := g.mark(d); err != nil {
		return err
	}
	if gone != nil {
		return ops.Wrap(
			gone,
			ops.Busy,
			lang.M("the server crashed while %s was read, and has not come back", d.Table),
		).WithHint(lang.M("start the server: this table will not be read again"))
	}
	return &deadlyError{d}
}

// mark remembers a table, for this run and all that follow.
func (g *Damage) mark(d deadly) error {
	g.marks.read = g.file == ""
	if err := g.knownMarks(); err != nil { // others may have added to it
		return err
	}
	g.marks.list = slices.DeleteFunc(g.marks.list, func(m deadly) bool { return m.Suspect && m.is(d) })
	g.marks.list = append(g.marks.list, d)
	if g.file == "" {
		return nil
	}
	text, err := json.MarshalIndent(g.marks.list, "", "  ")
	if err == nil {
		err = atomicfile.WriteBytes(g.file, 0o600, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("remember that the server ended when %s was read: %w", d.Table, err)
	}
	return nil
}

// await waits until the server answers, and tells for how many seconds it has been up.
// A line that is stalled is not waited for: a server that ended is refused, not silent.
func (g *Damage) await(ctx context.Context, db *sql.DB) (up float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, comeBack)
	defer cancel()
	for {
		if up, err = uptime(ctx, db); err == nil || !mysql.Lost(err) || g.Target.Deaf() {
			return up, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return 0, err
		}
	}
}

func uptime(ctx context.Context, db *sql.DB) (float64, error) {
	rows, err := schema.All(ctx, db, "SHOW GLOBAL STATUS LIKE 'Uptime'")
	if err != nil || len(rows) == 0 || len(rows[0]) < 2 {
		return 0, err
	}
	return strconv.ParseFloat(rows[0][1], 64)
}

// surveyDeadly says of the tables that end the server what was found, and what can be done.
func (g *Damage) surveyDeadly(a *restore.Assessment) {
	for _, t := range a.Tables {
		if !t.Deadly {
			continue
		}
		what := lang.M("the server crashed while %s was read: it will not be read again", t.Name)
		if len(t.Evidence) > 0 {
			what = lang.M("%s; its error log: %s", what, strings.Join(t.Evidence, " | "))
		}
		hint := lang.M(
			"%s. %s",
			lang.M(
				"this restore replaces it from the backup and moves the damaged table aside unread; use "+
					"--skip-unreadable",
			),
			lang.M(
				"to save its newer rows first: start the server with innodb_force_recovery = 1, dump the table, "+
					"start it without",
			),
		)
		if g.file != "" {
			hint = lang.M("%s. To allow reading it again, remove %s", hint, g.file)
		}
		a.Findings = append(
			a.Findings,
			restore.Finding{State: ops.StateCritical, What: restore.N(what), Hint: restore.N(hint)},
		)
	}
}

// Deadly names those of the tables of a schema that the server did not survive
// reading before, and were not created again since.
func (g *Damage) Deadly(ctx context.Context, in string, names []string) ([]string, error) {
	return g.deadlyTables(ctx, in, names)
}

// is tells whether two marks are of one table.
func (d deadly) is(o deadly) bool {
	return d.Server == o.Server && d.Schema == o.Schema && d.Table == o.Table && d.Created == o.Created
}

func deadlyNow(server, in, table, created string) deadly {
	return deadly{Server: server, Schema: in, Table: table, Created: created, At: time.Now()}
}
