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
	batchBytes = 4 << 20
)

// errMoved says that the live row is not the one that was compared.
var errMoved = errors.New("the row was changed meanwhile")

// Mergeable refuses a table whose rows could not be taken back.
func (s *Session) Mergeable() error {
	if s.live.Transactional() {
		return nil
	}
	return ops.E(ops.Failed, lang.M("the table %s is kept by %s, which knows no transactions: nothing is merged into it", s.Table, s.live.Engine)).
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
	if _, err := conn.ExecContext(ctx, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'"); err != nil {
		return done, mysql.Explain(err, s.Target)
	}
	m := &merger{Session: s, conn: conn}
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
	conn  *sql.Conn
	batch []restore.Difference
	size  int
	done  restore.RescueTally
}

func (m *merger) add(ctx context.Context, d *restore.Difference) error {
	m.batch = append(m.batch, restore.Difference{Kind: d.Kind, Backup: m.clone(d.Backup), Live: m.clone(d.Live), Columns: slices.Clone(d.Columns)})
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
	var n restore.RescueTally
	for i := range m.batch {
		if err := m.put(ctx, &m.batch[i]); err != nil {
			m.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return m.explain(ctx, err, &m.batch[i])
		}
		if m.batch[i].Kind == restore.RescueMissing {
			n.Missing++
		} else {
			n.Changed++
		}
	}
	if _, err := m.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return mysql.Explain(err, m.Target)
	}
	m.done.Missing += n.Missing
	m.done.Changed += n.Changed
	m.batch, m.size = m.batch[:0], 0
	return nil
}

// put merges one row: it must be as it was compared, and be the backup's then.
func (m *merger) put(ctx context.Context, d *restore.Difference) error {
	now, err := m.at(ctx, d.Backup)
	if err != nil {
		return err
	}
	if d.Live == nil && now != nil || d.Live != nil && !m.Common.Equal(now, d.Live) {
		return errMoved
	}
	text := m.insert(d.Backup)
	if d.Live != nil {
		text = m.update(d)
	}
	if _, err := m.conn.ExecContext(ctx, text); err != nil {
		return err
	}
	now, err = m.at(ctx, d.Backup)
	if err != nil {
		return err
	}
	if !m.Common.Equal(now, d.Backup) {
		return ops.E(ops.Failed, lang.M("the row %s did not come out as it is in the backup; a trigger or the column's type changed it", m.keyText(d.Backup)))
	}
	return nil
}

// at reads, and locks, the live row of a key; nil when there is none.
func (m *merger) at(ctx context.Context, row [][]byte) ([][]byte, error) {
	s, err := rowread.Query(ctx, m.conn, m.columns[1], "FROM "+m.live.SQLName()+" WHERE "+m.where(row)+" FOR UPDATE")
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for s.Next() {
		values := make([][]byte, len(m.columns[1]))
		if err := split(s.Row(), values); err != nil {
			s.Close()
			return nil, err
		}
		found = make([][]byte, len(values))
		for i, v := range values {
			found[i] = slices.Clone(v)
		}
	}
	err = s.Err()
	if e := s.Close(); err == nil {
		err = e
	}
	return found, err
}

// where finds the live row of a key. The literals are written as the backup's
// column holds them.
func (m *merger) where(row [][]byte) string {
	var b []byte
	for n, i := range m.Common.Key {
		if n > 0 {
			b = append(b, " AND "...)
		}
		name := schema.Ident(m.columns[1][i].Name)
		if m.columns[1][i].Form == schema.FormFloat {
			name = m.columns[1][i].Expr()
		}
		b = m.columns[0][i].AppendValue(append(append(b, name...), '='), row[i])
	}
	return string(b)
}

func (m *merger) literal(dst []byte, i int, value []byte) []byte {
	if value == nil {
		return append(dst, "NULL"...)
	}
	return m.columns[0][i].AppendValue(dst, value)
}

func (m *merger) insert(row [][]byte) string {
	names := make([]string, len(row))
	var b []byte
	for i, v := range row {
		names[i] = m.columns[1][i].Name
		if i > 0 {
			b = append(b, ',')
		}
		b = m.literal(b, i, v)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", m.live.SQLName(), schema.Idents(names), b)
}

// update sets every column, those that stay to themselves: one that is not
// named would get the present time by ON UPDATE.
func (m *merger) update(d *restore.Difference) string {
	var b []byte
	for i, c := range m.columns[1] {
		if slices.Contains(m.Common.Key, i) {
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

// keyText names a row for people.
func (m *merger) keyText(row [][]byte) string { return m.Common.ShownKey(row) }

// What the server says when a row does not fit the others.
const (
	errDuplicate = 1062
	errHasChild  = 1451
	errNoParent  = 1452
)

var constraintName = regexp.MustCompile("CONSTRAINT `((?:[^`]|``)+)`")

// explain says which row failed and why.
func (m *merger) explain(ctx context.Context, err error, d *restore.Difference) error {
	key := m.keyText(d.Backup)
	var known *ops.Error
	what, hint := lang.M("the row %s of %s cannot be merged", key, m.Table), lang.Msg{}
	switch number := mysql.Number(err); {
	case errors.As(err, &known):
		what, hint, err = known.What, known.Hint, known.Err
	case ctx.Err() != nil:
		return ops.Wrap(err, ops.CodeOf(ctx.Err()), lang.M("the merge was interrupted; the rows of its last batch were taken back"))
	case errors.Is(err, errMoved):
		what = lang.M("the row %s of %s is not any more as it was compared", key, m.Table)
		hint = lang.M("compare again, and merge then")
	case number == errNoParent || number == errHasChild:
		what = lang.M("the row %s of %s breaks the foreign key %s", key, m.Table, constraint(err))
		hint = lang.M("rescue the table that it points to first")
	case number == errDuplicate:
		what = lang.M("the row %s of %s has a value that must be unique and that another row has now", key, m.Table)
		hint = lang.M("leave that row out: name the others with --keys")
	case number == 0 || mysql.Lost(err):
		return mysql.Explain(err, m.Target)
	}
	e := ops.Wrap(err, ops.Failed, lang.M("%s; its batch was rolled back, %d rows were merged before", what, m.done.Missing+m.done.Changed))
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
