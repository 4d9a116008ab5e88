package dump

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// snapshot is connections that all see the rows of one moment.
type snapshot struct {
	conns    []*sql.Conn
	how      string // backup.Manifest.Consistency
	at       time.Time
	position backup.Position
	warnings []string
}

// ways to one moment, the gentlest first. Each opens a snapshot on all the
// connections and returns errNotHere when the server or the user's rights do
// not allow it.
var ways = []struct {
	name string
	open func(*snapshotter, context.Context) error
}{
	{"timestamp", (*snapshotter).byTimestamp},
	{"binlog-position", (*snapshotter).byCoordinates},
	{"backup-stage", (*snapshotter).byBackupStage},
	{"ftwrl", (*snapshotter).byGlobalLock},
	{"lock-tables", (*snapshotter).byTableLocks},
	{"binlog-position", (*snapshotter).byPosition},
}

type notHereError struct{ why string }

func (e *notHereError) Error() string { return e.why }

type snapshotter struct {
	conns   []*sql.Conn
	control *sql.Conn // holds locks; reads nothing
	tables  []*schema.Table
	now     func() time.Time
	until   time.Time // no lock is waited for longer
	wait    time.Duration
	found   backup.Position
}

// open finds a moment for all connections, or, when none of the ways works,
// for the first alone, which needs no lock at all.
func (s *snapshotter) open(ctx context.Context) (*snapshot, error) {
	snap := &snapshot{conns: s.conns}
	s.until = time.Now().Add(s.wait)
	held := false
	if len(s.conns) > 1 {
		for _, way := range ways {
			err := way.open(s, ctx)
			if err == nil {
				snap.how, snap.at, snap.position = way.name, s.now(), s.found
				return snap, nil
			}
			if ctx.Err() != nil {
				return nil, err
			}
			if errors.Is(err, errAlone) {
				break
			}
			timeout := mysql.Number(err) == mysql.ErrLockWaitTimeout
			held = held || timeout
			if _, ok := err.(*notHereError); !ok && !timeout && !denied(err) && !unknown(err) {
				return nil, fmt.Errorf("open a snapshot by %s: %w", way.name, err)
			}
			if err := s.forget(ctx); err != nil {
				return nil, err
			}
		}
	}
	if held {
		snap.warnings = append(snap.warnings, "a lock for all connections was not had in time, for a long query or transaction holds it up; the backup was read over one connection")
	}
	for _, c := range s.conns[1:] {
		c.Close()
	}
	s.conns = s.conns[:1]
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	s.found = coordinates(ctx, s.conns[0])
	snap.conns, snap.how, snap.at, snap.position = s.conns, "single-connection", s.now(), s.found
	return snap, nil
}

// savepoint is what a connection goes back to after each chunk, to let go of
// its hold on the table's definition: a migration need not wait for the dump.
const savepoint = "opsdeck_dump"

// start opens the snapshot on every connection.
func (s *snapshotter) start(ctx context.Context) error {
	for _, c := range s.conns {
		if err := execute(ctx, c, "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SAVEPOINT "+savepoint); err != nil {
			return err
		}
	}
	return nil
}

// forget ends the snapshots of a way that led nowhere. Under the next one's lock even
// their end could wait, for that very lock: a savepoint makes a transaction one that
// writes, to MariaDB's BACKUP STAGE.
func (s *snapshotter) forget(ctx context.Context) error {
	for _, c := range s.conns {
		if err := execute(ctx, c, "ROLLBACK"); err != nil {
			return err
		}
	}
	return nil
}

// coordinates are those that MariaDB keeps with a snapshot, exact and for any
// user to read; empty elsewhere.
// https://mariadb.com/kb/en/enhancements-for-start-transaction-with-consistent-snapshot/
func coordinates(ctx context.Context, c *sql.Conn) backup.Position {
	rows, err := schema.All(ctx, c, "SHOW STATUS LIKE 'binlog_snapshot_%'")
	if err != nil {
		return backup.Position{}
	}
	var p backup.Position
	for _, r := range rows {
		switch r[0] {
		case "Binlog_snapshot_file", "binlog_snapshot_file":
			p.File = r[1]
		case "Binlog_snapshot_position", "binlog_snapshot_position":
			p.Pos, _ = strconv.ParseUint(r[1], 10, 64)
		}
	}
	if p.File == "" {
		return backup.Position{}
	}
	p.GTID, _ = one(ctx, c, "SELECT BINLOG_GTID_POS(?, ?)", p.File, p.Pos)
	return p
}

