package auditlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/sqlscan"
)

// archiveTable is what an archive says of the audit table: its layout, and the
// columns of an INSERT that names none.
type archiveTable struct {
	layout  *audit.Layout
	columns []string
}

// define learns the columns from CREATE TABLE.
func (a Archive) define(sql []byte, mode sqlscan.Mode) (*archiveTable, error) {
	t, err := sqlscan.ParseTable(sql, mode)
	if err != nil {
		return nil, fmt.Errorf("read the table of the archive: %w", err)
	}
	out := &archiveTable{}
	var found []audit.Column
	primary := primaryKey(t)
	for _, c := range t.Columns {
		found = append(
			found,
			audit.Column{
				Name:     c.Name,
				Type:     c.Type,
				Nullable: !primary[strings.ToLower(c.Name)],
				Integer:  strings.HasSuffix(c.Type, "int"),
				JSON:     c.Type == "json",
				Binary:   c.Type == "binary" || c.Type == "varbinary",
				Counted:  c.AutoInc,
			},
		)
		if !c.Generated {
			out.columns = append(out.columns, c.Name)
		}
	}
	out.layout, err = audit.Map("archive:"+filepath.Base(a.Path), a.Table, found, archiveIndexes(t), a.Columns)
	if err != nil {
		return nil, err
	}
	if out.layout.Column(audit.CreatedAt).Type != "timestamp" {
		if out.layout.Zone = a.Zone; a.Zone == nil {
			out.layout.Zone = time.Local
		}
	}
	return out, nil
}

// primaryKey are the columns, in lower case, that are never NULL.
func primaryKey(t *sqlscan.Table) map[string]bool {
	out := map[string]bool{}
	for _, k := range t.Keys {
		for _, c := range k.Columns {
			if k.Kind == "PRIMARY" {
				out[strings.ToLower(c)] = true
			}
		}
	}
	for _, c := range t.Columns {
		if c.Unique {
			out[strings.ToLower(c.Name)] = true
		}
	}
	return out
}

func archiveIndexes(t *sqlscan.Table) []audit.Index {
	var out []audit.Index
	for _, k := range t.Keys {
		out = append(out,
			audit.Index{Name: k.Name, Columns: k.Columns, Unique: k.Kind == "PRIMARY" || k.Kind == "UNIQUE"})
	}
	for _, c := range t.Columns {
		if c.Unique {
			out = append(out, audit.Index{Name: c.Name, Columns: []string{c.Name}, Unique: true})
		}
	}
	return out
}

// rowReader reads the rows of INSERT statements.
type rowReader struct {
	table *archiveTable
	mode  sqlscan.Mode
	// wants is told the time of every row, and whether the rest of it is to be
	// read; nil is yes.
	wants func(audit.Stamp) bool
	each  func(*audit.Row) error

	head  string // of the statement before
	place []int  // where each of its values belongs
	when  int    // which of them is the time; -1 for none
	given int    // rows of the text being read that were told
}

// text reads the INSERT statements of a member.
func (r *rowReader) text(sql []byte) error {
	r.given = 0
	for at := 0; ; {
		for at < len(sql) && (blank(sql[at]) || sql[at] == ';') {
			at++
		}
		if at == len(sql) {
			return nil
		}
		n, err := r.insert(sql[at:])
		if errors.Is(err, errOdd) {
			return r.slowly(sql)
		}
		if err != nil {
			return err
		}
		at += n
	}
}

// insert reads one INSERT as dumps write it, and tells how long it is.
func (r *rowReader) insert(sql []byte) (int, error) {
	head, err := sqlscan.Head(sql[:min(len(sql), 64<<10)], r.mode)
	if err != nil {
		return 0, errOdd
	}
	last := head.Len() - 1
	if !head.Is(0, "INSERT") && !head.Is(0, "REPLACE") || !head.Is(last, "VALUES") && !head.Is(last, "VALUE") {
		return 0, errOdd
	}
	end := head.Tokens[last].End
	if text := string(sql[:end]); text != r.head {
		r.head = text
		r.places(columnsOf(head, r.table.columns))
	}
	t := &tuples{sql: sql, at: end, mode: r.mode}
	for {
		ok, err := t.next()
		if err != nil || !ok {
			return t.at, err
		}
		if err := r.take(t); err != nil {
			return t.at, err
		}
	}
}

// columnsOf are those that an INSERT names, else all.
func columnsOf(t *sqlscan.Text, all []string) []string {
	for i := 0; i < t.Len(); i++ {
		if t.Is(i, "(") {
			names, _ := names(t, i+1)
			return names
		}
	}
	return all
}

// names reads a list of columns up to its closing parenthesis.
func names(t *sqlscan.Text, i int) (out []string, next int) {
	for ; i < t.Len() && !t.Is(i, ")"); i++ {
		if name, ok := t.Name(i); ok {
			out = append(out, name)
		}
	}
	return out, i + 1
}

