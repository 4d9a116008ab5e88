package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/sqlscan"
)

// Record is one row as a dump holds it.
type Record struct {
	Table   string
	Columns []string // the names of the values
	Values  []sqlscan.Value
	// Session is the session in which the values are read, as far as the dump's text
	// tells.
	Session RecordSession
}

// RecordSession is what the meaning of a value depends on besides its text.
type RecordSession struct {
	Native bool // an opsdeck dump: values are canonical texts
	UTC    bool // the time zone is +00:00
	UTF8   bool // the client's charset is UTF-8
}

// Wanted selects the rows of a dump to read.
type Wanted struct {
	From   string                  // the database in the dump; rows outside any named database belong to it
	Also   string                  // another name for it, as for Options.Schema
	Table  func(table string) bool // only these tables; nil: all
	Tables map[string]bool         // receives the tables that the dump creates or fills
}

// Records passes the rows of a dump to each, in the order of the file. Values are valid
// until each returns. Whatever cannot be read is an error: some of the rows never pass
// for all of them.
func Records(ctx context.Context, src *Source, w Wanted, each func(*Record) error) error {
	if src.Manifest != nil && len(src.Manifest.Members) > 0 {
		return nativeRecords(ctx, src, w, each)
	}
	return foreignRecords(ctx, src, w, each)
}

func nativeRecords(ctx context.Context, src *Source, w Wanted, each func(*Record) error) error {
	u := newUnpacker(src)
	defer u.close()
	var text []byte
	for _, m := range src.Manifest.Members {
		if m.Kind != backup.MemberRows || m.Database != w.From || w.Table != nil && !w.Table(m.Object) {
			continue
		}
		var err error
		if text, err = u.member(ctx, text[:0], m); err != nil {
			return err
		}
		rows := int64(0)
		r := &recordReader{wanted: w, session: RecordSession{Native: true, UTC: true, UTF8: true}, current: w.From,
			each: func(x *Record) error { rows++; return each(x) }}
		if err := r.all(ctx, bytes.NewReader(text)); err != nil {
			return err
		}
		if rows != m.Rows {
			return damage(m, "%d rows, the manifest says %d", rows, m.Rows)
		}
	}
	return nil
}

func foreignRecords(ctx context.Context, src *Source, w Wanted, each func(*Record) error) error {
	text, err := src.Text()
	if err != nil {
		return damaged(err)
	}
	defer text.Close()
	e := &edges{r: text}
	r := &recordReader{wanted: w, each: each, session: RecordSession{UTF8: true}}
	if err := r.all(ctx, e); err != nil {
		return err
	}
	if !e.complete() {
		return damaged(errors.New("its end is missing"))
	}
	return nil
}

// recordReader reads the rows of a text of statements.
type recordReader struct {
	wanted   Wanted
	session  RecordSession
	current  string
	settings settings
	columns  map[string][]string // of the tables that the text created
	filled   map[string]bool     // tables that received rows
	each     func(*Record) error
}

func (r *recordReader) all(ctx context.Context, text io.Reader) error {
	r.settings.vars = map[string]string{}
	r.columns, r.filled = map[string][]string{}, map[string]bool{}
	split := sqlscan.NewSplitter(text, sqlscan.Limits{Cut: 4 << 20})
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		split.SetMode(r.settings.mode)
		q, err := split.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		p, err := sqlscan.Parse(q.SQL, r.settings.mode)
		if err != nil {
			continue // the load itself refuses what opsdeck cannot parse
		}
		if err := r.statement(p); err != nil {
			return err
		}
	}
}

func (r *recordReader) statement(p *sqlscan.Parsed) error {
	own := p.Own()
	switch p.Verb {
	case "SET":
		r.set(p)
	case "USE":
		r.current = own.Name
	case "CREATE":
		if p.Kind == "TABLE" && r.ours(own) && !p.Temporary {
			r.create(p)
		}
	case "INSERT", "REPLACE":
		if r.ours(own) {
			return r.rows(p)
		}
	case "TRUNCATE", "DELETE":
		return r.lost(p)
	}
	return nil
}

// errUnread says that the text of a dump does not tell what its rows are.
var errUnread = errors.New("the rows of the dump cannot be told from its text")

// lost refuses a dump that removes rows that it inserted.
func (r *recordReader) lost(p *sqlscan.Parsed) error {
	if own := p.Own(); r.ours(own) && r.filled[own.Name] {
		return errUnread
	}
	return nil
}

func (r *recordReader) ours(ref sqlscan.Ref) bool {
	in := r.current
	if ref.Qualified() {
		in = ref.Schema
	}
	return in == "" || in == r.wanted.From || in == r.wanted.Also || r.wanted.From == ""
}

// set handles settings that change the meaning of values.
func (r *recordReader) set(p *sqlscan.Parsed) {
	list, _ := assignments(p)
	for _, a := range list {
		r.settings.follow(p, a)
		switch {
		case a.scope == "@":
		case a.name == "time_zone":
			text, _ := p.Value(a.first)
			restored := p.Text.Kind(a.first) == sqlscan.Variable
			r.session.UTC = text == "+00:00" || strings.EqualFold(text, "UTC") || restored && r.session.UTC
		case a.name == "names" || a.name == "charset" || a.name == "character_set" || a.name == "character_set_client":
			charset, ok := r.settings.value(p, a)
			if !ok {
				charset, ok = p.Name(a.first)
			}
			charset = strings.ToLower(charset)
			restored := p.Text.Kind(a.first) == sqlscan.Variable
			r.session.UTF8 = ok && (strings.HasPrefix(charset, "utf8") || charset == "binary") ||
				restored && r.session.UTF8
		}
	}
}

// create records the columns of a table, in the order that applies to rows without column
// names.
func (r *recordReader) create(p *sqlscan.Parsed) {
	name := p.Own().Name
	if r.wanted.Tables != nil {
		r.wanted.Tables[name] = true
	}
	t, err := sqlscan.ParseTable(p.SQL, p.Mode)
	if err != nil || !t.Whole {
		delete(r.columns, name)
		return
	}
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	r.columns[name] = names
}

func (r *recordReader) rows(p *sqlscan.Parsed) error {
	name := p.Own().Name
	if r.wanted.Tables != nil {
		r.wanted.Tables[name] = true
	}
	if r.wanted.Table != nil && !r.wanted.Table(name) {
		return nil
	}
	r.filled[name] = true
	last := p.Len() - 1
	if !p.Any(last, "VALUES", "VALUE") {
		return errUnread
	}
	x := &Record{Table: name, Columns: r.columns[name], Session: r.session}
	if p.Is(p.Body, "(") {
		if x.Columns = listed(p); x.Columns == nil {
			return errUnread
		}
	}
	if x.Columns == nil {
		return errUnread
	}
	err := sqlscan.Values(p.SQL, p.Tokens[last].End, p.Mode, func(row []sqlscan.Value) error {
		if len(row) != len(x.Columns) {
			return errUnread
		}
		x.Values = row
		return r.each(x)
	})
	if errors.Is(err, sqlscan.ErrRows) || errors.Is(err, sqlscan.ErrOpen) {
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	return err
}

// listed returns the columns that an INSERT names.
func listed(p *sqlscan.Parsed) (names []string) {
	i := p.Body + 1
	for ; i < p.Len() && !p.Is(i-1, ")"); i += 2 {
		n, ok := p.Name(i)
		if !ok || !p.Is(i+1, ",") && !p.Is(i+1, ")") {
			return nil
		}
		names = append(names, n)
	}
	return slices.Clip(names)
}
