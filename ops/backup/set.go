package backup

import (
	"slices"
	"time"

	"opsdeck/internal/human"
)

// FileID tells a file's contents from any others it could have had: it changes
// when they do. ctime, which nobody can set back, is part of it; the device is
// not, for its number may change at a reboot.
type FileID struct {
	Inode uint64
	Size  int64
	MTime int64 // nanoseconds since 1970
	CTime int64
}

// Summary is what an inventory keeps of a manifest.
type Summary struct {
	File        string
	Kind        string
	Engine      string
	Flavour     string
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
	Partial     bool   // some tables, some rows or no rows
	Where       string // the condition that its rows meet; empty: all rows
	NoData      bool   // definitions only
	Encrypted   bool
	Counts      []TableRows // of the tables whose rows were counted
}

// TableRows is how many rows a table has in a backup.
type TableRows struct {
	Name string // with its database before it, where the backup holds several
	Rows int64
}

// Summarise keeps of a manifest what an inventory shows.
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

// Set is one backup as it is found: a file, or a folder of a physical backup.
type Set struct {
	Name     string
	Path     string
	Parsed   Name
	Tier     Tier
	Kind     string
	Database string // the first it holds; for a foreign file what its name tells
	At       time.Time
	Size     int64
	Engine   string // "native", "mysqldump" …; "" when unknown
	Summary  Summary
	Foreign  bool // no manifest: made by others
	State    State
	Problems []Problem
	Checked  time.Time // when it was last verified as it is now; zero: never
	Deep     bool      // it was loaded then
	Sealed   bool      // it is encrypted, and only its own length and hash were proved then
	SHA256   string    // of the file as it was read then
	Before   *Check    // it passed this before its metadata, and nothing else that can be seen, changed; nil: it did not
	Inside   string    // the database that a check found in a file without a manifest; "" when unknown
	ID       FileID
	Manifest FileID // zero without one
	AtCopy   string // the copy that it was found at; "" is the folder
	Links    int    // names that its contents have, elsewhere too
	Copies   []CopyState
}

// CopyState is how a backup stands at one copy.
type CopyState struct {
	Copy  string
	State State // Good: hash read back there
	At    time.Time
}

// Full tells whether it holds a whole database, so that it can fill a slot and
// be the newest good one.
func (s *Set) Full() bool {
	switch s.Tier {
	case Daily, Weekly, Monthly:
		return true
	case Manual, Emergency:
		return !s.Summary.Partial
	}
	return false
}

// Restorable tells whether a restore of db may take it without being told to:
// full, and neither the picture of a damaged state nor another database.
func (s *Set) Restorable(db string) bool {
	return s.Full() && s.Tier != Emergency && (db == "" || s.holds(db))
}

func (s *Set) holds(db string) bool {
	return s.Database == db || slices.Contains(s.Summary.Databases, db)
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

// Identity is what makes two names one set of bytes.
func (s *Set) identity() any {
	if s.ID.Inode != 0 {
		return s.ID
	}
	return s.Name
}

// SizeText is the size for people; that of a physical backup, which no list
// walks through, is a dash.
func (s *Set) SizeText() string {
	if s.Parsed.Physical {
		return "–"
	}
	return human.Bytes(s.Size)
}
