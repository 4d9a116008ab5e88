package probe

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
)

// TestAReadOnlyFolderIsSeen: a file system that became read-only has free space and the
// right mode, and takes nothing.
func TestAReadOnlyFolderIsSeen(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a file system cannot be mounted without root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Skipf("a file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	unwritten := func(string) lang.Msg { return lang.Raw("no backups") }
	p := Disk{Path: Fixed(dir), Now: time.Now, Room: FolderRoom, Unwritten: unwritten}
	if r := look(t, p.Probe()); r.State != ops.StateOK || Folder(dir).Unwritable != nil {
		t.Fatalf("%s %s", r.State, r.Detail)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	f := Folder(dir)
	if !errors.Is(f.Unwritable, syscall.EROFS) ||
		doctor.JudgeFolder(f, "backup-folder", "", true, 0, 0).State() != ops.StateCritical {
		t.Errorf("doctor: %v", f.Unwritable)
	}
	if r := look(t, p.Probe()); r.State != ops.StateCritical || r.Headline.String() != "no backups" || r.Next.Empty() {
		t.Errorf("status: %s %s", r.State, r.Detail)
	}
}

// TestAFolderThatIsNoneIsSeen: a file, and a link that leads nowhere, are no folder that can
// be made later.
func TestAFolderThatIsNoneIsSeen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(filepath.Join(dir, "nowhere"), link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		if f := Folder(path); f.Unwritable == nil {
			t.Errorf("%s: %+v", path, f)
		}
	}
	if f := Folder(filepath.Join(dir, "later")); f.Unwritable != nil || f.Exists {
		t.Errorf("one to be made: %+v", f)
	}
}
