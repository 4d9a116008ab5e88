package swap_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// job is the input of a kill test's worker process.
type job struct {
	Dir    string
	Target mysql.Target
	First  restore.Kind
	Line   int           // SIGKILL after this line of the journal
	Later  time.Duration // delay after it: in the middle of an effect
}

const jobEnv = "SWAP_TEST_WORKER"

// fileService is a service whose process is a file.
type fileService struct{ path string }

func (s fileService) Stop(context.Context, restore.Process) (bool, []restore.Note, error) {
	err := os.Remove(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil, nil
	}
	return true, nil, err
}

func (s fileService) Start(context.Context, restore.Process) ([]restore.Note, error) {
	return nil, os.WriteFile(s.path, nil, 0o600)
}

func (s fileService) Running(context.Context, restore.Process) (bool, error) {
	_, err := os.Stat(s.path)
	return err == nil, nil
}

func (s fileService) Ready(context.Context, restore.Ready) (bool, string) {
	_, err := os.Stat(s.path)
	return err == nil, fmt.Sprint(err)
}

type here struct{}

func (here) Ensure(context.Context, *restore.Plan, run.Report) ([]restore.Note, error) {
	return nil, nil
}

func (here) Tell(context.Context, *restore.Plan, string, []string) ([]string, error) { return nil, nil }

// work is the worker process, with the real adapter and the real engine.
func work(j job) error {
	f := run.Folder{Path: j.Dir}
	p, err := f.Plan()
	if err != nil {
		return err
	}
	journal, err := run.OpenJournal(f.JournalPath())
	if err != nil {
		return err
	}
	journal.After = func(n int) {
		switch {
		case n != j.Line:
		case j.Later > 0:
			time.AfterFunc(j.Later, func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) })
		default:
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	server := swap.New(swap.Settings{Target: j.Target, Loader: swap.Engine{Target: j.Target, Jobs: 2}})
	service := fileService{filepath.Join(j.Dir, "up")}
	saver := swap.Saver{
		Target: j.Target,
		Damage: server.Damage,
		Dump: func(ctx context.Context, o dump.Options, path string) (*backup.Manifest, error) {
			return dump.Run(ctx, j.Target, o, path)
		},
	}
	crew := &run.Crew{
		Database: server.Database(),
		Services: service,
		Saver:    saver,
		Prober:   service,
		Teller:   here{},
		Sourcer:  here{},
		Folder:   f,
		Clock:    clock.Real{},
		Lang:     lang.English(),
		QuietFor: time.Millisecond,
	}
	began := time.Now()
	r := &run.Runner{
		Plan:    p,
		Journal: journal,
		World:   crew,
		Inbox:   run.FolderInbox{Folder: f},
		Clock:   clock.Real{},
		Changed: func(s restore.Snapshot) {
			if !s.Stage.Asks() {
				return
			}
			if s.Stage == restore.AskLoad && s.Written { // nobody else writes here
				fmt.Println(s.Stage, s.Why)
				os.Exit(4)
			}
			if time.Since(began) > 5*time.Minute {
				fmt.Println(s.Stage, s.Why)
				os.Exit(3)
			}
			time.Sleep(20 * time.Millisecond)
			kind := restore.KindRetry // the killed worker's session may still be ending
			f.Send(run.Request{Seq: s.Seq, Event: restore.Event{Kind: kind}})
		},
	}
	s, err := r.Run(context.Background(), restore.Event{Kind: j.First})
	fmt.Println(s.Stage, err)
	return err
}

// launch runs a worker process and kills it after the given time, if not 0.
func launch(t *testing.T, j job, kill time.Duration) (killed bool) {
	t.Helper()
	//lint:ignore SA1026 the TLS configuration, which holds a function, is nil
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), jobEnv+"="+string(text))
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if kill > 0 {
		timer := time.AfterFunc(kill, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
		said, _ := os.ReadFile(out.Name())
		t.Fatalf("worker: %v\n%s", err, said)
	}
	return err != nil
}

// engineField is a field that uses the engine for backups and loads.
func engineField(t *testing.T, db *testdb.Server, mode restore.Mode) (f *field, p *restore.Plan, damaged string) {
	t.Helper()
	f = newField(t, db)
	dir := t.TempDir()
	path := filepath.Join(dir, "backup.sql.gz")
	m, err := dump.Run(context.Background(), f.server.Target, dump.Options{Databases: []string{f.live}}, path)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, f.live, damage...)
	damaged = f.dump()
	src := restore.Source{
		Name:       "backup",
		Path:       path,
		State:      "good",
		Manifest:   true,
		Consistent: true,
		At:         m.SnapshotAt,
		Database:   f.live,
	}
	for _, x := range m.Tables {
		src.Tables = append(src.Tables, restore.SourceTable{Name: x.Name, Rows: x.Rows, Checksum: x.Checksum})
	}
	choice := restore.Choice{Mode: mode}
	a, err := f.server.Surveyor.Survey(context.Background(), f.live, src, choice)
	if err != nil {
		t.Fatal(err)
	}
	set := restore.Settings{
		LockWait:     3 * time.Second,
		EmergencyDir: dir,
		Process:      restore.Process{Kind: "file", Name: "up"},
		Ready:        restore.Ready{URL: "file", Wait: restore.Span(5 * time.Second)},
	}
	id := restore.NewID(time.Now(), uint16(rand.Uint32()))
	p = restore.Draft(id, time.Now(), choice, set, src, f.live, a)
	if f.folder, err = (run.Store{Dir: t.TempDir()}).Save(p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.folder.Path, "up"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, side := range []string{p.Shadow, p.Kept} {
			if side != "" {
				db.Exec(t, "", "DROP DATABASE IF EXISTS `"+side+"`")
			}
		}
	})
	return f, p, damaged
}