// errAlone says that no other way leads to one moment over several connections
// either: TiDB takes LOCK TABLES and does nothing.
var errAlone = errors.New("only one connection sees one moment")

// byTimestamp has all connections read as of one of TiDB's timestamps, which
// takes no lock. It lasts as long as the server keeps old rows
// (tidb_gc_life_time); a dump that takes longer fails.
// https://docs.pingcap.com/tidb/stable/read-historical-data
func (s *snapshotter) byTimestamp(ctx context.Context) error {
	if _, err := one(ctx, s.control, "SELECT @@tidb_current_ts"); err != nil {
		return err
	}
	if err := execute(ctx, s.control, "START TRANSACTION"); err != nil {
		return err
	}
	defer s.release(ctx, "ROLLBACK")
	at, err := one(ctx, s.control, "SELECT @@tidb_current_ts")
	if err != nil {
		return err
	}
	for _, c := range s.conns {
		if err := execute(ctx, c, "SET SESSION tidb_snapshot = '"+at+"'"); err != nil {
			return fmt.Errorf("%w: %w", errAlone, err) // a server that is minutes old cannot yet
		}
	}
	return s.start(ctx)
}

const tries = 25

// byCoordinates opens snapshots until all of them have the same coordinates.
func (s *snapshotter) byCoordinates(ctx context.Context) error {
	for range tries {
		if err := s.start(ctx); err != nil {
			return err
		}
		first := coordinates(ctx, s.conns[0])
		if first.File == "" {
			return &notHereError{"the server keeps no coordinates with a snapshot"}
		}
		same := true
		for _, c := range s.conns[1:] {
			at := coordinates(ctx, c)
			same = same && at.File == first.File && at.Pos == first.Pos
		}
		if same {
			s.found = first
			return nil
		}
	}
	return &notHereError{"commits came between the snapshots"}
}

func (s *snapshotter) underLock(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	s.found = coordinates(ctx, s.conns[0])
	if s.found.File == "" {
		s.found, _ = position(ctx, s.control)
	}
	return nil
}

// settle is how long a commit may take from the binary log into the tables.
const settle = 100 * time.Millisecond

// byPosition accepts snapshots when the binary log stood still from a while
// before the first to a while after the last.
func (s *snapshotter) byPosition(ctx context.Context) error {
	for range 3 {
		before, err := position(ctx, s.control)
		if err != nil {
			return err
		}
		if err := wait(ctx, settle); err != nil {
			return err
		}
		if err := s.start(ctx); err != nil {
			return err
		}
		if err := wait(ctx, settle); err != nil {
			return err
		}
		after, err := position(ctx, s.control)
		if err != nil {
			return err
		}
		if before == after {
			s.found = before
			return nil
		}
	}
	return &notHereError{"the binary log did not stand still"}
}

// position asks where the binary log stands. A server that has none, and a user
// who may not ask, give a *notHereError.
func position(ctx context.Context, c *sql.Conn) (backup.Position, error) {
	for _, ask := range []string{"SHOW BINARY LOG STATUS", "SHOW BINLOG STATUS", "SHOW MASTER STATUS"} {
		rows, err := schema.All(ctx, c, ask)
		if err != nil {
			if ctx.Err() != nil {
				return backup.Position{}, err
			}
			continue
		}
		if len(rows) == 0 || len(rows[0]) < 2 {
			break
		}
		p := backup.Position{File: rows[0][0]}
		p.Pos, _ = strconv.ParseUint(rows[0][1], 10, 64)
		if len(rows[0]) > 4 {
			p.GTID = rows[0][4]
		}
		return p, nil
	}
	return backup.Position{}, &notHereError{"the position of the binary log is not to be had"}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// holdDefinitions keeps DDL out while the dump runs, where the server can and
// the user may. It is kept by the control connection until that is closed.
func holdDefinitions(ctx context.Context, control *sql.Conn) error {
	_, err := control.ExecContext(ctx, "LOCK INSTANCE FOR BACKUP")
	if err == nil || denied(err) || unknown(err) {
		return nil
	}
	if mysql.Number(err) == mysql.ErrLockWaitTimeout {
		return ops.Wrap(err, ops.Busy, lang.M("another session is changing table definitions; the backup would be of neither state")).
			WithHint(lang.M("wait until the migration is through, or give it longer with --lock-wait"))
	}
	return err
}
