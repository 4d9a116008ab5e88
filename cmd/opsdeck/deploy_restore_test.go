package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
)

// TestARestoreAndADeploymentAreNeverAtTheSameTime: both stop and start the service and
// change its tables. A backup is made beside either.
func TestARestoreAndADeploymentAreNeverAtTheSameTime(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.amend(`"SELECT COUNT(*) > 0 FROM customers"`, `"SELECT 0"`)
	s.amend("    logs: []\n", `    logs: []
    deploy:
      dir: `+s.dir+`
      plans:
        - {name: own, steps: [{name: work, run: "touch began; until [ -e go ] || [ ! -e began ]; do sleep 0.05; done", undo: "true"}]}
`)
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	alone := func() { s.write("config.yaml", string(text)) }
	s.shareDatabase()
	refused := func(want string, args ...string) {
		t.Helper()
		if o := s.run(args...); o.code != 75 || !strings.Contains(o.err, want) {
			t.Errorf("%v: exit %d, want 75 and %q\n%s%s", args, o.code, want, o.out, o.err)
		}
	}
	restoreOf := func(service string) []string {
		return []string{"restore", "--confirm", s.live, "--detach", "--answer-after", "10m", "--service", service}
	}

	at, err := mysql.Resolve(config.Database{OptionsFile: s.db.OptionsFile(t)})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := mysql.TakeClaim(t.Context(), at, s.live, lock.Holder{User: "zhang", What: "restore x"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused("holds the lock of "+s.live+" on the server", "deploy", "run", "own", "--confirm", "shop",
		"--service", "shop")
	elsewhere.Release()

	deployment := s.command("deploy", "run", "own", "--confirm", "shop", "--service", "shop")
	if err := deployment.Start(); err != nil {
		t.Fatal(err)
	}
	defer deployment.Wait()
	defer deployment.Process.Kill()
	until(t, "the deployment's step", func() bool { _, err := os.Stat(filepath.Join(s.dir, "began")); return err == nil })
	if err := mysql.LookClaim(t.Context(), at, s.live); !errors.Is(err, mysql.ErrClaimed) {
		t.Errorf("another machine sees of the deployment: %v", err)
	}
	refused("has been deploying shop since ", restoreOf("shop")...)
	refused("has been deploying shop since ", restoreOf("twin")...)
	if o := s.must("restore", "status", "--service", "shop"); strings.Contains(o.out, "step") {
		t.Errorf("a restore was begun:\n%s", o.out)
	}
	s.must("backup", "create", "--service", "shop")
	s.write("go", "")
	if err := deployment.Wait(); err != nil {
		t.Fatal(err)
	}

	s.must(restoreOf("shop")...)
	alone()
	waitStage(t, s, "ask-verify")
	s.shareDatabase()
	for _, service := range []string{"shop", "twin"} {
		refused("has been restoring the database of "+service+" since ", "deploy", "run", "own", "--confirm", service,
			"--service", service)
	}
	refused("has been restoring the database of shop since ", "deploy", "undo", "--confirm", "shop", "--service",
		"shop")
	s.must("backup", "create", "--service", "shop")
	if o := s.must("deploy", "status", "--service", "shop"); strings.Contains(o.out, "running") {
		t.Errorf("the restore is taken for a deployment:\n%s", o.out)
	}

	alone()
	s.killWorker()
	s.shareDatabase()
	refused("is unfinished", "deploy", "run", "own", "--confirm", "twin", "--service", "twin")
	refused("is unfinished", "deploy", "run", "--resume", "--confirm", "shop", "--service", "shop")
	other, err := lock.Take(filepath.Join(s.dir, "state", "locks", "service-73686f70.lock"),
		lock.Holder{User: "zhang", What: "deploy"})
	if err != nil {
		t.Fatal(err)
	}
	refused("zhang (pid ", "restore", "abort", "--confirm", s.live, "--service", "shop")
	other.Release()
	s.must("restore", "abort", "--confirm", s.live, "--service", "shop")
	s.must("deploy", "run", "own", "--confirm", "shop", "--service", "shop")
}
