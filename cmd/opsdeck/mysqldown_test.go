package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/site/runbooks"
	"opsdeck/ops/watch"
)

// TestTheVerdictOverAServerThatDoesNotServeNamesItAndNeverARestore goes by the case
// of a locked account, and its brothers: the data are all there.
func TestTheVerdictOverAServerThatDoesNotServeNamesItAndNeverARestore(t *testing.T) {
	s := testdb.Private(t, "mysql")
	s.Exec(t, "", "CREATE USER u@'%' IDENTIFIED BY 'pw'", "GRANT PROCESS ON *.* TO u@'%'",
		"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "GRANT SELECT ON shop.* TO u@'%'")
	dir := t.TempDir()
	options := filepath.Join(dir, "my.cnf")
	text := fmt.Sprintf("[client]\nhost=%s\nport=%d\nuser=u\npassword=pw\n", s.Host, s.Port)
	if err := os.WriteFile(options, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file := configFile(t, fmt.Sprintf("state_dir: %q\nservices:\n  - name: x\n    health: {url: \"\", timeout: 20s}\n"+
		"    database: {name: shop, options_file: %q, container: box}\n    backup: {dir: %q}\n", dir, options, dir))
	failed := time.Now().Add(-time.Hour)
	night := watch.Run{Job: "x/daily", Due: failed, Started: failed, Ended: failed, Result: watch.Failed}
	if err := (watch.Record{Dir: dir}).Append(night); err != nil {
		t.Fatal(err)
	}
	only := "mysql"
	says := func(code int, words ...string) {
		t.Helper()
		got, out := statusOf(t, file, "--only", only)
		if got != code {
			t.Errorf("exit code %d, want %d:\n%s", got, code, out)
		}
		verdict, _, _ := strings.Cut(out, "\n\n")
		verdict = strings.Join(strings.Fields(verdict), " ")
		for _, w := range append(words, "runbook mysql-down") {
			if !strings.Contains(verdict, w) {
				t.Errorf("%q is not said:\n%s", w, out)
			}
		}
		if strings.Contains(verdict, "restore") {
			t.Errorf("a restore is proposed:\n%s", out)
		}
	}
	s.Exec(t, "", "ALTER USER u@'%' ACCOUNT LOCK")
	says(3, "locked", "Unlock the account")
	only = "mysql,backup" // the night failed: no backup can be made before the account is unlocked
	says(2, "There is no good backup", "Unlock the account")
	only = "mysql"
	unlock(t, s, "ACCOUNT UNLOCK")
	if code, out := statusOf(t, file, "--only", "mysql"); code == 3 {
		t.Fatalf("the runbook's statement was run, and yet:\n%s", out)
	}
	if _, out := statusOf(t, file, "--only", "mysql,backup"); !strings.Contains(strings.Join(strings.Fields(out), " "),
		"backup create") {
		t.Errorf("a backup could be made now:\n%s", out)
	}
	s.Exec(t, "", "ALTER USER u@'%' PASSWORD EXPIRE")
	says(3, "expired", "Set a new password")
	only = "mysql,backup"
	says(2, "There is no good backup", "Set a new password")
	only = "mysql"
	s.Kill()
	says(2, ": connection refused", "docker start box") // what Docker says of the container, too
}

// unlock runs the statement that the runbook's query prints, as its step says.
func unlock(t *testing.T, s *testdb.Server, what string) {
	t.Helper()
	service := config.DefaultService()
	service.Database.User = "u"
	down, _ := runbooks.Named("mysql-down")
	for _, step := range down.Steps(runbooks.PlaceOf(service, "opsdeck")) {
		for _, line := range step.Commands {
			_, query, found := strings.Cut(line, ` -e "SELECT CONCAT`)
			if !found || !strings.Contains(line, what) {
				continue
			}
			db := s.Open(t, "")
			var statement sql.NullString
			if err := db.QueryRowContext(t.Context(), "SELECT CONCAT"+
				strings.TrimSuffix(query, `"`)).Scan(&statement); err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), statement.String); err != nil {
				t.Fatalf("%s: %v", statement.String, err)
			}
			return
		}
	}
	t.Fatal("the runbook has no such step")
}
