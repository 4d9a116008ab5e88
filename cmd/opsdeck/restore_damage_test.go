package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/load"
)

// cramped is a server of the test's own whose data lie on a small disk.
func cramped(t *testing.T, flavour string) *testdb.Server {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted without root")
	}
	db := testdb.Private(
		t,
		flavour,
		"--log-bin="+filepath.Join(t.TempDir(), "binlog"),
	) // MySQL waits for ever when the disk of its log is full
	db.Stop(t)
	aside := filepath.Join(t.TempDir(), "data")
	if out, err := exec.Command("cp", "-a", db.DataDir(), aside).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := unix.Mount("tmpfs", db.DataDir(), "tmpfs", 0, "size=600m,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() { db.Kill(); unix.Unmount(db.DataDir(), unix.MNT_DETACH) })
	if out, err := exec.Command("cp", "-a", aside+"/.", db.DataDir()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	db.Start(t)
	return db
}

// fillDisk leaves so many bytes free on a file system.
func fillDisk(t testing.TB, dir string, leave int64) (path string) {
	t.Helper()
	path = filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for try := 0; ; try++ {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			t.Fatal(err)
		}
		err := unix.Fallocate(int(f.Fd()), 0, 0, max(1, int64(st.Bavail)*st.Bsize-leave))
		if err == nil {
			return path
		}
		if !errors.Is(err, unix.ENOSPC) || try == 50 { // another may have taken room meanwhile
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// many adds a table of some 15 MB, so that a load takes its time.
func (s *realSite) many() {
	s.db.Exec(
		s.t,
		s.live,
		"CREATE TABLE items (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100), note VARCHAR(200), KEY (name)) "+
			"DEFAULT CHARSET=utf8mb4",
		"INSERT INTO items (name, note) VALUES ('千张', REPEAT('x', 180))",
	)
	for range 16 {
		s.db.Exec(s.t, s.live, "INSERT INTO items (name, note) SELECT CONCAT(name, id), note FROM items")
	}
	s.db.Exec(s.t, s.live, "ANALYZE TABLE items")
}

// atLoad begins a restore and returns as soon as the load works on the server: until then, a
// server that is restarted makes the restore ask whether others wrote.
func (s *realSite) atLoad(args ...string) {
	s.t.Helper()
	before := len(s.journals())
	s.must(append([]string{"restore", "--confirm", s.live, "--detach"}, args...)...)
	until(s.t, "the load", func() bool {
		all := s.journals()
		if len(all) == before {
			return false
		}
		text, _ := os.ReadFile(all[len(all)-1])
		return bytes.Contains(text, []byte(`"begins":"load"`))
	})
	db := s.db.Open(s.t, "")
	until(s.t, "the load at work", func() (seen bool) {
		err := db.QueryRow("SELECT COUNT(*) > 0 FROM information_schema.TABLES WHERE TABLE_NAME = ? AND "+
			"LEFT(TABLE_SCHEMA, ?) = ?", load.ProgressTable, len(s.live), s.live).Scan(&seen)
		text, _ := os.ReadFile(s.journals()[before])
		_, after, _ := bytes.Cut(text, []byte(`"begins":"load"`))
		return err == nil && seen || bytes.Contains(after, []byte(`"event":`)) // or it has ended
	})
}

func (s *realSite) journals() []string {
	all, _ := filepath.Glob(filepath.Join(s.dir, "state", "restores", "*", "journal.jsonl"))
	return all
}

// TestRestoreOnADamagedServer meets what the nights bring: too small a disk, a
// disk that fills up in the middle, a server that dies in the middle, tables that
// cannot be read. Each ends in a consistent place.
func TestRestoreOnADamagedServer(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, cramped(t, flavour))
			s.many()
			good := s.dump()
			s.must("backup", "create")
			s.db.Exec(t, s.live, shopDamage...)
			damaged := s.dump()
			t.Run("disk too small", func(t *testing.T) { s.in(t).smallDisk(damaged) })
			t.Run("disk full", func(t *testing.T) { s.in(t).fullDisk(good, damaged) })
			t.Run("server killed", func(t *testing.T) { s.in(t).serverKilled(good, damaged) })
			t.Run("unreadable", func(t *testing.T) { // of few rows: it is about one table's file
				few := newSite(t, s.db)
				few.must("backup", "create")
				few.db.Exec(t, few.live, shopDamage...)
				few.unreadable()
			})
		})
	}
}

// in is the site in a subtest.
func (s *realSite) in(t *testing.T) *realSite {
	sub := *s
	sub.t = t
	return &sub
}

// smallDisk: no room for shadow and live tables is told with the plan, and the
// mode that fits is offered.
func (s *realSite) smallDisk(damaged string) {
	filler := fillDisk(
		s.t,
		s.db.DataDir(),
		15<<20,
	) // the shadow takes about 23 MB, and as much of the live tables may go
	defer os.Remove(filler)
	s.refuses("not enough disk space", "restore", "--confirm", s.live)
	if o := s.run("restore", "--plan"); !strings.Contains(o.out, "in-place") ||
		!strings.Contains(o.out, "blocks the restore") {
		s.t.Fatalf("in-place is not offered:\n%s", o.out)
	}
	if o := s.run("restore", "--plan", "--mode", "in-place"); strings.Contains(o.out, "blocks the restore") {
		s.t.Fatalf("in-place would fit:\n%s", o.out)
	}
	sameDump(s.t, damaged, s.dump())
}

