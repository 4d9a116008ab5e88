package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
)

// Spec describes a backup to make; its name follows from that.
type Spec struct {
	Kind      string    // KindManual …; KindArchive needs Year and one table
	Databases []string  // one, or several
	All       bool      // all databases of the server
	Tables    []string  // only these tables
	Year      int       // of an archive
	At        time.Time // the start, in the server's local zone
	Ext       string    // ".sql.gz", ".sql.zst"
}

// maxSubject leaves room in the 255 bytes of a file name for the rest, for
// .manifest.json and .tmp.
const maxSubject = 120

func (s Spec) subject() string {
	joined := strings.Join(s.Databases, "_")
	if len(s.Tables) > 0 {
		joined = strings.Join(s.Tables, "_")
	}
	switch {
	case s.Kind == KindEmergency:
		return emergencySubject
	case s.All:
		return allSubject
	case len(escape(joined)) <= maxSubject:
		return joined
	case len(s.Tables) > 0 && len(s.Databases) == 1 && len(escape(s.Databases[0])) <= maxSubject:
		return s.Databases[0] + partSubject
	}
	for len(escape(joined)) > maxSubject {
		joined = joined[:len(joined)-1]
	}
	return strings.ToValidUTF8(joined, "")
}

// EmergencyName is the name of the backup of a database's state before a restore.
func EmergencyName(database string, at time.Time) string {
	s := Spec{Databases: []string{emergencySubject + "_" + database}, At: at, Ext: ".sql.gz"}
	return s.Name(1)
}

// Name is the backup's name. A serial of 2 and up distinguishes backups of the same
// second, or of the two passes of the hour repeated in autumn.
func (s Spec) Name(serial int) string {
	if s.Kind == KindArchive && s.Year > 0 {
		n := Name{Tier: Archive, Subject: s.subject(), Year: s.Year, Ext: s.Ext}
		if serial > 1 {
			n.Subject += fmt.Sprintf("-%d", serial)
		}
		return n.String()
	}
	n := Name{
		Tier:    Daily,
		Subject: s.subject(),
		Date:    s.At.Format("20060102"),
		Clock:   s.At.Format("150405"),
		Serial:  serial,
		Ext:     s.Ext,
	}
	return n.String()
}

// Reserve finds the first free name for a backup in dir and reserves it by creating
// NAME.tmp, which atomicfile.Create(dir/NAME) then fills. Two backups never get the same
// name, even in the same second or from two processes. Call Release when the backup is
// not made.
func Reserve(dir string, s Spec) (name string, err error) {
	for serial := 1; serial < 10000; serial++ {
		name = s.Name(serial)
		path := filepath.Join(dir, name)
		if taken(path) || taken(path+ManifestSuffix) || s.tierNameTaken(dir, name) {
			continue
		}
		err := atomicfile.Reserve(path, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		return name, err
	}
	return "", fmt.Errorf("name in %s: 9,999 backups of one second", dir)
}

// tierNameTaken tells whether an additional name of the backup already belongs to
// another one: weekly_report may also be a database.
func (s Spec) tierNameTaken(dir, name string) bool {
	if s.Kind == KindEmergency || s.Kind == KindArchive || len(s.Tables) > 0 {
		return false
	}
	return slices.ContainsFunc(TierNames(name, s.At), func(n string) bool { return taken(filepath.Join(dir, n)) })
}

// Release frees a reserved name.
func Release(dir, name string) { atomicfile.Release(filepath.Join(dir, name)) }

func taken(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TierNames are the additional names of a full backup made at the given local time:
// weekly on Sunday, monthly on the 1st.
func TierNames(name string, at time.Time) []string {
	var names []string
	if at.Weekday() == time.Sunday {
		names = append(names, weeklyPrefix+name)
	}
	if at.Day() == 1 {
		names = append(names, monthlyPrefix+name)
	}
	return names
}

// LinkTiers gives a finished full backup its weekly and monthly names and returns them.
// A name is a hard link, else a reflink, else a copy. The manifest's name comes after
// the file's, so that a name with a manifest is complete. Emergency backups, archives
// and partial backups get none.
func LinkTiers(dir, name string, m *Manifest, at time.Time) ([]string, error) {
	if m.Kind == KindEmergency || m.Kind == KindArchive || partial(m) {
		return nil, nil
	}
	var made []string
	for _, to := range TierNames(name, at) {
		if err := linkPair(dir, name, to); err != nil {
			return made, fmt.Errorf("name %s: %w", to, err)
		}
		made = append(made, to)
	}
	return made, nil
}

func partial(m *Manifest) bool { return m.Partial || m.NoData || m.Where != "" }

// linkPair gives a backup and its manifest a second name. It is safe to repeat.
func linkPair(dir, from, to string) error {
	for _, suffix := range []string{"", ManifestSuffix} {
		src := filepath.Join(dir, from+suffix)
		dst := filepath.Join(dir, to+suffix)
		if suffix != "" && !taken(src) {
			continue // made by another tool
		}
		if err := linkFile(src, dst); err != nil {
			return err
		}
	}
	return atomicfile.SyncDir(dir)
}

func linkFile(src, dst string) error {
	if a, err := os.Stat(src); err != nil {
		return err
	} else if b, err := os.Lstat(dst); err == nil {
		if os.SameFile(a, b) {
			return nil
		}
		return fmt.Errorf("link %s: %w", dst, fs.ErrExist)
	}
	if err := os.Link(src, dst); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return copyFile(src, dst) // no hard links here: vfat, some network file systems
}

// copyFile shares the blocks where the file system supports it (reflink), else copies.
func copyFile(src, dst string) error {
	in, err := regular.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := atomicfile.Create(dst, 0o600)
	if err != nil {
		return err
	}
	defer out.Abort()
	if unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) != nil {
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
	if info, err := in.Stat(); err == nil {
		os.Chtimes(out.Name(), time.Now(), info.ModTime())
	}
	return out.Commit()
}

// LockPath is the lock for which create, prune, verify of all and copies wait: one of
// them runs at a time.
func LockPath(stateDir string) string { return filepath.Join(stateDir, "locks", "backup.lock") }

// DrillLockPath is the lock for drills: one runs at a time. It is separate, because a
// long drill must not stop the nightly backup.
func DrillLockPath(stateDir string) string { return filepath.Join(stateDir, "locks", "drill.lock") }
