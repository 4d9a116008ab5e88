package backup

import (
	"context"
	"slices"
	"time"
)

// Reproof verifies again the backups of which only the metadata changed since their
// verification. chmod and chown change ctime, but so does a modified byte whose mtime
// was set back. Only the contents distinguish the two.
type Reproof struct {
	Bytes int64         // read at most this many
	Time  time.Duration // and for at most this long; 0 is no limit
	Prove func(context.Context, *Set) (Check, error)
}

// Moved lists the backups that a Reproof would read, newest first, one name of each
// content.
func (inv *Inventory) Moved() (sets []*Set) {
	seen := map[any]bool{}
	for _, s := range inv.Sets {
		if s.Before != nil && s.State == Unverified && !seen[s.identity()] {
			seen[s.identity()] = true
			sets = append(sets, s)
		}
	}
	return sets
}

// Run verifies backups within the limits and records the results. again is true when the
// inventory must be read again. What could not be read in time stays unverified. The
// only error is that of ctx.
func (r Reproof) Run(ctx context.Context, inv *Inventory, x *Index) (again bool, err error) {
	bounded := ctx
	stop := context.CancelFunc(func() {})
	if r.Time > 0 {
		bounded, stop = context.WithTimeout(ctx, r.Time)
	}
	defer stop()
	left := r.Bytes
	for _, s := range inv.Moved() {
		if s.Size > left || bounded.Err() != nil {
			continue
		}
		left -= s.Size
		if r.one(bounded, s, x) {
			again = true
		}
	}
	return again, ctx.Err()
}

// one verifies a backup. An earlier load of it still counts while its bytes are the
// same.
func (r Reproof) one(ctx context.Context, s *Set, x *Index) bool {
	check, err := r.Prove(ctx, s)
	if err != nil {
		return false
	}
	check.Deep = s.Before.Deep && check.OK() && check.SHA256 == s.Before.SHA256
	x.put(key{s.ID, s.Manifest}, check) // not saved: it is read again another time
	return true
}

// NewestProved is the newest good backup of db, or else the newest that was good before
// its metadata changed: its contents are known, though not verified now.
func NewestProved(inv *Inventory, db string) *Set {
	if s := Newest(inv, db); s != nil {
		return s
	}
	moved := inv.Moved()
	i := slices.IndexFunc(moved, func(s *Set) bool { return s.Restorable(db) && !s.At.After(inv.At.Add(skew)) })
	if i < 0 {
		return nil
	}
	return moved[i]
}

// earlier is the last check of a file of which only ctime has changed.
func (x *Index) earlier(k key) (Check, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.bare == nil {
		x.bare = make(map[key]Check, len(x.checks))
		for k, c := range x.checks {
			old, seen := x.bare[k.bare()]
			if !seen || c.At.After(old.At) || c.At.Equal(old.At) && !c.OK() {
				x.bare[k.bare()] = c
			}
		}
	}
	c, ok := x.bare[k.bare()]
	return c, ok
}

// bare is the key without ctime.
func (k key) bare() key {
	k.File.CTime, k.Manifest.CTime = 0, 0
	return k
}

// moved judges a backup of which only the metadata changed since its check. A bad one
// stays bad until it is read again.
func (sc Scan) moved(s *Set) {
	c, ok := sc.Index.earlier(key{s.ID, s.Manifest})
	switch {
	case !ok:
	case !c.OK():
		for _, p := range c.Problems {
			if !hasCode(s, p.Code) {
				s.add(p)
			}
		}
	case !c.NotOpened() && (!s.Foreign || c.Deep) && s.State == Unverified:
		s.Before = &c
		s.add(problem(Moved))
	}
}
