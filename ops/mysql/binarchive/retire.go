package binarchive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/ops/binlog"
)

// Retire removes files that no kept backup needs: those that end before the oldest full
// backup. at is that backup's binlog position; nil if unknown. The files from the places
// in kept on stay too. The manifest keeps the lines of removed files, so that a follower
// can write to it at the same time; lines without a file are ignored.
func (f Folder) Retire(
	oldest time.Time,
	at *binlog.Position,
	kept ...binlog.Place,
) (gone []*binlog.Segment, err error) {
	servers, err := f.Servers()
	if err != nil {
		return nil, err
	}
	for _, id := range servers {
		segments, err := f.Segments(id)
		if err != nil {
			return gone, err
		}
		for _, s := range binlog.Retire(segments, oldest, at, kept...) {
			if err := f.remove(s); err != nil {
				return gone, err
			}
			gone = append(gone, s)
		}
	}
	return gone, nil
}

// remove removes the file first: an index without its file is ignored.
func (f Folder) remove(s *binlog.Segment) error {
	path := filepath.Join(f.server(s.Server), s.Name)
	for _, p := range []string{path, path + indexSuffix} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}
