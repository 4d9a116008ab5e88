package binlog

import (
	"strings"
	"time"
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
	GTID string
	At   time.Time
}
