package replay

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
)

// try finds out whether the server lets this user replay rows with the BINLOG statement.
// It sends the log's format only, which changes nothing. temporary asks for the privilege to
// replay temporary tables too.
func try(ctx context.Context, target mysql.Target, run *changes.Run, temporary bool) error {
	var head *format.Format
	err := run.Each(ctx, run.From, func(_ binlog.Place, f *format.Format) error {
		head = f
		return binarchive.ErrEnough
	}, func(*format.Item) error { return binarchive.ErrEnough })
	if !errors.Is(err, binarchive.ErrEnough) || head == nil {
		return err
	}
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		return mysql.Explain(err, target)
	}
	defer c.Close()
	defer c.Raw(func(any) error { return driver.ErrBadConn })
	// A plan writes nothing to the server's log, so the trial runs with logging off, even on
	// servers that would only log a note. A user without the privilege to turn logging off
	// either cannot replay, or has a privilege with which the format alone is not logged.
	if _, err := c.ExecContext(ctx, "SET SESSION sql_log_bin = 0"); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	r := &runner{ctx: ctx, apply: c, native: true}
	if err := r.server.ask(ctx, c); err != nil {
		return mysql.Explain(err, target)
	}
	if err := r.tell(head); err != nil {
		return mayNot(err, target, &r.server)
	}
	if temporary {
		if err := byRows(ctx, c); err != nil {
			return mayNotTemp(err, &r.server)
		}
		if err := setThread(r, 1); err != nil {
			return err
		}
	}
	return triggersStay(ctx, c)
}

func mayNot(err error, target mysql.Target, s *server) error {
	if mysql.Number(err) != mysql.ErrSpecificAccess {
		return mysql.Explain(err, target)
	}
	return ops.Wrap(err, ops.Config, lang.M("this user has no permission to replay the binlog")).
		WithHint(lang.Raw(s.grant()))
}

// mayNotTemp is the error of a setting without which temporary tables cannot be replayed.
func mayNotTemp(err error, s *server) error {
	if mysql.Number(err) != mysql.ErrSpecificAccess {
		return err
	}
	return ops.Wrap(err, ops.Config, lang.M("the log uses temporary tables, and this user may not replay them")).
		WithHint(lang.Raw(s.grant()))
}

// grant is the statement that gives this user the rights to replay.
func (s *server) grant() string { return s.account.Grant(doctor.Until, doctor.Places{}) }

// triggersStay makes sure that row events do not fire triggers.
func triggersStay(ctx context.Context, c *sql.Conn) error {
	mode, err := schema.One(ctx, c, "SELECT @@GLOBAL.slave_run_triggers_for_rbr")
	if err != nil || mode == "NO" {
		return nil // only MariaDB has this variable
	}
	return ops.E(ops.Config, lang.M("the server fires triggers for the log's rows: their changes would be made twice")).
		WithHint(lang.Raw("SET GLOBAL slave_run_triggers_for_rbr = NO"))
}
