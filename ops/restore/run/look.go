package run

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// lookWait limits the check for a report.
const lookWait = 30 * time.Second

// present checks the live database. If the check fails, its Error tells why.
func (c *Crew) present(ctx context.Context, p *restore.Plan, s restore.Snapshot) restore.Present {
	ctx, cancel := context.WithTimeout(ctx, lookWait)
	defer cancel()
	now, err := c.Database.Looker.Present(ctx, p, avoid(p, s))
	if err != nil {
		now = restore.Present{Error: err.Error()}
	}
	now.At = c.Clock.Now()
	return now
}

// avoid are the live tables that must not be read, as long as they are live.
func avoid(p *restore.Plan, s restore.Snapshot) []string {
	if s.Swapped {
		return nil
	}
	return p.Unreadable
}

// lacks tells what the service needs and the live database does not have: the service is
// not started on an incomplete database.
func (c *Crew) lacks(ctx context.Context, p *restore.Plan, s restore.Snapshot) (restore.Note, error) {
	now, err := c.Database.Looker.Present(ctx, p, avoid(p, s))
	if err != nil {
		return restore.Note{}, err
	}
	if !now.SchemaThere {
		return restore.N(lang.M("the database %s does not exist", p.Target.Database)), nil
	}
	var missing []string
	for _, t := range p.Expected(s) {
		if now.State(t) == "missing" {
			missing = append(missing, t)
		}
	}
	switch {
	case len(missing) > 0:
		return restore.N(lang.M("tables are missing in %s: %s", p.Target.Database, strings.Join(missing, ", "))), nil
	case len(now.Tables) == 0 && !p.Bare():
		return restore.N(lang.M("the database %s has no tables", p.Target.Database)), nil
	}
	return restore.Note{}, nil
}

// leaveDown does not start the service. On the way forward that is a question; on a way
// back only the next restore can resolve it.
func (c *Crew) leaveDown(s restore.Snapshot, missing restore.Note) (restore.Event, error) {
	if s.Stage != restore.AbortStarting && s.Stage != restore.UndoStarting {
		return restore.Event{}, ops.E(ops.Failed, lang.M("the service is not started: %s", missing.Msg))
	}
	return restore.Event{Kind: restore.KindDone, Data: &restore.Data{Unstarted: true},
		Notes: []restore.Note{restore.N(lang.M("the service is not started: %s", missing.Msg))}}, nil
}

// saving is the plan with the name of this round's emergency backup: a run that is resumed
// after an abort saves the current state.
func saving(p *restore.Plan, s restore.Snapshot) *restore.Plan {
	if s.Rounds == 0 || p.Emergency == "" {
		return p
	}
	at := p.CreatedAt
	for _, m := range s.Trail {
		if m.Stage == restore.Checking {
			at = m.Begin
		}
	}
	again := *p
	name := restore.EmergencyName(p.Target.Live, at.In(p.CreatedAt.Location()))
	if strings.HasSuffix(p.Emergency, ".age") {
		name += ".age"
	}
	again.Emergency = filepath.Join(filepath.Dir(p.Emergency), name)
	return &again
}
