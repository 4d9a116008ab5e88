package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// slowDown passes connections on to address, from some moment on with 2 kB/s on the way
// back. It returns its own port.
func slowDown(t *testing.T, address string, slow *atomic.Bool) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				near.Close()
				return
			}
			go func() { io.Copy(far, near); far.Close() }()
			go func() { carry(near, far, slow); near.Close() }()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// carry copies in steps of what 2 kB/s bring in 20 ms, once the line is slow.
func carry(to io.Writer, from io.Reader, slow *atomic.Bool) {
	block := make([]byte, 40)
	for {
		n, err := from.Read(block)
		if slow.Load() {
			time.Sleep(time.Duration(n) * time.Second / 2000)
		}
		if _, failed := to.Write(block[:n]); err != nil || failed != nil {
			return
		}
	}
}

// ticker appends some hundred lines a second to a log; each says how many ms after the
// start it was written.
func ticker(t *testing.T, path string, start time.Time) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go func() {
		defer f.Close()
		for {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
			}
			now := time.Now()
			fmt.Fprintf(f, "%s INFO tick-%d- %x and more text\n", now.UTC().Format("2006-01-02T15:04:05.000Z"),
				now.Sub(start).Milliseconds(), now.UnixNano())
		}
	}()
}

var tick = regexp.MustCompile(`tick-(\d+)-`)

// newest is the highest number on the screen, in ms.
func (c *console) newest() (ms int64) {
	for _, m := range tick.FindAllStringSubmatch(c.text(), -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		ms = max(ms, n)
	}
	return ms
}

// Through a real sshd and a line of 2 kB/s a busy log is followed without falling behind,
// and keys are answered. Without the pace of tui/screen each second of this log is some
// ten seconds of the line: the screen would soon be a minute old.
func TestABusyLogIsFollowedOverASlowLine(t *testing.T) {
	server := testdb.SSHD(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf("services:\n  - name: q\n    health: {url: \"\"}\n    database: {name: q, host: 127.0.0.1, port: 1, user: u}\n"+
		"    process: {kind: none}\n    logs: [%s/app.log]\nstate_dir: %s/state\n", dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ticker(t, filepath.Join(dir, "app.log"), start)
	var slow atomic.Bool
	server.Port = slowDown(t, net.JoinHostPort(server.Host, strconv.Itoa(server.Port)), &slow)
	server.KnownHosts = os.DevNull
	command := strings.Join([]string{"TERM=xterm-256color", "LANG=en_GB.UTF-8", opsdeck(t), "--config", config}, " ")
	args := append(server.Options(), "-tt", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
		server.User+"@"+server.Host, command)
	c := onTerminal(t, exec.Command("ssh", args...), 80, 24)
	c.press("2")
	c.sees("following", "tick-")
	slow.Store(true)

	// The pace of the line is learnt from what is under way, so what was sent before comes first.
	eventually(t, "a screen that is recent", func() bool {
		return time.Since(start).Milliseconds()-c.newest() < 1000
	})
	// It is recent again and again, however late a busy machine is in between: without the
	// pace the screen is nine seconds older after each ten, and never recent again.
	for range 5 {
		time.Sleep(time.Second)
		eventually(t, "a screen that is recent", func() bool {
			return time.Since(start).Milliseconds()-c.newest() < 1000
		})
	}
	pressed := time.Now()
	c.press("f")
	c.sees("paused")
	took := time.Since(pressed)
	t.Logf("a key took %v", took)
	if took > 30*time.Second { // without the pace, behind a minute of the log
		t.Errorf("a key took %v", took)
	}
}
