package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// WriteMark is the server's write position, in a form that only the server's adapter
// reads. Empty: the server does not report it.
type WriteMark string

// Writes is what was written since a WriteMark.
type Writes struct {
	Live      bool           // to the live database
	Untold    bool           // there were writes, possibly to the live database
	Blind     bool           // unknown: the server counts no writes
	Elsewhere bool           // to other databases of the server
	Torn      bool           // the live database holds only a part of what was loaded
	At        WriteMark      // where the binary log stands now; "" where the writes are told by something else
	Notes     []restore.Note // the observations, or why there are none
}

// stops reports whether the restore must not continue without a decision.
func (w Writes) stops() bool { return w.Live || w.Untold }

// quiet waits until no session is left that could write, because a session may take a
// moment to end after the service was stopped. Idle sessions without a transaction are
// listed, and may write later. While the data is backed up, it is monitored for writes.
func (c *Crew) quiet(ctx context.Context, p *restore.Plan, report Report) (restore.Event, error) {
	var sessions, busy []restore.Session
	for waited := time.Duration(0); ; waited += beat {
		var err error
		if sessions, err = c.Database.Sessions.Writers(ctx, p); err != nil {
			return restore.Event{}, err
		}
		busy = writing(sessions)
		if len(busy) == 0 || p.Process.Leave || waited >= c.quietFor() {
			break
		}
		if err := c.waitBeat(ctx, waited, report); err != nil {
			return restore.Event{}, err
		}
	}
	var notes []restore.Note
	for _, s := range sessions {
		notes = append(notes, restore.N(lang.M("session left: %s", s.String())))
	}
	if len(busy) > 0 && !p.Process.Leave {
		return restore.Event{Kind: restore.KindFound, Notes: notes, Data: &restore.Data{Sessions: sessions}}, nil
	}
	if !p.Process.Leave {
		asks, err := c.free(ctx, p)
		if err != nil || asks.Kind == restore.KindFound {
			asks.Notes = append(notes, asks.Notes...)
			return asks, err
		}
		if notes = append(notes, asks.Notes...); len(asks.Notes) > 0 {
			return restore.Event{Kind: restore.KindDone, Notes: notes}, nil
		}
	}
	if p.Assessment != nil && p.Assessment.SessionsHidden && !p.Process.Leave {
		notes = append(notes, restore.N(lang.M("no transaction is open on the tables of %s; this user cannot see the "+
			"sessions of others", p.Target.Live)))
	} else if n := len(sessions); n > 0 && !p.Process.Leave {
		notes = append(notes, restore.N(lang.M("idle sessions left: %d; they could write to %s again. Writes are "+
			"looked for during the backup", n, p.Target.Live)))
	} else if !p.Process.Leave {
		notes = append(
			notes,
			restore.N(
				lang.M(
					"no session is left that could write to %s; this is monitored during the backup",
					p.Target.Live,
				),
			),
		)
	}
	return restore.Event{Kind: restore.KindDone, Notes: notes}, nil
}

// writing are the sessions that are active, or have an open transaction.
func writing(sessions []restore.Session) (busy []restore.Session) {
	for _, s := range sessions {
		if s.Transaction || s.Command != "Sleep" {
			busy = append(busy, s)
		}
	}
	return busy
}

func (c *Crew) quietFor() time.Duration {
	if c.QuietFor > 0 {
		return c.QuietFor
	}
	return 2 * time.Second
}

// beat is the interval at which a wait checks its condition.
const beat = 250 * time.Millisecond

// waitBeat waits one beat, and shows the elapsed time to people.
func (c *Crew) waitBeat(ctx context.Context, waited time.Duration, report Report) error {
	all := c.quietFor()
	report(
		ops.Progress{
			Phase:   "wait",
			Done:    waited.Milliseconds(),
			Total:   all.Milliseconds(),
			Unit:    "ms",
			Elapsed: waited,
		},
	)
	return c.sleep(ctx, min(beat, all))
}

// errWritten ends a backup of a state that is being changed.
var errWritten = errors.New("the state was written to while it was backed up")

// watch monitors writes to the live database during another operation. end returns what
// was written since the start: by then it has watched for at least the quiet time, even if
// the operation was shorter.
type watch struct {
	crew   *Crew
	plan   *restore.Plan
	from   WriteMark
	begin  time.Time
	cancel context.CancelCauseFunc
	done   chan struct{}
	seen   Writes
}

