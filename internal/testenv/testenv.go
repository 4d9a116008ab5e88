// Package testenv keeps tests away from the machine they run on. To import it is
// enough: before any test begins, the process has a HOME, a TMPDIR, XDG folders
// and system folders (see config.System) of its own, a PATH on which crontab and
// systemctl know nothing, and none of the settings that a person may have made in
// the environment. Every package with tests imports it, or testdb, which does; a
// test of package arch looks.
package testenv

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const (
	prefix = "opsdeck-test-"
	// mark is set in this process and in its children, which share its folders.
	mark = "OPSDECK_TEST_HOME"
	temp = "OPSDECK_TEST_OUTER_TEMP" // the machine's folder of temporary files
)

// outer is what the process was started with.
var outer struct {
	temp, path string
	held       *os.File // locked for as long as the process lives
}

func init() {
	if !testing.Testing() ||
		filepath.Base(os.Args[0]) == "opsdeck" { // a test's program, under its own name, in a world made for it
		return
	}
	outer.temp, outer.path = os.TempDir(), os.Getenv("PATH")
	if os.Getenv(mark) != "" {
		outer.temp = os.Getenv(temp)
		return
	}
	if err := isolate(); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		os.Exit(2)
	}
}

// Temp is the machine's folder of temporary files, which outlives the process.
func Temp() string { return outer.temp }

// SystemPath is the PATH with the machine's own crontab and systemctl: for a
// namespace of a test's own, where these are not the machine's.
func SystemPath() string {
	bin := filepath.Join(os.Getenv(mark), "bin") + ":"
	return strings.Replace(os.Getenv("PATH"), bin, "", 1)
}

// Script is what a command run with an environment of its own needs of this one,
// besides a HOME.
func Script() []string {
	return []string{
		mark + "=" + os.Getenv(mark),
		temp + "=" + outer.temp,
		"OPSDECK_ROOT=" + os.Getenv("OPSDECK_ROOT"),
		"GORACE=" + race(),
	}
}

// Seed is the seed of a test that tries things at random: OPSDECK_SEED, with which a find of
// the torture is repeated, or else one that depends on nothing but the test's name. So a
// change is never refused for what chance found in code that it did not touch; to search
// further is the work of make torture. The test's log names the seed.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("OPSDECK_SEED"), 10, 64)
	if err != nil {
		name := fnv.New64a()
		name.Write([]byte(t.Name()))
		seed = name.Sum64()
	}
	t.Logf("OPSDECK_SEED=%d", seed)
	return seed
}

// Clean removes the process's folders. What a process that was killed left, the
// next one removes.
func Clean() {
	if outer.held == nil {
		return
	}
	os.RemoveAll(os.Getenv(mark))
	outer.held.Close()
	outer.held = nil
}

func isolate() error {
	keepCaches()
	sweep(outer.temp)
	dir, err := os.MkdirTemp(outer.temp, prefix)
	if err != nil {
		return err
	}
	if outer.held, err = hold(dir); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // servers that run as another user have folders in it
		return err
	}
	for _, name := range []string{"home", "tmp", "root", "bin"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"crontab", "systemctl"} {
		refusal := name + ": not in a test"
		if name == "crontab" {
			refusal = "no crontab for tests: " + refusal
		}
		stub := "#!/bin/sh\necho \"" + refusal + "\" >&2\nexit 1\n"
		if err := os.WriteFile(filepath.Join(dir, "bin", name), []byte(stub), 0o755); err != nil {
			return err
		}
	}
	for _, name := range unset {
		os.Unsetenv(name)
	}
	for name, value := range settings(dir) {
		os.Setenv(name, value)
	}
	return nil
}

// unset is what a person may have set and a test must not see.
var unset = []string{
	"LC_ALL", "LC_MESSAGES", "LC_TIME", "LANGUAGE", "NO_COLOR", "COLORFGBG", "COMP_LINE", "PM2_HOME",
	"SSH_CONNECTION", "SUDO_USER", "MYSQL_HOME", "MYSQL_HOST", "MYSQL_PWD", "MYSQL_TCP_PORT", "MYSQL_UNIX_PORT",
}

func settings(dir string) map[string]string {
	home := filepath.Join(dir, "home")
	return map[string]string{
		mark:              dir,
		temp:              outer.temp,
		"HOME":            home,
		"TMPDIR":          filepath.Join(dir, "tmp"),
		"XDG_CONFIG_HOME": filepath.Join(home, ".config"),
		"XDG_STATE_HOME":  filepath.Join(home, ".local", "state"),
		"XDG_CACHE_HOME":  filepath.Join(home, ".cache"),
		"XDG_DATA_HOME":   filepath.Join(home, ".local", "share"),
		"XDG_RUNTIME_DIR": filepath.Join(dir, "tmp"),
		"OPSDECK_ROOT":    filepath.Join(dir, "root"),
		"PATH":            filepath.Join(dir, "bin") + ":" + outer.path,
		"LANG":            "C.UTF-8",
		"GORACE":          race(),
	}
}

// race lets a program built with -race end at once: by default it sleeps for a
// second, and tests start thousands of programs.
func race() string { return strings.TrimSpace(os.Getenv("GORACE") + " atexit_sleep_ms=0") }

// keepCaches names the folders that the go command and testdb find by HOME, so
// that they find them under another HOME too.
func keepCaches() {
	home, err := os.UserHomeDir()
	if err != nil {
		return
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = outer.temp
	}
	keep := func(name, value string) {
		if os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	keep("OPSDECK_REAL_DIR", filepath.Join(cache, "opsdeck-test"))
	keep("GOCACHE", filepath.Join(cache, "go-build"))
	keep("GOPATH", filepath.Join(home, "go"))
	keep("GOENV", filepath.Join(home, ".config", "go", "env"))
}

// hold locks a file in the folder.
func hold(dir string) (*os.File, error) {
	f, err := os.Create(filepath.Join(dir, "held"))
	if err != nil {
		return nil, err
	}
	return f, syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// sweep removes the folders of processes that are gone. One that is without its
// lock file is being made just now.
func sweep(dir string) {
	stale, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
	for _, dir := range stale {
		f, err := os.Open(filepath.Join(dir, "held"))
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		f.Close()
	}
}
