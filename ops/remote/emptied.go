package remote

import (
	"slices"

	"opsdeck/ops/backup"
)

// emptied tells whether somebody else removed most of what was there when the copy
// was last looked at, now or earlier and not yet acknowledged. A target that was
// changed in the configuration is another place.
func (c *Copier) emptied(before backup.Listing, there map[string]int64) *backup.Emptied {
	if before.Target != c.Target {
		return nil
	}
	if e := before.Lost(there, c.Now()); e != nil {
		return e
	}
	return before.Emptied
}

// watchful looks before a Send whether the copy was emptied, and says and remembers
// it: when everything was sent again, nothing tells of it any more.
func (c *Copier) watchful(there map[string]int64) (*backup.Emptied, error) {
	before, err := backup.ReadListing(c.State, c.Name, c.Target)
	if err != nil {
		return nil, err
	}
	e := c.emptied(before, there)
	if e == nil {
		return nil, nil
	}
	if c.Warn != nil && !e.Sent {
		c.Warn(*e)
	}
	if c.DryRun {
		return e, nil
	}
	before.At, before.Emptied, before.Files = c.Now(), e, before.Still(there)
	return e, backup.WriteListing(c.State, before)
}

// mended remembers that all was sent again. The next Send by hand ends the alarm.
func (c *Copier) mended(e *backup.Emptied) error {
	if e == nil || c.DryRun || e.Sent && !c.ByHand {
		return nil
	}
	l, err := backup.ReadListing(c.State, c.Name, c.Target)
	if err != nil {
		return err
	}
	if e.Sent {
		l.Emptied = nil
	} else {
		again := *e
		again.Sent = true
		l.Emptied = &again
	}
	return backup.WriteListing(c.State, l)
}

// forget takes names out of what is remembered of the copy, before this program
// removes them there.
func (c *Copier) forget(names []string) error {
	l, err := backup.ReadListing(c.State, c.Name, c.Target)
	if err != nil {
		return err
	}
	n := len(l.Files)
	l.Files = slices.DeleteFunc(l.Files, func(f backup.FileAtCopy) bool { return slices.Contains(names, f.Name) })
	if len(l.Files) == n {
		return nil
	}
	return backup.WriteListing(c.State, l)
}
