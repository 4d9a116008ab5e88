package swap

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Sessions handles the sessions on the server: of writers to the live database, and of
// earlier workers of a run.
type Sessions struct {
	*link
}

// Writers are the sessions in the live database that are not ours.
func (s *Sessions) Writers(ctx context.Context, p *restore.Plan) ([]restore.Session, error) {
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	list, err := s.list(ctx, c, p.Target.Live)
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	return list, nil
}

// list are the sessions in a database, except our own pool's. Without the PROCESS
// privilege the server shows only those of the same user.
func (s *Sessions) list(ctx context.Context, c *sql.Conn, in string) ([]restore.Session, error) {
	rows, err := schema.All(
		ctx,
		c,
		"SELECT ID, USER, HOST, COALESCE(DB, ''), COMMAND, COALESCE(TIME, 0), COALESCE(LEFT(INFO, 200), '') FROM "+
			"information_schema.PROCESSLIST WHERE DB = ? AND ID <> CONNECTION_ID() ORDER BY ID",
		in,
	)
	if err != nil {
		return nil, err
	}
	open := transactions(ctx, c)
	var out []restore.Session
	for _, r := range rows {
		id, _ := strconv.ParseUint(r[0], 10, 64)
		seconds, _ := strconv.ParseInt(r[5], 10, 64)
		if r[4] == "Binlog Dump" || r[4] == "Binlog Dump GTID" || r[4] == "Daemon" {
			continue
		}
		out = append(
			out,
			restore.Session{ID: id, User: termsafe.Line(r[1]), Host: termsafe.Line(r[2]), Database: r[3], Command: r[4],
				For: time.Duration(seconds) * time.Second, Statement: termsafe.Line(r[6]), Transaction: open[id]},
		)
	}
	return out, nil
}

// transactions are the sessions with an open transaction; empty if that is not visible.
func transactions(ctx context.Context, c *sql.Conn) map[uint64]bool {
	out := map[uint64]bool{}
	ids, err := column(ctx, c, "SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX")
	if err != nil {
		return out
	}
	for _, text := range ids {
		id, _ := strconv.ParseUint(text, 10, 64)
		out[id] = true
	}
	return out
}

// Kill ends those of the sessions that still exist.
func (s *Sessions) Kill(ctx context.Context, p *restore.Plan, list []restore.Session) ([]restore.Note, error) {
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	// MySQL stops when a commit that waits for room in the binary log is ended.
	if err := mysql.RefuseNoRoom(ctx, c, s.Target); err != nil {
		return nil, err
	}
	now, err := s.list(ctx, c, p.Target.Live)
	if err != nil {
		return nil, err
	}
	var notes []restore.Note
	for _, x := range now {
		known := false
		for _, l := range list {
			known = known || l.ID == x.ID && l.User == x.User && l.Host == x.Host
		}
		if !known {
			continue
		}
		_, err := c.ExecContext(ctx, "KILL "+strconv.FormatUint(x.ID, 10))
		if err != nil && mysql.Number(err) != 1094 { // it ended by itself
			return notes, fmt.Errorf("end session %s: %w", strings.TrimSpace(x.String()), err)
		}
		notes = append(notes, restore.N(lang.M("ended session %s", x.String())))
	}
	if len(notes) == 0 {
		notes = append(notes, restore.N(lang.M("no session of the list was left to end")))
	}
	return notes, nil
}
