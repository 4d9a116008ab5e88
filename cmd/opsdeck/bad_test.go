package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"opsdeck/internal/testdb"
)

// badServer answers every connection with what is said, and keeps it open.
func badServer(t *testing.T, said string, hangUp bool) int {
	t.Helper()
	return testdb.Listen(t, func(c net.Conn) {
		c.Write([]byte(said))
		if hangUp {
			c.Close()
		}
	}).Port
}

// TestServersThatAreNoneEndInASentenceAndCode75 is about the commands that need
// the database: what answers is broken in each way, and nothing hangs.
func TestServersThatAreNoneEndInASentenceAndCode75(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		port int
		why  string // a regular expression
		wait string
	}{
		"refuses": {1, "connection refused", "5m"},
		"never greets": {badServer(t, "", false), `^opsdeck: gave up after --timeout 700ms(: MySQL at .*` +
			`(no response within \d{3} ms|the time limit was over before).*\n  → what to do: .*runbook mysql-down.*)?\n$`,
			"700ms"},
		"hangs up":              {badServer(t, "", true), "the connection broke", "5m"},
		"speaks something else": {badServer(t, "HTTP/1.1 400 Bad Request\r\n\r\n", false), "", "700ms"},
	} {
		config := configFile(
			t,
			fmt.Sprintf(
				"services:\n  - name: q\n    database: {name: app, host: 127.0.0.1, port: %d, user: u}\n    backup: "+
					"{dir: %s}\nstate_dir: %s\n",
				c.port,
				filepath.Join(dir, "b"),
				filepath.Join(dir, "s"),
			),
		)
		for _, command := range []string{"audit list", "audit stats", "backup create"} {
			t.Run(name+"/"+command, func(t *testing.T) {
				began := time.Now()
				_, errs := asked(t, config, 75, append([]string{"--timeout", c.wait}, strings.Fields(command)...)...)
				if took := time.Since(began); took > 2*time.Minute {
					t.Errorf("took %s", took)
				}
				if !regexp.MustCompile(c.why).MatchString(errs) || strings.Count(errs, "\n") > 3 ||
					strings.Contains(errs, "context deadline") ||
					strings.Contains(errs, "invalid connection") {
					t.Errorf("%s", errs)
				}
			})
		}
	}
}

// TestWrongPasswordIsAMatterOfConfiguration: the server answers, so trying again
// does not help.
func TestWrongPasswordIsAMatterOfConfiguration(t *testing.T) {
	s := testdb.MariaDB(t)
	config := configFile(
		t,
		fmt.Sprintf(
			"services:\n  - name: q\n    database: {name: app, host: %s, port: %d, user: nobody_here}\nstate_dir: %s\n",
			s.Host,
			s.Port,
			t.TempDir(),
		),
	)
	_, errs := asked(t, config, 78, "audit", "list")
	if !strings.Contains(errs, "refuses the user or the password") ||
		!strings.Contains(errs, "→ create ~/.my.cnf (mode 600)") {
		t.Error(errs)
	}
}

// TestTerminalsOfAnySizeAndKind opens the real console on terminals that are
// hardly any, presses keys and leaves it.
func TestTerminalsOfAnySizeAndKind(t *testing.T) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	config := configFile(
		t,
		"services:\n  - name: q\n    health: {url: \"\"}\n    database: {name: q, host: 127.0.0.1, port: 1, user: "+
			"u}\n    process: {kind: none}\n    logs: []\nstate_dir: "+t.TempDir()+"\n",
	)
	for name, c := range map[string]struct {
		cols, rows uint16
		term       string
		code       int
		words      string
	}{
		"1x1":       {1, 1, "TERM=xterm", 0, ""},
		"3x2":       {3, 2, "TERM=xterm", 0, ""},
		"no size":   {0, 0, "TERM=xterm", 0, ""},
		"40x10":     {40, 10, "TERM=xterm", 0, ""},
		"TERM dumb": {80, 24, "TERM=dumb", 64, "cannot move its cursor"},
		"no TERM":   {80, 24, "TERM=", 64, "set TERM, for example TERM=xterm-256color"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(bin, "--config", config, "--lang", "en")
			cmd.Env = append(cmd.Environ(), c.term)
			tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: c.cols, Rows: c.rows})
			if err != nil {
				t.Fatal(err)
			}
			defer tty.Close()
			if code, screen := leaveConsole(t, cmd, tty); code != c.code || !strings.Contains(screen, c.words) {
				t.Errorf("exit %d\n%s", code, screen)
			}
		})
	}
}

