package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
)

// Listing is the content of a copy when it was last listed. It is saved, so that an
// inventory needs no connection to the copy.
type Listing struct {
	Copy  string       `json:"copy"`
	At    time.Time    `json:"at"`
	Files []FileAtCopy `json:"files"`

	Target  string   `json:"target,omitempty"`  // the location
	Emptied *Emptied `json:"emptied,omitempty"` // not acknowledged yet
}

// FileAtCopy is a file of a copy.
type FileAtCopy struct {
	Name         string   `json:"name"`
	Size         int64    `json:"size_bytes"`
	ManifestSize int64    `json:"manifest_bytes"`    // 0 without one
	Summary      *Summary `json:"summary,omitempty"` // of its manifest; nil without one, or when it cannot be trusted
}

// listingPath contains the location: two services may use one name for two copies.
func listingPath(stateDir, copy, target string) string {
	sum := sha256.Sum256([]byte(copy + "\x00" + target))
	name := []rune(escape(copy))
	name = name[:min(len(name), 40)]
	return filepath.Join(stateDir, "copies", string(name)+"-"+hex.EncodeToString(sum[:8])+".json")
}

// olderListingPath is the path of earlier versions, without the location.
func olderListingPath(stateDir, copy string) string {
	return filepath.Join(stateDir, "copies", escape(copy)+".json")
}

// ReadListing reads the saved listing of a copy at a location. It is empty for a copy
// that was never listed, and for a damaged record.
func ReadListing(stateDir, copy, target string) (Listing, error) {
	text, err := regular.ReadFile(listingPath(stateDir, copy, target))
	if errors.Is(err, fs.ErrNotExist) {
		text, err = regular.ReadFile(olderListingPath(stateDir, copy))
	}
	none := Listing{Copy: copy, Target: target}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENAMETOOLONG) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	var l Listing
	if json.Unmarshal(text, &l) != nil || l.Copy != copy || l.Target != target {
		return none, nil
	}
	return l, nil
}

// WriteListing saves the listing of a copy.
func WriteListing(stateDir string, l Listing) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	path := listingPath(stateDir, l.Copy, l.Target)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, 0o600, text)
}

// Elsewhere is what a copy holds, compared with a folder.
type Elsewhere struct {
	Copy string
	At   time.Time // when it was listed; zero: never
	Sets []*Set    // newest first
	Only []*Set    // those of Sets that the folder does not have

	database string
}

// Good counts the backups whose contents were read back there and are correct.
func (e Elsewhere) Good() (n int) {
	for _, s := range e.Sets {
		if s.State == Good {
			n++
		}
	}
	return n
}

// Bad lists the backups of its database that are known to be bad there.
func (e Elsewhere) Bad() (sets []*Set) {
	for _, s := range e.Sets {
		if s.State == Bad && s.ProvenOf(e.database) {
			sets = append(sets, s)
		}
	}
	return sets
}

// Beside lists the backups of a copy, and those that only the copy has. A backup is good
// only if it was read back there.
func (inv *Inventory) Beside(l Listing, sc Scan, copies Copies) Elsewhere {
	e := Elsewhere{Copy: l.Copy, At: l.At, Sets: sc.SetsAtCopy(l, copies), database: inv.Database}
	here := map[string]bool{}
	for _, s := range inv.Sets {
		here[s.hash()] = true
		here[s.Name] = true
	}
	for _, s := range e.Sets {
		if !here[s.Name] && (s.hash() == "" || !here[s.hash()]) {
			e.Only = append(e.Only, s)
		}
	}
	return e
}

// SetsAtCopy turns the files of a copy into backups.
func (sc Scan) SetsAtCopy(l Listing, copies Copies) (sets []*Set) {
	for _, f := range l.Files {
		proved, at := copies.verdict(l.Copy, f)
		if s, ok := sc.atCopy(f, proved); ok {
			s.AtCopy = l.Copy
			s.Path = l.Copy + ":" + f.Name
			s.Checked = at
			if proved == Good {
				s.SHA256 = f.Summary.SHA256
			}
			sets = append(sets, s)
		}
	}
	sortSets(sets)
	return sets
}

// NewestAnywhere is the newest good backup of db in the folder or at a copy.
func NewestAnywhere(inv *Inventory, all []Elsewhere, db string) *Set {
	here := Newest(inv, db)
	if there, _ := NewestElsewhere(all, db); there != nil && (here == nil || there.At.After(here.At)) {
		return there
	}
	return here
}

// NewestElsewhere is the newest good backup of db at any copy, and the name of that
// copy.
func NewestElsewhere(all []Elsewhere, db string) (newest *Set, at string) {
	for _, e := range all {
		i := slices.IndexFunc(e.Sets, func(s *Set) bool { return s.State == Good && s.Restorable(db) })
		if i >= 0 && (newest == nil || e.Sets[i].At.After(newest.At)) {
			newest, at = e.Sets[i], e.Copy
		}
	}
	return newest, at
}
