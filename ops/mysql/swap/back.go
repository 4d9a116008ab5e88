package swap

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// SwapBack moves the old tables back; the live tables go to the shadow.
func (e *Exchange) SwapBack(ctx context.Context, p *restore.Plan, f run.Folder) (run.Swapped, error) {
	var out run.Swapped
	r, err := readRecord(f)
	if err != nil {
		return out, err
	}
	if r == nil {
		return out, ops.E(ops.Failed, lang.M("the record of the swap is missing: %s", recordPath(f)))
	}
	c, err := e.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return out, err
	}
	defer c.Close()
	if err := e.sessions.alone(ctx, c, p, f); err != nil {
		return out, err
	}
	return e.swapBack(ctx, c, p, f, r)
}

func (e *Exchange) swapBack(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	r *record,
) (run.Swapped, error) {
	var out run.Swapped
	saved, files, err := asideSwapped(p, r).keep(ctx, c, p, f)
	if err != nil {
		return out, err
	}
	out.Exports = files
	if err := r.beginBack(ctx, c, p, f); err != nil {
		return out, err
	}
	moves, err := remainingBack(ctx, c, p, r)
	if err != nil {
		return out, err
	}
	var told []restore.Note
	if len(moves) > 0 {
		if out.Counters, told, err = e.counters.back(ctx, c, p); err != nil {
			return out, err
		}
		if err := makeSchema(ctx, c, p.Shadow, r.Coming); err != nil {
			return out, err
		}
		if err = e.clearWay(ctx, c, p.Target.Live, moves, r.Leaving.Tables); err == nil {
			out.Renamed, err = e.rename(ctx, c, moves, time.Duration(p.LockWait))
		}
		if err != nil {
			return out, errors.Join(err, e.objects.putTriggers(context.WithoutCancel(ctx), p.Target.Live, r.Coming))
		}
	}
	scope := func(o object) bool {
		return len(p.Tables) == 0 || o.Kind == "trigger" && slices.Contains(p.Tables, o.Table)
	}
	grants := ofWhole(p, r.backGrants())
	out.Notes, err = e.objects.replaceObjects(ctx, c, p.Target.Live, false, r.Coming, r.Leaving, grants, scope)
	if err != nil {
		return out, err
	}
	if len(p.Tables) == 0 {
		err = e.objects.setCharset(ctx, c, p.Target.Live, r.Coming, r.Leaving)
	}
	out.Notes = append(slices.Concat(saved, told, out.Notes), restore.N(undoneTexts(p, r)))
	return out, err
}

// undoneTexts describes the live database after the undo.
func undoneTexts(p *restore.Plan, r *record) lang.Msg {
	switch {
	case len(r.Leaving.Tables) > 0:
		return lang.M("the old tables are back; the tables that were live are in %s", p.Shadow)
	case len(p.Tables) > 0:
		return lang.M("%s lacks the tables of this restore, as before it; the restored tables are in %s",
			p.Target.Live, p.Shadow)
	case len(r.Since) > 0:
		return lang.M("%s has no tables, as before the restore; the restored tables are in %s", p.Target.Live, p.Shadow)
	}
	return lang.M("%s has no tables, as before the restore", p.Target.Live)
}

// beginBack records, once, which live tables must make room.
func (r *record) beginBack(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	if r.Back {
		return nil
	}
	live, err := tables(ctx, c, p.Target.Live)
	if err != nil {
		return err
	}
	if len(p.Tables) > 0 {
		live = only(live, r.Coming.Tables)
	}
	r.Since, r.Back = live, true
	r.Grants = routineGrants(ctx, c, p.Target.Live)
	return r.save(f)
}

// backGrants are the grants on routines after an undo: those of now, and those of before the
// restore on routines that it removed.
func (r *record) backGrants() []string {
	all := slices.Clone(r.Grants)
	for _, g := range r.Leaving.Grants {
		stayed := slices.ContainsFunc(r.Coming.of(schema.RoutineKinds...), func(o object) bool {
			return strings.Contains(g, "."+restore.Name(o.Name)+" TO ")
		})
		if !stayed && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

func remainingBack(ctx context.Context, c *sql.Conn, p *restore.Plan, r *record) ([]restore.Move, error) {
	shadow, err := tables(ctx, c, p.Shadow)
	if err != nil {
		return nil, err
	}
	kept, err := tables(ctx, c, p.Kept)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, t := range r.Since {
		if !slices.Contains(shadow, t) {
			out = append(out, t)
		}
	}
	return restore.SwapMoves(p.Target.Live, p.Kept, p.Shadow, out, only(r.Leaving.Tables, kept)), nil
}
