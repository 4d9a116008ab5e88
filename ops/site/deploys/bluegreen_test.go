package deploys

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// greenApp is the field's service: it takes its port from PORT and needs a variable that
// only PM2 knows.
const greenApp = `const http = require('http'), v = require('./package.json').version;
if (process.env.JWT_SECRET !== 'onlyPM2knows') { console.error('no secret'); process.exit(1) }
if (require('fs').existsSync(__dirname + '/broken')) { console.error('Error: Cannot find module x'); process.exit(1) }
http.createServer((q, r) => {
  if (q.url === '/health/ready') r.end(JSON.stringify({status: 'ready', checks: {database: true}}));
  else if (q.url === '/health/version') r.end(JSON.stringify({name: 'shop', version: v}));
  else if (q.url === '/late') r.end(require('fs').readFileSync(__dirname + '/late.txt') + ' ' + __dirname);
  else if (q.url === '/health') r.end(JSON.stringify({status: 'ok', version: v}));
  else { r.statusCode = 404; r.end('{}') }
}).listen(Number(process.env.PORT || DEFAULT), '127.0.0.1');
`

// green is a shop under a real PM2 behind a real nginx, with nothing configured but the
// file of the upstream and the ports.
type green struct {
	*shop
	pm2   *testdb.PM2Daemon
	front string
	ports []int
	each  int // processes of an instance
}

var pm2OnPath sync.Once

// startPM2 starts a PM2 of the test's own. Its command is on the PATH of this process.
func startPM2(t *testing.T) *testdb.PM2Daemon {
	t.Helper()
	pm2 := testdb.PM2(t)
	pm2OnPath.Do(func() { os.Setenv("PATH", filepath.Dir(pm2.Bin)+":"+os.Getenv("PATH")) })
	return pm2
}

// newGreen starts the shop; how are further arguments of pm2 start.
func newGreen(t *testing.T, how ...string) *green {
	t.Parallel()
	nginx := nginxBin(t)
	pm2 := startPM2(t)
	g := &green{pm2: pm2, ports: freePorts(t, 3), each: 1}
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	conf, file := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "shop.conf")
	write(t, conf, nginxConf(dir, file, g.ports[2]), 0o644)
	g.front = fmt.Sprintf("http://127.0.0.1:%d", g.ports[2])
	g.shop = newShop(t, func(c *config.Service) {
		c.Health.URL = g.front
		c.Process = config.Process{Kind: "pm2", Name: "shop", Home: pm2.Home}
		c.Restore.ReadyWait = 3 * time.Minute
		c.Deploy.Observe = 0
		c.Deploy.Plans = []config.DeployPlan{{Name: "short", Steps: []config.DeployStep{
			{Name: "pull", Kind: "pull"}, {Name: "build", Run: "[ ! -e nobuild ]"}, {Name: "standby", Kind: "standby", Timeout: 4 * time.Minute},
			{Name: "switch", Kind: "switch"}, {Name: "ready", Kind: "ready"}, {Name: "smoke", Kind: "smoke"}}}}
		c.Deploy.Switch = config.DeploySwitch{File: file, Ports: g.ports[:2], Test: nginx + " -t -c " + conf,
			Reload: nginx + " -s reload -c " + conf}
	})
	app := strings.ReplaceAll(greenApp, "DEFAULT", fmt.Sprint(g.ports[0]))
	g.commit("app", map[string]string{"app.js": app, "package.json": pkg("1", "")})
	g.repoPull()
	write(t, file, string(g.upstream(g.ports[0])), 0o644)
	start := append([]string{"start", filepath.Join(g.app, "app.js"), "--name", "shop", "--max-restarts", "1"}, how...)
	pm2.RunWith(t, []string{"JWT_SECRET=onlyPM2knows"}, start...)
	if out, err := exec.Command(nginx, "-c", conf).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	t.Cleanup(func() { exec.Command(nginx, "-s", "stop", "-c", conf).Run() })
	g.becomes("1.0.0")
	return g
}

// running are the ports on which an instance listens, and how many processes PM2 has.
func (g *green) running() (ports []int, processes int) {
	g.t.Helper()
	for _, p := range g.ports[:2] {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p)); err == nil {
			c.Close()
			ports = append(ports, p)
		}
	}
	return ports, g.ctl.Status(g.t.Context()).Instances
}

