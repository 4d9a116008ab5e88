package replay

import (
	"bytes"
	"encoding/base64"

	format "opsdeck/ops/mysql/binlog"
)

// event is rows in the form of the server's BINLOG statement.
type event struct {
	table   string
	tableAs []byte       // the table map
	rows    []byte       // as a statement of their own
	at      uint32       // start time of their statement, Unix seconds
	plain   []string     // statements instead of rows
	foreign bool         // foreign keys are checked
	keeps   bool         // the table is non-transactional
	image   *format.Rows // what rows holds
}

// size is the approximate number of bytes sent to the server.
func (e event) size() (n int) {
	for _, q := range e.plain {
		n += len(q)
	}
	return n + len(e.tableAs) + len(e.rows)
}

// batch collects events for one BINLOG statement, or statements to run instead.
type batch struct {
	events []event
	size   int
}

func (b *batch) len() int { return b.size }

func (b *batch) add(e event) {
	b.events = append(b.events, e)
	b.size += e.size()
}

// mixes reports whether the event would be among others of another form.
func (b *batch) mixes(e event) bool {
	return len(b.events) > 0 && (b.events[0].plain == nil) != (e.plain == nil)
}

// take returns the events and empties the batch.
func (b *batch) take() []event {
	all := b.events
	b.events, b.size = nil, 0
	return all
}

// mostTables is the maximum number of tables that a joined statement keeps open.
const mostTables = 16

// native encodes the batch and empties it. The server opens and locks tables per
// statement, so consecutive changes are joined into one statement: first the table maps,
// then all rows.
func (b *batch) native() []byte {
	out := make([]byte, 0, b.size)
	for rest := b.take(); len(rest) > 0; {
		n, maps := joined(rest)
		for number, e := range maps {
			format.SetTable(e.tableAs, uint32(number+1))
			out = append(out, e.tableAs...)
		}
		for i, e := range rest[:n] {
			format.SetTable(e.rows, uint32(numberOf(maps, e)+1))
			format.EndStatement(e.rows, i == n-1)
			out = append(out, e.rows...)
		}
		rest = rest[n:]
	}
	return out
}

// joined returns how many of the first events can form one statement, and one event per
// table in them. All events of a statement share one time, which MariaDB stores in rows of
// system-versioned tables, and one foreign key setting. Events of non-transactional tables
// are not joined: if a statement fails there, its changes stay.
func joined(events []event) (n int, maps []event) {
	for _, e := range events {
		first := events[0]
		if n > 0 && (e.keeps || first.keeps || e.at != first.at || e.foreign != first.foreign) {
			break
		}
		if at := numberOf(maps, e); at < 0 {
			if len(maps) == mostTables {
				break
			}
			maps = append(maps, e)
		} else if !bytes.Equal(mapped(maps[at]), mapped(e)) {
			break
		}
		n++
	}
	return n, maps
}

// numberOf is the index of an event's table among the maps; -1 if absent.
func numberOf(maps []event, e event) int {
	for i, m := range maps {
		if m.table == e.table {
			return i
		}
	}
	return -1
}

// mapped is the part of a table map after its header and table number.
func mapped(e event) []byte { return e.tableAs[format.MapNameAt:] }

func inBinlog(events []byte) string {
	return "BINLOG '" + base64.StdEncoding.EncodeToString(events) + "'"
}
