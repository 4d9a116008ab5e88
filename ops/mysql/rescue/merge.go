package rescue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// A batch of rows is merged in one transaction.
const (
	batchRows  = 200
	batchBytes = 1 << 20
)

// Why a row is not merged, besides what the server says.
var (
	errMoved = errors.New("the row was changed meanwhile")
	errOther = errors.New("the row came out otherwise")
)

// Mergeable refuses a table whose rows could not be taken back.
func (s *Session) Mergeable() error {
	if s.live.Transactional() {
		return nil
	}
	return ops.E(ops.Failed,
		lang.M("the table %s uses %s, which has no transactions: nothing is merged into it", s.Table, s.live.Engine)).
		WithHint(lang.M("convert it first: ALTER TABLE %s ENGINE=InnoDB", s.Table))
}

// Merge puts the picked rows of the backup into the live table: missing ones by
// INSERT, changed ones by UPDATE, a batch in one transaction, each row looked at
// before and after. Generated columns and columns that the backup lacks are left
// to the server; triggers fire as for any write. It returns what was committed,
// also with an error: then the batch with the row that failed was rolled back.
func (s *Session) Merge(ctx context.Context, pick restore.RescuePick) (done restore.RescueTally, err error) {
	if err := s.Mergeable(); err != nil {
		return done, err
	}
	conn, err := s.session(ctx)
	if err != nil {
		return done, mysql.Explain(err, s.Target)
	}
	defer conn.Close()
	if err := mysql.LogReplayably(ctx, conn, s.Live); err != nil {
		return done, mysql.Explain(err, s.Target)
	}
	if _, err := conn.ExecContext(ctx, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', SESSION "+
		"autocommit = 0"); err != nil {
		return done, mysql.Explain(err, s.Target)
	}
	m := &merger{Session: s, conn: conn}
	if m.packet, err = mysql.Packet(ctx, conn); err != nil {
		return done, mysql.Explain(err, s.Target)
	}
	_, err = s.Diff(ctx, func(d *restore.Difference) error {
		if d.Kind == restore.RescueAdded || !pick.Takes(&s.Common, d) {
			return nil
		}
		return m.add(ctx, d)
	})
	if err == nil {
		err = m.flush(ctx)
	}
	return m.done, err
}

// merger writes into the live table.
type merger struct {
	*Session
	conn   *sql.Conn
	packet int64 // max_allowed_packet, in bytes
	batch  []restore.Difference
	size   int
	done   restore.RescueTally
}

func (m *merger) add(ctx context.Context, d *restore.Difference) error {
	m.batch = append(
		m.batch,
		restore.Difference{
			Kind:    d.Kind,
			Backup:  m.clone(d.Backup),
			Live:    m.clone(d.Live),
			Columns: slices.Clone(d.Columns),
		},
	)
	if len(m.batch) < batchRows && m.size < batchBytes {
		return nil
	}
	return m.flush(ctx)
}

func (m *merger) clone(row [][]byte) [][]byte {
	if row == nil {
		return nil
	}
	out := make([][]byte, len(row))
	for i, v := range row {
		m.size += len(v)
		out[i] = slices.Clone(v)
	}
	return out
}

// flush merges the batch in one transaction.
func (m *merger) flush(ctx context.Context) error {
	if len(m.batch) == 0 {
		return nil
	}
	if _, err := m.conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return mysql.Explain(err, m.Target)
	}
	if row, err := m.put(ctx); err != nil {
		m.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return m.explain(ctx, err, row)
	}
	if _, err := m.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return mysql.Explain(err, m.Target)
	}
	for i := range m.batch {
		if m.batch[i].Kind == restore.RescueMissing {
			m.done.Missing++
		} else {
			m.done.Changed++
		}
	}
	m.batch, m.size = m.batch[:0], 0
	return nil
}

