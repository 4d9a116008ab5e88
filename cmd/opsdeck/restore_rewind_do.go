package main

import (
	"context"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rewind"
)

// rewind confirms a plan, carries it out and keeps its inverse.
func (sh *shelf) rewind(ctx context.Context, conn *mysql.Conn, p *rewind.Plan, choice rewind.Choice, confirm string,
	json bool) (done rewind.Done, err error) {
	if p.Conflicts() > 0 && choice == "" {
		return done, sh.rewinder().Error(rewind.ErrConflicts)
	}
	if !json {
		if err := sh.sayRewind(p); err != nil {
			return done, err
		}
	}
	name := sh.Service.Database.Name
	what := lang.M("The transaction %s will be undone in %s.", p.Txn.ID, name)
	if err := sh.confirm(ctx, name, confirm, what); err != nil {
		return done, err
	}
	kept, done, err := sh.rewinder().TakeBack(ctx, conn, p, choice)
	if err != nil {
		return done, sh.rewinder().NotDone(p, err)
	}
	if done.Changed == 0 {
		kept.ID = "" // there is nothing to undo
	}
	if json {
		return done, sh.json(
			rewindDoneJSON{
				ID:      kept.ID,
				Result:  "done",
				Txn:     p.Txn.ID,
				Rows:    done.Changed,
				Skipped: done.Skipped,
			},
		)
	}
	if done.Changed == 0 {
		sh.say(lang.M("nothing was changed"))
	} else {
		sh.say(lang.M("done: %s rows in one transaction; undo it: opsdeck restore undo %s",
			human.Count(int64(done.Changed)), kept.ID))
	}
	if done.Skipped > 0 {
		sh.say(lang.M("%s rows were not changed", human.Count(int64(done.Skipped))))
	}
	return done, nil
}

// rewindDoneJSON is what a run did.
type rewindDoneJSON struct {
	ID      string `json:"id"` // "" where no row was changed
	Result  string `json:"result"`
	Txn     string `json:"txn"`
	Rows    int    `json:"rows"`
	Skipped int    `json:"skipped"`
}
