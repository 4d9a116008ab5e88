package swap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Verify compares tables, rows and checksums with the manifest, runs CHECK TABLE and the
// smoke test, and checks foreign keys if the manifest does not cover them. Tables that
// this process has already verified during the load are not read twice.
func (c *Verification) Verify(ctx context.Context, p *restore.Plan, report run.Report) (run.Verdict, error) {
	v := c.current
	if c.current = nil; v == nil || v.p != p || p.Source.Replay != nil {
		v.end()
		v = newVerifier(c, p)
	}
	defer v.end()
	stop := context.AfterFunc(ctx, v.cancel)
	defer stop()
	if err := v.afterReplay(ctx); err != nil {
		return run.Verdict{}, err
	}
	if err := v.look(ctx, p.Coming, report); err != nil {
		return run.Verdict{}, err
	}
	in := p.Loaded()
	if err := v.contents(ctx); err != nil {
		return run.Verdict{}, err
	}
	for _, check := range []func(context.Context, string) error{v.keys, v.smoke} {
		if err := check(ctx, in); err != nil {
			return run.Verdict{}, err
		}
	}
	v.sum()
	return v.v, nil
}

// VerifyBack compares the live database with the emergency backup that was loaded into it.
func (c *Verification) VerifyBack(
	ctx context.Context, p *restore.Plan, emergency string, report run.Report,
) (run.Verdict, error) {
	back := *p
	var err error
	if back.Source, err = savedSource(emergency, p.Target.Live); err != nil {
		return run.Verdict{}, err
	}
	back.Without, back.Accepted = nil, nil
	back.Verify.SmokeTest, back.Verify.KeyTables = nil, nil
	back.Coming = nil
	for _, t := range back.Source.Tables {
		if len(p.Tables) == 0 || slices.Contains(p.Tables, t.Name) {
			back.Coming = append(back.Coming, t.Name)
		}
	}
	c.forget()
	v := newVerifier(c, &back)
	defer v.end()
	stop := context.AfterFunc(ctx, v.cancel)
	defer stop()
	if err := v.look(ctx, back.Coming, report); err != nil {
		return run.Verdict{}, err
	}
	v.sum()
	return v.v, nil
}

// look checks all tables; coming are those that must exist.
func (v *verifier) look(ctx context.Context, coming []string, report run.Report) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	names, err := tables(ctx, db, v.p.Loaded())
	if err != nil {
		return err
	}
	if err := v.rest(ctx, names, report); err != nil {
		return err
	}
	v.missing(names, coming)
	v.tellProven(names)
	return nil
}

// doubt records a problem; the verbs of m are %s. The caller holds the lock, or no worker
// is running.
func (v *verifier) doubt(m lang.Msg) {
	v.v.Doubts = append(v.v.Doubts, restore.N(m))
}

func (v *verifier) inScope(name string) bool {
	return len(v.p.Tables) == 0 || slices.Contains(v.p.Tables, name)
}

// missing reports the manifest's tables that do not exist, and tables that are not in the
// manifest.
func (v *verifier) missing(names, coming []string) {
	for _, want := range coming {
		if !slices.Contains(names, want) {
			src, _ := v.p.Source.Table(want)
			v.v.Tables = append(v.v.Tables, restore.TableRows{Table: want, Want: src.Rows, State: "missing"})
			v.doubt(lang.M("the table %s is missing", want))
		}
	}
	if !v.p.Source.Manifest || len(v.p.Tables) > 0 {
		return
	}
	for _, t := range names {
		if known := v.known[t]; known != nil && known.Sequence {
			continue
		}
		if !slices.Contains(coming, t) {
			v.doubt(lang.M("the table %s is not in the backup's manifest", t))
		}
	}
	if len(names) == 0 && len(v.p.Source.Tables) > 0 {
		v.doubt(lang.M("nothing was loaded"))
	}
}

// noSuchTable is MySQL's ER_NO_SUCH_TABLE.
const noSuchTable = 1146

