package run

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

// writtenSinceLoad asks where others wrote to the live database after an earlier try had begun
// to load into it: the next try would drop what they wrote.
func (c *Crew) writtenSinceLoad(
	ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report,
) (restore.Event, error) {
	w, err := c.Database.Writes.SinceLoad(ctx, p, s.Data.Emergency, report)
	if err != nil || !w.stops() {
		return restore.Event{Notes: w.Notes}, err
	}
	notes := append([]restore.Note{restore.N(othersWrote(p))}, w.Notes...)
	again := fmt.Sprintf("opsdeck restore resume %s --despite-writes %s", p.ID, p.Target.Database)
	notes = append(notes, restore.N(lang.M("Nothing was changed now. To back up the current state first and restore "+
		"then: %s.", again)))
	data := &restore.Data{Started: true, Torn: w.Torn}
	return restore.Event{Kind: restore.KindFound, Notes: notes, Data: data}, nil
}

func othersWrote(p *restore.Plan) lang.Msg {
	return lang.M("others wrote to %s after the restore had begun to load into it; no backup has those changes",
		p.Target.Database)
}

// loadBack loads the emergency backup, and compares the database with it. What others wrote
// to the live database meanwhile is backed up first: the load back drops it.
func (c *Crew) loadBack(
	ctx context.Context, p *restore.Plan, s restore.Snapshot, report Report,
) (restore.Event, error) {
	var notes []restore.Note
	var also []string
	if !s.JustExported() {
		w, err := c.Database.Writes.SinceLoad(ctx, p, s.Data.Emergency, report)
		if err != nil {
			return restore.Event{}, err
		}
		if w.stops() || w.Blind {
			path, told, err := c.saveOthers(ctx, p, w, report)
			if err != nil {
				return restore.Event{}, err
			}
			notes = told
			if path != "" {
				also = []string{path}
			}
		}
	}
	ev, err := loaded(c.Database.Loader.LoadBack(ctx, p, s.Data.Emergency, report))
	ev.Notes = append(notes, ev.Notes...)
	ev.Data.Also = also
	if err != nil {
		return ev, err
	}
	v, err := c.Database.Verifier.VerifyBack(ctx, p, s.Data.Emergency, report)
	if err != nil {
		return ev, err
	}
	ev.Notes = append(ev.Notes, v.Notes...)
	if len(v.Doubts) > 0 {
		ev.Kind = restore.KindFound
		ev.Data.Doubts = v.Doubts
		what := restore.N(lang.M("%s differs from the emergency backup that was loaded into it", p.Target.Database))
		ev.Notes = append(append([]restore.Note{what}, v.Doubts...), ev.Notes...)
	}
	return ev, nil
}

// saveOthers stops the service, which may have been started by hand, and backs the current
// state up.
func (c *Crew) saveOthers(
	ctx context.Context, p *restore.Plan, w Writes, report Report,
) (string, []restore.Note, error) {
	if !p.Process.Untouched() {
		if _, _, err := c.Services.Stop(ctx, p.Process); err != nil {
			return "", nil, err
		}
	}
	also := *p
	name := restore.EmergencyName(p.Target.Live, c.Clock.Now().In(p.CreatedAt.Location()))
	if strings.HasSuffix(p.Emergency, ".age") {
		name += ".age"
	}
	also.Emergency = filepath.Join(filepath.Dir(p.Emergency), name)
	path, told, err := c.Saver.Save(ctx, &also, nil, report)
	if err != nil {
		return "", nil, fmt.Errorf("back up the current state of %s: %w", p.Target.Database, err)
	}
	notes := w.Notes
	if w.stops() {
		notes = append([]restore.Note{restore.N(othersWrote(p))}, notes...)
	}
	if path != "" {
		notes = append(notes, restore.N(lang.M("the current state of %s was backed up first", p.Target.Database)))
	}
	return path, append(notes, told...), nil
}
