package restore

import (
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Doomed is what dropping the old tables would remove, read from the server.
type Doomed struct {
	Live       string   // the database that remains
	LiveTables []string // its current tables
	Databases  []DoomedDatabase
}

// DoomedDatabase is a database that would be dropped, with its tables.
type DoomedDatabase struct {
	Name   string
	Tables []string
	Rows   int64 // counted now; -1 where that took too long
	// Emptied are tables that have rows here, but none, or none that are readable, in the live
	// database.
	Emptied []string
}

// only are the tables of a database to be dropped that the live one does not have, except
// those whose loss was accepted.
func (d Doomed) only(b DoomedDatabase, accepted []string) (only []string) {
	for _, t := range b.Tables {
		if !slices.Contains(d.LiveTables, t) && !slices.Contains(accepted, t) {
			only = append(only, t)
		}
	}
	return only
}

// LosesLastCopy returns an error if the live database has no tables and a database with tables
// would be dropped.
func (d Doomed) LosesLastCopy() error {
	if len(d.LiveTables) > 0 {
		return nil
	}
	for _, b := range d.Databases {
		if len(b.Tables) > 0 {
			return ops.E(ops.Failed, lang.M("%s has no tables now, and %s still has %s: nothing was dropped",
				d.Live, b.Name, someOf(b.Tables))).
				WithHint(lang.M("restore %s first: opsdeck restore", d.Live))
		}
	}
	return nil
}

// Refuses returns an error if tables would be lost that the live database does not have,
// or has without rows. Tables whose loss the restore's plan accepted do not count, nor do
// those in accepted.
func (d Doomed) Refuses(p *Plan, s Snapshot, accepted []string) error {
	if err := d.LosesLastCopy(); err != nil {
		return err
	}
	for _, b := range d.Databases {
		known := accepted
		if b.Name == p.Kept {
			known = append(slices.Clone(accepted), p.Accepted...)
		}
		if only := d.only(b, known); len(only) > 0 {
			return ops.E(ops.Failed, lang.M("these tables are in %s but not in %s: %s; nothing was dropped",
				b.Name, d.Live, someOf(only))).
				WithHint(lang.M("restore %s first, or accept their loss: opsdeck restore drop-old %s "+
					"--accept-missing %s",
					d.Live, p.ID, shellTables(d.Live, slices.Concat(d.only(b, nil), b.Emptied))))
		}
		if gone := b.lost(p, s, known); len(gone) > 0 {
			return ops.E(ops.Failed, lang.M("these tables have rows in %s and none in %s: %s; nothing was dropped",
				b.Name, d.Live, someOf(gone))).
				WithHint(lang.M("restore %s first, or accept their loss: opsdeck restore drop-old %s "+
					"--accept-missing %s",
					d.Live, p.ID, shellTables(d.Live, slices.Concat(d.only(b, nil), b.Emptied))))
		}
	}
	return nil
}

// lost are the emptied tables whose loss nobody accepted. A table without rows in the
// backup was already empty when it was restored.
func (b DoomedDatabase) lost(p *Plan, s Snapshot, accepted []string) (out []string) {
	for _, t := range b.Emptied {
		bare := b.Name == p.Kept && slices.ContainsFunc(s.Data.TableRows, func(r TableRows) bool {
			return r.Table == t && r.State == "ok" && r.Rows == 0
		})
		if !bare && !slices.Contains(accepted, t) {
			out = append(out, t)
		}
	}
	return out
}

// Lines tell for each database what is lost with it, with the rows that it holds now, or,
// where they were not counted, those that the run knows.
func (d Doomed) Lines(p *Plan, s Snapshot) (out []lang.Msg) {
	for _, b := range d.Databases {
		out = append(out, lang.M("will be dropped: the database %s, tables: %s", b.Name, someOf(b.Tables)))
		if b.Rows >= 0 {
			if len(b.Tables) > 0 {
				out = append(out, lang.M("rows in %s now: %s", b.Name, human.Count(b.Rows)))
			}
		} else if rows, ok := knownRows(p, s, b); ok {
			out = append(out, lang.M("rows in %s when it was restored: %s", b.Name, human.Count(rows)))
		} else if len(b.Tables) > 0 {
			out = append(out, lang.M("the number of rows in %s is unknown", b.Name))
		}
		if only := d.only(b, nil); len(only) > 0 {
			out = append(out, lang.M("in %s but not in %s: %s", b.Name, d.Live, someOf(only)))
		}
		if len(b.Emptied) > 0 {
			out = append(out, lang.M("with rows in %s but none in %s: %s", b.Name, d.Live, someOf(b.Emptied)))
		}
	}
	if len(d.Databases) == 0 {
		out = append(out, lang.M("no kept database of restore %s is left on the server", p.ID))
	}
	return out
}

// knownRows are the row counts from the verification; the old tables were never counted.
func knownRows(p *Plan, s Snapshot, b DoomedDatabase) (sum int64, ok bool) {
	if b.Name == p.Kept || len(b.Tables) == 0 {
		return 0, false
	}
	for _, t := range b.Tables {
		i := slices.IndexFunc(s.Data.TableRows, func(r TableRows) bool { return r.Table == t && r.State == "ok" })
		if i < 0 {
			return 0, false
		}
		sum += s.Data.TableRows[i].Rows
	}
	return sum, true
}

// fewNames is the maximum number of names in a sentence.
const fewNames = 12

// someOf lists tables in a sentence, only the first of many.
func someOf(tables []string) lang.Msg {
	switch n := len(tables); {
	case n == 0:
		return lang.M("none")
	case n > fewNames:
		return lang.M("%s and %s more", strings.Join(tables[:fewNames], ", "), fmt.Sprint(n-fewNames))
	}
	return lang.Raw(strings.Join(tables, ", "))
}

// before are the tables that an undo brings back: those that were live before the restore
// and could be kept.
func (p *Plan) before(s Snapshot) (names []string) {
	for _, t := range p.Movable(p.Leaving) {
		if p.Mode == Swap || !slices.Contains(s.SkipTables, t) {
			names = append(names, t)
		}
	}
	return names
}

// lacking are the restored tables that an undo does not bring back, because they did not
// exist before the restore. bare tells that the database gets no table back.
func (p *Plan) lacking(s Snapshot) (missing []string, bare bool) {
	before := p.before(s)
	for _, t := range p.restored(s) {
		if !slices.Contains(before, t) {
			missing = append(missing, t)
		}
	}
	return missing, len(p.Tables) == 0 && len(before) == 0
}

// fromNothing reports a restore of tables into a database without tables that could be
// kept.
func (p *Plan) fromNothing() bool {
	return len(p.Tables)+len(p.Movable(p.Leaving)) == 0 && !p.Bare()
}

// UndoTexts tell, before an undo, what the database will lack after it. They are empty if
// all tables come back.
func (p *Plan) UndoTexts(s Snapshot) (out []lang.Msg) {
	missing, bare := p.lacking(s)
	switch {
	case bare:
		out = append(out, lang.M("After the undo, %s has no tables: it had none before the restore.", p.Target.Live))
	case len(missing) > 0:
		out = append(out, lang.M("After the undo, %s lacks these tables, as before the restore: %s",
			p.Target.Live, someOf(missing)))
	}
	if p.Mode == Swap && len(missing) > 0 {
		out = append(out, lang.M("On this server they are then only in %s.", p.Shadow))
	}
	return out
}

// UndoneTexts tell, after an undo, what the database lacks.
func (p *Plan) UndoneTexts(s Snapshot) []lang.Msg {
	missing, bare := p.lacking(s)
	kept := p.Mode == Swap && s.Kept && len(missing) > 0
	switch {
	case bare && kept:
		return []lang.Msg{lang.M("%s has no tables, as before the restore; the restored tables are in %s",
			p.Target.Live, p.Shadow)}
	case bare:
		return []lang.Msg{lang.M("%s has no tables, as before the restore", p.Target.Live)}
	case kept:
		return []lang.Msg{lang.M("%s lacks these tables, as before the restore: %s; they are in %s",
			p.Target.Live, someOf(missing), p.Shadow)}
	case len(missing) > 0:
		return []lang.Msg{lang.M("%s lacks these tables, as before the restore: %s", p.Target.Live, someOf(missing))}
	}
	return nil
}

// restored are the tables of the restored data.
func (p *Plan) restored(s Snapshot) []string {
	if len(p.Coming) > 0 {
		return p.Coming
	}
	var names []string
	for _, t := range s.Data.TableRows {
		if t.State != "missing" {
			names = append(names, t.Table)
		}
	}
	return names
}
