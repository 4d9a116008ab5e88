// Package standby keeps the warm shadow of a service's database: it loads the newest good
// backup into a schema of its own, applies the archived binary log to it with a delay, and
// compares it with each new backup at that backup's place in the log. A restore to a moment
// that lies ahead of it needs the rest of the log and the one RENAME.
//
// One process at a time works on it. It may be killed anywhere: how far the log is applied
// is committed on the server with the rows, and what is remembered here only says what to
// do next.
package standby

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/restore/standby"
	"opsdeck/ops/site/restores"
)

// Keeper works on the standby of one service.
type Keeper struct {
	*restores.Desk
	// Report is told of long work; nil: nobody reads it.
	Report func(ops.Progress)
	// Begun is called before a build, with what it costs; an error ends the work there.
	Begun func(Cost) error
}

// Did is what one round of work did.
type Did struct {
	Built        bool   // the backup was loaded
	Dropped      string // the schema of a standby that could not go on
	Why          lang.Msg
	Transactions int64
	Rows         int64
	Statements   int64 // run again: their rows are not in Rows
	Checked      *standby.Check
	Paused       lang.Msg // why it stopped before its moment
}

// Open opens the standby of a desk's service.
func Open(d *restores.Desk) *Keeper { return &Keeper{Desk: d} }

// Run does what is due now: builds, applies the log up to the delay, compares. What
// was begun and is still good goes on.
func (k *Keeper) Run(ctx context.Context) (did Did, err error) {
	if !k.Service.Restore.Standby {
		return did, ops.E(ops.Config, lang.M("no standby is kept for %s", k.Service.Name)).
			WithHint(lang.M("set restore.standby: true in the configuration"))
	}
	held, err := k.hold("standby run")
	if err != nil {
		return did, err
	}
	defer held.Release()
	if err := k.Shelf.Trusted(); err != nil {
		return did, err
	}
	rec, err := k.Standby().Load()
	if err != nil {
		return did, err
	}
	server := k.Server()
	defer server.Close()
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := round{Keeper: k, ctx: inner, stop: stop, server: server, rec: rec, did: &did}
	err = r.run()
	switch {
	case ctx.Err() != nil:
		return did, ctx.Err()
	case r.paused():
		return did, r.notePause()
	}
	err = k.explained(err)
	r.noteUnbuilt(err)
	return did, err
}

// hold takes the lock of those that work on the standby.
func (k *Keeper) hold(what string) (*lock.Lock, error) {
	if err := k.Writable(); err != nil {
		return nil, err
	}
	return lock.Take(k.Standby().Lock(), lock.Holder{User: oplog.UserName(), What: what})
}

// explained makes a sentence of what the server said.
func (k *Keeper) explained(err error) error {
	var known *ops.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return mysql.Explain(err, k.Target)
}

// round is one run.
type round struct {
	*Keeper
	ctx    context.Context
	stop   context.CancelCauseFunc // ends the work of this round
	server *swap.Server
	rec    *standby.Record
	did    *Did
	log    *changes.Source
	asOf   time.Time // all that was committed before it is in the log; zero: not known
	state  replay.State
	gate   gate
	open   bool // a restore is open
}

func (r *round) run() (err error) {
	if err := r.rest(r.ctx); err != nil {
		return err
	}
	r.asOf = r.archivedTo()
	if r.log, err = r.openLog(); err != nil {
		return err
	}
	defer r.log.Close()
	going, why, err := r.continues()
	if err != nil {
		return err
	}
	if going {
		if why, err = r.Finder().StandbyWritten(r.ctx, r.rec); err != nil {
			return err
		}
		going = why.Empty()
	}
	r.rec.Quiet = binlog.Place{}
	if r.rec.Schema != "" {
		if err := r.save(); err != nil {
			return err
		}
	}
	if !going {
		if err := r.build(why); err != nil {
			return err
		}
	}
	if err := r.forward(); err != nil {
		return err
	}
	return r.quieted()
}

// quieted notes that from here on no write to the standby is opsdeck's.
func (r *round) quieted() error {
	if r.rec.State != standby.Ready {
		return nil
	}
	at, err := r.Finder().LogEnd(r.ctx, r.state.At, r.rec.Done)
	if err != nil {
		return nil // the next round cannot tell who wrote, and compares
	}
	r.rec.Quiet = at
	return r.save()
}

// openLog opens the archive.
func (r *round) openLog() (*changes.Source, error) {
	keys, err := r.Shelf.Identities()
	if err != nil {
		return nil, err
	}
	log, err := changes.OpenArchive(r.Shelf.Binlog().Archive(), keys)
	if err != nil {
		return nil, r.Shelf.Binlog().BinlogError(err)
	}
	if log.Empty() {
		return nil, ops.E(ops.Config, lang.M("a standby needs the archived binlog, and nothing of it is archived")).
			WithHint(lang.M("set backup.binlog: follow, or run: opsdeck backup binlog fetch"))
	}
	return log, nil
}

// restoring says that a restore of the database is open: it may have taken the standby.
func (r *round) restoring() (lang.Msg, error) {
	open, err := r.OpenRuns()
	if err != nil {
		return lang.Msg{}, err
	}
	for _, o := range open {
		if o.Of(r.Service.Name, r.Service.Database.Name) {
			return lang.M("the restore %s is unfinished", o.ID), nil
		}
	}
	return lang.Msg{}, nil
}

// continues tells whether the standby that is there can go on; why is what ends it, where
// there was one.
func (r *round) continues() (going bool, why lang.Msg, err error) {
	id, err := r.server.Facts.Identity(r.ctx)
	if err != nil {
		return false, why, err
	}
	rec := r.rec
	switch {
	case rec.Schema == "":
		return false, why, nil
	case rec.Server != id:
		return false, lang.M("it is on another server"), nil
	case rec.Database != r.Service.Database.Name:
		return false, lang.M("it belongs to the database %s", rec.Database), nil
	case rec.State == standby.Broken:
		return false, rec.Why.Msg, nil
	case rec.State == standby.Building:
		return false, why, nil // the build goes on
	}
	state, ok, err := r.server.Standby.State(r.ctx, rec.Schema)
	switch {
	case err != nil:
		return false, why, err
	case !ok:
		return false, swap.NoPlace(), nil
	}
	r.state = state
	return true, why, nil
}

// taken are the schemas of standbys that restores took, with the id of each: they hold
// what undo or resume needs, and drop-old removes them. A restore that cannot be read may
// have taken any.
func (k *Keeper) taken() (map[string]string, error) {
	ids, err := k.Store.Runs()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, id := range ids {
		found, err := k.Store.Load(id)
		if err != nil {
			return nil, run.OpenRun{ID: id, Err: err}.Unreadable()
		}
		if s := found.Plan.Standby(); s != nil && len(found.Lines) > 0 {
			out[s.Schema] = id
		}
	}
	return out, nil
}

// save writes the record.
func (r *round) save() error { return r.Standby().Save(r.rec) }

// now is the present moment.
func (r *round) now() time.Time { return r.Clock.Now() }
