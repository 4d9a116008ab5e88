package rescue

import (
	"context"
	"database/sql"
	"strings"

	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// twins finds rows whose keys the server takes for the same, though their bytes differ:
// 'a' and 'A' in a column whose collation ignores case. The comparison by bytes reports
// such a row as missing and as added.
type twins struct {
	s     *Session
	conn  *sql.Conn // opened for the first row
	tally restore.RescueTally
	each  func(*restore.Difference) error
}

// loose tells whether keys of different bytes can be the same key, in both tables alike.
func (s *Session) loose() bool {
	loose := false
	for _, i := range s.Common.Key {
		b := s.columns[0][i]
		l := s.columns[1][i]
		if b.Collation != l.Collation {
			return false // keys that differ in one table may be one key in the other
		}
		exact := l.Collation == "" || l.Collation == "binary" || strings.HasSuffix(l.Collation, "_bin")
		loose = loose || !exact
	}
	return loose
}

// take hands a difference on: a missing row that has a twin in the live table as changed,
// and an added row that has one in the backup not at all.
func (t *twins) take(ctx context.Context, d *restore.Difference) error {
	switch d.Kind {
	case restore.RescueMissing:
		live, err := t.find(ctx, t.s.live, 1, d.Backup)
		if err != nil {
			return err
		}
		if live == nil {
			break
		}
		d = t.s.Common.Changed(d.Backup, live)
		t.tally.Missing--
		t.tally.Changed++
	case restore.RescueAdded:
		kept, err := t.find(ctx, t.s.backup, 0, d.Live)
		if err != nil {
			return err
		}
		if kept == nil {
			break
		}
		t.tally.Added--
		return nil
	}
	return t.each(d)
}

// find reads the row that the server finds by a key; nil if there is none.
func (t *twins) find(ctx context.Context, in *schema.Table, side int, row [][]byte) (found [][]byte, err error) {
	if t.conn == nil {
		if t.conn, err = t.s.session(ctx); err != nil {
			return nil, err
		}
	}
	columns := t.s.columns[side]
	s, err := rowread.Query(ctx, t.conn, columns, "FROM "+in.SQLName()+" WHERE "+t.s.where(row))
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for s.Next() {
		found = make([][]byte, len(columns))
		if err := split(append([]byte(nil), s.Row()...), found); err != nil {
			return nil, err
		}
	}
	return found, s.Err()
}

func (t *twins) close() {
	if t.conn != nil {
		t.conn.Close()
	}
}
