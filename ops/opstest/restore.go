// Package opstest holds fakes of the world that opsdeck works on, for tests.
package opstest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// World is a service and a database that a restore can work on. It lives in a
// file when Path is set, so that it outlives the process that changes it, as a
// real server does.
type World struct {
	Path string
	// Fail makes the method of that name fail until the entry is removed.
	Fail map[string]error
	// Before runs at the begin of each method; tests stop or end things there.
	Before func(ctx context.Context, method string)

	mu    sync.Mutex
	State WorldState
}

// WorldState is what the world holds. Data stands for the contents of a schema.
type WorldState struct {
	Live, Shadow, Kept string
	Saved              string
	Loading            bool // the live schema is half emptied
	Running            bool
	Ready              bool
	Sessions           []restore.Session
	Writes             run.Writes
	Late               run.Writes // after the emergency backup
	Others             run.Writes // after the load had begun
	Unreadable         []string
	Doubts             []string
	BackDoubts         []string // of what is loaded back
	Told               int
	Calls              []string
}

// NewWorld is a damaged live schema with the service running.
func NewWorld() *World {
	return &World{State: WorldState{Live: "damaged", Running: true, Ready: true}, Fail: map[string]error{}}
}

// Database is the world as the target's server.
func (w *World) Database() run.Database {
	return run.Database{
		Looker:    w,
		Sessions:  w,
		Writes:    w,
		Loader:    w,
		Verifier:  w,
		Exchanger: w,
		Exporter:  w,
		Cleaner:   w,
	}
}

