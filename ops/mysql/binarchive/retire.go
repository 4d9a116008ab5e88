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

// Retire removes what no kept backup needs: the files that end before the oldest full
// backup. at is where that backup stands in the log; nil when it is not known. The
// manifest keeps their lines, which say nothing once the files are gone, so that a
// follower may write to it meanwhile.
func (f Folder) Retire(oldest time.Time, at *binlog.Position) (gone []*binlog.Segment, err error) {
	servers, err := f.Servers()
	if err != nil {
		return nil, err
	}
	for _, id := range servers {
		segments, err := f.Segments(id)
		if err != nil {
			return gone, err
		}
		for _, s := range binlog.Retire(segments, oldest, at) {
			if err := f.remove(s); err != nil {
				return gone, err
			}
			gone = append(gone, s)
		}
	}
	return gone, nil
}

// remove takes the file first: an index without its file is nothing.
func (f Folder) remove(s *binlog.Segment) error {
	path := filepath.Join(f.server(s.Server), s.Name)
	for _, p := range []string{path, path + indexSuffix} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}