// fullDisk: the disk fills up while the backup loads. MySQL says so and goes on;
// MariaDB may die of it, and is started again with some room.
func (s *realSite) fullDisk(good, damaged string) {
	s.atLoad()
	syscall.Kill(s.db.PID(), syscall.SIGSTOP)
	defer syscall.Kill(s.db.PID(), syscall.SIGCONT)
	filler := fillDisk(s.t, s.db.DataDir(), 1<<20)
	syscall.Kill(s.db.PID(), syscall.SIGCONT)
	attach := s.command("restore", "attach", "--json")
	var out bytes.Buffer
	attach.Stdout = &out
	if err := attach.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { attach.Wait(); close(ended) }()
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		case <-time.After(200 * time.Millisecond):
			if syscall.Kill(s.db.PID(), 0) != nil {
				os.Remove(filler)
				s.db.Start(s.t)
			}
		}
	}
	os.Remove(filler)
	// A server that died and came back with room may have let the load end.
	want := map[string]string{"aborted": damaged, "restored": good}[outcome{out: out.String()}.lastLine(s.t).Result]
	if want == damaged && !strings.Contains(out.String(), s.live+" was not changed") {
		s.t.Errorf("no word of what was not changed:\n%s", out.String())
	}
	sameDump(s.t, want, s.dump())
	if !s.running() {
		s.t.Fatal("the service is down")
	}
	if want == good {
		s.must("restore", "undo", "--confirm", s.live)
		s.must("restore", "drop-old", "--accept-missing", "ar_invoices", "--confirm", s.live)
		sameDump(s.t, damaged, s.dump())
	}
	if left := s.sides(); len(left) > 0 { // the full disk kept the server from dropping it, too
		if o := s.must("restore", "status"); len(left) > 1 || want == good ||
			!strings.Contains(o.out, "The database "+left[0]+" could not be removed. Remove it: opsdeck") {
			s.t.Fatalf("schemas are left: %v\n%s\n%s", left, o.out, out.String())
		}
		s.must("restore", "drop-old", "--accept-missing", "ar_invoices", "--confirm", s.live)
		sameDump(s.t, damaged, s.dump())
	}
	if left := s.sides(); len(left) > 0 {
		s.t.Fatalf("schemas are left: %v", left)
	}
}

// serverKilled: kill -9 of the server while the backup loads; once it is back
// the load goes on.
func (s *realSite) serverKilled(good, damaged string) {
	for _, mode := range []string{"swap", "in-place"} {
		s.atLoad("--mode", mode)
		s.db.Kill()
		s.db.Start(s.t)
		o := s.run("restore", "attach", "--json")
		if last := o.lastLine(s.t); last.Result != "restored" {
			s.t.Fatalf("%s: exit %d, %+v\n%s\n%s", mode, o.code, last, o.out, o.err)
		}
		sameDump(s.t, good, s.dump())
		s.must("restore", "undo", "--confirm", s.live)
		sameDump(s.t, damaged, s.dump())
		if !s.running() {
			s.t.Fatal("the service is down")
		}
		if mode == "swap" {
			s.must("restore", "drop-old", "--accept-missing", "ar_invoices", "--confirm", s.live)
		}
	}
}

// unreadable: a table whose file is gone cannot be in the emergency backup. It
// is named, and skipped only after a yes.
func (s *realSite) unreadable() {
	s.db.Exec(
		s.t,
		s.live,
		"CREATE TABLE ar_invoices (id INT PRIMARY KEY AUTO_INCREMENT, total DECIMAL(12,2)) ENGINE=InnoDB DEFAULT "+
			"CHARSET=utf8mb4",
		"INSERT INTO ar_invoices VALUES (1, 1)",
	)
	s.db.Stop(s.t)
	if err := os.Remove(filepath.Join(s.db.DataDir(), s.live, "ar_invoices.ibd")); err != nil {
		s.t.Fatal(err)
	}
	s.db.Start(s.t)
	plan := s.must("restore", "--plan", "--json").out
	if !strings.Contains(plan, `"rows":-1`) && !strings.Contains(plan, `"rows": -1`) {
		s.t.Errorf("the plan does not know of it:\n%s", plan)
	}
	o := s.run("restore", "--confirm", s.live, "--json")
	if last := o.lastLine(s.t); o.code != 1 || last.Result != "aborted" ||
		!strings.Contains(o.out, "cannot be read and would be missing in the emergency backup: ar_invoices") ||
		!strings.Contains(o.out+o.err, "add --skip-unreadable") {
		s.t.Fatalf("exit %d, %+v\n%s\n%s", o.code, last, o.out, o.err)
	}
	for _, mode := range []string{"swap", "in-place"} {
		o = s.run("restore", "--confirm", s.live, "--json", "--skip-unreadable", "--mode", mode)
		if last := o.lastLine(s.t); last.Result != "restored" {
			s.t.Fatalf("%s: exit %d, %+v\n%s\n%s", mode, o.code, last, o.out, o.err)
		}
		var rows int
		if err := s.db.Open(s.t, s.live).QueryRow("SELECT COUNT(*) FROM ar_invoices").Scan(&rows); err != nil ||
			rows != 3 {
			s.t.Fatalf("%s: %d rows, %v", mode, rows, err)
		}
		if report := s.must("restore", "report").out; !strings.Contains(
			report,
			"Not in the emergency backup (unreadable): ar_invoices",
		) {
			s.t.Errorf("%s: the report says nothing of it:\n%s", mode, report)
		}
		if mode == "in-place" || !s.running() {
			break
		}
		s.breakAgain()
	}
	if !s.running() {
		s.t.Fatal("the service is down")
	}
}

func (s *realSite) breakAgain() {
	s.db.Stop(s.t)
	if err := os.Remove(filepath.Join(s.db.DataDir(), s.live, "ar_invoices.ibd")); err != nil {
		s.t.Fatal(err)
	}
	s.db.Start(s.t)
}
