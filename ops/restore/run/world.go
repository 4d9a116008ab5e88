package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// Report takes progress; it is never nil and may be called from any goroutine.
type Report func(ops.Progress)

// Database is the target's server as the effects use it. Every method of its parts first
// checks the actual state; repeating it is harmless.
type Database struct {
	Looker    Looker
	Sessions  Sessions
	Writes    WriteWatch
	Waits     Waits // nil: nobody can tell
	Locks     Locks // nil: the tables cannot be locked
	Loader    Loader
	Verifier  Verifier
	Exchanger Exchanger
	Exporter  Exporter
	Uncounted Uncounted // nil: all tables have counters
	Losses    Losses    // nil: the loss is as the plan counted it
	Cleaner   Cleaner
}

// Looker reads the live database and changes nothing.
type Looker interface {
	// Check verifies that the basis of the plan still holds: the live tables are those that
	// were shown, and the server is the same.
	Check(ctx context.Context, p *restore.Plan) ([]restore.Note, error)
	// Present reads the live database's current state, except for the tables in avoid: reading
	// a damaged one may end the server.
	Present(ctx context.Context, p *restore.Plan, avoid []string) (restore.Present, error)
}

// Sessions finds the sessions connected to the live database, and ends them.
type Sessions interface {
	// Writers are the sessions that could still write to the live database, never our own.
	Writers(ctx context.Context, p *restore.Plan) ([]restore.Session, error)
	Kill(ctx context.Context, p *restore.Plan, sessions []restore.Session) ([]restore.Note, error)
}

// Waits tells who holds the lock that a statement of the run waits for.
type Waits interface {
	// Waiting is empty while no statement waits; who identifies the sessions that hold it.
	Waiting(ctx context.Context, p *restore.Plan) (who string, text lang.Msg, err error)
	// NoRoom is an error for people when the server accepts no writes until there is free
	// space on its disk; nil while it accepts them, and when that cannot be told. sure is
	// false where only a long wait suggests it.
	NoRoom(ctx context.Context, p *restore.Plan) (sure bool, err error)
}

// WriteWatch detects writes to the live database during other work.
type WriteWatch interface {
	// Mark is the server's current write position.
	Mark(ctx context.Context, p *restore.Plan) (WriteMark, error)
	// Since tells what was written since a mark, by database as far as the server can tell.
	Since(ctx context.Context, p *restore.Plan, from WriteMark) (Writes, error)
	// MarkSaved is the write position before the emergency backup, for SinceSaved.
	MarkSaved(ctx context.Context, p *restore.Plan) (WriteMark, error)
	// SinceSaved tells what was written since, hours later and over a restart; nothing once the
	// run itself has begun to change the live database.
	SinceSaved(ctx context.Context, p *restore.Plan, f Folder, from WriteMark) (Writes, error)
	// MarkSwap is a mark of MarkSaved after the swap's own statements, which are in the binlog.
	MarkSwap(ctx context.Context, p *restore.Plan, from WriteMark) (WriteMark, error)
	// SinceMark is SinceSaved for a run that has begun to swap and has not moved a table.
	SinceMark(ctx context.Context, p *restore.Plan, from WriteMark) (Writes, error)
	// SinceLoad tells what others wrote since the run began to load into the live database:
	// rows that neither the backup nor the emergency backup has there.
	SinceLoad(ctx context.Context, p *restore.Plan, emergency string, report Report) (Writes, error)
}

// Loader loads backups.
type Loader interface {
	// Load loads the backup into p.Loaded(). Remains of an earlier try are first completed or
	// removed.
	Load(ctx context.Context, p *restore.Plan, f Folder, report Report) (Loaded, error)
	// LoadBack loads the emergency backup into the live database.
	LoadBack(ctx context.Context, p *restore.Plan, emergency string, report Report) (Loaded, error)
}

// Verifier verifies what was loaded.
type Verifier interface {
	Verify(ctx context.Context, p *restore.Plan, report Report) (Verdict, error)
	// VerifyBack verifies that the live database holds the emergency backup.
	VerifyBack(ctx context.Context, p *restore.Plan, emergency string, report Report) (Verdict, error)
}