// survivesRestart checks what PM2 would start again with the machine, after a deployment,
// and that no variable of PM2 is shown by it.
func (g *green) survivesRestart(last *deploy.Plan, port int) {
	g.t.Helper()
	saved, err := os.ReadFile(filepath.Join(g.pm2.Home, "dump.pm2"))
	if err != nil || !strings.Contains(string(saved), fmt.Sprintf(`"PORT": "%d"`, port)) {
		g.t.Errorf("a restart of the machine would not bring port %d: %v", port, err)
	}
	if n := strings.Count(string(saved), `"max_restarts": 1,`); n != 2 {
		g.t.Errorf("%d instances have the options that the first was started with", n)
	}
	text, _ := os.ReadFile(filepath.Join(g.Store().Folder(last.ID), "journal.jsonl"))
	log, _ := os.ReadFile(filepath.Join(g.Store().Folder(last.ID), "output.log"))
	if said := string(text) + string(log); strings.Contains(said, "onlyPM2knows") || len(text) == 0 {
		g.t.Error("a variable of PM2 is shown")
	}
}

// TestBlueGreenInClusterMode: each instance is two workers of PM2's daemon, which holds
// their port. There, there again, and back, and no request is lost.
func TestBlueGreenInClusterMode(t *testing.T) {
	g := newGreen(t, "-i", "2")
	g.each = 2
	stop := load(g.front)
	named, leave := stranger(t, g.ports[1])
	users := said{ops.StateOK, "for shop: nginx sends users here"}
	checked(t, g.Desk, "a stranger", map[int]said{g.ports[0]: users, g.ports[1]: {ops.StateCritical, named}})
	leave()
	checked(t, g.Desk, "one release", map[int]said{g.ports[0]: users, g.ports[1]: {ops.StateOK, "free, for the next"}})
	g.goesTo("blue-green", 2, g.ports[1])
	checked(t, g.Desk, "two releases", map[int]said{g.ports[0]: {ops.StateOK, "which users do not get"}, g.ports[1]: users})
	g.checkedAlone()
	last := g.goesTo("short", 3, g.ports[0])
	state, err := g.Carry(t.Context(), last, deploy.EventBack, nil)
	if err != nil || state.Result != deploy.ResultTakenBack {
		t.Errorf("%v, %s %s", err, state.Result, state.Detail)
	}
	g.becomes("2.0.0")
	if ports, n := g.running(); n != 2 || len(ports) != 1 || ports[0] != g.ports[1] {
		t.Errorf("after the way back %v listen, %d processes", ports, n)
	}
	if asked, bad := stop(); bad != "" || asked < 100 {
		t.Errorf("%d requests, one was answered %q", asked, bad)
	}
}

// checkedAlone: without a switch, a port that PM2 holds for workers of another instance than
// the oldest is the service's too.
func (g *green) checkedAlone() {
	g.t.Helper()
	service := *g.Service
	service.Deploy.Switch = config.DeploySwitch{}
	for _, port := range g.ports[:2] {
		service.Health.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
		s := *g.Site
		s.Service = &service
		d, err := Open(&s)
		if err != nil {
			g.t.Fatal(err)
		}
		checked(g.t, d, "without a switch", map[int]said{port: {ops.StateOK, ", for shop"}})
	}
}

// goesTo deploys a release: nginx then uses the port, and the former instance still runs.
func (g *green) goesTo(plan string, release, port int) *deploy.Plan {
	g.t.Helper()
	g.commit("next", map[string]string{"package.json": pkg(fmt.Sprint(release), "")})
	p, state := g.deploy(plan)
	if state.Result != deploy.ResultDone {
		g.t.Fatalf("release %d: %s %s %v", release, state.Result, state.Detail, state.Tail)
	}
	g.becomes(fmt.Sprintf("%d.0.0", release))
	active, _, err := g.active()
	ports, n := g.running()
	if err != nil || active != port || len(ports) != 2 || n != 2*g.each {
		g.t.Errorf("release %d: nginx uses %d, %v listen, %d processes: %v", release, active, ports, n, err)
	}
	return p
}

