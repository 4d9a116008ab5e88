package restores

import (
	"context"
	"errors"
	"fmt"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/mysql/rescue"
	"opsdeck/ops/restore"
	"slices"
	"strings"
	"time"
)

// Rescue is a comparison of a table with its copy in a backup, and a merge of chosen rows.
type Rescue struct {
	Table   string
	Source  restore.Source
	Keys    string // only these rows
	Missing bool   // show only rows that the live table lacks
	Changed bool   // show only rows whose values changed
	Limit   int    // of the rows in the answer; 0 for all
	Merge   string // "", or which rows: missing, changed, all, keys
	Writes  bool   // the merge is carried out
	Keep    bool   // leave the loaded copy of the table
	// Found is told of the comparison, before a merge.
	Found func(*Rescued)
	// Agree asks before a merge; nil: it is confirmed already.
	Agree func(what lang.Msg) error
}

// Rescued is what a rescue found and did, for programs.
type Rescued struct {
	Backup     string    `json:"backup"`
	RestoredTo time.Time `json:"restored_to"`
	Database   string    `json:"database"`
	Table      string    `json:"table"`
	Key        []string  `json:"key"`
	restore.RescueTally
	Rows        []RescuedRow  `json:"rows"`
	More        int64         `json:"more"` // rows that differ and are not in Rows
	Notes       []string      `json:"notes,omitempty"`
	Scratch     string        `json:"scratch"`
	ScratchKept bool          `json:"scratch_kept"`
	WouldMerge  *RescueMerged `json:"would_merge,omitempty"`
	Merged      *RescueMerged `json:"merged,omitempty"`
	// Outcome says what the merge did or would do; empty without one.
	Outcome lang.Msg `json:"-"`
	// Ended tells that the comparison, and the merge that was asked for, came to their end:
	// what went wrong after that changes nothing of them.
	Ended bool `json:"-"`
}

// RescueMerged is what a merge wrote, or would write.
type RescueMerged struct {
	Inserted int64 `json:"inserted"`
	Updated  int64 `json:"updated"`
}

// RescuedRow is one row that differs.
type RescuedRow struct {
	Key     string         `json:"key"`
	Kind    string         `json:"kind"`
	Columns []RescuedValue `json:"columns"`
}

// RescuedValue is one column: null is NULL, or no row on that side.
type RescuedValue struct {
	Name   string  `json:"name"`
	Backup *string `json:"backup"`
	Live   *string `json:"live"`
}

// rescuer is one rescue.
type rescuer struct {
	Rescue
	*Desk
	out  Rescued
	want RescueMerged // what a merge would do
	seen map[string]bool
}

// Run compares and merges, on record.
func (what Rescue) Run(ctx context.Context, d *Desk) (*Rescued, error) {
	r := &rescuer{Rescue: what, Desk: d}
	action := "restore.rescue"
	if what.Writes {
		action = "restore.rescue.merge"
	}
	entry := oplog.Entry{
		Action: action,
		Object: d.Service.Database.Name + "." + what.Table,
		Detail: map[string]string{"backup": what.Source.Name},
	}
	err := d.Record(ctx, entry, func(ctx context.Context, detail map[string]string) error {
		err := r.run(ctx)
		detail["scratch"] = r.out.Scratch
		detail["differs"] = fmt.Sprintf("%d missing, %d changed, %d added", r.out.Missing, r.out.Changed, r.out.Added)
		if m := r.out.Merged; m != nil {
			detail["merged"] = fmt.Sprintf("%d inserted, %d updated", m.Inserted, m.Updated)
		}
		return err
	})
	return &r.out, err
}

func (r *rescuer) run(ctx context.Context) (err error) {
	ids, err := r.Shelf.Identities()
	if err != nil {
		return err
	}
	job := rescue.Job{
		Target:     r.Target,
		Path:       r.Source.Path,
		Live:       r.Service.Database.Name,
		Table:      r.Table,
		Identities: ids,
		Jobs:       r.Service.Backup.Jobs,
		Keep:       r.Keep,
		Now:        r.Clock.Now,
	}
	if !r.Source.Manifest {
		job.From = r.Source.Database
	}
	report, done := r.Progress()
	defer done()
	job.Report = report
	s, err := rescue.Open(ctx, job)
	if err != nil {
		return err
	}
	r.out = Rescued{
		Backup:      r.Source.Name,
		RestoredTo:  r.Source.At,
		Database:    job.Live,
		Table:       r.Table,
		Key:         s.Key(),
		Rows:        []RescuedRow{},
		Scratch:     s.Scratch,
		ScratchKept: r.Keep,
	}
	defer func() {
		closed := s.Close()
		if r.Keep {
			r.Say(lang.M("the backup's table stays in %s; drop that database when you are done", s.Scratch))
		} else if closed == nil {
			r.Say(lang.M("the scratch database %s was dropped", s.Scratch))
		}
		if closed != nil {
			err = errors.Join(err, closed)
		}
	}()
	for _, n := range s.Notes {
		r.out.Notes = append(r.out.Notes, r.Lang.Msg(n))
		r.Say(n)
	}
	if err := r.compare(ctx, s); err != nil {
		return err
	}
	done()
	return r.finish(ctx, s)
}