// watchWrites starts a watch. The returned context ends with errWritten as soon as
// something is written to the live database.
func (c *Crew) watchWrites(ctx context.Context, p *restore.Plan) (context.Context, *watch, error) {
	from, err := c.Database.Writes.Mark(ctx, p)
	if err != nil {
		return ctx, nil, err
	}
	w := &watch{crew: c, plan: p, from: from, begin: time.Now(), done: make(chan struct{})}
	inner, cancel := context.WithCancelCause(ctx)
	w.cancel = cancel
	go w.look(inner)
	return inner, w, nil
}

// look checks on every beat until the watch ends. A failed check is repeated: the last one
// counts.
func (w *watch) look(ctx context.Context) {
	defer close(w.done)
	for w.crew.sleep(ctx, min(beat, w.crew.quietFor())) == nil {
		seen, err := w.crew.Database.Writes.Since(ctx, w.plan, w.from)
		if err == nil && seen.Live {
			w.seen = seen
			w.cancel(errWritten)
			return
		}
	}
}

// end ends the watch, after at least the quiet time.
func (w *watch) end(ctx context.Context, report Report) (Writes, time.Duration, error) {
	for w.begin.Add(w.crew.quietFor()).After(time.Now()) && ctx.Err() == nil && !w.over() {
		if err := w.crew.waitBeat(ctx, time.Since(w.begin), report); err != nil {
			break
		}
	}
	w.cancel(nil)
	<-w.done
	if w.seen.Live {
		return w.seen, time.Since(w.begin), nil
	}
	seen, err := w.crew.Database.Writes.Since(ctx, w.plan, w.from)
	return seen, time.Since(w.begin), err
}

func (w *watch) over() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// save backs up the current state, and verifies that it did not change meanwhile: a backup
// of a state that is still written to is discarded.
func (c *Crew) save(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error) {
	back := c.back
	if s.Later {
		back = c.foresee
	}
	if p.Process.Leave || s.Ignored {
		return back(ctx, p, s, report)
	}
	var mark WriteMark
	err := c.locked(ctx, p, c.quietFor(), func(ctx context.Context) (err error) {
		mark, err = c.Database.Writes.MarkSaved(ctx, p)
		return err
	})
	if held := (*HeldError)(nil); errors.As(err, &held) {
		return c.foundWrites(ctx, saving(p, s), Writes{Untold: true, Notes: []restore.Note{restore.N(held.Text)}})
	}
	if err != nil {
		return restore.Event{}, err
	}
	inner, w, err := c.watchWrites(ctx, p)
	if err != nil {
		return restore.Event{}, err
	}
	ev, failed := back(inner, p, s, report)
	written, took, err := w.end(ctx, report)
	switch {
	case ctx.Err() != nil:
		return restore.Event{}, ctx.Err()
	case err != nil && failed == nil:
		return ev, err
	case written.stops():
		return c.foundWrites(ctx, saving(p, s), written)
	case failed == nil && ev.Kind == restore.KindDone:
		ev.Notes = append(ev.Notes, standstill(p, written, took)...)
		if ev.Data == nil {
			ev.Data = &restore.Data{}
		}
		ev.Data.Mark = string(mark)
	}
	return ev, failed
}

// written asks where the live database was written to after its emergency backup: a service
// that was started again, a job, a second node. It is called right before the run changes
// the live database, which may be hours after the backup, and after an interruption.
// The event is of KindFound then; otherwise its notes tell what the server could not tell.
func (c *Crew) written(ctx context.Context, p *restore.Plan, s restore.Snapshot) (restore.Event, error) {
	if p.Mode == restore.Into || p.Process.Leave || s.Ignored || s.Data.Mark == "" ||
		s.Stage == restore.Loading && p.Mode != restore.InPlace {
		return restore.Event{}, nil
	}
	w, err := c.Database.Writes.SinceSaved(ctx, p, c.Folder, WriteMark(s.Data.Mark))
	if err != nil || !w.stops() {
		return restore.Event{Notes: w.Notes}, err
	}
	return writtenTo(p, s, w), nil
}

