package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"opsdeck/internal/testdb"
)

// backend is the service of the field: a Node process with the three endpoints,
// ready when the database's port answers.
const backend = `const http = require('http'), net = require('net');
const [port, db] = [PORT, DBPORT];
http.createServer((q, r) => {
  if (q.url === '/health') return r.end(JSON.stringify({status: 'ok', timestamp: new Date().toISOString(), uptime: process.uptime(), message: 'Service is running'}));
  if (q.url === '/health/version') return r.end(JSON.stringify({name: 'backend', version: '1.0.0'}));
  const s = net.connect(db, '127.0.0.1', () => { s.end(); r.end(JSON.stringify({status: 'ready', checks: {database: true}})); });
  s.on('error', () => { r.statusCode = 503; r.end(JSON.stringify({status: 'not ready', checks: {database: false}})); });
}).listen(port, '127.0.0.1');`

// underPM2 puts the site's service under a real PM2.
func (s *realSite) underPM2(pm2 *testdb.PM2Daemon) {
	s.t.Helper()
	port, err := testdb.FreePort()
	if err != nil {
		s.t.Fatal(err)
	}
	script := filepath.Join(pm2.Dir, "backend.js")
	text := strings.NewReplacer("PORT, DBPORT", fmt.Sprintf("%d, %d", port, s.db.Port)).Replace(backend)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	pm2.Run(s.t, "start", script, "--name", "backend")
	conf, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, l := range strings.Split(string(conf), "\n") {
		switch {
		case strings.Contains(l, "process:"):
			l = "    process: {kind: pm2, name: backend, home: " + pm2.Home + "}"
		case strings.Contains(l, "health:"):
			l = fmt.Sprintf("    health: {url: \"http://127.0.0.1:%d\"}", port)
		}
		lines = append(lines, l)
	}
	s.write("config.yaml", strings.Replace(strings.Join(lines, "\n"), "ready_wait: 1m", "ready_wait: 4m", 1))
	s.env = []string{"PATH=" + filepath.Dir(pm2.Bin) + ":" + os.Getenv("PATH"), "PM2_HOME=" + pm2.Home}
	s.up = func() bool {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health/ready", port))
		if err != nil {
			return false
		}
		defer res.Body.Close()
		io.Copy(io.Discard, res.Body)
		return res.StatusCode == 200
	}
	until(s.t, "the back end to be ready", s.up)
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

// seat is a person at a terminal.
type seat struct {
	t    testing.TB
	file *os.File
	kill func()
	mu   sync.Mutex
	seen bytes.Buffer
}

func (s *realSite) sit(args ...string) *seat {
	s.t.Helper()
	return sitAt(s.t, s.command(args...))
}

// sitAt starts a program on a terminal of its own.
func sitAt(t testing.TB, cmd *exec.Cmd) *seat {
	t.Helper()
	cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
	file, err := pty.StartWithAttrs(
		cmd,
		&pty.Winsize{Cols: 80, Rows: 24},
		&syscall.SysProcAttr{Setsid: true, Setctty: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	c := &seat{t: t, file: file, kill: func() { cmd.Process.Kill() }}
	done := make(chan struct{})
	go func() {
		defer close(done)
		block := make([]byte, 32<<10)
		for {
			n, err := file.Read(block)
			c.mu.Lock()
			c.seen.Write(block[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); file.Close(); <-done })
	return c
}

// press forgets what was seen and types.
func (c *seat) press(keys string) {
	c.t.Helper()
	c.mu.Lock()
	c.seen.Reset()
	c.mu.Unlock()
	if _, err := c.file.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// sees waits until the text was drawn since the last key.
func (c *seat) sees(text string) {
	c.t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		c.mu.Lock()
		got := ansi.Strip(c.seen.String())
		c.mu.Unlock()
		if strings.Contains(got, text) {
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	tail := ansi.Strip(c.seen.String())
	c.t.Fatalf("never saw %q in %s", text, tail[max(0, len(tail)-3000):])
}

// types types a name into a dialog once it listens.
func (c *seat) types(name string) {
	time.Sleep(600 * time.Millisecond) // the dialog ignores keys that came before it was read
	c.press(name + "\r")
}

// TestTheWizardByKeysAlone restores and undoes with a real server, a real Node
// process under a real PM2, and nothing but keys.
func TestTheWizardByKeysAlone(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.underPM2(testdb.PM2(t))
		good := s.dump()
		s.must("backup", "create")
		db.Exec(t, s.live, shopDamage...)
		damaged := s.dump()

		c := s.sit()
		c.sees("Restore")
		c.press("5")
		c.sees("missing now: ar_invoices")
		c.press("B")
		c.sees("Start the restore")
		c.types("not the name")
		c.sees("That is not the name")
		c.press("\x1b") // on its own: with a key behind it, it would be alt and that key
		c.sees("Assess")
		c.press("B")
		c.sees("Start the restore")
		c.types(s.live)
		c.sees("restored in")
		sameDump(t, good, s.dump())
		until(t, "the back end to be ready", s.up)
		c.press("Z")
		c.sees("then removed from the live")
		c.types(s.live)
		c.sees("undone")
		sameDump(t, damaged, s.dump())
		until(t, "the back end to be ready", s.up)
		for _, want := range []string{"restore.run", "restore.undo"} {
			if o := s.must("operations"); !strings.Contains(o.out, want) {
				t.Errorf("no record of %s", want)
			}
		}
	})
}
