package binarchive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"opsdeck/ops"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// Checked is the result of verifying one segment.
type Checked struct {
	Segment *binlog.Segment
	Sealed  bool // only hashes and positions were verified: it is encrypted and there is no key
	Events  int64
	Err     error
}

// Verify verifies a segment: each frame's hash and length, that frames and events are
// contiguous, every event's checksum, and that the index matches the content.
func (f Folder) Verify(ctx context.Context, s *binlog.Segment, keys []age.Identity, report func(ops.Progress)) Checked {
	c := Checked{Segment: s}
	r, err := f.Open(s, keys)
	if err != nil {
		c.Err = err
		return c
	}
	defer r.Close()
	if c.Err = r.joined(); c.Err != nil {
		return c
	}
	if c.Err = r.whole(f); c.Err != nil {
		return c
	}
	c.Events, c.Err = r.events(ctx)
	if errors.Is(c.Err, ErrSealed) {
		c.Sealed, c.Err = true, nil
	}
	return c
}

// joined verifies that the index has no hole and matches the manifest.
func (r *Reader) joined() error {
	s := r.Segment
	at := s.FromPos
	offset := int64(0)
	for _, f := range r.frames {
		if f.From != at || f.Offset != offset || f.To < f.From {
			return fmt.Errorf("%w: the index of %s has a hole at %d", ErrDamaged, s.Name, at)
		}
		at, offset = f.To, offset+f.Length
	}
	if at != s.ToPos || len(r.frames) != s.Frames || offset != s.SizeBytes {
		return fmt.Errorf("%w: the index of %s ends at %d, the manifest says %d", ErrDamaged, s.Name, at, s.ToPos)
	}
	return nil
}

// whole verifies the file's hash and that it has no extra bytes.
func (r *Reader) whole(f Folder) error {
	if r.Segment.Open || r.Segment.SHA256 == "" { // "": known by its index, which has a hash of each frame
		return nil
	}
	path := f.server(r.Segment.Server) + "/" + r.Segment.Name
	sum, err := fileSum(path)
	if err != nil {
		return err
	}
	if sum != r.Segment.SHA256 {
		return fmt.Errorf("%w: the hash of %s does not match", ErrDamaged, r.Segment.Name)
	}
	return nil
}

// events verifies every event and that each begins where the previous one ended.
func (r *Reader) events(ctx context.Context) (n int64, err error) {
	frame := 0
	raw := []byte(nil)
	for ; frame < len(r.frames); frame++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		f := &r.frames[frame]
		if raw, err = r.frame(frame, raw); err != nil {
			return n, err
		}
		var of *format.Format
		if of, err = r.Format(); err != nil {
			return n, err
		}
		d := format.NewDecoder(strings.NewReader(string(raw)), f.From, of)
		for {
			e, err := d.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return n, fmt.Errorf("%w: %s: %w", ErrDamaged, r.Segment.Name, err)
			}
			if e.LogPos != 0 && e.LogPos != uint32(d.Pos()) {
				return n, fmt.Errorf(
					"%w: %s: an event says that it ends at %d and ends at %d",
					ErrDamaged,
					r.Segment.Name,
					e.LogPos,
					d.Pos(),
				)
			}
			n++
		}
		if d.Pos() != f.To {
			return n, fmt.Errorf(
				"%w: %s: a frame ends at %d, the index says %d",
				ErrDamaged,
				r.Segment.Name,
				d.Pos(),
				f.To,
			)
		}
	}
	return n, nil
}