// put writes the batch: its rows must be as they were compared, and as in the
// backup then. With an error comes the row that it is about.
func (m *merger) put(ctx context.Context) (row [][]byte, err error) {
	var missing, before, after [][][]byte
	for i := range m.batch {
		after = append(after, m.batch[i].Backup)
		if live := m.batch[i].Live; live == nil {
			missing = append(missing, m.batch[i].Backup)
		} else {
			before = append(before, live)
		}
	}
	slices.SortFunc(before, m.Common.CompareKeys) // they came in the order of the backup's keys
	if row, err = m.expect(ctx, before, errMoved); err != nil {
		return row, err
	}
	if row, err = m.insertAll(ctx, missing); err != nil {
		return row, err
	}
	for i := range m.batch {
		if d := &m.batch[i]; d.Live != nil {
			if _, err := mysql.ExecLong(ctx, m.conn, m.update(d), m.packet); err != nil {
				return d.Backup, err
			}
		}
	}
	return m.expect(ctx, after, errOther)
}

// insertAll inserts rows by one statement, or one by one to learn which of them
// the server refuses. A row that refers to another of its own table waits for it.
func (m *merger) insertAll(ctx context.Context, rows [][][]byte) (row [][]byte, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	_, err = mysql.ExecLong(ctx, m.conn, m.insert(rows), m.packet)
	var long *mysql.PacketError
	if !errors.As(err, &long) && mysql.Number(err) == 0 || mysql.Yields(err) { // done, or the transaction may be gone
		return rows[0], err
	}
	for len(rows) > 0 {
		var again [][][]byte
		for i := range rows {
			_, err = mysql.ExecLong(ctx, m.conn, m.insert(rows[i:i+1]), m.packet)
			if err != nil && mysql.Number(err) != errNoParent {
				return rows[i], err
			}
			if err != nil {
				again = append(again, rows[i])
				row = rows[i]
			}
		}
		if len(again) == len(rows) {
			return row, err
		}
		rows = again
	}
	return nil, nil
}

// expect reads, and locks, the live rows of the batch's keys: they must be these
// rows, no more and no fewer. Otherwise it returns no with the first that is not.
func (m *merger) expect(ctx context.Context, rows [][][]byte, no error) (row [][]byte, err error) {
	rest := fmt.Sprintf(
		"FROM %s FORCE INDEX (%s) WHERE %s ORDER BY %s FOR UPDATE",
		m.live.SQLName(),
		schema.Ident(m.live.KeyUnique),
		m.keys(),
		m.order(m.columns[1]),
	)
	s, err := rowread.Query(ctx, m.conn, m.columns[1], rest)
	if err != nil {
		return nil, err
	}
	found := &reader{stream: s, values: make([][]byte, len(m.columns[1]))}
	_, err = m.Common.Diff(&list{rows: rows}, found, func(d *restore.Difference) error {
		if row == nil {
			row = m.clone(d.Row())
		}
		return nil
	})
	if e := s.Close(); err == nil {
		err = e
	}
	if err == nil && row != nil {
		err = no
	}
	return row, err
}

// list is rows in memory.
type list struct {
	rows [][][]byte
	next int
}

// Next moves to the next row.
func (l *list) Next() bool { l.next++; return l.next <= len(l.rows) }

// Values is the current row.
func (l *list) Values() [][]byte { return l.rows[l.next-1] }

// Err is nil.
func (l *list) Err() error { return nil }

// keys finds the live rows of the batch, by the index of the key.
func (m *merger) keys() string {
	var columns []schema.Column
	var names []string
	for _, i := range m.Common.Key {
		columns = append(columns, m.columns[1][i])
		names = append(names, m.keyName(i))
	}
	keys := make([][]string, len(m.batch))
	for n := range m.batch {
		for _, i := range m.Common.Key {
			keys[n] = append(keys[n], string(m.columns[0][i].AppendValue(nil, m.batch[n].Backup[i])))
		}
	}
	return schema.KeyIn(columns, names, keys)
}

// keyName is what a key's value is compared with.
func (s *Session) keyName(i int) string {
	if c := s.columns[1][i]; c.Form == schema.FormFloat {
		return c.Expr()
	}
	return schema.Ident(s.columns[1][i].Name)
}

