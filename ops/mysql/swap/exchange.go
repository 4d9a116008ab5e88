package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// record is what both databases held before the swap. It is durable before the first
// change, so that a later check can tell what is done and what is not.
type record struct {
	Leaving contents `json:"leaving"` // the live database's: tables in scope, all objects
	Coming  contents `json:"coming"`  // the shadow's
	Since   []string `json:"since,omitempty"`
	Back    bool     `json:"back,omitempty"`    // Since is known: an undo was started
	Absent  bool     `json:"absent,omitempty"`  // there was no live database
	Off     []string `json:"off,omitempty"`     // events of Coming that stay disabled
	Grants  []string `json:"grants,omitempty"`  // on live routines, when an undo was started
	Settled bool     `json:"settled,omitempty"` // the swap was given up; the live database may have changed since
}

func recordPath(f run.Folder) string { return filepath.Join(f.Path, "exchange.json") }

func readRecord(f run.Folder) (*record, error) { return readJSON[*record](recordPath(f)) }

func (r *record) save(f run.Folder) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("encode the record of the swap: %w", err)
	}
	return atomicfile.WriteBytes(recordPath(f), 0o600, append(text, '\n'))
}

// Exchange swaps the loaded tables with the live ones, and reverts that.
type Exchange struct {
	*link
	objects  *objects
	sessions *Sessions
	checks   *Verification
	counters *numbering
}

// Swap swaps the tables, unless the guard objects.
func (e *Exchange) Swap(ctx context.Context, p *restore.Plan, f run.Folder, guard run.Guard) (run.Swapped, error) {
	var out run.Swapped
	c, err := e.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return out, err
	}
	defer c.Close()
	if err := e.sessions.alone(ctx, c, p, f); err != nil {
		return out, err
	}
	r, err := readRecord(f)
	if err == nil && (r == nil || r.Settled) {
		if r, err = e.newRecord(ctx, c, p, f, r); err == nil {
			err = r.save(f)
		}
	}
	if err == nil && r.Absent {
		err = makeSchema(ctx, c, p.Target.Live, r.Coming)
	}
	if err != nil {
		return out, err
	}
	moves, err := remaining(ctx, c, p, r)
	if err != nil {
		return out, err
	}
	if len(r.Leaving.Tables)+len(r.Coming.Tables) == 0 { // views, routines and events only
		if err := makeSchema(ctx, c, p.Kept, r.Leaving); err != nil {
			return out, err
		}
	}
	var told []restore.Note
	if len(moves) > 0 {
		if out.Counters, told, err = e.counters.over(ctx, c, p); err != nil {
			return out, err
		}
		out.Renamed, err = e.exchange(ctx, c, p, r, moves, guard)
		if written := (*run.WrittenError)(nil); errors.As(err, &written) {
			r.Settled = true // nothing has moved
			return out, errors.Join(err, r.save(f))
		}
		if err != nil {
			return out, err
		}
	}
	if err := e.objects.rebind(ctx, c, p.Shadow, p.Target.Live); err != nil {
		return out, err
	}
	scope := func(o object) bool {
		return len(p.Tables) == 0 || o.Kind == "trigger" && slices.Contains(p.Tables, o.Table)
	}
	grants := ofWhole(p, r.Leaving.Grants)
	next := r.Coming
	next.Objects = slices.Clone(next.Objects)
	for i, o := range next.Objects {
		next.Objects[i] = arrived(p, o)
	}
	out.Notes, err = e.objects.replaceObjects(ctx, c, p.Target.Live, true, r.Leaving, next, grants, scope)
	if err != nil {
		return out, err
	}
	if len(p.Tables) == 0 {
		if err := e.objects.setCharset(ctx, c, p.Target.Live, r.Leaving, r.Coming); err != nil {
			return out, err
		}
	}
	if err := e.objects.dropEmpty(ctx, c, p.Shadow); err != nil {
		return out, err
	}
	note := restore.N(
		lang.M("%s tables swapped; the old ones are in %s", fmt.Sprint(len(r.Coming.Tables)), p.Kept),
	)
	out.Notes = append([]restore.Note{note}, append(r.stayOff(), append(told, out.Notes...)...)...)
	return out, nil
}

