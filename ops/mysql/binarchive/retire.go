package binarchive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/ops/binlog"
)

// Surplus is the files that no kept backup needs: those that end before the oldest full
// backup, and those set aside that were last written before it. at is that backup's binlog
// position; nil if unknown. The files from the places in kept on are needed too.
func (f Folder) Surplus(
	oldest time.Time,
	at *binlog.Position,
	kept ...binlog.Place,
) (all []*binlog.Segment, err error) {
	servers, err := f.Servers()
	if err != nil {
		return nil, err
	}
	for _, id := range servers {
		segments, err := f.Segments(id)
		if err != nil {
			return all, err
		}
		all = append(all, binlog.Retire(segments, oldest, at, kept...)...)
		aside, err := f.Aside(id)
		if err != nil {
			return all, err
		}
		for _, a := range aside {
			if binlog.EndsBefore(a.ToTime, oldest) {
				all = append(all, a)
			}
		}
	}
	return all, nil
}

// Aside is the files of a server's folder that could not be used and were set aside. Their
// ToTime is when they were last written.
func (f Folder) Aside(id string) (all []*binlog.Segment, err error) {
	entries, err := os.ReadDir(f.server(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), damagedSuffix) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return all, err
		}
		all = append(all, &binlog.Segment{
			Server:    id,
			Name:      e.Name(),
			File:      e.Name(),
			SizeBytes: info.Size(),
			ToTime:    info.ModTime(),
		})
	}
	return all, nil
}

// Remove removes a file of the archive; first the file: an index without its file is
// ignored. The manifest keeps the line, so that a follower can write to it at the same
// time; lines without a file are ignored.
func (f Folder) Remove(s *binlog.Segment) error {
	path := filepath.Join(f.server(s.Server), s.Name)
	for _, p := range []string{path, path + indexSuffix, path + sumSuffix} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}
