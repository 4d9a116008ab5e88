package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds the wait for a file that others lock for moments only.
const patience = 30 * time.Second

// lastTry is how long after the end of its context a wait goes on: the end of an
// act that was interrupted is recorded too.
const lastTry = 500 * time.Millisecond

// Wait locks a file that is locked for moments only; how is unix.LOCK_EX or
// LOCK_SH. It gives up after patience, and soon after ctx ends, with a *HeldError.
func Wait(ctx context.Context, f *os.File, how int) error {
	end := time.NewTimer(patience)
	defer end.Stop()
	try := time.NewTicker(5 * time.Millisecond)
	defer try.Stop()
	over := ctx.Done()
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		select {
		case <-try.C:
		case <-over:
			over = nil
			end.Reset(lastTry)
		case <-end.C:
			return &HeldError{Path: f.Name(), Holder: holder(f)}
		}
	}
}

// UnansweredError says that a file system gave no answer.
type UnansweredError struct {
	Path  string
	Since time.Time
}

func (e *UnansweredError) Error() string {
	return fmt.Sprintf("no answer from the file system of %s since %s", e.Path, e.Since.Format(time.RFC3339))
}

// Answered runs what reads or writes a file, and returns without it soon after
// ctx ends: a system call on a dead network file system never ends.
func Answered(ctx context.Context, path string, work func() error) error {
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(2 * lastTry):
		return &UnansweredError{Path: path, Since: began}
	}
}

// holder finds the process that has locked a file, as the kernel shows it. It is
// zero when it cannot be seen from here: on another machine, in another container.
func holder(f *os.File) (who Holder) {
	info, err := f.Stat()
	if err != nil {
		return who
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	table, err := os.ReadFile("/proc/locks")
	if !ok || err != nil {
		return who
	}
	suffix := fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)), st.Ino)
	var pid int
	for _, line := range strings.Split(string(table), "\n") {
		field := strings.Fields(line)
		if len(field) < 6 || field[1] != "FLOCK" || !strings.HasSuffix(field[5], fmt.Sprintf(":%d", st.Ino)) {
			continue
		}
		if n, _ := strconv.Atoi(field[4]); n > 0 && (pid == 0 || field[5] == suffix) {
			pid = n
		}
	}
	if pid == 0 {
		return who
	}
	return process(pid)
}

// process is who runs a process, its name, and since when it runs.
func process(pid int) Holder {
	who := Holder{PID: pid}
	dir := fmt.Sprintf("/proc/%d", pid)
	if name, err := os.ReadFile(dir + "/comm"); err == nil {
		who.What = strings.TrimSpace(string(name))
	}
	if info, err := os.Stat(dir); err == nil {
		who.Since = info.ModTime()
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			who.User = userName(st.Uid)
		}
	}
	return who
}

func userName(uid uint32) string {
	id := strconv.Itoa(int(uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