// unsaved are writes that no counter shows, before a load in place drops the live tables. It
// reads these tables, so nobody may hold their locks.
func (c *Crew) unsaved(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (w Writes, err error) {
	if c.Database.Uncounted == nil || s.Data.Mark == "" || s.Data.Emergency == "" {
		return w, nil
	}
	loss, err := c.Database.Uncounted.Unsaved(ctx, p, s.Data.Emergency, report)
	if ctx.Err() != nil {
		return w, ctx.Err()
	}
	if err != nil {
		w.Notes = append(w.Notes, restore.N(lang.M("cannot tell whether tables without a count of writes were "+
			"written to after the emergency backup: %s", err.Error())))
		return w, nil
	}
	if len(loss.Unknown) > 0 {
		w.Notes = append(w.Notes, restore.N(lang.M("cannot tell whether these tables were written to after the "+
			"emergency backup: %s", strings.Join(loss.Unknown, ", "))))
	}
	if loss.Rows()+loss.Changed()+loss.Deleted() > 0 {
		w.Live = true
		w.Notes = append(w.Notes, restore.N(lang.M("tables were written to after the emergency backup, without the "+
			"binlog: %s", loss.Sum())))
	}
	return w, nil
}

// swap swaps the tables, unless something is found under their locks that was written after
// the emergency backup.
func (c *Crew) swap(ctx context.Context, p *restore.Plan, s restore.Snapshot) (restore.Event, error) {
	var guard Guard
	if !p.Process.Leave && !s.Ignored && s.Data.Mark != "" {
		guard = func(ctx context.Context) (func(context.Context) error, error) {
			mark, err := c.Database.Writes.MarkSwap(ctx, p, WriteMark(s.Data.Mark))
			return func(ctx context.Context) error {
				w, err := c.Database.Writes.SinceMark(ctx, p, mark)
				if err == nil && w.stops() {
					return &WrittenError{w}
				}
				return err
			}, err
		}
	}
	ev, err := swapped(c.Database.Exchanger.Swap(ctx, p, c.Folder, guard))
	if written := (*WrittenError)(nil); errors.As(err, &written) {
		return writtenTo(p, s, written.Writes), nil
	}
	return ev, err
}

// unseen tells of writes after the emergency backup that no counter of the server shows, and
// exports them.
func (c *Crew) unseen(ctx context.Context, p *restore.Plan, s restore.Snapshot, ev *restore.Event, report Report) {
	if c.Database.Uncounted == nil || p.Mode != restore.Swap || p.Process.Leave || s.Ignored || s.Later ||
		s.Data.Emergency == "" {
		return
	}
	loss, files, err := c.Database.Uncounted.Unseen(ctx, p, s.Data.Emergency, c.Folder, report)
	if err != nil {
		ev.Notes = append(ev.Notes, restore.N(lang.M("cannot tell whether tables without a count of writes were "+
			"written to after the emergency backup: %s", err.Error())))
		return
	}
	if len(loss.Unknown) > 0 {
		ev.Notes = append(ev.Notes, restore.N(lang.M("cannot tell whether these tables were written to after the "+
			"emergency backup: %s", strings.Join(loss.Unknown, ", "))))
	}
	if loss.Rows()+loss.Changed()+loss.Deleted() == 0 {
		return
	}
	ev.Notes = append(ev.Notes,
		restore.N(lang.M("tables were written to after the emergency backup, without the binlog: %s. "+
			"The old tables in %s have these rows", loss.Sum(), p.Kept)))
	for _, f := range files {
		ev.Notes = append(ev.Notes, restore.N(lang.M("exported: %s", f)))
	}
	if how := p.LoadExportedText(files); !how.Empty() {
		ev.Notes = append(ev.Notes, restore.N(how))
	}
	ev.Data.Exports = files
}

// writtenTo asks about writes after the emergency backup.
func writtenTo(p *restore.Plan, s restore.Snapshot, w Writes) restore.Event {
	var notes []restore.Note
	if w.Live {
		notes = append(notes,
			restore.N(lang.M("%s was written to after its emergency backup: the loaded backup and the "+
				"emergency backup lack those changes", p.Target.Live)))
	}
	notes = append(notes, w.Notes...)
	if s.Stage == restore.Swapping {
		notes = append(notes,
			restore.N(lang.M("The loaded data is complete. To back up the current state again and swap: "+
				"%s.", "opsdeck restore resume "+p.ID)))
	}
	return restore.Event{Kind: restore.KindFound, Notes: notes}
}

// back backs the present state up.
func (c *Crew) back(ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report) (restore.Event, error) {
	p = saving(p, s)
	path, notes, err := c.Saver.Save(ctx, p, s.SkipTables, report)
	var unreadable *UnreadableError
	if errors.As(err, &unreadable) {
		return unreadableFound(s, unreadable), nil
	}
	data := &restore.Data{Emergency: path}
	if s.Torn && path != "" {
		data = &restore.Data{Also: []string{path}}
	}
	return restore.Event{Kind: restore.KindDone, Notes: notes, Data: data}, err
}

// foundWrites throws the backup away and asks.
func (c *Crew) foundWrites(ctx context.Context, p *restore.Plan, w Writes) (restore.Event, error) {
	if err := c.Saver.Discard(p); err != nil {
		return restore.Event{}, fmt.Errorf("discard the emergency backup: %w", err)
	}
	sessions, err := c.Database.Sessions.Writers(ctx, p)
	if err != nil {
		return restore.Event{}, err
	}
	notes := w.Notes
	for _, s := range sessions {
		notes = append(notes, restore.N(lang.M("session left: %s", s.String())))
	}
	if events := armed(p); len(events) > 0 { // their writes are the likely ones, and end by a statement
		notes = append(notes, events...)
	} else {
		notes = append(notes, restore.N(lang.M("To continue despite writes: --despite-writes %s.", p.Target.Database)))
	}
	notes = append(notes, unchanged(restore.EffectQuiet, p, restore.Snapshot{}))
	if sessions == nil {
		sessions = []restore.Session{}
	}
	return restore.Event{Kind: restore.KindFound, Notes: notes, Data: &restore.Data{Sessions: sessions}}, nil
}

// armed names the events of the live database, which write although the service is stopped, and
// how they are disabled.
func armed(p *restore.Plan) (notes []restore.Note) {
	if p.Assessment == nil {
		return nil
	}
	var disable []string
	for _, e := range p.Assessment.Armed {
		notes = append(notes,
			restore.N(lang.M("the event %s of %s runs by itself (%s), and may be what writes", e.Event,
				p.Target.Live, e.When)))
		disable = append(disable, e.Disable)
	}
	if len(disable) == 0 {
		return nil
	}
	do := strings.Join(disable, "; ")
	if p.Client != "" {
		do = p.Client + " -e " + human.Shell(do)
	}
	return append(notes, restore.N(lang.M("Disable it, then restore again: %s", do)))
}

// unlessWritten changes the live database, unless written asks first. What written could not
// tell is noted with the change.
func (c *Crew) unlessWritten(
	ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report, change func() (restore.Event, error),
) (restore.Event, error) {
	look := c.written
	if s.LoadsAgain() {
		look = func(ctx context.Context, p *restore.Plan, s restore.Snapshot) (restore.Event, error) {
			return c.writtenSinceLoad(ctx, p, s, report)
		}
	}
	var asks restore.Event
	check := func(ctx context.Context) (err error) {
		asks, err = look(ctx, p, s)
		return err
	}
	first := s.Stage == restore.Loading && p.Mode == restore.InPlace && !p.Process.Leave && !s.Ignored &&
		!s.LoadsAgain()
	var err error
	if first {
		err = c.locked(ctx, p, time.Duration(p.LockWait), check)
	} else {
		err = check(ctx)
	}
	if held := (*HeldError)(nil); errors.As(err, &held) {
		return restore.Event{Kind: restore.KindFound, Notes: []restore.Note{restore.N(held.Text)}}, nil
	}
	if err != nil || asks.Kind == restore.KindFound {
		return asks, err
	}
	if first {
		w, err := c.unsaved(ctx, p, s, report)
		if err != nil {
			return restore.Event{}, err
		}
		if w.stops() {
			return writtenTo(p, s, w), nil
		}
		asks.Notes = append(asks.Notes, w.Notes...)
	}
	ev, err := change()
	ev.Notes = append(asks.Notes, ev.Notes...)
	return ev, err
}

// standstill is the proof that writes had stopped, or what could be told instead.
func standstill(p *restore.Plan, w Writes, took time.Duration) []restore.Note {
	if w.Blind {
		return append(w.Notes,
			restore.N(lang.M("whether anything wrote to %s during the backup is unknown", p.Target.Live)))
	}
	quiet := human.Duration(took.Round(time.Millisecond))
	note := restore.N(lang.M("no writes to %s for %s", p.Target.Live, quiet))
	if w.At != "" {
		note = restore.N(lang.M("no writes to %s for %s; the binlog is still at %s", p.Target.Live, quiet,
			string(w.At)))
	}
	return append([]restore.Note{note}, w.Notes...)
}
