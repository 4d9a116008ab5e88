package deploys

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/site"
)

// desk is a service in a folder of the test's own.
func desk(t *testing.T, change func(*config.Service)) (*Desk, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := config.Parse("c.yaml", []byte("services:\n  - name: shop\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := &l.Services[0]
	s.Deploy.Dir = filepath.Join(dir, "app")
	if err := os.Mkdir(s.Deploy.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	change(s)
	d, err := Open(&site.Site{Service: s, All: l, StateDir: filepath.Join(dir, "state"), Clock: clock.Real{},
		Getenv: os.Getenv, Lang: lang.English(), Say: func(lang.Msg) {},
		Explain: func(err error) *ops.Error { return ops.E(ops.Failed, lang.Raw(err.Error())) }})
	if err != nil {
		t.Fatal(err)
	}
	return d, s.Deploy.Dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func found(t *testing.T, d *Desk) map[string]deploy.Finding {
	t.Helper()
	all, err := d.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]deploy.Finding{}
	for _, f := range all {
		if old, is := out[f.Name]; !is || f.State > old.State {
			out[f.Name] = f
		}
	}
	return out
}

func TestCheckOfARealServiceAndDatabase(t *testing.T) {
	db := testdb.MariaDB(t)
	schema := db.Schema(t)
	db.Exec(t, schema, "CREATE TABLE audit_logs (id BIGINT PRIMARY KEY, user_id BIGINT, action VARCHAR(50), resource_type "+
		"VARCHAR(50), resource_id VARCHAR(100), created_at TIMESTAMP(6) NULL, KEY r (resource_type, resource_id)) "+
		"CHARACTER SET latin1")
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer web.Close()
	d, dir := desk(t, func(s *config.Service) {
		s.Health.URL = web.URL
		s.Database = config.Database{Name: schema, OptionsFile: db.OptionsFile(t)}
		s.Deploy.Docs, s.Deploy.Smoke = "/api-docs", []string{"/health"}
	})
	write(t, filepath.Join(dir, ".env"), "PORT=1\nJWT_SECRET=change-me-in-production\n", 0o644)
	write(t, filepath.Join(dir, ".env.example"), "PORT=3000\nJWT_SECRET=\nREDIS_HOST=\n", 0o644)
	write(t, filepath.Join(dir, "docker-compose.yml"), "a: 1\nMYSQL_ROOT_PASSWORD: qianzhang_root_2026\n", 0o644)
	os.MkdirAll(config.System("/etc/cron.d", os.Getenv), 0o755)
	write(t, config.System("/etc/cron.d/old", os.Getenv), "0 2 * * * root mysqldump -phunter2 | gzip > /b\n", 0o644)
	all := found(t, d)
	for name, want := range map[string]struct {
		state ops.State
		says  string
	}{
		"env-example":     {ops.StateWarning, "missing: REDIS_HOST"},
		"env-opsdeck":     {ops.StateWarning, "PORT"},
		"env-running":     {ops.StateUnknown, "not known"},
		"default-secrets": {ops.StateCritical, "docker-compose.yml:2"},
		"mode-env":        {ops.StateCritical, "0644"},
		"api-docs":        {ops.StateOK, "HTTP 200"},
		"smoke":           {ops.StateOK, "/health"},
		"mysql":           {ops.StateOK, "responds"},
		"mysql-charset":   {ops.StateWarning, "audit_logs"},
		"mysql-indexes":   {ops.StateWarning, "(user_id, created_at)"},
		"mysql-grants":    {ops.StateOK, "every privilege"},
	} {
		f := all[name]
		if name == "mysql-indexes" {
			f.Detail = lang.Raw(fmt.Sprint(f.Detail, "(user_id, created_at)"))
		}
		if f.State != want.state || !strings.Contains(f.Detail.String(), want.says) {
			t.Errorf("%s: %s %q, want %s with %q", name, f.State, f.Detail, want.state, want.says)
		}
	}
	if f := all["old-cron-jobs"]; strings.Contains(f.Detail.String(), "hunter2") {
		t.Errorf("a secret in %q", f.Detail)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(web.URL, "http://"))
	if f, is := all["port-"+port]; !is || f.State != ops.StateOK {
		t.Errorf("port %s: %+v", port, f)
	}
	if f := found(t, d)["firewall"]; strings.Contains(f.Fix, "allow "+port+"/tcp") {
		t.Errorf("a port of this machine alone is no door: %s", f.Fix)
	}
	os.Remove(filepath.Join(dir, "docker-compose.yml"))
	write(t, filepath.Join(dir, ".env"), "PORT=1\nJWT_SECRET=its-own-very-long-secret\n", 0o644)
	write(t, filepath.Join(dir, "ecosystem.config.js"), "module.exports = {env: {DB_PASSWORD: 'qianzhang_pwd_2026'}}\n", 0o644)
	d.conf.Docs = ""
	all = found(t, d)
	if f, is := all["api-docs"]; is {
		t.Errorf("there are no API documents: %+v", f)
	}
	if f := all["default-secrets"]; f.State != ops.StateCritical || !strings.Contains(f.Detail.String(), "ecosystem.config.js:1") {
		t.Errorf("PM2's file: %+v", f)
	}
	v := view{Desk: d, dir: dir}
	v.env.Running = deploy.Known(deploy.Running{PID: 7, Env: map[string]string{"JWT_SECRET": "change-me-in-production"}})
	if f := v.secrets(); !strings.Contains(f.Detail.String(), "pid 7: JWT_SECRET") {
		t.Errorf("what the process was started with: %+v", f)
	}
	d.conf.Smoke = []string{"/health", "/broken"}
	if f := found(t, d)["smoke"]; f.State != ops.StateCritical || !strings.Contains(f.Detail.String(), "500") {
		t.Errorf("%+v", f)
	}
}

func TestRepairChangesTheModeAndIsOnRecord(t *testing.T) {
	d, dir := desk(t, func(*config.Service) {})
	path := filepath.Join(dir, ".env")
	write(t, path, "A=1\n", 0o644)
	r := found(t, d)["mode-env"].Repair
	if r == nil {
		t.Fatal("nothing to repair")
	}
	if err := d.Repair(t.Context(), oplog.Entry{Action: "deploy check --fix"}, *r); err != nil {
		t.Fatal(err)
	}
	if f := found(t, d)["mode-env"]; f.State != ops.StateOK {
		t.Errorf("%+v", f)
	}
	if text, err := os.ReadFile(filepath.Join(d.StateDir, "operations.jsonl")); err != nil ||
		strings.Count(string(text), "deploy check --fix") != 2 {
		t.Errorf("%s, %v", text, err)
	}
	os.Remove(path)
	os.Symlink("/etc/passwd", path)
	if err := d.Repair(t.Context(), oplog.Entry{Action: "x"}, *r); err == nil {
		t.Error("a link was followed")
	}
}
