package deploy

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// fakeWorld remembers which steps are in force, as a machine does.
type fakeWorld struct {
	in    map[int]bool
	fails map[string]bool // "do 2", "undo 1"
	ended int
	alive error // of End
}

func (w *fakeWorld) Do(_ context.Context, _ *Plan, i int, _ State, note Note) Outcome {
	if err := note.Child(Child{PID: 1, Start: i}); err != nil {
		return Outcome{Failed: true}
	}
	w.in[i] = true
	return Outcome{Failed: w.fails[fmt.Sprint("do ", i)], Detail: "why", Tail: []string{"tool says"}}
}

func (w *fakeWorld) Undo(_ context.Context, _ *Plan, i int, _ State, _ Note) Outcome {
	if w.fails[fmt.Sprint("undo ", i)] {
		return Outcome{Failed: true}
	}
	delete(w.in, i)
	return Outcome{}
}

func (w *fakeWorld) End(*Plan, Child) error {
	w.ended++
	return w.alive
}

func testPlan() *Plan {
	p := &Plan{Name: "update", Service: "shop"}
	for i := range 4 {
		p.Steps = append(p.Steps, Step{Name: fmt.Sprint("s", i), Kind: KindCommand, Timeout: time.Minute})
	}
	p.Seal(time.Unix(1000, 0))
	return p
}

