package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestTheVerdictQuotesWhyPM2GaveUp has real Node apps crash in the usual ways under
// a real PM2.
func TestTheVerdictQuotesWhyPM2GaveUp(t *testing.T) {
	daemon := testdb.PM2(t)
	t.Setenv("PATH", filepath.Dir(daemon.Bin)+":"+os.Getenv("PATH"))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for name, c := range map[string]struct{ script, says, next string }{
		"waits": {"require('@nestjs/nothing')", "Cannot find module '@nestjs/nothing'", "npm install"},
		"config": {"throw new Error('Config validation error: \"JWT_SECRET\" is required')",
			"the log has an error", " logs --level error+ --source "},
		"port": {fmt.Sprintf("require('http').createServer().listen(%d, '127.0.0.1')", port),
			fmt.Sprintf("port %d is taken by pid %d", port, os.Getpid()), "ss -ltnp"},
		"module": {"require('@nestjs/nothing')", "Cannot find module '@nestjs/nothing'", "npm install"},
		"login": {"throw new Error(\"Access denied for user 'q'@'localhost' (using password: YES)\")",
			"the database refuses the service's user or password", "DB_PASSWORD"},
		"bug": {"null.x", "TypeError: Cannot read properties of null", " logs --level error+ --source "},
	} {
		script := filepath.Join(daemon.Dir, name+".js")
		if err := os.WriteFile(script, []byte(c.script), 0o600); err != nil {
			t.Fatal(err)
		}
		// However slow the machine is, no start of it counts as one that lived.
		apps, status, is := `{"apps": [{"name": %q, "script": %q, "max_restarts": 2, "min_uptime": 600000}]}`, "errored", "is failed"
		if name == "waits" {
			apps, status, is = `{"apps": [{"name": %q, "script": %q, "restart_delay": 600000}]}`, "waiting restart", "crashed"
		}
		apps = fmt.Sprintf(apps, name, script)
		file := filepath.Join(daemon.Dir, name+".json")
		if err := os.WriteFile(file, []byte(apps), 0o600); err != nil {
			t.Fatal(err)
		}
		daemon.Run(t, "start", file)
		awaitPM2(t, daemon, name, status)
		config := configFile(
			t,
			fmt.Sprintf(
				"services:\n  - name: x\n    health: {url: \"\", timeout: 1m}\n    logs: [%q]\n    process: {kind: "+
					"pm2, name: %s, home: %q}\n",
				filepath.Join(daemon.Home, "logs", name+"-error*.log"),
				name,
				daemon.Home,
			),
		)
		code, out := statusOf(t, config, "--only", "process,logs")
		verdict, _, _ := strings.Cut(out, "\n\n")
		verdict = strings.Join(strings.Fields(verdict), " ")
		if code != 2 || !strings.HasPrefix(verdict, "✖ Process "+name+" "+is) ||
			!strings.Contains(verdict, c.says) ||
			!strings.Contains(verdict, c.next) {
			t.Errorf("%s: exit code %d:\n%s", name, code, out)
		}
		if _, command, is := strings.Cut(verdict, "Read more: opsdeck "); is {
			var shown strings.Builder
			run(t.Context(), strings.Fields(command), stdio{in: strings.NewReader(""), out: &shown, err: &shown})
			_, line, _ := strings.Cut(c.script, "Error('")
			if line, _, _ = strings.Cut(line, "'"); name == "bug" {
				line = c.says
			}
			if !strings.Contains(shown.String(), line) {
				t.Errorf("%s: opsdeck %s shows %q", name, command, shown.String())
			}
		}
	}
}

// awaitPM2 waits until PM2 says that of an app.
func awaitPM2(t *testing.T, daemon *testdb.PM2Daemon, name, status string) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		var apps []struct {
			Name string `json:"name"`
			Env  struct {
				Status string `json:"status"`
			} `json:"pm2_env"`
		}
		if json.Unmarshal(daemon.Run(t, "jlist"), &apps) != nil {
			continue
		}
		for _, a := range apps {
			if a.Name == name && a.Env.Status == status {
				return
			}
		}
	}
	t.Fatalf("PM2 does not say that %s is %s", name, status)
}

// TestCriticalLinesJustWrittenAreNoCleanVerdict: each of the field's critical errors,
// and none that is old.
func TestCriticalLinesJustWrittenAreNoCleanVerdict(t *testing.T) {
	file := filepath.Join(t.TempDir(), "back-error.log")
	config := configFile(
		t,
		fmt.Sprintf("services:\n  - name: x\n    health: {url: \"\", timeout: 1m}\n    logs: [%q]\n", file),
	)
	line := func(at time.Time, text string) string {
		return fmt.Sprintf("[Nest] 1  - %s   ERROR [Db] %s\n", at.Format("01/02/2006, 03:04:05 PM"), text)
	}
	for _, text := range []string{"Unable to connect to the database", "External API call failed",
		"JavaScript heap out of memory", "Unhandled exception"} {
		for age, want := range map[time.Duration]int{time.Minute: 2, time.Hour: 0} {
			if err := os.WriteFile(file, []byte(line(time.Now().Add(-age), text)), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out := statusOf(t, config, "--only", "logs")
			if code != want || (want == 2) != strings.Contains(strings.Join(strings.Fields(out), " "), text) {
				t.Errorf("%s, %v old: exit code %d:\n%s", text, age, code, out)
			}
		}
	}
}
