package binlog

import (
	"fmt"
	"slices"
	"time"
)

// ManifestVersion is the archive's format version that this program writes.
const ManifestVersion = 1

// Segment is one log file of a server in the archive: a line of its manifest. A
// segment that is still written has no line; it is made from its index.
type Segment struct {
	FormatVersion int       `json:"format_version"`
	Server        string    `json:"server"` // its UUID, or "id-N" where it has none
	Flavour       string    `json:"flavour"`
	Version       string    `json:"version"`
	File          string    `json:"file"` // the server's name of it
	Epoch         int       `json:"epoch,omitempty"`
	Name          string    `json:"name"`     // of the archive's file
	Identity      string    `json:"identity"` // tells two logs of one name apart
	FromPos       uint64    `json:"from_pos"`
	ToPos         uint64    `json:"to_pos"`
	FromTime      time.Time `json:"from_time"` // of the first event
	ToTime        time.Time `json:"to_time"`   // of the last commit, else of the last event
	GTIDBefore    string    `json:"gtid_before,omitempty"`
	GTIDAfter     string    `json:"gtid_after,omitempty"`
	Next          string    `json:"next,omitempty"` // the file in which the log goes on; "" when cut or open
	Open          bool      `json:"open,omitempty"` // it is still written
	Frames        int       `json:"frames"`
	Transactions  int64     `json:"transactions"`
	SizeBytes     int64     `json:"size_bytes"`
	RawBytes      int64     `json:"raw_bytes"`
	SHA256        string    `json:"sha256,omitempty"` // of the archive's file, hex; "" while it is open
	Encrypted     bool      `json:"encrypted,omitempty"`
	LeftOut       *LeftOut  `json:"left_out,omitempty"` // nil: an older release did not record it
}

// Frame is one line of a segment's index: whole events, compressed by themselves.
type Frame struct {
	Offset   int64     `json:"offset"`
	Length   int64     `json:"length"`
	RawBytes int64     `json:"raw_bytes"`
	From     uint64    `json:"from_pos"`
	To       uint64    `json:"to_pos"`
	OpenFrom uint64    `json:"open_from,omitempty"` // where the group began that From is inside of
	FromTime time.Time `json:"from_time"`
	ToTime   time.Time `json:"to_time"`               // of the last commit, else of the last event
	GTID     string    `json:"gtid,omitempty"`        // every transaction up to its end
	Before   string    `json:"gtid_before,omitempty"` // what earlier files hold, in the first frame
	SHA256   string    `json:"sha256"`
	// What the transactions that end in the frame did, to be skipped or found by.
	Transactions int64         `json:"transactions"`
	Tables       []TableChange `json:"tables,omitempty"`
	Largest      int64         `json:"largest,omitempty"` // rows of the largest transaction
	DDL          bool          `json:"ddl,omitempty"`
	Other        bool          `json:"other,omitempty"`  // statements of the statement format
	Unread       string        `json:"unread,omitempty"` // why what is in it is not known

	// The last line of a segment that is complete is no frame.
	Closed bool   `json:"closed,omitempty"`
	Next   string `json:"next,omitempty"`
}

// Holds tells whether the frame may hold a transaction that a filter takes. It may
// say yes for nothing.
func (f *Frame) Holds(want Filter) bool {
	if f.Unread != "" {
		return true
	}
	if !want.Since.IsZero() && f.ToTime.Before(want.Since) || f.Transactions == 0 {
		return false
	}
	if want.RowsOver > 0 && f.Largest <= want.RowsOver {
		return false
	}
	if f.DDL || f.Other {
		return true
	}
	return slices.ContainsFunc(f.Tables, func(c TableChange) bool {
		return want.takesTable(c.Schema, c.Table) && c.of(want.Kind) > 0
	})
}

// Start is where reading must begin to see whole groups that end in the frame.
func (f *Frame) Start() uint64 {
	if f.OpenFrom != 0 {
		return f.OpenFrom
	}
	return f.From
}

// Span is a part of one server's log that the archive holds without a gap.
type Span struct {
	Server    string    `json:"server"`
	FromFile  string    `json:"from_file"`
	FromPos   uint64    `json:"from_pos"`
	FromTime  time.Time `json:"from_time"`
	ToFile    string    `json:"to_file"`
	ToPos     uint64    `json:"to_pos"`
	ToTime    time.Time `json:"to_time"`
	GTID      string    `json:"gtid"` // every transaction up to its end
	Files     int       `json:"files"`
	SizeBytes int64     `json:"size_bytes"`

	Segments []*Segment `json:"-"`
}

