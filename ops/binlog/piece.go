package binlog

import (
	"bytes"
	"cmp"
	"compress/gzip"
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
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
)

// PieceSuffix is the suffix of a piece's description at a copy. The description is sent
// after the piece: a piece without one is incomplete.
const PieceSuffix = ".piece.json.gz"

// Piece is a part of one log file at a copy: whole frames of the archive, from one
// position to another. A piece never changes, so a growing log file can be copied without
// sending any part twice.
type Piece struct {
	FormatVersion int       `json:"format_version"`
	Owner         string    `json:"owner"` // the service whose archive it comes from
	Segment       Segment   `json:"segment"`
	Name          string    `json:"name"` // of its frames at the copy; "" when it has none
	SizeBytes     int64     `json:"size_bytes"`
	SHA256        string    `json:"sha256"`
	FromPos       uint64    `json:"from_pos"`
	ToPos         uint64    `json:"to_pos"`
	FromTime      time.Time `json:"from_time"`
	ToTime        time.Time `json:"to_time"`
	GTIDBefore    string    `json:"gtid_before,omitempty"`
	GTIDAfter     string    `json:"gtid_after,omitempty"`
	RawBytes      int64     `json:"raw_bytes"`
	Transactions  int64     `json:"transactions"`
	Count         int       `json:"frame_count"`
	Frames        []Frame   `json:"frames,omitempty"` // offsets are relative to the piece
	Closed        bool      `json:"closed,omitempty"` // the log file ends with it
	Next          string    `json:"next,omitempty"`   // the file in which the log continues
	// Fields that are only stored locally.
	Checked time.Time `json:"checked,omitzero"` // when it was last read back there
	Bad     bool      `json:"bad,omitempty"`    // read back, and different from what was sent
}

// NewPiece describes consecutive frames of a segment.
func NewPiece(owner string, s *Segment, frames []Frame, sum string) Piece {
	p := Piece{FormatVersion: ManifestVersion, Owner: owner, Segment: *s, SHA256: sum, Count: len(frames)}
	if len(frames) == 0 {
		p.FromPos = s.ToPos
		p.ToPos = s.ToPos
		p.FromTime = s.ToTime
		p.ToTime = s.ToTime
		p.GTIDAfter = s.GTIDAfter
		return p
	}
	first := frames[0]
	last := frames[len(frames)-1]
	p.FromPos = first.From
	p.ToPos = last.To
	p.FromTime = first.FromTime
	p.GTIDAfter = last.GTID
	for _, f := range frames {
		f.Offset -= first.Offset
		p.SizeBytes += f.Length
		p.RawBytes += f.RawBytes
		p.Transactions += f.Transactions
		p.GTIDBefore = cmp.Or(p.GTIDBefore, f.Before)
		if f.ToTime.After(p.ToTime) {
			p.ToTime = f.ToTime
		}
		p.Frames = append(p.Frames, f)
	}
	p.Name = p.name()
	return p
}

// name identifies a piece by its contents: two pieces never have the same name.
func (p *Piece) name() string {
	identity := sha256.Sum256([]byte(p.Segment.Identity))
	end := ".zst"
	if p.Segment.Encrypted {
		end += ".age"
	}
	return fmt.Sprintf("%s_%s_%s_%012d-%012d_%s%s", p.Segment.Server, p.Segment.File,
		hex.EncodeToString(identity[:4]), p.FromPos, p.ToPos, p.SHA256[:min(8, len(p.SHA256))], end)
}

// Description is the name of the piece's description at the copy.
func (p *Piece) Description() string {
	if p.Name == "" { // it only records that the file ended
		return p.name() + ".end" + PieceSuffix
	}
	return p.Name + PieceSuffix
}

// errPiece reports that a description was not written by this program.
var errPiece = errors.New("not the description of a part of a binary log")

// WritePiece encodes a description as gzipped JSON.
func WritePiece(p *Piece) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// mostDescribed is the maximum unpacked size of a description, in bytes.
const mostDescribed = 1 << 30

