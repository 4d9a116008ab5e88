package swap

import (
	"context"
	"database/sql"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// surveyPrepared finds prepared XA transactions. They survive their sessions, so no list of
// sessions shows them; the swap waits for those that hold locks on the live tables, and
// what they would still commit is in no backup.
func (s *Surveyor) surveyPrepared(ctx context.Context, db *sql.DB, a *restore.Assessment, live string) {
	ids, err := mysql.PreparedXA(ctx, db)
	if err != nil {
		a.Findings = append(a.Findings, restore.Finding{
			State: ops.StateUnknown,
			What:  restore.N(lang.M("prepared XA transactions are not visible to this user")),
			Hint:  restore.N(lang.M("as an administrator: XA RECOVER")),
		})
		return
	}
	if len(ids) == 0 {
		return
	}
	f := restore.Finding{
		State: ops.StateWarning,
		What: restore.N(lang.M("prepared XA transactions exist; if they commit later, their rows are in no backup: %s",
			strings.Join(ids, "; "))),
		Hint: restore.N(lang.M("end each first: XA COMMIT %s; or XA ROLLBACK %[1]s", ids[0])),
	}
	if s.preparedHolds(ctx, live) {
		f.State = ops.StateCritical
		f.Blocks = true
		f.What = restore.N(lang.M("a prepared XA transaction holds locks on %s, and the restore would wait for it: %s",
			live, strings.Join(ids, "; ")))
	}
	a.Findings = append(a.Findings, f)
}

// preparedHolds tells whether tables of a database are locked by a transaction without a
// session. It asks only servers that have such a transaction.
func (s *Surveyor) preparedHolds(ctx context.Context, live string) bool {
	c, err := s.conn(ctx, "", 0)
	if err != nil {
		return false
	}
	defer c.Close()
	if !s.mariadb {
		n, err := schema.One(ctx, c, "SELECT COUNT(*) FROM performance_schema.metadata_locks l LEFT JOIN "+
			"performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID WHERE l.OBJECT_SCHEMA = ? AND "+
			"l.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID IS NULL", live)
		return err != nil || n != "0"
	}
	names, err := tables(ctx, c, live)
	if err != nil {
		return false
	}
	// MariaDB keeps only the engine's locks of such a transaction. With autocommit off,
	// LOCK TABLES asks for those too.
	for _, q := range []string{"SET SESSION autocommit = 0", "SET SESSION innodb_lock_wait_timeout = 0"} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return true // it cannot be told
		}
	}
	for _, t := range names {
		_, err := c.ExecContext(ctx, "LOCK TABLES "+restore.Name(live, t)+" WRITE NOWAIT")
		if err == nil {
			_, err = c.ExecContext(ctx, "UNLOCK TABLES")
		}
		if mysql.Number(err) == mysql.ErrLockWaitTimeout {
			return true
		}
	}
	return false
}
