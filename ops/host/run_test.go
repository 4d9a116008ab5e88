package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "opsdeck/internal/testenv" // no test sees this machine's own folders

	"opsdeck/ops/deploy"
)

// TestNothingRunsThatNobodyWasToldOf: while Started has not returned, and where it fails,
// the program has not begun.
func TestNothingRunsThatNobodyWasToldOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	c := Command{Shell: "echo a b; touch " + file + "; exit 4"}
	var told deploy.Child
	c.Started = func(child deploy.Child) error {
		told = child
		if _, err := os.Stat(file); err == nil {
			t.Error("it ran before it was told of")
		}
		return nil
	}
	out := Run(t.Context(), c)
	if out.Code != 4 || strings.Join(out.Tail, "|") != "a b" || told.PID == 0 || told.Start == 0 {
		t.Errorf("%+v, told %+v", out, told)
	}
	os.Remove(file)
	c.Started = func(deploy.Child) error { return errors.New("disk full") }
	if out := Run(t.Context(), c); out.Err == nil {
		t.Errorf("%+v", out)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it ran although it could not be told")
	}
	c = Command{Argv: []string{"no-such-program"}, Started: func(deploy.Child) error { return nil }}
	if out := Run(t.Context(), c); !errors.Is(out.Err, exec.ErrNotFound) {
		t.Errorf("%+v", out)
	}
}

// The process that TestAKillBeforeTheTellingLeavesNothing kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HOST_TEST_KILLED"); dir != "" {
		Run(context.Background(),
			Command{Shell: "touch " + dir + "/ran; sleep 1000", Started: func(c deploy.Child) error {
				os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(c.PID)+"\n"), 0o600)
				select {}
			}})
	}
	os.Exit(m.Run())
}

// TestAKillBeforeTheTellingLeavesNothing: the program ends with the process that would
// have written it to the journal.
func TestAKillBeforeTheTellingLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	self := exec.Command(os.Args[0], "-test.run=^$")
	self.Env = append(os.Environ(), "HOST_TEST_KILLED="+dir)
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	pid := ""
	for end := time.Now().Add(2 * time.Minute); !strings.HasSuffix(pid, "\n"); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(dir, "pid"))
		if pid = string(text); time.Now().After(end) {
			t.Fatal("it did not start")
		}
	}
	self.Process.Signal(syscall.SIGKILL)
	self.Wait()
	stat := "/proc/" + strings.TrimSpace(pid) + "/stat"
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(stat)
		if err != nil || strings.Contains(string(text), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("pid %s still runs: %s", pid, text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the program ran")
	}
}
