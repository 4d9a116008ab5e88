package swap

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// holders are the sessions that hold locks on some databases. sure is false where the
// server does not tell who holds them: then one of the sessions may.
type holders struct {
	list     []restore.Session
	sure     bool
	prepared []string // XA transactions, which have no session
}

// fewHolders is the maximum number of sessions in one sentence.
const fewHolders = 3

// text names the sessions, with what each did and how to end it.
func (h holders) text() lang.Msg {
	if len(h.prepared) > 0 && (!h.sure || len(h.list) == 0) {
		return lang.M("a prepared XA transaction may hold it: %s; to end it: XA COMMIT %s; or XA ROLLBACK %[2]s",
			strings.Join(h.prepared, "; "), h.prepared[0])
	}
	if len(h.list) == 0 {
		return lang.M("which session holds it is not visible to this user: SHOW PROCESSLIST as an administrator")
	}
	var all lang.Msg
	var kills []string
	for i, s := range h.list {
		kills = append(kills, fmt.Sprintf("KILL %d", s.ID))
		if i == fewHolders {
			all = lang.M("%s, and %s more", all, fmt.Sprint(len(h.list)-fewHolders))
			break
		}
		one := holder(s)
		if i > 0 {
			one = lang.M("%s; %s", all, one)
		}
		all = one
	}
	if !h.sure {
		return lang.M("one of these sessions may hold it: %s; to end a session: KILL and its number", all)
	}
	return lang.M("it is held by %s; to end it: %s", all, strings.Join(kills[:min(len(kills), fewHolders)], "; "))
}

// holder describes a session that holds a lock.
func holder(s restore.Session) lang.Msg {
	what := lang.M("idle")
	switch {
	case s.Transaction && s.Command == "Sleep":
		what = lang.M("idle in an open transaction")
	case s.Command != "Sleep":
		what = lang.M("running a statement")
	}
	m := lang.M("session %s of %s@%s, %s since %s", strconv.FormatUint(s.ID, 10), s.User, s.Host, what,
		time.Now().Add(-s.For).Format("15:04:05"))
	if s.Statement == "" {
		return m
	}
	return lang.M("%s (%s)", m, termsafe.Line(redact.Text(s.Statement)))
}

// Waiting tells who holds the lock that a statement of this run waits for; both are empty if
// none waits. who identifies the sessions.
func (s *Sessions) Waiting(ctx context.Context, p *restore.Plan) (who string, text lang.Msg, err error) {
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return "", lang.Msg{}, err
	}
	defer c.Close()
	waiting, err := s.waiting(ctx, c, p)
	if err != nil || len(waiting) == 0 {
		return "", lang.Msg{}, err
	}
	h, err := s.holdersOf(ctx, c, waiting, p.Target.Database, p.Target.Live, p.Shadow, p.Kept)
	if err != nil {
		return "", lang.Msg{}, err
	}
	who = "?"
	for _, x := range h.list {
		who += " " + strconv.FormatUint(x.ID, 10)
	}
	return who, lang.M("waiting for a lock: %s", h.text()), nil
}

// NoRoom is an error when the server accepts no writes until there is free space on its disk.
func (s *Sessions) NoRoom(ctx context.Context, _ *restore.Plan) (sure bool, err error) {
	db, err := s.db(ctx)
	if err != nil {
		return false, nil // the effect itself says so
	}
	n, err := mysql.LookNoRoom(ctx, db, s.Target)
	if err != nil || n == nil {
		return false, nil
	}
	return n.Sure, n.Err()
}

// waiting are the sessions of this run that wait for a lock.
func (s *Sessions) waiting(ctx context.Context, c *sql.Conn, p *restore.Plan) (ids []string, err error) {
	rows, err := schema.All(ctx, c, "SELECT ID, COALESCE(DB, '') FROM information_schema.PROCESSLIST WHERE "+
		"ID <> CONNECTION_ID() AND COMMAND <> 'Sleep' AND STATE LIKE 'Waiting for%lock%'")
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	for _, r := range rows {
		if s.ours(r[0], r[1], p.Shadow, p.Kept) {
			ids = append(ids, r[0])
		}
	}
	blocked, err := schema.All(ctx, c, "SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE "+
		"trx_state = 'LOCK WAIT'")
	if err != nil {
		return ids, nil // not visible without the PROCESS privilege
	}
	for _, r := range blocked {
		if s.ours(r[0], "", p.Shadow, p.Kept) {
			ids = append(ids, r[0])
		}
	}
	return ids, nil
}

// ours tells whether a session is of this process, or in a database that only this run uses.
func (s *Sessions) ours(id, in string, own ...string) bool {
	return s.opened(id) || in != "" && slices.Contains(own, in)
}

// holdersOf finds who holds locks on the databases, except for this run's own sessions.
func (s *Sessions) holdersOf(ctx context.Context, c *sql.Conn, waiting []string, in ...string) (holders, error) {
	in = slices.DeleteFunc(slices.Compact(in), func(n string) bool { return n == "" })
	ids := s.lockers(ctx, c, waiting, in)
	list, err := s.allSessions(ctx, c)
	if err != nil {
		return holders{}, err
	}
	list = slices.DeleteFunc(list, func(x restore.Session) bool {
		return s.ours(strconv.FormatUint(x.ID, 10), "")
	})
	if len(ids) > 0 {
		h := holders{sure: true}
		for _, x := range list {
			if slices.Contains(ids, strconv.FormatUint(x.ID, 10)) {
				h.list = append(h.list, x)
			}
		}
		if len(h.list) > 0 {
			return h, nil
		}
	}
	prepared, err := mysql.PreparedXA(ctx, c)
	if err != nil { // it may not be visible to this user
		prepared = nil
	}
	return holders{list: likely(list, in), prepared: prepared}, nil
}

