package swap

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Cleaning removes what a restore created and nobody needs any more.
type Cleaning struct {
	*link
	sessions  *Sessions
	checks    *Verification
	exchanger *Exchange
}

// clear drops the tables in scope, and the database's objects if the scope is the whole
// database. Objects created after the backup are dropped too.
func (k *Cleaning) clear(ctx context.Context, c *sql.Conn, name string, scope []string) error {
	there, err := exists(ctx, c, name)
	if err != nil || !there {
		return err
	}
	names, err := tables(ctx, c, name)
	if err != nil {
		return err
	}
	if len(scope) > 0 {
		names = only(names, scope)
	} else if err := k.clearObjects(ctx, c, name); err != nil {
		return err
	}
	names = append(names, load.ProgressTable, replay.Table) // of an interrupted load
	if _, err := c.ExecContext(ctx, "SET SESSION foreign_key_checks = 0"); err != nil {
		return err
	}
	if err := mysql.DefineSoon(ctx, c, restore.DropStatement(name, names)); err != nil {
		return k.sessions.held(ctx, c, name, fmt.Errorf("drop the tables of %s: %w", name, err))
	}
	_, err = c.ExecContext(ctx, "SET SESSION foreign_key_checks = 1")
	return err
}

func (k *Cleaning) clearObjects(ctx context.Context, c *sql.Conn, name string) error {
	for _, kind := range []struct{ kind, query string }{
		{"event", "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?"},
		{"view", "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?"},
	} {
		names, err := column(ctx, c, kind.query, name)
		if err != nil {
			return fmt.Errorf("list the objects of %s: %w", name, err)
		}
		for _, n := range names {
			if err := (object{Kind: kind.kind, Name: n}).drop(ctx, c, name); err != nil {
				return err
			}
		}
	}
	made, err := schema.Routines(ctx, c, name)
	if err != nil {
		return err
	}
	for _, r := range slices.Backward(made) {
		if err := (object{Kind: r.Kind, Name: r.Name}).drop(ctx, c, name); err != nil {
			return err
		}
	}
	return nil
}

// Clean drops what was loaded and is not live, and recreates triggers that a failed swap
// had dropped.
func (k *Cleaning) Clean(ctx context.Context, p *restore.Plan, f run.Folder) ([]restore.Note, error) {
	k.checks.forget()
	c, err := k.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := k.sessions.alone(ctx, c, p, f); err != nil {
		return nil, err
	}
	switch p.Mode {
	case restore.Swap:
		return k.cleanSwap(ctx, c, p, f)
	case restore.Into:
		return k.cleanInto(ctx, c, p, f)
	}
	return nil, nil
}

func (k *Cleaning) cleanSwap(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
) ([]restore.Note, error) {
	if err := k.exchanger.settle(ctx, c, p, f); err != nil {
		return nil, err
	}
	if err := mysql.DropDatabase(ctx, c, p.Shadow); err != nil {
		return nil, k.sessions.held(ctx, c, p.Shadow, fmt.Errorf("drop the shadow database: %w", err))
	}
	return []restore.Note{restore.N(lang.M("dropped the database %s, which only this restore used", p.Shadow))}, nil
}

// cleanInto empties the target database again; one that did not exist is dropped. A
// database in which no load was started has contents of other users.
func (k *Cleaning) cleanInto(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
) ([]restore.Note, error) {
	name := p.Target.Database
	tried, err := loadTried(f)
	if err != nil {
		return nil, err
	}
	if !tried {
		return []restore.Note{restore.N(lang.M("nothing was loaded into %s: it is unchanged", name))}, nil
	}
	if p.Assessment != nil && p.Assessment.SchemaThere {
		return []restore.Note{restore.N(lang.M("emptied %s, as it was before", name))}, k.clear(ctx, c, name, nil)
	}
	err = mysql.DropDatabase(ctx, c, name)
	return []restore.Note{restore.N(lang.M("dropped the database %s, which only this restore used", name))}, err
}

// DropOld drops the databases that an undo would need, and only those with the run's own
// names. It drops nothing while the live database has no tables and they do.
func (k *Cleaning) DropOld(ctx context.Context, p *restore.Plan) ([]restore.Note, error) {
	c, err := k.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	d, err := doomed(ctx, c, p)
	if err == nil {
		err = d.LosesLastCopy()
	}
	if err != nil {
		return nil, err
	}
	if err := referredTo(ctx, c, d); err != nil {
		return nil, err
	}
	var notes []restore.Note
	for _, b := range d.Databases {
		if err := mysql.DropDatabase(ctx, c, b.Name); err != nil {
			return notes, k.sessions.held(ctx, c, b.Name, fmt.Errorf("drop %s: %w", b.Name, err))
		}
		notes = append(notes, restore.N(lang.M("dropped the database %s, which only this restore used", b.Name)))
	}
	return notes, nil
}

// referredTo is an error where foreign keys of other databases refer to tables that are to
// be dropped: the server would refuse, perhaps halfway.
func referredTo(ctx context.Context, c *sql.Conn, d restore.Doomed) error {
	for _, b := range d.Databases {
		keys, err := schema.ForeignKeys(ctx, c, b.Name)
		if err != nil {
			return err
		}
		hidden, _, err := schema.HiddenKeys(ctx, c, b.Name)
		if err != nil {
			return err
		}
		var names []string
		for _, k := range append(keys, hidden...) {
			if k.Database != b.Name && k.ParentDatabase == b.Name {
				names = append(names, k.Database+"."+k.Table+" ("+k.Name+")")
			}
		}
		if len(names) > 0 {
			return ops.E(ops.Failed,
				lang.M("foreign keys of other databases refer to %s: %s", b.Name, strings.Join(names, ", "))).
				WithHint(lang.M("drop and create each of them again, so that it refers to the restored table; then " +
					"drop the old tables"))
		}
	}
	return nil
}
