package service

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

const jlist = `[{"name":"other","pid":1,"pm2_env":{"status":"stopped"}},
 {"name":"back","pid":42,"monit":{"memory":1048576,"cpu":12.5},"pm2_env":{"status":"online","restart_time":3,"pm_uptime":1769680800000,"DB_PASSWORD":"hunter2"}},
 {"name":"back","pid":43,"monit":{"memory":1048576,"cpu":12.5},"pm2_env":{"status":"errored","restart_time":1,"pm_uptime":1769680900000}}]`

func TestPM2StatusSurvivesNoiseBeforeTheJSON(t *testing.T) {
	for name, noise := range map[string]string{
		"none": "", "daemon": "[PM2] Spawning PM2 daemon with pm2_home=/root/.pm2\n[PM2] PM2 Successfully daemonized\n",
		"update": "\n>>>> In-memory PM2 is out-of-date, do:\n>>>> $ pm2 update\nIn memory PM2 version: 5.3.0\n",
		"colour": "\x1b[1m[PM2]\x1b[22m hello [x] ",
	} {
		t.Run(name, func(t *testing.T) {
			p := pm2Status("back", noise+jlist)
			if p.State != health.ProcessRunning || p.PID != 42 || p.Restarts != 4 || p.Running != 1 ||
				p.Instances != 2 ||
				p.MemoryBytes != 1<<20 ||
				p.CPU != 0.125 {
				t.Fatalf("got %+v", p)
			}
			if p.Since.UnixMilli() != 1769680800000 {
				t.Fatalf("since %v", p.Since)
			}
			if strings.Contains(p.Raw, "hunter2") {
				t.Fatal("the raw answer shows the environment's secrets")
			}
		})
	}
}

func TestPM2StatusOfWhatIsNotThere(t *testing.T) {
	if p := pm2Status("back", "[]"); p.State != health.ProcessStopped {
		t.Errorf("empty list: %+v", p)
	}
	for _, garbage := range []string{"", "boom", "[", strings.Repeat("[", 1<<16), "[PM2][ERROR]"} {
		if p := pm2Status("back", garbage); p.State != health.ProcessUnknown || p.Reason.Empty() {
			t.Errorf("garbage %.20q: %+v", garbage, p)
		}
	}
}

// fakePM2 puts a pm2 on the PATH that leaves a mark when it is run.
func fakePM2(t *testing.T, script string) (home, mark string) {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	mark = filepath.Join(dir, "ran")
	body := "#!/bin/sh\necho \"$@\" >>" + mark + "\n" + script
	if err := os.WriteFile(filepath.Join(dir, "pm2"), []byte(body), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return home, mark
}

func TestPM2IsNeverRunWhereNoDaemonListens(t *testing.T) {
	home, mark := fakePM2(t, "echo '[]'")
	c := &pm2{name: "back", home: home}
	check := func(what string) {
		t.Helper()
		if p := c.Status(t.Context()); p.State != health.ProcessStopped || p.Reason.Empty() {
			t.Errorf("%s: %+v", what, p)
		}
		if err := c.Stop(t.Context()); err != nil {
			t.Errorf("%s: stop: %v", what, err)
		}
		if err := c.Start(t.Context()); err == nil {
			t.Errorf("%s: start gave no error", what)
		}
		if _, err := os.Stat(mark); err == nil {
			t.Errorf("%s: pm2 was run and would have started a daemon", what)
		}
	}
	check("no socket")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(home, "rpc.sock")})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	check("a stale socket")
}

func TestPM2StartsAndStopsByItsCommands(t *testing.T) {
	home, mark := fakePM2(t, `[ "$1" != jlist ] || echo '[{"name":"back","pid":0,"pm2_env":{"status":"stopped"}}]'`)
	l, err := net.Listen("unix", filepath.Join(home, "rpc.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &pm2{name: "back", home: home}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(mark)
	if string(got) != "jlist\nstart back\njlist\n" {
		t.Fatalf("ran %q; a stopped process must not be stopped again", got)
	}
}

func TestSystemdStatus(t *testing.T) {
	now := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		answer string
		want   health.ProcessState
	}{
		"running":  {"LoadState=loaded\nActiveState=active\nMainPID=7\nNRestarts=2\nMemoryCurrent=4096\nActiveEnterTimestampMonotonic=60000000\n", health.ProcessRunning},
		"stopped":  {"LoadState=loaded\nActiveState=inactive\nMemoryCurrent=[not set]\n", health.ProcessStopped},
		"failed":   {"LoadState=loaded\nActiveState=failed\nResult=exit-code\n", health.ProcessFailed},
		"starting": {"LoadState=loaded\nActiveState=activating\n", health.ProcessStarting},
		"absent":   {"LoadState=not-found\nActiveState=inactive\n", health.ProcessUnknown},
		"garbage":  {"\x00\xff", health.ProcessUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			p := unitStatus("u.service", c.answer, 2*time.Minute, now)
			if p.State != c.want {
				t.Fatalf("got %+v", p)
			}
			if c.want == health.ProcessUnknown && p.Reason.Empty() {
				t.Fatal("unknown without a reason")
			}
			if name == "running" &&
				(!p.Since.Equal(now.Add(-time.Minute)) || p.PID != 7 || p.MemoryBytes != 4096 || p.Restarts != 2) {
				t.Fatalf("got %+v", p)
			}
		})
	}
}

