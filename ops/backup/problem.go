package backup

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// State is how far a backup can be trusted.
type State string

// The states of the contract. Good means proved: length, hash and manifest were read
// back, or the backup was loaded completely. Unverified means that no problem is known.
const (
	Good       State = "good"
	Unverified State = "unverified"
	Bad        State = "bad"
)

// Label is the word for people.
func (s State) Label() lang.Msg {
	switch s {
	case Good:
		return lang.M("good")
	case Bad:
		return lang.M("bad")
	}
	return lang.M("unverified")
}

// Health is the state on the console's common scale.
func (s State) Health() ops.State {
	switch s {
	case Good:
		return ops.StateOK
	case Bad:
		return ops.StateCritical
	}
	return ops.StateUnknown
}

// Problem is one fact about a backup. Its code is stable; its arguments are already
// formatted (sizes, names).
type Problem struct {
	Code string
	Args []string
}

// Codes of problems. Those in fatal make a backup bad; the others are remarks.
const (
	Empty       = "empty"
	Truncated   = "truncated"
	Grown       = "grown"
	OddSize     = "size"
	NoTrailer   = "trailer"
	Damaged     = "damaged"
	CutShort    = "cut"
	WrongDB     = "database"
	HashDiffers = "hash"
	BadMember   = "member"
	NotOurs     = "other"
	Future      = "future"
	Unreadable  = "unreadable"
	BadManifest = "manifest"
	NoLoad      = "load"
	ByOthers    = "foreign"
	IsPhysical  = "physical"
	Renamed     = "renamed"
	OthersRead  = "mode"
	FewerRows   = "rows"
	FewerIn     = "table-rows"
	Smaller     = "smaller"
	Torn        = "inconsistent"
	Locked      = "encrypted"
	NotOpened   = "key"
	Moved       = "metadata"
	Unseen      = "unseen"
	Doubted     = "doubt"
	NotLoadable = "not-loadable"
	OtherServer = "server"   // made from another one, on a machine
	Dangling    = "dangling" // table, rows, parent table, foreign key
)

var fatal = map[string]bool{
	Empty:       true,
	Truncated:   true,
	Grown:       true,
	OddSize:     true,
	NoTrailer:   true,
	Damaged:     true,
	CutShort:    true,
	WrongDB:     true,
	HashDiffers: true,
	NotOurs:     true,
	BadMember:   true,
	Future:      true,
	Unreadable:  true,
	BadManifest: true,
	NoLoad:      true,
}

// Fatal tells whether the problem alone makes a backup bad.
func (p Problem) Fatal() bool { return fatal[p.Code] }

func problem(code string, args ...string) Problem { return Problem{Code: code, Args: args} }

func (p Problem) arg(i int) string {
	if i < len(p.Args) {
		return p.Args[i]
	}
	return "?"
}

// Text is the problem as a sentence.
func (p Problem) Text() lang.Msg {
	switch p.Code {
	case Empty:
		return lang.M("empty")
	case Truncated:
		return lang.M("truncated: %s of %s", p.arg(0), p.arg(1))
	case Grown:
		return lang.M("longer than its manifest says: %s instead of %s", p.arg(0), p.arg(1))
	case OddSize:
		return lang.M("its size, %s, differs greatly from that of adjacent backups, %s", p.arg(0), p.arg(1))
	case NoTrailer:
		return lang.M("no trailer: the dump is incomplete")
	case Damaged:
		return lang.M("damaged: %s", p.arg(0))
	case CutShort:
		return lang.M("cut off in the middle of its compressed data")
	case WrongDB:
		return lang.M("contains the database %s, not %s", p.arg(0), p.arg(1))
	case HashDiffers:
		return lang.M("its hash differs from the manifest's: the file was changed or damaged")
	case NotOurs:
		return lang.M("another machine's backup of that name: its manifest is not that of the backup here")
	case BadMember:
		return lang.M("damaged in %s", p.arg(0))
	case Future:
		return lang.M("its date is in the future: %s", p.arg(0))
	case Unreadable:
		return lang.M("cannot be read: %s", p.arg(0))
	case BadManifest:
		return lang.M("its manifest cannot be trusted: %s", p.arg(0))
	case NoLoad:
		return lang.M("could not be loaded: %s", p.arg(0))
	}
	return p.remark()
}

func (p Problem) remark() lang.Msg {
	switch p.Code {
	case ByOthers:
		return lang.M("no manifest: made by another tool, its rows can only be verified by loading it (verify --deep)")
	case OtherServer:
		return lang.M("made from another server, on the machine %s", p.arg(0))
	case IsPhysical:
		return lang.M("a physical backup folder: listed, not verified and never removed")
	case Renamed:
		return lang.M("renamed: its manifest was written for %s", p.arg(0))
	case OthersRead:
		return lang.M("other users can read it (mode %s)", p.arg(0))
	case FewerRows:
		return lang.M("far fewer rows than earlier backups: %s, previously %s", p.arg(0), p.arg(1))
	case FewerIn:
		return lang.M("far fewer rows in %s than in earlier backups: %s, previously %s",
			lang.List(strings.Split(p.arg(0), ", ")), p.arg(1), p.arg(2))
	case Smaller:
		return lang.M("far smaller than earlier backups: %s, previously %s", p.arg(0), p.arg(1))
	case Torn:
		if len(p.Args) > 0 && p.Args[0] == ByPosition {
			return lang.M("an early version called it consistent from the binlog position alone, which is no proof")
		}
		return lang.M("not consistent, tables are from different points in time: %s", p.arg(0))
	case NotOpened:
		return lang.M("the configured key cannot decrypt it: it could not be restored")
	case Moved:
		return lang.M("its metadata changed since it was verified; verify it again: %s", "opsdeck backup verify")
	case Unseen:
		return lang.M("procedures and functions of other users were not visible: if there are any, they are missing " +
			"from it")
	case NotLoadable:
		return lang.M("a restore cannot create all of its definitions: backup show names them")
	case Doubted:
		return lang.M("made while a restore could not be read: whether the database was whole is unknown; make a new " +
			"one")
	case Dangling:
		return lang.M("%s has %s rows without a matching row in %s (foreign key %s), as in the backup",
			p.arg(0), p.arg(1), p.arg(2), p.arg(3))
	case Locked:
		return lang.M("encrypted: its contents can only be verified by their hashes")
	}
	return lang.Raw(p.Code)
}

// Label is the tier's name for people.
func (t Tier) Label() lang.Msg {
	switch t {
	case Daily:
		return lang.M("daily")
	case Weekly:
		return lang.M("weekly")
	case Monthly:
		return lang.M("monthly")
	case Emergency:
		return lang.M("emergency")
	case Manual:
		return lang.M("manual")
	case Partial:
		return lang.M("partial")
	case Archive:
		return lang.M("archive")
	}
	return lang.M("others")
}
