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

// snapshot is a set of connections with the same consistent view.
type snapshot struct {
	conns    []*sql.Conn
	how      string // backup.Manifest.Consistency
	at       time.Time
	position backup.Position
	sources  []backup.Source
	warnings []string
}

// ways are the methods to get one consistent view, least disruptive first. Each opens a
// snapshot on all connections, or returns a *notHereError if the server or the user's
// privileges do not allow it.
//
// All except TiDB's block commits while the snapshots are opened. The same binlog position
// before and after is no proof: a session with sql_log_bin = 0, filters (binlog-do-db,
// binlog-ignore-db), a replica that does not log what it applies, and a server without a
// binlog all commit without changing it, and this is not visible from outside.
var ways = []struct {
	name string
	open func(*snapshotter, context.Context) error
}{
	{"timestamp", (*snapshotter).byTimestamp},
	{"backup-stage", (*snapshotter).byBackupStage},
	{"ftwrl", (*snapshotter).byGlobalLock},
	{"lock-tables", (*snapshotter).byTableLocks},
}

type notHereError struct{ why string }

func (e *notHereError) Error() string { return e.why }

type snapshotter struct {
	conns   []*sql.Conn
	control *sql.Conn // holds locks; reads nothing
	tables  []*schema.Table
	now     func() time.Time
	until   time.Time // deadline for lock waits
	wait    time.Duration
	found   backup.Position
	maria   bool
	sources []backup.Source
	unsure  string    // a warning about the sources
	clock   time.Time // the server's time before the snapshot was opened
	// lockNames are queries that lock tables against DDL until the transaction ends.
	lockNames []string
}

// open opens a consistent view on all connections, or, if no method works, on the first
// alone, which needs no lock.
func (s *snapshotter) open(ctx context.Context) (*snapshot, error) {
	s.until = time.Now().Add(s.wait)
	if err := s.sameServer(ctx); err != nil {
		return nil, err
	}
	how, held, err := s.together(ctx)
	if err != nil {
		return nil, err
	}
	if how == "" {
		how = "single-connection"
		if err := s.alone(ctx); err != nil {
			return nil, err
		}
	}
	snap := &snapshot{conns: s.conns, how: how, at: s.now(), position: s.found, sources: s.sources}
	if held && len(s.conns) == 1 {
		snap.warnings = append(
			snap.warnings,
			"no lock was granted in time because of a long query or transaction; the backup was read over one "+
				"connection",
		)
	}
	s.identify(ctx, snap)
	if s.unsure != "" {
		snap.warnings = append(snap.warnings, s.unsure)
	}
	if len(s.sources) > 0 && s.found.File != "" && !ownLog(ctx, s.control) {
		snap.position = backup.Position{}
		snap.warnings = append(
			snap.warnings,
			"this replica does not log what it applies: the backup can be rolled forward only from its source's log",
		)
	}
	return snap, nil
}

// sameServer keeps the connections to the same server as the control connection: a load
// balancer may distribute connections over several servers, and a lock is effective on one
// only.
func (s *snapshotter) sameServer(ctx context.Context) error {
	want, err := identity(ctx, s.control)
	if err != nil {
		return err
	}
	var same, other []*sql.Conn
	for _, c := range s.conns {
		is, err := identity(ctx, c)
		if err != nil {
			return err
		}
		if is == want {
			same = append(same, c)
		} else {
			other = append(other, c)
		}
	}
	if len(same) == 0 {
		return severalServers()
	}
	closeAll(other)
	s.conns = same
	return nil
}

func severalServers() error {
	return ops.E(ops.Failed, lang.M("every new connection reaches a different server: definitions and rows "+
		"would come from different servers")).
		WithHint(lang.M("set database.host and port to one server, not to a load balancer"))
}

// identify records the server of the snapshot's binlog position, and the time it was read.
// If the server does not report it, the log's own times are used.
func (s *snapshotter) identify(ctx context.Context, snap *snapshot) {
	if snap.position.File == "" {
		return
	}
	ask := "SELECT @@GLOBAL.server_uuid"
	if s.maria {
		ask = "SELECT CONCAT('id-', @@GLOBAL.server_id)"
	}
	if id, err := one(ctx, s.control, ask); err == nil {
		snap.position.Server = id
	}
	if now := serverClock(ctx, s.control); !now.IsZero() && !s.clock.IsZero() {
		snap.position.ClockFrom, snap.position.ClockTo = s.clock, now
	}
}

