package binlog

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ManifestVersion is the version of the archive format that this program writes.
const ManifestVersion = 1

// Segment is one archived log file of a server: a line of the manifest. A segment that is
// still being written has no line; it is derived from its index.
type Segment struct {
	FormatVersion int    `json:"format_version"`
	Server        string `json:"server"` // its UUID, or "id-N" where it has none; see OfServer
	// Host is which server it was, as a backup's manifest names it: several servers may have
	// one "id-N". "": an older release did not record it.
	Host         string    `json:"host,omitempty"`
	Service      string    `json:"service,omitempty"` // that archived it; "": not recorded
	Flavour      string    `json:"flavour"`
	Version      string    `json:"version"`
	File         string    `json:"file"` // the server's name for it
	Epoch        int       `json:"epoch,omitempty"`
	Name         string    `json:"name"`     // of the archive's file
	Identity     string    `json:"identity"` // distinguishes two logs of the same name
	FromPos      uint64    `json:"from_pos"`
	ToPos        uint64    `json:"to_pos"`
	FromTime     time.Time `json:"from_time"` // of the first event
	ToTime       time.Time `json:"to_time"`   // of the last commit, else of the last event
	GTIDBefore   string    `json:"gtid_before,omitempty"`
	GTIDAfter    string    `json:"gtid_after,omitempty"`
	Next         string    `json:"next,omitempty"` // the file in which the log goes on; "" when cut or open
	Open         bool      `json:"open,omitempty"` // it is still being written
	Frames       int       `json:"frames"`
	Transactions int64     `json:"transactions"`
	SizeBytes    int64     `json:"size_bytes"`
	RawBytes     int64     `json:"raw_bytes"`
	SHA256       string    `json:"sha256,omitempty"` // of the archive's file, hex; "" while it is open
	Encrypted    bool      `json:"encrypted,omitempty"`
	LeftOut      *LeftOut  `json:"left_out,omitempty"` // nil: an older release did not record it
	Tail         *Tail     `json:"tail,omitempty"`     // nil: an older release did not record it
}

// Tail is the last event of a part of a log. A server's file that has another event there is
// another file, even if it was created in the same second.
type Tail struct {
	From uint64 `json:"from_pos"`
	Sum  string `json:"sum"` // of the event as the server sends it: 16 bytes of SHA-256, hex
}

// Frame is one line of a segment's index: whole events, compressed separately.
type Frame struct {
	Offset   int64     `json:"offset"`
	Length   int64     `json:"length"`
	RawBytes int64     `json:"raw_bytes"`
	From     uint64    `json:"from_pos"`
	To       uint64    `json:"to_pos"`
	OpenFrom uint64    `json:"open_from,omitempty"` // start of the group that From is inside of
	FromTime time.Time `json:"from_time"`
	ToTime   time.Time `json:"to_time"`               // of the last commit, else of the last event
	GTID     string    `json:"gtid,omitempty"`        // every transaction before its end
	Before   string    `json:"gtid_before,omitempty"` // GTIDs in earlier files, in the first frame
	SHA256   string    `json:"sha256"`
	Tail     *Tail     `json:"tail,omitempty"`
	// Summary of the transactions that end in the frame, for searching and skipping.
	Transactions int64         `json:"transactions"`
	Tables       []TableChange `json:"tables,omitempty"`
	Largest      int64         `json:"largest,omitempty"` // rows of the largest transaction
	DDL          bool          `json:"ddl,omitempty"`
	Other        bool          `json:"other,omitempty"`  // statements in statement format
	Unread       string        `json:"unread,omitempty"` // why its content is unknown

	// The last line of a complete segment is not a frame.
	Closed bool   `json:"closed,omitempty"`
	Next   string `json:"next,omitempty"`
}

// Holds reports whether the frame may contain a transaction that matches a filter. False
// positives are possible.
func (f *Frame) Holds(want Filter) bool {
	if f.Unread != "" {
		return true
	}
	if !want.Since.IsZero() && f.ToTime.Before(want.Since) || f.Transactions == 0 {
		return false
	}
	if want.RowsOver > 0 && f.Largest <= want.RowsOver && !f.Other {
		return false
	}
	if f.DDL || f.Other {
		return true
	}
	return slices.ContainsFunc(f.Tables, func(c TableChange) bool {
		return want.takesTable(c.Schema, c.Table) && c.of(want.Kind) > 0
	})
}

