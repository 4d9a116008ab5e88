package backups

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/trust"
	"opsdeck/ops/backup"
)

// leftover are the name suffixes of files that a killed backup leaves.
var leftover = []string{".sql.gz", ".sql.zst", ".sql.gz.age", ".sql.zst.age"}

// Unfinished is a backup's file without its final name.
type Unfinished struct {
	Name      string `json:"name"`
	SizeBytes int64  `json:"size_bytes"`
	InWork    bool   `json:"in_work"` // otherwise the backup was killed
}

// Unfinished lists the files of backups that are being written, or were killed. A process
// locks the file that it writes; while it writes a manifest, the lock is on the backup.
func (sh Maker) Unfinished() []Unfinished {
	all := []Unfinished{}
	entries, _ := os.ReadDir(sh.Dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !isUnfinished(e.Name()) {
			continue
		}
		path := filepath.Join(sh.Dir, e.Name())
		base, ok := strings.CutSuffix(path, backup.ManifestSuffix+atomicfile.Suffix)
		busy := inWork(path) || ok && inWork(base+atomicfile.Suffix) || sh.mayBeElsewhere(info.ModTime())
		all = append(all, Unfinished{e.Name(), info.Size(), busy})
	}
	return all
}

// elsewhereFor is how long a file on another machine's file system may be unchanged and
// still be in use by a machine whose locks are not visible here.
const elsewhereFor = 24 * time.Hour

// mayBeElsewhere reports whether another machine may be writing a file with that
// modification time.
func (sh Maker) mayBeElsewhere(changed time.Time) bool {
	return trust.Remote(sh.Dir) && sh.Clock.Now().Sub(changed) < elsewhereFor
}

func isUnfinished(name string) bool {
	base, tmp := strings.CutSuffix(name, atomicfile.Suffix)
	base = strings.TrimSuffix(base, backup.ManifestSuffix)
	return tmp && slices.ContainsFunc(leftover, func(ext string) bool { return strings.HasSuffix(base, ext) })
}

// inWork reports whether a process has locked a file, or whether that cannot be
// determined.
func inWork(path string) bool {
	f, err := regular.Open(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
}

// sweep removes the files of killed backups.
func (sh Maker) sweep() {
	for _, u := range sh.Unfinished() {
		if u.InWork {
			continue
		}
		sh.Say(lang.M("removing %s, left unfinished by a backup that was killed", u.Name))
		if err := os.Remove(filepath.Join(sh.Dir, u.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			sh.Say(lang.Raw(err.Error()))
		}
	}
}

// NoteUnfinished reports which files are not backups yet, and which never will be.
func (sh Maker) NoteUnfinished() {
	for _, u := range sh.Unfinished() {
		if u.InWork {
			sh.Say(lang.M("%s (%s) is being written", u.Name, human.Bytes(u.SizeBytes)))
			continue
		}
		sh.Say(lang.M("%s (%s) was left unfinished by a backup that was killed; the next backup removes it", u.Name,
			human.Bytes(u.SizeBytes)))
	}
}

// sweepSecrets removes options files with a password that earlier versions left in the
// temporary folder when they were killed.
func sweepSecrets() {
	files, _ := filepath.Glob(filepath.Join(os.TempDir(), "opsdeck-*.cnf"))
	for _, path := range files {
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == os.Getuid() {
			os.Remove(path)
		}
	}
}