func (v *verifier) smoke(ctx context.Context, in string) error {
	for _, q := range v.p.Verify.SmokeTest {
		c, err := v.db.Conn(ctx)
		if err != nil {
			return err
		}
		_, err = c.ExecContext(ctx, "USE "+restore.Name(in))
		var rows [][]string
		if err == nil {
			rows, err = schema.All(ctx, c, q)
		}
		c.Close()
		switch {
		case mysql.Number(err) == noSuchTable && len(v.p.Tables) > 0: // the other tables are unchanged
			v.v.Notes = append(v.v.Notes,
				restore.N(lang.M("the smoke test %s was not run: it needs tables that are not restored", q)))
		case err != nil:
			v.doubt(lang.M("the smoke test %s fails: %s", q, err.Error()))
		case len(rows) == 0 || len(rows[0]) == 0 || rows[0][0] == "0" || rows[0][0] == "":
			v.doubt(lang.M("the smoke test %s is not true", q))
		default:
			v.v.Notes = append(v.v.Notes, restore.N(lang.M("smoke test passed: %s", q)))
		}
	}
	return nil
}

func (v *verifier) sum() {
	slices.SortFunc(v.v.Tables, func(a, b restore.TableRows) int { return strings.Compare(a.Table, b.Table) })
	if v.blind != nil {
		v.v.Notes = append(v.v.Notes, restore.N(lang.M("CHECK TABLE could not run: %s", v.blind.Error())))
	}
	if len(v.unchecked) > 0 {
		slices.Sort(v.unchecked)
		v.v.Notes = append(v.v.Notes,
			restore.N(lang.M("not checked, their engine does not support CHECK TABLE: %s", lang.List(v.unchecked))))
	}
	var ok, bare int
	var rows int64
	for _, t := range v.v.Tables {
		if known := v.known[t.Table]; known != nil && !known.OwnRows() {
			bare++
		}
		rows += t.Rows
		if t.State == "ok" {
			ok++
		}
		if slices.Contains(v.p.Verify.KeyTables, t.Table) {
			v.v.Notes = append(v.v.Notes, restore.N(lang.M("key table %s: %s rows", t.Table, human.Count(t.Rows))))
		}
	}
	for _, k := range v.p.Verify.KeyTables {
		if len(v.p.Tables) == 0 && !slices.Contains(v.p.Coming, k) && v.p.Source.Manifest {
			v.v.Notes = append(v.v.Notes, restore.N(lang.M("the key table %s is not in the backup", k)))
		}
	}
	if bare > 0 {
		v.v.Notes = append(v.v.Notes, restore.N(lang.M("only the definitions of %d tables without rows of their "+
			"own were compared", bare)))
	}
	what := v.compared(ok, len(v.v.Tables)-bare, rows)
	v.v.Notes = append([]restore.Note{restore.N(what)}, v.v.Notes...)
}

// unknown counts the tables whose rows the replay could not count.
func (v *verifier) unknown() (n int) {
	for _, t := range v.v.Tables {
		if want, known := v.after[t.Table]; known && want < 0 {
			n++
		}
	}
	return n
}

// compared says with what the tables were compared, and how many of them match.
func (v *verifier) compared(ok, tables int, rows int64) lang.Msg {
	matching := fmt.Sprint(ok)
	all := fmt.Sprint(tables)
	unsummed := v.unsummed + v.none
	switch {
	case v.held != nil:
		return lang.M("the backup has no manifest; %s of %s tables have as many rows as the dump; their values were "+
			"not compared", matching, all)
	case !v.p.Source.Manifest:
		return lang.M("the backup has no manifest to compare with: %s rows were counted in %s tables",
			human.Count(rows), all)
	case v.after != nil && v.unknown() > 0:
		return lang.M("%s of %s tables have as many rows as the replay counted; those of %s are not known, because "+
			"statements do not show them; no values were compared", matching, all, fmt.Sprint(v.unknown()))
	case v.after != nil:
		return lang.M("%s of %s tables have as many rows as the replay counted; their values were not compared",
			matching, all)
	case unsummed > 0:
		return lang.M("%s of %s tables have as many rows as the manifest; it has no checksum for %s of them: their "+
			"values were not compared", fmt.Sprint(ok+v.none), all, fmt.Sprint(unsummed))
	}
	return lang.M("%s of %s tables have the rows and checksums of the manifest", matching, all)
}
