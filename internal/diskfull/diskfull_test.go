package diskfull

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// small mounts a disk of its own, of a megabyte.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getuid() != 0 {
		t.Skip("a small disk cannot be mounted without root")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestRoomIsTriedAndLeavesNothing(t *testing.T) {
	dir := small(t)
	for size, full := range map[int64]bool{256 << 10: false, 2 << 20: true} {
		if err := Room(dir, size); Is(err) != full || !full && err != nil {
			t.Errorf("room for %d: %v", size, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	if err := Room(filepath.Join(dir, "none"), 1); err == nil || Is(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if OneDisk(dir, filepath.Dir(dir)) || !OneDisk(dir, dir) || OneDisk(dir, "/none") {
		t.Error("two disks are one")
	}
}

func TestTheFolderOfAFullDiskIsThatOfTheFile(t *testing.T) {
	full := func(path string) error {
		return fmt.Errorf("write plan: %w", &fs.PathError{Op: "write", Path: path, Err: unix.ENOSPC})
	}
	for path, want := range map[string]string{"/var/lib/o/plan.json.tmp": "/var/lib/o", "/dev/full": "", "plan": ""} {
		if got := Folder(full(path)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if Is(fs.ErrPermission) || Is(nil) || !Is(full("/a/b")) || !Is(fmt.Errorf("x: %w", unix.EDQUOT)) {
		t.Error("which error is of a full disk")
	}
}
