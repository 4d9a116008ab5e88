package backup

import "slices"

// Newest is the newest good backup that a restore of db may choose by itself: of the
// whole database, from the service's own server, not an emergency backup. nil when there is none.
func Newest(inv *Inventory, db string) *Set { return newestOf(inv, db, (*Set).Restorable) }

// NewestAlone is Newest among the backups that hold no other database: whoever loads one by
// hand overwrites nothing else.
func NewestAlone(inv *Inventory, db string) *Set {
	return newestOf(inv, db, func(s *Set, db string) bool { return s.Restorable(db) && s.ProvenOf(db) })
}

func newestOf(inv *Inventory, db string, takes func(*Set, string) bool) *Set {
	for _, s := range inv.Sets {
		if s.State == Good && takes(s, db) && !s.At.After(inv.At.Add(skew)) {
			return s
		}
	}
	return nil
}

// NewestUsable is Newest, or else the newest backup without a known problem.
func NewestUsable(inv *Inventory, db string) *Set {
	if s := Newest(inv, db); s != nil {
		return s
	}
	for _, s := range inv.Sets {
		if s.State == Unverified && !s.Parsed.Physical && s.Restorable(db) {
			return s
		}
	}
	return nil
}

// OtherDatabases are those but db of which the folder has backups, that of the newest backup first.
func (inv *Inventory) OtherDatabases(db string) (names []string) {
	for _, s := range inv.Sets {
		if s.Tier == Unknown && !s.Parsed.Physical && s.Database != "" && s.Database != db &&
			!slices.Contains(names, s.Database) {
			names = append(names, s.Database)
		}
	}
	return names
}

// NextSize is about how many bytes the next full backup needs, or the emergency backup before a
// restore: the size of the newest usable one and a fifth. Zero is unknown.
func NextSize(inv *Inventory, db string) int64 {
	if newest := NewestUsable(inv, db); newest != nil {
		return newest.Size + newest.Size/5
	}
	return 0
}

// Find returns the backup with that name or path; nil when there is none.
func (inv *Inventory) Find(name string) *Set {
	for _, s := range inv.Sets {
		if s.Name == name || s.Path == name {
			return s
		}
	}
	return nil
}

// NamesOf lists the names that a backup's contents have in the folder.
func (inv *Inventory) NamesOf(s *Set) (names []string) {
	for _, o := range inv.Sets {
		if o == s || o.identity() == s.identity() {
			names = append(names, o.Name)
		}
	}
	return names
}

// ToVerify lists the backups that a verification reads: with all, every one; else the
// unverified ones and the newest restorable one. Several names of one content are read
// once.
func (inv *Inventory) ToVerify(all bool) (sets []*Set) {
	seen := map[any]bool{}
	newest := newestFull(inv, inv.Database)
	for _, s := range inv.Sets {
		if s.Parsed.Physical || seen[s.identity()] ||
			!all && s != newest && !s.Checked.IsZero() && !hasCode(s, NotOpened) {
			continue
		}
		seen[s.identity()] = true
		sets = append(sets, s)
	}
	return sets
}
