package testdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long the making of a template may take, and how long another process may
// hold it; generous, as for startTimeout.
const (
	initTimeout = 4 * time.Minute
	lockTimeout = initTimeout + time.Minute
)

// template is an initialised data folder, made once per version and kept in the
// cache; servers get a copy of it. One that is there is taken without a lock.
func (f *flavour) template(server string) (string, error) {
	version, err := exec.Command(server, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", server, err)
	}
	dir := filepath.Join(cacheDir(), "templates")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name := f.name
	for _, word := range strings.Fields(string(version)) {
		if word[0] >= '0' && word[0] <= '9' {
			name += "-" + word
			break
		}
	}
	path := filepath.Join(dir, name+"-v3")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, makeOnce(path, lockTimeout, func(data string) error {
		if err := f.init(server, data); err != nil {
			return fmt.Errorf("initialise %s: %w", f.name, err)
		}
		os.Remove(filepath.Join(data, "auto.cnf")) // each server gets an identity of its own
		dig(data)
		return nil
	})
}

// dig leaves the blocks of zeros out of the files of a folder: logs that hold nothing yet are
// most of a template, and each server copies it. Where that cannot be done, they stay.
func dig(folder string) {
	filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			exec.Command("fallocate", "--dig-holes", path).Run()
		}
		return nil
	})
}

// makeOnce makes the folder path by build, which is given another name, unless it
// is there; another process that is making it is waited for as long as limit.
func makeOnce(path string, limit time.Duration, build func(dir string) error) error {
	lock, err := held(path+".lock", limit)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	leftovers, _ := filepath.Glob(path + ".new*") // of processes that were killed
	for _, dir := range leftovers {
		os.RemoveAll(dir)
	}
	// A name of this process's own: what a killed one has started may still be at work.
	dir := path + ".new" + strconv.Itoa(os.Getpid())
	if err := build(dir); err != nil {
		os.RemoveAll(dir)
		return err
	}
	return os.Rename(dir, path)
}

// held locks a file, which says who holds it. The kernel ends the lock with its
// process, and no child inherits it: the dead hold nothing.
func held(path string, limit time.Duration) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for until := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return lock, errors.Join(lock.Truncate(0), sign(lock))
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			lock.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case time.Now().After(until):
			who, _ := os.ReadFile(path)
			lock.Close()
			return nil, fmt.Errorf("%s is held for more than %v by %s", path, limit, who)
		}
	}
}

// sign writes into a lock file who holds it.
func sign(lock *os.File) error {
	_, err := fmt.Fprintf(
		lock,
		"process %d (%s) since %s",
		os.Getpid(),
		filepath.Base(os.Args[0]),
		time.Now().Format(time.TimeOnly),
	)
	return err
}