// Exchanger swaps the loaded tables with the live ones, and reverts that.
type Exchanger interface {
	// Swap swaps the tables, and carries over triggers, views, routines, events and grants.
	// guard is asked for after the swap's own statements about the live tables; nil: not asked.
	Swap(ctx context.Context, p *restore.Plan, f Folder, guard Guard) (Swapped, error)
	// SwapBack moves the old tables back.
	SwapBack(ctx context.Context, p *restore.Plan, f Folder) (Swapped, error)
	// Settle reverts an unfinished swap, and keeps what was loaded.
	Settle(ctx context.Context, p *restore.Plan, f Folder) ([]restore.Note, error)
}

// Exporter saves what an undo would lose.
type Exporter interface {
	// Export writes the rows that were written since the restore to the folder, and summarizes
	// them.
	Export(ctx context.Context, p *restore.Plan, since time.Time, f Folder, report Report) (
		restore.Loss, []string, error)
}

// Uncounted finds writes that no counter of the server shows.
type Uncounted interface {
	// Unseen exports, after a swap, what the old tables whose writes only their rows show have
	// beyond the emergency backup.
	Unseen(ctx context.Context, p *restore.Plan, emergency string, f Folder, report Report) (
		restore.Loss, []string, error)
	// Unsaved counts, before a load in place, what the live ones of these tables have beyond it.
	Unsaved(ctx context.Context, p *restore.Plan, emergency string, report Report) (restore.Loss, error)
}

// Losses counts what a restore loses once nobody writes any more.
type Losses interface {
	// Final counts it before a load in place, or after a swap.
	Final(ctx context.Context, p *restore.Plan) (restore.Loss, error)
}

// Cleaner removes what is no longer needed.
type Cleaner interface {
	// Clean removes what was loaded and is not live.
	Clean(ctx context.Context, p *restore.Plan, f Folder) ([]restore.Note, error)
	// DropOld drops the databases that an undo would need.
	DropOld(ctx context.Context, p *restore.Plan) ([]restore.Note, error)
}

// Loaded is a load's result.
type Loaded struct {
	Tables int
	Rows   int64
	Bytes  int64
	Notes  []restore.Note
	// Counters are the tables whose next AUTO_INCREMENT value was raised.
	Counters []restore.Counter
	// Exports are files with what the load dropped and no backup has.
	Exports []string
	// Untouched tells of a failed load that it had changed nothing.
	Untouched bool
}

// Verdict is the result of the verification.
type Verdict struct {
	Tables []restore.TableRows
	Doubts []restore.Note // empty: everything matches the manifest
	Notes  []restore.Note
}

// Swapped is a swap's result. Renamed is the duration of the RENAME statement.
type Swapped struct {
	Renamed  time.Duration
	Notes    []restore.Note
	Counters []restore.Counter // tables whose next AUTO_INCREMENT value was raised
	Exports  []string          // files with what the way back dropped and no backup has
}

// Services stops and starts the service.
type Services interface {
	// Stop stops it and waits until it is down; ran tells whether it was up.
	Stop(ctx context.Context, p restore.Process) (ran bool, notes []restore.Note, err error)
	// Start starts it, unless it is running.
	Start(ctx context.Context, p restore.Process) ([]restore.Note, error)
	// Running tells whether it runs or is about to; false where that is unknown.
	Running(ctx context.Context, p restore.Process) (bool, error)
}

// Saver makes the backup of the current state.
type Saver interface {
	// Accepts refuses a plan whose emergency backup cannot be stored as planned.
	Accepts(p *restore.Plan) error
	// Save writes p.Emergency, or finds that a complete one exists. Tables in skip are
	// omitted. It returns an *UnreadableError if tables cannot be read.
	Save(ctx context.Context, p *restore.Plan, skip []string, report Report) (
		path string, notes []restore.Note, err error)
	// Foresee records what SaveOld will need of the live database, and refuses as Save would.
	// It changes nothing.
	Foresee(ctx context.Context, p *restore.Plan, skip []string, f Folder) error
	// SaveOld writes p.Emergency from the tables that a swap has moved to p.Kept, or finds
	// that a complete one exists. The rest comes from Foresee's record.
	SaveOld(ctx context.Context, p *restore.Plan, skip []string, f Folder, report Report) (
		path string, notes []restore.Note, err error)
	// Proves verifies the emergency backup: an error if it is not what was written.
	Proves(ctx context.Context, path string, report Report) error
	// Discard removes what Save wrote, if anything.
	Discard(p *restore.Plan) error
}

