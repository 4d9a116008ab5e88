package notify

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

func shell(t *testing.T, line string, args ...string) *Target {
	t.Helper()
	target, err := New(config.Notify{Name: "page", Kind: "command",
		Command: append([]string{"/bin/sh", "-c", line}, args...)})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestACommandGetsTheAlertOnStandardInput(t *testing.T) {
	dir := t.TempDir()
	target := shell(t, `cat > "$1/in"; tr '\0' '\n' < /proc/$$/cmdline > "$1/argv"`, "sh", dir)
	if err := target.Send(context.Background(), alert()); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "in"))
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil || got["evidence"] != alert().Evidence {
		t.Fatalf("%v: %s", err, text)
	}
	argv, _ := os.ReadFile(filepath.Join(dir, "argv"))
	if !strings.Contains(string(argv), dir) || strings.Contains(string(argv), "heap") {
		t.Fatalf("arguments %s", argv)
	}
}

// TestACommandIsKilledWithItsChildren: the child of one that hangs, and the child that
// one leaves behind.
func TestACommandIsKilledWithItsChildren(t *testing.T) {
	for name, line := range map[string]string{
		"hangs":        `sleep 600 & echo $! > "$1"; wait`,
		"leaves":       `sleep 600 >/dev/null 2>&1 & echo $! > "$1"`,
		"leaves pipes": `sleep 600 & echo $! > "$1"`,
	} {
		pidFile := filepath.Join(t.TempDir(), "pid")
		most := 2 * time.Minute
		if name == "hangs" {
			most = 300 * time.Millisecond
		}
		var err error
		for ; ; most *= 2 { // until the machine has come to the start of the child
			ctx, cancel := context.WithTimeout(context.Background(), most)
			err = shell(t, line, "sh", pidFile).Send(ctx, alert())
			cancel()
			if info, missing := os.Stat(pidFile); missing == nil && info.Size() > 0 || most > time.Minute {
				break
			}
		}
		if name != "hangs" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "hangs" && (!Retryable(err) || !strings.Contains(err.Error(), "timed out")) {
			t.Errorf("%s: %v", name, err)
		}
		text, err := os.ReadFile(pidFile)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(2 * time.Minute); running(pid); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: its child %d still runs", name, pid)
			}
		}
	}
}

// running tells whether a process runs; one that is dead and not yet waited for does not.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestExitCodesOfACommandAreSorted(t *testing.T) {
	for code, retry := range map[int]bool{1: true, 75: true, 64: false, 78: false, 127: false} {
		err := shell(t, "echo no line >&2; exit "+strconv.Itoa(code)).Send(context.Background(), alert())
		if err == nil || Retryable(err) != retry || !strings.Contains(err.Error(), "no line") {
			t.Errorf("%d: %v, retry %t", code, err, Retryable(err))
		}
	}
	if err := shell(t, "exec yes").Send(short(t), alert()); !Retryable(err) {
		t.Errorf("one that never stops talking: %v", err)
	}
	if err := shell(t, "exit 0").Send(context.Background(), alert()); err != nil {
		t.Errorf("one that reads nothing: %v", err)
	}
	_, err := New(config.Notify{Name: "page", Kind: "command", Command: []string{"/nowhere/page"}})
	if ops.CodeOf(err) != ops.Config {
		t.Errorf("no program: %v", err)
	}
}

func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