// Gap is what the archive lacks between two spans.
type Gap struct {
	Server   string    `json:"server"`
	FromFile string    `json:"from_file"`
	FromPos  uint64    `json:"from_pos"`
	FromTime time.Time `json:"from_time"`
	ToFile   string    `json:"to_file"`
	ToPos    uint64    `json:"to_pos"`
	ToTime   time.Time `json:"to_time"`
	Reason   Reason    `json:"reason"`
}

// Reason is why there is a gap.
type Reason string

// The reasons.
const (
	Missing  Reason = "missing"  // files between the two are not here: the server purged them, or they were removed
	Cut      Reason = "cut"      // the file before ends in the middle
	Reset    Reason = "reset"    // the server's log began again under the same names
	Foreign  Reason = "foreign"  // the GTIDs of the two do not fit together
	Unlogged Reason = "unlogged" // from there on the server did not log the database's changes
)

// Spans joins the segments of one server, in the order in which they were written,
// and says where they do not fit.
func Spans(segments []*Segment) (spans []Span, gaps []Gap) {
	for i, s := range segments {
		if i > 0 {
			why, fits := follows(segments[i-1], s)
			if fits {
				spans[len(spans)-1].extend(s)
				continue
			}
			gaps = append(gaps, gapBetween(segments[i-1], s, why))
		}
		spans = append(spans, Span{Server: s.Server, FromFile: s.File, FromPos: s.FromPos, FromTime: s.FromTime})
		spans[len(spans)-1].extend(s)
	}
	return spans, gaps
}

func (sp *Span) extend(s *Segment) {
	sp.ToFile, sp.ToPos, sp.GTID = s.File, s.ToPos, s.GTIDAfter
	if sp.FromTime.IsZero() {
		sp.FromTime = s.FromTime
	}
	if s.ToTime.After(sp.ToTime) {
		sp.ToTime = s.ToTime
	}
	sp.Files++
	sp.SizeBytes += s.SizeBytes
	sp.Segments = append(sp.Segments, s)
}

// follows tells whether b goes on where a ends.
func follows(a, b *Segment) (Reason, bool) {
	switch {
	case a.Epoch != b.Epoch:
		return Reset, false
	case a.Open || a.Next == "":
		return Cut, false
	case a.Next != b.File || b.FromPos != 4:
		return Missing, false
	}
	before, errB := ParseGTIDs(b.GTIDBefore)
	after, errA := ParseGTIDs(a.GTIDAfter)
	if errA != nil || errB != nil {
		return Foreign, false
	}
	// Only what the earlier file holds must be known to the later one: a server may
	// learn of others' transactions between the two (gtid_purged).
	if b.GTIDBefore != "" && !before.Contains(after) {
		return Foreign, false
	}
	return "", true
}

func gapBetween(a, b *Segment, why Reason) Gap {
	return Gap{
		Server:   b.Server,
		FromFile: a.File,
		FromPos:  a.ToPos,
		FromTime: a.ToTime,
		ToFile:   b.File,
		ToPos:    b.FromPos,
		ToTime:   b.FromTime,
		Reason:   why,
	}
}

// Retire is the segments that may go: those that end before the oldest full backup
// that is kept. A segment goes only when all before it go, so that no gap is made.
// A zero moment, for no backup, lets nothing go. kept are further places from which on
// the log stays.
func Retire(segments []*Segment, oldest time.Time, at *Position, kept ...Place) (gone []*Segment) {
	if oldest.IsZero() {
		return nil
	}
	for _, s := range segments {
		if s.Open || !s.ToTime.Before(oldest.Add(-retireMargin)) || s.ToTime.IsZero() {
			break
		}
		if at != nil && s.File == at.File || slices.ContainsFunc(kept, s.holds) {
			break
		}
		gone = append(gone, s)
	}
	return gone
}

// holds tells whether a place lies in the segment's file.
func (s *Segment) holds(p Place) bool {
	return s.Server == p.Server && s.File == p.File && (p.Identity == "" || s.Identity == p.Identity)
}

// retireMargin allows for a server's clock that differs from the one that dated the
// backup.
const retireMargin = time.Hour

// SegmentName is the archive's name of a log file. A later log of the same name has
// its number behind it.
func SegmentName(file string, epoch int, encrypted bool) string {
	name := file
	if epoch > 0 {
		name = fmt.Sprintf("%s~%d", file, epoch)
	}
	if encrypted {
		return name + ".zst.age"
	}
	return name + ".zst"
}

// Empty tells whether it holds no event: a fetch that began and could write nothing.
func (s Span) Empty() bool { return s.FromFile == s.ToFile && s.FromPos == s.ToPos }
