package replay

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
)

// Given finds, for tables of a database, the largest AUTO_INCREMENT value that the log has from
// the start of the run on. columns holds the index of each table's AUTO_INCREMENT column. Of an
// INSERT in statement format only the first value is in the log: the number of its rows is
// estimated, and never too low for an INSERT … VALUES.
func Given(ctx context.Context, run *changes.Run, database string, columns map[string]int) (map[string]uint64, error) {
	g := given{database: database, columns: columns, out: map[string]uint64{}}
	opens := func(binlog.Place, *format.Format) error { return nil }
	err := run.Each(ctx, run.From, opens, g.take)
	if errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	return g.out, err
}

type given struct {
	database string
	columns  map[string]int
	id       uint64 // the INSERT_ID of the next statement
	out      map[string]uint64
}

func (g *given) take(i *format.Item) error {
	switch i.What {
	case format.Context:
		if id, ok := format.InsertID(i.Event); ok {
			g.id = id
		}
	case format.Statement:
		g.statement(i.Query)
		g.id = 0
	case format.Change:
		return g.rows(i.Rows)
	}
	return nil
}

func (g *given) statement(q *format.Query) {
	text := string(q.SQL)
	if g.id == 0 || !strings.EqualFold(q.Schema, g.database) && !binlog.Mentions(text, g.database) {
		return
	}
	for table := range g.columns {
		if binlog.Mentions(text, table) {
			g.see(table, g.id+mostRows(q.SQL)-1)
		}
	}
}

// mostRows is the number of rows of an INSERT … VALUES, or more; else 1.
func mostRows(sql []byte) uint64 {
	_, values, _ := bytes.Cut(bytes.ToUpper(sql), []byte("VALUES"))
	return uint64(max(1, bytes.Count(values, []byte("("))))
}

func (g *given) rows(r *format.Rows) error {
	at, counts := g.columns[r.Map.Name]
	if !counts || at >= len(r.Map.Columns) || r.Verb == binlog.Delete || !strings.EqualFold(r.Map.Schema, g.database) {
		return nil
	}
	return r.EachOf([]int{at}, func(c binlog.RowChange) error {
		if at < len(c.After) && !c.After[at].Absent && !c.After[at].Null {
			if v, err := strconv.ParseUint(string(c.After[at].Text), 10, 64); err == nil {
				g.see(r.Map.Name, v)
			}
		}
		return nil
	})
}

func (g *given) see(table string, v uint64) { g.out[table] = max(g.out[table], v) }