func (w *World) do(ctx context.Context, method string, change func(*WorldState) error) error {
	if w.Before != nil {
		w.Before(ctx, method)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.read(); err != nil {
		return err
	}
	w.State.Calls = append(w.State.Calls, method)
	err := w.Fail[method]
	if err == nil {
		err = change(&w.State)
	}
	if w.Path != "" {
		text, _ := json.Marshal(w.State)
		return errors.Join(err, atomicfile.WriteBytes(w.Path, 0o600, text))
	}
	return err
}

// read reads the state that a killed process left.
func (w *World) read() error {
	if w.Path == "" {
		return nil
	}
	text, err := os.ReadFile(w.Path)
	if err == nil {
		err = json.Unmarshal(text, &w.State)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Look returns the state as it is now.
func (w *World) Look() (s WorldState) {
	w.do(context.Background(), "look", func(st *WorldState) error { s = *st; return nil })
	return s
}

// Ensure finds the backup in place.
func (w *World) Ensure(ctx context.Context, _ *restore.Plan, _ run.Report) ([]restore.Note, error) {
	return nil, w.do(ctx, "ensure", func(*WorldState) error { return nil })
}

// Accepts takes every plan, unless told to fail.
func (w *World) Accepts(*restore.Plan) error { return w.Fail["accepts"] }

// Check finds the plan still true.
func (w *World) Check(ctx context.Context, _ *restore.Plan) ([]restore.Note, error) {
	return nil, w.do(ctx, "check", func(*WorldState) error { return nil })
}

// Writers names the sessions left.
func (w *World) Writers(ctx context.Context, _ *restore.Plan) (out []restore.Session, err error) {
	err = w.do(ctx, "writers", func(s *WorldState) error { out = slices.Clone(s.Sessions); return nil })
	return out, err
}

// Mark is always the same.
func (w *World) Mark(ctx context.Context, _ *restore.Plan) (run.WriteMark, error) {
	return "binlog.1:4", w.do(ctx, "mark", func(*WorldState) error { return nil })
}

// MarkSaved is always the same.
func (w *World) MarkSaved(ctx context.Context, _ *restore.Plan) (run.WriteMark, error) {
	return "saved", ctx.Err()
}

// SinceSaved tells the late writes that were planted. A new mark is taken with each backup, so
// a second round finds none.
func (w *World) SinceSaved(
	ctx context.Context, _ *restore.Plan, _ run.Folder, _ run.WriteMark,
) (found run.Writes, _ error) {
	w.do(ctx, "since-saved", func(s *WorldState) error { found, s.Late = s.Late, run.Writes{}; return nil })
	return found, ctx.Err()
}

// MarkSwap is the same mark.
func (w *World) MarkSwap(ctx context.Context, _ *restore.Plan, from run.WriteMark) (run.WriteMark, error) {
	return from, ctx.Err()
}

// SinceMark tells of nothing: what was planted, SinceSaved told.
func (w *World) SinceMark(ctx context.Context, _ *restore.Plan, _ run.WriteMark) (run.Writes, error) {
	return run.Writes{}, ctx.Err()
}

// SinceLoad tells the planted writes of others, until the current state is backed up.
func (w *World) SinceLoad(
	ctx context.Context, _ *restore.Plan, _ string, _ run.Report,
) (found run.Writes, _ error) {
	w.do(ctx, "since-load", func(s *WorldState) error { found = s.Others; return nil })
	return found, ctx.Err()
}

// PlantOthers makes the world say that others wrote after the load had begun.
func (w *World) PlantOthers(writes run.Writes) {
	w.do(context.Background(), "plant", func(s *WorldState) error { s.Others = writes; return nil })
}

// PlantLate makes the world say that these writes came after the emergency backup.
func (w *World) PlantLate(writes run.Writes) {
	w.do(context.Background(), "plant", func(s *WorldState) error { s.Late = writes; return nil })
}

// Plant makes the world say that these writes came.
func (w *World) Plant(writes run.Writes) {
	w.do(context.Background(), "plant", func(s *WorldState) error { s.Writes = writes; return nil })
}

// Since tells the planted writes. It is no act of its own: how often it is asked
// depends on the clock.
func (w *World) Since(ctx context.Context, _ *restore.Plan, from run.WriteMark) (run.Writes, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.State.Writes
	out.At = from
	return out, ctx.Err()
}

// Kill ends all sessions.
func (w *World) Kill(ctx context.Context, _ *restore.Plan, _ []restore.Session) ([]restore.Note, error) {
	return nil, w.do(ctx, "kill", func(s *WorldState) error { s.Sessions = nil; return nil })
}

// Load loads the backup, into the live schema in two parts when in place.
func (w *World) Load(
	ctx context.Context,
	p *restore.Plan,
	_ run.Folder,
	report run.Report,
) (run.Loaded, error) {
	report(ops.Progress{Phase: "rows", Done: 1, Total: 2, Unit: "bytes"})
	if p.Mode == restore.Swap {
		return run.Loaded{
				Tables: 1,
				Rows:   3,
			}, w.do(
				ctx,
				"load",
				func(s *WorldState) error { s.Shadow = "good"; return nil },
			)
	}
	if err := w.do(ctx, "clear", func(s *WorldState) error { s.Live, s.Loading = "", true; return nil }); err != nil {
		return run.Loaded{}, err
	}
	return run.Loaded{
			Tables: 1,
			Rows:   3,
		}, w.do(
			ctx,
			"load",
			func(s *WorldState) error { s.Live, s.Loading = "good", false; return nil },
		)
}

// Verify finds the planted doubts, and refuses what is not the backup.
func (w *World) Verify(ctx context.Context, p *restore.Plan, _ run.Report) (v run.Verdict, err error) {
	err = w.do(ctx, "verify", func(s *WorldState) error {
		have := s.Live
		if p.Mode == restore.Swap {
			have = s.Shadow
		}
		if have != "good" {
			v.Doubts = append(v.Doubts, restore.RawNote("loaded: "+have))
		}
		for _, d := range s.Doubts {
			v.Doubts = append(v.Doubts, restore.RawNote(d))
		}
		v.Tables = []restore.TableRows{{Table: "orders", Rows: 3, Want: 3, State: "ok"}}
		return nil
	})
	return v, err
}

// VerifyBack finds the planted doubts, and refuses what is not the saved state.
func (w *World) VerifyBack(ctx context.Context, _ *restore.Plan, _ string, _ run.Report) (v run.Verdict, err error) {
	err = w.do(ctx, "verify-back", func(s *WorldState) error {
		if s.Live != s.Saved {
			v.Doubts = append(v.Doubts, restore.RawNote("loaded back: "+s.Live))
		}
		for _, d := range s.BackDoubts {
			v.Doubts = append(v.Doubts, restore.RawNote(d))
		}
		return nil
	})
	return v, err
}

// Swap exchanges the schemas once.
func (w *World) Swap(
	ctx context.Context, _ *restore.Plan, _ run.Folder, guard run.Guard,
) (run.Swapped, error) {
	if guard != nil {
		look, err := guard(ctx)
		if err == nil {
			err = look(ctx)
		}
		if err != nil {
			return run.Swapped{}, err
		}
	}
	return run.Swapped{Renamed: time.Millisecond}, w.do(ctx, "swap", func(s *WorldState) error {
		if s.Shadow != "" {
			s.Live, s.Shadow, s.Kept = s.Shadow, "", s.Live
		}
		return nil
	})
}

// SwapBack exchanges them back once.
func (w *World) SwapBack(ctx context.Context, _ *restore.Plan, _ run.Folder) (run.Swapped, error) {
	return run.Swapped{}, w.do(ctx, "swap-back", func(s *WorldState) error {
		if s.Kept != "" {
			s.Live, s.Kept, s.Shadow = s.Kept, "", s.Live
		}
		return nil
	})
}

// LoadBack loads what was saved.
func (w *World) LoadBack(ctx context.Context, _ *restore.Plan, from string, _ run.Report) (run.Loaded, error) {
	return run.Loaded{}, w.do(ctx, "load-back", func(s *WorldState) error {
		if from == "" || s.Saved == "" {
			return errors.New("nothing was saved")
		}
		s.Live, s.Loading = s.Saved, false
		return nil
	})
}

// Export finds one row written since.
func (w *World) Export(
	ctx context.Context,
	_ *restore.Plan,
	since time.Time,
	_ run.Folder,
	_ run.Report,
) (restore.Loss, []string, error) {
	err := w.do(ctx, "export", func(*WorldState) error { return nil })
	return restore.Loss{
			Since:  since,
			Tables: []restore.LossTable{{Table: "orders", Newer: 1}},
		}, []string{
			"orders.sql",
		}, err
}

// Clean takes an exchange back that was not journaled, and removes the shadow.
func (w *World) Clean(ctx context.Context, _ *restore.Plan, _ run.Folder) ([]restore.Note, error) {
	return nil, w.do(ctx, "clean", func(s *WorldState) error {
		if s.Kept != "" {
			s.Live, s.Kept = s.Kept, ""
		}
		s.Shadow = ""
		return nil
	})
}

// Settle takes a half exchange back and keeps the shadow.
func (w *World) Settle(ctx context.Context, _ *restore.Plan, _ run.Folder) ([]restore.Note, error) {
	return nil, w.do(ctx, "settle", func(*WorldState) error { return nil })
}

// Present finds the tables of the plan, unless the live schema is gone. It is no
// act of its own.
func (w *World) Present(ctx context.Context, p *restore.Plan, _ []string) (out restore.Present, _ error) {
	w.mu.Lock()
	live := w.State.Live
	w.mu.Unlock()
	if live == "" {
		return out, ctx.Err()
	}
	out.SchemaThere = true
	out.Tables = []restore.PresentTable{{Name: "orders", State: "rows"}}
	for _, t := range append(slices.Clone(p.Coming), p.Leaving...) {
		out.Tables = append(out.Tables, restore.PresentTable{Name: t, State: "rows"})
	}
	return out, ctx.Err()
}

// DropOld removes what undo would need.
func (w *World) DropOld(ctx context.Context, _ *restore.Plan) ([]restore.Note, error) {
	return nil, w.do(ctx, "drop-old", func(s *WorldState) error { s.Kept, s.Shadow = "", ""; return nil })
}

// Stop stops the service.
func (w *World) Stop(ctx context.Context, _ restore.Process) (ran bool, _ []restore.Note, err error) {
	err = w.do(ctx, "stop", func(s *WorldState) error { ran, s.Running = s.Running, false; return nil })
	return ran, nil, err
}

// Start starts the service.
func (w *World) Start(ctx context.Context, _ restore.Process) ([]restore.Note, error) {
	return nil, w.do(ctx, "start", func(s *WorldState) error { s.Running = true; return nil })
}

// Running tells whether the service runs. It is no act of its own.
func (w *World) Running(ctx context.Context, _ restore.Process) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.read(); err != nil {
		return false, err
	}
	return w.State.Running, ctx.Err()
}

// Discard forgets what was saved.
func (w *World) Discard(*restore.Plan) error {
	return w.do(context.Background(), "discard", func(s *WorldState) error { s.Saved = ""; return nil })
}

// Save saves the live schema as it is; it does nothing when that was done.
func (w *World) Save(
	ctx context.Context,
	p *restore.Plan,
	skip []string,
	_ run.Report,
) (string, []restore.Note, error) {
	err := w.do(ctx, "save", func(s *WorldState) error {
		if err := unreadable(s, skip); err != nil {
			return err
		}
		if s.Saved == "" {
			s.Saved = s.Live
		}
		return nil
	})
	return p.Emergency, nil, err
}

// Foresee finds what Save would refuse.
func (w *World) Foresee(ctx context.Context, _ *restore.Plan, skip []string, _ run.Folder) error {
	return w.do(ctx, "foresee", func(s *WorldState) error { return unreadable(s, skip) })
}

// SaveOld saves the kept tables; it does nothing when that was done.
func (w *World) SaveOld(
	ctx context.Context,
	p *restore.Plan,
	skip []string,
	_ run.Folder,
	_ run.Report,
) (string, []restore.Note, error) {
	err := w.do(ctx, "save-old", func(s *WorldState) error {
		if s.Kept == "" {
			return errors.New("nothing is kept")
		}
		if err := unreadable(s, skip); err != nil {
			return err
		}
		if s.Saved == "" {
			s.Saved = s.Kept
		}
		return nil
	})
	return p.Emergency, nil, err
}

// Proves finds a saved state good.
func (w *World) Proves(ctx context.Context, _ string, _ run.Report) error {
	return w.do(ctx, "prove", func(s *WorldState) error {
		if s.Saved == "" {
			return errors.New("nothing was saved")
		}
		return nil
	})
}

func unreadable(s *WorldState, skip []string) error {
	var missing []string
	for _, t := range s.Unreadable {
		if !slices.Contains(skip, t) {
			missing = append(missing, t)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &run.UnreadableError{Tables: missing, Err: errors.New("crashed")}
}

// Ready answers for the service.
func (w *World) Ready(ctx context.Context, _ restore.Ready) (ok bool, answer string) {
	w.do(ctx, "ready", func(s *WorldState) error { ok = s.Running && s.Ready; return nil })
	if ok {
		return true, "200 ready"
	}
	return false, "503 not ready"
}

// Tell counts the notifications.
func (w *World) Tell(ctx context.Context, p *restore.Plan, _ string, _ []string) ([]string, error) {
	return p.Notify, w.do(ctx, "tell", func(s *WorldState) error { s.Told++; return nil })
}
