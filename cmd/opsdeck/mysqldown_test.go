package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
)

// TestTheVerdictOverAServerThatDoesNotServeNamesItAndNeverARestore goes by the case
// of a locked account, and its brothers: the data are all there.
func TestTheVerdictOverAServerThatDoesNotServeNamesItAndNeverARestore(t *testing.T) {
	s := testdb.Private(t, "mysql")
	s.Exec(t, "", "CREATE USER u@'%' IDENTIFIED BY 'pw'", "GRANT PROCESS ON *.* TO u@'%'")
	dir := t.TempDir()
	options := filepath.Join(dir, "my.cnf")
	text := fmt.Sprintf("[client]\nhost=%s\nport=%d\nuser=u\npassword=pw\n", s.Host, s.Port)
	if err := os.WriteFile(options, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file := configFile(t, fmt.Sprintf("state_dir: %q\nservices:\n  - name: x\n    health: {url: \"\", timeout: 20s}\n"+
		"    database: {name: shop, options_file: %q, container: box}\n    backup: {dir: %q}\n", dir, options, dir))
	says := func(code int, words ...string) {
		t.Helper()
		got, out := statusOf(t, file, "--only", "mysql")
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
	unlock(t, s, "ACCOUNT UNLOCK")
	if code, out := statusOf(t, file, "--only", "mysql"); code == 3 {
		t.Fatalf("the runbook's statement was run, and yet:\n%s", out)
	}
	s.Exec(t, "", "ALTER USER u@'%' PASSWORD EXPIRE")
	says(3, "expired", "Set a new password")
	s.Kill()
	says(2, "MySQL is down (connection refused", "docker start box") // what Docker says of the container, too
}

// unlock runs the statement that the runbook's query prints, as its step says.
func unlock(t *testing.T, s *testdb.Server, what string) {
	t.Helper()
	p := place{service: config.DefaultService(), user: "u"}
	for _, step := range mysqlSteps(p) {
		for _, line := range step.commands {
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

func TestTheServerIsStartedByWhatRunsIt(t *testing.T) {
	project := t.TempDir()
	text := "services:\n  api:\n    image: node:20\n  datastore:\n    image: docker.io/library/mysql:8.0\n  " +
		"redis:\n    image: redis:7\n"
	if err := os.WriteFile(filepath.Join(project, "docker-compose.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	units := t.TempDir()
	if err := os.WriteFile(filepath.Join(units, "mariadb.service"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := installedUnit([]string{t.TempDir(), units}); got != "mariadb" {
		t.Errorf("unit %s", got)
	}
	service := func(d config.Database, p config.Process) server {
		return serverOf(config.Service{Database: d, Process: p})
	}
	for want, v := range map[string]server{
		"docker start box": service(config.Database{Container: "box"}, config.Process{Kind: "pm2"}),
		"docker compose --project-directory " + project + " start datastore": service(config.Database{}, config.Process{Kind: "compose", Dir: project}),
		"ssh db.example": service(config.Database{Host: "db.example"}, config.Process{}),
		"sudo systemctl": service(config.Database{Host: "127.0.0.1"}, config.Process{Kind: "pm2"}),
	} {
		if got := v.on(v.start); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", want, got)
		}
	}
}
