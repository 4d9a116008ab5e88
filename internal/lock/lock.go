// Package lock makes sure that one process at a time does a thing, by flock(2):
// the kernel lets go when the holder dies, however it dies. The file says who
// holds it.
package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/diskfull"
	"opsdeck/internal/regular"
	"opsdeck/internal/trust"
)

// Holder is who holds a lock and for what.
type Holder struct {
	PID   int       `json:"pid"`
	User  string    `json:"user"`
	What  string    `json:"what"`
	Since time.Time `json:"since"`
}

// HeldError says that somebody else holds the lock.
type HeldError struct {
	Path   string
	Holder Holder // zero when the holder had not yet written its name
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is held by %s (pid %d) for %s since %s", e.Path, e.Holder.User, e.Holder.PID, e.Holder.What,
		e.Holder.Since.Format(time.RFC3339))
}

// Lock is a held lock.
type Lock struct{ f *os.File }

// Take takes the lock at path at once, or returns a *HeldError. The folder is
// made, with mode 0700, when absent. The file itself is never removed: removing
// it would let two processes hold two files of one name.
func Take(path string, who Holder) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := trust.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := exclude(f); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &HeldError{Path: path, Holder: read(f)}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	who.PID = os.Getpid()
	if who.Since.IsZero() {
		who.Since = time.Now()
	}
	if err := sign(f, who); err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// sign writes the holder's name into the file. On a full disk it stays empty: the lock
// itself needs no room, and who makes room needs the lock; /proc/locks knows the holder.
func sign(f *os.File, who Holder) error {
	text, _ := json.Marshal(who)
	err := f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(append(text, '\n'), 0)
	}
	if diskfull.Is(err) {
		return f.Truncate(0)
	}
	return err
}

// lookTime is more than a look takes, on any machine.
const lookTime = 30 * time.Second

// exclude takes the lock unless a holder has it. Those who only look have it for a
// moment too, but share it: where it can be shared there is no holder.
func exclude(f *os.File) error {
	fd := int(f.Fd())
	for end := time.Now().Add(lookTime); ; time.Sleep(time.Duration(1+rand.IntN(5)) * time.Millisecond) {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(end) {
			return err
		}
		if err := unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB); err != nil {
			return err
		}
		if err := unix.Flock(fd, unix.LOCK_UN); err != nil {
			return err
		}
	}
}

// Look tells who holds the lock at path; held is false when nobody does.
func Look(path string) (who Holder, held bool, err error) {
	f, err := regular.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Holder{}, false, nil
	}
	if err != nil {
		return Holder{}, false, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return read(f), true, nil
	}
	return Holder{}, false, err
}

// Release lets go of the lock.
func (l *Lock) Release() error {
	if l == nil || l.f == nil {
		return nil
	}
	l.f.Truncate(0)
	err := l.f.Close()
	l.f = nil
	return err
}

func read(f *os.File) (who Holder) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 64<<10))
	if err == nil {
		json.Unmarshal(text, &who)
	}
	if who.PID == 0 { // it is no opsdeck, or has not yet written its name
		who = holder(f)
	}
	return who
}
