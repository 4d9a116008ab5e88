package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/opstest"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

var at = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

func assessment() *restore.Assessment {
	return &restore.Assessment{
		At: at, Server: restore.ServerState{Address: "127.0.0.1:3306", Flavour: "mysql", Version: "9.0",
			Identity: "uuid", User: "root"},
		Tables: []restore.TableState{
			{Name: "orders", Exists: true, InBackup: true, Rows: 2, BackupRows: 3},
			{Name: "later", Exists: true},
		},
		Disk: restore.Disk{Known: true, Free: 1 << 40, SaveFree: 1 << 40},
	}
}

func plan(t testing.TB, mode restore.Mode) *restore.Plan {
	t.Helper()
	src := restore.Source{
		Name:       "b.sql.gz",
		Path:       "/b/b.sql.gz",
		State:      "good",
		Manifest:   true,
		Consistent: true,
		At:         at.Add(-10 * time.Hour),
		Tables:     []restore.SourceTable{{Name: "orders", Rows: 3}, {Name: "customers", Rows: 1}},
	}
	c := restore.Choice{Mode: mode}
	if mode == restore.Into {
		c = restore.Choice{Into: "other"}
	}
	set := restore.Settings{
		Service: "qianzhang",
		Process: restore.Process{Kind: "pm2", Name: "backend", Stop: "pm2 stop backend", Start: "pm2 start backend"},
		Ready: restore.Ready{
			URL:  "http://localhost:3000/health/ready",
			Wait: restore.Span(time.Second),
		},
		Notify:       []string{"ops"},
		LockWait:     15 * time.Second,
		EmergencyDir: "/b",
		Operator:     "zhang",
	}
	return restore.Draft("20260129-120000-0001", at, c, set, src, "sales", assessment())
}

type bench struct {
	t      testing.TB
	store  run.Store
	folder run.Folder
	plan   *restore.Plan
	world  *opstest.World
	// policy answers questions; the default takes the first answer offered.
	policy map[restore.Stage]restore.Kind
}

func newBench(t testing.TB, mode restore.Mode) *bench {
	b := &bench{
		t:      t,
		store:  run.Store{Dir: t.TempDir()},
		plan:   plan(t, mode),
		world:  opstest.NewWorld(),
		policy: map[restore.Stage]restore.Kind{},
	}
	var err error
	if b.folder, err = b.store.Save(b.plan); err != nil {
		t.Fatal(err)
	}
	return b
}

// run continues the run in this process; a question without a policy ends it.
func (b *bench) run(ctx context.Context, first restore.Kind) (restore.Snapshot, error) {
	b.t.Helper()
	j, err := run.OpenJournal(b.folder.JournalPath())
	if err != nil {
		b.t.Fatal(err)
	}
	defer j.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	crew := &run.Crew{
		Database: b.world.Database(),
		Services: b.world,
		Saver:    b.world,
		Prober:   b.world,
		Teller:   b.world,
		Sourcer:  b.world,
		Folder:   b.folder,
		Clock:    clock.Real{},
		Lang:     lang.English(),
		QuietFor: time.Millisecond,
		Sleep:    func(ctx context.Context, d time.Duration) error { return ctx.Err() },
	}
	r := &run.Runner{
		Plan:    b.plan,
		Journal: j,
		World:   crew,
		Inbox:   run.FolderInbox{Folder: b.folder},
		Clock:   clock.Real{},
	}
	r.Changed = func(s restore.Snapshot) {
		if !s.Stage.Asks() {
			return
		}
		kind, ok := b.policy[s.Stage]
		if !ok {
			cancel()
			return
		}
		if err := b.folder.Send(run.Request{Seq: s.Seq,
			Event: restore.Event{Kind: kind, By: "zhang", Typed: s.Database}}); err != nil {
			b.t.Error(err)
		}
	}
	return r.Run(ctx, restore.Event{Kind: first, By: "zhang"})
}

