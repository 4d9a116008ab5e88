package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// comeBack limits the wait for a server that ended while a table was read, to be
// restarted.
const comeBack = 2 * time.Minute

// deadly is a table whose reading crashed the server: InnoDB ends the server on some kinds
// of damaged pages. It is never read again.
type deadly struct {
	Server   string    `json:"server"` // identity
	Schema   string    `json:"schema"`
	Table    string    `json:"table"`
	Created  string    `json:"created"` // CREATE_TIME: a recreated table is another one
	At       time.Time `json:"at"`
	Evidence []string  `json:"evidence,omitempty"` // last lines of the server's error log
	// Suspect: the server ended once while the status check read the table, which may be
	// coincidence. A suspect is read once more.
	Suspect bool `json:"suspect,omitempty"`
}

// deadlyError reports that a table is not read because reading it ended the server.
type deadlyError struct{ deadly }

func (e *deadlyError) Error() string {
	return fmt.Sprintf("the server ended when %s was read", e.Table)
}

// marks are the known deadly tables and their file.
type marks struct {
	mu   sync.Mutex // readings that may end the server run one at a time
	list []deadly
	read bool
}

// Damage records the tables that end the server when they are read, and prevents further
// reads of them.
type Damage struct {
	*link
	facts *Facts
	file  string // where they are remembered; "": in this process alone
	marks marks
}

// knownMarks reads the marks once. A file that cannot be read blocks every reading,
// because the deadly tables are then unknown.
func (g *Damage) knownMarks() error {
	if g.marks.read || g.file == "" {
		return nil
	}
	text, err := regular.ReadFile(g.file)
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

// marked finds the mark of a table; nil if it has none. The caller holds the lock.
func (g *Damage) marked(ctx context.Context, db *sql.DB, in, table string) (*deadly, error) {
	if err := g.knownMarks(); err != nil {
		return nil, err
	}
	for i, m := range g.marks.list {
		if m.Schema != in || m.Table != table || m.Suspect {
			continue
		}
		id, created, err := g.origin(ctx, db, in, table)
		if err != nil {
			return nil, err
		}
		if m.Server == id && m.Created == created {
			return &g.marks.list[i], nil
		}
	}
	return nil, nil
}

// origin is the server's identity and a table's creation time.
func (g *Damage) origin(ctx context.Context, db *sql.DB, in, table string) (identity, created string, err error) {
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

// deadlyTables are the database's tables that must not be read.
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

// readable removes the tables that must not be read from a list.
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
		if !slices.Contains(deadly, t.Name) {
			left = append(left, t)
		}
	}
	return left, deadly, err
}

// risk reads a table with f, exclusively, unless the table is known to end the server. If
// the server ends, the table is marked, and risk waits for the server.
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
	id, created, err := g.origin(ctx, db, in, table)
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

// afterLoss finds out, after the connection was lost while a table was read, whether the
// server ended; if so it marks the table. up is the uptime in seconds that the server
// would have otherwise; lost is the connection's error.
func (g *Damage) afterLoss(ctx context.Context, db *sql.DB, d deadly, up float64, lost error) error {
	after, gone := g.await(ctx, db)
	if g.Target.Unanswered() {
		return lost // the connection stalled: nothing is known of the server
	}
	if gone == nil && after+1 >= up {
		return lost // the connection was lost, but the server did not end
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

// mark records a table, for this run and all later ones.
func (g *Damage) mark(d deadly) error {
	g.marks.read = g.file == ""
	if err := g.knownMarks(); err != nil { // other processes may have added to it
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

// await waits until the server responds, and returns its uptime in seconds. It does not
// wait for a stalled connection: a server that ended refuses connections and is not
// silent.
func (g *Damage) await(ctx context.Context, db *sql.DB) (up float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, comeBack)
	defer cancel()
	for {
		if up, err = uptime(ctx, db); err == nil || !mysql.Lost(err) || g.Target.Unanswered() {
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

// surveyDeadly reports the tables that end the server, the evidence, and what can be done.
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

// is reports whether two marks are of the same table.
func (d deadly) is(o deadly) bool {
	return d.Server == o.Server && d.Schema == o.Schema && d.Table == o.Table && d.Created == o.Created
}

func deadlyNow(server, in, table, created string) deadly {
	return deadly{Server: server, Schema: in, Table: table, Created: created, At: time.Now()}
}
