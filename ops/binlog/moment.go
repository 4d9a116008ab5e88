package binlog

import (
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/when"
	"opsdeck/ops"
)

// Moment is where a replay ends; exactly one of its parts is set. Only whole
// transactions are replayed.
type Moment struct {
	Time     time.Time `json:"time,omitzero"`      // all that was committed before it
	Position *Position `json:"position,omitempty"` // all that ends at or before it
	GTIDs    string    `json:"gtids,omitempty"`    // until all of these are done
	Before   string    `json:"before,omitempty"`   // up to and without this transaction: its GTID, or FILE:POS
}

// ParseMoment reads what is not a time: FILE:POS or a set of GTIDs. ok is false for
// anything else.
func ParseMoment(text string) (m Moment, ok bool) {
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

// ReadMoment reads a time, FILE:POS or a set of GTIDs, as --until takes them.
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
	if m, ok := ParseMoment(text); ok {
		return &m, nil
	}
	return nil, ops.E(ops.Usage, wrong).
		WithHint(lang.M("--until needs a time, a binlog FILE:POS, or a GTID set"))
}

// String is the moment as a person would write it.
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

// Place is a place in the log of one server. Identity tells two files of one name
// apart.
type Place struct {
	Server   string `json:"server"`
	Identity string `json:"identity"`
	Position
}

// Stand is where a backup stands in a log: what it knows of it. File is "" when only
// the transactions are known.
type Stand struct {
	Position
	GTID   string
	Server string    // whose log it is: Segment.Server; "" when not known
	From   time.Time // what comes after it was not committed earlier; zero when not known
	At     time.Time // what comes before it was not committed later
	Source bool      // it is in a source's log, of which a replica may have applied less
}
