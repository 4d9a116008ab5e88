package auditlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// placing brings a loaded table from its scratch schema to its place beside the live one. A
// RENAME between databases would be quick, but a restore to a later moment could not replay it:
// the rows are copied, under another name until they are all there, so that the binlog has them.
type placing struct {
	db       *sql.DB
	target   mysql.Target
	scratch  string
	table    string // in the scratch schema
	live, as string
	temp     string // the table's name until it is complete
	batch    int    // rows of one statement
	report   func(ops.Progress)
}

// copyRows is how many rows one statement copies: several servers refuse large transactions.
const copyRows = 20_000

// insertBytes is about the length of an INSERT, where rows must be sent as statements.
const insertBytes = 1 << 20

func (p *placing) in(database, table string) string {
	return audit.Ident(database) + "." + audit.Ident(table)
}

// place puts the table in its place. What an earlier try left is done again.
func (p *placing) place(ctx context.Context) error {
	from, err := p.loaded(ctx)
	if err != nil {
		return err
	}
	if from.Versioned { // old versions of rows cannot be inserted
		return p.move(ctx)
	}
	c, err := p.session(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	create, err := p.definition(ctx, c)
	if err != nil {
		return err
	}
	if err := mysql.Define(ctx, c, "DROP TABLE IF EXISTS "+p.in(p.live, p.temp), create); err != nil {
		return err
	}
	if err := p.copy(ctx, c, from); err != nil {
		return err
	}
	if _, err := p.same(ctx, p.temp); err != nil {
		return err
	}
	return mysql.Define(ctx, c, "RENAME TABLE "+p.in(p.live, p.temp)+" TO "+p.in(p.live, p.as))
}

// placed tells whether the table of that name is the archive's: an earlier try was broken off after
// it had put the table in its place, and before the scratch schema was dropped.
func (p *placing) placed(ctx context.Context) (rows int64, ok bool) {
	tables, err := found(ctx, p.db, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?",
		p.scratch)
	if err != nil || len(tables) != 1 || tables[0] != p.table {
		return 0, false
	}
	rows, err = p.same(ctx, p.as)
	return rows, err == nil
}

// loaded is the table in the scratch schema.
func (p *placing) loaded(ctx context.Context) (*schema.Table, error) {
	found, err := schema.Tables(ctx, p.db, p.scratch, p.table)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// session is a connection that keeps values as they are.
func (p *placing) session(ctx context.Context) (*sql.Conn, error) {
	c, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	err = mysql.LogReplayably(ctx, c, p.live)
	if err == nil {
		err = mysql.Define(ctx, c, "SET NAMES utf8mb4", "SET SESSION time_zone = '+00:00', foreign_key_checks = 0, "+
			"sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'")
	}
	// The definition is one that this server has accepted. Not every server knows these, and not
	// every user may set them.
	for _, set := range []string{"innodb_strict_mode = 0", "sql_quote_show_create = 1"} {
		if _, e := c.ExecContext(ctx, "SET SESSION "+set); err == nil && mysql.Lost(e) {
			err = e
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// definition is the statement that makes the table under its temporary name. The names of its
// checks must differ from those of the live table, and rows of an archive refer to nothing: CREATE
// TABLE … LIKE sees to both.
func (p *placing) definition(ctx context.Context, c *sql.Conn) (string, error) {
	like := p.in(p.scratch, p.as)
	err := mysql.Define(ctx, c, "DROP TABLE IF EXISTS "+like, "CREATE TABLE "+like+" LIKE "+p.in(p.scratch, p.table))
	if err != nil {
		return "", err
	}
	text, err := schema.CreateTable(ctx, c, &schema.Table{Database: p.scratch, Name: p.as})
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(text, "CREATE TABLE "+audit.Ident(p.as))
	if !ok {
		return "", fmt.Errorf("the server shows a definition of %s that begins with %.60q", like, text)
	}
	return "CREATE TABLE " + p.in(p.live, p.temp) + rest, mysql.Define(ctx, c, "DROP TABLE "+like)
}

// copy copies the rows.
func (p *placing) copy(ctx context.Context, c *sql.Conn, from *schema.Table) error {
	format, err := schema.One(ctx, c, "SELECT @@SESSION.binlog_format")
	if mysql.Lost(err) {
		return err
	}
	began := time.Now()
	var done int64
	tell := func(rows int64) {
		if done += rows; p.report != nil {
			p.report(ops.Progress{Phase: "copy", Object: p.as, Done: done, Rows: done, Unit: "rows",
				Elapsed: time.Since(began)})
		}
	}
	if strings.EqualFold(format, "STATEMENT") {
		return p.send(ctx, c, from, tell)
	}
	// Under MIXED, a statement with UUID() is logged as rows, as it must be: the replay of a
	// statement would read the scratch schema.
	insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM %s WHERE UUID() IS NOT NULL", p.in(p.live, p.temp),
		storedOf(from), from.SQLName())
	key := numberKey(from)
	if key == "" {
		done, err := c.ExecContext(ctx, insert)
		return told(done, err, tell)
	}
	for after := ""; ; {
		ends, err := schema.All(ctx, c, fmt.Sprintf("SELECT %s FROM %s WHERE TRUE%s ORDER BY %s LIMIT 1 OFFSET %d",
			key, from.SQLName(), after, key, p.batch-1))
		if err != nil {
			return err
		}
		part := insert + after
		if len(ends) > 0 {
			part += " AND " + key + " <= " + ends[0][0]
			after = " AND " + key + " > " + ends[0][0]
		}
		done, err := c.ExecContext(ctx, part)
		if err := told(done, err, tell); err != nil || len(ends) == 0 {
			return err
		}
	}
}

// numberKey is the quoted column of a key that is one number; "" if it is not.
func numberKey(t *schema.Table) string {
	if len(t.Key) != 1 {
		return ""
	}
	for _, c := range t.Columns {
		if c.Name == t.Key[0] && c.Form == schema.FormNumber {
			return schema.Ident(c.Name)
		}
	}
	return ""
}

// told reports the rows of a statement.
func told(done sql.Result, err error, tell func(int64)) error {
	if err != nil {
		return err
	}
	rows, err := done.RowsAffected()
	if err == nil {
		tell(rows)
	}
	return err
}

func storedOf(t *schema.Table) string {
	var names []string
	for _, c := range t.Stored(false) {
		names = append(names, c.Name)
	}
	return schema.Idents(names)
}

// send copies the rows by statements that hold them: the server logs statements, and this user
// may not change that.
func (p *placing) send(ctx context.Context, c *sql.Conn, from *schema.Table, tell func(int64)) error {
	in, err := p.reader(ctx)
	if err != nil {
		return err
	}
	defer in.Close()
	columns := from.Stored(false)
	s, err := rowread.Query(ctx, in.Conn, columns, "FROM "+from.SQLName())
	if err != nil {
		return err
	}
	defer s.Close()
	packet, err := mysql.Packet(ctx, c)
	if err != nil {
		return err
	}
	head := fmt.Sprintf("INSERT INTO %s (%s) VALUES ", p.in(p.live, p.temp), storedOf(from))
	b := []byte(head)
	var rows int64
	flush := func() error {
		if rows == 0 {
			return nil
		}
		_, err := mysql.ExecLong(ctx, c, string(b), packet)
		tell(rows)
		b, rows = append(b[:0], head...), 0
		return err
	}
	for s.Next() {
		if rows > 0 {
			b = append(b, ',')
		}
		if b, err = appendRow(b, columns, s.Row()); err != nil {
			return err
		}
		rows++
		if int64(len(b)) < min(insertBytes, packet/2) {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return errors.Join(s.Err(), flush())
}

// appendRow writes a row as the values of an INSERT.
func appendRow(b []byte, columns []schema.Column, row []byte) ([]byte, error) {
	b = append(b, '(')
	for i := range columns {
		text, rest, null, ok := rowread.Value(row)
		if !ok {
			return nil, errors.New("a row ends early")
		}
		if i > 0 {
			b = append(b, ',')
		}
		if row = rest; null {
			b = append(b, "NULL"...)
		} else {
			b = columns[i].AppendValue(b, text)
		}
	}
	return append(b, ')'), nil
}

// reading is a connection that reads rows as they are written in a checksum.
type reading struct {
	*sql.Conn
	db *sql.DB
}

func (r *reading) Close() error { return errors.Join(r.Conn.Close(), r.db.Close()) }

func (p *placing) reader(ctx context.Context) (*reading, error) {
	db, err := rowread.Open(ctx, p.target, "")
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(ctx)
	if err == nil {
		err = checksum.Session(ctx, c)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &reading{c, db}, nil
}

// same proves that a table of the live database has the rows that were loaded, and counts them.
func (p *placing) same(ctx context.Context, table string) (int64, error) {
	c, err := p.reader(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var sums [2]checksum.Sum
	var rows [2]int64
	for i, at := range [][2]string{{p.scratch, p.table}, {p.live, table}} {
		found, err := schema.Tables(ctx, c, at[0], at[1])
		if err != nil {
			return 0, err
		}
		if rows[i], sums[i], err = checksum.Table(ctx, c.Conn, found[0], false, nil); err != nil {
			return 0, err
		}
	}
	if rows[0] != rows[1] || sums[0] != sums[1] {
		return 0, ops.E(ops.Failed, lang.M("the rows in %s do not match the archive", p.live+"."+table)).
			WithHint(lang.M("run the same command again: it copies them anew"))
	}
	return rows[0], nil
}

// move renames the table into its place.
func (p *placing) move(ctx context.Context) error {
	triggers, err := found(ctx, p.db, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?",
		p.scratch)
	if err != nil {
		return err
	}
	var statements []string
	for _, name := range triggers { // a table with triggers cannot change its schema, and an archive needs none
		statements = append(statements, "DROP TRIGGER "+p.in(p.scratch, name))
	}
	return mysql.Define(ctx, p.db, append(statements,
		"RENAME TABLE "+p.in(p.scratch, p.table)+" TO "+p.in(p.live, p.as))...)
}

// clear drops the scratch schema.
func (p *placing) clear(ctx context.Context) error {
	return mysql.Define(ctx, p.db, "DROP DATABASE "+audit.Ident(p.scratch))
}
