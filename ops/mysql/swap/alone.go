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

// aloneWait bounds the wait for what a former worker left running.
const aloneWait = 2 * time.Minute

// hands are the sessions of a run that change something, as its folder
// remembers them: when a worker is killed, the statement that it had sent goes
// on at the server.
type hands struct {
	Started int64    `json:"server_started"` // in seconds; a server that was restarted counts anew
	IDs     []uint64 `json:"sessions"`
}

func handsPath(f run.Folder) string { return filepath.Join(f.Path, "sessions.json") }

// alone waits until no statement of a former worker runs any more, and enters
// this session in its place. One that waits for a lock is ended: it has not begun.
func (s *Sessions) alone(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	before, err := readHands(f)
	if err != nil {
		return err
	}
	started := startedAt(ctx, c)
	if before.Started < started-2 || before.Started > started+2 {
		before = hands{}
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
			return ops.E(ops.Busy, lang.M("a statement of the previous worker is still running: %s", strings.Join(left, ", "))).
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

// left names the sessions of former workers that still do something: those that
// are remembered, and all in the schemas that only this run has.
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
		if r[2] == "Sleep" || strings.HasPrefix(r[3], "Waiting for") {
			_, err := c.ExecContext(ctx, "KILL "+r[0])
			if err != nil && mysql.Number(err) != 1094 { // it went by itself
				return nil, fmt.Errorf("end the former worker's session: %w", err)
			}
		}
		busy = append(busy, strings.TrimSpace(r[0]+" "+r[2]+" "+r[4]))
	}
	return busy, nil
}

// startedAt is when the server was started, by its own clock; 0 when it does not say.
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

func readHands(f run.Folder) (hands, error) { return readJSON[hands](handsPath(f)) }

// enter remembers this session, and no former one: they are gone.
func (s *Sessions) enter(ctx context.Context, c *sql.Conn, f run.Folder, started int64) error {
	text, err := schema.One(ctx, c, "SELECT CONNECTION_ID()")
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return err
	}
	out, err := json.Marshal(hands{started, []uint64{id}})
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(handsPath(f), 0o600, out)
}
