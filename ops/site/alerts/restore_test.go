package alerts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops/alert"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/site"
)

// restoring is a watcher of a service whose restore a test begins and ends.
type restoring struct {
	t     *testing.T
	w     *Watcher
	log   string
	store run.Store
}

// TestTheAlertsOfARestoreAreSilentWhileItsWorkerLives: from the moment that it begins, even
// when the alert comes between two looks, and until its worker is gone, however it ended: an
// alert that is still there then is told.
func TestTheAlertsOfARestoreAreSilentWhileItsWorkerLives(t *testing.T) {
	t.Parallel()
	x := newRestoring(t)
	for round, end := range []string{"killed", "its machine restarted"} {
		id := restore.NewID(time.Now(), uint16(round+1))
		worker, journal := x.begin(id)
		rule := fmt.Sprint("needle", round)
		x.line("ERROR " + rule)
		x.state(rule, alert.Silenced)
		if why := x.alert(rule).SilencedBy.EN; why != "a restore is running: "+id {
			t.Errorf("silenced by %q", why)
		}
		// Neither writes anything when it ends so: the lock alone tells.
		if err := worker.Release(); err != nil {
			t.Fatal(err)
		}
		x.state(rule, alert.Firing)
		if n := x.alert(rule).Told.Fired; n != 1 {
			t.Errorf("%s: told %d times", end, n)
		}
		journal.Close()
		if err := os.RemoveAll(x.store.Folder(id).Path); err != nil {
			t.Fatal(err)
		}
	}
}

func newRestoring(t *testing.T) *restoring {
	t.Helper()
	dir := t.TempDir()
	x := &restoring{t: t, log: filepath.Join(dir, "app.log"), store: run.Store{Dir: filepath.Join(dir, "state")}}
	x.line("the beginning")
	s := config.Service{
		Name:     "shop",
		Database: config.Database{Name: "sales"},
		Logs:     config.LogSources{{Path: x.log}},
		Notify:   []config.Notify{{Name: "none", Kind: "command", Command: []string{"true"}}},
	}
	for i := range 2 {
		rule := fmt.Sprint("needle", i)
		s.Alerts.Rules = append(s.Alerts.Rules, config.AlertRule{Name: rule, Query: rule, KeepFiring: time.Hour})
	}
	at := &site.Site{Service: &s, StateDir: x.store.Dir}
	x.w = &Watcher{
		Services: []Service{{Config: s, Site: func() (*site.Site, error) { return at, nil }}},
		StateDir: x.store.Dir,
		Clock:    clock.Real{},
		Lang:     lang.English(),
		Say:      func(m lang.Msg) { t.Log(m.String()) },
	}
	if err := os.MkdirAll(x.store.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := x.w.Prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	x.until("the log is read", func(b *alert.Book) bool { return len(b.Places) > 0 })
	return x
}

func (x *restoring) line(text string) {
	x.t.Helper()
	f, err := os.OpenFile(x.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		x.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text + "\n"); err != nil {
		x.t.Fatal(err)
	}
}

// begin begins a restore as its worker does: the plan, the lock, the first line.
func (x *restoring) begin(id string) (*lock.Lock, *run.Journal) {
	x.t.Helper()
	p := restore.Draft(id, time.Now(), restore.Choice{Mode: restore.Swap}, restore.Settings{Service: "shop"},
		restore.Source{Name: "b.sql.gz"}, "sales", &restore.Assessment{})
	folder, err := x.store.Save(p)
	if err != nil {
		x.t.Fatal(err)
	}
	worker, err := lock.Take(folder.WorkerLock(), lock.Holder{User: "test", What: "restore"})
	if err != nil {
		x.t.Fatal(err)
	}
	j, err := run.OpenJournal(folder.JournalPath())
	if err == nil {
		err = j.Append(run.Line{
			Time:  time.Now(),
			Stage: restore.Checking,
			Event: &restore.Event{Kind: restore.KindBegin},
		})
	}
	if err != nil {
		x.t.Fatal(err)
	}
	return worker, j
}

// until waits for a state of the book.
func (x *restoring) until(what string, is func(*alert.Book) bool) {
	x.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		b, err := alert.Read(x.store.Dir)
		if err == nil && is(b) {
			return
		}
		if time.Now().After(end) {
			x.t.Fatalf("%s: not within a minute: %v %+v", what, err, b)
		}
	}
}

func (x *restoring) alert(rule string) (found alert.Alert) {
	x.t.Helper()
	x.until(rule, func(b *alert.Book) bool {
		at := slices.IndexFunc(b.Alerts, func(a alert.Alert) bool { return a.Rule == rule })
		if at >= 0 {
			found = b.Alerts[at]
		}
		return at >= 0
	})
	return found
}

// state waits until an alert has a state, and refuses that it was told while it is silenced.
func (x *restoring) state(rule string, want alert.State) {
	x.t.Helper()
	x.until(rule+" is "+string(want), func(b *alert.Book) bool {
		for _, a := range b.Alerts {
			if a.Rule == rule && want == alert.Silenced && a.Told.Fired > 0 {
				x.t.Fatalf("%s was told during the restore", rule)
			}
			if a.Rule == rule && a.State == want {
				return want == alert.Silenced || a.Told.Fired > 0
			}
		}
		return false
	})
}
