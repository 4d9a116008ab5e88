package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// sit is a person at the console, or at another command on a terminal.
func (s *deploySite) sit(args ...string) *seat {
	s.t.Helper()
	cmd := exec.Command(s.bin, append([]string{"--config", s.config, "--lang", "en"}, args...)...)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8")
	return sitAt(s.t, cmd)
}

// finds draws the whole screen again and again until the text is on it.
func (c *seat) finds(text string) {
	c.t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
		c.press("\x0c")
		for until := time.Now().Add(time.Second); time.Now().Before(until); time.Sleep(30 * time.Millisecond) {
			c.mu.Lock()
			got := ansi.Strip(c.seen.String())
			c.mu.Unlock()
			if strings.Contains(got, text) {
				return
			}
		}
	}
	c.t.Fatalf("never found %q", text)
}

// answer presses a key in a dialog once it listens.
func (c *seat) answer(key string) {
	time.Sleep(600 * time.Millisecond)
	c.press(key)
}

// TestAReleaseIsDeployedFromTheConsole: by keys alone a plan is shown, confirmed and begun;
// it outlives the console, is stopped, resumed and rolled back in another.
func TestAReleaseIsDeployedFromTheConsole(t *testing.T) {
	t.Parallel()
	s := newDeploySite(t)
	first := s.sit()
	first.sees("Status")
	first.press("D")
	first.sees("Choose a plan")
	first.press("\r")
	first.sees("enter deploy")
	first.press("\r")
	first.sees("Deploy?")
	first.types("another")
	first.sees("That is not the name")
	first.press("\x7f\x7f\x7f\x7f\x7f\x7f\x7fshop\r")
	first.finds("step 3 of 5")
	pid := s.installs(1)
	first.kill()

	c := s.sit()
	c.sees("Status")
	c.press("D")
	c.finds("step 3 of 5")
	c.press("x")
	c.sees("Stop the deployment?")
	c.answer("y")
	c.finds("interrupted: no process is working on it")
	s.gone(pid)
	s.sh("touch go")
	c.press("r")
	c.sees("Resume?")
	c.types("shop")
	c.finds("deployed (")
	if v := s.version(); v != 2 {
		t.Errorf("release %d is deployed", v)
	}
	c.press("u")
	c.sees("Roll back?")
	c.types("shop")
	c.finds("rolled back;")
	if v := s.version(); v != 1 {
		t.Errorf("release %d after the rollback", v)
	}
}

// TestARunbookIsReadAndRunOnATerminal: a command is shown, run in the terminal by this very
// program, and the runbook is there again.
func TestARunbookIsReadAndRunOnATerminal(t *testing.T) {
	t.Parallel()
	s := newDeploySite(t)
	c := s.sit("runbook", "service-down")
	c.sees("n next command")
	c.press("n")
	c.press("\r")
	c.sees("Run this command?")
	c.answer("y")
	c.sees("/health fails")
	c.sees("exit code: 2")
	c.press("\r")
	c.sees("n next command")
	console := s.sit()
	console.sees("Status")
	console.press("?")
	console.sees("runbooks: what to do")
	console.press("r")
	console.sees("MySQL does not respond")
}
