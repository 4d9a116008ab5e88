package testdb

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// holdLock is the process that holds a lock until it is killed.
func holdLock(path string) {
	lock, err := held(path, 0)
	fmt.Println(err)
	defer lock.Close()
	time.Sleep(time.Hour)
}

// locked starts a process that holds a lock.
func locked(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TESTDB_LOCK="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "<nil>\n" {
		t.Fatalf("the lock was not had: %s %v", line, err)
	}
	return cmd
}

func TestALockThatIsHeldTooLongNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	pid := locked(t, path).Process.Pid
	began := time.Now()
	_, err := held(path, 100*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(pid)+" (") ||
		time.Since(began) < 100*time.Millisecond {
		t.Errorf("%v", err)
	}
}

func TestTheDeadHoldNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder := locked(t, path)
	go holder.Process.Kill()
	lock, err := held(path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
}

// What a killed process has left is swept, and what is there is not made again.
func TestATemplateIsMadeOnceAndWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template")
	if err := os.Mkdir(path+".new1", 0o700); err != nil {
		t.Fatal(err)
	}
	made := 0
	build := func(dir string) error {
		made++
		if _, err := os.Stat(path); err == nil {
			t.Error("it has its name before it is whole")
		}
		if made == 1 {
			os.Mkdir(dir, 0o700)
			return os.ErrInvalid
		}
		return os.Mkdir(dir, 0o700)
	}
	if err := makeOnce(path, time.Minute, build); err == nil {
		t.Error("a template that could not be made was")
	}
	for range 2 {
		if err := makeOnce(path, time.Minute, build); err != nil {
			t.Fatal(err)
		}
	}
	if dir, err := os.ReadDir(filepath.Dir(path)); err != nil || len(dir) != 2 || made != 2 { // and the lock
		t.Errorf("made %d times, %d names, %v", made, len(dir), err)
	}
}