// ofWhole are grants on routines; none where a restore of some tables leaves the routines.
func ofWhole(p *restore.Plan, grants []string) []string {
	if len(p.Tables) > 0 {
		return nil
	}
	return grants
}

// newRecord reads both databases. What an earlier record knows of the shadow is copied
// from it: after a reverted half swap, only the record has the shadow's objects.
func (e *Exchange) newRecord(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	former *record,
) (*record, error) {
	there, err := exists(ctx, c, p.Target.Live)
	if err != nil {
		return nil, err
	}
	live, err := e.objects.look(ctx, c, p.Target.Live)
	if err != nil {
		return nil, err
	}
	coming, err := e.objects.look(ctx, c, p.Shadow)
	if err != nil {
		return nil, err
	}
	if former != nil {
		coming = former.Coming
	}
	if len(coming.Tables) == 0 && !p.Bare() {
		return nil, ops.E(ops.Failed, lang.M("the database %s has no tables to swap", p.Shadow))
	}
	live.Tables = only(live.Tables, p.Leaving)
	if len(live.Tables) != len(p.Leaving) {
		return nil, ops.Wrap(
			restore.ErrPlanChanged,
			ops.Failed,
			lang.M("the tables of %s changed since the plan was made", p.Target.Live),
		)
	}
	r := &record{Leaving: live, Coming: coming, Absent: !there}
	if former == nil {
		enabled, err := readEnabled(f)
		if err != nil {
			return nil, err
		}
		for i, o := range r.Coming.Objects {
			r.Coming.Objects[i].Enabled = o.Kind == "event" && slices.Contains(enabled, o.Name)
		}
	}
	r.keepOff()
	return r, nil
}

// readJSON reads a file of the run's folder; a missing file gives the zero value.
func readJSON[T any](path string) (v T, err error) {
	text, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return v, fmt.Errorf("read %s: %w", path, err)
	}
	return v, nil
}

// remaining are the moves not made yet.
func remaining(ctx context.Context, c *sql.Conn, p *restore.Plan, r *record) ([]restore.Move, error) {
	kept, err := tables(ctx, c, p.Kept)
	if err != nil {
		return nil, err
	}
	shadow, err := tables(ctx, c, p.Shadow)
	if err != nil {
		return nil, err
	}
	var leaving []string
	for _, t := range p.Movable(r.Leaving.Tables) {
		if !slices.Contains(kept, t) {
			leaving = append(leaving, t)
		}
	}
	return restore.SwapMoves(p.Target.Live, p.Shadow, p.Kept, leaving, only(r.Coming.Tables, shadow)), nil
}

// exchange executes the RENAME. Triggers on either side block it; if it fails, those of
// the live tables are recreated.
func (e *Exchange) exchange(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	r *record,
	moves []restore.Move,
	guard run.Guard,
) (time.Duration, error) {
	if err := makeSchema(ctx, c, p.Kept, r.Leaving); err != nil {
		return 0, err
	}
	err := e.clearWay(ctx, c, p.Target.Live, moves, r.Coming.Tables)
	if err == nil {
		err = dropUnreadable(ctx, c, p)
	}
	var took time.Duration
	switch {
	case err != nil:
	case guard != nil:
		took, err = e.renameUnwritten(ctx, c, p, moves, guard)
	default:
		took, err = e.rename(ctx, c, moves, time.Duration(p.LockWait))
	}
	if err != nil {
		return 0, errors.Join(err, e.putBoth(context.WithoutCancel(ctx), p, r))
	}
	return took, nil
}