// ReadPiece parses a description. It is external input: names that lead out of the folder
// are refused, and so are descriptions of a newer version.
func ReadPiece(data []byte) (p Piece, err error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return p, fmt.Errorf("%w: %w", errPiece, err)
	}
	if err := json.NewDecoder(io.LimitReader(r, mostDescribed)).Decode(&p); err != nil {
		return p, fmt.Errorf("%w: %w", errPiece, err)
	}
	s := p.Segment
	at := p.FromPos
	for _, f := range p.Frames {
		if f.From != at || f.To < f.From {
			return p, fmt.Errorf("%w: its positions do not join", errPiece)
		}
		at = f.To
	}
	switch {
	case p.FormatVersion > ManifestVersion:
		return p, fmt.Errorf("%w: written by a newer version", errPiece)
	case !plain(s.Server), !plain(s.File), p.Name != "" && !plain(p.Name):
		return p, fmt.Errorf("%w: names", errPiece)
	case at != p.ToPos, p.Count != len(p.Frames), s.Epoch < 0, p.Name != "" && len(p.SHA256) != 64:
		return p, errPiece
	}
	return p, nil
}

// plain reports whether a name is a plain file name within a folder.
func plain(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\\x00\n\r")
}

// AtCopy is the binlog that a copy had at the last check.
type AtCopy struct {
	Copy   string    `json:"copy"`
	Target string    `json:"target"`
	At     time.Time `json:"at"` // zero: never
	Pieces []Piece   `json:"pieces"`
}

// Chain is one log file at a copy: contiguous pieces from its start.
type Chain struct {
	Segment *Segment
	Pieces  []Piece
}

// End is the position up to which the log file is stored, and whether that is all of it.
func (c *Chain) End() (pos uint64, closed bool) {
	last := c.Pieces[len(c.Pieces)-1]
	return last.ToPos, last.Closed
}

// Chains joins pieces to log files, in log order. Of overlapping pieces, which come from
// two archives of the same server, it uses those that reach furthest.
func Chains(pieces []Piece) (all []*Chain) {
	type file struct{ server, file, identity string }
	of := map[file][]Piece{}
	for _, p := range pieces {
		if p.Bad {
			continue
		}
		key := file{p.Segment.Server, p.Segment.File, p.Segment.Identity}
		of[key] = append(of[key], p)
	}
	for _, list := range of {
		if best := longest(list); best != nil {
			all = append(all, &Chain{Segment: joined(best), Pieces: best})
		}
	}
	slices.SortFunc(all, func(a, b *Chain) int {
		_, i, _ := Split(a.Segment.File)
		_, j, _ := Split(b.Segment.File)
		return cmp.Or(
			cmp.Compare(a.Segment.Server, b.Segment.Server),
			cmp.Compare(a.Segment.Epoch, b.Segment.Epoch),
			cmp.Compare(i, j),
			a.Segment.FromTime.Compare(b.Segment.FromTime),
		)
	})
	return all
}

// Damaged are the pieces that were found to be bad and whose part of the log no good piece holds.
// Those of others that read them back are among them.
func (a *AtCopy) Damaged() (bad []Piece) {
	chains := Chains(a.Pieces)
	for _, p := range a.Pieces {
		covered := slices.ContainsFunc(chains, func(c *Chain) bool {
			end, closed := c.End()
			return c.Segment.Server == p.Segment.Server && c.Segment.File == p.Segment.File &&
				c.Segment.Identity == p.Segment.Identity && end >= p.ToPos && (closed || !p.Closed)
		})
		if p.Bad && !covered {
			bad = append(bad, p)
		}
	}
	return bad
}

// MarkBad records that a piece differs from what was sent.
func (a *AtCopy) MarkBad(piece Piece) {
	for i := range a.Pieces {
		if a.Pieces[i].Description() == piece.Description() {
			a.Pieces[i].Bad = true
		}
	}
}

