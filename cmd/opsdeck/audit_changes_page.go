package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
	"opsdeck/tui/auditview"
)

// changesLog is the binary log for the console's Audit tab.
type changesLog struct {
	shelf *shelf
	src   *changes.Source
	db    *sql.DB
	name  string // the service's database
	note  lang.Msg
}

// openLog opens the binary log of a service for the Audit tab.
func (a *app) openLog(ctx context.Context, svc *config.Service) (auditview.Log, error) {
	sh, err := a.shelfOf(svc)
	if err != nil {
		return nil, err
	}
	target, err := mysql.Resolve(svc.Database)
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
	l := &changesLog{shelf: sh, src: src, name: svc.Database.Name}
	if src.LiveErr != nil {
		why := sh.Binlog().BinlogSentence(src.LiveErr)
		if src.Empty() {
			src.Close()
			return nil, why
		}
		l.note = lang.M("only the archive is read: %s", why.What)
	}
	// Without the server the rows are shown by what the log alone says of them.
	if l.db, err = mysql.Open(ctx, target, ""); err != nil && ctx.Err() != nil {
		src.Close()
		return nil, err
	}
	return l, nil
}

// List calls take with the transactions that a query takes.
func (l *changesLog) List(ctx context.Context, q binlog.Query, take func(*binlog.Transaction) error) error {
	asked, err := l.query(ctx, q)
	if err != nil {
		return err
	}
	return l.explain(l.src.List(ctx, asked, take))
}

// Rows are the rows of a transaction for people.
func (l *changesLog) Rows(
	ctx context.Context,
	id string,
	q binlog.Query,
	most int,
) (rows []binlog.ShownRow, all int64, err error) {
	asked, err := l.query(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	_, rows, all, err = l.src.Shown(ctx, id, asked, most, func(database, table string) *schema.Table {
		t, err := l.table(ctx, database, table)
		if err != nil {
			return nil
		}
		return t
	})
	return rows, all, l.explain(err)
}

func (l *changesLog) query(ctx context.Context, q binlog.Query) (changes.Query, error) {
	q.Schema = l.name
	if q.Table != "" && !strings.Contains(q.Table, ".") {
		q.Table = l.name + "." + q.Table
	}
	asked := changes.Query{Query: q}
	if q.Key == nil {
		return asked, nil
	}
	database, table, _ := strings.Cut(q.Table, ".")
	now, err := l.table(ctx, database, table)
	var none *schema.NoTableError
	if errors.As(err, &none) {
		return asked, ops.E(ops.Usage, lang.M("there is no table %s", q.Table))
	}
	asked.Now = now
	return asked, err
}

// table is a table as it is today.
func (l *changesLog) table(ctx context.Context, database, name string) (*schema.Table, error) {
	if l.db == nil {
		return nil, sql.ErrConnDone
	}
	found, err := schema.Tables(ctx, l.db, database, name)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (l *changesLog) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return l.shelf.Binlog().ChangesError(err)
}

// Note says that the server's own part of the log is missing.
func (l *changesLog) Note() lang.Msg { return l.note }

// Close ends the connection and removes what was fetched.
func (l *changesLog) Close() {
	l.src.Close()
	if l.db != nil {
		l.db.Close()
	}
}