func TestARestoreGoesThroughTheSevenSteps(t *testing.T) {
	for _, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
		t.Run(string(mode), func(t *testing.T) {
			b := newBench(t, mode)
			b.policy[restore.AskNotify] = restore.KindSend
			s, err := b.run(context.Background(), restore.KindBegin)
			if err != nil || s.Stage != restore.Done {
				t.Fatalf("%s, %v", s.Stage, err)
			}
			w := b.world.Look()
			if w.Live != "good" || !w.Running || w.Saved != "damaged" || w.Told != 1 {
				t.Fatalf("the world is %+v", w)
			}
			text, err := os.ReadFile(b.folder.ReportPath())
			if err != nil || !strings.Contains(string(text), "database sales: restored") {
				t.Fatalf("report: %v\n%s", err, text)
			}
		})
	}
}

func TestUndoBringsTheFormerStateBack(t *testing.T) {
	for _, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
		t.Run(string(mode), func(t *testing.T) {
			b := newBench(t, mode)
			b.policy[restore.AskNotify] = restore.KindSilent
			if _, err := b.run(context.Background(), restore.KindBegin); err != nil {
				t.Fatal(err)
			}
			s, err := b.run(context.Background(), restore.KindUndo)
			if err != nil || s.Stage != restore.Undone {
				t.Fatalf("%s, %v", s.Stage, err)
			}
			if w := b.world.Look(); w.Live != "damaged" || !w.Running {
				t.Fatalf("the world is %+v", w)
			}
			if s.Data.Lost.Rows() != 1 || len(s.Data.Exports) != 1 {
				t.Fatalf("what the undo lost is not told: %+v", s.Data)
			}
		})
	}
}

// TestAFailedStepAsksAndCanGoBack makes each effect fail in turn and aborts where the
// machine allows it: the live data and the service are as before.
func TestAFailedStepAsksAndCanGoBack(t *testing.T) {
	for _, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
		for _, method := range []string{"accepts", "ensure", "check", "stop", "writers", "save", "load", "verify",
			"swap"} {
			if method == "swap" && mode != restore.Swap {
				continue
			}
			t.Run(string(mode)+"/"+method, func(t *testing.T) {
				b := newBench(t, mode)
				b.world.Fail[method] = errors.New("planted")
				s, err := b.run(context.Background(), restore.KindBegin)
				if !errors.Is(err, run.ErrLeft) || !s.Stage.Asks() {
					t.Fatalf("%s, %v", s.Stage, err)
				}
				if len(s.Why) < 2 {
					t.Fatalf("the question says too little: %v", s.Why)
				}
				delete(b.world.Fail, method)
				s, err = b.run(context.Background(), restore.KindAbort)
				if err != nil || s.Stage != restore.Aborted && s.Stage != restore.Undone {
					t.Fatalf("%s, %v", s.Stage, err)
				}
				if w := b.world.Look(); w.Live != "damaged" || w.Loading || !w.Running || w.Shadow != "" {
					t.Fatalf("the world is %+v", w)
				}
			})
		}
	}
}

func TestVerificationDoubtStopsBeforeTheExchange(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.State.Doubts = []string{"orders: 2 rows instead of 3"}
	s, _ := b.run(context.Background(), restore.KindBegin)
	if s.Stage != restore.AskVerify || b.world.Look().Live != "damaged" {
		t.Fatalf("stage %s, live %s", s.Stage, b.world.Look().Live)
	}
}

func TestUnreadableTablesAreSkippedOnlyAfterAYes(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.State.Unreadable = []string{"orders"}
	s, _ := b.run(context.Background(), restore.KindBegin)
	if s.Stage != restore.AskSkip || !slices.Equal(s.Data.Unreadable, []string{"orders"}) ||
		b.world.Look().Saved != "" {
		t.Fatalf("stage %s, unreadable %v, saved %q", s.Stage, s.Data.Unreadable, b.world.Look().Saved)
	}
	b.policy = map[restore.Stage]restore.Kind{restore.AskSkip: restore.KindSkip, restore.AskNotify: restore.KindSilent}
	b.run(context.Background(), restore.KindResume)
	if s, err := b.run(context.Background(), restore.KindResume); err == nil || s.Stage != restore.Done {
		t.Fatalf("a restore that is over was resumed: %s, %v", s.Stage, err)
	}
	if b.world.Look().Saved != "damaged" {
		t.Fatal("the yes did not make the emergency backup")
	}
}

