package auditlog

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/sqlscan"
)

// archiveCut is how long a piece of an archive's INSERT is when it is read.
const archiveCut = 256 << 10

// Archive is an archived year, or any dump that holds the audit table, read
// without a server.
type Archive struct {
	Path     string
	Table    string            // the table to look for
	Columns  map[string]string // as Options.Columns
	Zone     *time.Location    // of the wall time in a DATETIME column; nil is the machine's
	StateDir string            // where it is kept which times lie where; "" keeps nothing
	Report   func(ops.Progress)
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
	return a.scan(ctx, src, func(t *archiveTable) (*rowReader, error) {
		return &rowReader{table: t, each: each}, layout(t.layout)
	})
}

// scan reads the archive from its beginning to its end. rows makes the reader
// of the rows, once the table's definition was found.
func (a Archive) scan(ctx context.Context, src *load.Source, rows func(*archiveTable) (*rowReader, error)) error {
	if parts, ok := a.parts(src.Manifest); ok {
		return a.scanParts(ctx, src, parts, rows)
	}
	text, read, size, err := src.Stream()
	if err != nil {
		return err
	}
	defer text.Close()
	begun := time.Now()
	split := sqlscan.NewSplitter(text, sqlscan.Limits{Cut: archiveCut})
	var r *rowReader
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		st, err := split.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("the archive %s is incomplete", a.Path))
		}
		if r, err = a.statement(st.SQL, split.Mode(), r, rows); err != nil {
			return err
		}
		if n%64 == 0 {
			a.report(
				ops.Progress{
					Phase:   "read",
					Object:  a.Table,
					Done:    read(),
					Total:   size,
					Unit:    "bytes",
					Elapsed: time.Since(begun),
				},
			)
		}
	}
	if r == nil {
		return a.noTable()
	}
	return nil
}

func (a Archive) noTable() error {
	return ops.E(ops.Failed, lang.M("the table %s is not in the archive %s", a.Table, a.Path))
}

func (a Archive) report(p ops.Progress) {
	if a.Report != nil {
		a.Report(p)
	}
}

// statement takes what is about the table; the rest is none of our business.
func (a Archive) statement(sql []byte, mode sqlscan.Mode, r *rowReader, rows func(*archiveTable) (*rowReader,
	error)) (*rowReader, error) {
	head, err := sqlscan.Head(sql, mode)
	if err != nil {
		return r, nil
	}
	switch {
	case head.Is(0, "CREATE"):
		p, err := sqlscan.Parse(sql, mode)
		if err != nil || p.Kind != "TABLE" || p.Own().Name != a.Table {
			return r, nil
		}
		t, err := a.define(sql, mode)
		if err != nil {
			return nil, err
		}
		return rows(t)
	case (head.Is(0, "INSERT") || head.Is(0, "REPLACE")) && r != nil && into(head) == a.Table:
		r.mode = mode
		return r, r.text(sql)
	}
	return r, nil
}

// into is the name of the table that an INSERT writes to, without its schema.
func into(t *sqlscan.Text) (table string) {
	i := 1
	for t.Any(i, "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO") {
		i++
	}
	table, _ = t.Name(i)
	if t.Is(i+1, ".") {
		table, _ = t.Name(i + 2)
	}
	return table
}

// parts are the members of an archive that are about the table.
type parts struct {
	table backup.Member
	rows  []backup.Member
}

// parts finds them in a manifest; false when there is none that knows members.
func (a Archive) parts(m *backup.Manifest) (p parts, ok bool) {
	if m == nil || len(m.Members) == 0 {
		return p, false
	}
	for _, one := range m.Members {
		if one.Object != a.Table {
			continue
		}
		switch one.Kind {
		case backup.MemberTable:
			p.table, ok = one, true
		case backup.MemberRows:
			p.rows = append(p.rows, one)
		}
	}
	return p, ok
}

// tableOf reads the table's definition.
func (a Archive) tableOf(ctx context.Context, r *load.Reader, p parts) (*archiveTable, error) {
	text, err := r.Text(ctx, p.table)
	if err != nil {
		return nil, err
	}
	split := sqlscan.NewSplitter(strings.NewReader(string(text)), sqlscan.Limits{})
	for {
		st, err := split.Next()
		if errors.Is(err, io.EOF) {
			return nil, a.noTable()
		}
		if err != nil {
			return nil, ops.Wrap(err, ops.Failed, lang.M("the archive %s is incomplete", a.Path))
		}
		if head, err := sqlscan.Head(st.SQL, split.Mode()); err == nil && head.Is(0, "CREATE") {
			return a.define(st.SQL, split.Mode())
		}
	}
}

func (a Archive) scanParts(ctx context.Context, src *load.Source, p parts, rows func(*archiveTable) (*rowReader,
	error)) error {
	in := src.Reader()
	defer in.Close()
	t, err := a.tableOf(ctx, in, p)
	if err != nil {
		return err
	}
	r, err := rows(t)
	if err != nil {
		return err
	}
	for _, m := range p.rows {
		text, err := in.Text(ctx, m)
		if err != nil {
			return err
		}
		if err := r.text(text); err != nil {
			return err
		}
	}
	return nil
}
