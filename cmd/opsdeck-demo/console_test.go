package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/sys/unix"
)

var building struct {
	sync.Once
	path string
	err  error
}

// opsdeck builds the real program, once. .ci/test has built it for all its processes.
func opsdeck(t *testing.T) string {
	t.Helper()
	building.Do(func() {
		if building.path = os.Getenv("OPSDECK_TEST_PROGRAM"); building.path != "" {
			return
		}
		dir, err := os.MkdirTemp("", "opsdeck-bin-")
		if err != nil {
			building.err = err
			return
		}
		building.path = filepath.Join(dir, "opsdeck")
		cmd := exec.Command("go", "build", "-o", building.path, "./cmd/opsdeck")
		cmd.Dir = filepath.Join("..", "..")
		if out, err := cmd.CombinedOutput(); err != nil {
			building.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if building.err != nil {
		t.Fatal(building.err)
	}
	return building.path
}

// console is the real program in a terminal of its own.
type console struct {
	t      *testing.T
	cmd    *exec.Cmd
	keys   *os.File // the terminal's outer side
	inner  *os.File // kept open, to look at its modes after the end
	before *unix.Termios
	mu     sync.Mutex
	raw    bytes.Buffer
	screen vt10x.Terminal
	ended  chan struct{}
}

func openConsole(t *testing.T, r *running, columns, rows int, args ...string) *console {
	t.Helper()
	cmd := exec.Command(opsdeck(t), append([]string{"--config", r.dir + "/config.yaml"}, args...)...)
	cmd.Env = append(
		os.Environ(),
		"LANG=en_GB.UTF-8",
		"LC_ALL=",
		"LC_MESSAGES=",
		"NO_COLOR=",
		socketEnv+"="+controlSocket(r.dir),
	)
	return onTerminal(t, cmd, columns, rows)
}

// onTerminal starts a program in a terminal of its own.
func onTerminal(t *testing.T, cmd *exec.Cmd, columns, rows int) *console {
	t.Helper()
	outer, inner, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &console{
		t:      t,
		keys:   outer,
		inner:  inner,
		screen: vt10x.New(vt10x.WithSize(columns, rows), vt10x.WithWriter(outer)),
		ended:  make(chan struct{}),
	}
	c.before = c.modes()
	if err := pty.Setsize(outer, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	c.cmd = cmd
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = inner, inner, inner
	c.cmd.Env = append(c.cmd.Env, "TERM=xterm-256color")
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read()
	go func() { c.cmd.Wait(); close(c.ended) }()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		<-c.ended
		inner.Close()
		outer.Close()
	})
	return c
}

func (c *console) read() {
	block := make([]byte, 32<<10)
	for {
		n, err := c.keys.Read(block)
		c.mu.Lock()
		c.raw.Write(block[:n])
		c.screen.Write(block[:n])
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *console) modes() *unix.Termios {
	modes, err := unix.IoctlGetTermios(int(c.inner.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatal(err)
	}
	return modes
}

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

// sees waits until the screen shows all of the words.
func (c *console) sees(words ...string) {
	c.t.Helper()
	var missing []string
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text := c.text()
		missing = missing[:0]
		for _, w := range words {
			if !strings.Contains(text, w) {
				missing = append(missing, w)
			}
		}
		if len(missing) == 0 {
			return
		}
		select {
		case <-c.ended:
			c.t.Fatalf("the console ended (%v) before it showed %q:\n%s", c.cmd.ProcessState, missing, text)
		default:
		}
	}
	c.t.Fatalf("the screen does not show %q:\n%s", missing, c.text())
}

// gone waits until the screen no longer shows a word.
func (c *console) gone(word string) {
	c.t.Helper()
	eventually(c.t, "the screen without "+word, func() bool { return !strings.Contains(c.text(), word) })
}

func (c *console) press(keys ...string) {
	c.t.Helper()
	for _, k := range keys {
		if _, err := c.keys.WriteString(k); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *console) resize(columns, rows int) {
	c.t.Helper()
	c.mu.Lock()
	c.screen.Resize(columns, rows)
	c.mu.Unlock()
	if err := pty.Setsize(c.keys, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		c.t.Fatal(err)
	}
}

// leaves waits for the end and checks that the terminal is as it was before.
func (c *console) leaves() (code int) {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(3 * time.Minute):
		c.t.Fatalf("the console does not end:\n%s", c.text())
	}
	if after := c.modes(); !reflect.DeepEqual(after, c.before) {
		c.t.Errorf("the terminal's modes were %+v, and are %+v", c.before, after)
	}
	const leaveScreen, showCursor = "\x1b[?1049l", "\x1b[?25h"
	eventually(c.t, "the last output", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		all := c.raw.String()
		return strings.LastIndex(all, leaveScreen) > strings.LastIndex(all, "\x1b[?1049h") &&
			strings.LastIndex(all, showCursor) > strings.LastIndex(all, "\x1b[?25l")
	})
	return c.cmd.ProcessState.ExitCode()
}

const (
	escape = "\x1b"
	enter  = "\r"
)

func TestTheConsoleOnALivingWorld(t *testing.T) {
	r := bringUp(t)
	c := openConsole(t, r, 120, 40)
	c.sees("qianzhang", "Status", "mysql", "redis", "newest good backup")
	for _, tab := range consoleTabs {
		digit := c.tab(tab.name)
		if digit == "" {
			t.Errorf("there is no tab %s", tab.name)
			continue
		}
		c.press(digit)
		c.sees(tab.words...)
	}
	c.press("1", "?")
	c.sees("Help", "Everywhere")
	c.press(escape)
	c.gone("Everywhere")
	for _, size := range [][2]int{{80, 24}, {40, 10}, {1, 1}, {200, 60}, {120, 40}} {
		c.resize(size[0], size[1])
	}
	c.sees("qianzhang", "mysql")

	c.choose("stop the database")
	c.sees("MySQL is down", "connection refused")
	c.choose("repair everything")
	c.gone("MySQL is down") // its log tells of it for some minutes more
	c.press("L")
	c.sees("状态")
	c.press("q")
	if code := c.leaves(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// consoleTabs are the tabs, with words that each shows of the world.
var consoleTabs = []struct {
	name  string
	words []string
}{
	{"Status", []string{"mysql", "redis", "disk-data"}},
	{"Logs", []string{"HttpLogger", "GET /api/v1/"}},
	{"Audit", []string{"CREATE", "ORDER"}},
	{"Restore", []string{"qianzhang_sales"}},
	{"Backups", []string{"daily", "weekly", "monthly", "truncated"}},
}

var tabDigit = regexp.MustCompile(`(\d) (\pL+)`)

// tab is the digit before a tab's name in the first line, or "".
func (c *console) tab(name string) string {
	first, _, _ := strings.Cut(c.text(), "\n")
	for _, m := range tabDigit.FindAllStringSubmatch(first, -1) {
		if m[2] == name {
			return m[1]
		}
	}
	return ""
}

// choose runs an action by the palette. Keys typed before the palette is drawn
// are not for it.
func (c *console) choose(action string) {
	c.t.Helper()
	c.press(":")
	c.sees("Palette")
	c.press(action)
	c.sees(": " + action)
	c.press(enter)
	c.gone("Palette")
}

func TestSignalsRestoreTheTerminal(t *testing.T) {
	r := bringUp(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			c := openConsole(t, r, 80, 24)
			c.sees("qianzhang", "mysql")
			if err := c.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if code := c.leaves(); code != 130 {
				t.Errorf("exit code %d, want 130: interrupted", code)
			}
		})
	}
}

func TestARestoreUnderWayEndsWithTheWorld(t *testing.T) {
	r := bringUp(t)
	config, err := os.ReadFile(r.dir + "/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The service takes its time to stop: until the world ends the restore cannot be over.
	slow := regexp.MustCompile(`(?m)^      stop: .*$`).ReplaceAll(config, []byte(`      stop: "sleep 600"`))
	if bytes.Equal(slow, config) {
		t.Fatalf("no stop command in\n%s", config)
	}
	if err := os.WriteFile(r.dir+"/config.yaml", slow, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(
		opsdeck(t),
		"--config",
		r.dir+"/config.yaml",
		"restore",
		"run",
		"--confirm",
		database,
		"--detach",
	)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !slices.ContainsFunc(r.left(t), func(line string) bool { return strings.Contains(line, "--config="+r.dir) }) {
		t.Fatalf("no worker among %q", r.left(t))
	}
	r.cmd.Process.Signal(syscall.SIGTERM)
	r.cmd.Wait()
	if left := r.left(t); len(left) > 0 {
		t.Errorf("left running: %q", left)
	}
}

func TestADroppedLineEndsTheConsole(t *testing.T) {
	r := bringUp(t)
	c := openConsole(t, r, 80, 24)
	c.sees("qianzhang", "mysql")
	c.inner.Close()
	c.keys.Close()
	select {
	case <-c.ended:
	case <-time.After(3 * time.Minute):
		t.Error("the console outlives its terminal")
	}
}

func TestTheDemoOpensTheConsoleAndCleansUp(t *testing.T) {
	tmp, err := os.MkdirTemp("", "demo") // short: the world has a socket below it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	cmd := exec.Command(os.Args[0], "--opsdeck", opsdeck(t))
	cmd.Env = append(os.Environ(), demoEnv+"=1", "TMPDIR="+tmp, "TERM=xterm-256color", "LANG=en_GB.UTF-8", "LC_ALL=")
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 100, Rows: 30})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	screen := vt10x.New(vt10x.WithSize(100, 30))
	var mu sync.Mutex
	go func() {
		block := make([]byte, 32<<10)
		for {
			n, err := file.Read(block)
			mu.Lock()
			screen.Write(block[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	eventually(t, "the console", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(screen.String(), "mysql")
	})
	file.WriteString("q")
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		t.Errorf("exit %d", exit.ExitCode())
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
}