// survive kills a worker, then continues in the requested way if possible, else by
// resuming, and checks the result.
func survive(
	t *testing.T,
	db *testdb.Server,
	mode restore.Mode,
	line int,
	after time.Duration,
	then restore.Kind,
) (killed bool) {
	t.Helper()
	f, p, damaged := engineField(t, db, mode)
	j := job{Dir: f.folder.Path, Target: f.server.Target, First: restore.KindBegin, Line: line}
	if line > 0 {
		j.Later, after = after, 0
	}
	killed = launch(t, j, after)
	r, err := f.folder.Load()
	if err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprintf("%s, killed after line %d (%s), then %s", p.Mode, len(r.Lines), r.State.Stage, then)
	if !r.State.Can(then) {
		then = restore.KindResume
		if r.State.Stage == restore.Planned {
			then = restore.KindBegin
		}
	}
	if r.State.Can(then) {
		launch(t, job{Dir: f.folder.Path, Target: f.server.Target, First: then}, 0)
	}
	if r, err = f.folder.Load(); err != nil || !r.State.Stage.Final() {
		t.Fatalf("%s: %s, %v", where, r.State.Stage, err)
	}
	want := damaged
	if r.State.Stage == restore.Done {
		want = f.good
	}
	got := f.dump()
	if got != want {
		t.Logf("%s: ended %s", where, r.State.Stage)
		same(t, want, got)
	}
	if ok, _ := (fileService{filepath.Join(f.folder.Path, "up")}).Ready(context.Background(), restore.Ready{}); !ok {
		t.Fatalf("%s: the service is down", where)
	}
	return killed
}

var ways = []restore.Kind{restore.KindResume, restore.KindUndo, restore.KindAbort}

// TestKilledWorkersEndInAConsistentPlace sends SIGKILL to the worker after lines of its
// journal: every line with OPSDECK_SOAK=1, else a selection.
func TestKilledWorkersEndInAConsistentPlace(t *testing.T) {
	soak := os.Getenv("OPSDECK_SOAK") != ""
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		for m, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
			t.Run(string(mode), func(t *testing.T) {
				step := 6
				if soak {
					step = 1
				}
				start := 3 + 2*m
				if soak {
					start = 1
				}
				for line := start; ; line += step {
					killed := true
					picks := ways[line%3 : line%3+1]
					if soak {
						picks = ways
					}
					for _, then := range picks {
						t.Run(
							strconv.Itoa(line)+"/"+string(then),
							func(t *testing.T) { killed = survive(t, db, mode, line, 0, then) },
						)
					}
					if !killed || t.Failed() {
						if line < 12 {
							t.Fatalf("the restore ended at line %d: the test is broken", line)
						}
						return
					}
				}
			})
		}
	})
}

// TestKilledAtRandomMoments kills at any moment, also in the middle of effects.
func TestKilledAtRandomMoments(t *testing.T) {
	n := 2
	if os.Getenv("OPSDECK_SOAK") != "" {
		n = 50 // per mode, so a hundred per server
	}
	seed := testenv.Seed(t)
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		rnd := rand.New(rand.NewPCG(seed, uint64(len(db.Flavour))))
		for i := range n {
			for _, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
				after := time.Duration(rnd.Int64N(int64(1200 * time.Millisecond)))
				then := ways[rnd.IntN(3)]
				t.Run(
					fmt.Sprintf("%d/%s/%s/%s", i, mode, after.Round(time.Millisecond), then),
					func(t *testing.T) { survive(t, db, mode, 0, after, then) },
				)
			}
		}
	})
}

// TestKilledInTheMiddleOfAnEffect kills shortly after the journal line that starts an
// effect: its statements may still run on the server when the next worker starts.
func TestKilledInTheMiddleOfAnEffect(t *testing.T) {
	n := 1
	if os.Getenv("OPSDECK_SOAK") != "" {
		n = 40
	}
	seed := testenv.Seed(t)
	begins := map[restore.Mode][]int{restore.Swap: {10, 14}, restore.InPlace: {10}} // load, swap
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		rnd := rand.New(rand.NewPCG(seed, uint64(len(db.Flavour))))
		for i := range n {
			for _, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
				for _, line := range begins[mode] {
					after := time.Duration(1+rnd.Int64N(250)) * time.Millisecond
					then := ways[i%3]
					t.Run(
						fmt.Sprintf("%d/%s/%d/%s/%s", i, mode, line, after, then),
						func(t *testing.T) { survive(t, db, mode, line, after, then) },
					)
				}
			}
		}
	})
}
