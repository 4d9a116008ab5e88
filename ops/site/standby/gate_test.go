package standby

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	core "opsdeck/ops/restore/standby"
	"opsdeck/ops/site"
	"opsdeck/ops/site/restores"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// gated is a round on a real server, with a disk of which the test says what is free.
func gated(t *testing.T, free *int64) *round {
	t.Helper()
	before, wait, look := roomOf, busyFor, lookEvery
	roomOf = func(context.Context, *swap.Facts, mysql.Target) (int64, int64) { return *free, 1000 }
	busyFor, lookEvery = 50*time.Millisecond, time.Millisecond
	t.Cleanup(func() { roomOf, busyFor, lookEvery = before, wait, look })
	s := testdb.MariaDB(t)
	addr := fmt.Sprintf("%s:%d", s.Host, s.Port)
	target := mysql.Target{Network: "tcp", Addr: addr, User: s.User, Password: s.Password}
	service := &config.Service{Name: "shop"}
	service.Health.DiskFree = 0.2 // a tenth stays free
	at := &site.Site{Service: service, StateDir: t.TempDir(), Clock: clock.Real{}}
	server := swap.New(swap.Settings{Target: target})
	t.Cleanup(func() { server.Close() })
	return &round{
		Keeper: &Keeper{Desk: &restores.Desk{Site: at, Target: target}},
		ctx:    t.Context(),
		server: server,
		rec:    &core.Record{State: core.Ready, Schema: "shop__standby"},
		did:    &Did{},
	}
}

// TestANearlyFullDiskPausesWorkAndRoomLetsItGoOn: the limit is half of what Status warns
// from. Work that was begun waits a while; work that was not is put off at once.
func TestANearlyFullDiskPausesWorkAndRoomLetsItGoOn(t *testing.T) {
	free := int64(100)
	r := gated(t, &free)
	if err := r.rest(t.Context()); err != nil || r.paused() {
		t.Fatalf("with room: %v, %v", err, r.did.Paused)
	}
	free = 99
	time.Sleep(2 * time.Millisecond) // until it looks again
	if err := r.rest(t.Context()); !errors.Is(err, errPaused) ||
		!strings.Contains(r.did.Paused.String(), "the server's disk is nearly full") {
		t.Fatalf("without room: %v, %v", err, r.did.Paused)
	}
	if err := r.notePause(); err != nil {
		t.Fatal(err)
	}
	if rec, err := r.Standby().Load(); err != nil || !strings.Contains(rec.Paused.Msg.String(), "nearly full") {
		t.Errorf("remembered: %+v, %v", rec.Paused, err)
	}
	next := gated(t, &free)
	busyFor = time.Hour
	if err := next.rest(t.Context()); !errors.Is(err, errPaused) {
		t.Errorf("work that was not begun waits: %v", err)
	}
	free = 100
	next = gated(t, &free)
	if err := next.rest(t.Context()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestABusyServerPausesWork: by its number of running threads.
func TestABusyServerPausesWork(t *testing.T) {
	free := int64(-1)
	r := gated(t, &free)
	r.Service.Restore.StandbyThreads = 1000
	if err := r.rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Service.Restore.StandbyThreads = 1
	pool := testdb.MariaDB(t).Open(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { pool.ExecContext(ctx, "SELECT SLEEP(600)"); close(done) }()
	for running := 0; running < 2; {
		var name string
		if err := pool.QueryRow("SHOW GLOBAL STATUS LIKE 'Threads_running'").Scan(&name, &running); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.rest(t.Context()); !errors.Is(err, errPaused) ||
		!strings.Contains(r.did.Paused.String(), "the server is busy: Threads_running is") {
		t.Errorf("%v, %v", err, r.did.Paused)
	}
	cancel()
	<-done
}

// TestWhatIsNotBuiltYetSaysWhy: what kept the first build from beginning.
func TestWhatIsNotBuiltYetSaysWhy(t *testing.T) {
	free := int64(-1)
	r := gated(t, &free)
	r.rec = &core.Record{State: core.Off}
	r.noteUnbuilt(Cost{NeedBytes: 900, FreeBytes: 100, KeepBytes: 10}.Room())
	rec, err := r.Standby().Load()
	if err != nil {
		t.Fatal(err)
	}
	said := Standing{Record: rec, On: true}.Headline(time.Now()).String()
	if !strings.HasPrefix(said, "the standby was not built yet: the standby needs about 900 B") {
		t.Error(said)
	}
	rec.Why = core.Record{}.Why
	if said := (Standing{Record: rec,
		On: true}).Headline(time.Now()).String(); said != "the standby was not built yet" {
		t.Error(said)
	}
}
