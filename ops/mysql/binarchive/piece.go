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
	"opsdeck/ops/binlog"
)

// Cut is a piece of a log file that can be sent.
type Cut struct {
	binlog.Piece
	path   string
	offset int64
}

// Reader reads the piece's frames. The file may get its final name meanwhile.
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

// openEither opens a segment's file, which has one of two names.
func openEither(path string) (*os.File, error) {
	for range 2 {
		for _, p := range []string{path, path + partSuffix} {
			file, err := os.Open(p)
			if !errors.Is(err, fs.ErrNotExist) {
				return file, err
			}
		}
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

// ErrOtherFrames says that the archive's frames do not begin at a position: they are
// not those that were copied before.
var ErrOtherFrames = errors.New("no frame of the archive begins there")

// Cuts are what the archive holds of a segment from a position on, as pieces of about
// so many bytes at most. Of a file that is still written it is what was promised. closed
// tells whether the copy knows already that the file ends.
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

// runs cuts frames into runs of about so many bytes at most.
func runs(frames []binlog.Frame, most int64) (all [][]binlog.Frame) {
	size := int64(0)
	for i := range frames {
		if len(all) == 0 || size+frames[i].Length > most {
			all, size = append(all, nil), 0
		}
		size += frames[i].Length
		all[len(all)-1] = append(all[len(all)-1], frames[i])
	}
	return all
}

// sum proves the frames by their hashes: what is damaged here must not pass for good
// there. It returns the hash of them all.
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

// Getter brings the frames of a piece, and its description with them.
type Getter interface {
	Frames(ctx context.Context, p binlog.Piece, to io.Writer) error
	Describe(ctx context.Context, p binlog.Piece) (binlog.Piece, error)
}

// Adopted is what Adopt did with a log file.
type Adopted string

// What it did.
const (
	Fetched Adopted = "fetched"
	Here    Adopted = "here"  // the archive has it, as far or further
	Taken   Adopted = "taken" // another log of that name is here
)

// Adopt brings a log file from a copy into the archive, each frame proved by its hash.
// What is here under its name stays: a follower may be writing it.
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

// fetchLock is the lock that whoever fetches from a copy holds.
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

// adopt writes the file, then its index, then its line: what a crash leaves is not seen.
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
	offset, sum := int64(0), sha256.New()
	for _, p := range c.Pieces {
		whole, err := from.Describe(ctx, p)
		if err != nil {
			return err
		}
		if err := adoptPiece(ctx, whole, from, io.MultiWriter(out, sum)); err != nil {
			return err
		}
		for _, fr := range whole.Frames {
			fr.Offset += offset
			frames = append(frames, fr)
		}
		offset += p.SizeBytes
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if err := writeIndex(path+indexSuffix, c.Segment, frames); err != nil || c.Segment.Open {
		return err
	}
	s := *c.Segment
	s.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return appendManifest(dir, &s)
}

// adoptPiece takes one piece over when each of its frames has its hash.
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

// writeIndex writes a whole index as a follower would have.
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
