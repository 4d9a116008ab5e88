package backup

import (
	"slices"
	"time"

	"opsdeck/internal/human"
)

// FileID identifies the contents of a file: it changes when they do. It includes ctime,
// which cannot be set back, and not the device, whose number may change at a reboot.
type FileID struct {
	Inode uint64
	Size  int64
	MTime int64 // nanoseconds since 1970
	CTime int64
}

// Summary is the part of a manifest that an inventory keeps.
type Summary struct {
	File        string
	Kind        string
	Engine      string
	Flavour     string
	Server      string // which one it is; "" in early manifests
	Machine     string // that made it; "" in early manifests
	Databases   []string
	At          time.Time // of the snapshot
	Finished    time.Time
	SizeBytes   int64
	RawBytes    int64
	Tables      int
	Rows        int64
	SHA256      string
	Consistency string
	Consistent  bool
	Partial     bool   // only some tables, some rows or no rows
	Where       string // the condition that its rows meet; empty: all rows
	NoData      bool   // definitions only
	Unseen      bool   // routines of other users may be missing
	Doubt       bool   // made while a restore could not be read
	NotLoadable bool   // a restore has to leave some of it out
	Encrypted   bool
	Counts      []TableRows // of the tables whose rows were counted
}

// TableRows is how many rows a table has in a backup.
type TableRows struct {
	Name string // prefixed with its database when the backup holds several
	Rows int64
}

// Summarise returns the part of a manifest that an inventory shows.
func Summarise(m *Manifest) Summary {
	at := m.SnapshotAt
	if at.IsZero() {
		at = m.StartedAt
	}
	return Summary{
		File:        m.File,
		Kind:        m.Kind,
		Engine:      m.Engine,
		Flavour:     m.Server.Flavour,
		Server:      m.Server.Identity,
		Machine:     m.Machine,
		Databases:   m.Databases,
		At:          at,
		Finished:    m.FinishedAt,
		SizeBytes:   m.SizeBytes,
		RawBytes:    m.RawBytes,
		Tables:      len(m.Tables),
		Rows:        m.Rows(),
		SHA256:      m.SHA256,
		Consistency: m.Consistency,
		Consistent:  m.Consistent,
		Partial:     partial(m),
		Where:       m.Where,
		NoData:      m.NoData,
		Unseen:      len(m.Unseen) > 0,
		Doubt:       m.Doubt != "",
		NotLoadable: len(m.NotLoadable()) > 0,
		Encrypted:   m.Encrypted,
		Counts:      counted(m),
	}
}

func counted(m *Manifest) (counts []TableRows) {
	for _, t := range m.Tables {
		if t.Checksum == "" && t.Rows == 0 {
			continue // its rows were not counted
		}
		name := t.Name
		if len(m.Databases) > 1 {
			name = t.Database + "." + t.Name
		}
		counts = append(counts, TableRows{Name: name, Rows: t.Rows})
	}
	return counts
}

// Set is one backup in a folder: a file, or the folder of a physical backup.
type Set struct {
	Name     string
	Path     string
	Parsed   Name
	Tier     Tier
	Kind     string
	Database string // the first it holds; for a foreign file, from its name
	At       time.Time
	Size     int64
	Engine   string // "native", "mysqldump" …; "" when unknown
	Summary  Summary
	Foreign  bool // no manifest: made by another tool
	NoFile   bool // something else under a backup's name: a folder, a pipe, a link to nothing
	Other    bool // made from another server than the service's: it neither counts nor goes, and none chooses it
	State    State
	Problems []Problem
	Checked  time.Time // when its current state was last verified; zero: never
	Deep     bool      // that verification loaded it
	Sealed   bool      // it is encrypted, and only its own length and hash were verified
	SHA256   string    // of the file as read by that verification
	Before   *Check    // a passed check from before a change of metadata alone; nil: there is none
	Inside   string    // the database that a check found in a file without a manifest; "" when unknown
	ID       FileID
	Manifest FileID // zero without one
	AtCopy   string // the copy that has it; "" is the folder
	Links    int    // number of names of its contents, also in other folders
	Copies   []CopyState
}

// CopyState is the state of a backup at one copy.
type CopyState struct {
	Copy  string    `json:"name"`
	State State     `json:"state"` // Good: its hash was read back there
	At    time.Time `json:"at"`
}

// full tells whether it holds a whole database, so that it can fill a slot and be the
// newest good one.
func (s *Set) full() bool {
	switch s.Tier {
	case Daily, Weekly, Monthly:
		return true
	case Manual, Emergency:
		return !s.Summary.Partial
	}
	return false
}

// Restorable tells whether a restore of db may choose it by itself: it is full, is of
// db and of the service's own server, and is not a backup of a damaged state.
func (s *Set) Restorable(db string) bool { return !s.Other && s.Whole(db) }

// Whole is Restorable for a backup of any server; without db, of any database.
func (s *Set) Whole(db string) bool {
	return s.full() && s.Tier != Emergency && (db == "" || s.holds(db))
}

func (s *Set) holds(db string) bool {
	return s.Database == db || slices.Contains(s.Summary.Databases, db)
}

// Unloadable tells whether it is bad only because a verification could not load it: its
// bytes are as they were written.
func (s *Set) Unloadable() bool {
	bad := false
	for _, p := range s.Problems {
		if p.Fatal() && p.Code != NoLoad {
			return false
		}
		bad = bad || p.Fatal()
	}
	return bad
}

// Worst is the first problem that makes it bad, else the first remark.
func (s *Set) Worst() (Problem, bool) {
	for _, p := range s.Problems {
		if p.Fatal() {
			return p, true
		}
	}
	if len(s.Problems) > 0 {
		return s.Problems[0], true
	}
	return Problem{}, false
}

func (s *Set) add(p Problem) {
	s.Problems = append(s.Problems, p)
	if p.Fatal() {
		s.State = Bad
	}
}

// identity is equal for two names of the same bytes.
func (s *Set) identity() any {
	if s.ID.Inode != 0 {
		return s.ID
	}
	return s.Name
}

// SizeText is the size for people; a dash for a physical backup, whose size a list does
// not compute.
func (s *Set) SizeText() string {
	if s.Parsed.Physical {
		return "–"
	}
	return human.Bytes(s.Size)
}
