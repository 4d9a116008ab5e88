package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestBackupsAreTold: start and success, start and failure with the exit code and the
// reason; a part, a rehearsal and an emergency's backup tell nothing, and a check that
// fails is told once and fails no backup.
func TestBackupsAreTold(t *testing.T) {
	var heard []string
	broken := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard = append(heard, strings.TrimSpace(r.URL.Path+" "+string(body)))
		if broken {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer srv.Close()
	url := filepath.Join(t.TempDir(), "ping")
	if err := os.WriteFile(url, []byte(srv.URL+"/s3cr3t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := testdb.MariaDB(t)
	conf, schema, dir := aShop(t, db)
	there := fmt.Sprintf("port: %d", db.Port)
	pinged := filepath.Join(filepath.Dir(conf), "pinged.yaml")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write := func(port string) {
		t.Helper()
		with := strings.Replace(string(text), there, port, 1)
		with = strings.Replace(with, "state_dir:", fmt.Sprintf("    pings: {backup: %s}\nstate_dir:", url), 1)
		if err := os.WriteFile(pinged, []byte(with), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	take := func() string {
		defer func() { heard = nil }()
		return strings.Join(heard, "|")
	}
	write(there)
	asked(t, pinged, 0, "backup", "create")
	if got := take(); !strings.HasPrefix(got, "/s3cr3t/start|/s3cr3t "+dir) || strings.Count(got, "|") != 1 {
		t.Errorf("a good backup: %s", got)
	}
	asked(t, pinged, 0, "backup", "create", "--tables", "orders")
	asked(t, pinged, 0, "backup", "create", "--dry-run")
	asked(t, pinged, 0, "backup", "create", "--kind", "emergency")
	if got := take(); got != "" {
		t.Errorf("the text for no backup: %s", got)
	}
	asked(t, pinged, 0, "backup", "schedule", "run", "daily")
	if got := take(); !strings.HasPrefix(got, "/s3cr3t/start|/s3cr3t made "+dir) || strings.Count(got, "|") != 1 {
		t.Errorf("a scheduled run: %s", got)
	}
	write("port: 1")
	asked(t, pinged, 75, "backup", "create", "--kind", "scheduled")
	if got := take(); !strings.HasPrefix(got, "/s3cr3t/start|/s3cr3t/75 ") || !strings.Contains(got, "127.0.0.1:1") {
		t.Errorf("a failed backup: %s", got)
	}
	write(there)
	broken = true
	_, errs := asked(t, pinged, 0, "backup", "create")
	if strings.Count(errs, "ping") != 1 || strings.Contains(errs, "s3cr3t") || !strings.Contains(errs, "404") {
		t.Errorf("a check that fails: %s", errs)
	}
	if err := os.Remove(url); err != nil {
		t.Fatal(err)
	}
	if _, errs = asked(t, pinged, 0, "backup", "create"); strings.Count(errs, "the ping of") != 1 {
		t.Errorf("a check without its file: %s", errs)
	}
	if _, errs = asked(t, pinged, 78, "config", "check"); !strings.Contains(errs, "ping URL") {
		t.Errorf("config check: %s", errs)
	}
	if n := len(backupsIn(t, dir, schema)); n != 4 {
		t.Errorf("%d backups were made", n)
	}
}

func backupsIn(t *testing.T, dir, schema string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "backups", schema+"_*.sql.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