func TestContainersAreJudgedTogether(t *testing.T) {
	const up = `{"name":"/a","once":"False","restarts":2,"state":{"Status":"running","Pid":7,"StartedAt":"2026-01-29T12:00:00Z"}}` + "\n"
	for name, c := range map[string]struct {
		answer  string
		want    health.ProcessState
		running int
	}{
		"one":         {up, health.ProcessRunning, 1},
		"none":        {"", health.ProcessStopped, 0},
		"run by hand": {strings.Replace(up, "False", "True", 1), health.ProcessStopped, 0},
		"one of two":  {up + `{"name":"/b","state":{"Status":"exited","ExitCode":1}}`, health.ProcessRunning, 1},
		"one starts": {up + `{"name":"/b","state":{"Status":"running","Health":{"Status":"starting"}}}`,
			health.ProcessStarting, 2},
		"no memory": {`{"state":{"Status":"exited","OOMKilled":true,"ExitCode":137}}`, health.ProcessFailed, 0},
		"loop":      {`{"state":{"Status":"restarting","ExitCode":1}}`, health.ProcessFailed, 0},
		"unhealthy": {`{"state":{"Status":"running","Health":{"Status":"unhealthy"}}}`, health.ProcessFailed, 0},
		"unhealthy too": {up + `{"state":{"Status":"running","Health":{"Status":"unhealthy"}}}`, health.ProcessRunning,
			1},
		"garbage": {"no such object", health.ProcessUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := composeStatus("mysql", c.answer)
			if p.State != c.want || p.Running != c.running ||
				(c.want != health.ProcessRunning || p.Instances > 1) && p.Reason.Empty() {
				t.Fatalf("got %+v", p)
			}
			if name == "one" && (p.PID != 7 || p.Restarts != 2 || p.Since.Hour() != 12) {
				t.Fatalf("got %+v", p)
			}
		})
	}
}

func TestCommandKindFollowsItsCommands(t *testing.T) {
	dir := t.TempDir()
	c, err := New(
		config.Process{
			Kind:   "command",
			Name:   "x",
			Dir:    dir,
			Status: "test -e up || exit 3",
			Start:  "touch up; echo started",
			Stop:   "rm up",
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func(context.Context) error
		want health.ProcessState
	}{{c.Stop, health.ProcessStopped}, {c.Start, health.ProcessRunning}, {c.Start, health.ProcessRunning},
		{c.Stop, health.ProcessStopped}} {
		if err := step.do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := c.Status(t.Context()); p.State != step.want {
			t.Fatalf("want %s, got %+v", step.want, p)
		}
	}
}

func TestStatusCommandThatFailsIsUnknownWithItsWords(t *testing.T) {
	c, _ := New(config.Process{Kind: "command", Status: "echo no such thing >&2; exit 7"})
	p := c.Status(t.Context())
	if p.State != health.ProcessUnknown || !strings.Contains(p.Reason.String(), "no such thing") {
		t.Fatalf("got %+v", p)
	}
}

func TestStartReturnsThoughItsDaemonKeepsTheOutputOpen(t *testing.T) {
	dir := t.TempDir()
	c, _ := New(config.Process{Kind: "command", Dir: dir, Start: "sleep 60 & echo $! >pid", Stop: "true"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "pid"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGKILL)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatal("the daemon died with its start command")
	}
}

func TestHangingCommandEndsWithItsContextAndItsChildren(t *testing.T) {
	dir := t.TempDir()
	c, _ := New(config.Process{Kind: "command", Dir: dir, Status: "sleep 300 & echo $! >pid; wait"})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if b, _ := os.ReadFile(filepath.Join(dir, "pid")); strings.HasSuffix(string(b), "\n") {
				return
			}
		}
	}()
	if p := c.Status(ctx); p.State != health.ProcessUnknown {
		t.Fatalf("got %+v", p)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "pid"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Fatalf("child %d outlived its command", pid)
}

func TestWrongConfigurationIsRefused(t *testing.T) {
	for _, p := range []config.Process{{Kind: "pm2"}, {Kind: "launchd", Name: "x"}} {
		if _, err := New(p); ops.CodeOf(err) != ops.Config {
			t.Errorf("%+v: %v", p, err)
		}
	}
	c, _ := New(config.Process{Kind: "command"})
	if err := c.Start(t.Context()); ops.CodeOf(err) != ops.Config {
		t.Errorf("start without a command: %v", err)
	}
}

// TestTheCommandsOfAServiceAreTypedAnywhere: they are shown to people, who are in another
// folder, and whose shell has to stay.
func TestTheCommandsOfAServiceAreTypedAnywhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "the app")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{dir: "after 3\nafter 0\n", "": "after 3\nafter 3\n"} {
		c, err := New(config.Process{
			Kind: "command", Dir: folder, Start: "sleep 0 & echo $! >pid",
			Status: "[ -e '" + filepath.Join(dir, "pid") + "' ] || exit 3",
		})
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(dir, "pid"))
		is := c.Commands()
		cmd := exec.Command("sh", "-c", is.Status+"; echo after $?; "+is.Start+"; "+is.Status+"; echo after $?")
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("in %q: %q, %v, want %q", folder, out, err, want)
		}
	}
}