// longest is the run of contiguous pieces, from a file's start, that reaches furthest.
func longest(list []Piece) (best []Piece) {
	slices.SortFunc(list, func(a, b Piece) int {
		return cmp.Or(cmp.Compare(a.FromPos, b.FromPos), cmp.Compare(a.ToPos, b.ToPos), boolOrder(a.Closed, b.Closed))
	})
	reached := map[uint64][]Piece{} // the shortest run of pieces to each position
	for _, p := range list {
		before, there := reached[p.FromPos]
		if !there && p.FromPos != p.Segment.FromPos {
			continue
		}
		if n := len(before); p.FromPos == p.ToPos && n > 0 && before[n-1].Closed {
			continue
		}
		run := append(slices.Clone(before), p)
		if known, ok := reached[p.ToPos]; ok && p.FromPos != p.ToPos && !better(run, known) {
			continue
		}
		reached[p.ToPos] = run
		if best == nil || better(run, best) {
			best = run
		}
	}
	return best
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// better reports whether a run of pieces reaches further than another, or equally far and
// records that the file ends there.
func better(a, b []Piece) bool {
	x := a[len(a)-1]
	y := b[len(b)-1]
	if x.ToPos != y.ToPos {
		return x.ToPos > y.ToPos
	}
	if x.Closed != y.Closed {
		return x.Closed
	}
	return len(a) < len(b)
}

// joined is the log file that pieces form.
func joined(pieces []Piece) *Segment {
	s := pieces[0].Segment
	s.FromPos, s.FromTime = pieces[0].FromPos, pieces[0].FromTime
	s.ToTime = time.Time{}
	s.SHA256 = ""
	s.Next = ""
	s.Open = true
	s.Frames = 0
	s.Transactions = 0
	s.SizeBytes = 0
	s.RawBytes = 0
	for _, p := range pieces {
		s.ToPos = p.ToPos
		s.Frames += p.Count
		s.Transactions += p.Transactions
		s.SizeBytes += p.SizeBytes
		s.RawBytes += p.RawBytes
		s.GTIDBefore = cmp.Or(s.GTIDBefore, p.GTIDBefore)
		s.GTIDAfter = cmp.Or(p.GTIDAfter, s.GTIDAfter)
		if p.ToTime.After(s.ToTime) {
			s.ToTime = p.ToTime
		}
		if p.Closed {
			s.Open, s.Next = false, p.Next
		}
	}
	s.Name = SegmentName(s.File, s.Epoch, s.Encrypted)
	return &s
}

// Spans are what the copy holds without gaps, and the gaps between.
func (a *AtCopy) Spans() (spans []Span, gaps []Gap) {
	of := map[string][]*Segment{}
	for _, c := range Chains(a.Pieces) {
		of[c.Segment.Server] = append(of[c.Segment.Server], c.Segment)
	}
	for _, server := range slices.Sorted(keysOf(of)) {
		s, g := Spans(of[server])
		spans = append(spans, s...)
		gaps = append(gaps, g...)
	}
	return spans, gaps
}

// Furthest is the span that ends last; nil for none.
func Furthest(spans []Span) (last *Span) {
	for i := range spans {
		if last == nil || spans[i].ToTime.After(last.ToTime) {
			last = &spans[i]
		}
	}
	return last
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// atCopyPath is the file that records a copy's holdings.
func atCopyPath(stateDir, copy, target string) string {
	sum := sha256.Sum256([]byte(copy + "\x00" + target))
	return filepath.Join(stateDir, "copies", "binlog-"+hex.EncodeToString(sum[:8])+".json")
}

// ReadAtCopy reads the record of a copy; it is empty for a copy that was never checked,
// and for a damaged record.
func ReadAtCopy(stateDir, copy, target string) (AtCopy, error) {
	none := AtCopy{Copy: copy, Target: target}
	text, err := regular.ReadFile(atCopyPath(stateDir, copy, target))
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	var a AtCopy
	if json.Unmarshal(text, &a) != nil || a.Copy != copy || a.Target != target {
		return none, nil
	}
	return a, nil
}

// WriteAtCopy stores the record of a copy.
func WriteAtCopy(stateDir string, a AtCopy) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	path := atCopyPath(stateDir, a.Copy, a.Target)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, 0o600, text)
}
