package swap

import (
	"context"
	"slices"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/restore"
)

// inspector is a loader that can find out the contents of a dump without a manifest.
type inspector interface {
	Inspect(ctx context.Context, path string) (*backup.DumpContents, error)
}

// contents compares the loaded rows of a dump without a manifest with the rows in its
// statements. If the plan does not have the dump's contents, the dump is read again.
func (v *verifier) contents(ctx context.Context) error {
	held := v.planned()
	if r, can := v.s.loader.(inspector); can && held == nil && !v.p.Source.Manifest {
		c, err := r.Inspect(ctx, v.p.Source.Path)
		if err != nil {
			return err
		}
		held = load.HeldTables(c, v.p.Source.Database)
	}
	held = slices.DeleteFunc(held, func(t backup.DumpTable) bool {
		return !v.inScope(t.Name) || v.p.LeavesOut("table", t.Name)
	})
	if len(held) == 0 {
		return nil
	}
	counted := map[string]int64{}
	for _, t := range v.v.Tables {
		if t.State != "missing" {
			counted[t.Table] = t.Rows
		}
	}
	list, err := load.CompareHeld(ctx, v.db, v.p.Loaded(), held, counted)
	if err != nil {
		return err
	}
	v.held = list
	for _, h := range list {
		v.judgeHeld(h)
	}
	return nil
}

// planned are the tables of a dump that was inspected for the plan; nil if it was not, and
// for a backup with a manifest.
func (v *verifier) planned() (out []backup.DumpTable) {
	if v.p.Source.Manifest || !v.p.Source.Inspected {
		return nil
	}
	for _, t := range v.p.Source.Contents {
		out = append(out, backup.DumpTable{Name: t.Name, Rows: t.Rows, Inexact: t.Inexact})
	}
	return out
}

// judgeHeld records the verdict on a table of a dump without a manifest.
func (v *verifier) judgeHeld(h backup.TableVerdict) {
	i := slices.IndexFunc(v.v.Tables, func(t restore.TableRows) bool { return t.Table == h.Name })
	if i < 0 {
		v.v.Tables = append(v.v.Tables, restore.TableRows{Table: h.Name})
		i = len(v.v.Tables) - 1
	}
	t := &v.v.Tables[i]
	was := t.State
	t.Want = h.WantRows
	switch h.State {
	case backup.Same:
		t.Rows, t.State = h.Rows, "ok"
	case backup.Differs:
		t.State = "differs"
		v.doubt(lang.M("%s has %s rows, the dump %s", h.Name, human.Count(h.Rows), human.Count(h.WantRows)))
	case backup.Missing:
		if t.State = "missing"; was != "missing" {
			v.doubt(lang.M("the table %s is missing", h.Name))
		}
	default:
		t.Want = -1
	}
}