// places finds for each value of a row which field it is: 0 and up for fields,
// -1 and down for the extra columns.
func (r *rowReader) places(columns []string) {
	at := map[string]int{}
	for f, c := range r.table.layout.Columns {
		if c != nil {
			at[strings.ToLower(c.Name)] = f
		}
	}
	for i, c := range r.table.layout.Extra {
		at[strings.ToLower(c.Name)] = -1 - i
	}
	r.place = make([]int, len(columns))
	r.when = -1
	for i, name := range columns {
		if r.place[i] = at[strings.ToLower(name)]; r.place[i] == int(audit.CreatedAt) {
			r.when = i
		}
	}
}

// take gives a row on, unless its time is not wanted.
func (r *rowReader) take(t *tuples) error {
	if len(t.row) != len(r.place) {
		return fmt.Errorf("a row of the archive has %d values, not %d", len(t.row), len(r.place))
	}
	r.given++
	if r.wants != nil {
		at, err := r.timeOf(t)
		if err != nil || !r.wants(at) {
			return err
		}
	}
	row := audit.Row{Extra: make([]audit.Value, len(r.table.layout.Extra))}
	for i, v := range t.row {
		value, err := t.get(v)
		if err != nil {
			return fmt.Errorf("a value of the archive: %w", err)
		}
		r.put(&row, i, value)
	}
	return r.give(&row)
}

func (r *rowReader) timeOf(t *tuples) (audit.Stamp, error) {
	if r.when < 0 || t.row[r.when].kind == 0 {
		return audit.NoStamp, nil
	}
	v, err := t.get(t.row[r.when])
	if err != nil {
		return audit.NoStamp, err
	}
	return audit.ParseStamp(v.Text)
}

func (r *rowReader) put(row *audit.Row, i int, v audit.Value) {
	if r.place[i] >= 0 {
		row.Values[r.place[i]] = v
	} else {
		row.Extra[-1-r.place[i]] = v
	}
}

func (r *rowReader) give(row *audit.Row) error {
	if err := finish(r.table.layout, row); err != nil {
		return fmt.Errorf("in the archive: %w", err)
	}
	return r.each(row)
}

// slowly reads statements by tokens, however they are written. Rows that were
// given already are passed over.
func (r *rowReader) slowly(sql []byte) error {
	split := sqlscan.NewSplitter(bytes.NewReader(sql), sqlscan.Limits{Cut: archiveCut})
	split.SetMode(r.mode)
	skip := r.given
	for {
		st, err := split.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if skip, err = r.tokens(st.SQL, skip); err != nil {
			return err
		}
	}
}

// tokens reads the rows of an INSERT by its tokens, but for the first skip.
func (r *rowReader) tokens(sql []byte, skip int) (left int, err error) {
	t, err := sqlscan.Tokenize(sql, r.mode)
	if err != nil {
		return skip, fmt.Errorf("read the rows of the archive: %w", err)
	}
	columns, i := r.table.columns, 0
	for i < t.Len() && !t.Is(i, "VALUES") && !t.Is(i, "VALUE") {
		if t.Is(i, "(") {
			columns, i = names(t, i+1)
			continue
		}
		i++
	}
	r.head = ""
	r.places(columns)
	for i++; i < t.Len(); i++ {
		if !t.Is(i, "(") {
			continue // the comma between rows
		}
		var row audit.Row
		if row, i, err = r.tuple(t, i+1); err != nil {
			return skip, err
		}
		if skip > 0 {
			skip--
			continue
		}
		if err := r.give(&row); err != nil {
			return skip, err
		}
	}
	return skip, nil
}

// tuple reads one row from the token behind its "(" and returns that of its ")".
func (r *rowReader) tuple(t *sqlscan.Text, i int) (audit.Row, int, error) {
	row := audit.Row{Extra: make([]audit.Value, len(r.table.layout.Extra))}
	n := 0
	for ; !t.Is(i, ")"); i++ {
		if i >= t.Len() {
			return row, i, fmt.Errorf("the archive ends within a row: %w", io.ErrUnexpectedEOF)
		}
		if t.Is(i, ",") {
			n++
			continue
		}
		var v audit.Value
		v, i = value(t, i)
		if n >= len(r.place) {
			return row, i, fmt.Errorf("a row of the archive has more than %d values", len(r.place))
		}
		r.put(&row, n, v)
	}
	return row, i, nil
}

// value reads a literal: NULL, a string, a number with its sign, hexadecimal
// digits, each perhaps behind an introducer.
func value(t *sqlscan.Text, i int) (audit.Value, int) {
	sign := ""
	for {
		switch t.Kind(i) {
		case sqlscan.String:
			text, _ := t.Value(i)
			return audit.Value{Text: text, Valid: true}, i
		case sqlscan.Number:
			text := string(t.Bytes(i))
			if raw, ok := strings.CutPrefix(text, "0x"); ok {
				if b, err := hex.DecodeString(raw); err == nil {
					return audit.Value{Text: string(b), Valid: true}, i
				}
			}
			return audit.Value{Text: sign + text, Valid: true}, i
		case sqlscan.Punct:
			if t.Is(i, "-") {
				sign = "-"
			}
		case sqlscan.Word:
			if t.Is(i, "NULL") {
				return audit.Value{}, i
			}
		default:
			return audit.Value{}, i
		}
		if t.Is(i+1, ",") || t.Is(i+1, ")") || i+1 >= t.Len() {
			return audit.Value{}, i
		}
		i++
	}
}
