package main

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
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
		if err := sh.sayRewind(p); err != nil {
			return err
		}
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
				Rows:    done.Changed,
				Skipped: done.Skipped,
			},
		)
	}
	sh.say(
		lang.M(
			"done: %s rows in one transaction; undo it: opsdeck restore undo %s",
			human.Count(int64(done.Changed)),
			kept.ID,
		),
	)
	if done.Skipped > 0 {
		sh.say(lang.M("%s rows were not changed", human.Count(int64(done.Skipped))))
	}
	return nil
}

// rewindDoneJSON is what a run did.
type rewindDoneJSON struct {
	ID      string `json:"id"`
	Result  string `json:"result"`
	Txn     string `json:"txn"`
	Rows    int    `json:"rows"`
	Skipped int    `json:"skipped"`
}

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
	done, err := p.Run(ctx, conn, choice, func(n int, changes rewind.Changes) error {
		kept.Rows = n
		return sh.rewinds().KeepInverse(kept, changes)
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