// compare reads both tables and keeps the first rows that differ.
func (r *rescuer) compare(ctx context.Context, s *rescue.Session) (err error) {
	show := r.shown()
	pick := r.pick()
	r.seen = map[string]bool{}
	r.out.RescueTally, err = s.Diff(ctx, func(d *restore.Difference) error {
		if pick.Keys != nil {
			r.seen[s.Common.KeyText(d.Row())] = pick.Takes(&s.Common, d) || r.seen[s.Common.KeyText(d.Row())]
		}
		if d.Kind != restore.RescueAdded && pick.Takes(&s.Common, d) {
			if d.Kind == restore.RescueMissing {
				r.want.Inserted++
			} else {
				r.want.Updated++
			}
		}
		switch {
		case !show.Takes(&s.Common, d):
		case r.Limit > 0 && len(r.out.Rows) >= r.Limit:
			r.out.More++
		default:
			r.out.Rows = append(r.out.Rows, rescuedRow(&s.Common, d))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for key := range pick.Keys {
		if r.Merge != "" && !r.seen[key] {
			return ops.E(ops.Usage, lang.M("no row %s differs: nothing was merged", key)).
				WithHint(lang.M("name the rows by their keys as shown: --keys 17,18"))
		}
	}
	return nil
}

// shown picks the rows to show.
func (r *rescuer) shown() restore.RescuePick {
	p := restore.RescuePick{Keys: r.keys()}
	switch {
	case r.Merge != "":
		return r.pick()
	case r.Missing || r.Changed:
		p.Kinds = map[string]bool{restore.RescueMissing: r.Missing, restore.RescueChanged: r.Changed}
	}
	return p
}

// pick picks the rows to merge.
func (r *rescuer) pick() restore.RescuePick {
	return restore.RescuePick{Keys: r.keys(), Kinds: map[string]bool{
		restore.RescueMissing: r.Merge != restore.RescueChanged,
		restore.RescueChanged: r.Merge != restore.RescueMissing}}
}

func (r *rescuer) keys() map[string]bool {
	if r.Keys == "" {
		return nil
	}
	keys := map[string]bool{}
	for _, k := range restore.SplitKeys(r.Keys) {
		keys[k] = true
	}
	return keys
}

func rescuedRow(t *restore.RescueTable, d *restore.Difference) RescuedRow {
	row := RescuedRow{Key: t.ShownKey(d.Row()), Kind: d.Kind, Columns: []RescuedValue{}}
	for i, c := range t.Columns {
		if d.Kind == restore.RescueChanged && !slices.Contains(d.Columns, i) {
			continue
		}
		v := RescuedValue{Name: c.Name}
		if d.Backup != nil {
			v.Backup = c.Shown(d.Backup[i])
		}
		if d.Live != nil {
			v.Live = c.Shown(d.Live[i])
		}
		row.Columns = append(row.Columns, v)
	}
	return row
}

// finish shows what differs, and merges.
func (r *rescuer) finish(ctx context.Context, s *rescue.Session) error {
	r.Found(&r.out)
	switch {
	case r.Merge == "":
	case !r.Writes:
		r.out.WouldMerge = &r.want
		r.out.Outcome = lang.M(
			"would insert %s rows and update %s in %s; nothing was written",
			human.Count(r.want.Inserted),
			human.Count(r.want.Updated),
			r.Table,
		)
	case r.want == RescueMerged{}:
		r.out.Merged = &RescueMerged{}
		r.out.Outcome = lang.M("nothing to merge")
	default:
		if err := r.merge(ctx, s); err != nil {
			return err
		}
	}
	r.out.Ended = true
	return nil
}

func (r *rescuer) merge(ctx context.Context, s *rescue.Session) error {
	if err := s.Mergeable(); err != nil {
		return err
	}
	if r.Agree != nil {
		what := lang.M(
			"This inserts %s rows into %s and updates %s.",
			human.Count(r.want.Inserted),
			r.Table,
			human.Count(r.want.Updated),
		)
		if err := r.Agree(what); err != nil {
			return err
		}
	}
	held, err := r.Hold(ctx, "rescue merge")
	if err != nil {
		return err
	}
	defer held.Release()
	done, err := s.Merge(ctx, r.pick())
	r.out.Merged = &RescueMerged{Inserted: done.Missing, Updated: done.Changed}
	if err != nil {
		return err
	}
	r.out.Outcome = mergedText(done, s.Skipped)
	return nil
}

// mergedText says what a merge wrote, and which columns of the backup it could not write.
func mergedText(done restore.RescueTally, skipped []string) lang.Msg {
	inserted := human.Count(done.Missing)
	updated := human.Count(done.Changed)
	if len(skipped) == 0 {
		return lang.M("%s rows were inserted and %s updated; each was read back and matches the backup", inserted,
			updated)
	}
	return lang.M(
		"%s rows were inserted and %s updated; each was read back and matches the backup, except for columns that "+
			"the live table no longer has: %s",
		inserted, updated, strings.Join(skipped, ", "),
	)
}
