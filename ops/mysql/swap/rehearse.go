package swap

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

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
	if len(a.Missing) > 0 || a.Server.ReadOnly || a.Frozen || src.Copy != "" ||
		!src.Manifest && len(src.Definitions) == 0 {
		return ctx.Err()
	}
	for _, t := range choice.Tables {
		if _, held := src.Table(t); src.Manifest && !held {
			return ctx.Err() // the plan is refused for it
		}
	}
	loader, can := s.losses.differ.loader.(rehearser)
	if !can {
		return ctx.Err()
	}
	job := Job{
		Path:   src.Path,
		From:   src.Database,
		Schema: restore.SideSchema(live, probeObjects, probeID()),
		Tables: choice.Tables,
	}
	r, free, err := rehearse(ctx, s.link, loader, job, src.Definitions)
	if free == nil {
		return err
	}
	defer free()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.Findings = append(a.Findings, unrehearsed(err))
		return nil
	}
	for _, u := range r.Uncreatable {
		a.Uncreatable = append(a.Uncreatable, restore.Uncreatable{Kind: u.Kind, Name: u.Name,
			Why: strings.ReplaceAll(u.Why, job.Schema, live), Unread: u.Unread})
	}
	for _, t := range r.Substituted {
		a.Substituted = append(a.Substituted, restore.Substituted{Table: t.Table, Asked: t.Asked, Used: t.Used})
	}
	if a.SchemaThere && choice.Into == "" && len(choice.Tables) == 0 {
		s.changedSettings(ctx, a, live, r)
	}
	return nil
}

// rehearse creates the definitions of a job in its schema, which nobody sweeps until free. free
// is nil where the server did not answer before.
func rehearse(
	ctx context.Context, l *link, loader rehearser, j Job, definitions []backup.DumpStatement,
) (r *load.Rehearsal, free func(), err error) {
	db, err := l.db(ctx)
	if err != nil {
		return nil, nil, err
	}
	logged, err := schema.One(ctx, db, "SELECT @@GLOBAL.log_bin")
	if err != nil {
		return nil, nil, err
	}
	if free, err = hold(ctx, db, j.Schema); err != nil {
		return nil, nil, err
	}
	r, err = loader.Rehearse(ctx, j, definitions, logged != "0")
	return r, free, err
}

// changedSettings tells which settings of the live database the restore takes back: its
// collation, the values of its sequences, and events that are disabled now.
func (s *Surveyor) changedSettings(ctx context.Context, a *restore.Assessment, live string, r *load.Rehearsal) {
	db, err := s.db(ctx)
	if err != nil {
		return
	}
	now, err := schema.One(ctx, db, "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE "+
		"SCHEMA_NAME = ?", live)
	if err == nil && r.Collation != "" && now != r.Collation {
		a.Findings = append(a.Findings, restore.Finding{State: ops.StateWarning, What: restore.N(
			lang.M("the collation of the database changes from %s to %s, as in the backup", now, r.Collation))})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Sequences)) {
		next, err := load.SequenceNext(ctx, db, live, name)
		if err != nil || next == r.Sequences[name] { // it is not there, or did not go on
			continue
		}
		c, err := db.Conn(ctx)
		if err != nil {
			return
		}
		goes, err := numberOf(ctx, c, live, name)
		c.Close()
		if err == nil && goes != "" {
			a.Findings = append(a.Findings, restore.Finding{State: ops.StateOK, What: restore.N(
				lang.M("the sequence %s is at %s now and at %s in the backup: no number is given out again",
					name, next, r.Sequences[name]))})
			continue
		}
		a.Findings = append(a.Findings, restore.Finding{State: ops.StateWarning, What: restore.N(
			lang.M("the sequence %s is at %s now and at %s in the backup: numbers may be given out again",
				name, next, r.Sequences[name])),
			Hint: restore.N(lang.M("after the restore: SELECT SETVAL(%s, %s)", restore.Name(live, name), next))})
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return
	}
	defer c.Close()
	off, err := eventsOff(ctx, c, live)
	if err != nil {
		return
	}
	a.EventsOff = append(a.EventsOff, only(off, r.Enabled)...)
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
		What: restore.N(lang.M("could not test whether the server can create all objects of the backup: %s",
			err.Error())),
	}
}