// serverClock is the server's time; zero if it does not report it.
func serverClock(ctx context.Context, c *sql.Conn) time.Time {
	text, err := one(ctx, c, "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")
	if err != nil {
		return time.Time{}
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999", text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// identity distinguishes servers; all nodes of TiDB count as one.
func identity(ctx context.Context, c *sql.Conn) (string, error) {
	if _, err := one(ctx, c, "SELECT @@tidb_current_ts"); err == nil {
		return "", nil
	}
	return one(ctx, c, "SELECT CONCAT_WS(' ', @@hostname, @@port, @@server_id, @@datadir)")
}

// together tries the methods in turn; "" if none is possible here. held tells that a lock
// was not granted in time.
func (s *snapshotter) together(ctx context.Context) (how string, held bool, err error) {
	if len(s.conns) < 2 {
		return "", false, nil
	}
	for _, way := range ways {
		err := way.open(s, ctx)
		switch {
		case err == nil:
			return way.name, held, nil
		case ctx.Err() != nil:
			return "", held, err
		case errors.Is(err, errAlone):
			return "", held, nil
		}
		timeout := mysql.Number(err) == mysql.ErrLockWaitTimeout
		held = held || timeout
		if _, ok := err.(*notHereError); !ok && !timeout && !denied(err) && !unknown(err) {
			return "", held, fmt.Errorf("open a snapshot by %s: %w", way.name, err)
		}
		if err := s.forget(ctx); err != nil {
			return "", held, err
		}
	}
	return "", held, nil
}

// alone opens the snapshot of the first connection and closes the others.
func (s *snapshotter) alone(ctx context.Context) error {
	closeAll(s.conns[1:])
	s.conns = s.conns[:1]
	if err := s.start(ctx); err != nil {
		return err
	}
	s.found = coordinates(ctx, s.conns[0])
	s.sources, s.unsure = sources(ctx, s.conns[0], s.control, s.maria, false)
	return nil
}

// savepoint is rolled back to after each chunk, which releases the metadata lock on the
// table: a migration need not wait for the dump.
const savepoint = "opsdeck_dump"

// start opens the snapshot on every connection.
func (s *snapshotter) start(ctx context.Context) error {
	s.clock = serverClock(ctx, s.control)
	for _, c := range s.conns {
		open := append([]string{"START TRANSACTION WITH CONSISTENT SNAPSHOT"}, s.lockNames...)
		if err := execute(ctx, c, append(open, "SAVEPOINT "+savepoint)...); err != nil {
			return err
		}
	}
	return nil
}

// forget ends the snapshots of a failed method. If it waited until the next method's lock,
// ending them could block on that lock: with a savepoint, MariaDB's BACKUP STAGE counts a
// transaction as a writing one.
func (s *snapshotter) forget(ctx context.Context) error {
	for _, c := range s.conns {
		if err := execute(ctx, c, "ROLLBACK"); err != nil {
			return err
		}
	}
	return nil
}

// coordinates is the binlog position that MariaDB keeps with a snapshot, exact and
// readable for any user; empty on other servers.
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

// errAlone reports that no other method gives several connections the same view either:
// TiDB accepts LOCK TABLES and does nothing.
var errAlone = errors.New("only a single connection has a consistent snapshot")

// byTimestamp makes all connections read as of one TiDB timestamp, which takes no lock. It
// is valid as long as the server keeps old rows (tidb_gc_life_time); a longer dump fails.
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
			return fmt.Errorf("%w: %w", errAlone, err) // not possible in the first minutes of a server
		}
	}
	return s.start(ctx)
}

func (s *snapshotter) underLock(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	s.found = coordinates(ctx, s.conns[0])
	if s.found.File == "" {
		s.found, _ = position(ctx, s.control)
	}
	s.sources, s.unsure = sources(ctx, s.conns[0], s.control, s.maria, true)
	return s.stillHeld(ctx)
}

// position reads the binlog position. Without a binlog, or without the privilege to read
// it, it returns a *notHereError.
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
