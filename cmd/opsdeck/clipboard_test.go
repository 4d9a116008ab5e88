package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// env is an environment of a few words.
func env(words map[string]string) func(string) string {
	return func(name string) string { return words[name] }
}

func TestCopiedTextReachesTheTerminalThroughMultiplexers(t *testing.T) {
	code := base64.StdEncoding.EncodeToString([]byte("客户 1"))
	plain := "\x1b]52;c;" + code + "\x07"
	tmux := "\x1bPtmux;\x1b" + plain + "\x1b\\"
	screen := "\x1bP\x1b]52;c;" + code + "\x07\x1b\\"
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"a terminal":              {map[string]string{"TERM": "xterm-256color"}, plain},
		"tmux on the other side":  {map[string]string{"TERM": "tmux-256color"}, plain + tmux},
		"screen":                  {map[string]string{"TERM": "xterm", "STY": "1.a"}, plain + screen},
		"screen on the other end": {map[string]string{"TERM": "screen.xterm-256color"}, plain + screen},
		"tmux that does not run":  {map[string]string{"TERM": "screen-256color", "TMUX": "/nowhere,1,0"}, plain + tmux},
	} {
		t.Setenv("TMUX", "/nowhere,1,0")
		var out bytes.Buffer
		if _, err := (clipboard{&out, env(c.env), t.TempDir()}).put("客户 1"); err != nil || out.String() != c.want {
			t.Errorf("%s: %q, want %q, %v", name, out.String(), c.want, err)
		}
	}
}

func TestTextTooLongForTheClipboardIsInAFile(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("x", clipboardLimit+1)
	var out bytes.Buffer
	said, err := clipboard{&out, env(nil), dir}.put(text)
	files, _ := filepath.Glob(filepath.Join(dir, "copied-*.txt"))
	if err != nil || out.Len() > 0 || len(files) != 1 || len(said.Args) != 1 || said.Args[0] != files[0] {
		t.Fatalf("%v, %d bytes to the terminal, files %v, said %v", err, out.Len(), files, said)
	}
	got, _ := os.ReadFile(files[0])
	info, err := os.Stat(files[0])
	if err != nil || string(got) != text || info.Mode().Perm() != 0o600 {
		t.Errorf("%d bytes, %v, %v", len(got), info.Mode(), err)
	}
}

// TestARealTmuxTakesTheText: with tmux's own settings, under which it passes on
// nothing that a program sends.
func TestARealTmuxTakesTheText(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("no tmux")
	}
	dir, err := os.MkdirTemp("", "tm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	tmux := func(args ...string) string {
		out, err := exec.Command("tmux", append([]string{"-S", socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	tmux("new-session", "-d", "-x", "80", "-y", "24", "sleep 600")
	t.Cleanup(func() { tmux("kill-server") })
	t.Setenv("TMUX", socket+",1,0")
	text := strings.Repeat("客户 1\n", 20_000)
	var out bytes.Buffer
	said, err := clipboard{&out, os.Getenv, dir}.put(text)
	if err != nil || out.Len() > 0 {
		t.Fatalf("%v, said %v, %d bytes to the terminal", err, said, out.Len())
	}
	for end := time.Now().Add(time.Minute); tmux("show-buffer") != text; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("tmux does not have the text")
		}
	}
}
