package dump

import (
	"context"
	"fmt"
	"time"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// turn is the longest that the dump waits for a lock at a stretch, and rests then.
// The service's writes to what is to be locked queue behind a lock that waits; in
// the rests they go on.
const turn = 2 * time.Second

// lock executes a statement that takes a lock, again and again until the given time.
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

// lockSeconds is a wait as lock_wait_timeout takes it: whole seconds, 1 at least.
func lockSeconds(d time.Duration) int { return max(1, int(d.Seconds())) }

// byBackupStage holds commits back for a moment; MariaDB.
func (s *snapshotter) byBackupStage(ctx context.Context) error {
	if err := execute(ctx, s.control, "BACKUP STAGE START"); err != nil {
		return err
	}
	defer s.release(ctx, "BACKUP STAGE END")
	if err := s.lock(ctx, "BACKUP STAGE BLOCK_COMMIT", s.until); err != nil {
		return err
	}
	return s.underLock(ctx)
}

// byGlobalLock holds all writes back for a moment. It is not for a server with a query
// that runs long: the flush would wait for that, and every query of the same tables
// behind the flush, even after it has been given up.
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
	if err := s.lock(ctx, "FLUSH TABLES WITH READ LOCK", time.Now()); err != nil {
		return err
	}
	defer s.release(ctx, "UNLOCK TABLES")
	return s.underLock(ctx)
}

// byTableLocks holds the writes to the dumped tables back for a moment. It
// waits for transactions that have written to them.
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
	if err := s.lock(ctx, "LOCK TABLES "+string(lock[2:]), s.until); err != nil {
		return err
	}
	defer s.release(ctx, "UNLOCK TABLES")
	if err := s.noPrepared(ctx); err != nil {
		return err
	}
	return s.underLock(ctx)
}

// noPrepared fails when MariaDB holds a prepared XA transaction: once its session has
// ended, it keeps no lock on the tables that it wrote to, and may commit between two
// snapshots. MySQL keeps the locks.
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

// release gives a lock back, interrupted or not. Behind an interrupt a stalled line has
// five seconds; the lock then ends with the connection. Else the connection is needed
// for more, and a server that is slow has the time that it takes.
func (s *snapshotter) release(ctx context.Context, statement string) {
	bounded, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(5*time.Second, cancel) })()
	s.control.ExecContext(bounded, statement)
}
