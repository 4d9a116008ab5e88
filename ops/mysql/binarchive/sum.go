package binarchive

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
	"opsdeck/ops/binlog"
)

// sumSuffix is the suffix of the totals of an unfinished segment's index, up to a byte of it:
// an index grows by a line for each sync, so of a large log only what is new is read. They
// can be removed at any time.
const sumSuffix = ".sum"

// sumEvery is the length of index after which totals are stored again, in bytes. Tests
// change it.
var sumEvery int64 = 256 << 10

// sums are the totals of the first bytes of an index.
type sums struct {
	FormatVersion int            `json:"format_version"`
	Head          string         `json:"head"` // the index's first line: another index has other totals
	Bytes         int64          `json:"bytes"`
	Segment       binlog.Segment `json:"segment"`
}

// sumOf is an unfinished segment with its totals; nil if its index has no first line yet.
func sumOf(part string) (*binlog.Segment, error) {
	base := strings.TrimSuffix(part, partSuffix)
	index, err := regular.Open(base + indexSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer index.Close()
	head, err := bufio.NewReader(index).ReadString('\n')
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known := readSums(base+sumSuffix, head)
	if known == nil || !endsLine(index, known.Bytes) {
		known = &sums{Bytes: int64(len(head)), Segment: binlog.Segment{Open: true}}
		if err := json.Unmarshal([]byte(head), &known.Segment); err != nil {
			return nil, fmt.Errorf("%w: line 1 of %s: %w", ErrDamaged, index.Name(), err)
		}
		sumUp(&known.Segment, nil)
	}
	rest, err := io.ReadAll(io.NewSectionReader(index, known.Bytes, 1<<62))
	if err != nil {
		return nil, err
	}
	s := known.Segment
	frames, read, err := readFrames(&s, string(rest))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, index.Name(), err)
	}
	addUp(&s, frames)
	if s.Open && int64(read) > sumEvery {
		writeSums(base+sumSuffix, sums{binlog.ManifestVersion, head, known.Bytes + int64(read), s})
	}
	return &s, nil
}

// readSums reads the totals of an index with that first line; nil if there are none.
func readSums(path, head string) *sums {
	text, err := regular.ReadFile(path)
	if err != nil {
		return nil
	}
	s := &sums{}
	if json.Unmarshal(text, s) != nil || s.FormatVersion != binlog.ManifestVersion || s.Head != head ||
		s.Bytes < int64(len(head)) {
		return nil
	}
	return s
}

// writeSums stores totals. Who may not write there reads the whole index the next time.
func writeSums(path string, s sums) {
	if text, err := json.Marshal(s); err == nil {
		atomicfile.WriteBytes(path, 0o600, text)
	}
}

// endsLine reports whether a line of a file ends at an offset.
func endsLine(f io.ReaderAt, at int64) bool {
	var last [1]byte
	n, _ := f.ReadAt(last[:], at-1)
	return n == 1 && last[0] == '\n'
}
