package replay

import (
	"bytes"
	"encoding/base64"

	format "opsdeck/ops/mysql/binlog"
)

// event is rows in the form of the server's BINLOG statement.
type event struct {
	table   string
	tableAs []byte   // the table's map
	rows    []byte   // a statement of their own
	at      uint32   // when their statement began, in seconds
	plain   []string // statements instead
	foreign bool     // foreign keys are obeyed
	keeps   bool     // the table has no transactions
}

// size is about how many bytes go to the server.
func (e event) size() (n int) {
	for _, q := range e.plain {
		n += len(q)
	}
	return n + len(e.tableAs) + len(e.rows)
}

// batch gathers events for one BINLOG statement, or statements in its place.
type batch struct {
	events []event
	size   int
}

func (b *batch) len() int { return b.size }

func (b *batch) add(e event) {
	b.events = append(b.events, e)
	b.size += e.size()
}

// take empties the batch.
func (b *batch) take() []event {
	all := b.events
	b.events, b.size = nil, 0
	return all
}

// mostTables is how many tables the server has open at once for what is joined.
const mostTables = 16

// native is the batch as events, and empties it. To the server, which opens and locks
// tables for each statement, changes that follow each other are one statement: the maps
// of its tables, then all rows.
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
			if i < n-1 {
				format.GoOn(e.rows)
			}
			out = append(out, e.rows...)
		}
		rest = rest[n:]
	}
	return out
}

// joined is how many of the first events can be one statement, and one for each table in
// them. A statement has one time, which MariaDB gives to rows of tables that keep their
// history, and obeys foreign keys or does not. Tables without transactions stay alone:
// what a statement did there stays when it fails.
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

// numberOf is the place of an event's table among the maps; -1 for none.
func numberOf(maps []event, e event) int {
	for i, m := range maps {
		if m.table == e.table {
			return i
		}
	}
	return -1
}

// mapped is what a map says of a table, without its header and number.
func mapped(e event) []byte { return e.tableAs[format.MapNameAt:] }

func inBinlog(events []byte) string {
	return "BINLOG '" + base64.StdEncoding.EncodeToString(events) + "'"
}
