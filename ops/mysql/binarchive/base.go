package binarchive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/ops/binlog"
)

// errOtherFile reports that the server's file does not continue the file of Options.Base.
var errOtherFile = errors.New("the server's file is not the archived one")

// continueBase begins an empty archive with the frames of the base, so that only what
// follows them is fetched. The archive's file has a hole in their place: the base is read
// instead.
func (f *follower) continueBase() (at binlog.Position, err error) {
	s := *f.Base.Segment
	frames := f.Base.Frames()
	s.Open = true
	s.Encrypted = len(f.Recipients) > 0
	s.Name = binlog.SegmentName(s.File, s.Epoch, s.Encrypted)
	sumUp(&s, frames)
	at = binlog.Position{File: s.File, Pos: s.ToPos}
	if log, here := f.server.Has(s.File); !here || log.Pos < s.ToPos || len(frames) == 0 {
		return at, errOtherFile
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return at, err
	}
	path := filepath.Join(f.dir, s.Name)
	if err := reservePart(path+partSuffix, f.Base.Size()); err != nil {
		return at, err
	}
	if err := writeIndex(path+indexSuffix, &s, frames); err != nil {
		return at, err
	}
	f.w, err = resumeAt(f.dir, &s, frames, f.pack, func(*writer) *Reader { return f.Base })
	if err == nil && f.w.blind != "" {
		err = fmt.Errorf("read %s: %s", f.Base.Segment.Name, f.w.blind)
	}
	return at, err
}

// reservePart makes a segment's file with a hole of a size. It is durable before the index
// speaks of it.
func reservePart(path string, size int64) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(out.Truncate(size), out.Sync(), out.Close()); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}
