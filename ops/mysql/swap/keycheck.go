package swap

import (
	"context"
	"time"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/restore"
)

// keysBudget limits the check of foreign keys in a copy that matches its checksums:
// findings there are only reported. Tests reduce it.
var keysBudget = 5 * time.Second

// keys looks for rows without their parent row. In a copy that equals the backup they are
// reported, in any other they are a fault.
func (v *verifier) keys(ctx context.Context, in string) error {
	c, err := v.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	check := load.KeyCheck{
		Schema:   in,
		Tables:   v.p.Tables,
		Faithful: v.p.Source.Manifest && len(v.v.Doubts) == 0 && v.after == nil,
		Held:     v.held,
		Among:    func(table string) bool { return !v.proven[table] },
	}
	if check.Faithful && v.p.Source.Consistent {
		check.Within = keysBudget
	}
	if v.after != nil {
		check.Held = v.replayed()
		check.Logged = true
	}
	faults, remarks, err := load.CheckForeignKeys(ctx, c, check)
	if err != nil {
		return err
	}
	for _, m := range faults {
		v.doubt(m)
	}
	for _, m := range remarks {
		v.v.Notes = append(v.v.Notes, restore.N(m))
	}
	return nil
}

// replayed are the tables after a replay: tables with the rows of the backup and the log
// count as equal.
func (v *verifier) replayed() (out []backup.TableVerdict) {
	for _, t := range v.v.Tables {
		state := backup.Differs
		switch t.State {
		case "ok":
			state = backup.Same
		case "uncounted":
			state = backup.Unchecked
		}
		out = append(out, backup.TableVerdict{Name: t.Table, State: state})
	}
	return out
}
