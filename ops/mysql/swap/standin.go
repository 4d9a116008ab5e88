package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// standbyChoice decides whether a run uses the standby of its plan.
type standbyChoice struct {
	log   Log
	prove func(context.Context, *restore.Plan, run.Report) ([]restore.Note, error) // nil skips the proof
	// others says that others wrote to the standby; nil skips this.
	others func(context.Context, *restore.Plan) (lang.Msg, error)
}

// takes reports whether the run uses the standby of its plan. If it cannot, the standby is
// dropped, since it was made from a backup and the log and is never the only copy, and
// note tells why; the backup is proved before it is loaded instead.
func (t *standbyChoice) takes(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	report run.Report,
) (notes []restore.Note, err error) {
	want := p.Standby()
	if want == nil {
		return nil, nil
	}
	refused := filepath.Join(f.Path, refusedFile)
	why, err := readJSON[restore.Note](refused)
	switch {
	case err != nil:
		return nil, err
	case !why.Empty():
		return []restore.Note{instead(why)}, nil
	}
	reason, err := t.unfit(ctx, c, p)
	if err != nil || reason.Empty() {
		return nil, err
	}
	return t.refuse(ctx, c, p, f, restore.N(reason), report)
}

// unfit is why the standby of a plan cannot be used any more; empty if it can.
func (t *standbyChoice) unfit(ctx context.Context, c *sql.Conn, p *restore.Plan) (why lang.Msg, err error) {
	state, ok, err := replay.Peek(ctx, c, p.Shadow)
	switch {
	case err != nil:
		return why, err
	case !ok:
		return NoPlace(), nil
	}
	log, err := t.log(ctx, p.Source.Replay)
	if err != nil {
		return why, err
	}
	defer log.Close()
	run, err := log.At(p.Standby().At, p.Standby().Done)
	if err != nil {
		return OutOfLog(), nil
	}
	passed, known := run.Passed(state.At, p.Source.Replay.To)
	switch {
	case !known:
		return OutOfLog(), nil
	case passed:
		return lang.M("it passed the moment since the plan was made"), nil
	case t.others == nil || state.At != p.Standby().At: // the run itself has begun to write to it
		return why, nil
	}
	return t.others(ctx, p)
}

// refuse changes the restore to a load.
func (t *standbyChoice) refuse(
	ctx context.Context,
	c *sql.Conn,
	p *restore.Plan,
	f run.Folder,
	why restore.Note,
	report run.Report,
) ([]restore.Note, error) {
	notes := []restore.Note{instead(why)}
	if t.prove != nil {
		proved, err := t.prove(ctx, p, report)
		if err != nil {
			return nil, err
		}
		notes = append(notes, proved...)
	}
	if err := mysql.DropDatabase(ctx, c, p.Shadow); err != nil {
		return nil, fmt.Errorf("drop the standby: %w", err)
	}
	text, err := json.Marshal(why)
	if err != nil {
		return nil, err
	}
	return notes, atomicfile.WriteBytes(filepath.Join(f.Path, refusedFile), 0o600, text)
}
