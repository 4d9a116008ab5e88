package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestBackupsOfAnotherServerAreNeitherChosenNorRemoved has two services whose databases have
// one name on two servers, with one backup folder.
func TestBackupsOfAnotherServerAreNeitherChosenNorRemoved(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	other := testdb.Private(t, "mariadb")
	other.Exec(t, "", "CREATE DATABASE `"+s.live+"` CHARACTER SET utf8mb4")
	other.Exec(t, s.live, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES (7)")
	s.amend("state_dir:", fmt.Sprintf(`  - name: staging
    health: {url: ""}
    database: {name: %s, options_file: %s, host: 127.0.0.1, port: %d}
    redis: {address: ""}
    process: {kind: none}
    logs: []
    backup: {dir: %s, keep: {manual: 1}}
    restore: {key_tables: []}
state_dir:`, s.live, other.OptionsFile(t), other.Port, filepath.Join(s.dir, "backups")))
	s.must("--service", "shop", "backup", "create")
	ours := s.backups()[0]
	var theirs string
	for i := range 2 {
		if i == 1 {
			other.Exec(t, s.live, "INSERT INTO customers SELECT seq FROM seq_1001_to_1500")
		}
		var made struct{ Name string }
		if err := json.Unmarshal([]byte(s.must("--service", "staging", "backup", "create", "--json").out),
			&made); err != nil {
			t.Fatal(err)
		}
		theirs = made.Name
	}
	s.onlyOneName()
	warns := func(args ...string) bool {
		plan := s.must(append([]string{"--service", "shop", "restore", "--plan"}, args...)...)
		return strings.Contains(plan.out+plan.err, "the backup was made from another server")
	}
	for range 2 { // the second reads what the first has cached of the manifests
		var p struct{ Source struct{ Name string } }
		plan := s.must("--service", "shop", "restore", "--plan", "--json").out
		if err := json.Unmarshal([]byte(plan), &p); err != nil || p.Source.Name != ours {
			t.Errorf("%s is proposed, want %s (%v)", p.Source.Name, ours, err)
		}
		if list := s.must("--service", "shop", "backup", "list").out; !strings.Contains(list,
			"made from another server") {
			t.Errorf("the list does not tell whose they are:\n%s", list)
		}
	}
	if warns() || !warns("--from", theirs, "--accept-missing", "customers,orders,ar_invoices") {
		t.Errorf("the plan warns of ours: %v, and does not of theirs", warns())
	}
	for _, x := range []struct{ lang, says string }{{"en", theirs + " is not proposed, for it was made from another " +
		"server, on the machine "}, {"zh", "未推荐 " + theirs + "："}} {
		plan := s.must("--service", "shop", "--lang", x.lang, "restore", "--plan").out
		if !strings.Contains(plan, x.says) || !strings.Contains(plan, " restore --from "+theirs+" --plan") {
			t.Errorf("the plan does not tell of the far larger backup of the other server:\n%s", plan)
		}
	}
	if plan := s.must("--service", "staging", "restore", "--plan").out; strings.Contains(plan, "not proposed") {
		t.Errorf("the plan of the larger one tells of the smaller one:\n%s", plan)
	}
	out := s.must("--service", "shop", "backup", "prune", "--dry-run").out
	if words := strings.Join(strings.Fields(out), " "); !strings.Contains(words,
		"keep "+theirs+" made from another server, on the machine ") {
		t.Errorf("the prune does not tell whose they are:\n%s", out)
	}
	if out := s.must("--service", "staging", "backup", "prune", "--confirm", s.live).out; strings.Contains(out,
		"removed "+ours) || !strings.Contains(out, "1 removed") {
		t.Errorf("the prune of the other service:\n%s", out)
	}
	if o := s.must("--service", "shop", "backup", "list").out; !strings.Contains(o, ours) {
		t.Errorf("ours is gone:\n%s", o)
	}
	if err := os.Remove(filepath.Join(s.dir, "backups", ours)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "state", "backups")); err != nil { // as on a new machine
		t.Fatal(err)
	}
	if list := s.must("--service", "shop", "backup", "list").out; !strings.Contains(list, "unverified  "+theirs) {
		t.Errorf("theirs is still verified:\n%s", list)
	}
	o := s.run("--service", "shop", "restore", "--plan")
	if o.code != 1 || !strings.Contains(o.err, "there is no good backup of this server") ||
		!strings.Contains(o.err, "restore --from "+theirs+" --plan") {
		t.Errorf("only theirs is left: exit %d, %s", o.code, o.err)
	}
}
