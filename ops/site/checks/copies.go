package checks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/health"
	"opsdeck/ops/remote"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// copies checks each copy of the backups by what is remembered of it: nothing is
// connected to.
func (b *checker) copies() {
	p := b.Service.Backup
	if p.Dir == "" || !HasDatabase(b.Service.Database) || b.Site == nil {
		return
	}
	for _, c := range p.Copies {
		b.add("copy:"+c.Name, health.KindBackup, slowPace, aCopy{b.Source, c}.look,
			[]health.Limit{
				{What: lang.M("last sync"), Warning: lang.M("failed, or there was none")},
				{What: lang.M("bad backups there"), Critical: lang.M("one or more")},
				{
					What:     lang.M("age of the newest good backup there"),
					Critical: lang.M("over %s", human.Duration(backups.LateAt(p, c))),
				},
			},
			"opsdeck backup sync --dry-run --copy "+human.Shell(c.Name),
			"opsdeck backup list --copy "+human.Shell(c.Name))
		last := &b.checks[len(b.checks)-1]
		last.Timeout = max(last.Timeout, inventoryTimeout)
	}
}

// aCopy is one copy of a service's backups.
type aCopy struct {
	Source
	copy config.Copy
}

// look judges a copy whose configuration can be used.
func (b aCopy) look(ctx context.Context) health.Result {
	c := b.copy
	store, err := remote.Open(c)
	if err != nil {
		r := cannot(lang.M("the copy %s cannot be used", c.Name), err)
		if r.Next.Empty() {
			r.Next = lang.M("Correct backup.copies; then run: %s", "opsdeck config check")
		}
		return r
	}
	store.Close()
	at, err := b.Site()
	if err != nil {
		return cannot(lang.M("the record of the copies cannot be read"), err)
	}
	seen, err := b.remembered(ctx, at)
	if err != nil {
		return cannot(lang.M("the record of the copies cannot be read"), err)
	}
	return seen.judge(c, backups.LateAt(b.Service.Backup, c), b.Now())
}

// remembered is what is known of a copy without asking it.
type remembered struct {
	database string
	synced   backup.Synced
	listed   backup.Listing
	bad      []*backup.Set  // known to be damaged there
	lost     []*backup.Set  // those of them that are not here
	spoiled  []binlog.Piece // of the binlog there: damaged, and nowhere else there
	kept     int            // good backups here that its retention keeps
	due      int            // those of them that were here at the last sync and are not there
	unproved int            // unverified backups here: a sync does not send them
	there    int            // how many of them the copy has, read back
	newest   time.Time      // of the good ones there; zero: none
	here     time.Time      // of the newest good one here; zero: none
}

func (b aCopy) remembered(ctx context.Context, at *site.Site) (m remembered, err error) {
	c := b.copy
	database := b.Service.Database.Name
	m.database = database
	place := backups.PlaceOf(c)
	if m.listed, err = backup.ReadListing(at.StateDir, c.Name, place); err != nil {
		return m, err
	}
	if m.synced, err = backup.ReadSynced(at.StateDir, c.Name, place); err != nil {
		return m, err
	}
	logs, err := binlog.ReadAtCopy(at.StateDir, c.Name, place)
	if err != nil {
		return m, err
	}
	m.spoiled = logs.Damaged()
	shelf, err := backups.Open(at)
	if err != nil {
		return m, err
	}
	inv, err := shelf.ReadOrNone(ctx)
	if err != nil {
		return m, err
	}
	away, err := shelf.Elsewhere(inv)
	if err != nil {
		return m, err
	}
	m.unproved = len(inv.Unproved())
	wanted, err := shelf.Wanted(c, inv)
	if err != nil {
		return m, err
	}
	for _, s := range wanted {
		m.kept++
		if holds(s, c.Name) {
			m.there++
		} else if !s.At.After(m.synced.At) {
			m.due++
		}
		if s.At.After(m.here) {
			m.here = s.At
		}
	}
	for _, e := range away {
		if e.Copy != c.Name {
			continue
		}
		if s, _ := backup.NewestElsewhere([]backup.Elsewhere{e}, database); s != nil {
			m.newest = s.At
		}
		m.bad = e.Bad()
		m.lost = notHere(m.bad, wanted)
	}
	return m, nil
}

// judgeBad tells of backups that are damaged there.
func (m remembered) judgeBad(c config.Copy, r *health.Result) {
	if len(m.bad) == 0 {
		return
	}
	r.Add("bad_there", len(m.bad), lang.Msg{})
	why := lang.Raw(m.bad[0].Name)
	if p, ok := m.bad[0].Worst(); ok {
		why = lang.M("%s: %s", m.bad[0].Name, p.Text())
	}
	r.Find(ops.StateCritical, lang.M("the copy %s has %d bad backups", c.Name, len(m.bad)), why)
	at := human.Shell(c.Name)
	r.Next = lang.M("Send it again: %s", "opsdeck backup sync --copy "+at)
	if len(m.lost) == len(m.bad) { // they are not here any more
		r.Next = lang.M("Remove it there: %s", fmt.Sprintf("opsdeck backup remove %s --copy %s --confirm %s",
			human.Shell(m.lost[0].Name), at, human.Shell(m.database)))
	}
}

