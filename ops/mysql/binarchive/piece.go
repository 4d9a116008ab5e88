package binarchive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lock"
	"opsdeck/internal/regular"
	"opsdeck/ops/binlog"
)

// Cut is a piece of a log file for a copy.
type Cut struct {
	binlog.Piece
	path   string
	offset int64
}

// Reader reads the piece's frames. The file may be renamed to its final name meanwhile.
func (c *Cut) Reader() (io.ReadCloser, error) {
	file, err := openEither(c.path)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, c.offset, c.SizeBytes), file}, nil
}

// openEither opens a segment's file by its temporary or its final name.
func openEither(path string) (*os.File, error) {
	for range 2 {
		for _, p := range []string{path, path + partSuffix} {
			file, err := regular.Open(p)
			if !errors.Is(err, fs.ErrNotExist) {
				return file, err
			}
		}
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

// ErrOtherFrames reports that no frame of the archive begins at a position: the frames are
// not those that were copied before.
var ErrOtherFrames = errors.New("no frame of the archive begins there")

// Cuts returns what the archive holds of a segment from a position on, in pieces of about
// the given size at most. Of a file that is still being written it returns the synced
// part. closed tells whether the copy already knows that the file is complete.
func (f Folder) Cuts(owner string, s *binlog.Segment, from uint64, closed bool, most int64) ([]Cut, error) {
	path := filepath.Join(f.server(s.Server), s.Name)
	own, frames, err := readIndex(path + indexSuffix)
	if err != nil {
		return nil, fmt.Errorf("the index of %s: %w", s.Name, err)
	}
	if own == nil {
		return nil, nil
	}
	sumUp(own, frames)
	first := slices.IndexFunc(frames, func(f binlog.Frame) bool { return f.From == from })
	switch {
	case first < 0 && from != own.ToPos:
		return nil, ErrOtherFrames
	case first < 0:
		first = len(frames)
	}
	var cuts []Cut
	for _, run := range runs(frames[first:], most) {
		c := Cut{path: path, offset: run[0].Offset}
		c.SizeBytes = run[len(run)-1].Offset + run[len(run)-1].Length - c.offset
		sum, err := c.sum(run)
		if err != nil {
			return nil, err
		}
		c.Piece = binlog.NewPiece(owner, own, run, sum)
		cuts = append(cuts, c)
	}
	if own.Open || closed && len(cuts) == 0 {
		return cuts, nil
	}
	if len(cuts) == 0 {
		cuts = append(cuts, Cut{Piece: binlog.NewPiece(owner, own, nil, "")})
	}
	last := &cuts[len(cuts)-1]
	last.Closed, last.Next = true, own.Next
	return cuts, nil
}

// runs groups frames into runs of about the given size at most.
func runs(frames []binlog.Frame, most int64) (all [][]binlog.Frame) {
	size := int64(0)
	for i := range frames {
		if len(all) == 0 || size+frames[i].Length > most {
			all = append(all, nil)
			size = 0
		}
		size += frames[i].Length
		all[len(all)-1] = append(all[len(all)-1], frames[i])
	}
	return all
}

// sum verifies the frames' hashes, so that damage here is not copied as good data. It
// returns the hash over all of them.
func (c *Cut) sum(frames []binlog.Frame) (string, error) {
	in, err := c.Reader()
	if err != nil {
		return "", err
	}
	defer in.Close()
	all := sha256.New()
	for _, f := range frames {
		own := sha256.New()
		if _, err := io.CopyN(io.MultiWriter(all, own), in, f.Length); err != nil {
			return "", fmt.Errorf("%w: the frame at %d of %s: %w", ErrDamaged, f.Offset, c.path, err)
		}
		if hex.EncodeToString(own.Sum(nil)) != f.SHA256 {
			return "", fmt.Errorf("%w: the hash of the frame at %d of %s does not match", ErrDamaged, f.Offset, c.path)
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// Getter fetches the frames of a piece and its description.
type Getter interface {
	Frames(ctx context.Context, p binlog.Piece, to io.Writer) error
	Describe(ctx context.Context, p binlog.Piece) (binlog.Piece, error)
}

// Adopted is the outcome of Adopt for a log file.
type Adopted string

// Outcomes of Adopt.
const (
	Fetched Adopted = "fetched"
	Here    Adopted = "here"  // the archive has it, as far as the copy or further
	Taken   Adopted = "taken" // the archive has another log of that name
)

// Adopt fetches a log file from a copy into the archive and verifies each frame's hash. It
// keeps an existing file of the same name: a follower may be writing it.
func (f Folder) Adopt(ctx context.Context, c *binlog.Chain, from Getter, who lock.Holder) (Adopted, error) {
	dir := f.server(c.Segment.Server)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	held, err := lock.Take(f.fetchLock(), who)
	if err != nil {
		return "", err
	}
	defer held.Release()
	did, err := f.Lacks(c)
	if err != nil || did != Fetched {
		return did, err
	}
	return Fetched, f.adopt(ctx, dir, c, from)
}

// fetchLock is the lock file for fetching from a copy.
func (f Folder) fetchLock() string { return filepath.Join(f.Dir, ".fetch.lock") }

// Lacks tells what Adopt would do with a log file.
func (f Folder) Lacks(c *binlog.Chain) (Adopted, error) {
	segments, err := f.Segments(c.Segment.Server)
	if err != nil {
		return "", err
	}
	for _, s := range segments {
		switch {
		case s.File == c.Segment.File && s.Identity == c.Segment.Identity && s.ToPos >= c.Segment.ToPos:
			return Here, nil
		case s.Name == c.Segment.Name:
			return Taken, nil
		}
	}
	return Fetched, nil
}

// adopt writes the index, then the file, then its manifest line: an index without its file
// is ignored, a file without its index is a fault.
func (f Folder) adopt(ctx context.Context, dir string, c *binlog.Chain, from Getter) error {
	path := filepath.Join(dir, c.Segment.Name)
	name := path
	if c.Segment.Open {
		name += partSuffix
	}
	out, err := atomicfile.Create(name, 0o600)
	if err != nil {
		return err
	}
	defer out.Abort()
	var frames []binlog.Frame
	offset := int64(0)
	sum := sha256.New()
	for _, p := range c.Pieces {
		whole, err := from.Describe(ctx, p)
		if err != nil {
			return err
		}
		if err := adoptPiece(ctx, whole, from, io.MultiWriter(out, sum)); errors.Is(err, ErrDamaged) {
			return &DamagedPieceError{Piece: p, Err: err}
		} else if err != nil {
			return err
		}
		for _, fr := range whole.Frames {
			fr.Offset += offset
			frames = append(frames, fr)
		}
		offset += p.SizeBytes
	}
	if err := writeIndex(path+indexSuffix, c.Segment, frames); err != nil {
		return err
	}
	if err := out.Commit(); err != nil || c.Segment.Open {
		return err
	}
	s := *c.Segment
	s.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return appendManifest(dir, &s)
}

// DamagedPieceError reports a piece whose frames differ from its description.
type DamagedPieceError struct {
	Piece binlog.Piece
	Err   error
}

func (e *DamagedPieceError) Error() string { return e.Err.Error() }
func (e *DamagedPieceError) Unwrap() error { return e.Err }

// adoptPiece appends one piece after verifying the hash of each frame.
func adoptPiece(ctx context.Context, p binlog.Piece, from Getter, to io.Writer) error {
	if p.Name == "" {
		return nil
	}
	var data bytes.Buffer
	if err := from.Frames(ctx, p, &data); err != nil {
		return err
	}
	for _, f := range p.Frames {
		if f.Offset < 0 || f.Length < 0 || f.Offset+f.Length > int64(data.Len()) {
			return fmt.Errorf("%w: %s has %d bytes", ErrDamaged, p.Name, data.Len())
		}
		sum := sha256.Sum256(data.Bytes()[f.Offset : f.Offset+f.Length])
		if hex.EncodeToString(sum[:]) != f.SHA256 {
			return fmt.Errorf("%w: the hash of the frame at %d of %s does not match", ErrDamaged, f.Offset, p.Name)
		}
	}
	_, err := to.Write(data.Bytes())
	return err
}

// writeIndex writes a complete index in the follower's format.
func writeIndex(path string, s *binlog.Segment, frames []binlog.Frame) error {
	return atomicfile.Write(path, 0o600, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		head := *s
		head.Open, head.ToPos = true, s.FromPos
		if err := enc.Encode(head); err != nil {
			return err
		}
		for _, f := range frames {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
		if s.Open {
			return nil
		}
		return enc.Encode(binlog.Frame{Closed: true, Next: s.Next})
	})
}
