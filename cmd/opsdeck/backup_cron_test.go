package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/human"
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
	own := "@weekly mysqldump --databases " + db + " | gzip > '" + sh.dir + "/it is whole.sql.gz'"
	old := "MAILTO=\"\"\n0 2 * * * " + script + " >> /var/backups/mysql/cron.log 2>&1\n" + payroll +
		"5 5 * * * /bin/true\n\t" + own + "\n"
	if out, code := daemon.Run(t, old, "crontab", "-"); code != 0 {
		t.Fatal(out)
	}
	var shown scheduleJSON
	if err := json.Unmarshal([]byte(opsdeck("backup", "schedule", "show", "--json")), &shown); err != nil ||
		len(shown.Old) != 3 ||
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
	replace := []string{"--lang", "en", "--config", config, "backup", "schedule", "install", "--with", "cron",
		"--replace"}
	refused := func(want string, flags ...string) string {
		t.Helper()
		out, code := daemon.Run(t, "", program, append(slices.Clone(replace), flags...)...)
		if code != 64 || !strings.Contains(out, want) || crontab() != old {
			t.Errorf("%v: %d %s", flags, code, out)
		}
		return out
	}
	refused("this needs a confirmation", "--line", own)
	refused("certainly backs up this database", "--confirm", db, "--line", strings.TrimSpace(payroll))
	_, advice, _ := strings.Cut(refused("2 lines at once", "--confirm", db), "is meant: opsdeck ")
	// A person is asked for each line: the first stays, the second goes.
	typed := human.Shell(program)
	for _, word := range replace {
		typed += " " + human.Shell(word)
	}
	asked, code := daemon.Run(t, "n\ny\n", "script", "-qec", typed, "/dev/null")
	left := strings.Replace(old, "\t"+own, "# replaced by opsdeck: \t"+own, 1)
	if text := crontab(); code != 0 || strings.Count(asked, "Comment out this line? [y/N]") != 2 ||
		!strings.Contains(asked, "it runs "+script+", which dumps "+db+" into "+sh.dir) ||
		!strings.Contains(asked, "it dumps "+db+" into "+sh.dir) || !strings.HasPrefix(text, left) {
		t.Errorf("asked at a terminal: %d %s\nthe crontab:\n%s", code, asked, text)
	}
	opsdeck("backup", "schedule", "remove")
	if text := crontab(); text != left {
		t.Errorf("after the removal:\n%s", text)
	}
	// The advice takes both lines; one alone needs no more than the database's name, as ever.
	daemon.Run(t, old, "crontab", "-")
	if out, code := daemon.Run(t, "", "sh", "-c", human.Shell(program)+" "+advice); code != 0 ||
		strings.Count(crontab(), "# replaced by opsdeck: ") != 2 {
		t.Errorf("the advice: %d %s\nthe crontab:\n%s", code, out, crontab())
	}
	daemon.Run(t, left, "crontab", "-")
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