// UnreadableError lists the tables that the emergency backup cannot include.
type UnreadableError struct {
	Tables []string
	Err    error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("tables %v cannot be read: %v", e.Tables, e.Err)
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Prober asks the service whether it is ready.
type Prober interface {
	// Ready asks once. The note is the service's response.
	Ready(ctx context.Context, r restore.Ready) (ok bool, answer string)
}

// Teller sends notifications.
type Teller interface {
	// Tell sends the text to every target; sent lists those that accepted it.
	Tell(ctx context.Context, p *restore.Plan, text string, already []string) (sent []string, err error)
}

// Sourcer fetches the backup to this machine if it is a copy elsewhere, and checks that it
// is the one of the plan.
type Sourcer interface {
	Ensure(ctx context.Context, p *restore.Plan, report Report) ([]restore.Note, error)
}

// Crew is a World composed of its parts.
type Crew struct {
	Database Database
	Services Services
	Saver    Saver
	Prober   Prober
	Teller   Teller
	Sourcer  Sourcer
	Folder   Folder
	Clock    clock.Clock
	Lang     *lang.Printer // for the notification and the report
	// QuietFor is the minimum time without writes to the live database; the default is 2 s.
	QuietFor time.Duration
	Sleep    func(ctx context.Context, d time.Duration) error // nil: real sleep
	// Awaits is the service's command that runs now, and since when; "" for none. nil: nobody tells.
	Awaits func() (command string, since time.Time)
	// Explain converts a driver's error to one for people; nil leaves errors unchanged.
	Explain func(error) error
}

// Do runs an effect.
func (c *Crew) Do(
	ctx context.Context, e restore.Effect, p *restore.Plan, s restore.Snapshot, report Report,
) (restore.Event, error) {
	if report == nil {
		report = func(ops.Progress) {}
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	report, end := c.tellWaits(work, stop, e, p, report)
	var ev restore.Event
	err := c.mayBegin(work, e, p)
	if err != nil && e == restore.EffectLoadBack {
		ev.Data = &restore.Data{Untouched: true}
	}
	if err == nil {
		ev, err = c.do(work, e, p, s, report)
	}
	end()
	if err == nil {
		return ev, nil
	}
	if ctx.Err() != nil {
		return restore.Event{}, ctx.Err()
	}
	if full := context.Cause(work); full != nil {
		err = full
	}
	if c.Explain != nil {
		err = c.Explain(err)
	}
	return restore.Event{
		Kind:  restore.KindFailed,
		Notes: append(failure(err), unchanged(e, p, s)),
		Data:  ev.Data,
		Busy:  ops.CodeOf(err) == ops.Busy,
	}, nil
}

func (c *Crew) do(
	ctx context.Context, e restore.Effect, p *restore.Plan, s restore.Snapshot, report Report,
) (restore.Event, error) {
	switch e {
	case restore.EffectCheck:
		return c.check(ctx, p, s, report)
	case restore.EffectStop:
		return c.stop(ctx, p, s, report)
	case restore.EffectQuiet:
		return c.quiet(ctx, p, report)
	case restore.EffectKill:
		return noted(c.Database.Sessions.Kill(ctx, p, s.Data.Sessions))
	case restore.EffectSave:
		return c.save(ctx, p, s, report)
	case restore.EffectKeep:
		return c.keep(ctx, p, s, report)
	case restore.EffectLoad:
		return c.unlessWritten(ctx, p, s, report, func() (restore.Event, error) {
			var final *restore.Loss
			if p.Mode == restore.InPlace && !s.LoadsAgain() {
				final = c.final(ctx, p)
			}
			ev, err := loaded(c.Database.Loader.Load(ctx, p, c.Folder, report))
			ev.Data.Final = final
			return ev, err
		})
	case restore.EffectVerify:
		return c.verify(ctx, p, report)
	case restore.EffectSwap:
		return c.unlessWritten(ctx, p, s, report, func() (restore.Event, error) {
			ev, err := c.swap(ctx, p, s)
			if err == nil && ev.Kind == restore.KindDone {
				c.unseen(ctx, p, s, &ev, report)
			}
			return ev, err
		})
	case restore.EffectSwapBack:
		return swapped(c.Database.Exchanger.SwapBack(ctx, p, c.Folder))
	case restore.EffectLoadBack:
		return c.loadBack(ctx, p, s, report)
	case restore.EffectExport:
		return c.export(ctx, p, s, report)
	case restore.EffectClean:
		return noted(c.Database.Cleaner.Clean(ctx, p, c.Folder))
	case restore.EffectSettle:
		return noted(c.Database.Exchanger.Settle(ctx, p, c.Folder))
	case restore.EffectDropOld:
		return c.dropOld(ctx, p, s, report)
	case restore.EffectStart:
		return c.start(ctx, p, s)
	case restore.EffectReady:
		return c.ready(ctx, p, s, report)
	case restore.EffectReport:
		return c.report(ctx, p, s)
	case restore.EffectNotify:
		return c.notify(ctx, p, s)
	}
	return restore.Event{}, fmt.Errorf("unknown effect %q", e)
}

func noted(notes []restore.Note, err error) (restore.Event, error) {
	return restore.Event{Kind: restore.KindDone, Notes: notes}, err
}

func loaded(l Loaded, err error) (restore.Event, error) {
	return restore.Event{
		Kind:  restore.KindDone,
		Notes: l.Notes,
		Data: &restore.Data{Started: !l.Untouched, Untouched: l.Untouched, Tables: l.Tables, Rows: l.Rows,
			Bytes: l.Bytes, Counters: l.Counters, Exports: l.Exports},
	}, err
}

func swapped(s Swapped, err error) (restore.Event, error) {
	took := float64(s.Renamed.Microseconds()) / 1000
	data := &restore.Data{SwapMS: took, Counters: s.Counters, Exports: s.Exports}
	return restore.Event{Kind: restore.KindDone, Notes: s.Notes, Data: data}, err
}

// failure is the error as notes: the sentence and hint for people, if any, and the cause.
func failure(err error) []restore.Note {
	var e *ops.Error
	if !errors.As(err, &e) {
		return []restore.Note{restore.RawNote(err.Error())}
	}
	notes := []restore.Note{restore.N(e.What)}
	if e.Err != nil {
		notes = append(notes, restore.RawNote(e.Err.Error()))
	}
	if !e.Hint.Empty() {
		notes = append(notes, restore.N(e.Hint))
	}
	return notes
}

// unchanged tells what a failed effect did not change.
func unchanged(e restore.Effect, p *restore.Plan, s restore.Snapshot) restore.Note {
	switch e {
	case restore.EffectSwap:
		return restore.N(lang.M("The swap is one atomic statement. Check again to see whether it took effect."))
	case restore.EffectStart, restore.EffectReady:
		if s.Stage.Back() {
			return restore.N(lang.M("%s is as it was before; this did not change it.", p.Target.Live))
		}
		return restore.N(lang.M("The data is in place; this did not change it."))
	case restore.EffectKeep:
		return restore.N(lang.M("The old tables stay in %s until they are backed up: opsdeck restore resume %s",
			p.Kept, p.ID))
	case restore.EffectNotify, restore.EffectReport:
		return restore.N(lang.M("The database and the service are not affected."))
	case restore.EffectSwapBack, restore.EffectLoadBack:
		return restore.N(lang.M("The undo can be retried; it first checks the current state."))
	case restore.EffectLoad, restore.EffectVerify:
		if p.Mode == restore.InPlace {
			return restore.N(lang.M("%s was changed; its previous state is in %s.", p.Target.Database,
				orNone(s.Data.Emergency)))
		}
		return restore.N(lang.M("%s was not changed.", p.Target.Live))
	case restore.EffectDropOld, restore.EffectClean, restore.EffectSettle:
		return restore.N(lang.M("%s was not changed.", p.Target.Live))
	}
	return restore.N(lang.M("Nothing was changed in %s.", p.Target.Live))
}

func orNone(path string) string {
	if path == "" {
		return "–"
	}
	return path
}
