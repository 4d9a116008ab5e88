package swap

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// trust finds the tables of a standby that need no second check: their last check compared
// all rows, and by the server's log nothing was written to them since. If the log cannot
// tell, all tables are checked.
func (v *verifier) trust(ctx context.Context) error {
	_, _, warm, err := start(v.p, v.s.folder(v.p.ID))
	if err != nil || !warm {
		return err
	}
	v.warm, v.proven = true, map[string]bool{}
	s := v.p.Standby()
	if len(s.Proven) == 0 || s.Seen.File == "" || v.s.log == nil {
		return nil
	}
	touched, err := v.writtenSince(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v.v.Notes = append(v.v.Notes, restore.N(lang.M("all tables are counted: the binlog could not be read (%s)",
			err.Error())))
		return nil
	}
	for _, t := range s.Proven {
		n, known := v.after[t]
		if known && n >= 0 && !touched.Holds(t) {
			v.proven[t] = true
		}
	}
	return nil
}

// writtenSince finds what was written to the standby since the plan was made.
func (v *verifier) writtenSince(ctx context.Context) (replay.Touched, error) {
	log, err := v.s.log(ctx, nil)
	if err != nil {
		return replay.Touched{}, err
	}
	defer log.Close()
	run, err := log.At(v.p.Standby().Seen, "")
	switch {
	case err != nil:
		return replay.Touched{}, err
	case log.LiveErr != nil:
		return replay.Touched{}, log.LiveErr
	case run.Gap != nil || !run.Live:
		return replay.Touched{}, fmt.Errorf("it does not reach the present")
	}
	return replay.Written(ctx, run, v.p.Shadow)
}

// tellProven records the tables that were not checked again.
func (v *verifier) tellProven(names []string) {
	n := 0
	rows := int64(0)
	for _, t := range names {
		if !v.proven[t] {
			continue
		}
		n++
		rows += v.after[t]
		v.v.Tables = append(v.v.Tables, restore.TableRows{Table: t, Rows: v.after[t], Want: v.after[t], State: "ok"})
	}
	if n == 0 {
		return
	}
	s := v.p.Standby()
	v.v.Notes = append(v.v.Notes, restore.N(lang.M("%s tables (%s rows) were not read again: on %s all their rows had "+
		"the checksums of %s, and the binlog has no write into them since", strconv.Itoa(n), human.Count(rows),
		s.Checked.Local().Format("2006-01-02 15:04:05"), s.CheckedWith)))
}

// countRows counts a table's rows if there is no checksum.
func countRows(
	ctx context.Context,
	c *sql.Conn,
	t *schema.Table,
	want backup.Table,
	tick func(rows int64),
) (backup.TableVerdict, error) {
	d := backup.TableVerdict{Name: want.Name, State: backup.Unchecked, WantRows: want.Rows,
		Definition: backup.Unchecked}
	if !t.OwnRows() {
		return d, nil
	}
	text, err := schema.One(ctx, c, "SELECT COUNT(*) FROM "+t.SQLName())
	if err != nil {
		return d, err
	}
	if d.Rows, err = strconv.ParseInt(text, 10, 64); err != nil {
		return d, err
	}
	tick(d.Rows)
	if d.Rows != want.Rows {
		d.State, d.Detail = backup.Differs, "number of rows"
	}
	return d, nil
}
