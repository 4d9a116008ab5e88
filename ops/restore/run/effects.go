package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
)

func (c *Crew) check(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error) {
	if !p.Intact() {
		return restore.Event{}, restore.ErrPlanChanged
	}
	if err := c.Saver.Accepts(p); err != nil {
		return restore.Event{}, err
	}
	var notes []restore.Note
	if !s.Loaded && p.Standby() == nil { // a load that replaces the standby proves the backup first
		var err error
		if notes, err = c.Sourcer.Ensure(ctx, p, report); err != nil {
			return restore.Event{}, err
		}
	}
	more, err := c.Database.Looker.Check(ctx, p)
	return restore.Event{Kind: restore.KindDone, Notes: append(notes, more...)}, err
}

func (c *Crew) stop(
	ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report,
) (restore.Event, error) {
	if s.Stage == restore.UndoStopping && p.Mode == restore.InPlace { // looks before it stops anything
		if err := c.Saver.Proves(ctx, s.Data.Emergency, report); err != nil {
			return restore.Event{}, err
		}
	}
	if p.Process.Untouched() {
		return restore.Event{Kind: restore.KindDone,
			Notes: []restore.Note{restore.N(lang.M("the service was not stopped by opsdeck"))}}, nil
	}
	ran, notes, err := c.Services.Stop(ctx, p.Process)
	return restore.Event{Kind: restore.KindDone, Notes: notes, Data: &restore.Data{Stopped: ran}}, err
}

func (c *Crew) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unreadableFound asks about tables that the emergency backup cannot include.
func unreadableFound(s restore.Snapshot, u *UnreadableError) restore.Event {
	all := append(append([]string{}, s.SkipTables...), u.Tables...)
	return restore.Event{Kind: restore.KindFound, Data: &restore.Data{Unreadable: all}, Notes: []restore.Note{
		restore.N(
			lang.M(
				"these tables cannot be read and would be missing in the emergency backup: %s",
				strings.Join(all, ", "),
			),
		), restore.RawNote(u.Err.Error())}}
}

func (c *Crew) verify(ctx context.Context, p *restore.Plan, report Report) (restore.Event, error) {
	v, err := c.Database.Verifier.Verify(ctx, p, report)
	ev := restore.Event{
		Kind:  restore.KindDone,
		Notes: v.Notes,
		Data:  &restore.Data{TableRows: v.Tables, Doubts: v.Doubts, Tables: len(v.Tables), Rows: total(v.Tables)},
	}
	if len(v.Doubts) > 0 {
		ev.Kind = restore.KindFound
		ev.Notes = append(
			slices.Clone(v.Doubts),
			unchanged(restore.EffectVerify, p, restore.Snapshot{Data: restore.Data{Emergency: p.Emergency}}),
		)
	}
	return ev, err
}

func total(tables []restore.TableRows) (n int64) {
	for _, t := range tables {
		n += t.Rows
	}
	return n
}

func (c *Crew) start(ctx context.Context, p *restore.Plan, s restore.Snapshot) (restore.Event, error) {
	if p.Process.Untouched() {
		return restore.Event{Kind: restore.KindDone,
			Notes: []restore.Note{restore.N(lang.M("the service was not stopped by opsdeck"))}}, nil
	}
	if s.Stage == restore.AbortStarting && !s.Data.Stopped && !tried(s, restore.Stopping) {
		return restore.Event{Kind: restore.KindDone, Notes: []restore.Note{restore.N(lang.M("the service was not " +
			"running before"))}}, nil
	}
	if missing, err := c.lacks(ctx, p, s); err != nil {
		return restore.Event{}, err
	} else if !missing.Empty() {
		return c.leaveDown(s, missing)
	}
	if s.LeftAsRestored() { // an undo that stopped nothing yet: a start could restart it
		if running, err := c.Services.Running(ctx, p.Process); err == nil && running {
			return restore.Event{Kind: restore.KindDone, Notes: []restore.Note{restore.N(lang.M("%s was not stopped",
				p.Process.Name))}}, nil
		}
	}
	notes, err := c.Services.Start(ctx, p.Process)
	return restore.Event{Kind: restore.KindDone, Notes: notes}, err
}

// tried reports whether a stage was entered and did not end well, so that its effect may
// have happened without a journal line.
func tried(s restore.Snapshot, stage restore.Stage) bool {
	for _, m := range s.Trail {
		if m.Stage == stage && m.How != restore.KindDone {
			return true
		}
	}
	return false
}

