package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// aside finds definitions in the live database that an undo, or a load that begins again, drops
// and that would be lost: others made them after the restore had begun.
type aside struct {
	live    string
	scope   []string                    // tables; empty means everything
	sources []restore.Source            // backups that stay
	stays   func(o *schema.Object) bool // it is not dropped; nil: everything is
	held    func(o *schema.Object) bool // with its definition, in a further state that stays; nil: none
	tables  bool                        // tables are dropped, and not kept in another database
	unread  []string                    // known objects whose definition cannot be read
	objects []*schema.Object            // in no state that stays
	defined map[string]string           // and such tables and sequences, with their definition
}

// look finds them. An object that no backup has and that cannot be read is an error.
func (a *aside) look(ctx context.Context, c *sql.Conn) error {
	a.defined = map[string]string{}
	there, err := exists(ctx, c, a.live)
	if err != nil || !there {
		return err
	}
	// A view's statement omits the name of the current database.
	if _, err := c.ExecContext(ctx, "USE "+restore.Name(a.live)); err != nil {
		return err
	}
	objects, err := schema.Objects(ctx, c, a.live)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if len(a.scope) > 0 && (o.Kind != "trigger" || !slices.Contains(a.scope, o.Table)) ||
			a.stays != nil && a.stays(o) {
			continue
		}
		if err := a.object(ctx, c, o); err != nil {
			return err
		}
	}
	if !a.tables {
		return nil
	}
	list, err := schema.Tables(ctx, c, a.live, a.scope...)
	if err != nil {
		return err
	}
	for _, t := range list {
		if schema.Bookkeeping(t.Name) {
			continue
		}
		if err := a.table(ctx, c, t); err != nil {
			return err
		}
	}
	return nil
}

func (a *aside) object(ctx context.Context, c *sql.Conn, o *schema.Object) error {
	named := func(b backup.Object) bool { return b.Kind == o.Kind && b.Name == o.Name }
	err := o.ReadDefinition(ctx, c)
	switch {
	case ctx.Err() != nil || mysql.Lost(err):
		return err
	case err != nil && slices.ContainsFunc(a.sources, func(s restore.Source) bool {
		return slices.ContainsFunc(s.Holds, named)
	}):
		a.unread = append(a.unread, o.Kind+" "+o.Name)
		return nil
	case err != nil:
		return ops.Wrap(err, ops.Failed,
			lang.M("no backup has the %s, and this user cannot read its definition", o.Kind+" "+o.Name)).
			WithHint(lang.M("grant this user the right to read it, or drop it; then try again"))
	case a.held != nil && a.held(o):
		return nil
	}
	for _, s := range a.sources {
		i := slices.IndexFunc(s.Holds, named)
		if i < 0 || s.Holds[i].DefinitionHash == "" {
			continue
		}
		if same, _ := load.SameObject(o, s.Holds[i], o.Database, s.Database); same {
			return nil
		}
	}
	a.objects = append(a.objects, o)
	return nil
}

func (a *aside) table(ctx context.Context, c *sql.Conn, t *schema.Table) error {
	create, err := schema.CreateTable(ctx, c, t)
	if err != nil {
		return fmt.Errorf("read the definition of %s: %w", t.SQLName(), err)
	}
	kind := "table"
	if t.Sequence {
		kind = "sequence"
	}
	for _, s := range a.sources {
		if t.Sequence {
			if slices.ContainsFunc(s.Holds, func(o backup.Object) bool {
				return o.Kind == kind && o.Name == t.Name && schema.HashIs(create, o.DefinitionHash)
			}) {
				return nil
			}
			continue
		}
		held, in := s.Table(t.Name)
		if !in {
			continue
		}
		want := backup.Table{Name: t.Name, DefinitionHash: held.Definition}
		state, err := load.CompareDefinition(ctx, c, t, want, a.live, s.Database)
		if err != nil {
			return err
		}
		if state == backup.Same {
			return nil
		}
	}
	a.defined[kind+" "+t.Name] = create
	return nil
}

// names are what was found, as a person reads it.
func (a *aside) names() (out []string) {
	for _, o := range a.objects {
		out = append(out, termsafe.Line(o.Kind+" "+o.Name))
	}
	for name := range a.defined {
		out = append(out, termsafe.Line(name))
	}
	slices.Sort(out)
	return out
}

// save writes what was found to a file of the run, and tells how it is made again.
func (a *aside) save(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) (
	notes []restore.Note, files []string, err error,
) {
	if len(a.unread) > 0 {
		notes = append(notes, restore.N(lang.M("cannot tell whether others changed these since the restore: %s",
			termsafe.Line(strings.Join(a.unread, ", ")))))
	}
	if len(a.objects)+len(a.defined) == 0 || f.Path == "" {
		return notes, nil, nil
	}
	text, err := a.text(ctx, c)
	if err != nil {
		return notes, nil, err
	}
	path, err := writeAside(f, text)
	if err != nil {
		return notes, nil, err
	}
	notes = append(notes, restore.N(lang.M("the way back drops these definitions; they were saved in %s: %s", path,
		strings.Join(a.names(), ", "))))
	if len(a.objects) > 0 && p.Client != "" {
		notes = append(notes, restore.N(lang.M("to create them again: %s",
			p.Client+" "+human.Shell(a.live)+" < "+human.Shell(path))))
	}
	return notes, []string{path}, nil
}

