package backup

import (
	"fmt"
	"path/filepath"
	"time"

	"opsdeck/internal/jsonl"
)

// CopyRecord is the last known state of one backup at one copy, a line of copies.jsonl.
type CopyRecord struct {
	At     time.Time `json:"at"`
	Copy   string    `json:"copy"`
	Target string    `json:"target,omitempty"` // the location: two services may use one name for two copies
	Name   string    `json:"name"`
	Size   int64     `json:"size_bytes"`
	SHA256 string    `json:"sha256"` // as read back from there
	Good   bool      `json:"good"`   // the contents are the expected ones
}

// Copies are the newest records, by copy and name.
type Copies map[string]map[string]CopyRecord

// Of tells whether a name at a copy is good and has the given contents.
func (c Copies) Of(copy, name, sha string, size int64) bool {
	r, ok := c[copy][name]
	return ok && r.Good && r.SHA256 == sha && r.Size == size
}

const copiesName = "copies.jsonl"

// ReadCopies reads the records of the copies whose locations are given by name. It skips
// records from another location of the same name, which prove nothing, and damaged
// lines.
func ReadCopies(stateDir string, places map[string]string) (Copies, error) {
	all := Copies{}
	err := jsonl.Each(filepath.Join(stateDir, copiesName), func(r CopyRecord) {
		if place, ours := places[r.Copy]; r.Copy == "" || !ours || r.Target != place {
			return
		}
		if all[r.Copy] == nil {
			all[r.Copy] = map[string]CopyRecord{}
		}
		all[r.Copy][r.Name] = r
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// AppendCopy records, durably, what was read back at a copy.
func AppendCopy(stateDir string, r CopyRecord) error {
	if err := jsonl.Append(filepath.Join(stateDir, copiesName), r); err != nil {
		return fmt.Errorf("remember the copy: %w", err)
	}
	return nil
}

// Attach gives each backup its state at the copies, matched by contents.
func (inv *Inventory) Attach(copies Copies) {
	type where struct{ copy, sha string }
	found := map[where]CopyRecord{}
	for name, records := range copies {
		for _, r := range records {
			if old, ok := found[where{name, r.SHA256}]; !ok || r.Good && !old.Good {
				found[where{name, r.SHA256}] = r
			}
		}
	}
	for _, s := range inv.Sets {
		s.Copies = nil
		for name := range copies {
			if r, ok := found[where{name, s.hash()}]; ok && s.hash() != "" {
				state := Bad
				if r.Good && r.Size == s.Size {
					state = Good
				}
				s.Copies = append(s.Copies, CopyState{Copy: name, State: state, At: r.At})
			}
		}
	}
}

// hash is the SHA-256 of the contents, as read or as the manifest states it.
func (s *Set) hash() string {
	if s.SHA256 != "" {
		return s.SHA256
	}
	return s.Summary.SHA256
}

// ToSend lists the backups to send to a copy: those that were verified as good, one name
// for each content, newest first.
func (inv *Inventory) ToSend() (sets []*Set) {
	at := map[any]int{}
	for _, s := range inv.Sets {
		if s.State == Bad || s.Checked.IsZero() || s.SHA256 == "" || s.Parsed.Physical {
			continue
		}
		if i, seen := at[s.identity()]; !seen {
			at[s.identity()] = len(sets)
			sets = append(sets, s)
		} else if !sets[i].plain() && s.plain() {
			sets[i] = s // the plain name, not the weekly one
		}
	}
	return sets
}

// AtCopy describes a backup at a copy from the copy's listing and the manifest there.
// sum is nil for a file without a manifest. The backup is good when good is true: its
// bytes were read back there.
func (sc Scan) AtCopy(name string, size int64, sum *Summary, good bool) (*Set, bool) {
	parsed, ok := ParseName(name, sc.known())
	if !ok || parsed.Physical {
		return nil, false
	}
	s := &Set{Name: name, Parsed: parsed, Database: parsed.Subject, Size: size, State: Unverified, Links: 1}
	s.Tier = tierByName(parsed, sc.Databases)
	s.At = sc.date(parsed)
	if sum == nil {
		s.Foreign = true
		sc.foreign(s)
	} else {
		s.Summary = *sum
		s.Engine = sum.Engine
		s.Kind = sum.Kind
		s.Database = sum.Databases[0]
		s.At = sum.At
		s.Tier = tierBy(name, parsed, *sum, sc.Databases)
		checkSize(s)
	}
	if s.At.After(sc.Now.Add(skew)) {
		s.add(problem(Future, s.At.In(sc.Zone).Format("2006-01-02 15:04")))
	}
	if good && s.State == Unverified {
		s.State, s.Checked = Good, sc.Now
	}
	return s, true
}

// NewInventory returns an inventory of backups outside the folder.
func (sc Scan) NewInventory(sets []*Set) *Inventory {
	inv := &Inventory{Dir: sc.Dir, Zone: sc.Zone, At: sc.Now, Sets: sets}
	if len(sc.Databases) > 0 {
		inv.Database = sc.Databases[0]
	}
	sortSets(inv.Sets)
	inv.Bytes = diskBytes(inv.Sets)
	return inv
}
