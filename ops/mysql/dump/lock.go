package dump

import (
	"context"
	"fmt"
	"time"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// turn is the longest continuous wait for a lock, after which the dump pauses. The
// service's writes to the tables queue behind a waiting lock; in the pauses they continue.
const turn = 2 * time.Second

// lock retries a statement that takes a lock until the deadline.
func (s *snapshotter) lock(ctx context.Context, statement string, until time.Time) error {
	if time.Now().After(s.until) {
		return &notHereError{"the time to wait for locks is over"}
	}
	defer s.patience(ctx, s.wait)
	for {
		if err := s.patience(ctx, min(turn, time.Until(s.until))); err != nil {
			return err
		}
		err := execute(ctx, s.control, statement)
		if mysql.Number(err) != mysql.ErrLockWaitTimeout || time.Now().Add(turn).After(until) {
			return err
		}
		if err := wait(ctx, turn); err != nil {
			return err
		}
	}
}

// patience sets how long the control connection's statements wait for a lock.
func (s *snapshotter) patience(ctx context.Context, d time.Duration) error {
	return execute(ctx, s.control, fmt.Sprintf("SET SESSION lock_wait_timeout = %d", lockSeconds(d)))
}

// lockSeconds is a duration as lock_wait_timeout accepts it: whole seconds, at least 1.
func lockSeconds(d time.Duration) int { return max(1, int(d.Seconds())) }

// lockIdle is how long the server keeps a lock for a control connection that sends nothing:
// if its line has stalled, the service's writes wait no longer than that. Tests make it
// short.
var lockIdle = 30 * time.Second

// idle sets after how long without a statement the server ends the control connection.
func (s *snapshotter) idle(ctx context.Context, d time.Duration) error {
	return execute(ctx, s.control, fmt.Sprintf("SET SESSION wait_timeout = %d", lockSeconds(d)))
}

// dayIdle is the time without a statement that a connection has otherwise.
const dayIdle = 24 * time.Hour

// stillHeld fails if the server has ended the control connection: then the lock was lost
// before all snapshots were open.
func (s *snapshotter) stillHeld(ctx context.Context) error {
	_, err := one(ctx, s.control, "SELECT 1")
	return err
}

// byBackupStage blocks commits briefly; MariaDB.
func (s *snapshotter) byBackupStage(ctx context.Context) error {
	if err := s.idle(ctx, lockIdle); err != nil {
		return err
	}
	defer s.idle(ctx, dayIdle)
	if err := execute(ctx, s.control, "BACKUP STAGE START"); err != nil {
		return err
	}
	defer s.release(ctx, "BACKUP STAGE END")
	if err := s.lock(ctx, "BACKUP STAGE BLOCK_COMMIT", s.until); err != nil {
		return err
	}
	return s.underLock(ctx)
}

// byGlobalLock blocks all writes briefly. It is not used on a server with a long-running
// query: the flush would wait for that query, and every query on the same tables would
// wait for the flush, even after the flush has been given up.
// https://dev.mysql.com/doc/refman/8.4/en/flush.html#flush-tables-with-read-lock
func (s *snapshotter) byGlobalLock(ctx context.Context) error {
	busy, err := one(
		ctx,
		s.control,
		"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Query', 'Execute') AND USER <> "+
			"'system user' AND TIME >= ? AND ID <> CONNECTION_ID()",
		int(turn.Seconds()),
	)
	if err != nil {
		return err
	}
	if busy != "0" {
		return &notHereError{"a query runs long, and a flush would wait for it"}
	}
	if err := s.idle(ctx, lockIdle); err != nil {
		return err
	}
	defer s.idle(ctx, dayIdle)
	if err := s.lock(ctx, "FLUSH TABLES WITH READ LOCK", time.Now()); err != nil {
		return err
	}
	defer s.release(ctx, "UNLOCK TABLES")
	return s.underLock(ctx)
}

// byTableLocks blocks writes to the dumped tables briefly. It waits for transactions that
// have written to them.
func (s *snapshotter) byTableLocks(ctx context.Context) error {
	lock := make([]byte, 0, 64*len(s.tables))
	for _, t := range s.tables {
		if !t.Sequence {
			lock = append(append(append(lock, ", "...), t.SQLName()...), " READ"...)
		}
	}
	if len(lock) == 0 {
		return &notHereError{"no table to lock"}
	}
	if err := s.idle(ctx, lockIdle); err != nil {
		return err
	}
	defer s.idle(ctx, dayIdle)
	if err := s.lock(ctx, "LOCK TABLES "+string(lock[2:]), s.until); err != nil {
		return err
	}
	defer s.release(ctx, "UNLOCK TABLES")
	if err := s.noPrepared(ctx); err != nil {
		return err
	}
	return s.underLock(ctx)
}

// noPrepared fails if MariaDB has a prepared XA transaction: after its session has ended,
// such a transaction keeps no lock on the tables that it wrote to, and may commit between
// two snapshots. MySQL keeps the locks.
// https://mariadb.com/kb/en/xa-transactions/
func (s *snapshotter) noPrepared(ctx context.Context) error {
	if !s.maria {
		return nil
	}
	prepared, err := schema.All(ctx, s.control, "XA RECOVER")
	if err != nil {
		return err
	}
	if len(prepared) > 0 {
		return &notHereError{"prepared XA transactions could commit in spite of the tables' locks"}
	}
	return nil
}

// release releases a lock, also after an interrupt. After an interrupt a stalled
// connection has five seconds; the lock then ends with the connection. Otherwise the
// connection is still needed, and a slow server may take its time.
func (s *snapshotter) release(ctx context.Context, statement string) {
	bounded, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(5*time.Second, cancel) })()
	s.control.ExecContext(bounded, statement)
}