func (c *Crew) ready(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error) {
	if s.Unstarted && (s.Stage == restore.AbortReadying || s.Stage == restore.UndoReadying) {
		return restore.Event{Kind: restore.KindDone, Notes: []restore.Note{restore.N(lang.M("the service remains " +
			"stopped"))}}, nil
	}
	if p.Ready.URL == "" {
		return restore.Event{Kind: restore.KindDone,
			Notes: []restore.Note{restore.N(lang.M("no readiness address is configured"))}}, nil
	}
	begin := c.Clock.Now()
	wait := time.Duration(p.Ready.Wait)
	for tries := 1; ; tries++ {
		ok, answer := c.Prober.Ready(ctx, p.Ready)
		if ctx.Err() != nil {
			return restore.Event{}, ctx.Err()
		}
		took := c.Clock.Now().Sub(begin)
		if ok {
			return restore.Event{
				Kind:  restore.KindDone,
				Notes: []restore.Note{restore.N(lang.M("ready after %s: %s", human.Duration(took), answer))},
			}, nil
		}
		if took >= wait {
			return restore.Event{}, ops.E(
				ops.Failed,
				lang.M("not ready after %s (%s attempts): %s", human.Duration(took), strconv.Itoa(tries), answer),
			)
		}
		report(
			ops.Progress{
				Phase:   "ready",
				Object:  answer,
				Done:    took.Milliseconds(),
				Total:   wait.Milliseconds(),
				Unit:    "ms",
				Elapsed: took,
			},
		)
		if err := c.sleep(ctx, beat); err != nil {
			return restore.Event{}, err
		}
	}
}

// export reports, before an undo, which writes it will lose, and saves them.
func (c *Crew) export(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error) {
	// What a transaction that is open now commits belongs to the export.
	err := c.locked(ctx, p, time.Duration(p.LockWait), func(context.Context) error { return nil })
	if held := (*HeldError)(nil); errors.As(err, &held) {
		return restore.Event{},
			ops.E(ops.Busy, held.Text).WithHint(lang.M("end that session, or wait for it, and try again"))
	}
	if err != nil {
		return restore.Event{}, err
	}
	loss, files, err := c.Database.Exporter.Export(ctx, p, s.LiveSince(), c.Folder, report)
	if err != nil {
		return restore.Event{}, err
	}
	notes := []restore.Note{restore.N(lang.M("rows written since the restore: %s", human.Count(loss.Rows())))}
	if n := loss.Changed(); n > 0 {
		notes = append(notes, restore.N(lang.M("rows changed since the restore: %s", human.Count(n))))
	}
	if n := loss.Deleted(); n > 0 {
		notes = append(notes, restore.N(lang.M("rows deleted since the restore, which the undo can bring back: %s",
			human.Count(n))))
		if !loss.ByLog {
			notes = append(notes, restore.N(lang.M("the exported files do not contain these deletions")))
		}
	}
	for _, f := range files {
		notes = append(notes, restore.N(lang.M("exported: %s", f)))
	}
	if how := p.LoadExportedText(files); !how.Empty() {
		notes = append(notes, restore.N(how))
	}
	return restore.Event{Kind: restore.KindDone, Notes: notes, Data: &restore.Data{Exports: files, Lost: &loss}}, nil
}

func (c *Crew) notify(ctx context.Context, p *restore.Plan, s restore.Snapshot) (restore.Event, error) {
	sent, err := c.Teller.Tell(ctx, p, s.Data.Text, s.Data.Told)
	notes := make([]restore.Note, 0, len(sent))
	for _, name := range sent {
		notes = append(notes, restore.N(lang.M("notified: %s", name)))
	}
	return restore.Event{Kind: restore.KindDone, Notes: notes, Data: &restore.Data{Told: sent}}, err
}

func (c *Crew) report(ctx context.Context, p *restore.Plan, s restore.Snapshot) (restore.Event, error) {
	now := c.present(ctx, p, s)
	s.Data.Now = &now
	if s.Stage == restore.Reporting && p.Mode == restore.Swap && s.Kept && s.Data.Final == nil {
		s.Data.Final = c.final(ctx, p)
	}
	a := report.Tell(p, s, c.Clock.Now())
	if err := c.Folder.writeReport(a, c.Lang); err != nil {
		return restore.Event{}, err
	}
	path := c.Folder.ReportPath()
	return restore.Event{
		Kind:  restore.KindDone,
		Notes: []restore.Note{restore.N(lang.M("report: %s", path))},
		Data:  &restore.Data{Report: path, Text: a.Message(c.Lang), Now: &now, Final: s.Data.Final},
	}, nil
}

// final counts what the restore loses; nil where that cannot be counted: then the report has the
// plan's numbers, and says of when they are.
func (c *Crew) final(ctx context.Context, p *restore.Plan) *restore.Loss {
	if c.Database.Losses == nil || p.Assessment == nil {
		return nil
	}
	loss, err := c.Database.Losses.Final(ctx, p)
	if err != nil {
		return nil
	}
	return &loss
}

// writeReport writes both files of a report.
func (f Folder) writeReport(a report.Account, l *lang.Printer) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := atomicfile.WriteBytes(f.ReportJSONPath(), 0o600, append(text, '\n')); err != nil {
		return err
	}
	return atomicfile.WriteBytes(f.ReportPath(), 0o600, []byte(a.Markdown(l)))
}

// Account describes the run's current state; now is the end time of a run that is not
// over.
func (r *Run) Account(now time.Time) report.Account {
	if n := len(r.Lines); n > 0 && r.State.Stage.Final() {
		now = r.Lines[n-1].Time
	}
	return report.Tell(r.Plan, r.State, now)
}

// CloseReport writes the report of a finished run again, with what happened after the
// first time, such as notifications.
func (r *Run) CloseReport(l *lang.Printer) error {
	if !r.State.Stage.Final() || r.State.Data.Report == "" {
		return nil
	}
	return r.Folder.writeReport(r.Account(time.Time{}), l)
}
