package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// savedMark is a WriteMark that holds for hours: from the emergency backup to the first
// change of the live database. Meanwhile the load itself fills the binlog, so the counters
// of the live tables come first.
type savedMark struct {
	Counts string `json:"counts,omitempty"` // reading of byCounts
	Stats  string `json:"stats,omitempty"`  // reading of byTimes
	Log    string `json:"log,omitempty"`    // binlog position
	Start  int64  `json:"start"`            // of the server, in Unix seconds: counters restart with it
	// Definitions are those of the live database; nil if they were not read.
	Definitions map[string]string `json:"definitions"`
}

// startSlack is how far two readings of the server's start may differ, in seconds.
const startSlack = 3

// MarkSaved records the current state of writes to the live database.
func (m *Writes) MarkSaved(ctx context.Context, p *restore.Plan) (run.WriteMark, error) {
	c, err := m.conn(ctx, "", time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	now := m.saved(ctx, c, p.Target.Live)
	if now.Stats != "" && !settled(byTimes, now.Stats) {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		now = m.saved(ctx, c, p.Target.Live)
	}
	if sound(p) {
		now.Definitions, _ = definitions(ctx, c, p.Target.Live, p.Tables)
	}
	text, err := json.Marshal(now)
	return run.WriteMark(text), errors.Join(err, ctx.Err())
}

func (m *Writes) saved(ctx context.Context, c *sql.Conn, live string) (now savedMark) {
	now.Counts = m.reading(ctx, c, byCounts, live)
	now.Stats = m.reading(ctx, c, byTimes, live)
	now.Log = m.binlog(ctx, c)
	now.Start = startedAt(ctx, c)
	return now
}

// reading is a reading of a means; "" where the server does not have it.
func (m *Writes) reading(ctx context.Context, c *sql.Conn, means, live string) string {
	at, ok := m.read(ctx, c, means, live)
	if !ok {
		return ""
	}
	return at
}

// SinceSaved reports what was written since the emergency backup, as long as the run itself
// has not begun to change the live database.
func (m *Writes) SinceSaved(
	ctx context.Context, p *restore.Plan, f run.Folder, from run.WriteMark,
) (w run.Writes, err error) {
	if begun, err := changing(p, f); begun || err != nil {
		return w, err
	}
	if w, err = m.SinceMark(ctx, p, from); err != nil {
		return w, err
	}
	err = m.sinceDefined(ctx, p, from, &w)
	return w, err
}

// sinceDefined adds the definitions that were changed since the emergency backup. The swap's
// own changes come later.
func (m *Writes) sinceDefined(ctx context.Context, p *restore.Plan, from run.WriteMark, w *run.Writes) error {
	var was savedMark
	if err := json.Unmarshal([]byte(from), &was); err != nil {
		return fmt.Errorf("read the write position of the emergency backup: %w", err)
	}
	live := p.Target.Live
	if was.Definitions == nil { // damaged tables, or ones that this user may not read
		w.Notes = append(w.Notes, restore.N(lang.M(
			"whether the definitions of %s were changed after the emergency backup is unknown", live)))
		return nil
	}
	c, err := m.conn(ctx, "", time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	now, err := definitions(ctx, c, live, p.Tables)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		w.Untold = !w.Live
		w.Notes = append(w.Notes, restore.N(lang.M(
			"cannot tell whether the definitions of %s were changed after the emergency backup: %s",
			live, err.Error())))
		return nil
	}
	if notes := redefined(live, was.Definitions, now); len(notes) > 0 {
		w.Live = true
		w.Notes = append(w.Notes, notes...)
	}
	return nil
}

// MarkSwap is a mark of MarkSaved whose binlog position is the present one: what the swap
// itself has said about the live tables until now is no write.
func (m *Writes) MarkSwap(ctx context.Context, p *restore.Plan, from run.WriteMark) (run.WriteMark, error) {
	var mark savedMark
	if err := json.Unmarshal([]byte(from), &mark); err != nil {
		return "", fmt.Errorf("read the write position of the emergency backup: %w", err)
	}
	c, err := m.conn(ctx, "", time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if mark.Log != "" {
		mark.Log = m.binlog(ctx, c)
	}
	text, err := json.Marshal(mark)
	return run.WriteMark(text), errors.Join(err, ctx.Err())
}

// SinceMark is SinceSaved for a run that has begun to swap and has not moved a table.
func (m *Writes) SinceMark(ctx context.Context, p *restore.Plan, from run.WriteMark) (w run.Writes, err error) {
	var was savedMark
	if err := json.Unmarshal([]byte(from), &was); err != nil {
		return w, fmt.Errorf("read the write position of the emergency backup: %w", err)
	}
	c, err := m.conn(ctx, "", time.Second)
	if err != nil {
		return w, err
	}
	defer c.Close()
	live := p.Target.Live
	is := m.saved(ctx, c, live)
	restarted := is.Start-was.Start > startSlack || was.Start-is.Start > startSlack
	counted, countable := rose(was.Counts, is.Counts)
	switch {
	case ctx.Err() != nil:
		return w, ctx.Err()
	case !restarted && countable:
		w.Live = counted
	case !restarted && was.Stats != "" && is.Stats != "":
		if grew(was.Stats, is.Stats) {
			stirred(&w, live, was.Stats, is.Stats)
		}
	case was.Log != "" && was.Log == is.Log:
	case was.Log != "" && is.Log != "":
		if w, err = m.between(ctx, c, live, p.Shadow, readPlace(was.Log), readPlace(is.Log)); err != nil {
			return w, err
		}
	case restarted:
		w.Untold = true
		w.Notes = []restore.Note{restore.N(lang.M(
			"the server was restarted after the emergency backup; cannot tell whether %s was written to", live))}
	default:
		w.Blind = true
		w.Notes = []restore.Note{restore.N(lang.M(
			"this server has no counter that would show a write to %s after the emergency backup", live))}
	}
	w.Elsewhere = false
	return w, nil
}

// rose reports whether a count rose; ok is false where one is absent, or it was reset.
func rose(before, now string) (rises, ok bool) {
	was, err := strconv.ParseInt(before, 10, 64)
	is, bad := strconv.ParseInt(now, 10, 64)
	return is > was, err == nil && bad == nil && is >= was
}

// changing reports whether the run has begun to change the live database by a swap. Of a load
// in place, SinceLoad is asked once it has begun.
func changing(p *restore.Plan, f run.Folder) (bool, error) {
	if p.Mode == restore.InPlace {
		return false, nil
	}
	r, err := readRecord(f)
	return err == nil && r != nil && !r.Settled, err
}