// judgeLogs tells of damaged parts of the binlog there.
func (m remembered) judgeLogs(c config.Copy, r *health.Result) {
	if len(m.spoiled) == 0 {
		return
	}
	r.Add("bad_binlog_there", len(m.spoiled), lang.Msg{})
	r.FindNext(ops.StateCritical, lang.M("the binlog at the copy %s is damaged", c.Name),
		lang.M("%d pieces, the first in %s", len(m.spoiled), m.spoiled[0].Segment.File),
		lang.M("Send it again: %s", "opsdeck backup sync --copy "+human.Shell(c.Name)))
}

// judgeMissing tells of good backups that the last sync should have brought there.
func (m remembered) judgeMissing(c config.Copy, r *health.Result) {
	was := r.State
	missing := lang.M("%d of %d good backups are there", m.there, m.kept)
	switch {
	case m.kept == 0 && m.newest.IsZero() && m.unproved > 0:
		r.Find(ops.StateWarning, lang.M("the copy %s has no good backup", c.Name),
			lang.M("%d local backups are unverified and were not sent", m.unproved))
		if r.State != was {
			r.Next = lang.M("Verify them; then send them: %s",
				"opsdeck backup verify; opsdeck backup sync --copy "+human.Shell(c.Name))
		}
		return
	case m.there == 0 && m.due > 0 && m.newest.IsZero():
		next := r.Next
		if m.synced.Error != "" {
			missing = r.Headline
		}
		r.Find(ops.StateCritical, lang.M("the copy %s has no good backup", c.Name), missing)
		if !next.Empty() { // it says why, or of the bad ones
			r.Next = next
			return
		}
	case m.due > 0:
		r.Find(ops.StateWarning, lang.M("the copy %s lacks %d good backups", c.Name, m.due), missing)
	case m.newest.IsZero():
		r.Find(ops.StateWarning, lang.M("the copy %s has no good backup", c.Name), lang.Msg{})
	}
	if r.State != was {
		r.Next = lang.M("Send it: %s", "opsdeck backup sync --copy "+human.Shell(c.Name))
	}
}

// notHere lists those that a sync cannot send again.
func notHere(bad, here []*backup.Set) (lost []*backup.Set) {
	for _, s := range bad {
		if !slices.ContainsFunc(here, func(o *backup.Set) bool { return o.Name == s.Name }) {
			lost = append(lost, s)
		}
	}
	return lost
}

// judge says how the copy is. late is how old the newest good backup there may be.
func (m remembered) judge(c config.Copy, late time.Duration, now time.Time) health.Result {
	var r health.Result
	zone := now.Location()
	moment := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04") }
	r.Detail = lang.M("%d of %d good backups are there", m.there, m.kept)
	if !m.listed.At.IsZero() {
		r.Detail = lang.M("%s, as of %s", r.Detail, moment(m.listed.At))
	}
	if m.kept == 0 && !m.newest.IsZero() { // it is streamed to, or made elsewhere
		r.Detail = lang.M("the newest good backup there: %s", moment(m.newest))
	}
	r.Add("kept", m.kept, lang.Msg{})
	r.Add("there", m.there, lang.Msg{})
	if !m.newest.IsZero() {
		r.Add("newest_there", m.newest, lang.Raw(moment(m.newest)))
	}
	send := lang.M("Send it: %s", "opsdeck backup sync --copy "+human.Shell(c.Name))
	switch {
	case m.synced.Error != "":
		r.Add("last_sync", m.synced.At, lang.M("%s, failed", moment(m.synced.At)))
		r.Find(ops.StateWarning, lang.M("the last sync of the copy %s failed", c.Name),
			lang.M("%s: %s", moment(m.synced.At), m.synced.Error))
		r.Next = lang.M("Find out why: %s", "opsdeck backup sync --copy "+human.Shell(c.Name))
	case m.synced.At.IsZero() && m.listed.At.IsZero() && m.newest.IsZero():
		r.AddUnknown("last_sync", lang.M("there was none"))
		r.Find(ops.StateWarning, lang.M("unknown what the copy %s holds", c.Name),
			lang.M("this machine has not yet synced with it or checked it"))
		r.Next = lang.M("See what it holds: %s; then send what it lacks: %s",
			"opsdeck backup list --copy "+human.Shell(c.Name), "opsdeck backup sync --copy "+human.Shell(c.Name))
	case m.synced.At.IsZero() && m.listed.At.IsZero(): // streamed there
	case m.synced.At.IsZero():
		r.Add("last_sync", m.listed.At, lang.Raw(moment(m.listed.At))) // of an earlier version
	default:
		r.Add("last_sync", m.synced.At, lang.Raw(moment(m.synced.At)))
	}
	m.judgeBad(c, &r)
	m.judgeLogs(c, &r)
	m.judgeMissing(c, &r)
	if !m.newest.IsZero() && now.Sub(m.newest) > late {
		r.FindNext(ops.StateCritical, lang.M("the newest good backup at the copy %s is %s old", c.Name,
			human.Duration(now.Sub(m.newest))), r.Why, send)
	}
	if e := m.listed.Emptied; e != nil {
		r.State = min(r.State, ops.StateWarning) // this says more
		r.Find(ops.StateCritical, backups.EmptiedText(c, *e), lang.M("found %s", moment(e.At)))
		r.Next = lang.M("Find out who removed them; then clear the alarm: %s", "opsdeck backup sync")
	}
	return r
}