// where finds the live row of a key. The literals are written as the backup's
// column holds them.
func (s *Session) where(row [][]byte) string {
	var b []byte
	for n, i := range s.Common.Key {
		if n > 0 {
			b = append(b, " AND "...)
		}
		b = s.columns[0][i].AppendValue(append(append(b, s.keyName(i)...), '='), row[i])
	}
	return string(b)
}

func (m *merger) literal(dst []byte, i int, value []byte) []byte {
	if value == nil {
		return append(dst, "NULL"...)
	}
	return m.columns[0][i].AppendValue(dst, value)
}

func (m *merger) insert(rows [][][]byte) string {
	names := make([]string, len(m.columns[1]))
	for i, c := range m.columns[1] {
		names[i] = c.Name
	}
	var b []byte
	for n, row := range rows {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, '(')
		for i, v := range row {
			if i > 0 {
				b = append(b, ',')
			}
			b = m.literal(b, i, v)
		}
		b = append(b, ')')
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", m.live.SQLName(), schema.Idents(names), b)
}

// update sets every column, those that stay to themselves: one that is not
// named would get the present time by ON UPDATE. A key is set only if its bytes differ.
func (m *merger) update(d *restore.Difference) string {
	var b []byte
	for i, c := range m.columns[1] {
		if slices.Contains(m.Common.Key, i) && !slices.Contains(d.Columns, i) {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		name := schema.Ident(c.Name)
		if b = append(append(b, name...), '='); slices.Contains(d.Columns, i) {
			b = m.literal(b, i, d.Backup[i])
		} else {
			b = append(b, name...)
		}
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s", m.live.SQLName(), b, m.where(d.Live))
}

// What the server says when a row does not fit the others.
const (
	errDuplicate = 1062
	errHasChild  = 1451
	errNoParent  = 1452
)

var constraintName = regexp.MustCompile("CONSTRAINT `((?:[^`]|``)+)`")

// explain says which row failed and why.
func (m *merger) explain(ctx context.Context, err error, row [][]byte) error {
	key := "?"
	if row != nil {
		key = m.Common.ShownKey(row)
	}
	what := lang.M("the row %s of %s cannot be merged", key, m.Table)
	hint := lang.Msg{}
	var long *mysql.PacketError
	switch number := mysql.Number(err); {
	case errors.Is(err, errOther):
		what = lang.M(
			"the row %s differs from the backup after the write; a trigger or the column's type changed it",
			key,
		)
	case ctx.Err() != nil:
		return ops.Wrap(
			err,
			ops.CodeOf(ctx.Err()),
			lang.M("the merge was interrupted; its last batch was rolled back"),
		)
	case errors.As(err, &long):
		return long.Explain(lang.M("the row %s of table %s", key, m.Table))
	case errors.Is(err, errMoved):
		what = lang.M("the row %s of %s changed after it was compared", key, m.Table)
		hint = lang.M("compare again, then merge")
	case number == errNoParent || number == errHasChild:
		what = lang.M("the row %s of %s breaks the foreign key %s", key, m.Table, constraint(err))
		hint = lang.M("rescue the table that it points to first")
		if ring := m.ring(ctx, constraint(err)); len(ring) > 0 { // none of them can be the first
			hint = lang.M("its foreign keys run in a circle, so its rows cannot be merged alone; restore the tables "+
				"together: opsdeck restore --tables %s", strings.Join(ring, ","))
		}
	case number == errDuplicate:
		what = lang.M("the row %s of %s has a unique value that another row has now", key, m.Table)
		hint = lang.M("skip that row: name the others with --keys")
	case number == 0 || mysql.Lost(err):
		return mysql.Explain(err, m.Target)
	}
	e := ops.Wrap(
		err,
		ops.Failed,
		lang.M("%s; its batch was rolled back, %d rows were merged before", what, m.done.Missing+m.done.Changed),
	)
	if !hint.Empty() {
		e = e.WithHint(hint)
	}
	return e
}

func constraint(err error) string {
	if found := constraintName.FindStringSubmatch(err.Error()); found != nil {
		return strings.ReplaceAll(found[1], "``", "`")
	}
	return "?"
}
