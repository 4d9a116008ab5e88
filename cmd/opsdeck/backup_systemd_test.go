package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
)

// awkward is the configuration's name: each of its characters means something to
// systemd, to cron or to a shell.
const awkward = `shop's 100% $HOME;"own" \n.yaml`

// inside is opsdeck in a real systemd's world: /usr, one folder, and the
// database's socket in it.
type inside struct {
	*testdb.SystemdManager
	t      *testing.T
	folder string
}

func newInside(t *testing.T, s *testdb.Server, daily string) inside {
	t.Helper()
	folder, err := os.MkdirTemp("", "opsdeck-inside")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	in := inside{t: t, folder: folder}
	in.copyProgram()
	if err := os.Link(s.Socket, in.path("socket")); err != nil {
		t.Fatal(err)
	}
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES (1)")
	in.write(awkward, fmt.Sprintf(`services:
  - name: shop
    health: {url: ""}
    process: {kind: none}
    redis: {address: ""}
    logs: []
    database: {name: %s, options_file: ~/.my.cnf}
    restore: {key_tables: [customers]}
    backup: {dir: %s, drill: never, daily: %q}
state_dir: %s
`, db, in.path("backups"), daily, in.path("state")))
	in.write(
		"my.cnf",
		fmt.Sprintf("[client]\nuser=%s\npassword=%s\nsocket=%s\n", s.User, s.Password, in.path("socket")),
	)
	in.SystemdManager = testdb.Systemd(t, folder)
	in.must("mkdir", "-p", "/root", "/var/lib/systemd/timers")
	in.must("cp", in.path("my.cnf"), "/root/.my.cnf")
	return in
}

func (in inside) path(name string) string { return filepath.Join(in.folder, name) }

func (in inside) write(name, text string) {
	in.t.Helper()
	if err := os.WriteFile(in.path(name), []byte(text), 0o600); err != nil {
		in.t.Fatal(err)
	}
}

// copyProgram puts this test's own program into the folder: under the name
// opsdeck it is opsdeck.
func (in inside) copyProgram() {
	in.t.Helper()
	program, err := exec.LookPath("opsdeck")
	if err != nil {
		in.t.Fatal(err)
	}
	text, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(in.path("opsdeck"), text, 0o755)
	}
	if err != nil {
		in.t.Fatal(err)
	}
}

func (in inside) must(name string, args ...string) string {
	in.t.Helper()
	out, code := in.Run(in.t, name, args...)
	if code != 0 {
		in.t.Fatalf("%s %v ends with %d: %s", name, args, code, out)
	}
	return strings.TrimSpace(out)
}

func (in inside) opsdeck(want int, args ...string) string {
	in.t.Helper()
	out, code := in.Run(
		in.t,
		in.path("opsdeck"),
		append([]string{"--lang", "en", "--config", in.path(awkward)}, args...)...)
	if code != want {
		in.t.Fatalf("%v ends with %d, not %d: %s", args, code, want, out)
	}
	return out
}

func (in inside) schedule() (doc scheduleJSON) {
	in.t.Helper()
	if err := json.Unmarshal([]byte(in.opsdeck(0, "backup", "schedule", "show", "--json")), &doc); err != nil {
		in.t.Fatal(err)
	}
	return doc
}

