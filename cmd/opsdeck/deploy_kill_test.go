package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/ops/alert"
)

// deployApp is the field's service in small.
const deployApp = `require('http').createServer((q, r) => r.end(JSON.stringify(
  {status: q.url === '/health/ready' ? 'ready' : 'ok', checks: {database: true}, version: require('./v.json')}))
).listen(Number(process.argv[2]), '127.0.0.1')
`

// deploySite is a service in a work tree whose install step waits for a file.
type deploySite struct {
	t                *testing.T
	bin, dir, config string
	port             int
}

func newDeploySite(t *testing.T) *deploySite {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip(err)
	}
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &deploySite{t: t, bin: bin, dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	l.Close()
	s.sh(`mkdir origin && cd origin && git init -q -b main . && cat >app.js && echo 1 >v.json && git add -A && ` +
		`git -c user.name=t -c user.email=t@t commit -qm one && git clone -q . ../app && echo 2 >v.json && ` +
		`git -c user.name=t -c user.email=t@t commit -qam two`)
	s.config = configFile(t, fmt.Sprintf(`services:
  - name: shop
    health: {url: "http://127.0.0.1:%d"}
    process:
      kind: command
      dir: %[2]s/app
      start: "setsid node app.js %[1]d >../log 2>&1 & echo $! >../pid"
      stop: "kill $(cat ../pid); while kill -0 $(cat ../pid) 2>/dev/null; do sleep 0.02; done"
      status: "[ -e ../pid ] && kill -0 $(cat ../pid) 2>/dev/null || exit 3"
    restore: {ready_wait: 4m}
    deploy:
      dir: %[2]s/app
      smoke: [/health]
      plans:
        - name: update
          steps:
            - {name: stop, kind: stop}
            - {name: pull, kind: pull}
            - {name: install, run: "echo $$ >>../runs; [ -e ../go ] || sleep 1000", timeout: 1m}
            - {name: start, kind: start}
            - {name: ready, kind: ready}
state_dir: %[2]s/state
`, s.port, s.dir))
	t.Cleanup(func() { exec.Command("sh", "-c", "kill $(cat "+s.dir+"/pid)").Run() })
	return s
}

