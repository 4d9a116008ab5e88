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

	// Want is the hash that the contents must have; "" in a record of an earlier version.
	Want string `json:"want,omitempty"`
}

// Expected is the hash that the contents must have; "" when nothing says it.
func (r CopyRecord) Expected() string {
	if r.Want == "" && r.Good {
		return r.SHA256
	}
	return r.Want
}

// Copies are the newest records, by copy and name.
type Copies map[string]map[string]CopyRecord

// Of tells whether a name at a copy is good and has the given contents.
func (c Copies) Of(copy, name, sha string, size int64) bool {
	r, ok := c[copy][name]
	return ok && r.Good && r.SHA256 == sha && r.Size == size
}

// verdict is what was last proved of a file at a copy, and when. It is Unverified when
// the record is of other contents or there is none. A bad verdict lasts until the file is
// sent again, removed, or read back as good.
func (c Copies) verdict(copy string, f FileAtCopy) (State, time.Time) {
	r, ok := c[copy][f.Name]
	switch {
	case !ok || r.Size != f.Size:
		return Unverified, time.Time{}
	case f.Summary != nil && r.SHA256 == f.Summary.SHA256:
		if r.Good {
			return Good, r.At
		}
		return Unverified, time.Time{}
	case !r.Good:
		return Bad, r.At
	}
	return Unverified, time.Time{}
}

// Now are the records of the files that the copies still have, as far as is known:
// without those that the last listing of their copy, made after the record, does not
// show.
func (c Copies) Now(stateDir string, places map[string]string) (Copies, error) {
	out := make(Copies, len(c))
	for name, records := range c {
		l, err := ReadListing(stateDir, name, places[name])
		if err != nil {
			return nil, err
		}
		listed := make(map[string]bool, len(l.Files))
		for _, f := range l.Files {
			listed[f.Name] = true
		}
		out[name] = make(map[string]CopyRecord, len(records))
		for file, r := range records {
			if listed[file] || l.At.Before(r.At) {
				out[name][file] = r
			}
		}
	}
	return out, nil
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
			at := where{name, r.Expected()}
			if old, ok := found[at]; !ok || r.Good && !old.Good {
				found[at] = r
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

// atCopy describes a backup at a copy from the copy's listing and the manifest there,
// which a file of another tool lacks. proved is what was last proved of its bytes there.
func (sc Scan) atCopy(f FileAtCopy, proved State) (*Set, bool) {
	parsed, ok := ParseName(f.Name, sc.known())
	if !ok || parsed.Physical {
		return nil, false
	}
	s := &Set{
		Name:     f.Name,
		Parsed:   parsed,
		Database: parsed.Subject,
		Size:     f.Size,
		State:    Unverified,
		Links:    1,
	}
	s.Tier = tierByName(parsed, sc.Databases)
	s.At = sc.date(parsed)
	if sum := f.Summary; sum == nil {
		s.Foreign = true
		sc.foreign(s)
	} else {
		s.Summary = *sum
		s.Engine = sum.Engine
		s.Kind = sum.Kind
		s.Database = sum.Databases[0]
		s.At = sum.At
		s.Tier = tierBy(f.Name, parsed, *sum, sc.Databases)
		sc.others(s)
		checkSize(s)
	}
	if s.At.After(sc.Now.Add(skew)) {
		s.add(problem(Future, s.At.In(sc.Zone).Format("2006-01-02 15:04")))
	}
	switch {
	case proved == Bad:
		s.add(problem(HashDiffers))
	case proved == Good && s.State == Unverified && !s.Summary.Doubt:
		s.State = Good
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
