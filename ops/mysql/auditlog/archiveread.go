package auditlog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/sqlscan"
)

// archiveCut is how long a piece of an archive's INSERT is when it is read.
const archiveCut = 256 << 10

// Archive is an archived year, or any dump that holds the audit table, read
// without a server.
type Archive struct {
	Path    string
	Table   string            // the table to look for
	Columns map[string]string // as Options.Columns
	Zone    *time.Location    // of the wall time in a DATETIME column; nil is the machine's
}

// Scan reads every row of the audit table in the archive, in the order of the
// file. layout is told first, from the table's definition. A row is valid until
// the next one.
func (a Archive) Scan(ctx context.Context, layout func(*audit.Layout) error, each func(*audit.Row) error) error {
	src, err := load.Open(a.Path)
	if err != nil {
		return err
	}
	defer src.Close()
	text, err := src.Text()
	if err != nil {
		return err
	}
	defer text.Close()
	r := &archiveReader{Archive: a, ctx: ctx, split: sqlscan.NewSplitter(text, sqlscan.Limits{Cut: archiveCut}), layout: layout, each: each}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		st, err := r.split.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("the archive %s is not whole", a.Path))
		}
		if err := r.statement(st.SQL); err != nil {
			return err
		}
	}
	if r.l == nil {
		return ops.E(ops.Failed, lang.M("there is no table %s in the archive %s", a.Table, a.Path))
	}
	return nil
}

type archiveReader struct {
	Archive
	ctx     context.Context
	split   *sqlscan.Splitter
	layout  func(*audit.Layout) error
	each    func(*audit.Row) error
	l       *audit.Layout
	columns []string // of the table, in order
	row     audit.Row
}

func (r *archiveReader) statement(sql []byte) error {
	p, err := sqlscan.Parse(sql, r.split.Mode())
	if err != nil || p.Own().Name != r.Table {
		return nil // what is not about the table is none of our business
	}
	switch {
	case p.Verb == "CREATE" && p.Kind == "TABLE":
		return r.define(sql)
	case (p.Verb == "INSERT" || p.Verb == "REPLACE") && r.l != nil:
		return r.insert(sql)
	}
	return nil
}

// define learns the columns from CREATE TABLE.
func (r *archiveReader) define(sql []byte) error {
	t, err := sqlscan.ParseTable(sql, r.split.Mode())
	if err != nil {
		return fmt.Errorf("read the table of the archive: %w", err)
	}
	var found []audit.Column
	primary := primaryKey(t)
	for _, c := range t.Columns {
		found = append(found, audit.Column{Name: c.Name, Type: c.Type, Nullable: !primary[strings.ToLower(c.Name)], Integer: strings.HasSuffix(c.Type, "int"),
			JSON: c.Type == "json", Binary: c.Type == "binary" || c.Type == "varbinary", Counted: c.AutoInc})
		if !c.Generated {
			r.columns = append(r.columns, c.Name)
		}
	}
	var indexes []audit.Index
	for _, k := range t.Keys {
		indexes = append(indexes, audit.Index{Name: k.Name, Columns: k.Columns, Unique: k.Kind == "PRIMARY" || k.Kind == "UNIQUE"})
	}
	for _, c := range t.Columns {
		if c.Unique {
			indexes = append(indexes, audit.Index{Name: c.Name, Columns: []string{c.Name}, Unique: true})
		}
	}
	if r.l, err = audit.Map("archive:"+filepath.Base(r.Path), r.Table, found, indexes, r.Columns); err != nil {
		return err
	}
	if r.l.Column(audit.CreatedAt).Type != "timestamp" {
		if r.l.Zone = r.Zone; r.Zone == nil {
			r.l.Zone = time.Local
		}
	}
	return r.layout(r.l)
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

// insert reads the rows of an INSERT.
func (r *archiveReader) insert(sql []byte) error {
	t, err := sqlscan.Tokenize(sql, r.split.Mode())
	if err != nil {
		return fmt.Errorf("read the rows of the archive: %w", err)
	}
	columns := r.columns
	i := 0
	for i < t.Len() && !t.Is(i, "VALUES") && !t.Is(i, "VALUE") {
		if t.Is(i, "(") {
			columns, i = names(t, i+1)
			continue
		}
		i++
	}
	place := r.places(columns)
	for i++; i < t.Len(); i++ {
		if !t.Is(i, "(") {
			continue // the comma between rows
		}
		if i, err = r.tuple(t, i+1, place); err != nil {
			return err
		}
	}
	return nil
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

// places tells for each value of a row which field it is: 0 and up for fields,
// -1 and down for the extra columns.
func (r *archiveReader) places(columns []string) []int {
	at := map[string]int{}
	for f, c := range r.l.Columns {
		if c != nil {
			at[strings.ToLower(c.Name)] = f
		}
	}
	for i, c := range r.l.Extra {
		at[strings.ToLower(c.Name)] = -1 - i
	}
	out := make([]int, len(columns))
	for i, name := range columns {
		out[i] = at[strings.ToLower(name)]
	}
	return out
}

// tuple reads one row from the token behind its "(" and returns that of its ")".
func (r *archiveReader) tuple(t *sqlscan.Text, i int, place []int) (int, error) {
	r.row = audit.Row{Extra: make([]audit.Value, len(r.l.Extra))}
	n := 0
	for ; !t.Is(i, ")"); i++ {
		if i >= t.Len() {
			return i, fmt.Errorf("the archive ends within a row: %w", io.ErrUnexpectedEOF)
		}
		if t.Is(i, ",") {
			n++
			continue
		}
		var v audit.Value
		v, i = value(t, i)
		switch {
		case n >= len(place):
			return i, fmt.Errorf("a row of the archive has more than %d values", len(place))
		case place[n] >= 0:
			r.row.Values[place[n]] = v
		default:
			r.row.Extra[-1-place[n]] = v
		}
	}
	return i, r.give()
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

func (r *archiveReader) give() error {
	if err := finish(r.l, &r.row); err != nil {
		return fmt.Errorf("in the archive: %w", err)
	}
	return r.each(&r.row)
}

// Page is the list of a table's rows in the archive: newest first, after
// before. parse makes the filter once the columns are known. The whole archive
// is read for each page; memory is that of the page.
func (a Archive) Page(ctx context.Context, parse func(*audit.Layout) (audit.Filter, audit.Pos, error), limit int) (*audit.Layout, audit.Page, error) {
	var layout *audit.Layout
	var filter audit.Filter
	var before audit.Pos
	var rows []audit.Row
	p := audit.Page{}
	cut := func() {
		sort.Slice(rows, func(i, j int) bool { return rows[j].Pos().Less(rows[i].Pos()) })
		rows = rows[:min(len(rows), limit+1)]
	}
	err := a.Scan(ctx, func(l *audit.Layout) (err error) {
		layout = l
		filter, before, err = parse(l)
		return err
	}, func(r *audit.Row) error {
		p.Scanned++
		if r.Pos().Less(before) && filter.Accept(layout, r) {
			if rows = append(rows, *r); len(rows) >= 4*limit+1000 {
				cut()
			}
		}
		return nil
	})
	if err != nil {
		return layout, p, err
	}
	cut()
	done := paged(rows, limit)
	done.Scanned = p.Scanned
	return layout, done, nil
}