func (s *deploySite) sh(line string) {
	s.t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Stdin = s.dir, strings.NewReader(deployApp)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// start starts opsdeck, and wait tells its exit code and what it printed.
func (s *deploySite) start(args ...string) (cmd *exec.Cmd, wait func() (code int, out, errs string)) {
	s.t.Helper()
	cmd = exec.Command(s.bin, append([]string{"--config", s.config, "--lang", "en", "deploy"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return cmd, func() (int, string, string) {
		cmd.Wait()
		return cmd.ProcessState.ExitCode(), out.String(), errs.String()
	}
}

func (s *deploySite) run(want int, args ...string) (out, errs string) {
	s.t.Helper()
	_, wait := s.start(args...)
	code, out, errs := wait()
	if code != want {
		s.t.Fatalf("deploy %v: exit %d, want %d\n%s%s", args, code, want, out, errs)
	}
	return out, errs
}

// installs waits until the install step was begun n times and returns the last's pid.
func (s *deploySite) installs(n int) string {
	s.t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(s.dir, "runs"))
		if pids := strings.Fields(string(text)); len(pids) >= n {
			return pids[n-1]
		}
	}
	s.t.Fatalf("install was not begun %d times", n)
	return ""
}

// gone waits until a process is not running any more.
func (s *deploySite) gone(pid string) {
	s.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile("/proc/" + pid + "/stat"); err != nil || strings.Contains(string(text), ") Z ") {
			return
		}
	}
	s.t.Errorf("process %s still runs", pid)
}

func (s *deploySite) version() (v int) {
	s.t.Helper()
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health", s.port))
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	var body struct{ Version int }
	json.NewDecoder(resp.Body).Decode(&body)
	return body.Version
}

// saysSo asks status of a killed deployment: it names the step and the next command, and
// tells nobody to start the service.
func (s *deploySite) saysSo() {
	s.t.Helper()
	cmd := exec.Command(s.bin, "--config", s.config, "--lang", "en", "status")
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 2 {
		s.t.Errorf("status of a killed deployment: %v %s", err, out)
	}
	verdict, _, _ := strings.Cut(string(out), "\n\n")
	verdict = strings.Join(strings.Fields(verdict), " ")
	for _, want := range []string{"A deployment of shop stopped partway (step 3 of 5, install)",
		"continue it: opsdeck --config " + s.config + " deploy run --resume"} {
		if !strings.Contains(verdict, want) {
			s.t.Errorf("the verdict lacks %q: %s", want, verdict)
		}
	}
	if state, fix := s.doctor(); state != "critical" || !strings.Contains(fix, " deploy status 20") {
		s.t.Errorf("doctor: %s %q", state, fix)
	}
	if strings.Contains(verdict, "Start it") {
		s.t.Errorf("it says to start the service: %s", verdict)
	}
}

// silences is how many silences of the service's alerts are in force.
func (s *deploySite) silences() int {
	s.t.Helper()
	book, err := alert.Read(filepath.Join(s.dir, "state"))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(book.Open(time.Now()))
}

// TestADeploymentSurvivesKillAndInterrupt: it is killed, refused to a second
// operator, resumed, interrupted, resumed to its end and taken back.
func TestADeploymentSurvivesKillAndInterrupt(t *testing.T) {
	t.Parallel()
	s := newDeploySite(t)
	killed, wait := s.start("run", "--confirm", "shop")
	first := s.installs(1)
	if n := s.silences(); n != 1 {
		t.Errorf("%d silences while it is deployed", n)
	}
	if _, errs := s.run(75, "run", "--confirm", "shop"); !strings.Contains(errs, "busy") {
		t.Errorf("a second operator: %s", errs)
	}
	killed.Process.Kill()
	wait()
	out, _ := s.run(0, "status", "--json")
	if !strings.Contains(out, `"result": ""`) || !strings.Contains(out, `"running": false`) {
		t.Errorf("status of a killed deployment: %s", out)
	}
	s.saysSo()
	if _, errs := s.run(75, "run", "--confirm", "shop"); !strings.Contains(errs, "deploy run --resume") {
		t.Errorf("a new one over a killed one: %s", errs)
	}
	interrupted, wait := s.start("run", "--resume", "--confirm", "shop")
	second := s.installs(2)
	s.gone(first)
	interrupted.Process.Signal(syscall.SIGINT)
	if code, _, errs := wait(); code != 130 || !strings.Contains(errs, "deploy run --resume") {
		t.Errorf("interrupted: exit %d %s", code, errs)
	}
	s.gone(second)
	s.sh("touch go")
	out, _ = s.run(0, "run", "--resume", "--confirm", "shop", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if !strings.Contains(lines[len(lines)-1], `"result":"done"`) || s.version() != 2 {
		t.Errorf("release %d\n%s", s.version(), out)
	}
	s.run(64, "undo")
	s.run(0, "undo", "--confirm", "shop")
	if v := s.version(); v != 1 {
		t.Errorf("release %d after undo", v)
	}
	s.run(64, "undo", "--confirm", "shop")
	if n := s.silences(); n != 0 {
		t.Errorf("%d silences are left", n)
	}
}

// TestAWayBackThatIsInterruptedSaysHowFarItIs: "nothing was rolled back" is not said of a
// release that is already gone, neither by run nor by --resume nor by status.
func TestAWayBackThatIsInterruptedSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	slow := "echo $$ >>../runs; [ -e ../go ] || sleep 1000"
	s := &deploySite{t: t, bin: bin, dir: dir, config: configFile(t, fmt.Sprintf(`services:
  - name: shop
    deploy:
      dir: %[1]s/app
      plans:
        - name: own
          steps:
            - {name: one, run: "true", undo: %[2]q}
            - {name: two, run: "true", undo: "true"}
            - {name: three, run: "true"}
            - {name: bad, run: "exit 3", undo: "true"}
state_dir: %[1]s/state
`, dir, slow))}
	s.sh("mkdir app")
	want := "rolled back: bad, two; without undo, changes may remain: three; not yet rolled back: one"
	for n, args := range [][]string{{"run", "own"}, {"run", "--resume"}} {
		cmd, wait := s.start(append(args, "--confirm", "shop")...)
		s.installs(n + 1)
		if out, _ := s.run(0, "status"); !strings.Contains(out, "own  rolling back\n") || !strings.Contains(out, want) {
			t.Errorf("status while it is rolled back: %s", out)
		}
		cmd.Process.Signal(syscall.SIGTERM)
		code, _, errs := wait()
		if code == 0 || strings.Contains(errs, "nothing was rolled back") ||
			!strings.Contains(errs, "was interrupted during its rollback; "+want) ||
			!strings.Contains(errs, "continue rolling it back: ") {
			t.Errorf("%v: exit %d %s", args, code, errs)
		}
		out, _ := s.run(0, "status")
		if !strings.Contains(out, "not finished: the rollback was interrupted") || !strings.Contains(out, want) {
			t.Errorf("status: %s", out)
		}
		if _, errs := s.run(75, "run", "own", "--confirm", "shop"); !strings.Contains(errs, want) {
			t.Errorf("a new one: %s", errs)
		}
	}
	s.sh("touch go")
	if _, errs := s.run(1, "run", "--resume", "--confirm", "shop"); !strings.Contains(errs, "one        rolled back") {
		t.Errorf("resumed: %s", errs)
	}
	if out, _ := s.run(0, "status"); strings.Contains(out, "not yet") ||
		!strings.Contains(out, "rolled back; steps without undo") {
		t.Errorf("at the end: %s", out)
	}
}
