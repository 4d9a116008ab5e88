package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
)

// TestAnEmptiedDatabaseIsTold: the backup of a database that was emptied is good, and
// everything that speaks of it says that the rows are gone.
func TestAnEmptiedDatabaseIsTold(t *testing.T) {
	testdb.Each(t, emptied)
}

func emptied(t *testing.T, s *testdb.Server) {
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "CREATE TABLE orders (id INT PRIMARY KEY)",
		"INSERT INTO customers VALUES "+numbers(500), "INSERT INTO orders VALUES "+numbers(90000))
	sh := newNightly(t, s, db, "")
	var before, after backupCreateJSON
	sh.run(0, &before, "backup", "create", "--json")
	if before.Shrink != nil {
		t.Errorf("the first one: %+v", before.Shrink)
	}
	s.Exec(t, db, "DELETE FROM customers") // hidden among the orders
	if text := sh.run(1, nil, "status", "--only", "schema"); !strings.Contains(text, "emptied") ||
		!strings.Contains(text, "customers") {
		t.Errorf("status says nothing: %s", text)
	}
	sh.run(0, &after, "backup", "create", "--json")
	if x := after.Shrink; x == nil || !names(x.Before, before.Name) || len(x.Tables) != 1 ||
		x.Tables[0] != (backup.TableShrink{Name: "customers", Was: 500}) {
		t.Errorf("create says %+v", x)
	}
	var list backupListJSON
	sh.run(0, &list, "backup", "list", "--json")
	i := slices.IndexFunc(list.Backups, func(b backupJSON) bool { return b.Name == after.Name })
	if len(list.Backups[i].Problems) == 0 || list.Backups[i].State != "good" {
		t.Errorf("list says %+v", list.Backups[i])
	}
	if text := sh.run(1, nil, "status", "--only", "backup"); !strings.Contains(text, "far fewer rows") {
		t.Errorf("status says %s", text)
	}
	if text := sh.run(1, nil, "status", "--only", "schema"); !strings.Contains(text, "customers") {
		t.Errorf("a backup of the loss silenced it: %s", text)
	}
	s.Exec(t, db, "DROP TABLE customers")
	if text := sh.run(2, nil, "status", "--only", "schema"); !strings.Contains(text, before.Name) ||
		!strings.Contains(text, "customers") {
		t.Errorf("status says %s", text)
	}
	sh.acceptance(before.Name, after.Name, db)
	sh.removal(before.Name, after.Name, db)
}

// names tells whether a name is that of a backup, or of its copy that is kept longer: the first
// backup of a week or a month has one.
func names(name, of string) bool {
	return name == of || name == "weekly_"+of || name == "monthly_"+of
}

// acceptance accepts the loss in a backup, once it is confirmed; then nothing warns of it.
func (s nightly) acceptance(full, emptied, db string) {
	s.t.Helper()
	s.run(64, nil, "backup", "accept", full, "--confirm", db)
	s.run(64, nil, "backup", "accept", emptied)
	s.run(64, nil, "backup", "accept", emptied, "--confirm", "other")
	if text := s.run(1, nil, "status", "--only", "backup"); !strings.Contains(text, "far fewer rows") {
		s.t.Errorf("before it is accepted, status says %s", text)
	}
	var doc backupAcceptJSON
	s.run(0, &doc, "backup", "accept", emptied, "--confirm", db, "--json")
	if doc.Shrink == nil || !names(doc.Shrink.Before, full) {
		s.t.Errorf("accepted %+v", doc)
	}
	s.run(64, nil, "backup", "accept", emptied, "--confirm", db)
	if text := s.run(0, nil, "status", "--only", "backup"); strings.Contains(text, "far fewer rows") {
		s.t.Errorf("after it was accepted, status says %s", text)
	}
}

// numbers are the rows (1) to (n) of an INSERT.
func numbers(n int) string {
	var rows strings.Builder
	for i := range n {
		fmt.Fprintf(&rows, ",(%d)", i+1)
	}
	return rows.String()[1:]
}

// removal removes one backup by name, and is refused the last.
func (s nightly) removal(one, last, db string) {
	s.t.Helper()
	var plan backupPruneJSON
	s.run(0, &plan, "backup", "remove", one, "--all-names", "--dry-run", "--json")
	if plan.Done || plan.FreesBytes == 0 {
		s.t.Errorf("planned: %+v", plan)
	}
	s.run(64, nil, "backup", "remove", one)
	s.run(64, nil, "backup", "remove", one, "--confirm", "other")
	s.run(64, nil, "backup", "remove", "absent.sql.gz", "--confirm", db)
	s.run(0, &plan, "backup", "remove", one, "--all-names", "--confirm", db, "--json")
	if _, err := os.Stat(filepath.Join(s.dir, one)); !plan.Done || err == nil {
		s.t.Errorf("done %v, and it is there still: %v", plan.Done, err)
	}
	if text := s.run(1, nil, "backup", "remove", last, "--all-names", "--confirm", db); !strings.Contains(
		text,
		"without it there would be no good backup",
	) {
		s.t.Error(text)
	}
	if _, err := os.Stat(filepath.Join(s.dir, last)); err != nil {
		s.t.Error(err)
	}
}

// TestAFailedNightIsToldAndMadeGood: the server is away at night; who asked for
// backup-failed is told, once. A backup by hand makes the status well again.
func TestAFailedNightIsToldAndMadeGood(t *testing.T) {
	posts := make(chan string, 8)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		posts <- string(text)
	}))
	defer hook.Close()
	file := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(file, []byte(hook.URL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "CREATE TABLE orders (id INT PRIMARY KEY)")
	sh := newNightly(
		t,
		s,
		db,
		fmt.Sprintf(
			"    notify:\n      - {name: hook, kind: webhook, url_file: %s, on: [backup-failed]}\n      - {name: "+
				"deaf, kind: webhook, url_file: %s, on: [restore]}\n",
			file,
			file,
		),
	)
	there := fmt.Sprintf("port: %d", s.Port)
	sh.edit(there, "port: 1")
	sh.edit("      dir:", "      daily: '"+time.Now().Add(12*time.Hour).Format("4 15")+" * * *'\n      dir:")
	sh.run(75, nil, "backup", "schedule", "run", "daily")
	if len(posts) != 1 {
		t.Fatalf("%d posts", len(posts))
	}
	if text := <-posts; !strings.Contains(text, "daily") || !strings.Contains(text, "Next attempt at") {
		t.Error(text)
	}
	var doc scheduleJSON
	sh.run(0, &doc, "backup", "schedule", "show", "--json")
	if doc.Jobs[0].RetryAt == nil {
		t.Errorf("%+v", doc.Jobs[0])
	}
	sh.run(2, nil, "status", "--only", "backup")
	sh.edit("port: 1", there)
	sh.run(0, nil, "backup", "create")
	if text := sh.run(0, nil, "status", "--only", "backup"); strings.Contains(text, "failed") &&
		strings.Contains(text, "critical") {
		t.Error(text)
	}
}

func (s nightly) edit(old, text string) {
	s.t.Helper()
	conf, err := os.ReadFile(s.config)
	if err == nil {
		err = os.WriteFile(s.config, []byte(strings.Replace(string(conf), old, text, 1)), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
