package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/rescue"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/restores"
)

// restoreRescueCmd is `opsdeck restore rescue --table T`.
type restoreRescueCmd struct {
	Table       string `required:"" placeholder:"T" help:"The table to compare with its copy in the backup."`
	From        string `placeholder:"NAME" help:"The backup or a dump file (default: the newest good backup)."`
	Missing     bool   `help:"Show only rows that the live table lacks."`
	Changed     bool   `help:"Show only rows whose values changed."`
	Keys        string `placeholder:"A,B" help:"Only these rows, by their keys as shown."`
	Limit       int    `default:"20" placeholder:"N" help:"Show the first N rows; 0 for all."`
	Diff        bool   `help:"Show the differences and merge nothing, as without --merge."`
	Merge       string `placeholder:"missing|changed|all" enum:",missing,changed,all,keys" default:"" help:"Write rows of the backup into the live table: missing, changed, both, or those of --keys."`
	DryRun      bool   `help:"Show what would be done, do nothing."`
	KeepScratch bool   `help:"Leave the loaded copy of the table in its scratch database."`
	Confirm     string `placeholder:"NAME" help:"The target database's name, to confirm without a terminal."`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// rescueJSON is the command's document.
type rescueJSON struct {
	Backup     string    `json:"backup"`
	RestoredTo time.Time `json:"restored_to"`
	Database   string    `json:"database"`
	Table      string    `json:"table"`
	Key        []string  `json:"key"`
	restore.RescueTally
	Rows        []rescueRow   `json:"rows"`
	More        int64         `json:"more"` // rows that differ and are not in Rows
	Notes       []string      `json:"notes,omitempty"`
	Scratch     string        `json:"scratch"`
	ScratchKept bool          `json:"scratch_kept"`
	WouldMerge  *rescueMerged `json:"would_merge,omitempty"`
	Merged      *rescueMerged `json:"merged,omitempty"`
}

type rescueMerged struct {
	Inserted int64 `json:"inserted"`
	Updated  int64 `json:"updated"`
}

type rescueRow struct {
	Key     string        `json:"key"`
	Kind    string        `json:"kind"`
	Columns []rescueValue `json:"columns"`
}

// rescueValue is one column: null is NULL, or no row on that side.
type rescueValue struct {
	Name   string  `json:"name"`
	Backup *string `json:"backup"`
	Live   *string `json:"live"`
}

// Run compares, shows, and merges when asked to.
func (c *restoreRescueCmd) Run(ctx context.Context, a *app) error {
	if err := c.check(a); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	db := d.Service.Database.Name
	if c.writes() {
		t, err := d.Live(ctx)
		if err != nil {
			return err
		}
		if err := d.Vacant(ctx, t); err != nil {
			return err
		}
		if c.Confirm != "" || !isTerminal(a.in) {
			if err := a.confirm(ctx, db, c.Confirm, lang.Msg{}); err != nil {
				return err
			}
		}
	}
	if c.Table, err = a.typedTable(ctx, c.Table); err != nil {
		return err
	}
	src, err := d.Finder().Source(ctx, c.From)
	if err != nil {
		return err
	}
	if src.State != string(backup.Good) {
		a.note(lang.M("the backup %s was not verified", src.Name))
	}
	r := &rescuer{restoreRescueCmd: c, app: a, desk: d, src: src}
	return r.recorded(ctx)
}

func (c *restoreRescueCmd) writes() bool { return c.Merge != "" && !c.DryRun && !c.Diff }

func (c *restoreRescueCmd) check(a *app) error {
	switch {
	case c.Diff && c.Merge != "":
		return ops.E(ops.Usage, lang.M("--diff and --merge cannot be used together"))
	case c.Merge == "keys" && c.Keys == "":
		return ops.E(ops.Usage, lang.M("--merge keys needs --keys")).
			WithHint(lang.M("name the rows by their keys as shown: --keys 17,18"))
	}
	return a.writable() // the comparison too makes a scratch database
}

// rescuer is one run of the command.
type rescuer struct {
	*restoreRescueCmd
	*app
	desk *restores.Desk
	src  restore.Source
	out  rescueJSON
	want rescueMerged // what a merge would do
	seen map[string]bool
}

// recorded does the work with its lines in the record of operations.
func (r *rescuer) recorded(ctx context.Context) error {
	log, err := r.oplog(ctx)
	if err != nil {
		return err
	}
	action := "restore.rescue"
	if r.writes() {
		action = "restore.rescue.merge"
	}
	entry := oplog.Entry{
		Service: r.desk.Service.Name,
		Action:  action,
		Object:  r.desk.Service.Database.Name + "." + r.Table,
		Result:  oplog.Started,
		Detail:  map[string]string{"backup": r.src.Name},
	}
	if err := log.Record(entry); err != nil {
		return err
	}
	err = r.run(ctx)
	entry.Detail = map[string]string{"backup": r.src.Name, "scratch": r.out.Scratch}
	entry.Detail["differs"] = fmt.Sprintf(
		"%d missing, %d changed, %d added",
		r.out.Missing,
		r.out.Changed,
		r.out.Added,
	)
	if m := r.out.Merged; m != nil {
		entry.Detail["merged"] = fmt.Sprintf("%d inserted, %d updated", m.Inserted, m.Updated)
	}
	switch {
	case err == nil:
		entry.Result = oplog.Done
	case ctx.Err() != nil:
		entry.Result = oplog.Stopped
	default:
		entry.Result, entry.Detail["error"] = oplog.Failed, err.Error()
	}
	return errors.Join(err, log.Record(entry))
}

func (r *rescuer) run(ctx context.Context) (err error) {
	ids, err := r.desk.Shelf.Identities()
	if err != nil {
		return err
	}
	job := rescue.Job{
		Target:     r.desk.Target,
		Path:       r.src.Path,
		Live:       r.desk.Service.Database.Name,
		Table:      r.Table,
		Identities: ids,
		Jobs:       r.desk.Service.Backup.Jobs,
		Keep:       r.KeepScratch,
		Now:        r.clock.Now,
	}
	if !r.src.Manifest {
		job.From = r.src.Database
	}
	p := r.progress()
	defer p.done()
	job.Report = p.report
	s, err := rescue.Open(ctx, job)
	if err != nil {
		return err
	}
	r.out = rescueJSON{
		Backup:      r.src.Name,
		RestoredTo:  r.src.At,
		Database:    job.Live,
		Table:       r.Table,
		Key:         s.Key(),
		Rows:        []rescueRow{},
		Scratch:     s.Scratch,
		ScratchKept: r.KeepScratch,
	}
	defer func() {
		closed := s.Close()
		if r.KeepScratch {
			r.note(lang.M("the backup's table stays in %s; drop that database when you are done", s.Scratch))
		} else if closed == nil {
			r.note(lang.M("the scratch database %s was dropped", s.Scratch))
		}
		if closed != nil {
			err = errors.Join(err, closed)
		}
	}()
	for _, n := range s.Notes {
		r.out.Notes = append(r.out.Notes, r.lang.Msg(n))
		r.note(n)
	}
	if err := r.compare(ctx, s); err != nil {
		return err
	}
	p.done()
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
			r.out.Rows = append(r.out.Rows, rescueRowOf(&s.Common, d))
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

func rescueRowOf(t *restore.RescueTable, d *restore.Difference) rescueRow {
	row := rescueRow{Key: t.ShownKey(d.Row()), Kind: d.Kind, Columns: []rescueValue{}}
	for i, c := range t.Columns {
		if d.Kind == restore.RescueChanged && !slices.Contains(d.Columns, i) {
			continue
		}
		v := rescueValue{Name: c.Name}
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
	if !r.JSON {
		r.print()
	}
	switch {
	case r.Merge == "":
	case !r.writes():
		r.out.WouldMerge = &r.want
		r.tell(
			lang.M(
				"would insert %s rows and update %s in %s; nothing was written",
				human.Count(r.want.Inserted),
				human.Count(r.want.Updated),
				r.Table,
			),
		)
	case r.want == rescueMerged{}:
		r.out.Merged = &rescueMerged{}
		r.tell(lang.M("nothing to merge"))
	default:
		if err := r.merge(ctx, s); err != nil {
			return err
		}
	}
	if r.JSON {
		return r.json(r.out)
	}
	return nil
}

// tell says it where it is no part of a JSON document.
func (r *rescuer) tell(m lang.Msg) {
	if !r.JSON {
		r.say(m)
	}
}

func (r *rescuer) merge(ctx context.Context, s *rescue.Session) error {
	if err := s.Mergeable(); err != nil {
		return err
	}
	if r.Confirm == "" {
		what := lang.M(
			"This inserts %s rows into %s and updates %s.",
			human.Count(r.want.Inserted),
			r.Table,
			human.Count(r.want.Updated),
		)
		if err := r.confirm(ctx, r.desk.Service.Database.Name, "", what); err != nil {
			return err
		}
	}
	held, err := r.desk.Hold(ctx, "rescue merge")
	if err != nil {
		return err
	}
	defer held.Release()
	done, err := s.Merge(ctx, r.pick())
	r.out.Merged = &rescueMerged{Inserted: done.Missing, Updated: done.Changed}
	if err != nil {
		return err
	}
	r.tell(mergedText(done, s.Skipped))
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

// print writes the comparison for people.
func (r *rescuer) print() {
	o := r.out
	r.say(
		lang.M(
			"%s compared with %s of %s: %s the same, %s missing now, %s changed, %s new since",
			o.Table,
			o.Backup,
			o.RestoredTo.Local().Format("2006-01-02 15:04:05"),
			human.Count(o.Same),
			human.Count(o.Missing),
			human.Count(o.Changed),
			human.Count(o.Added),
		),
	)
	if len(o.Rows) == 0 {
		return
	}
	t := cells.Table{Max: r.width(), Head: []string{"", strings.Join(o.Key, "/"), r.lang.T("backup → now")}}
	for i := range t.Head {
		t.Head[i] = termsafe.Line(t.Head[i])
	}
	for _, row := range o.Rows {
		t.Rows = append(t.Rows, []string{r.kind(row.Kind), cells.Cut(termsafe.Line(row.Key), 40), r.values(row)})
	}
	fmt.Fprint(r.app.out, t)
	if o.More > 0 {
		r.note(lang.M("%s more rows; --limit 0 shows all", human.Count(o.More)))
	}
}

func (r *rescuer) kind(kind string) string {
	switch kind {
	case restore.RescueMissing:
		return r.lang.T("missing")
	case restore.RescueChanged:
		return r.lang.T("changed")
	}
	return r.lang.T("new")
}

// values is a row's columns in one line.
func (r *rescuer) values(row rescueRow) string {
	var parts []string
	for _, v := range row.Columns {
		text := v.Name + ": "
		switch row.Kind {
		case restore.RescueMissing:
			text += brief(v.Backup)
		case restore.RescueChanged:
			text += brief(v.Backup) + " → " + brief(v.Live)
		default:
			text += brief(v.Live)
		}
		parts = append(parts, termsafe.Line(text))
	}
	return strings.Join(parts, ", ")
}

// brief is a value in few cells.
func brief(v *string) string {
	if v == nil {
		return "NULL"
	}
	text := *v
	if len(text) > 400 {
		text = text[:400]
	}
	return cells.Cut(termsafe.Line(text), 60)
}
