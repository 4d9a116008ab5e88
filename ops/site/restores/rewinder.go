package restores

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rewind"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/backups"
)

// Rewinder takes back transactions of a service's database, row by row.
type Rewinder struct{ *backups.Shelf }

// OnPlan makes a plan and calls do with it.
func (r Rewinder) OnPlan(ctx context.Context, want rewind.Request, do func(*mysql.Conn, *rewind.Plan) error) error {
	src, err := r.Binlog().OpenChanges(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	at, err := r.Place()
	if err != nil {
		return err
	}
	defer at.End()
	want.Place = at.Place
	return r.OnConn(ctx, func(conn *mysql.Conn) error {
		plan, err := rewind.Make(ctx, src, conn, r.Service.Database.Name, want)
		if err != nil {
			return r.notUndone(ctx, src, want, err)
		}
		defer plan.Close()
		at.End()
		if err := r.notAgain(plan); err != nil {
			return err
		}
		return do(conn, plan)
	})
}

// notAgain refuses a plan that would take rows of a table without a key back a second time.
func (r Rewinder) notAgain(p *rewind.Plan) error {
	earlier, err := r.Store().Repeats(r.Service.Name, p)
	if err != nil || earlier == nil {
		return err
	}
	return ops.E(ops.Failed, lang.M("%s was undone at %s already; its rows in tables without a primary or unique "+
		"key (%s) would be changed a second time; nothing was done", earlier.Txn,
		earlier.At.Local().Format("2006-01-02 15:04:05"), strings.Join(p.Bare, ", "))).
		WithHint(lang.M("to bring the transaction's changes again: opsdeck restore undo %s", earlier.ID))
}

// Place is where plans keep their rows: the folder of the rewinds, else, for whoever
// may not write there, the system's folder for temporary files.
func (r Rewinder) Place() (at Place, err error) {
	report, done := r.Progress()
	at = Place{rewind.Place{Tell: report}, done}
	dir, err := r.Store().Dir()
	if err == nil {
		err = unix.Access(dir, unix.W_OK)
	}
	if errors.Is(err, fs.ErrPermission) {
		return at, nil
	}
	at.Dir = dir
	return at, err
}

// Store is where the rewinds of the service are kept.
func (r Rewinder) Store() Rewinds { return Rewinds{StateDir: r.StateDir} }

// Place is where the rows of a plan are kept. End clears the line of progress.
type Place struct {
	rewind.Place
	End func()
}

// OnConn calls do with a connection to the service's server.
func (r Rewinder) OnConn(ctx context.Context, do func(*mysql.Conn) error) error {
	return mysql.OnConn(ctx, r.Service.Database, do)
}

// TakeBack carries a plan out under a new id.
func (r Rewinder) TakeBack(
	ctx context.Context,
	conn *mysql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
) (Rewind, rewind.Done, error) {
	name := r.Service.Database.Name
	kept := Rewind{
		ID:       RewindPrefix + restore.NewID(r.Clock.Now(), uint16(rand.Uint32())),
		Service:  r.Service.Name,
		Database: name,
		Txn:      p.Txn.ID,
		At:       r.Clock.Now(),
		State:    RewindPrepared,
		Shape:    p.Shape(),
	}
	for _, t := range p.Txns {
		kept.Txns = append(kept.Txns, t.ID)
	}
	done, err := r.carryOut(ctx, conn, p, choice, kept)
	return kept, done, err
}

// carryOut runs a plan with its inverse on disk before the commit, and on record. Of a run
// that changes no row nothing is kept: it would hide an earlier one from "restore undo".
func (r Rewinder) carryOut(
	ctx context.Context,
	conn *mysql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
	kept Rewind,
) (done rewind.Done, err error) {
	d, err := Open(r.Site)
	if err != nil {
		return done, err
	}
	held, err := d.Hold(ctx, "restore rewind")
	if err != nil {
		return done, err
	}
	defer held.Release()
	entry := oplog.Entry{
		Action: "restore.rewind",
		Object: kept.Database,
		Detail: map[string]string{"id": kept.ID, "txn": kept.Txn},
	}
	err = r.Record(ctx, entry, func(ctx context.Context, _ map[string]string) (err error) {
		done, err = p.Run(ctx, conn, choice, func(n int, changes rewind.Changes) error {
			kept.Rows = n
			if n == 0 {
				return nil
			}
			return r.Store().KeepInverse(kept, changes)
		})
		if err != nil || kept.Rows == 0 {
			return err
		}
		kept.State = RewindDone
		return r.Store().Keep(kept)
	})
	return done, err
}

// Unlogged says which changes of a table's rows the log does not have: those that the server
// made through a foreign key. Empty where there are none.
func (r Rewinder) Unlogged(ctx context.Context, table string) (said lang.Msg) {
	database, name, _ := binlog.SplitTable(table)
	err := r.OnConn(ctx, func(conn *mysql.Conn) error {
		parents, err := rewind.UnloggedParents(ctx, conn, database, name)
		if len(parents) > 0 {
			said = lang.M("rows of %s that foreign keys changed are not in this log; check the changes of: %s",
				table, strings.Join(parents, ", "))
		}
		return err
	})
	if err != nil {
		return lang.M("whether foreign keys changed rows of %s without a trace in the log is unknown: %s", table,
			err.Error())
	}
	return said
}

// TableNow is a table as it is today; nil if there is none.
func (r Rewinder) TableNow(ctx context.Context, name string) (*schema.Table, error) {
	target, err := mysql.Resolve(r.Service.Database)
	if err != nil {
		return nil, err
	}
	database := r.Service.Database.Name
	if s, n, ok := strings.Cut(name, "."); ok {
		database, name = s, n
	}
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tables, err := schema.Tables(ctx, db, database, name)
	var none *schema.NoTableError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, mysql.Explain(err, target)
	}
	return tables[0], nil
}
