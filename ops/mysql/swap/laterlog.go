package swap

import (
	"context"
	"errors"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"

	format "opsdeck/ops/mysql/binlog"
)

// errUnlogged reports that the binlog does not show what was written since a restore.
var errUnlogged = errors.New("the binlog does not show what was written since the restore")

// since is what the binlog shows of the time since a restore that replayed it: compared
// with the backup alone, the replayed rows would look newer.
type since struct {
	p        *restore.Plan
	begin    binlog.Place
	begun    bool
	tables   map[string]binlog.TableChange
	unstated bool // statements changed an unknown number of rows
}

// sinceRestore reads the log from the end of the replay on.
func (x *Losses) sinceRestore(ctx context.Context, p *restore.Plan) (*since, *changes.Source, error) {
	if x.log == nil {
		return nil, nil, errUnlogged
	}
	log, err := x.log(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	out := &since{p: p, tables: map[string]binlog.TableChange{}}
	if err := out.read(ctx, log); err != nil {
		log.Close()
		return nil, nil, err
	}
	return out, log, nil
}

func (l *since) read(ctx context.Context, log *changes.Source) error {
	run, err := log.At(l.p.Source.Replay.To, "")
	if err != nil {
		return errors.Join(err, log.LiveErr)
	}
	if err := log.Unlogged(l.p.Target.Live); err != nil {
		return errors.Join(errUnlogged, err)
	}
	if !run.Live {
		return errors.Join(errUnlogged, log.LiveErr)
	}
	var at binlog.Place
	sum := format.Summary{Done: func(t *binlog.Transaction) error { l.take(at, t); return nil }}
	err = run.Each(ctx, run.From, func(file binlog.Place, _ *format.Format) error { at = file; return nil }, sum.Take)
	if err == nil && !l.begun {
		return errUnlogged
	}
	return err
}

// take records a transaction. Writes since the restore begin after the swap; in place,
// after the replay, whose last statement drops its own table.
func (l *since) take(at binlog.Place, t *binlog.Transaction) {
	if l.restored(t) {
		at.Pos = t.End
		l.begin = at
		l.begun = true
		l.unstated = false
		clear(l.tables)
		return
	}
	if !l.begun {
		return
	}
	l.unstated = l.unstated || len(t.Other) > 0
	for _, c := range t.Tables {
		if c.Schema != l.p.Target.Live || t.RolledBack {
			continue
		}
		sum := l.tables[c.Table]
		sum.Inserted += c.Inserted
		sum.Updated += c.Updated
		sum.Deleted += c.Deleted
		l.tables[c.Table] = sum
	}
}

// restored reports whether a transaction makes the restored tables the live ones.
func (l *since) restored(t *binlog.Transaction) bool {
	verb, name := "RENAME", l.p.Shadow
	if l.p.Mode != restore.Swap {
		verb, name = "DROP", replay.Table
	}
	for _, q := range t.DDL {
		text := strings.ToUpper(strings.TrimSpace(q.SQL))
		ours := q.Schema == l.p.Target.Live || strings.Contains(q.SQL, l.p.Target.Live)
		if strings.HasPrefix(text, verb) && strings.Contains(q.SQL, name) && ours {
			return true
		}
	}
	return false
}

// of is what was written to a table whose rows differ from the verified ones. ok is false
// if the log does not show it.
func (l *since) of(table string) (out restore.LossTable, ok bool) {
	c, seen := l.tables[table]
	out = restore.LossTable{
		Table: table, Newer: c.Inserted, Changed: c.Updated, Deleted: c.Deleted, How: "log", Blind: l.unstated,
	}
	return out, seen && c.Rows() > 0
}

// verified finds a table in the result of the restore's verification.
func verified(tables []restore.TableRows, name string) (restore.SourceTable, bool) {
	for _, t := range tables {
		if t.Table == name && t.State != "missing" {
			return restore.SourceTable{Name: name, Rows: t.Rows, Checksum: t.Checksum}, true
		}
	}
	return restore.SourceTable{}, false
}

// laterByLog finds what was written since a restore to a moment: a table that equals its
// verified state lost nothing; for the others the log is used. done are the tables as
// verified.
func (x *Losses) laterByLog(
	ctx context.Context,
	p *restore.Plan,
	list []*schema.Table,
	done []restore.TableRows,
	loss *restore.Loss,
) (names []string, _ *since, _ *changes.Source, err error) {
	loss.ByLog = true
	for _, t := range list {
		if was, ok := verified(done, t.Name); ok {
			if same, err := x.differ.same(ctx, t, was); err == nil && same {
				continue
			}
		}
		names = append(names, t.Name)
	}
	if len(names) == 0 {
		return nil, nil, nil, ctx.Err()
	}
	inserts, log, err := x.sinceRestore(ctx, p)
	if err != nil {
		loss.Unknown = append(loss.Unknown, names...)
		return nil, nil, nil, ctx.Err()
	}
	var seen []string
	for _, name := range names {
		one, ok := inserts.of(name)
		if _, was := verified(done, name); !was {
			one.Vanishes, ok = true, true
		}
		if !ok {
			loss.Unknown = append(loss.Unknown, name)
			continue
		}
		loss.See(one)
		seen = append(seen, name)
	}
	return seen, inserts, log, nil
}

// byLog runs after a restore to a moment. A file brings each row written since then to its
// final state; a table whose rows cannot be identified from the log is listed by name.
func (e *exporter) byLog(ctx context.Context, list []*schema.Table) error {
	names, inserts, log, err := e.s.laterByLog(ctx, e.plan, list, e.verified, &e.loss)
	if err != nil || log == nil {
		return err
	}
	defer log.Close()
	if e.dir == "" || len(names) == 0 {
		return nil
	}
	db, err := e.s.db(ctx)
	if err != nil {
		return err
	}
	from := &restore.Replay{From: inserts.begin, To: inserts.begin}
	files, unknown, err := replay.Lost(ctx, log, db, from, e.in, names, e.dir)
	e.files = append(e.files, files...)
	for _, t := range unknown {
		if !slices.Contains(e.loss.Unseen, t) {
			e.loss.Unseen = append(e.loss.Unseen, t)
		}
	}
	return err
}

// inScope removes sequences and tables that were not requested.
func inScope(list []*schema.Table, scope []string) (out []*schema.Table) {
	for _, t := range list {
		if !t.Sequence && (len(scope) == 0 || slices.Contains(scope, t.Name)) {
			out = append(out, t)
		}
	}
	return out
}