// likely are the sessions that may hold a lock, where the server does not tell: those with
// an open transaction or a running statement, else those in the databases. None where the one
// that holds it is not visible: our own idle ones are.
func likely(list []restore.Session, in []string) []restore.Session {
	for _, may := range []func(restore.Session) bool{
		func(x restore.Session) bool { return x.Transaction || x.Command != "Sleep" && x.Statement != "" },
		func(x restore.Session) bool { return slices.Contains(in, x.Database) },
	} {
		var out []restore.Session
		for _, x := range list {
			if may(x) {
				out = append(out, x)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// lockers asks each place in which a server may tell who holds a lock. A place that the
// server lacks, or that this user may not read, tells nothing.
func (s *Sessions) lockers(ctx context.Context, c *sql.Conn, waiting, in []string) (ids []string) {
	named := make([]string, len(in))
	for i, n := range in {
		named[i] = schema.String(n)
	}
	where := "(" + strings.Join(named, ", ") + ")"
	queries := []string{
		"SELECT DISTINCT t.PROCESSLIST_ID FROM performance_schema.metadata_locks l JOIN performance_schema.threads t " +
			"ON t.THREAD_ID = l.OWNER_THREAD_ID WHERE l.LOCK_STATUS = 'GRANTED' AND (l.OBJECT_SCHEMA IN " + where +
			" OR l.OBJECT_TYPE IN ('GLOBAL', 'BACKUP LOCK', 'COMMIT') AND l.LOCK_TYPE NOT LIKE 'INTENTION%')",
		"SELECT DISTINCT THREAD_ID FROM information_schema.METADATA_LOCK_INFO WHERE TABLE_SCHEMA IN " + where +
			" OR LOCK_TYPE LIKE 'Global%' AND LOCK_MODE NOT LIKE '%INTENTION%'",
	}
	if len(waiting) > 0 {
		asked := "(" + strings.Join(waiting, ", ") + ")"
		queries = append(queries,
			"SELECT DISTINCT b.trx_mysql_thread_id FROM information_schema.INNODB_LOCK_WAITS w JOIN "+
				"information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id JOIN information_schema.INNODB_TRX "+
				"r ON r.trx_id = w.requesting_trx_id WHERE r.trx_mysql_thread_id IN "+asked,
			"SELECT DISTINCT b.PROCESSLIST_ID FROM performance_schema.data_lock_waits w JOIN "+
				"performance_schema.threads b ON b.THREAD_ID = w.BLOCKING_THREAD_ID JOIN performance_schema.threads "+
				"r ON r.THREAD_ID = w.REQUESTING_THREAD_ID WHERE r.PROCESSLIST_ID IN "+asked)
	}
	for _, q := range queries {
		found, err := column(ctx, c, q)
		if err != nil {
			continue
		}
		for _, id := range found {
			if id != "" && !slices.Contains(waiting, id) && !s.opened(id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// allSessions lists all sessions but this one. An idle session has its last statement, where
// the server keeps it.
func (s *Sessions) allSessions(ctx context.Context, c *sql.Conn) ([]restore.Session, error) {
	rows, err := schema.All(ctx, c, "SELECT ID, USER, HOST, COALESCE(DB, ''), COMMAND, COALESCE(TIME, 0), "+
		"COALESCE(LEFT(INFO, 200), ''), COALESCE(STATE, '') FROM information_schema.PROCESSLIST WHERE "+
		"ID <> CONNECTION_ID() ORDER BY TIME DESC, ID")
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	open := transactions(ctx, c)
	last := lastStatements(ctx, c)
	var out []restore.Session
	for _, r := range rows {
		if r[4] == "Binlog Dump" || r[4] == "Binlog Dump GTID" || r[4] == "Daemon" ||
			strings.HasPrefix(r[7], "Waiting for") || r[1] == "event_scheduler" || r[1] == "system user" {
			continue
		}
		x := restore.Session{User: termsafe.Line(r[1]), Host: termsafe.Line(r[2]), Database: r[3], Command: r[4]}
		x.ID, _ = strconv.ParseUint(r[0], 10, 64)
		seconds, _ := strconv.ParseInt(r[5], 10, 64)
		x.For = time.Duration(seconds) * time.Second
		x.Transaction = open[x.ID]
		x.Statement = r[6]
		if x.Statement == "" {
			x.Statement = last[r[0]]
		}
		out = append(out, x)
	}
	return out, nil
}

// lastStatements are the last statements by session; empty where the server keeps none.
func lastStatements(ctx context.Context, c *sql.Conn) map[string]string {
	rows, err := schema.All(ctx, c, "SELECT t.PROCESSLIST_ID, LEFT(e.SQL_TEXT, 200) FROM "+
		"performance_schema.events_statements_current e JOIN performance_schema.threads t ON t.THREAD_ID = "+
		"e.THREAD_ID WHERE t.PROCESSLIST_ID IS NOT NULL AND e.SQL_TEXT IS NOT NULL")
	out := map[string]string{}
	if err != nil {
		return out
	}
	for _, r := range rows {
		out[r[0]] = r[1]
	}
	return out
}

// held adds to a lock error who holds the lock.
func (s *Sessions) held(ctx context.Context, c *sql.Conn, in string, err error) error {
	if mysql.Number(err) != mysql.ErrLockWaitTimeout {
		return err
	}
	h, lookErr := s.holdersOf(ctx, c, nil, in)
	if lookErr != nil {
		return err
	}
	return ops.Wrap(err, ops.Busy, lang.M("a lock was not free in time: %s", h.text())).
		WithHint(lang.M("end that session, or wait for it, and try again"))
}