// text is SQL that makes the objects again. Tables are comments: their rows are exported apart,
// and a statement would drop those that are live then.
func (a *aside) text(ctx context.Context, c *sql.Conn) (string, error) {
	objects, err := dump.Recreate(ctx, c, a.objects)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- definitions in %s that neither the restored backup nor the emergency backup has\n",
		termsafe.Line(a.live))
	for _, name := range slices.Sorted(maps.Keys(a.defined)) {
		fmt.Fprintf(&b, "--\n-- %s was defined like this:\n-- %s;\n", termsafe.Line(name),
			strings.ReplaceAll(termsafe.Text(a.defined[name]), "\n", "\n-- "))
	}
	return b.String() + "\n" + replay.LostHead + objects, nil
}

// writeAside writes the file, unless an earlier try wrote the same.
func writeAside(f run.Folder, text string) (string, error) {
	for n := 1; ; n++ {
		path := filepath.Join(f.Path, "later-definitions.sql")
		if n > 1 {
			path = filepath.Join(f.Path, fmt.Sprintf("later-definitions-%d.sql", n))
		}
		was, err := regular.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return path, atomicfile.WriteBytes(path, 0o600, []byte(text))
		case err != nil:
			return "", err
		case string(was) == text:
			return path, nil
		}
	}
}

// asideInPlace is for a load into the live database, which drops everything there.
func asideInPlace(p *restore.Plan, emergency string) (*aside, error) {
	a := &aside{live: p.Target.Database, scope: p.Tables, tables: true}
	err := a.stay(p.Source.Path, p.Source.Database)
	if err == nil {
		err = a.stay(emergency, p.Target.Live)
	}
	return a, err
}

// stay adds a backup that stays, unless it has no manifest.
func (a *aside) stay(path, database string) error {
	src, err := savedSource(path, database)
	switch {
	case err == nil:
		a.sources = append(a.sources, src)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// asideSwapped is for the undo of a swap: the tables stay in the shadow, without triggers, and
// the record knows the objects of before the restore and those that it brought.
func asideSwapped(p *restore.Plan, r *record) *aside {
	known, named := map[string]bool{}, map[string]bool{}
	for _, o := range slices.Concat(r.Leaving.Objects, r.Coming.Objects) {
		known[arrived(p, o).hash()] = true
		named[o.Kind+" "+o.Name] = true
	}
	return &aside{live: p.Target.Live, scope: p.Tables,
		stays: func(o *schema.Object) bool {
			inWay := o.Kind == "view" && slices.Contains(r.Leaving.Tables, o.Name)
			return o.Kind != "trigger" && !inWay && !named[o.Kind+" "+o.Name]
		},
		held: func(o *schema.Object) bool { return known[o.Hash()] }}
}

// keep finds definitions and saves them.
func (a *aside) keep(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) (
	[]restore.Note, []string, error,
) {
	if err := a.look(ctx, c); err != nil {
		return nil, nil, err
	}
	return a.save(ctx, c, p, f)
}

// asideAgain keeps what a load in place that begins again drops; of the first one, the
// emergency backup has it.
func asideAgain(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) ([]restore.Note, []string, error) {
	begun, err := readJSON[next](countersPath(f))
	if err != nil || begun == nil { // the first load has recorded nothing yet
		return nil, nil, err
	}
	r, err := f.Load()
	if err != nil || !r.State.LoadsAgain() {
		return nil, nil, err
	}
	a, err := asideInPlace(p, r.State.Data.Emergency)
	if err != nil {
		return nil, nil, err
	}
	return a.keep(ctx, c, p, f)
}

// LaterDefinitions names what an undo would save to a file before it drops it: definitions that
// others made since the restore.
func (x *Losses) LaterDefinitions(
	ctx context.Context, p *restore.Plan, f run.Folder, emergency string,
) ([]string, error) {
	var a *aside
	switch p.Mode {
	case restore.InPlace:
		var err error
		if a, err = asideInPlace(p, emergency); err != nil {
			return nil, err
		}
	case restore.Swap:
		r, err := readRecord(f)
		if err != nil || r == nil {
			return nil, err
		}
		a = asideSwapped(p, r)
	default:
		return nil, nil
	}
	c, err := x.conn(ctx, "", lookLimit)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	err = a.look(ctx, c)
	return a.names(), err
}

// hash is that of a definition that a server shows.
func (o object) hash() string {
	as := schema.Object{Kind: o.Kind, Name: o.Name, Table: o.Table, SQLMode: o.SQLMode, Collation: o.Collation,
		TimeZone: o.TimeZone, Create: o.Create}
	return as.Hash()
}