// Start is the position where reading must start to see complete groups that end in the
// frame.
func (f *Frame) Start() uint64 {
	if f.OpenFrom != 0 {
		return f.OpenFrom
	}
	return f.From
}

// Span is a part of one server's log that is archived without gaps.
type Span struct {
	Server    string    `json:"server"`
	FromFile  string    `json:"from_file"`
	FromPos   uint64    `json:"from_pos"`
	FromTime  time.Time `json:"from_time"`
	ToFile    string    `json:"to_file"`
	ToPos     uint64    `json:"to_pos"`
	ToTime    time.Time `json:"to_time"`
	GTID      string    `json:"gtid"` // every transaction before its end
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

// Reason is the cause of a gap.
type Reason string

// The reasons.
const (
	Missing  Reason = "missing"  // files in between are missing: purged by the server, or removed
	Cut      Reason = "cut"      // the previous file ends in the middle
	Reset    Reason = "reset"    // the server's log was reset and reuses its file names
	Foreign  Reason = "foreign"  // the GTIDs of the two do not match
	Unlogged Reason = "unlogged" // from there on the server did not log the database's changes
)

// Spans joins the segments of one server, in the order in which they were written, and
// reports the gaps.
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
	sp.ToFile = s.File
	sp.ToPos = s.ToPos
	sp.GTID = s.GTIDAfter
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

// follows reports whether b continues at the end of a.
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
	// The later file must include what the earlier one holds, and may include more: a server
	// may learn of other servers' transactions between the two (gtid_purged).
	if b.GTIDBefore != "" && !before.Contains(after) {
		return Foreign, false
	}
	return "", true
}

// gapBetween is the gap between two segments. A file that is archived again, after its
// server was put back to a snapshot, began before the gap: backups made up to the end of the
// previous log prove nothing about it.
func gapBetween(a, b *Segment, why Reason) Gap {
	to := b.FromTime
	if to.Before(a.ToTime) {
		to = a.ToTime
	}
	return Gap{
		Server:   b.Server,
		FromFile: a.File,
		FromPos:  a.ToPos,
		FromTime: a.ToTime,
		ToFile:   b.File,
		ToPos:    b.FromPos,
		ToTime:   to,
		Reason:   why,
	}
}

// Retire returns the segments that can be removed: those that end before the oldest kept
// full backup. A segment is removed only with all segments before it, so that no gap
// arises. With a zero time, for no backup, nothing is removed. The log is also kept from
// each of the places in kept on.
func Retire(segments []*Segment, oldest time.Time, at *Position, kept ...Place) (gone []*Segment) {
	if oldest.IsZero() {
		return nil
	}
	for _, s := range segments {
		if s.Open || !EndsBefore(s.ToTime, oldest) {
			break
		}
		if at != nil && s.File == at.File || slices.ContainsFunc(kept, s.holds) {
			break
		}
		gone = append(gone, s)
	}
	return gone
}

// EndsBefore tells whether a log that ends at a time surely ends before a backup. Zero times
// are unknown.
func EndsBefore(end, backup time.Time) bool {
	return !end.IsZero() && !backup.IsZero() && end.Before(backup.Add(-retireMargin))
}

// holds tells whether a place lies in the segment's file.
func (s *Segment) holds(p Place) bool {
	return s.Server == p.Server && s.File == p.File && (p.Identity == "" || s.Identity == p.Identity)
}

// retireMargin allows for a difference between the server's clock and the clock that dated
// the backup.
const retireMargin = time.Hour

// SegmentName is the archive's name for a log file. A later log of the same name gets its
// number as a suffix.
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

// OfServer tells whether a server that a backup names is the one, or one of those, that an
// archive names so: of several MariaDB servers with one id, the archive calls the first "id-N"
// and each further one "id-N-" and a hash of its host.
func OfServer(inBackup, inArchive string) bool {
	return inBackup == inArchive || strings.HasPrefix(inBackup, "id-") && strings.HasPrefix(inArchive, inBackup+"-")
}
