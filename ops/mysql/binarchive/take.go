package binarchive

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// take processes one event of the stream.
func (f *follower) take(raw []byte) error {
	e, err := format.ParseEvent(raw, f.known())
	if err != nil {
		return err
	}
	switch {
	case e.Type == format.TypeHeartbeat || e.Type == format.TypeHeartbeatV2:
		return nil
	case e.Type == format.TypeRotate && e.Artificial():
		return f.rotated(e)
	case e.Type == format.TypeFormat:
		return f.begins(raw, e)
	case f.w == nil:
		return fmt.Errorf("%w: an event of type %d before the file's format", format.ErrDamaged, e.Type)
	}
	return f.keep(raw, e)
}

// known is the format of the stream's current file.
func (f *follower) known() *format.Format {
	if f.w == nil || !f.opened {
		return nil
	}
	return f.w.format
}

func (f *follower) keep(raw []byte, e *format.Event) error {
	end := f.w.end() + uint64(len(raw))
	if e.LogPos != 0 && e.LogPos != uint32(end) {
		return fmt.Errorf(
			"%w: an event of %s that should end at %d ends at %d",
			format.ErrDamaged,
			f.file,
			end,
			e.LogPos,
		)
	}
	f.out.Bytes += int64(len(raw))
	return f.w.add(raw, e)
}

// rotated handles a rotate event, which names the file of the next events. It comes at the
// start of the stream and between two files.
func (f *follower) rotated(e *format.Event) error {
	r, err := format.ParseRotate(e)
	if err != nil {
		return err
	}
	if f.w != nil && r.File != f.w.segment.File {
		if err := f.complete(r.File); err != nil {
			return err
		}
	}
	if r.File != f.file {
		f.file, f.fresh = r.File, true
	}
	f.opened = false
	return nil
}

func (f *follower) complete(next string) error {
	s, err := f.w.close(next)
	if err != nil {
		return err
	}
	f.w = nil
	f.out.Segments++
	f.Tell(Note{Ended: s})
	return nil
}

// begins handles a file's format. For a file that is continued it is only compared,
// because a log that was reset may have a file of the same name.
func (f *follower) begins(raw []byte, e *format.Event) error {
	own, err := format.ParseFormat(e)
	if err != nil {
		return err
	}
	f.opened = true
	identity := identityOf(e, own)
	if !f.fresh {
		if f.w == nil {
			return fmt.Errorf("%w: the stream begins in the middle of %s", format.ErrDamaged, f.file)
		}
		f.w.format = own
		if f.w.segment.Identity == identity {
			return nil
		}
		if f.Base != nil {
			return errOtherFile
		}
		if _, err := f.w.close(""); err != nil {
			return err
		}
		f.w = nil
		return errReset
	}
	if f.w != nil { // restart the file from its beginning
		f.w.abandon()
		f.w = nil
	}
	if err := f.newSegment(identity, own); err != nil {
		return err
	}
	return f.keep(raw, e)
}

// errReset makes the follower reconnect: the file is not the one that was there before.
var errReset = fmt.Errorf("the server's binlog was reset and reuses its file names")

// identityOf distinguishes files of the same name: a file's format tells when and by which
// server it was created.
func identityOf(e *format.Event, f *format.Format) string {
	return fmt.Sprintf("%d-%d-%s", e.Timestamp, e.ServerID, f.Server)
}

// newSegment starts a file of the archive, and reports a gap before it.
func (f *follower) newSegment(identity string, of *format.Format) error {
	segments, err := f.Folder.Segments(f.server.ID)
	if err != nil {
		return err
	}
	epoch := 0
	var last *binlog.Segment
	if n := len(segments); n > 0 {
		last = segments[n-1]
		epoch = last.Epoch
		for _, s := range segments {
			if s.Epoch == epoch && s.File == f.file && s.Identity != identity {
				epoch++
			}
		}
		_, a, _ := binlog.Split(last.File)
		if _, b, _ := binlog.Split(f.file); epoch == last.Epoch && (b <= a || f.again) {
			epoch++
		}
		f.again = false
	}
	s := &binlog.Segment{
		FormatVersion: binlog.ManifestVersion,
		Server:        f.server.ID,
		Host:          f.server.Host,
		Service:       f.Service,
		Flavour:       f.server.Flavour,
		Version:       of.Server,
		File:          f.file,
		Epoch:         epoch,
		Identity:      identity,
		FromPos:       4,
		ToPos:         4,
		Open:          true,
		Encrypted:     len(f.Recipients) > 0,
		LeftOut:       &f.server.LeftOut,
	}
	s.Name = binlog.SegmentName(f.file, epoch, s.Encrypted)
	if !slices.ContainsFunc(segments, func(o *binlog.Segment) bool { return o.Name == s.Name }) {
		if err := setAside(filepath.Join(f.dir, s.Name)); err != nil {
			return err
		}
	}
	if f.w, err = begin(f.dir, s, f.pack); err != nil {
		return err
	}
	f.w.format = of
	f.Tell(Note{Begun: s})
	if last != nil {
		if _, gaps := binlog.Spans([]*binlog.Segment{last, s}); len(gaps) > 0 {
			f.out.Gaps = append(f.out.Gaps, gaps...)
			f.Tell(Note{Gap: &gaps[0]})
		}
	}
	return nil
}
