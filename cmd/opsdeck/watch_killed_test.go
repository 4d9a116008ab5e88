package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// flaky is a webhook that fails half the time: sometimes before it takes a message,
// sometimes after.
type flaky struct {
	mu    sync.Mutex
	fails bool
	keys  map[string]bool // idempotency keys that were taken
	told  map[string]int  // what and rule, also with the severity: in how many messages
	calls int
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	how := rand.IntN(4)
	if f.fails && how == 0 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var doc struct {
		Key    string `json:"idempotency_key"`
		Alerts []struct {
			What, Rule, Severity, Line string
		} `json:"alerts"`
	}
	if err := json.Unmarshal(text, &doc); err != nil || doc.Key == "" || doc.Key != r.Header.Get("Idempotency-Key") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !f.keys[doc.Key] {
		f.keys[doc.Key] = true
		for _, a := range doc.Alerts {
			f.told[a.What+" "+a.Rule]++
			f.told[a.What+" "+a.Rule+" "+a.Severity]++
		}
	}
	if f.fails && how == 1 {
		w.WriteHeader(http.StatusGatewayTimeout) // it accepted the message, and does not say so
	}
}

func (f *flaky) has(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[what]
}

// all is in how many messages each was told.
func (f *flaky) all() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.told)
}

// TestNoAlertIsLostOrDoubledByKills kills a real watch at random moments, while its log
// grows and is rotated, and its target fails half the time.
func TestNoAlertIsLostOrDoubledByKills(t *testing.T) {
	t.Parallel()
	kills := 50
	if os.Getenv("OPSDECK_KILLS") != "" {
		fmt.Sscan(os.Getenv("OPSDECK_KILLS"), &kills)
	}
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	hook := &flaky{fails: true, keys: map[string]bool{}, told: map[string]int{}}
	server := httptest.NewServer(hook)
	defer server.Close()
	dir := t.TempDir()
	config := watchConfig(t, dir, server.URL, kills+1)
	log := filepath.Join(dir, "app.log")
	appendTo(t, log, "the beginning")
	for i := range kills {
		w := startWatch(t, bin, config)
		w.await("targets")
		if i == 0 { // the first run notes where the log ends, and tells of what comes later
			await(t, ample, func() bool {
				appendTo(t, log, fmt.Sprintf("needle%d happened", kills))
				return hook.has(fmt.Sprintf("fired needle%d", kills)) > 0
			}, w.text)
		}
		appendTo(t, log, fmt.Sprintf("needle%d happened", i))
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		w.kill()
		if i%7 == 3 {
			if err := os.Rename(log, log+"."+fmt.Sprint(100+kills-i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	hook.mu.Lock()
	hook.fails = false
	hook.mu.Unlock()
	w := startWatch(t, bin, config)
	defer w.kill()
	await(t, ample, func() bool {
		for i := range kills {
			if hook.has(fmt.Sprintf("fired needle%d", i)) == 0 {
				return false
			}
		}
		return true
	}, func() string { return fmt.Sprint(hook.told) })
	hook.mu.Lock()
	defer hook.mu.Unlock()
	for what, n := range hook.told {
		if n != 1 {
			t.Errorf("%s was told %d times", what, n)
		}
	}
	t.Logf("%d kills, %d calls, %d messages", kills, hook.calls, len(hook.keys))
}

// watchConfig watches app.log in dir, with a rule a needle.
func watchConfig(t *testing.T, dir, url string, rules int) string {
	t.Helper()
	hook := filepath.Join(dir, "hook")
	if err := os.WriteFile(hook, []byte(url+"/hook\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "state_dir: %s\nservices:\n  - name: q\n    process: {kind: none}\n", filepath.Join(dir, "state"))
	fmt.Fprintf(&b, "    logs: [%q]\n    notify: [{name: hook, kind: webhook, url_file: hook, per_minute: 1000000}]\n",
		filepath.Join(dir, "app.log*"))
	b.WriteString("    alerts:\n      rules:\n")
	for i := range rules {
		fmt.Fprintf(&b, "        - {name: needle%d, query: \"'needle%d\\\\ happened\", keep_firing: 1h}\n", i, i)
	}
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func appendTo(t *testing.T, path, line string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(line + "\n")
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// running is a watch that runs.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	said []string
	more chan struct{}
}

func startWatch(t *testing.T, bin, config string, more ...string) *running {
	t.Helper()
	w := &running{t: t, cmd: exec.Command(bin,
		append([]string{"--config", config, "--lang", "en", "watch"}, more...)...)}
	w.more = make(chan struct{}, 1)
	out, err := w.cmd.StderrPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.mu.Lock()
			w.said = append(w.said, lines.Text())
			w.mu.Unlock()
			select {
			case w.more <- struct{}{}:
			default:
			}
		}
	}()
	return w
}

// await waits for a line with a word.
func (w *running) await(word string) {
	w.t.Helper()
	await(w.t, ample, func() bool { return strings.Contains(w.text(), word) }, w.text)
}

func (w *running) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}

func (w *running) kill() {
	w.cmd.Process.Kill()
	w.cmd.Wait()
}

// ample is a limit for what should come at once, on any machine.
const ample = 3 * time.Minute

func await(t *testing.T, most time.Duration, done func() bool, said func() string) {
	t.Helper()
	for end := time.Now().Add(most); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come within %s: %s", most, said())
		}
	}
}