// run runs a plan, killed after that many journal lines; 0 is to the end.
func run(t *testing.T, p *Plan, w World, path string, kill int, first Event) (s State, killed bool) {
	t.Helper()
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	j.After = func(n int) {
		if n == kill {
			panic("killed")
		}
	}
	defer func() {
		if r := recover(); r == "killed" {
			killed = true
		} else if r != nil {
			panic(r)
		}
	}()
	s, err = (&Runner{Plan: p, Journal: j, World: w, Now: time.Now}).Run(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	return s, false
}

// TestADeploymentKilledAtAnyLineEndsTheSame, done or taken back.
func TestADeploymentKilledAtAnyLineEndsTheSame(t *testing.T) {
	for _, c := range []struct {
		fails map[string]bool
		want  Result
		in    int
	}{
		{nil, ResultDone, 4},
		{map[string]bool{"do 2": true}, ResultTakenBack, 0},
		{map[string]bool{"do 3": true, "undo 1": true}, ResultStuck, 2},
	} {
		for kill := 1; ; kill++ {
			p, w := testPlan(), &fakeWorld{in: map[int]bool{}, fails: c.fails}
			path := filepath.Join(t.TempDir(), "journal.jsonl")
			_, killed := run(t, p, w, path, kill, EventBegin)
			s, _ := run(t, p, w, path, 0, EventBegin)
			if s.Result != c.want || len(w.in) != c.in {
				t.Fatalf("killed after line %d: %s with %v in force, want %s with %d", kill, s.Result, w.in, c.want, c.in)
			}
			if c.want != ResultDone && (s.Detail == "" && c.want == ResultTakenBack) {
				t.Fatalf("killed after line %d: the cause is lost", kill)
			}
			if !killed {
				break
			}
		}
	}
}

func TestADoneDeploymentCanBeTakenBack(t *testing.T) {
	p, w := testPlan(), &fakeWorld{in: map[int]bool{}}
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	if s, _ := run(t, p, w, path, 0, EventBegin); s.Result != ResultDone || len(w.in) != 4 {
		t.Fatalf("%+v", s)
	}
	if s, _ := run(t, p, w, path, 0, EventBack); s.Result != ResultTakenBack || len(w.in) != 0 {
		t.Fatalf("%+v, in force %v", s, w.in)
	}
}

func TestACancelledDeploymentIsLeftForResume(t *testing.T) {
	p := testPlan()
	ctx, cancel := context.WithCancel(t.Context())
	w := &cancelWorld{fakeWorld{in: map[int]bool{}}, cancel}
	j, err := OpenJournal(filepath.Join(t.TempDir(), "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s, err := (&Runner{Plan: p, Journal: j, World: w, Now: time.Now}).Run(ctx, EventBegin)
	if !errors.Is(err, ErrLeft) || s.Result != "" || !slices.Equal(s.Marks, []Mark{MarkBegun, "", "", ""}) {
		t.Fatalf("%v, %+v", err, s)
	}
}

type cancelWorld struct {
	fakeWorld
	cancel context.CancelFunc
}

func (w *cancelWorld) Do(ctx context.Context, _ *Plan, _ int, _ State, _ Note) Outcome {
	w.cancel()
	<-ctx.Done()
	return Outcome{Failed: true}
}

func TestStructuresAreComparedByLoss(t *testing.T) {
	before := Structure{"a": {Columns: map[string]string{"id": "int", "note": "text"}, Rows: 5},
		"gone": {Rows: 1}, "same": {Columns: map[string]string{"id": "int"}, Rows: -1}}
	after := Structure{"a": {Columns: map[string]string{"id": "bigint", "new": "int"}, Rows: 3},
		"more": {}, "same": {Columns: map[string]string{"id": "int"}, Rows: 7}}
	loss := map[string]bool{}
	for _, c := range Compare(before, after) {
		loss[c.What.String()] = c.Loss
	}
	want := map[string]bool{"table gone was dropped": true, "table more was added": false, "column a.note was dropped": true,
		"column a.id was changed: int, now bigint": false, "column a.new was added": false, "a had 5 rows, now 3": true}
	for what, is := range want {
		if got, there := loss[what]; !there || got != is {
			t.Errorf("%s: %v, %v", what, got, there)
		}
	}
	if len(loss) != len(want) || len(Compare(before, before)) != 0 {
		t.Errorf("%v", loss)
	}
}

// TestAResumeRunsNothingBesideALeftProgram: what cannot be ended refuses the resume, and
// neither the journal nor the machine is changed.
func TestAResumeRunsNothingBesideALeftProgram(t *testing.T) {
	p := testPlan()
	w := &fakeWorld{in: map[int]bool{}}
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	run(t, p, w, path, 3, EventBegin) // begin, step, child
	before := len(w.in)
	w.alive = errors.New("pid 7 still runs")
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	lines := len(j.Lines())
	for _, first := range []Event{EventBegin, EventBack} {
		_, err = (&Runner{Plan: p, Journal: j, World: w, Now: time.Now}).Run(t.Context(), first)
		if !errors.Is(err, w.alive) || len(j.Lines()) != lines || len(w.in) != before {
			t.Errorf("%s: %v, %d lines after %d", first, err, len(j.Lines()), lines)
		}
	}
	w.alive = nil
	if s, err := (&Runner{Plan: p, Journal: j, World: w, Now: time.Now}).Run(t.Context(), EventBegin); err != nil ||
		s.Result != ResultDone {
		t.Errorf("after it ended: %v %s", err, s.Result)
	}
}

// skipWorld finds nothing to do in step 1.
type skipWorld struct{ fakeWorld }

func (w *skipWorld) Do(ctx context.Context, p *Plan, i int, s State, note Note) Outcome {
	if i == 1 {
		return Outcome{Skipped: true, Detail: "nothing to do: true"}
	}
	return w.fakeWorld.Do(ctx, p, i, s, note)
}

func (w *skipWorld) Undo(ctx context.Context, p *Plan, i int, s State, note Note) Outcome {
	w.in[10+i] = true
	return w.fakeWorld.Undo(ctx, p, i, s, note)
}

// TestASkippedStepIsNotTakenBack, neither at a roll-back nor by hand afterwards.
func TestASkippedStepIsNotTakenBack(t *testing.T) {
	for _, fails := range []map[string]bool{nil, {"do 3": true}} {
		p, w := testPlan(), &skipWorld{fakeWorld{in: map[int]bool{}, fails: fails}}
		path := filepath.Join(t.TempDir(), "journal.jsonl")
		s, _ := run(t, p, w, path, 0, EventBegin)
		if fails == nil {
			s, _ = run(t, p, w, path, 0, EventBack)
		}
		if s.Result != ResultTakenBack || s.Marks[1] != MarkSkipped || w.in[11] || !w.in[10] || !w.in[12] {
			t.Errorf("%v: %+v, undone %v", fails, s, w.in)
		}
	}
}

// TestAnOlderJournalTellsASkippedStep by its words, unless the step's command may have run.
func TestAnOlderJournalTellsASkippedStep(t *testing.T) {
	p := testPlan()
	p.Steps[1].Check = "test -e x"
	for _, c := range []struct {
		detail string
		ran    bool
		begun  int
		want   Mark
	}{
		{"nothing to do: test -e x", false, 1, MarkSkipped},
		{"无需执行：test -e x", false, 1, MarkSkipped},
		{"nothing to do: test -e x", true, 1, MarkDone},
		{"nothing to do: test -e x", false, 2, MarkDone},
		{"npm install was run", false, 1, MarkDone},
	} {
		lines := slices.Repeat([]Line{{Event: EventStep, Step: 1}}, c.begun)
		lines = append(lines, Line{Event: EventDone, Step: 1, Detail: c.detail})
		if c.ran {
			lines[0].Data = map[string]string{RanKey(p.Steps[1]): "1"}
		}
		if got := Fold(p, lines).Marks[1]; got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestTheWayBackSaysHowFarItIs: each step is where it is, and a deployment that goes
// forward says nothing of a way back.
func TestTheWayBackSaysHowFarItIs(t *testing.T) {
	p := testPlan()
	s := State{Marks: []Mark{MarkDone, MarkUndoing, MarkUndone, MarkUndone}, Back: true, Failed: 3,
		Data: map[string]string{MayStay: "s2"}}
	want := "rolled back: s3; without undo, changes may remain: s2; not yet rolled back: s1, s0"
	if got := WayBack(p, s).String(); got != want || !s.Backward() {
		t.Errorf("%q, want %q", got, want)
	}
	failed := State{Marks: []Mark{MarkDone, MarkFailed, "", ""}, Failed: 1}
	if got := WayBack(p, failed).String(); got != "not yet rolled back: s1, s0" || !failed.Backward() {
		t.Errorf("failed, not yet turned round: %q", got)
	}
	if (State{Marks: []Mark{MarkDone, MarkBegun, "", ""}, Failed: -1}).Backward() {
		t.Error("a deployment that goes forward is said to be taken back")
	}
}

// TestNarrowerColumnsLose: what is not known to hold every value is a loss.
func TestNarrowerColumnsLose(t *testing.T) {
	for _, c := range []struct {
		was, now string
		loss     bool
	}{
		{"int(11) NOT NULL", "tinyint(3) unsigned NOT NULL", true}, {"int NOT NULL", "int unsigned NOT NULL", true},
		{"int(11) NULL", "int(10) NOT NULL", false}, {"int unsigned NULL", "bigint NULL", false},
		{"varchar(40) NULL", "varchar(20) NULL", true}, {"varchar(40) NULL", "varchar(80) NULL DEFAULT x", false},
		{"text NULL", "varchar(80) NULL", true}, {"text NULL", "longtext NULL", false},
		{"decimal(10,2) NULL", "decimal(10,4) NULL", true}, {"decimal(10,2) NULL", "decimal(12,4) NULL", false},
		{"datetime NULL", "datetime(6) NULL", false}, {"datetime(6) NULL", "datetime NULL", true},
		{"enum('a','b') NULL", "enum('a') NULL", true}, {"enum('a') NULL", "enum('a','b') NULL", false},
		{"double NULL", "float NULL", true}, {"json NULL", "int NULL", true},
	} {
		if got := narrower(c.was, c.now); got != c.loss {
			t.Errorf("%s, now %s: %v", c.was, c.now, got)
		}
	}
}
