package logfile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsnotify/fsnotify"
)

// TestFollowingNeedsNoNotices: if the kernel provides no change notifications (its
// instances are used up), the files are polled. The test runs itself again in a user
// namespace that may have none.
func TestFollowingNeedsNoNotices(t *testing.T) {
	const inside = "OPSDECK_TEST_NO_INOTIFY"
	if os.Getenv(inside) == "" {
		cmd := exec.Command(
			"unshare",
			"-Ur",
			"sh",
			"-c",
			`echo 0 >/proc/sys/user/max_inotify_instances || exit 99; exec "$0" -test.run '^TestFollowingNeedsNoNotices$'`,
			os.Args[0],
		)
		cmd.Env = append(os.Environ(), inside+"=1")
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code == 99 || err != nil && strings.Contains(string(out), "unshare:") {
			t.Skipf("no user namespace can be had: %s", out)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if w, err := fsnotify.NewWatcher(); err == nil {
		w.Close()
		t.Fatal("notices can be had")
	}
	path := filepath.Join(t.TempDir(), "a.log")
	add := func(text string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.WriteString(text)
	}
	add("2026-01-29T12:00:00Z INFO one\n")
	store := fed(t, path)
	until(t, "one", func() bool { return store.Stats().Lines == 1 })
	add("2026-01-29T12:00:01Z INFO two\n")
	until(t, "two", func() bool { return store.Stats().Lines == 2 })
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add("2026-01-29T12:00:02Z INFO three\n")
	until(t, "three", func() bool { return store.Stats().Lines == 3 })
}
