package swap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// rehearser is a loader that can create a backup's definitions without its rows.
type rehearser interface {
	Rehearse(ctx context.Context, j Job, definitions []backup.DumpStatement, unlogged bool) (*load.Rehearsal, error)
}

// Rehearse finds the objects of the backup that the server refuses to create, before
// anything is stopped. It creates all of them without rows in a temporary database that is
// not logged, and drops it. A user who cannot turn the log off gets a finding instead.
func (s *Surveyor) Rehearse(
	ctx context.Context,
	a *restore.Assessment,
	live string,
	src restore.Source,
	choice restore.Choice,
) error {
	if len(a.Missing) > 0 || src.Copy != "" || !src.Manifest && len(src.Definitions) == 0 {
		return ctx.Err()
	}
	loader, can := s.losses.differ.loader.(rehearser)
	if !can {
		return ctx.Err()
	}
	db, err := s.db(ctx)
	if err != nil {
		return err
	}
	logged, err := schema.One(ctx, db, "SELECT @@GLOBAL.log_bin")
	if err != nil {
		return err
	}
	job := Job{
		Path:   src.Path,
		From:   src.Database,
		Schema: restore.SideSchema(live, "probe4", fmt.Sprintf("%x", time.Now().UnixNano())),
		Tables: choice.Tables,
	}
	r, err := loader.Rehearse(ctx, job, src.Definitions, logged != "0")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.Findings = append(a.Findings, unrehearsed(err))
		return nil
	}
	for _, u := range r.Uncreatable {
		a.Uncreatable = append(a.Uncreatable, restore.Uncreatable{Kind: u.Kind, Name: u.Name,
			Why: strings.ReplaceAll(u.Why, job.Schema, live)})
	}
	for _, t := range r.Substituted {
		a.Substituted = append(a.Substituted, restore.Substituted{Table: t.Table, Asked: t.Asked, Used: t.Used})
	}
	return nil
}

// unrehearsed is the finding about a rehearsal that failed: a load would be refused too, or
// it could not be tried.
func unrehearsed(err error) restore.Finding {
	var known *ops.Error
	if errors.As(err, &known) && known.Code != ops.Config {
		return restore.Finding{
			State:  ops.StateCritical,
			Blocks: true,
			What:   restore.N(known.What),
			Hint:   restore.N(known.Hint),
		}
	}
	return restore.Finding{
		State: ops.StateUnknown,
		What: restore.N(lang.M("whether the server can create all objects of the backup was not tried: %s",
			err.Error())),
	}
}
