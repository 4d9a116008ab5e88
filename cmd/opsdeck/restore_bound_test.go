package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestARestoreStaysWithItsServer moves a service's database to another server, as a failover
// does: nothing of a restore that was made on the old one touches the new one.
func TestARestoreStaysWithItsServer(t *testing.T) {
	t.Parallel()
	old, now := testdb.MariaDB(t), testdb.Private(t, "mariadb")
	s := newSite(t, old)
	s.must("backup", "create")
	s.must("restore", "--confirm", s.live)
	now.Exec(t, "", "CREATE DATABASE `"+s.live+"`")
	now.Exec(t, s.live, shopSchema...)
	now.Exec(t, s.live, "DELETE FROM ar_invoices")
	tables := func() (n int) {
		t.Helper()
		query := "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?"
		if err := now.Open(t, "").QueryRow(query, s.live).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := tables()
	config := filepath.Join(s.dir, "config.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer(fmt.Sprintf("port: %d}", old.Port), fmt.Sprintf("port: %d}", now.Port),
		s.options, now.OptionsFile(t))
	s.write("config.yaml", moved.Replace(string(text)))
	for _, args := range [][]string{{"restore", "undo"}, {"restore", "drop-old"}} {
		o := s.run(append(args, "--confirm", s.live)...)
		if o.code != 1 || !strings.Contains(o.err, "the configuration now leads to another one") {
			t.Errorf("%v: exit %d: %s%s", args, o.code, o.out, o.err)
		}
	}
	if after := tables(); before == 0 || after != before || !s.running() {
		t.Errorf("the new server has %d tables of %d; running: %v", after, before, s.running())
	}
	s.write("config.yaml", string(text))
	s.must("restore", "undo", "--confirm", s.live)
}

// TestARestoreStaysWithItsService has two services with databases of one name: what is asked
// of one never does anything to the other.
func TestARestoreStaysWithItsService(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	id := s.must("restore", "--json", "--confirm", s.live).lastLine(t).ID
	config := filepath.Join(s.dir, "config.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.TrimPrefix(string(text), "services:\n")
	first, rest, _ := strings.Cut(body, "state_dir:")
	s.write("config.yaml", "services:\n"+first+strings.Replace(first, "name: shop\n", "name: other\n", 1)+"state_dir:"+
		rest)
	if o := s.must("--service=other", "restore", "status"); strings.Contains(o.out, id) {
		t.Errorf("the other service lists it: %s", o.out)
	}
	for _, verb := range []string{"undo", "drop-old", "report", "attach", "resume", "abort"} {
		args := []string{"--service=other", "restore", verb, id}
		if verb != "report" && verb != "attach" {
			args = append(args, "--confirm="+s.live)
		}
		if o := s.run(args...); o.code != 64 || !strings.Contains(o.err, "is of the service shop, not of other") ||
			!strings.Contains(o.err, "--service shop restore status "+id) {
			t.Errorf("%v: exit %d: %s%s", args, o.code, o.out, o.err)
		}
	}
	if o := s.must("--service=shop", "restore", "status", id); !strings.Contains(o.out, id) {
		t.Errorf("its own service does not show it: %s", o.out)
	}

	s.write("config.yaml", strings.Replace(string(text), "name: shop\n", "name: renamed\n", 1))
	if o := s.must("restore", "status"); !strings.Contains(o.out, id) {
		t.Errorf("a service that was renamed has lost its restores: %s", o.out)
	}
	s.must("restore", "undo", id, "--confirm", s.live)
}
