package main

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/rewind"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/restores"
)

// rewind confirms a plan, carries it out and keeps its inverse.
func (sh *shelf) rewind(
	ctx context.Context,
	conn *sql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
	confirm string,
	json bool,
) error {
	if p.Conflicts() > 0 && choice == "" {
		return sh.rewindError(rewind.ErrConflicts)
	}
	if !json {
		sh.sayRewind(p)
	}
	name := sh.Service.Database.Name
	what := lang.M("The transaction %s will be undone in %s.", p.Txn.ID, name)
	if err := sh.confirm(ctx, name, confirm, what); err != nil {
		return err
	}
	kept, done, err := sh.takeBack(ctx, conn, p, choice)
	if err != nil {
		return sh.notDone(p, err)
	}
	if json {
		return sh.json(
			rewindDoneJSON{
				ID:      kept.ID,
				Result:  "done",
				Txn:     p.Txn.ID,
				Rows:    len(done.Inverse),
				Skipped: done.Skipped,
			},
		)
	}
	sh.say(
		lang.M(
			"done: %s rows in one transaction; undo it: opsdeck restore undo %s",
			human.Count(int64(len(done.Inverse))),
			kept.ID,
		),
	)
	if done.Skipped > 0 {
		sh.say(lang.M("%s rows were not changed", human.Count(int64(done.Skipped))))
	}
	return nil
}

type (
	rewindPlanJSON struct {
		Txn        string              `json:"txn"`
		Hash       string              `json:"hash"`
		Statements []string            `json:"statements"`
		Rows       []rewindRowJSON     `json:"rows"`
		Conflicts  int                 `json:"conflicts"`
		Triggers   []string            `json:"triggers"` // tables whose triggers fire
		Cascades   []string            `json:"cascades"` // tables that a foreign key may have changed, which the log does not say
		Users      []string            `json:"users"`    // tables with rows that refer to rows which would be deleted
		Columns    []rewind.ColumnNote `json:"columns"`  // columns that are not as the transaction found them
	}
	rewindRowJSON struct {
		Table  string         `json:"table"`
		Key    map[string]any `json:"key"`
		Action binlog.Verb    `json:"action"`
		State  binlog.State   `json:"state"`
		Now    map[string]any `json:"now"`
		Then   map[string]any `json:"then"`
	}
	rewindDoneJSON struct {
		ID      string `json:"id"`
		Result  string `json:"result"`
		Txn     string `json:"txn"`
		Rows    int    `json:"rows"`
		Skipped int    `json:"skipped"`
	}
)

// takeBack carries a plan out under a new id.
func (sh *shelf) takeBack(
	ctx context.Context,
	conn *sql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
) (restores.Rewind, rewind.Done, error) {
	name := sh.Service.Database.Name
	kept := restores.Rewind{
		ID:       restores.RewindPrefix + restore.NewID(sh.clock.Now(), uint16(rand.Uint32())),
		Service:  sh.Service.Name,
		Database: name,
		Txn:      p.Txn.ID,
		At:       sh.clock.Now(),
		State:    restores.RewindPrepared,
		Shape:    p.Shape(),
	}
	done, err := sh.carryOut(ctx, conn, p, choice, kept)
	return kept, done, err
}

// carryOut runs a plan with its inverse on disk before the commit, and on record.
func (sh *shelf) carryOut(
	ctx context.Context,
	conn *sql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
	kept restores.Rewind,
) (rewind.Done, error) {
	held, err := holdDatabase(ctx, sh.Site, "restore rewind")
	if err != nil {
		return rewind.Done{}, err
	}
	defer held.Release()
	log, err := sh.oplog(ctx)
	if err != nil {
		return rewind.Done{}, err
	}
	entry := oplog.Entry{
		Service: sh.Service.Name,
		Action:  "restore.rewind",
		Object:  kept.Database,
		Result:  oplog.Started,
		Detail:  map[string]string{"id": kept.ID, "txn": kept.Txn},
	}
	if err := log.Record(entry); err != nil {
		return rewind.Done{}, err
	}
	done, err := p.Run(ctx, conn, choice, func(inverse []binlog.NetRow) error {
		kept.Rows = len(inverse)
		return sh.rewinds().KeepInverse(kept, inverse)
	})
	entry.Result = oplog.Done
	if err != nil {
		entry.Result, entry.Detail["error"] = oplog.Failed, err.Error()
	} else {
		kept.State = restores.RewindDone
		err = sh.rewinds().Keep(kept)
	}
	return done, errors.Join(err, log.Record(entry))
}

// rewinds are those of the service's state folder.
func (sh *shelf) rewinds() restores.Rewinds { return restores.Rewinds{StateDir: sh.StateDir} }
