package swap

import (
	"context"
	"errors"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// tryBack creates the definitions of the emergency backup without rows, before the live database
// makes room for it: since it was made, what a view or routine needs may have gone. Such an object
// is left out of the job, and told. A table that the server does not create is an error.
func (l *Loading) tryBack(ctx context.Context, p *restore.Plan, job *Job) ([]restore.Note, error) {
	loader, can := l.loader.(rehearser)
	if !can {
		return nil, nil
	}
	trial := Job{Path: job.Path, From: job.From, Schema: restore.SideSchema(p.Target.Live, probeObjects, probeID()),
		Tables: job.Tables}
	r, free, err := rehearse(ctx, l.link, loader, trial, nil)
	if free != nil {
		defer free()
	}
	var known *ops.Error
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &known) && known.Code != ops.Config:
		return nil, err
	case err != nil: // a right may be missing that the load does not need
		return []restore.Note{restore.N(lang.M("could not test whether the server can create all objects of the "+
			"backup: %s", err.Error()))}, nil
	}
	var notes []restore.Note
	for _, u := range r.Uncreatable {
		name := u.Kind + " " + u.Name
		if slices.Contains(job.Without, name) {
			continue
		}
		why := strings.ReplaceAll(u.Why, trial.Schema, p.Target.Live)
		if u.Kind == "table" || u.Kind == "sequence" {
			return nil, ops.E(ops.Failed, lang.M("the server cannot create the %s of the emergency backup: %s",
				termsafe.Line(name), why)).
				WithHint(lang.M("nothing was dropped; install on the server what it needs, then try again"))
		}
		job.Without = append(job.Without, name)
		notes = append(notes, restore.N(lang.M("left out, the server cannot create it now: %s: %s; its text is in %s",
			termsafe.Line(name), why, job.Path)))
	}
	return notes, nil
}