// TestAFailureOfAnyStepLeavesTheFormerReleaseAlone, with its requests. An instance of the
// former release is not taken for one of the new.
func TestAFailureOfAnyStepLeavesTheFormerReleaseAlone(t *testing.T) {
	g := newGreen(t)
	stop := load(g.front)
	for _, c := range []struct {
		step  string
		files map[string]string
		set   func()
		says  string
	}{
		{"build", map[string]string{"package.json": pkg("3", ""), "nobuild": ""}, nil, ""},
		{"standby", map[string]string{"package.json": pkg("5", ""), "broken": ""}, nil, // PM2 gives it up
			"Cannot find module x"},
		{"switch", map[string]string{"package.json": pkg("6", "")}, func() { g.conf.Switch.Upstream = "no { such" }, ""},
		{"switch", map[string]string{"package.json": pkg("8", "")}, func() { // nginx does not include this one
			g.arrive = 3 * time.Second
			g.conf.Switch.File += ".other"
			write(t, g.conf.Switch.File, string(g.upstream(g.ports[0])), 0o644)
		}, ""},
		{"smoke", map[string]string{"package.json": pkg("7", "")}, func() { g.conf.Smoke = []string{"/nosuch"} }, ""},
		{"standby", map[string]string{"package.json": pkg("9", "")}, g.startsFormer,
			"reports version 1.0.0, but the new code is version 9.0.0"},
	} {
		conf := g.conf
		g.conf.Switch = conf.Switch
		if c.set != nil {
			c.set()
		}
		switch c.step {
		case "standby":
			g.git("rm", "-q", "--ignore-unmatch", "nobuild")
		case "switch":
			g.git("rm", "-q", "--ignore-unmatch", "broken")
		}
		g.commit(c.step, c.files)
		plan, state := g.deploy("short")
		g.conf = conf
		g.arrive = 0
		failed := plan.Steps[max(0, state.Failed)].Name
		active, _, aerr := g.active()
		ports, n := g.running()
		g.becomes("1.0.0")
		whole := state.Result == deploy.ResultTakenBack && active == g.ports[0]
		if !whole || failed != c.step || len(ports) != 1 || n != 1 {
			t.Errorf("%s: %s at %s (%s), nginx uses %d (%v), %v listen, %d processes", c.step, state.Result, failed,
				state.Detail, active, aerr, ports, n)
		}
		if c.step == "build" && strings.Contains(state.Detail, plan.Tree()) {
			t.Errorf("%s: the folder that was removed is named: %s", c.step, state.Detail)
		}
		if said := fmt.Sprint(state.Detail, state.Tail); !strings.Contains(said, c.says) {
			t.Errorf("why it ended is not said: %s, want %q", said, c.says)
		}
	}
	if asked, bad := stop(); bad != "" || asked < 100 {
		t.Errorf("%d requests, one was answered %q", asked, bad)
	}
}

// TestADeploymentKilledAgainAndAgainSwitchesOnce: after any line of the journal, and resumed.
func TestADeploymentKilledAgainAndAgainSwitchesOnce(t *testing.T) {
	g := newGreen(t)
	r := rand.New(rand.NewPCG(uint64(testenv.Seed(t)), 7))
	stop := load(g.front)
	g.commit("two", map[string]string{"package.json": pkg("2", "")})
	p, err := g.Plan(t.Context(), "short", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Begin(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	state, kills := g.killed(r, p, deploy.EventBegin)
	if state.Result != deploy.ResultDone {
		t.Fatalf("%s %s %v", state.Result, state.Detail, state.Tail)
	}
	g.becomes("2.0.0")
	if ports, n := g.running(); len(ports) != 2 || n != 2 {
		t.Errorf("%v listen, %d processes", ports, n)
	}
	back, more := g.killed(r, p, deploy.EventBack)
	g.becomes("1.0.0")
	if ports, n := g.running(); back.Result != deploy.ResultTakenBack || len(ports) != 1 || n != 1 {
		t.Errorf("%s %s: %v listen, %d processes", back.Result, back.Detail, ports, n)
	}
	if asked, bad := stop(); bad != "" || asked < 100 {
		t.Errorf("%d requests, one was answered %q", asked, bad)
	}
	if kills+more < 4 {
		t.Errorf("killed only %d times", kills+more)
	}
}

// killed carries a deployment to its end and is killed after some lines each time.
func (g *green) killed(r *rand.Rand, p *deploy.Plan, first deploy.Event) (state deploy.State, kills int) {
	for {
		left := 3 + r.IntN(5)
		if kills > 7 {
			left = 1000
		}
		done := func() (done bool) {
			defer func() {
				if x := recover(); x == "killed" {
					kills++
				} else if x != nil {
					panic(x)
				}
			}()
			var err error
			state, err = g.Carry(g.t.Context(), p, first, func(deploy.Line, deploy.State) {
				if left--; left == 0 {
					panic("killed")
				}
			})
			if err != nil {
				g.t.Fatal(err)
			}
			return true
		}()
		if done {
			return state, kills
		}
	}
}

// startsFormer has the start command run a copy of the release that runs now.
func (g *green) startsFormer() {
	old := filepath.Join(g.app, "..", "old")
	if out, err := exec.Command("cp", "-a", g.app, old).CombinedOutput(); err != nil {
		g.t.Fatalf("%v %s", err, out)
	}
	pid := old + ".pid"
	g.conf.Switch.Start = "JWT_SECRET=onlyPM2knows setsid node " + old + "/app.js >" + old + ".log 2>&1 & echo $! >" + pid
	g.conf.Switch.Stop = "kill $(cat " + pid + ") 2>/dev/null || true"
}
