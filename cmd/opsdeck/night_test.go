package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
)

// nightly is a real service with a database, a folder for backups and a copy.
type nightly struct {
	t      *testing.T
	config string
	dir    string
}

func newNightly(t *testing.T, s *testdb.Server, db, copies string) nightly {
	t.Helper()
	dir := t.TempDir()
	sh := nightly{t: t, config: filepath.Join(dir, "config.yaml"), dir: filepath.Join(dir, "backups")}
	text := fmt.Sprintf(`services:
  - name: shop
    health: {url: ""}
    process: {kind: none}
    redis: {address: ""}
    logs: []
    database: {name: %s, options_file: %s, host: %s, port: %d}
    restore: {key_tables: [customers, orders]}
    backup:
      dir: %s
      keep: {daily: 7, weekly: 4, monthly: 12, manual: 2, emergency: 3}
%s
state_dir: %s
`, db, s.OptionsFile(t), s.Host, s.Port, sh.dir, copies, filepath.Join(dir, "state"))
	if err := os.WriteFile(sh.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return sh
}

// run runs a command and decodes its JSON, if it is wanted.
func (s nightly) run(want int, into any, args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	code := run(
		context.Background(),
		append([]string{"--config", s.config, "--lang", "en"}, args...),
		stdio{in: strings.NewReader(""), out: &out, err: &errs},
	)
	if code != want {
		s.t.Fatalf("%v ends with %d, not %d\n%s%s", args, code, want, out.String(), errs.String())
	}
	if into != nil {
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			s.t.Fatalf("%v: %v\n%s", args, err, out.String())
		}
	}
	return out.String() + errs.String()
}

// TestTheWholeNight goes through a night on real servers: create, verify, names,
// prune, copy, drill, and the list says so.
func TestTheWholeNight(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(
			t,
			db,
			"CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))",
			"CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, FOREIGN KEY (customer_id) REFERENCES "+
				"customers (id))",
			"INSERT INTO customers (name) VALUES ('千张'), ('b'), ('c')",
			"INSERT INTO orders VALUES (1, 1), (2, 3)",
		)
		far := testdb.SSHD(t)
		sh := newNightly(
			t,
			s,
			db,
			fmt.Sprintf(
				"      copies: [{name: far, kind: rsync, target: \"%s@%s:%s/copy\", port: %d, identity_file: %s, "+
					"ssh_options: [UserKnownHostsFile=%s]}]",
				far.User,
				far.Host,
				far.Dir,
				far.Port,
				far.IdentityFile,
				far.KnownHosts,
			),
		)

		var made struct {
			Name, SHA256 string
			Rows, Tables int
		}
		for range 4 {
			sh.run(0, &made, "backup", "create", "--json")
		}
		if made.Rows != 5 || made.Tables != 2 {
			t.Errorf("%+v", made)
		}
		sh.run(0, nil, "backup", "schedule", "run", "daily")

		var list backupListJSON
		sh.run(0, &list, "backup", "list", "--json")
		tiers := map[string]int{}
		for _, b := range list.Backups {
			tiers[b.Tier]++
			if b.State != "good" || b.VerifiedAt == nil || len(b.KeepReasons) == 0 {
				t.Errorf("%+v", b)
			}
		}
		if tiers["daily"] != 1 || tiers["manual"] != 2 || list.NewestGood == nil {
			t.Errorf("after the night: %v", tiers)
		}
		if there := string(far.Run(t, "ls "+far.Dir+"/copy")); strings.Count(there, ".sql.gz\n") != 3 ||
			strings.Count(there, ".manifest.json") != 3 {
			t.Errorf("at the copy:\n%s", there)
		}

		var drill struct {
			Result, Scenario, Backup string
			RestoreMS                int64 `json:"restore_ms"`
		}
		sh.run(0, &drill, "backup", "drill", "--json")
		if drill.Result != "passed" || drill.Backup != *list.NewestGood {
			t.Errorf("%+v", drill)
		}
		if text := sh.run(0, nil, "backup", "drills"); !strings.Contains(text, "passed") ||
			!strings.Contains(text, "whole database") {
			t.Error(text)
		}
		if text := sh.run(0, nil, "backup", "show", *list.NewestGood); !strings.Contains(text, "customers") {
			t.Error(text)
		}
		if text := sh.run(0, nil, "operations", "--verify"); !strings.Contains(text, "backup.drill") ||
			!strings.Contains(text, "hash chain intact") {
			t.Error(text)
		}
		sh.damaged(*list.NewestGood)
	})
}

// damaged flips a byte of the newest backup: verify finds it, the list says so,
// and nothing is removed any more.
func (s nightly) damaged(name string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.run(1, nil, "backup", "verify")
	if text := s.run(0, nil, "backup", "list"); !strings.Contains(text, "bad") ||
		!strings.Contains(text, "damaged in") {
		s.t.Error(text)
	}
	if text := s.run(1, nil, "backup", "prune", "--confirm", "x"); !strings.Contains(text, "nothing was removed") {
		s.t.Error(text)
	}
}

// TestAFailedNightIsLoud: the server is away, the exit code says so, the record
// too, and no file is left under a final name.
func TestAFailedNightIsLoud(t *testing.T) {
	s := testdb.Private(t, "mariadb")
	db := s.Schema(t)
	sh := newNightly(t, s, db, "")
	s.Stop(t)
	sh.run(75, nil, "backup", "schedule", "run", "daily")
	var doc scheduleJSON
	sh.run(0, &doc, "backup", "schedule", "show", "--json")
	if doc.Jobs[0].LastResult != "failed" || doc.Jobs[0].LastError == "" {
		t.Errorf("%+v", doc.Jobs[0])
	}
	if left, _ := filepath.Glob(filepath.Join(sh.dir, "*")); left != nil {
		t.Errorf("left: %v", left)
	}
	s.Start(t)
}

// TestTwoAtOnce: the second ends with 75 and says who holds the lock.
func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := nightly{t: t, config: filepath.Join(dir, "config.yaml")}
	os.WriteFile(
		s.config,
		fmt.Appendf(nil, "services: [{name: shop, backup: {dir: %s}}]\nstate_dir: %s\n", dir, dir),
		0o600,
	)
	for name, command := range map[string][]string{"backup.lock": {"backup", "prune"},
		"schedule.lock": {"backup", "schedule", "run", "daily"}, "watch.lock": {"watch"}} {
		held, err := lock.Take(filepath.Join(dir, "locks", name), lock.Holder{User: "li", What: "something long"})
		if err != nil {
			t.Fatal(err)
		}
		if text := s.run(75, nil, command...); !strings.Contains(text, "li (pid") ||
			!strings.Contains(text, "something long") {
			t.Error(text)
		}
		held.Release()
	}
}