func TestAnAnswerToAnOlderQuestionIsIgnored(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.Fail["check"] = errors.New("planted")
	s, _ := b.run(context.Background(), restore.KindBegin)
	if err := b.folder.Send(run.Request{Seq: s.Seq - 1, Event: restore.Event{Kind: restore.KindRetry}}); err != nil {
		t.Fatal(err)
	}
	again, _ := b.run(context.Background(), restore.KindResume)
	if again.Stage != restore.AskCheck || again.Seq != s.Seq+1 {
		t.Fatalf("stage %s, seq %d after %d", again.Stage, again.Seq, s.Seq)
	}
}

func TestAbortEndsARunningLoad(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.Before = func(ctx context.Context, method string) {
		if method == "load" {
			b.folder.Send(run.Request{Event: restore.Event{Kind: restore.KindAbort, By: "li"}})
			<-ctx.Done()
		}
	}
	s, err := b.run(context.Background(), restore.KindBegin)
	if err != nil || s.Stage != restore.Aborted {
		t.Fatalf("%s, %v", s.Stage, err)
	}
	if w := b.world.Look(); w.Live != "damaged" || w.Shadow != "" || !w.Running {
		t.Fatalf("the world is %+v", w)
	}
}

// TestAbortEndsASwapAndAStart: an abort need not wait for a command or a lock. It says what was
// waited for.
func TestAbortEndsASwapAndAStart(t *testing.T) {
	for at, want := range map[string]restore.Stage{
		"swap": restore.Aborted, "start": restore.Undone, "ready": restore.Undone,
	} {
		b := newBench(t, restore.Swap)
		b.policy[restore.AskNotify] = restore.KindSilent
		b.world.Before = func(ctx context.Context, method string) {
			if method != at {
				return
			}
			b.world.Before = nil
			b.folder.Send(run.Request{Event: restore.Event{Kind: restore.KindAbort, By: "li"}})
			<-ctx.Done()
		}
		s, err := b.run(context.Background(), restore.KindBegin)
		if err != nil || s.Stage != want {
			t.Fatalf("%s: %s, %v", at, s.Stage, err)
		}
		if w := b.world.Look(); w.Live != "damaged" || !w.Running {
			t.Errorf("%s: the world is %+v", at, w)
		}
	}
}

