package binlog

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"time"

	domain "opsdeck/ops/binlog"
)

// GTID is the event that begins a transaction.
type GTID struct {
	ID        string    // as people write it; "" for an anonymous one
	Committed time.Time // with microseconds; zero if the server does not log it (MariaDB)
	DDL       bool      // MariaDB only
	Alone     bool      // MariaDB: the group is a single statement without a COMMIT
	Prepared  bool      // MariaDB: the group is the first part of an XA transaction
	Completed bool      // MariaDB: the group commits or rolls back a prepared transaction
	Alter     AlterPhase
	Last      uint64 // last_committed: the sequence number that must be applied first
	Sequence  uint64 // sequence_number within its file
}

// AlterPhase is a group's phase of an ALTER TABLE that MariaDB logs twice, when it begins
// and when it ends (binlog_alter_two_phase=ON).
type AlterPhase uint8

// The phases of an ALTER TABLE in the log. Each group holds the whole statement, but only
// AlterCommit changes the table: the rows logged between the phases have the old columns.
const (
	AlterWhole    AlterPhase = iota // not logged in phases
	AlterStart                      // it began
	AlterCommit                     // it was done
	AlterRollback                   // it failed and changed nothing
)

// Void reports whether the group changes nothing, whatever statement it holds.
func (g GTID) Void() bool { return g.Alter == AlterStart || g.Alter == AlterRollback }

// Flags of MariaDB's GTID events.
const (
	mariaStandalone  = 1
	mariaGroupCommit = 2
	mariaDDL         = 32
	mariaPrepared    = 64
	mariaCompleted   = 128
)

// Extra flags of MariaDB's GTID events.
const (
	mariaStartAlter    = 2
	mariaCommitAlter   = 4
	mariaRollbackAlter = 8
)

func parseGTID(e *Event) (GTID, error) {
	switch e.Type {
	case TypeMariaGTID:
		return parseMariaGTID(e)
	case TypeGTIDTagged:
		return parseTagged(e.body())
	}
	c := cursor{b: e.body()}
	c.u8()
	uuid := c.take(16)
	gno := c.u64()
	g := GTID{}
	if e.Type == TypeGTID && uuid != nil {
		g.ID = uuidText(uuid) + ":" + strconv.FormatUint(gno, 10)
	}
	if c.u8() == 2 {
		g.Last, g.Sequence = c.u64(), c.u64()
		if len(c.b) >= 7 {
			g.Committed = micros(c.le(7) &^ (1 << 55))
		}
	}
	return g, c.err("GTID event")
}

// Committed is when the event's transaction was committed, where it is one that begins a
// transaction and the server says it (MySQL, to the microsecond); else when the event's
// statement began, in whole seconds.
func (e *Event) Committed() time.Time {
	switch e.Type {
	case TypeGTID, TypeAnonymousGTID, TypeGTIDTagged:
		if g, err := parseGTID(e); err == nil && !g.Committed.IsZero() {
			return g.Committed
		}
	}
	return e.Time()
}

func micros(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(n))
}

func uuidText(b []byte) string {
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func parseMariaGTID(e *Event) (GTID, error) {
	c := cursor{b: e.body()}
	seq := c.u64()
	dom := c.u32()
	flags := c.u8()
	var id [32]byte
	text := append(strconv.AppendUint(id[:0], uint64(dom), 10), '-')
	text = append(strconv.AppendUint(text, uint64(e.ServerID), 10), '-')
	g := GTID{ID: string(strconv.AppendUint(text, seq, 10))}
	g.Alone = flags&mariaStandalone != 0
	g.DDL = flags&mariaDDL != 0
	g.Prepared = flags&mariaPrepared != 0
	g.Completed = flags&mariaCompleted != 0
	if err := c.err("GTID event"); err != nil {
		return g, err
	}
	if flags&mariaGroupCommit != 0 {
		c.u64()
	}
	if g.Prepared || g.Completed {
		c.u32() // the format of the XA transaction's id
		gtrid := int(c.u8())
		bqual := int(c.u8())
		c.take(gtrid + bqual)
	}
	if len(c.b) > 0 {
		g.Alter = alterPhase(c.u8())
	}
	return g, c.err("GTID event")
}

// alterPhase reads the extra flags, which follow the optional fields of a GTID event; without
// them the event ends there, or zeros fill it to its shortest length.
// https://github.com/MariaDB/server/blob/10.11/sql/log_event.cc
func alterPhase(extra uint8) AlterPhase {
	switch {
	case extra&mariaStartAlter != 0:
		return AlterStart
	case extra&mariaCommitAlter != 0:
		return AlterCommit
	case extra&mariaRollbackAlter != 0:
		return AlterRollback
	}
	return AlterWhole
}

// parseTagged parses a GTID event in mysql::serialization format. The trailing one bits of
// a number's first byte give the number of bytes that follow.
func parseTagged(body []byte) (GTID, error) {
	c := cursor{b: body}
	c.variable() // version of the serialization
	c.variable() // its size
	c.variable() // the last field that must be present
	var g GTID
	var uuid [16]byte
	var tag string
	var gno uint64
	for len(c.b) > 0 && !c.bad {
		switch c.variable() {
		case 1:
			for i := range uuid {
				uuid[i] = byte(c.variable())
			}
		case 2:
			gno = unsign(c.variable())
		case 3:
			tag = string(c.take(int(c.variable())))
		case 4:
			g.Last = unsign(c.variable())
		case 5:
			g.Sequence = unsign(c.variable())
		case 6:
			g.Committed = micros(c.variable())
		default: // every other field is one number
			c.variable()
		}
	}
	g.ID = uuidText(uuid[:])
	if tag != "" {
		g.ID += ":" + tag
	}
	g.ID += fmt.Sprintf(":%d", gno)
	return g, c.err("tagged GTID event")
}

// variable reads an unsigned number of one to nine bytes.
func (c *cursor) variable() uint64 {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	more := bits.TrailingZeros8(^c.b[0])
	if more == 8 {
		c.u8()
		return c.u64()
	}
	v := c.le(more + 1)
	return v >> (more + 1)
}

// unsign decodes a signed number, whose lowest bit is the sign.
func unsign(v uint64) uint64 { return v >> 1 }

// parsePrevious parses the set of GTIDs that earlier files hold.
func parsePrevious(e *Event) (domain.GTIDs, error) {
	c := cursor{b: e.body()}
	if e.Type == TypeMariaGTIDList {
		set := domain.NewMariaGTIDs()
		n := c.u32() & 0x0fffffff
		for range n {
			dom := c.u32()
			server := c.u32()
			seq := c.u64()
			if c.bad {
				break
			}
			set.AddMaria(dom, server, seq)
		}
		return set, c.err("GTID list event")
	}
	set := domain.NewMySQLGTIDs()
	head := c.u64()
	// Tags changed the format: the first byte is then 1 and the count follows.
	n, tagged := head, false
	if head&0xff == 1 && head>>56 == 1 {
		n, tagged = head<<8>>16, true
	}
	for range n {
		uuid := c.take(16)
		tag := ""
		if tagged {
			tag = string(c.take(int(c.variable())))
		}
		intervals := c.u64()
		for range intervals {
			from := c.u64()
			to := c.u64()
			if c.bad {
				return set, c.err("previous GTIDs event")
			}
			set.AddMySQL(uuidText(uuid), tag, from, to-1)
		}
		if c.bad {
			break
		}
	}
	return set, c.err("previous GTIDs event")
}

// PreviousGTIDs parses the event that lists the GTIDs of earlier files.
func PreviousGTIDs(e *Event) (domain.GTIDs, error) { return parsePrevious(e) }
