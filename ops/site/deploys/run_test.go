package deploys

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// nodeApp is the field's service in small: the health endpoints of FIELD.md.
const nodeApp = `const http = require('http');
if (require('fs').existsSync(__dirname + '/broken')) { console.error("Error: Cannot find module, password=hunter2"); process.exit(1) }
http.createServer((q, r) => {
  if (q.url === '/health/ready') r.end(JSON.stringify({status: 'ready', checks: {database: true}}));
  else if (q.url === '/health') r.end(JSON.stringify({status: 'ok', version: require('./package.json').version}));
  else { r.statusCode = 404; r.end('{}') }
}).listen(Number(process.argv[2]), '127.0.0.1');
`

// shop is the service in a work tree, and the repository that it is pulled from.
type shop struct {
	*Desk
	t      *testing.T
	origin string
	app    string
	port   int
}

func newShop(t *testing.T, change func(*config.Service)) *shop {
	t.Helper()
	for _, name := range []string{"node", "npm", "git"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	s := &shop{t: t, port: freePorts(t, 1)[0]}
	s.Desk, s.app = desk(t, func(c *config.Service) {
		c.Health.URL = fmt.Sprintf("http://127.0.0.1:%d", s.port)
		c.Deploy.Smoke = []string{"/health"}
		c.Restore.ReadyWait = 2 * time.Minute
		dir := c.Deploy.Dir
		pid := filepath.Join(filepath.Dir(dir), "pid")
		c.Process = config.Process{Kind: "command", Name: "shop", Dir: dir,
			Start:  fmt.Sprintf("setsid node app.js %d >../log 2>&1 & echo $! >%s", s.port, pid),
			Stop:   "kill $(cat " + pid + "); while kill -0 $(cat " + pid + ") 2>/dev/null; do sleep 0.02; done",
			Status: "[ -e " + pid + " ] && kill -0 $(cat " + pid + ") 2>/dev/null || exit 3"}
		if change != nil {
			change(c)
		}
	})
	s.origin = filepath.Join(filepath.Dir(s.app), "origin")
	if err := os.Mkdir(s.origin, 0o755); err != nil {
		t.Fatal(err)
	}
	s.git("init", "-q", "-b", "main", ".")
	s.commit("one", map[string]string{"app.js": nodeApp, "package.json": pkg("1", ""), ".gitignore": "node_modules\npackage-lock.json\n"})
	os.Remove(s.app)
	s.git("clone", "-q", s.origin, s.app)
	t.Cleanup(func() {
		if s.Service.Process.Kind == "command" {
			exec.Command("sh", "-c", s.Service.Process.Stop).Run()
		}
	})
	return s
}

// pkg is a package.json of a version with scripts.
func pkg(version, scripts string) string {
	return `{"name": "shop", "version": "` + version + `.0.0", "private": true, "scripts": {` + scripts + `}}`
}

func (s *shop) git(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@t.example"}, args...)...)
	cmd.Dir = s.origin
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (s *shop) commit(message string, files map[string]string) string {
	s.t.Helper()
	for name, text := range files {
		write(s.t, filepath.Join(s.origin, name), text, 0o644)
	}
	s.git("add", "-A")
	s.git("commit", "-q", "-m", message)
	return s.git("rev-parse", "HEAD")
}

// version is the release that answers; "" where none does.
func (s *shop) version() string {
	resp, err := http.Get(s.Service.Health.URL + "/health")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var body struct{ Version string }
	json.NewDecoder(resp.Body).Decode(&body)
	return body.Version
}

// start starts the service by hand and waits until it answers.
func (s *shop) start() {
	s.t.Helper()
	if err := s.ctl.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); s.version() == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal("the service does not answer")
		}
	}
}

