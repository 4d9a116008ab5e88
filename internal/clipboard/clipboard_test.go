package clipboard

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
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
		"screen":                  {map[string]string{"TERM": "xterm", "STY": "1.a"}, screen},
		"screen on the other end": {map[string]string{"TERM": "screen.xterm-256color"}, plain + screen},
		"tmux that does not run":  {map[string]string{"TERM": "screen-256color", "TMUX": "/nowhere,1,0"}, plain + tmux},
	} {
		t.Setenv("TMUX", "/nowhere,1,0")
		var out bytes.Buffer
		if _, err := (Clipboard{&out, env(c.env), t.TempDir()}).Put("客户 1"); err != nil || out.String() != c.want {
			t.Errorf("%s: %q, want %q, %v", name, out.String(), c.want, err)
		}
	}
}

func TestTextTooLongForTheClipboardIsInAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet") // as before anything was kept
	text := strings.Repeat("x", limit+1)
	var out bytes.Buffer
	said, err := Clipboard{&out, env(nil), dir}.Put(text)
	files, _ := filepath.Glob(filepath.Join(dir, "copied-*.txt"))
	if err != nil || out.Len() > 0 || len(files) != 1 || len(said.Args) != 2 ||
		filepath.Join(said.Args[1].(string), said.Args[0].(string)) != files[0] {
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
	said, err := Clipboard{&out, os.Getenv, dir}.Put(text)
	if err != nil || out.Len() > 0 {
		t.Fatalf("%v, said %v, %d bytes to the terminal", err, said, out.Len())
	}
	for end := time.Now().Add(3 * time.Minute); tmux("show-buffer") != text; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("tmux does not have the text")
		}
	}
}

// TestTextTooLongForScreenIsNotSentPlain: it would stand on the display.
func TestTextTooLongForScreenIsNotSentPlain(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("x", screenString)
	var out bytes.Buffer
	if _, err := (Clipboard{&out, env(map[string]string{"TERM": "screen-256color"}), dir}).Put(text); err != nil ||
		out.Len() > 0 {
		t.Errorf("a terminal by the name of screen: %v, %d bytes", err, out.Len())
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "copied-*.txt")); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
	if _, err := (Clipboard{&out, env(map[string]string{"TERM": "screen", "STY": "1.a"}), dir}).Put(text); err != nil ||
		strings.Contains(out.String(), "\x1b]52;c;"+strings.Repeat("x", 200)) {
		t.Errorf("in screen: %v, %q", err, out.String())
	}
}

// TestARealScreenPassesTheTextOn: short and long, and none of it stands on the display.
func TestARealScreenPassesTheTextOn(t *testing.T) {
	if _, err := exec.LookPath("screen"); err != nil {
		t.Skip("no screen")
	}
	for _, text := range []string{"客户 1", strings.Repeat("客户 1\n", 2000)} {
		dir, err := os.MkdirTemp("", "sc")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := (Clipboard{&out, env(map[string]string{"STY": "1.a", "TERM": "screen"}),
			dir}).Put(text); err != nil {
			t.Fatal(err)
		}
		sent := filepath.Join(dir, "sent")
		if err := os.WriteFile(sent, append(out.Bytes(), "THE END"...), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("screen", "-c", "/dev/null", "-S", "t", "sh", "-c", "cat "+sent+"; exec sleep 600")
		cmd.Env = append(os.Environ(), "SCREENDIR="+dir, "TERM=xterm", "STY=")
		tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			quit := exec.Command("screen", "-S", "t", "-X", "quit")
			quit.Env = cmd.Env
			quit.Run()
			cmd.Process.Kill() // where it had ended, or could not be told
			cmd.Wait()
			tty.Close()
		})
		tty.SetReadDeadline(time.Now().Add(3 * time.Minute))
		var seen []byte
		for buf := make([]byte, 64<<10); !bytes.Contains(seen, []byte("THE END")); {
			n, err := tty.Read(buf)
			if seen = append(seen, buf[:n]...); err != nil {
				t.Fatalf("%v after %q", err, seen)
			}
		}
		code := base64.StdEncoding.EncodeToString([]byte(text))
		before, after, ok := bytes.Cut(seen, []byte("\x1b]52;c;"+code+"\x07"))
		if !ok {
			t.Fatalf("the terminal did not get the text: %.300q", seen)
		}
		if rest := string(before) + string(after); strings.Contains(rest, code[:min(len(code), 24)]) {
			t.Errorf("the text stands on the display: %.300q", rest)
		}
	}
}
