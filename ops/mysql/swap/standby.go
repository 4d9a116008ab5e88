package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Standby is a database next to the live one that is kept close to its state.
type Standby struct {
	*link
	loader   Loader
	sessions *Sessions
	checks   *Verification
	loading  *Loading
}

// Build loads the backup of a plan into its shadow, verifies it there, and records that a
// replay begins: the result is a standby at the backup's position. A killed build is
// resumed. doubts are the findings of the verification.
func (b *Standby) Build(
	ctx context.Context,
	p *restore.Plan,
	f run.Folder,
	report run.Report,
) (doubts []restore.Note, err error) {
	c, err := b.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	job := Job{Path: p.Source.Path, From: p.Source.Database, Schema: p.Shadow}
	if err := b.loader.Ready(job); err != nil {
		return nil, err
	}
	if err := b.sessions.alone(ctx, c, p, f); err != nil {
		return nil, err
	}
	begun, err := replay.Begun(ctx, c, p.Shadow)
	if err == nil && !begun {
		_, err = b.loading.load(ctx, c, p, f, job, report)
	}
	if err != nil {
		return nil, err
	}
	known, err := readJSON[replayed](replayedPath(f))
	return known.Doubts, err
}

// Forward applies the log to a standby. Changes are committed with the binlog position.
func (b *Standby) Forward(ctx context.Context, job replay.Job) (replay.State, error) {
	db, err := b.db(ctx)
	if err != nil {
		return replay.State{}, err
	}
	job.Keep = true
	return replay.Run(ctx, db, job)
}

// Compare compares a standby with the backup of a plan whose shadow it is: the same check
// that a load gets before a replay.
func (b *Standby) Compare(ctx context.Context, p *restore.Plan, report run.Report) (run.Verdict, error) {
	b.checks.forget()
	return b.checks.verifyLoaded(ctx, p, report)
}

// State is the progress of the standby in a database; ok is false if there is none that
// can continue.
func (b *Standby) State(ctx context.Context, in string) (state replay.State, ok bool, err error) {
	db, err := b.db(ctx)
	if err != nil {
		return state, false, err
	}
	return replay.Peek(ctx, db, in)
}

// List are the databases that are, by name, standbys of a live one, with their size in
// bytes.
func (b *Standby) List(ctx context.Context, live string) (map[string]int64, error) {
	db, err := b.db(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := schema.All(
		ctx,
		db,
		"SELECT s.SCHEMA_NAME, COALESCE(SUM(t.DATA_LENGTH + t.INDEX_LENGTH), 0) FROM information_schema.SCHEMATA s "+
			"LEFT JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = s.SCHEMA_NAME "+
			`WHERE s.SCHEMA_NAME LIKE '%\_\_standby\_%' GROUP BY s.SCHEMA_NAME`,
	)
	out := map[string]int64{}
	for _, r := range rows {
		if restore.IsStandby(live, r[0]) {
			out[r[0]], _ = strconv.ParseInt(r[1], 10, 64)
		}
	}
	return out, err
}

// Drop drops a database that is, by name, a standby of a live one, and ends the sessions
// in it.
func (b *Standby) Drop(ctx context.Context, live, name string) error {
	if !restore.IsStandby(live, name) {
		return fmt.Errorf("%s is not a standby of %s", name, live)
	}
	c, err := b.conn(ctx, "", time.Minute)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := b.settleDown(ctx, c, name); err != nil {
		return err
	}
	return mysql.DropDatabase(ctx, c, name)
}

// settleDown waits until nothing of a killed worker runs in a database that only opsdeck
// uses.
func (b *Standby) settleDown(ctx context.Context, c *sql.Conn, name string) error {
	for last := time.Now().Add(aloneWait); ; {
		left, err := b.sessions.left(ctx, c, &restore.Plan{Shadow: name}, nil)
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(last) {
			return ops.E(ops.Busy, lang.M("a statement of the previous worker is still running: %s",
				strings.Join(left, ", ")))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// refusedFile records why a run does not use the standby of its plan, once decided.
const refusedFile = "standby.refused"

// NoPlace tells that a standby does not record its position.
func NoPlace() lang.Msg {
	return lang.M("its position in the log is unknown: it no longer exists, or a killed process left a step that may " +
		"be incomplete")
}

// OutOfLog tells that no log continues a standby.
func OutOfLog() lang.Msg { return lang.M("the available binlog does not contain its position") }

func instead(why restore.Note) restore.Note {
	return restore.N(lang.M("the standby is not used: %s; the backup is loaded instead", why.Msg))
}

// start is the position where a replay starts: the standby's, or the backup's if the run
// does not use the standby of its plan.
func start(p *restore.Plan, f run.Folder) (from binlog.Place, done string, warm bool, err error) {
	r := p.Source.Replay
	if r.Standby == nil {
		return r.From, r.Done, false, nil
	}
	why, err := readJSON[restore.Note](filepath.Join(f.Path, refusedFile))
	if err != nil || !why.Empty() {
		return r.From, r.Done, false, err
	}
	return r.Standby.At, r.Standby.Done, true, nil
}

// standbyBroken reports whether a replay's error concerns the standby's rows, and not the state
// of the server or the operator's actions.
func standbyBroken(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil || mysql.Lost(err) || mysql.Circumstance(err) {
		return false
	}
	return errors.Is(err, replay.ErrAgain) || errors.Is(err, replay.ErrUnplanned) || mysql.Number(err) != 0
}
