package probe

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"opsdeck/ops/backup"
	"opsdeck/ops/health"
)

// Folder finds the newest good backup of a database by the names of FIELD.md, a
// file's first bytes, and the length in its manifest. It proves nothing more; an
// inventory that reads the files knows better.
type Folder struct {
	Dir      string
	Database string
	Zone     *time.Location // of the names
}

// least is the length under which a compressed dump cannot hold one: gzip of
// nothing has 20 bytes.
const least = 100

// NewestGood reads the folder.
func (f Folder) NewestGood(ctx context.Context) (health.NewestBackup, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return health.NewestBackup{}, err
	}
	type named struct {
		name string
		at   time.Time
	}
	var found []named
	for _, e := range entries {
		n, ok := backup.ParseName(e.Name(), backup.Known{Databases: []string{f.Database}})
		if ok && e.Type().IsRegular() && n.Subject == f.Database && n.Clock != "" {
			found = append(found, named{e.Name(), n.At(f.Zone)})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].at.After(found[j].at) })
	var out health.NewestBackup
	for _, n := range found {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		size, err := looksGood(filepath.Join(f.Dir, n.name))
		if err == nil {
			out.Name, out.CreatedAt, out.SizeBytes = n.name, n.at, size
			return out, nil
		}
		if out.Bad++; out.BadName == "" {
			out.BadName = n.name
		}
	}
	return out, nil
}

// looksGood checks what can be checked at a glance.
func looksGood(path string) (size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	var head [4]byte
	if _, err := io.ReadFull(file, head[:]); err != nil || info.Size() < least {
		return 0, errors.New("it is empty")
	}
	for ext, magic := range map[string]string{".gz": "\x1f\x8b", ".zst": "\x28\xb5\x2f\xfd"} {
		if strings.HasSuffix(path, ext) && !strings.HasPrefix(string(head[:]), magic) {
			return 0, errors.New("it is not compressed as its name says")
		}
	}
	m, err := backup.ReadManifest(path)
	switch {
	case errors.Is(err, backup.ErrNoManifest):
		return info.Size(), nil // made by others
	case err != nil:
		return 0, err
	case m.SizeBytes != info.Size():
		return 0, errors.New("its length is not the manifest's")
	}
	return info.Size(), nil
}