// deploy carries an update out.
func (s *shop) deploy(name string) (*deploy.Plan, deploy.State) {
	s.t.Helper()
	p, err := s.Plan(s.t.Context(), name, "")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.Begin(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
	state, err := s.Carry(s.t.Context(), p, deploy.EventBegin, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return p, state
}

// failed checks that a step failed and that release 1 runs again.
func (s *shop) failed(p *deploy.Plan, state deploy.State, step, says string) {
	s.t.Helper()
	said := state.Detail + strings.Join(state.Tail, "\n")
	if state.Result != deploy.ResultTakenBack || p.Steps[max(0, state.Failed)].Name != step ||
		!strings.Contains(said, says) {
		s.t.Errorf("%s, step %d: %s, want step %s with %q", state.Result, state.Failed, said, step, says)
	}
	if v := s.version(); v != "1.0.0" {
		s.t.Errorf("release %q answers", v)
	}
	head, err := s.repo(p).one(s.t.Context(), "rev-parse", "HEAD")
	branch, _ := s.repo(p).one(s.t.Context(), "rev-parse", "--abbrev-ref", "HEAD")
	if err != nil || head != p.From || branch != "main" {
		s.t.Errorf("the code is at %s (%s), want %s: %v", head, branch, p.From, err)
	}
}

// TestAFreshWorkTreeIsInstalled: a new machine with the code alone gets its environment
// file, packages and seed, and the service answers. A seed that fails leaves it stopped.
func TestAFreshWorkTreeIsInstalled(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	s.commit("seed", map[string]string{
		".env.example": "DB_PASSWORD=change-me\n",
		".gitignore":   "node_modules\npackage-lock.json\n.env\nseeded\n",
		"package.json": pkg("2", `"seed": "[ -e ok ] && touch seeded"`),
	})
	s.repoPull()
	p, state := s.deploy("install")
	if state.Result != deploy.ResultTakenBack || p.Steps[max(0, state.Failed)].Name != "seed" || s.version() != "" {
		t.Fatalf("a seed that fails: %s, step %d, release %q", state.Result, state.Failed, s.version())
	}
	write(t, filepath.Join(s.app, "ok"), "", 0o600)
	if _, state = s.deploy("install"); state.Result != deploy.ResultDone || s.version() != "2.0.0" {
		t.Fatalf("%s: %s %v, release %q", state.Result, state.Detail, state.Tail, s.version())
	}
	info, err := os.Stat(filepath.Join(s.app, ".env"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf(".env: %v %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(s.app, "seeded")); err != nil {
		t.Error(err)
	}
}

// repoPull brings the work tree to the origin's newest commit by hand.
func (s *shop) repoPull() {
	s.t.Helper()
	cmd := exec.Command("git", "pull", "-q")
	cmd.Dir = s.app
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("git pull: %v: %s", err, out)
	}
}

func TestAnUpdateIsDeployedAndTakenBack(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	s.start()
	write(t, filepath.Join(s.app, ".env"), "A=1\n", 0o600)
	s.commit("two", map[string]string{"package.json": pkg("2", "")})
	p, state := s.deploy("update")
	if state.Result != deploy.ResultDone || s.version() != "2.0.0" {
		t.Fatalf("%s (%s), release %q", state.Result, state.Detail, s.version())
	}
	if text, err := os.ReadFile(s.Store().ReportPath(p.ID)); err != nil || !strings.Contains(string(text), "deployed") {
		t.Errorf("%s, %v", text, err)
	}
	s.workIsKept(p)
	state, err := s.Carry(t.Context(), p, deploy.EventBack, nil)
	if err != nil || state.Result != deploy.ResultTakenBack || s.version() != "1.0.0" {
		t.Fatalf("%v, %s (%s), release %q", err, state.Result, state.Detail, s.version())
	}
}

// workIsKept checks that a deployment is not rolled back over what a person did in the
// code since.
func (s *shop) workIsKept(p *deploy.Plan) {
	s.t.Helper()
	inApp := func(line string) {
		cmd := exec.Command("sh", "-ec", line)
		cmd.Dir = s.app
		if out, err := cmd.CombinedOutput(); err != nil {
			s.t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	inApp("echo '// by hand' >>app.js")
	if err := s.MayUndo(s.t.Context(), &deploy.Deployment{Plan: p}); err == nil ||
		!strings.Contains(err.Error(), "app.js") {
		s.t.Errorf("an edit: %v", err)
	}
	inApp("git -c user.name=t -c user.email=t@t.example commit -qam hotfix")
	if err := s.MayUndo(s.t.Context(), &deploy.Deployment{Plan: p}); err == nil ||
		!strings.Contains(err.Error(), "later commits would be lost") {
		s.t.Errorf("a commit: %v", err)
	}
	inApp("git reset -q --hard HEAD~1")
	if err := s.MayUndo(s.t.Context(), &deploy.Deployment{Plan: p}); err != nil {
		s.t.Error(err)
	}
}

func TestAnInstallThatFailsHalfWayIsTakenBackWithItsPackages(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	s.start()
	os.MkdirAll(filepath.Join(s.app, "node_modules", "old"), 0o755)
	write(t, filepath.Join(s.app, ".env"), "DB_PASSWORD=s3cretword\n", 0o600)
	s.commit("two", map[string]string{"package.json": pkg("2",
		`"preinstall": "rm -rf node_modules && mkdir -p node_modules/half && echo no space for s3cretword && exit 7"`)})
	p, state := s.deploy("update")
	s.failed(p, state, "install", "no space")
	if exists(filepath.Join(s.app, "node_modules", "half")) || !exists(filepath.Join(s.app, "node_modules", "old")) {
		t.Error("node_modules is not as before")
	}
	log, err := os.ReadFile(filepath.Join(s.Store().Folder(p.ID), "output.log"))
	if err != nil || strings.Contains(fmt.Sprint(state, string(log)), "s3cretword") {
		t.Errorf("a secret of .env is shown: %v %s %v", err, log, state)
	}
}

func TestAMigrationThatHangsIsEndedAndTakenBack(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(c *config.Service) {
		c.Deploy.Plans = []config.DeployPlan{{Name: "update", Steps: []config.DeployStep{
			{Name: "stop", Kind: "stop"}, {Name: "pull", Kind: "pull"},
			{Name: "sync", Kind: "sync", Run: "sh migrate.sh", Timeout: 5 * time.Second},
			{Name: "start", Kind: "start"}, {Name: "ready", Kind: "ready"}}}}
	})
	s.start()
	s.commit("two", map[string]string{"package.json": pkg("2", ""),
		"migrate.sh": "echo altering orders; sleep 1000 & echo $! >../sleeper; sleep 1000"})
	p, state := s.deploy("update")
	s.failed(p, state, "sync", "altering orders")
	pid, err := os.ReadFile(filepath.Join(filepath.Dir(s.app), "sleeper"))
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(2 * time.Minute)
	for ; runs(strings.TrimSpace(string(pid))); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the migration's child %s still runs", pid)
		}
	}
}

// runs tells whether a process runs; one that only waits for its parent does not.
func runs(pid string) bool {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func TestATakenPortIsNamedAndLocalChangesAreRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	s.commit("two", map[string]string{"package.json": pkg("2", "")})
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, state := s.deploy("update")
	want := fmt.Sprintf("port %d is taken by %s (pid %d)", s.port, "deploys.test", os.Getpid())
	if p.Steps[state.Failed].Name != "stop" || state.Result != deploy.ResultStuck ||
		!strings.Contains(state.Detail, want) {
		t.Errorf("%s, %s: %s, want %q", state.Result, p.Steps[state.Failed].Name, state.Detail, want)
	}
	l.Close()
	if state, err = s.Carry(t.Context(), p, deploy.EventBack, nil); err != nil ||
		state.Result != deploy.ResultTakenBack {
		t.Errorf("after the port was freed: %v, %s %s", err, state.Result, state.Detail)
	}
	write(t, filepath.Join(s.app, "app.js"), nodeApp+"// 改动\n", 0o644)
	var e *ops.Error
	if _, err := s.Plan(t.Context(), "update", ""); !errors.As(err, &e) ||
		!strings.Contains(e.What.String(), "app.js") {
		t.Errorf("local changes: %v", err)
	}
	if _, err := s.Plan(t.Context(), "nosuch", ""); ops.CodeOf(err) != ops.Usage {
		t.Errorf("an unknown plan: %v", err)
	}
}

func TestASyncThatDropsAColumnIsTakenBackAndOffersARestore(t *testing.T) {
	t.Parallel()
	db := testdb.MariaDB(t)
	schema := db.Schema(t)
	db.Exec(t, schema, "CREATE TABLE orders (id INT PRIMARY KEY, note TEXT)", "INSERT INTO orders VALUES (1, '千张')")
	client := db.Tool(t, "mysql")
	s := newShop(t, func(c *config.Service) {
		c.Database = config.Database{Name: schema, OptionsFile: db.OptionsFile(t)}
		c.Backup.Dir = filepath.Join(filepath.Dir(c.Deploy.Dir), "backups")
		c.Deploy.Plans = []config.DeployPlan{{Name: "update", Steps: []config.DeployStep{
			{Name: "backup", Kind: "backup"}, {Name: "stop", Kind: "stop"}, {Name: "pull", Kind: "pull"},
			{Name: "sync", Kind: "sync", Run: client + " --defaults-file=" + c.Database.OptionsFile + " " + schema +
				" -e 'ALTER TABLE orders DROP COLUMN note'"},
			{Name: "start", Kind: "start"}, {Name: "ready", Kind: "ready"}}}}
	})
	s.start()
	s.commit("two", map[string]string{"package.json": pkg("2", "")})
	p, state := s.deploy("update")
	s.failed(p, state, "sync", "column orders.note was dropped")
	if offer := state.Data["offer"]; state.Data["backup"] == "" || offer != "opsdeck --config c.yaml restore --from "+state.Data["backup"] {
		t.Errorf("offer %q, backup %q", offer, state.Data["backup"])
	}
}

// TestASyncThatLosesValuesStops: a column that is emptied, one that is narrowed, and a
// view, a routine, a trigger and an event that are dropped; new values are not compared.
func TestASyncThatLosesValuesStops(t *testing.T) {
	db := testdb.MariaDB(t)
	for change, want := range map[string]string{
		"ALTER TABLE orders DROP COLUMN u; ALTER TABLE orders ADD COLUMN u varchar(40)": "column orders.u lost values: 2 were not NULL, now 0",
		"ALTER TABLE orders MODIFY n tinyint unsigned":                                  "column orders.n was changed",
		"DROP VIEW vv":              "view vv was dropped",
		"DROP PROCEDURE pp":         "procedure pp was dropped",
		"DROP TRIGGER tg":           "trigger tg was dropped",
		"DROP EVENT ev":             "event ev was dropped",
		"UPDATE orders SET u = 'c'": "",
	} {
		schema := db.Schema(t)
		db.Exec(t, schema, "CREATE TABLE orders (id INT PRIMARY KEY, u VARCHAR(40), n INT)",
			"INSERT INTO orders VALUES (1, 'a', 3), (2, 'b', 4)", "CREATE VIEW vv AS SELECT id FROM orders",
			"CREATE PROCEDURE pp() SELECT 1", "CREATE TRIGGER tg BEFORE INSERT ON orders FOR EACH ROW SET NEW.n = 1",
			"CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1")
		d, _ := desk(t, func(c *config.Service) {
			c.Database = config.Database{Name: schema, OptionsFile: db.OptionsFile(t)}
			c.Deploy.Plans = []config.DeployPlan{{Name: "own", Steps: []config.DeployStep{{Name: "sync", Kind: "sync",
				Run: db.Tool(t, "mysql") + " --defaults-file=" + c.Database.OptionsFile + " " + schema + ` -e "` + change + `"`}}}}
		})
		p, err := d.Plan(t.Context(), "own", "")
		if err == nil {
			err = d.Store().Save(p)
		}
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		tell := func(l deploy.Line, _ deploy.State) { said += l.Detail + "\n" }
		state, err := d.Carry(t.Context(), p, deploy.EventBegin, tell)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			if state.Result != deploy.ResultDone ||
				!strings.Contains(said, "are unchanged in 1 table; values were not compared") {
				t.Errorf("%s: %s %s", change, state.Result, said)
			}
			continue
		}
		if state.Result == deploy.ResultDone || !strings.Contains(state.Detail, want) ||
			!strings.Contains(ResultText(state).String(), "the database is still changed") {
			t.Errorf("%s: %s (%s), want %q", change, ResultText(state), state.Detail, want)
		}
	}
}

func TestAnErrorBurstIsNamedAgainstTheHourBefore(t *testing.T) {
	for name, c := range map[string]struct{ before, after, burst int }{
		"burst": {2, 6, 1}, "as many as ever": {2160, 6, 0}, "a single error": {0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			d, dir := desk(t, func(s *config.Service) { s.Deploy.Observe = 0 })
			log := filepath.Join(filepath.Dir(dir), "app.log")
			d.Service.Logs = config.LogSources{{Path: log}}
			var text strings.Builder
			lines := func(n int, at time.Time, level string) {
				for range n {
					fmt.Fprintf(&text, "%s %s 千张 failed\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), level)
				}
			}
			lines(50, now.Add(-3*time.Hour), "ERROR")
			lines(c.before, now.Add(-30*time.Minute), "ERROR")
			lines(50, now.Add(-5*time.Second), "INFO")
			lines(c.after, now.Add(-5*time.Second), "ERROR")
			write(t, log, text.String(), 0o600)
			p := &deploy.Plan{Steps: []deploy.Step{{Name: "errors", Kind: deploy.KindErrors, Timeout: time.Minute}}}
			state := deploy.State{Began: now.Add(-time.Minute),
				Data: map[string]string{"started_at": now.Add(-10 * time.Second).Format(time.RFC3339Nano)}}
			o := (&world{d}).Do(t.Context(), p, 0, state, nil)
			want := fmt.Sprintf("errors in the log: %d within", c.after)
			if o.Failed || (o.Data["burst"] != "") != (c.burst == 1) || !strings.Contains(o.Detail, want) ||
				!strings.Contains(o.Detail, fmt.Sprintf("%d in the previous hour", c.before)) {
				t.Errorf("%+v", o)
			}
			os.Chmod(log, 0)
			d.Service.Logs = config.LogSources{{Path: filepath.Join(dir, "nosuch", "x.log")}}
			if o = (&world{d}).Do(t.Context(), p, 0, state, nil); o.Failed ||
				!strings.Contains(o.Detail, "cannot tell") {
				t.Errorf("a log that is not there: %+v", o)
			}
		})
	}
}

// bare carries out steps of the configuration in a folder that is no repository.
func bare(t *testing.T, steps ...config.DeployStep) (*Desk, string, *deploy.Plan, deploy.State) {
	t.Helper()
	d, dir := desk(t, func(c *config.Service) {
		c.Deploy.Plans = []config.DeployPlan{{Name: "own", Steps: steps}}
	})
	p, err := d.Plan(t.Context(), "own", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Begin(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	state, err := d.Carry(t.Context(), p, deploy.EventBegin, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir, p, state
}

// TestTheUndoOfAStepThatDidNotRunIsNotRun: its check held before, so what is there is not
// the deployment's. A step that ran before it was interrupted is taken back.
func TestTheUndoOfAStepThatDidNotRunIsNotRun(t *testing.T) {
	skip := config.DeployStep{Name: "skip", Run: "touch ran", Check: "true", Undo: "touch undone"}
	_, dir, _, state := bare(t, skip, config.DeployStep{Name: "bad", Run: "exit 3"})
	if state.Result != deploy.ResultTakenBack || state.Marks[0] != deploy.MarkSkipped || exists(dir+"/undone") {
		t.Errorf("a roll-back: %+v", state)
	}
	d, dir, p, state := bare(t, skip)
	if state.Result != deploy.ResultDone {
		t.Fatalf("%+v", state)
	}
	state, err := d.Carry(t.Context(), p, deploy.EventBack, nil)
	if err != nil || state.Result != deploy.ResultTakenBack || exists(dir+"/undone") || exists(dir+"/ran") {
		t.Errorf("taken back: %v %+v", err, state)
	}
	ran := deploy.State{Data: map[string]string{deploy.RanKey(p.Steps[0]): "1"}}
	if o := (&world{d}).Do(t.Context(), p, 0, ran, func(deploy.Line) error { return nil }); o.Failed || o.Skipped {
		t.Errorf("interrupted after it ran: %+v", o)
	}
}

// TestNothingIsDeployedOverWhatIsHalfTakenBack: a later deployment does not hide it, and it
// is over once it is taken back or a person has put it right.
func TestNothingIsDeployedOverWhatIsHalfTakenBack(t *testing.T) {
	half := config.DeployStep{Name: "half", Run: "true", Undo: "[ -e go ]"}
	d, dir, p, state := bare(t, half, config.DeployStep{Name: "bad", Run: "[ -e good ]"})
	if state.Result != deploy.ResultStuck {
		t.Fatalf("%+v", state)
	}
	later, err := d.Plan(t.Context(), "own", "")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		err := d.Begin(t.Context(), later)
		if e := (*ops.Error)(nil); !errors.As(err, &e) || e.Code != ops.Busy ||
			!strings.Contains(e.Hint.String(), p.ID) {
			t.Errorf("%s: %v", when, err)
		}
	}
	refused("before")
	write(t, dir+"/good", "", 0o600)
	if err := d.Store().Save(later); err != nil { // as an older opsdeck let it begin
		t.Fatal(err)
	}
	if state, err = d.Carry(t.Context(), later, deploy.EventBegin, nil); err != nil ||
		state.Result != deploy.ResultDone {
		t.Fatalf("%v %+v", err, state)
	}
	refused("after a later one")
	one, err := d.Store().Open("shop")
	if err != nil || one == nil || one.Plan.ID != p.ID {
		t.Fatalf("%+v %v", one, err)
	}
	if err := d.SetAside(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(d.Store().ReportPath(p.ID))
	if err := d.Begin(t.Context(), later); err != nil || !strings.Contains(string(text), "rolled back by hand") {
		t.Errorf("put right by hand: %v %s", err, text)
	}
	over, err := d.Store().Load(p.ID)
	if err != nil || over.State.Result != deploy.ResultTakenBack || d.SetAside(t.Context(), over) == nil {
		t.Errorf("it is over: %v %+v", err, over)
	}
}

// TestAStepWithoutUndoIsNotSaidToBeTakenBack: what it changed may stay, and that is said.
func TestAStepWithoutUndoIsNotSaidToBeTakenBack(t *testing.T) {
	d, dir, p, state := bare(t, config.DeployStep{Name: "one", Run: "true", Undo: "true"},
		config.DeployStep{Name: "two", Run: "true"}, config.DeployStep{Name: "bad", Run: "touch left; exit 3"})
	said := ResultText(state).String()
	if want := "rolled back; steps without undo, whose changes may remain: bad, two"; said != want || !exists(dir+"/left") {
		t.Errorf("%q, want %q", said, want)
	}
	text, _ := os.ReadFile(d.Store().ReportPath(p.ID))
	if !strings.Contains(string(text), "bad: not rolled back – no undo is configured: the command's changes may remain") {
		t.Errorf("%s", text)
	}
}
