package run_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// wrote simulates writes in the bench's world.
func (b *bench) wrote(w run.Writes) { b.world.Plant(w) }

func said(notes []restore.Note) string {
	var out []string
	for _, n := range notes {
		out = append(out, n.Msg.String())
	}
	return strings.Join(out, "; ")
}

// Writes during the backup of the current state block the restore: that backup is not
// consistent, and is discarded.
func TestWritesDuringTheEmergencyBackupStopTheRestore(t *testing.T) {
	for name, w := range map[string]run.Writes{
		"live": {Live: true, Notes: []restore.Note{restore.N(lang.M("something still writes to %s: its write "+
			"count rose from %s to %s", "sales", "1", "2"))}},
		"untold": {Untold: true, Notes: []restore.Note{restore.N(lang.M("too much was written meanwhile to read " +
			"it all"))}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, restore.Swap)
			b.wrote(w)
			s, _ := b.run(context.Background(), restore.KindBegin)
			if s.Stage != restore.AskQuiet || b.world.Look().Saved != "" {
				t.Fatalf("stage %s, saved %q", s.Stage, b.world.Look().Saved)
			}
			if got := said(s.Why); !strings.Contains(got, w.Notes[0].Msg.String()) ||
				!strings.Contains(got, "--despite-writes sales") {
				t.Fatalf("it asks %q", got)
			}
			b.wrote(run.Writes{})
			b.policy = map[restore.Stage]restore.Kind{
				restore.AskQuiet:  restore.KindRetry,
				restore.AskNotify: restore.KindSilent,
			}
			b.run(context.Background(), restore.KindResume)
			if w := b.world.Look(); w.Saved != "damaged" || w.Live != "good" {
				t.Fatalf("once it is quiet: %+v", w)
			}
		})
	}
}

// To continue despite writes, the name is typed, and is not asked for again.
func TestGoingOnDespiteWritesIsTyped(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.wrote(run.Writes{Live: true})
	b.policy = map[restore.Stage]restore.Kind{restore.AskQuiet: restore.KindGoOn, restore.AskNotify: restore.KindSilent}
	s, err := b.run(context.Background(), restore.KindBegin)
	if err != nil || s.Stage != restore.Done || !s.Ignored || b.world.Look().Saved != "damaged" {
		t.Fatalf("%s, %v, %+v", s.Stage, err, b.world.Look())
	}
}

// Writes to other databases do no harm, and a server that reports nothing is named as
// such.
func TestWritesOfOthersDoNoHarm(t *testing.T) {
	for _, w := range []run.Writes{
		{Elsewhere: true, Notes: []restore.Note{restore.N(lang.M("other databases are written to (%s), %s is not",
			"blog", "sales"))}},
		{Blind: true, Notes: []restore.Note{restore.RawNote("nothing is counted")}},
	} {
		b := newBench(t, restore.Swap)
		b.wrote(w)
		b.policy[restore.AskNotify] = restore.KindSilent
		s, err := b.run(context.Background(), restore.KindBegin)
		i := slices.IndexFunc(s.Trail, func(m restore.Mark) bool { return m.Stage == restore.Saving })
		if err != nil || s.Stage != restore.Done || !strings.Contains(said(s.Trail[i].Notes), w.Notes[0].Msg.String()) {
			t.Fatalf("%s, %v, %q", s.Stage, err, said(s.Trail[i].Notes))
		}
	}
}

// What is written between the emergency backup and the swap is in neither backup: the swap
// waits for an answer, and another round backs the current state up first.
func TestWritesAfterTheEmergencyBackupStopTheSwap(t *testing.T) {
	for answer, want := range map[restore.Kind]struct {
		stage  restore.Stage
		live   string
		rounds int
	}{
		restore.KindRetry: {restore.Done, "good", 1},
		restore.KindGoOn:  {restore.Done, "good", 0},
		restore.KindLeave: {restore.Aborted, "damaged", 0},
		restore.KindAbort: {restore.Aborted, "damaged", 0},
	} {
		t.Run(string(answer), func(t *testing.T) {
			b := newBench(t, restore.Swap)
			b.world.PlantLate(run.Writes{Live: true})
			b.policy = map[restore.Stage]restore.Kind{restore.AskSwap: answer, restore.AskNotify: restore.KindSilent}
			asked := ""
			b.world.Before = func(_ context.Context, method string) {
				if method == "swap" && b.world.State.Late.Live {
					asked = "swapped before it was asked"
				}
			}
			s, err := b.run(context.Background(), restore.KindBegin)
			end := b.world.Look()
			if err != nil || s.Stage != want.stage || s.Rounds != want.rounds || end.Live != want.live || asked != "" {
				t.Fatalf("%s after %d rounds, %v: %+v %s", s.Stage, s.Rounds, err, end, asked)
			}
			if stops := countOf(b.world.Look().Calls, "stop"); stops != 1+want.rounds {
				t.Errorf("the service was stopped %d times", stops)
			}
			if s.Loaded != (answer == restore.KindLeave) {
				t.Errorf("loaded data kept: %v", s.Loaded)
			}
		})
	}
}

// In place the load is what changes the database: abort then changes nothing.
func TestWritesAfterTheEmergencyBackupStopALoadInPlace(t *testing.T) {
	b := newBench(t, restore.InPlace)
	b.world.PlantLate(run.Writes{Live: true})
	b.policy = map[restore.Stage]restore.Kind{restore.AskLoad: restore.KindAbort, restore.AskNotify: restore.KindSilent}
	s, err := b.run(context.Background(), restore.KindBegin)
	calls := b.world.Look().Calls
	changed := slices.Contains(calls, "clear") || slices.Contains(calls, "load-back")
	if err != nil || s.Stage != restore.Aborted || changed {
		t.Fatalf("%s, %v: %v", s.Stage, err, calls)
	}
}

// Nobody is there: the load is kept, unless it was said that writes are lost.
func TestAnUnattendedRunKeepsItsLoadWhenWritesAreFound(t *testing.T) {
	s := restore.Snapshot{Stage: restore.AskSwap, Mode: restore.Swap, Database: "sales", Written: true}
	for answers, want := range map[run.Answers]restore.Kind{
		{}:                       restore.KindLeave,
		{DespiteWrites: "sales"}: restore.KindGoOn,
		{DespiteWrites: "other"}: restore.KindLeave,
	} {
		y := run.Policy{Answers: answers}
		if r, _ := y.Choose(s, false, time.Now()); r.Kind != want {
			t.Errorf("with %+v it answers %s, want %s", answers, r.Kind, want)
		}
	}
}

func countOf(list []string, name string) (n int) {
	for _, s := range list {
		if s == name {
			n++
		}
	}
	return n
}

// A server that counts nothing holds nobody up, and the swap says that it could not be seen.
func TestASwapThatCouldNotSeeWritesSaysSo(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.PlantLate(run.Writes{Blind: true, Notes: []restore.Note{restore.RawNote("nothing is counted")}})
	b.policy[restore.AskNotify] = restore.KindSilent
	s, err := b.run(context.Background(), restore.KindBegin)
	i := slices.IndexFunc(s.Trail, func(m restore.Mark) bool { return m.Stage == restore.Swapping })
	if err != nil || s.Stage != restore.Done || !strings.Contains(said(s.Trail[i].Notes), "nothing is counted") {
		t.Fatalf("%s, %v: %s", s.Stage, err, said(s.Trail[i].Notes))
	}
}
