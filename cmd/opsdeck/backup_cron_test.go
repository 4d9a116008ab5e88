package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/watch"
)

// TestTheScheduleOfARealCron installs the line into a real crontab, in place of
// the old script's, and lets a real cron run it: the night that was missed while
// the machine was off is made up for.
func TestTheScheduleOfARealCron(t *testing.T) {
	t.Parallel()
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES (1)")
	sh := newNightly(t, s, db, "")
	config := filepath.Join(filepath.Dir(sh.config), awkward)
	if err := os.Rename(sh.config, config); err != nil {
		t.Fatal(err)
	}
	sh.config = config
	state := filepath.Join(filepath.Dir(config), "state")
	daemon := testdb.Cron(t)
	program, err := exec.LookPath("opsdeck")
	if err != nil {
		t.Fatal(err)
	}
	opsdeck := func(args ...string) string {
		t.Helper()
		out, code := daemon.Run(t, "", program, append([]string{"--lang", "en", "--config", config}, args...)...)
		if code != 0 {
			t.Fatalf("%v ends with %d: %s", args, code, out)
		}
		return out
	}
	crontab := func() string { out, _ := daemon.Run(t, "", "crontab", "-l"); return out }

	script := filepath.Join(filepath.Dir(config), "backup_mysql.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nDB="+db+"\nDIR="+sh.dir+"\nmysqldump --databases \"$DB\" | "+
		"gzip > \"$DIR/${DB}_$(date +%F).sql.gz\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	payroll := "1 2 * * * mysqldump payroll | gzip > " + sh.dir + "/payroll.sql.gz\n"
	old := "MAILTO=\"\"\n0 2 * * * " + script + " >> /var/backups/mysql/cron.log 2>&1\n" + payroll +
		"5 5 * * * /bin/true\n"
	if out, code := daemon.Run(t, old, "crontab", "-"); code != 0 {
		t.Fatal(out)
	}
	var shown scheduleJSON
	if err := json.Unmarshal([]byte(opsdeck("backup", "schedule", "show", "--json")), &shown); err != nil ||
		len(shown.Old) != 2 ||
		shown.Installed != "none" {
		t.Errorf("%+v %v", shown, err)
	}
	if text := opsdeck("backup", "schedule", "install", "--with", "cron", "--replace", "--dry-run"); !strings.Contains(
		text,
		"*/10 * * * *",
	) ||
		crontab() != old {
		t.Errorf("the dry run: %s", text)
	}
	if out, code := daemon.Run(t, "", program, "--config", config, "backup", "schedule", "install", "--with", "cron",
		"--replace"); code != 64 ||
		crontab() != old {
		t.Errorf("without a confirmation: %d %s", code, out)
	}
	opsdeck("backup", "schedule", "install", "--with", "cron", "--replace", "--confirm", db)
	if text := crontab(); !strings.Contains(text, "# replaced by opsdeck: 0 2 * * * "+script) ||
		!strings.Contains(text, "\n"+payroll) ||
		!strings.Contains(text, "\n5 5 * * * /bin/true\n") {
		t.Errorf("the crontab:\n%s", text)
	}
	record := watch.Record{Dir: state}
	since := time.Now().AddDate(0, 0, -3)
	if err := record.Append(watch.Run{Job: "shop/daily", Due: since, Started: since, Ended: since,
		Result: watch.Installed}); err != nil {
		t.Fatal(err)
	}
	daemon.Start(t, "10:09:30 x10") // ten times as fast: if it begins too late for 10:10, 10:20 is a minute away
	if run := lastOf(t, record, "shop/daily"); run.Result != watch.Done {
		t.Errorf("the missed night: %+v", run)
	}
	if files, _ := filepath.Glob(filepath.Join(sh.dir, "*.sql.gz")); len(files) == 0 {
		t.Error("no backup was made")
	}
	opsdeck("backup", "schedule", "remove")
	if text := crontab(); strings.Contains(text, "BEGIN opsdeck") || !strings.Contains(text, "/bin/true") {
		t.Errorf("left:\n%s", text)
	}
}

// lastOf waits for a job's first run.
func lastOf(t *testing.T, record watch.Record, job string) watch.Run {
	t.Helper()
	for range 3000 {
		last, err := record.Last()
		if err != nil {
			t.Fatal(err)
		}
		if run := last[job]; run.Result != watch.Installed {
			return run
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("cron ran nothing")
	return watch.Run{}
}
