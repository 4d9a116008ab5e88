package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/commandline"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/internal/typed"
	"opsdeck/ops/site/runbooks"
)

// places are the services that a runbook is printed for: each way to run one, with and
// without a container, copies and a good backup, and names that a shell would take apart.
func places() (out []runbooks.Place) {
	for _, kind := range []string{"pm2", "systemd", "compose", "command", "none"} {
		for _, container := range []string{"", "the-mysql"} {
			s := config.DefaultService()
			s.Name = "千张 it's"
			s.Process = config.Process{Kind: kind, Name: "the backend", Start: "./start 'a b'", Stop: "./stop"}
			s.Database.Name = "db"
			s.Database.Container = container
			s.Backup.Dir = "/back ups"
			s.Backup.Copies = []config.Copy{{Name: "二 b"}}
			p := runbooks.PlaceOf(s, typed.Program("/etc/a b.yaml", s.Name))
			out = append(out, p, p.WithNewest("/back ups/db_20260129_020000.sql.gz"))
		}
	}
	return out
}

// TestEveryCommandOfARunbookIsOneOfOurs reads what is printed, in both languages and for each
// kind of service, with the grammar of the program.
func TestEveryCommandOfARunbookIsOneOfOurs(t *testing.T) {
	t.Parallel()
	lines := map[string]string{}
	for _, p := range places() {
		for _, r := range runbooks.All {
			for _, l := range []*lang.Printer{lang.English(), lang.Chinese()} {
				for line := range strings.Lines(r.Markdown(l, p)) {
					if line = strings.TrimSpace(line); strings.HasPrefix(line, typed.Name+" ") {
						line, _, _ = strings.Cut(line, " > ")
						lines[line] = r.Name
					}
				}
			}
		}
	}
	for line, name := range lines {
		if err := parses(t, commandline.ShellWords(line)[1:]); err != nil {
			t.Errorf("runbook %s: %s: %v", name, line, err)
		}
	}
	if len(lines) < 80 {
		t.Fatalf("only %d commands were looked at: %v", len(lines), slices.Sorted(maps.Keys(lines)))
	}
}

// TestTheCommandsOfRunbooksWorkAsTyped types what the runbooks print for a real service, one
// after the other, and looks that each works. What a person has to fill in is filled in, and
// what they confirm is confirmed.
func TestTheCommandsOfRunbooksWorkAsTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MySQL(t))
	w := newTyped(t, s)
	names := runbooks.Names()
	// First that which undoes a transaction: a restore replaces the tables.
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for _, r := range names {
		var doc runbookJSON
		if err := json.Unmarshal([]byte(s.must("runbook", r, "--json").out), &doc); err != nil {
			t.Fatal(err)
		}
		for _, step := range doc.Steps {
			for _, line := range step.Commands {
				w.typeIn(r, line)
			}
		}
	}
	if len(w.done) < 70 {
		t.Errorf("only %d commands were typed: %q", len(w.done), slices.Sorted(maps.Keys(w.done)))
	}
}

func rank(runbook string) int {
	if runbook == "undo" {
		return 0
	}
	return 1
}

// typist types commands.
type typist struct {
	*realSite
	done map[string]bool
	fill func(string) string
}

// newTyped makes a service with code, logs and an audit of its own, whose rows somebody has
// deleted by mistake after a backup.
func newTyped(t *testing.T, s *realSite) *typist {
	t.Helper()
	w := &typist{realSite: s, done: map[string]bool{}}
	bin := filepath.Join(s.dir, "bin")
	code := filepath.Join(s.dir, "千张 code")
	log := filepath.Join(s.dir, "app.log")
	s.shell(fmt.Sprintf(`mkdir %[1]s && ln -s %[2]s %[1]s/opsdeck && ln -s "$(command -v %[3]s)" %[1]s/mysql
git init -q -b main origin && cd origin && echo '{"scripts": {"start": "node ."}}' >package.json && printf 'PORT=1\n' >.env.example
printf 'PORT=1\nDB_HOST=127.0.0.1\n' >.env && mkdir -p dist/src && git add package.json .env.example
git -c user.name=t -c user.email=t@t.example commit -qm one
cd .. && git clone -q origin "%[4]s" && cp -r origin/.env origin/dist "%[4]s"
cd origin && git -c user.name=t -c user.email=t@t.example commit -qm two --allow-empty`, bin, s.bin, db(s), code))
	now := time.Now().UTC()
	s.write("app.log", fmt.Sprintf("%s ERROR [OrderService] Failed to create order payment 千张 took 1200ms\n"+
		"%[1]s FATAL JavaScript heap out of memory\n%[1]s ERROR External API call failed\n", now.Format(time.RFC3339)))
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.Replace(string(text), "logs: []", fmt.Sprintf("logs: [%s*]", log), 1)
	conf = strings.Replace(conf, "state_dir:", fmt.Sprintf("    deploy: {dir: %q, smoke: [/health], observe: 1ms, "+
		"plans: [{name: update, steps: [{name: pull, kind: pull}, {name: smoke, kind: smoke}]}]}\nstate_dir:", code), 1)
	s.write("config.yaml", conf)
	s.env = append(s.env, "PATH="+bin+":"+os.Getenv("PATH"))
	s.db.Exec(t, s.live, "CREATE TABLE audit_logs (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT, action VARCHAR(50), "+
		"resource_type VARCHAR(50), resource_id VARCHAR(100), created_at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))",
		"INSERT INTO audit_logs (user_id, action, resource_type, resource_id) VALUES (7, 'DELETE', 'ORDER', '1001')",
		"INSERT INTO audit_logs (user_id, action, created_at) VALUES (7, 'CREATE', NOW() - INTERVAL 1 YEAR)")
	s.must("backup", "create")
	s.must("backup", "verify")
	s.db.Exec(t, s.live, "DELETE FROM ar_invoices WHERE id = 2")
	var change struct{ ID string }
	line, _, _ := strings.Cut(s.must("audit", "changes", "--kind", "delete", "--table", "ar_invoices", "--json").out,
		"\n")
	if err := json.Unmarshal([]byte(line), &change); err != nil || change.ID == "" {
		t.Fatalf("%v %s", err, line)
	}
	w.fill = func(line string) string {
		return strings.NewReplacer(" ID", " "+change.ID, "TABLE", "ar_invoices", "YYYY-MM-DDTHH:MM:SS",
			time.Now().Format("2006-01-02T15:04:05.000")).Replace(line)
	}
	return w
}