// dropUnreadable drops the live tables that the plan lists as unmovable. A table that
// turns out to be readable is not dropped: the plan does not match the state.
func dropUnreadable(ctx context.Context, c *sql.Conn, p *restore.Plan) error {
	for _, t := range p.Unreadable {
		_, err := schema.All(ctx, c, "SELECT 1 FROM "+restore.Name(p.Target.Live, t)+" LIMIT 1")
		switch {
		case err == nil:
			return ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("%s can be read again", t)).
				WithHint(lang.M("make a new plan"))
		case mysql.Lost(err):
			return err
		}
	}
	if len(p.Unreadable) == 0 {
		return nil
	}
	for _, q := range []string{"SET SESSION foreign_key_checks = 0", restore.DropStatement(p.Target.Live, p.Unreadable),
		"SET SESSION foreign_key_checks = 1"} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("drop what cannot be read: %w", err)
		}
	}
	return nil
}

// putBoth recreates both databases' triggers if the RENAME did not happen. If it did
// happen, the live tables are the restored ones, and the next check continues from there.
func (e *Exchange) putBoth(ctx context.Context, p *restore.Plan, r *record) error {
	db, err := e.db(ctx)
	if err != nil {
		return err
	}
	kept, err := tables(ctx, db, p.Kept)
	if err != nil || len(only(r.Leaving.Tables, kept)) > 0 {
		return err
	}
	return errors.Join(
		e.objects.putTriggers(ctx, p.Target.Live, r.Leaving),
		e.objects.putTriggers(ctx, p.Shadow, r.Coming),
	)
}

// clearWay drops what blocks the RENAME: triggers, and views with a new table's name.
func (e *Exchange) clearWay(
	ctx context.Context,
	c *sql.Conn,
	live string,
	moves []restore.Move,
	coming []string,
) error {
	err := dropTriggers(ctx, c, moves)
	if err == nil {
		err = dropInTheWay(ctx, c, live, coming)
	}
	return e.sessions.held(ctx, c, live, err)
}

// rename executes the RENAME statement. The server may choose it as a deadlock victim
// against readers that lock the tables in another order: then nothing has changed, and it
// is retried until the lock wait ends.
func (e *Exchange) rename(
	ctx context.Context,
	c *sql.Conn,
	moves []restore.Move,
	wait time.Duration,
) (time.Duration, error) {
	for last := time.Now().Add(wait); ; {
		begin := time.Now()
		_, err := c.ExecContext(ctx, restore.RenameStatement(moves))
		switch {
		case err == nil:
			return time.Since(begin), nil
		case mysql.Number(err) != mysql.ErrDeadlock || begin.After(last):
			return 0, e.sessions.held(ctx, c, moves[0].From, fmt.Errorf("swap the tables: %w", err))
		}
	}
}

func makeSchema(ctx context.Context, c *sql.Conn, name string, like contents) error {
	q := "CREATE DATABASE IF NOT EXISTS " + restore.Name(name)
	if like.Charset != "" {
		q += " CHARACTER SET " + like.Charset + " COLLATE " + like.Collation
	}
	if err := mysql.DefineSoon(ctx, c, q); err != nil {
		return fmt.Errorf("create the database %s: %w", name, err)
	}
	return nil
}

// dropTriggers drops the triggers of the tables that are about to move: otherwise RENAME
// fails with error 1435.
func dropTriggers(ctx context.Context, c *sql.Conn, moves []restore.Move) error {
	for _, m := range moves {
		rows, err := schema.All(
			ctx,
			c,
			"SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?",
			m.From,
			m.Table,
		)
		if err != nil {
			return fmt.Errorf("list the triggers of %s: %w", m.Table, err)
		}
		for _, r := range rows {
			if err := (object{Kind: "trigger", Name: r[0]}).drop(ctx, c, m.From); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropInTheWay drops live views that have the name of a table of the backup.
func dropInTheWay(ctx context.Context, c *sql.Conn, live string, coming []string) error {
	rows, err := schema.All(ctx, c, "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?", live)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !slices.Contains(coming, r[0]) {
			continue
		}
		if err := (object{Kind: "view", Name: r[0]}).drop(ctx, c, live); err != nil {
			return err
		}
	}
	return nil
}
