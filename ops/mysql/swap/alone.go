package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// aloneWait limits the wait for statements that an earlier worker left running.
const aloneWait = 2 * time.Minute

// ownSessions are the sessions of a run that change something, as recorded in its folder: when a
// worker is killed, its last statement continues at the server.
type ownSessions struct {
	Started int64    `json:"server_started"` // in seconds; a restarted server counts from 0
	IDs     []uint64 `json:"sessions"`
}

func ownSessionsPath(f run.Folder) string { return filepath.Join(f.Path, "sessions.json") }

// alone waits until no statement of an earlier worker runs, and records this session. A
// statement that waits for a lock is killed: it has not begun.
func (s *Sessions) alone(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	before, err := readOwnSessions(f)
	if err != nil {
		return err
	}
	started := startedAt(ctx, c)
	if before.Started < started-2 || before.Started > started+2 {
		before = ownSessions{}
	}
	for last := time.Now().Add(aloneWait); ; {
		left, err := s.left(ctx, c, p, before.IDs)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(last) {
			return ops.E(ops.Busy,
				lang.M("a statement of the previous worker is still running: %s", strings.Join(left, ", "))).
				WithHint(lang.M("wait until it ends, then try again"))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.enter(ctx, c, f, started)
}

// left returns the sessions of earlier workers that are still active: the recorded ones,
// and all in the databases that only this run uses.
func (s *Sessions) left(ctx context.Context, c *sql.Conn, p *restore.Plan, ids []uint64) (busy []string, err error) {
	rows, err := schema.All(
		ctx,
		c,
		"SELECT ID, COALESCE(DB, ''), COMMAND, COALESCE(STATE, ''), COALESCE(LEFT(INFO, 80), '') FROM "+
			"information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = SUBSTRING_INDEX(USER(), '@', 1)",
	)
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	for _, r := range rows {
		id, _ := strconv.ParseUint(r[0], 10, 64)
		ours := r[1] != "" && (r[1] == p.Shadow || r[1] == p.Kept)
		for _, known := range ids {
			ours = ours || id == known
		}
		if !ours {
			continue
		}
		if r[2] == "Sleep" || waitsForLock(r[3]) {
			_, err := c.ExecContext(ctx, "KILL "+r[0])
			if err != nil && mysql.Number(err) != 1094 { // it ended by itself
				return nil, fmt.Errorf("end the earlier worker's session: %w", err)
			}
		}
		busy = append(busy, strings.TrimSpace(r[0]+" "+r[2]+" "+r[4]))
	}
	return busy, nil
}

// waitsForLock tells by a session's state whether it waits for a lock, and has not begun. One
// that waits for free space has, and MySQL stops when its commit is ended.
func waitsForLock(state string) bool {
	return strings.HasPrefix(state, "Waiting for") && !strings.Contains(state, "free space")
}

// startedAt is the start time of the server by its own clock; 0 if it does not report it.
func startedAt(ctx context.Context, c *sql.Conn) int64 {
	r, err := show(ctx, c, "SHOW GLOBAL STATUS LIKE 'Uptime'")
	if err != nil {
		return 0
	}
	now, err := schema.One(ctx, c, "SELECT UNIX_TIMESTAMP()")
	if err != nil {
		return 0
	}
	up, _ := strconv.ParseInt(r["value"], 10, 64)
	at, _ := strconv.ParseInt(now, 10, 64)
	return at - up
}

func readOwnSessions(f run.Folder) (ownSessions, error) {
	return readJSON[ownSessions](ownSessionsPath(f))
}

// enter records this session and removes earlier ones, which have ended.
func (s *Sessions) enter(ctx context.Context, c *sql.Conn, f run.Folder, started int64) error {
	text, err := schema.One(ctx, c, "SELECT CONNECTION_ID()")
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return err
	}
	out, err := json.Marshal(ownSessions{started, []uint64{id}})
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(ownSessionsPath(f), 0o600, out)
}