func db(s *realSite) string { return s.db.Tool(s.t, "mysql") }

func (s *realSite) shell(line string) string {
	s.t.Helper()
	cmd := exec.Command("bash", "-ec", line)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v: %s", line, err, out)
	}
	return string(out)
}

// others are the programs beside opsdeck whose lines are typed: what only looks.
var others = []string{"curl ", "ls ", "df ", "free ", "gzip -t ", "ss ", "node ", "npm --version", "npm config get ",
	"cat "}

// typeIn types a line, once, and looks at its exit code.
func (w *typist) typeIn(runbook, line string) {
	w.t.Helper()
	line = w.fill(line)
	ours := strings.HasPrefix(line, typed.Name+" ")
	looks := slices.ContainsFunc(others, func(p string) bool { return strings.HasPrefix(line, p) }) ||
		strings.HasPrefix(line, "mysql ") && !runbooks.Destroys(line) ||
		strings.HasPrefix(line, "cd ") && (strings.Contains(line, "&& git ") || strings.Contains(line, "&& grep ") ||
			strings.Contains(line, "&& ls "))
	switch {
	case w.done[line] || runbooks.NeedsFilling(line) || !ours && !looks:
		return
	case strings.HasSuffix(line, " -f") || strings.Contains(line, "--watch"):
		return // they end by a key
	case strings.Contains(line, "/api-docs") || strings.Contains(line, "schedule install"):
		return // this service has no documents, and a test no crontab
	case strings.Contains(line, " restore --before ") && !strings.HasSuffix(line, " --plan"),
		strings.HasSuffix(line, " --conflicts skip"):
		return // other tests do these: the plan is made here, and the rows are back before the second rewind
	}
	w.done[line] = true
	typedIn := line
	if ours && !strings.Contains(line, "--plan") && !strings.Contains(line, " --dry-run") {
		switch {
		case strings.Contains(line, " deploy run "):
			typedIn += " --confirm shop"
		case strings.HasSuffix(line, "yaml restore"), strings.Contains(line, " restore rewind "),
			strings.HasSuffix(line, " restore undo"), strings.HasSuffix(line, " backup prune"): // it asks where it removes one
			typedIn += " --confirm " + w.live
		}
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", typedIn)
	cmd.Dir = w.dir
	cmd.Env = append(append(os.Environ(), "HOME="+w.dir, "TERM=dumb"), w.env...)
	out, _ := cmd.CombinedOutput()
	code := cmd.ProcessState.ExitCode()
	state := strings.Contains(line, " status") || strings.Contains(line, " doctor") ||
		strings.Contains(line, "deploy check")
	none := strings.Contains(line, "&& grep -nE ") && code == 1 // no default password is found
	if code != 0 && !none && (!state || code < 0 || code > 3) {
		w.t.Errorf("runbook %s: %s: exit code %d\n%s", runbook, typedIn, code, out)
	}
}

// TestARunbookNamesTheBackupThatARestoreTakes makes partial backups after the full ones: the
// restore by hand names the newest good full one, with the program that opens it.
func TestARunbookNamesTheBackupThatARestoreTakes(t *testing.T) {
	t.Parallel()
	s := testdb.MariaDB(t)
	config, schema := binlogWorld(t, s)
	s.Exec(t, schema, "CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT)", "INSERT INTO a VALUES (1), (9)")
	for way, opens := range map[string][]string{"gzip": {"gzip -t", "zcat"}, "zstd": {"zstd -t", "zstd -dc"}} {
		asked(t, config, 0, "backup", "create", "--compress", way)
		inv, _ := asked(t, config, 0, "backup", "list", "--json")
		var list struct {
			Newest string `json:"newest_good"`
		}
		if err := json.Unmarshal([]byte(inv), &list); err != nil || list.Newest == "" {
			t.Fatal(err, inv)
		}
		newest := filepath.Join(strings.TrimSpace(dirOf(t, config)), filepath.Base(list.Newest))
		asked(t, config, 0, "backup", "create", "--tables", "a")
		asked(t, config, 0, "backup", "create", "--tables", "a", "--where", "id<5")
		book, _ := asked(t, config, 0, "runbook", "restore")
		for _, program := range opens {
			if line := program + " " + newest; !strings.Contains(book, line) {
				t.Errorf("%s: no %q in:\n%s", way, line, book)
			}
		}
		script, _ := asked(t, config, 0, "runbook", "restore", "--plain")
		if !strings.Contains(script, "at that time: "+newest) {
			t.Errorf("%s: the script's head names another than %s", way, newest)
		}
		page, _ := asked(t, config, 0, "runbook", "backup")
		if !strings.Contains(page, "backup show "+filepath.Base(newest)) {
			t.Errorf("%s: the page names another than %s:\n%s", way, newest, page)
		}
	}
}
