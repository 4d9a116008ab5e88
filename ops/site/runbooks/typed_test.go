package runbooks

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// awkwardPlaces are places whose names a shell would take apart.
func awkwardPlaces() (out []Place) {
	for _, kind := range []string{"pm2", "systemd", "command"} {
		for _, container := range []string{"", "qianzhang-mysql"} {
			s := config.DefaultService()
			s.Name = "千张 it's"
			s.Process = config.Process{Kind: kind, Name: "the backend", Start: "./start 'a b'", Stop: "./stop"}
			s.Deploy.Dir = "/srv/千张 app's"
			s.Database.Name = "qianzhang_sales"
			s.Database.Container = container
			s.Database.OptionsFile = "/etc/my files/o'k.cnf"
			s.Backup.Dir = "/var/back ups"
			s.Backup.Copies = []config.Copy{{Name: "二 b"}}
			p := PlaceOf(s, "opsdeck --config '/etc/a b.yaml'")
			out = append(out, p, p.WithNewest("/var/back ups/qianzhang_sales_20260129_020000.sql.gz"))
		}
	}
	return out
}

// TestEveryCommandOfARunbookCanBeTyped: a shell takes each line as it is printed.
func TestEveryCommandOfARunbookCanBeTyped(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range awkwardPlaces() {
		for _, r := range All {
			for _, s := range r.Steps(p) {
				for _, line := range s.Commands {
					if seen[line] {
						continue
					}
					seen[line] = true
					if out, err := exec.Command("bash", "-n", "-c", line).CombinedOutput(); err != nil {
						t.Errorf("runbook %s: %s: %s", r.Name, line, out)
					}
				}
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d commands were looked at", len(seen))
	}
}

// TestTheCommonTroubleIsInTheRunbook: each trouble of the field has its step in both
// languages, with this server's names; what only looks is run, and works.
func TestTheCommonTroubleIsInTheRunbook(t *testing.T) {
	db := testdb.MariaDB(t)
	schema, dir := db.Schema(t), filepath.Join(t.TempDir(), "千张 app")
	db.Exec(t, schema, "CREATE TABLE customers (id INT PRIMARY KEY)")
	for name, text := range map[string]string{
		".env":             "PORT=4711\nDB_HOST=127.0.0.1\nDB_PASSWORD=secret\n",
		"package.json":     `{"scripts": {"start": "node dist/main"}}` + "\n",
		"dist/src/main.js": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := config.DefaultService()
	s.Health.URL = "http://localhost:4711"
	s.Database.OptionsFile = db.OptionsFile(t)
	s.Database.Name = schema
	s.Database.Container = "the-mysql"
	s.Process = config.Process{Kind: "pm2", Name: "the-backend"}
	s.Deploy.Dir = dir
	page, found := Named("troubleshooting")
	if !found {
		t.Fatal("no page for trouble")
	}
	p := PlaceOf(s, "opsdeck")
	en := page.Markdown(lang.For("en"), p)
	zh := page.Markdown(lang.For("zh"), p)
	holds := func(page string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("no %q in\n%s", w, page)
			}
		}
	}
	for _, c := range [][3]string{
		{"Docker is down", "Docker 没有运行", "systemctl start docker"},
		{"its container is stopped", "容器已停止", "docker start the-mysql"},
		{"refuses the user or password", "拒绝用户名或密码", "-e 'SELECT CURRENT_USER()'"},
		{"The port 4711 is taken", "端口 4711 被占用", "ss -ltnp 'sport = :4711'"},
		{"npm install fails", "npm install 失败", "cd '" + dir + "' && rm -rf node_modules && npm ci"},
		{"not started at boot", "开机启动", "pm2 describe the-backend"},
		{"compare threads with max_connections", "max_connections", "LIKE 'Threads_connected'"},
		{"logs grow without bound", "日志", "runbook disk-full"},
	} {
		holds(en, c[0], c[2])
		holds(zh, c[1], c[2])
	}
	looks := regexp.MustCompile(`^   ((?:ss|df|free|node --version|npm config get|mysql|mariadb) ?.*|cd .* && (?:grep|ls dist).*)$`)
	ran := 0
	for _, line := range strings.Split(en, "\n") {
		m := looks.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		ran++
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, err := exec.CommandContext(ctx, "bash", "-c", strings.ReplaceAll(m[1], ".TABLE",
			".customers")).CombinedOutput()
		cancel()
		if err != nil || strings.Contains(string(out), "secret") {
			t.Errorf("%s: %v %s", m[1], err, out)
		}
	}
	if ran < 9 {
		t.Errorf("only %d commands were run", ran)
	}
}
