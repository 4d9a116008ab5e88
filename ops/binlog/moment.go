package binlog

import (
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/when"
	"opsdeck/ops"
)

// Moment is the end of a replay; exactly one of its fields is set. Only whole transactions
// are replayed.
type Moment struct {
	Time     time.Time `json:"time,omitzero"`      // everything committed before it
	Position *Position `json:"position,omitempty"` // everything that ends at or before it
	GTIDs    string    `json:"gtids,omitempty"`    // until all of these are done
	Before   string    `json:"before,omitempty"`   // up to this transaction, excluded: its GTID, or FILE:POS
}

// parseMoment parses FILE:POS or a set of GTIDs. ok is false for anything else, such as a
// time.
func parseMoment(text string) (m Moment, ok bool) {
	text = strings.TrimSpace(text)
	if p, ok := ParsePosition(text); ok {
		return Moment{Position: &p}, true
	}
	set, err := ParseGTIDs(text)
	if err != nil || set.Empty() {
		return Moment{}, false
	}
	return Moment{GTIDs: text}, true
}

// ReadMoment parses a time, FILE:POS or a set of GTIDs, as --until accepts them.
func ReadMoment(text string, now time.Time, zone *time.Location) (*Moment, error) {
	span, wrong := when.Parse(text, now, zone)
	if wrong.Empty() && !span.Till.Equal(span.From) {
		return nil, ops.E(ops.Usage, lang.M("%s is not one point in time: it spans %s to %s", text,
			span.From.Format(time.RFC3339), span.Till.Format(time.RFC3339))).
			WithHint(lang.M("give the moment with its time zone, for example %s", span.From.Format(time.RFC3339)))
	}
	if wrong.Empty() {
		return &Moment{Time: span.From}, nil
	}
	if m, ok := parseMoment(text); ok {
		return &m, nil
	}
	return nil, ops.E(ops.Usage, wrong).
		WithHint(lang.M("--until needs a time, a binlog FILE:POS, or a GTID set"))
}

// String is the moment as a person would type it.
func (m Moment) String() string {
	switch {
	case m.Before != "":
		return m.Before
	case m.Position != nil:
		return m.Position.String()
	case m.GTIDs != "":
		return m.GTIDs
	}
	return m.Time.Format(time.RFC3339Nano)
}

// Place is a position in one server's log. Identity distinguishes two files of the same
// name, and Epoch two of the same identity: see Segment.
type Place struct {
	Server   string `json:"server"`
	Identity string `json:"identity"`
	Epoch    int    `json:"epoch,omitempty"`
	Position
}

// BackupPosition is a backup's position in a log. File is "" if only the transactions are known.
type BackupPosition struct {
	Position
	GTID   string
	Server string    // whose log it is, see OfServer; "" when not known
	Host   string    // as Segment.Host; "" when not known
	Log    string    // the log file's Segment.Identity; "" when not known
	From   time.Time // earliest commit time of what follows; zero if unknown
	At     time.Time // latest commit time of what precedes
	Source bool      // in a source's log, of which a replica may have applied less
}