func TestATornLastLineIsCutOff(t *testing.T) {
	for _, tail := range []string{`{"seq":9,"ti`, "{\"seq\":\n", "\x00\x00\x00\x00", "\n"} {
		b := newBench(t, restore.Swap)
		b.world.Fail["stop"] = errors.New("planted")
		s, _ := b.run(context.Background(), restore.KindBegin)
		f, err := os.OpenFile(b.folder.JournalPath(), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(tail)
		f.Close()
		r, err := b.folder.Load()
		if err != nil || r.State.Stage != s.Stage {
			t.Fatalf("%q: %v, %v", tail, r, err)
		}
		delete(b.world.Fail, "stop")
		if s, err := b.run(context.Background(), restore.KindAbort); err != nil || s.Stage != restore.Aborted {
			t.Fatalf("%q: %s, %v", tail, s.Stage, err)
		}
	}
}

func TestDamageInsideTheJournalIsAnError(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.policy[restore.AskNotify] = restore.KindSilent
	b.run(context.Background(), restore.KindBegin)
	text, _ := os.ReadFile(b.folder.JournalPath())
	text[len(text)/2] ^= 0x80
	os.WriteFile(b.folder.JournalPath(), text, 0o600)
	if _, err := b.folder.Load(); err == nil {
		t.Fatal("a damaged journal was read")
	}
}

func TestATouchedPlanIsRefused(t *testing.T) {
	b := newBench(t, restore.Swap)
	text, _ := os.ReadFile(b.folder.PlanPath())
	for old, repl := range map[string]string{`"database": "sales"`: `"database": "other"`, "RENAME TABLE": "DROP TABLE",
		`"mode": "swap"`: `"mode": "in-place"`} {
		changed := strings.Replace(string(text), old, repl, 1)
		if changed == string(text) {
			t.Fatalf("%q is not in the plan", old)
		}
		os.WriteFile(b.folder.PlanPath(), []byte(changed), 0o600)
		if _, err := b.folder.Load(); !errors.Is(err, restore.ErrPlanChanged) {
			t.Errorf("%s: %v", old, err)
		}
	}
}

func TestProgressOfAnOlderStageIsNotShown(t *testing.T) {
	b := newBench(t, restore.Swap)
	b.world.Fail["check"] = errors.New("planted")
	s, _ := b.run(context.Background(), restore.KindBegin)
	for seq, shown := range map[int]bool{s.Seq: true, s.Seq - 1: false} {
		if err := b.folder.SaveProgress(seq, ops.Progress{Phase: "rows", Done: 1}); err != nil {
			t.Fatal(err)
		}
		if r, err := b.folder.Load(); err != nil || (r.Progress != nil) != shown {
			t.Fatalf("progress of event %d of %d, shown: %v, %v", seq, s.Seq, !shown, err)
		}
	}
}

func TestNotesSurviveTheJournalInEveryLanguage(t *testing.T) {
	n := restore.N(lang.M("%s", lang.M("warning")))
	text, _ := json.Marshal(n)
	var back restore.Note
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if got := lang.Chinese().Msg(back.Msg); got != "警告" {
		t.Fatalf("got %q from %s", got, text)
	}
}

// TestMain runs the worker of the kill tests if the environment says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RESTORE_TEST_WORKER"); dir != "" {
		worker(dir)
		return
	}
	os.Exit(m.Run())
}

// worker runs a restore on a world in a file, and kills itself with SIGKILL after a line
// of the journal, or before a method of the world.
func worker(dir string) {
	line, _ := strconv.Atoi(os.Getenv("RESTORE_TEST_LINE"))
	call, _ := strconv.Atoi(os.Getenv("RESTORE_TEST_CALL"))
	die := func() { syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
	t := &mute{}
	f := run.Folder{Path: dir}
	p, err := f.Plan()
	if err != nil {
		panic(err)
	}
	w := opstest.NewWorld()
	w.Path = filepath.Join(dir, "world.json")
	calls := 0
	w.Before = func(context.Context, string) {
		if calls++; calls == call {
			die()
		}
	}
	b := &bench{t: t, folder: f, plan: p, world: w}
	first := restore.Kind(os.Getenv("RESTORE_TEST_FIRST"))
	j, err := run.OpenJournal(f.JournalPath())
	if err != nil {
		panic(err)
	}
	j.After = func(n int) {
		if n == line {
			die()
		}
	}
	crew := &run.Crew{
		Database: w.Database(),
		Services: w,
		Saver:    w,
		Prober:   w,
		Teller:   w,
		Sourcer:  w,
		Folder:   f,
		Clock:    clock.Real{},
		Lang:     lang.English(),
		QuietFor: time.Millisecond,
	}
	r := &run.Runner{
		Plan:    b.plan,
		Journal: j,
		World:   crew,
		Inbox:   run.FolderInbox{Folder: f},
		Clock:   clock.Real{},
		Changed: func(s restore.Snapshot) {
			if s.Stage == restore.AskNotify {
				f.Send(run.Request{Seq: s.Seq, Event: restore.Event{Kind: restore.KindSilent}})
			}
		},
	}
	s, err := r.Run(context.Background(), restore.Event{Kind: first})
	if err != nil {
		fmt.Println(s.Stage, err)
		os.Exit(1)
	}
}

type mute struct{ testing.TB }

func spawn(t *testing.T, dir string, first restore.Kind, line, call int) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(
		os.Environ(),
		"RESTORE_TEST_WORKER="+dir,
		"RESTORE_TEST_FIRST="+string(first),
		"RESTORE_TEST_LINE="+strconv.Itoa(line),
		"RESTORE_TEST_CALL="+strconv.Itoa(call),
	)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("worker: %v\n%s", err, out)
	}
	return true
}

