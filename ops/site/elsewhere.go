package site

import (
	"context"
	"errors"
	"slices"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
)

// askWait is how long a server gets to say who works on a database.
const askWait = 5 * time.Second

// Elsewhere is what the server itself tells of work on a database: by another machine, or
// with another state folder, or with one that is gone.
type Elsewhere struct {
	Claim   error // who holds the database's lock on the server; nil: nobody
	Loading bool  // it holds only a part of its data: a load has left its table of progress
}

// AskElsewhere asks the server of a database. What it does not say is left out.
func AskElsewhere(ctx context.Context, d config.Database) (e Elsewhere) {
	target, err := mysql.Resolve(d)
	if err != nil || d.Name == "" {
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	if err := mysql.LookClaim(ctx, target, d.Name); errors.Is(err, mysql.ErrClaimed) {
		e.Claim = err
	}
	tables, err := mysql.Tables(ctx, target, d.Name)
	e.Loading = err == nil && slices.Contains(tables, load.ProgressTable)
	return e
}

// Refusal refuses work on a database that is loaded only in part.
func (e Elsewhere) Refusal(database string) error {
	switch {
	case !e.Loading:
		return nil
	case e.Claim != nil:
		return ops.Wrap(e.Claim, ops.Busy, lang.M("%s holds only a part of its data: another opsdeck is restoring it",
			database)).
			WithHint(lang.M("wait for it to end, then run this again"))
	}
	return ops.E(ops.Busy, lang.M("%s holds only a part of its data: a restore that this machine does not know was "+
		"stopped while it loaded", database)).
		WithHint(lang.M("resume or abort it on the machine that began it; if the data is whole, drop its table: %s",
			"DROP TABLE "+schema.Name(database, load.ProgressTable)))
}
