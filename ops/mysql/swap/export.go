package swap

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/ops"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// exporter writes the rows that a step back in time would lose, a file of
// statements for each table, for replay by hand.
type exporter struct {
	s      *Server
	in     string
	src    restore.Source
	since  time.Time
	scope  []string // empty: all tables
	dir    string
	report restore.Report

	loss  restore.Loss
	files []string
}

// ExportLost writes what is newer than a backup to dir, before it is restored.
func (s *Server) ExportLost(ctx context.Context, live string, src restore.Source, scope []string, dir string, report restore.Report) (restore.Loss, []string, error) {
	e := &exporter{s: s, in: live, src: src, since: src.At, scope: scope, dir: dir, report: report}
	err := e.run(ctx)
	return e.loss, e.files, err
}

// Later counts what was written since the restore: what an undo would lose.
func (s *Server) Later(ctx context.Context, p *restore.Plan, since time.Time) (restore.Loss, error) {
	loss := restore.Loss{Since: since}
	db, err := s.db(ctx)
	if err != nil {
		return loss, err
	}
	list, err := schema.Tables(ctx, db, p.Target.Live)
	if err != nil {
		return loss, fmt.Errorf("list the tables of %s: %w", p.Target.Live, err)
	}
	for _, t := range list {
		if t.Sequence || len(p.Tables) > 0 && !has(p.Tables, t.Name) {
			continue
		}
		one, ok := s.laterIn(ctx, t, p.Source, since)
		switch {
		case !ok:
			loss.Unknown = append(loss.Unknown, t.Name)
		default:
			one.Blind = one.Blind && t.Name != s.Audit
			loss.See(one)
		}
	}
	return loss, ctx.Err()
}

func (s *Server) laterIn(ctx context.Context, t *schema.Table, src restore.Source, since time.Time) (restore.LossTable, bool) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	out := restore.LossTable{Table: t.Name, How: "count"}
	stored, known := src.Table(t.Name)
	if src.Manifest && !known {
		out.Vanishes = true
		var err error
		out.Newer, err = s.utc(ctx, "SELECT COUNT(*) FROM "+t.SQLName())
		return out, err == nil
	}
	n, err := s.newer(ctx, t, stored, since)
	if err != nil || n.how == "" {
		return out, false
	}
	return out, n.count(ctx, s, &out) == nil
}

// Export writes the rows that are newer than the restore to the run's folder.
func (s *Server) Export(ctx context.Context, p *restore.Plan, since time.Time, f restore.Folder, report restore.Report) (restore.Loss, []string, error) {
	e := &exporter{s: s, in: p.Target.Live, src: p.Source, since: since, scope: p.Tables, dir: filepath.Join(f.Path, "later-writes"), report: report}
	err := e.run(ctx)
	return e.loss, e.files, err
}

func (e *exporter) run(ctx context.Context) error {
	e.loss.Since = e.since
	db, err := e.s.db(ctx)
	if err != nil {
		return err
	}
	list, err := schema.Tables(ctx, db, e.in)
	if err != nil {
		return fmt.Errorf("list the tables of %s: %w", e.in, err)
	}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	for i, t := range list {
		if t.Sequence || len(e.scope) > 0 && !has(e.scope, t.Name) {
			continue
		}
		e.report(ops.Progress{Phase: "export", Object: t.Name, Done: int64(i), Total: int64(len(list)), Unit: "tables"})
		if err := e.table(ctx, t); err != nil {
			return fmt.Errorf("export %s: %w", t.Name, err)
		}
	}
	return nil
}