// TestKillAnywhereThenResumeUndoOrAbort sends SIGKILL to the worker after each line of the
// journal, and before each action on the world; whatever is chosen then ends in a
// consistent state.
func TestKillAnywhereThenResumeUndoOrAbort(t *testing.T) {
	benches := map[string]func() *bench{
		"swap":     func() *bench { return newBench(t, restore.Swap) },
		"in-place": func() *bench { return newBench(t, restore.InPlace) },
		"standby":  func() *bench { return newLaterBench(t) },
	}
	for name, begin := range benches {
		for _, where := range []string{"line", "call"} {
			t.Run(name+"/"+where, func(t *testing.T) {
				for n := 1; ; n++ {
					if !killOnce(t, begin(), where, n) {
						if n < 10 {
							t.Fatalf("only %d places to die: the test is broken", n)
						}
						return
					}
				}
			})
		}
	}
}

func killOnce(t *testing.T, b *bench, where string, n int) (killed bool) {
	b.world.Path = filepath.Join(b.folder.Path, "world.json")
	b.world.Look()
	line, call := n, 0
	if where == "call" {
		line, call = 0, n
	}
	if !spawn(t, b.folder.Path, restore.KindBegin, line, call) {
		return false
	}
	then := []restore.Kind{restore.KindResume, restore.KindUndo, restore.KindAbort}[rand.IntN(3)]
	r, err := b.folder.Load()
	if err != nil {
		t.Fatalf("%s %d: %v", where, n, err)
	}
	if !r.State.Can(then) {
		then = restore.KindResume
		if r.State.Stage == restore.Planned {
			then = restore.KindBegin
		}
	}
	if !r.State.Stage.Final() || then == restore.KindUndo {
		spawn(t, b.folder.Path, then, 0, 0)
	}
	r, err = b.folder.Load()
	if err != nil || !r.State.Stage.Final() {
		t.Fatalf("%s %d then %s: %v, %v", where, n, then, r.State.Stage, err)
	}
	w := b.world.Look()
	want := "damaged"
	if r.State.Stage == restore.Done {
		want = "good"
	}
	if w.Live != want || !w.Running || w.Loading {
		t.Fatalf("%s %d then %s: %s, the world is %+v", where, n, then, r.State.Stage, w)
	}
	if r.State.Stage == restore.Done && w.Saved != "damaged" {
		t.Fatalf("%s %d then %s: saved %q", where, n, then, w.Saved)
	}
	return true
}

// TestNothingIsDoneBeforeTheFirstLine proves that a run with an empty journal has changed
// nothing: so it does not block others.
func TestNothingIsDoneBeforeTheFirstLine(t *testing.T) {
	b := newBench(t, restore.Swap)
	calls := 0
	b.world.Before = func(_ context.Context, method string) {
		calls++
		lines, err := run.ReadJournal(b.folder.JournalPath())
		if err != nil || len(lines) == 0 {
			t.Errorf("%s was called after %d lines, %v", method, len(lines), err)
		}
	}
	if r, err := b.folder.Load(); err != nil || r.Open() {
		t.Fatalf("a run that was only planned is open: %v", err)
	}
	if _, err := b.run(context.Background(), restore.KindBegin); calls == 0 {
		t.Fatalf("nothing was called: %v", err)
	}
}