// TestTheScheduleOfARealSystemd installs the timers under a real systemd. A run
// that was missed while the machine was off is made up for, a night that fails
// is a failed unit, a second one says who holds the lock, and all of it can be
// taken away again.
func TestTheScheduleOfARealSystemd(t *testing.T) {
	t.Parallel()
	in := newInside(t, testdb.MariaDB(t), "0 2 * * *")
	if text := in.opsdeck(0, "backup", "schedule", "install"); !strings.Contains(text, "installed in systemd") {
		t.Error(text)
	}
	timer, service := "opsdeck-shop-daily.timer", "opsdeck-shop-daily.service"
	if text := in.must("systemctl", "list-timers", "--all", "--no-pager"); !strings.Contains(text, timer) ||
		!strings.Contains(text, "02:00:00") {
		t.Errorf("timers:\n%s", text)
	}
	in.must("systemd-analyze", "verify", "/etc/systemd/system/"+timer)

	in.must("systemctl", "stop", timer)
	in.must("touch", "-d", "3 days ago", "/var/lib/systemd/timers/stamp-"+timer)
	in.must("systemctl", "start", timer)
	in.settles(service)
	if doc := in.schedule(); doc.Installed != "systemd" || doc.Jobs[0].LastResult != "done" || doc.Jobs[0].Missed {
		t.Errorf("after a missed run was made up for: %+v", doc.Jobs[0])
	}
	var list backupListJSON
	if err := json.Unmarshal([]byte(in.opsdeck(0, "backup", "list", "--json")), &list); err != nil ||
		len(list.Backups) == 0 ||
		list.Backups[0].State != "good" ||
		!strings.Contains("daily weekly monthly", list.Backups[0].Tier) { // the name that is kept longest
		t.Errorf("%+v %v", list.Backups, err)
	}

	held, err := lock.Take(
		filepath.Join(in.path("state"), "locks", "schedule.lock"),
		lock.Holder{User: "li", What: "a long night"},
	)
	if err != nil {
		t.Fatal(err)
	}
	if text := in.opsdeck(75, "backup", "schedule", "run", "daily"); !strings.Contains(text, "li (pid") {
		t.Error(text)
	}
	held.Release()

	os.Rename(in.path("socket"), in.path("away"))
	if _, code := in.Run(t, "systemctl", "start", service); code == 0 {
		t.Error("a failed night is no failed unit")
	}
	if text := in.must("systemctl", "show", "-p", "Result", "-p", "ExecMainStatus", service); !strings.Contains(
		text,
		"Result=exit-code",
	) ||
		!strings.Contains(text, "ExecMainStatus=75") {
		t.Error(text)
	}
	if text := in.opsdeck(2, "status", "--only", "backup"); !strings.Contains(text, "failed") {
		t.Error(text)
	}

	in.opsdeck(0, "backup", "schedule", "remove")
	if text := in.must("systemctl", "list-timers", "--all", "--no-pager"); strings.Contains(text, "opsdeck-shop") {
		t.Errorf("left:\n%s", text)
	}
	if doc := in.schedule(); doc.Installed != "none" {
		t.Errorf("%+v", doc)
	}
}

// TestTheHourComes waits for the hour that a timer names, under a real systemd.
func TestTheHourComes(t *testing.T) {
	if os.Getenv("OPSDECK_SOAK") == "" {
		t.Skip("takes two minutes; set OPSDECK_SOAK=1")
	}
	hour := time.Now().UTC().Add(110 * time.Second).Truncate(time.Minute)
	in := newInside(t, testdb.MariaDB(t), fmt.Sprintf("%d %d * * *", hour.Minute(), hour.Hour()))
	in.opsdeck(0, "backup", "schedule", "install")
	if doc := in.schedule(); doc.Jobs[0].LastResult != "" {
		t.Fatalf("it ran before its hour: %+v", doc.Jobs[0])
	}
	time.Sleep(time.Until(hour))
	in.settles("opsdeck-shop-daily.service")
	if doc := in.schedule(); doc.Jobs[0].LastResult != "done" {
		t.Errorf("%+v", doc.Jobs[0])
	}
	if made, err := filepath.Glob(in.path("backups/*.sql.gz")); err != nil || len(made) == 0 ||
		!strings.Contains(strings.Join(made, " "), hour.Format("20060102_1504")) {
		t.Errorf("backups: %v, %v; the hour was %s", made, err, hour)
	}
}

// settles waits for a unit's run to end, and wants it to have ended well.
func (in inside) settles(service string) {
	in.t.Helper()
	for range 3000 {
		text := in.must(
			"systemctl",
			"show",
			"-p",
			"ActiveState",
			"-p",
			"Result",
			"-p",
			"ExecMainExitTimestampMonotonic",
			service,
		)
		switch {
		case strings.Contains(text, "ActiveState=failed"):
			log, _ := in.Run(in.t, "journalctl", "-u", service, "--no-pager")
			in.t.Fatalf("%s\n%s", text, log)
		case strings.Contains(text, "ActiveState=inactive") && !strings.Contains(text, "Monotonic=0"):
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	in.t.Fatalf("%s does not end", service)
}