// table writes a table's file; a table that cannot be judged is named.
func (e *exporter) table(ctx context.Context, t *schema.Table) error {
	stored, known := e.src.Table(t.Name)
	n := newer{t: t}
	vanishes := e.src.Manifest && !known
	if !vanishes {
		var err error
		if n, err = e.s.newer(ctx, t, stored, e.since); err != nil {
			return err
		}
		if n.how == "" {
			e.loss.Unknown = append(e.loss.Unknown, t.Name)
			return nil
		}
	}
	f, err := newExport(filepath.Join(e.dir, fileName(t.Name)), e.since)
	if err != nil {
		return err
	}
	defer f.file.Abort()
	lost := restore.LossTable{Table: t.Name, How: n.how, Estimate: !n.sure && !vanishes, Vanishes: vanishes, Blind: !vanishes && n.blind() && t.Name != e.s.Audit}
	c, err := e.s.reader(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if vanishes {
		lost.How = "count"
		err = f.whole(ctx, c, t, &lost.Newer)
	} else {
		err = errors.Join(f.rows(ctx, c, t, n.newRows(), false, &lost.Newer), f.rows(ctx, c, t, n.changedRows(), true, &lost.Changed))
	}
	if err != nil {
		return err
	}
	e.loss.See(lost)
	if lost.Newer+lost.Changed == 0 && !vanishes {
		return nil
	}
	e.files = append(e.files, f.file.Path())
	return f.end()
}

func fileName(table string) string {
	return strings.NewReplacer("/", "_", "\x00", "_").Replace(table) + ".sql"
}

// export is one table's file.
type export struct {
	file *atomicfile.File
	out  *bufio.Writer
}

func newExport(path string, since time.Time) (*export, error) {
	file, err := atomicfile.Create(path, 0o600)
	if err != nil {
		return nil, err
	}
	f := &export{file, bufio.NewWriterSize(file, 1<<16)}
	fmt.Fprintf(f.out, "-- rows newer than %s, written by opsdeck for replay\n", since.UTC().Format(time.RFC3339))
	f.out.WriteString("SET NAMES utf8mb4;\nSET time_zone = '+00:00';\nSET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\nSET foreign_key_checks = 0;\n")
	return f, nil
}

// whole writes a table with its definition.
func (f *export) whole(ctx context.Context, c *sql.Conn, t *schema.Table, n *int64) error {
	create, err := schema.CreateTable(ctx, c, t)
	if err != nil {
		return err
	}
	f.out.WriteString(create + ";\n")
	return f.rows(ctx, c, t, "FROM "+t.SQLName(), false, n)
}

// rows writes an INSERT for each row; over an older state of the row where the
// row was only changed.
func (f *export) rows(ctx context.Context, c *sql.Conn, t *schema.Table, rest string, changed bool, n *int64) error {
	if rest == "" {
		return nil
	}
	columns := t.Stored(false)
	s, err := rowread.Query(ctx, c, columns, rest)
	if err != nil {
		return err
	}
	defer s.Close()
	head, tail := insert(t, columns, changed)
	var line []byte
	for s.Next() {
		line = append(line[:0], head...)
		if line, err = appendRow(line, columns, s.Row()); err != nil {
			return err
		}
		if _, err := f.out.Write(append(line, tail...)); err != nil {
			return err
		}
		*n++
	}
	return s.Err()
}

// insert is what stands before and behind the values of a row.
func insert(t *schema.Table, columns []schema.Column, changed bool) (head, tail string) {
	var names, sets []string
	for _, c := range columns {
		names = append(names, schema.Ident(c.Name))
		sets = append(sets, schema.Ident(c.Name)+" = VALUES("+schema.Ident(c.Name)+")")
	}
	head = "INSERT INTO " + schema.Ident(t.Name) + " (" + strings.Join(names, ", ") + ") VALUES ("
	if changed {
		return head, ") ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ") + ";\n"
	}
	return head, ");\n"
}

func appendRow(line []byte, columns []schema.Column, row []byte) ([]byte, error) {
	for i := range columns {
		text, rest, null, ok := rowread.Value(row)
		if !ok {
			return nil, errors.New("a row ends early")
		}
		row = rest
		if i > 0 {
			line = append(line, ", "...)
		}
		if null {
			line = append(line, "NULL"...)
		} else {
			line = columns[i].AppendValue(line, text)
		}
	}
	return line, nil
}

func (f *export) end() error {
	if err := f.out.Flush(); err != nil {
		return err
	}
	return f.file.Commit()
}
