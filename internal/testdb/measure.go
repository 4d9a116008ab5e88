package testdb

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Usage is what a command took.
type Usage struct {
	Wall time.Duration
	CPU  time.Duration // of the command, all that it waited for, and the server
	Peak int64         // bytes: the most that one process of the command had resident
}

// Measure runs a command that works on the server. The peak is VmHWM of each
// process, read again and again: that of wait4 begins at what the test's own
// process had when it forked (ru_maxrss outlives exec, see getrusage(2)).
func (s *Server) Measure(t testing.TB, cmd *exec.Cmd) Usage {
	t.Helper()
	var said bytes.Buffer
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	server := cpuOf(s.PID())
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int64, 1)
	go func() { ended <- highWater(cmd.Process.Pid) }()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, said.String())
	}
	u := Usage{
		Wall: time.Since(began),
		CPU:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() + cpuOf(s.PID()) - server,
	}
	u.Peak = <-ended
	return u
}

// highWater is the most bytes that a process or one beneath it had resident; it
// comes back once the process has ended.
func highWater(pid int) (most int64) {
	for {
		mine, alive := resident(pid)
		if !alive {
			return most
		}
		most = max(most, mine)
		for _, below := range descendants(pid) {
			if theirs, ok := resident(below); ok {
				most = max(most, theirs)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// descendants are the children of all threads of a process, and theirs.
func descendants(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(append(all, n), descendants(n)...)
			}
		}
	}
	return all
}

// resident is the most bytes that a process had resident so far; false once it
// has ended or is a zombie.
func resident(pid int) (bytes int64, alive bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	if err != nil || !found {
		return 0, false
	}
	fmt.Sscan(rest, &bytes)
	return bytes << 10, true
}

// cpuOf is what a process has used so far, from /proc; 0 where there is none.
func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // clock ticks of 100 Hz, as Linux tells them to programs
}