// leaveConsole walks through the tabs, then presses escape and q until the program
// ends: how the keys before them were read apart tells whether a dialog is open.
func leaveConsole(t *testing.T, cmd *exec.Cmd, tty interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
}) (int, string) {
	t.Helper()
	read := make(chan string)
	go func() {
		var all bytes.Buffer
		buffer := make([]byte, 4096)
		for {
			n, err := tty.Read(buffer)
			all.Write(buffer[:n])
			if err != nil {
				read <- all.String()
				return
			}
		}
	}()
	deadline := time.After(5 * time.Minute)
	for i, keys := 0, "2345?\x1b:\x1b1"; ; i++ {
		if i > 0 {
			keys = []string{"q", "\x1b"}[i%2]
		}
		for _, k := range keys {
			tty.Write([]byte(string(k)))
		}
		select {
		case screen := <-read:
			cmd.Wait()
			return cmd.ProcessState.ExitCode(), screen
		case <-deadline:
			cmd.Process.Kill()
			t.Fatal("the console does not end")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// TestColourIsForTerminalsThatWantIt looks at what status writes to a terminal.
func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	config := configFile(
		t,
		"services:\n  - name: q\n    health: {url: \"\"}\n    database: {name: q, host: 127.0.0.1, port: 1, user: u}\n",
	)
	for _, c := range []struct {
		env, flag string
		colour    bool
	}{{"X=", "", true}, {"NO_COLOR=1", "", false}, {"TERM=dumb", "", false}, {"X=", "--no-color", false}} {
		args := append([]string{"--config", config, "status", "--only", "mysql"}, strings.Fields(c.flag)...)
		cmd := exec.Command(bin, args...)
		cmd.Env = append(cmd.Environ(), "TERM=xterm-256color", "NO_COLOR=", c.env)
		tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
		if err != nil {
			t.Fatal(err)
		}
		out, _ := io.ReadAll(tty) // ends with an error when the program closes the terminal
		tty.Close()
		cmd.Wait()
		if got := bytes.Contains(out, []byte("\x1b[")); got != c.colour ||
			!bytes.Contains(out, []byte("MySQL is down")) {
			t.Errorf("%s %s: colour is %v\n%q", c.env, c.flag, got, out)
		}
		if bytes.Contains(out, []byte("\x1b]11;?")) {
			t.Errorf("%s %s: it asks the terminal for its background", c.env, c.flag)
		}
	}
}

// TestTheServiceOfTheDefaultsIsSaid: who has no configuration file is told whose figures these are;
// the log of a job is not.
func TestTheServiceOfTheDefaultsIsSaid(t *testing.T) {
	const said = "no configuration file: this is qianzhang of the defaults"
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	at := func(args ...string) *exec.Cmd {
		cmd := exec.Command(bin, args...)
		cmd.Env = append(cmd.Environ(), "TERM=xterm-256color", "NO_COLOR=1", "HOME="+home, "XDG_CONFIG_HOME="+home,
			"XDG_STATE_HOME="+home)
		return cmd
	}
	tty, err := pty.StartWithSize(at("--lang", "en", "status", "--only", "backup"), &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if out, _ := io.ReadAll(tty); bytes.Count(out, []byte(said)) != 1 {
		t.Errorf("at a terminal:\n%s", out)
	}
	if out, _ := at("--lang", "en", "status", "--only", "backup").CombinedOutput(); bytes.Contains(out, []byte(said)) {
		t.Errorf("in a job:\n%s", out)
	}
	console, err := pty.StartWithSize(at("--lang", "en"), &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	seen := []byte{}
	for buf := make([]byte, 4096); !bytes.Contains(seen, []byte("no configuration file")); {
		n, err := console.Read(buf)
		if seen = append(seen, buf[:n]...); err != nil {
			t.Fatalf("the console ended without a word: %q", seen)
		}
	}
	console.Write([]byte("q"))
	io.Copy(io.Discard, console)
}
