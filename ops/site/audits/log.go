// Package audits reads for one service who changed what: the binary log beside the
// audit table.
package audits

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// Log is the binary log of a service as the Audit tab reads it.
type Log struct {
	shelf  *backups.Shelf
	src    *changes.Source
	tables *schema.Reader // nil: the server does not answer
	name   string         // the service's database
	note   lang.Msg

	damaged atomic.Pointer[lang.Msg] // what the last list lacks; nil for nothing
}

// OpenLog opens the binary log of a service: the archive, and what its server has.
func OpenLog(ctx context.Context, s *site.Site) (*Log, error) {
	sh, err := backups.Open(s)
	if err != nil {
		return nil, err
	}
	target, err := mysql.Resolve(s.Service.Database)
	if err != nil {
		return nil, err
	}
	keys, err := sh.Identities()
	if err != nil {
		return nil, err
	}
	src, err := changes.Open(ctx, sh.Binlog().Archive(), keys, target)
	if err != nil {
		return nil, sh.Binlog().BinlogError(err)
	}
	l := &Log{shelf: sh, src: src, name: s.Service.Database.Name}
	if src.LiveErr != nil {
		why := sh.Binlog().BinlogSentence(src.LiveErr)
		if src.Empty() {
			src.Close()
			return nil, why
		}
		l.note = lang.M("reading only the archive: %s", why.What)
	}
	if err := src.Unlogged(l.name); err != nil {
		l.note = sh.Binlog().BinlogSentence(err).What
	}
	// Without the server the rows are shown by what the log alone says of them.
	db, err := mysql.Open(ctx, target, "")
	if err != nil && ctx.Err() != nil {
		src.Close()
		return nil, err
	}
	if err == nil {
		l.tables = schema.NewReader(db)
	}
	return l, nil
}

// List calls take with the transactions that a query takes. Those of a damaged file are
// missing, which Note says, unless there are no others.
func (l *Log) List(ctx context.Context, q binlog.Query, take func(*binlog.Transaction) error) error {
	asked, err := l.query(ctx, q)
	if err != nil {
		return err
	}
	l.damaged.Store(nil)
	some := false
	err = l.src.List(ctx, asked, func(t *binlog.Transaction) error {
		some = true
		return take(t)
	})
	if some && errors.Is(err, binarchive.ErrDamaged) {
		note := lang.M("some transactions are missing: %s", err.Error())
		l.damaged.Store(&note)
		return nil
	}
	return l.explain(backups.TraceError(err, asked.Table))
}

// Rows are the rows of a transaction for people.
func (l *Log) Rows(ctx context.Context, id string, q binlog.Query,
	most int) (rows []binlog.ShownRow, all int64, err error) {
	asked, err := l.query(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	_, rows, all, err = l.src.Shown(ctx, id, asked, most, func(database, table string) *schema.Table {
		t, err := l.tables.Table(ctx, database, table)
		if err != nil {
			return nil
		}
		return t
	})
	return rows, all, l.explain(err)
}

func (l *Log) query(ctx context.Context, q binlog.Query) (changes.Query, error) {
	q.Schema = l.name
	if q.Table != "" && !strings.Contains(q.Table, ".") {
		q.Table = l.name + "." + q.Table
	}
	asked := changes.Query{Query: q}
	if q.Key == nil {
		return asked, nil
	}
	database, table, _ := strings.Cut(q.Table, ".")
	now, err := l.tables.Table(ctx, database, table)
	var none *schema.NoTableError
	if errors.As(err, &none) {
		return asked, nil // the log may tell of one
	}
	asked.Now = now
	return asked, err
}

func (l *Log) explain(err error) error {
	var known *ops.Error
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &known) {
		return err
	}
	return l.shelf.Binlog().ChangesError(err)
}

// Note says that the server's own part of the log is missing, or that a file is damaged.
func (l *Log) Note() lang.Msg {
	if damaged := l.damaged.Load(); damaged != nil {
		return *damaged
	}
	return l.note
}

// Close ends the connection and removes what was fetched.
func (l *Log) Close() {
	l.src.Close()
	l.tables.Close()
}
