package backup

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"strings"
	"time"
)

// Headline says how old the newest good backup is.
func (inv *Inventory) Headline(away []Elsewhere) lang.Msg {
	s := NewestAnywhere(inv, away, inv.Database)
	switch {
	case s == nil && NewestProved(inv, inv.Database) != nil:
		moved := NewestProved(inv, inv.Database).Name
		return lang.M("the metadata of %s changed since it was verified; verify it again: %s", moved,
			"opsdeck backup verify")
	case s == nil:
		what, _ := inv.NoneGood()
		return what
	case s.AtCopy != "":
		return lang.M("newest good backup of %s: %s, at the copy %s", inv.Database, Ago(inv.At.Sub(s.At)), s.AtCopy)
	}
	return lang.M("newest good backup of %s: %s", inv.Database, Ago(inv.At.Sub(s.At)))
}

// NoneGood says why the inventory has no good backup of its database, and what to do.
func (inv *Inventory) NoneGood() (what, next lang.Msg) {
	others := inv.OtherDatabases(inv.Database)
	switch s := NewestUsable(inv, inv.Database); {
	case s != nil:
		return lang.M("no good backup of %s: none is verified", inv.Database), lang.M("verify it: %s", s.HowToVerify())
	case len(others) > 0:
		return lang.M("no good backup of %s; the folder has backups of %s", inv.Database, strings.Join(others, ", ")),
			lang.M("check database.name in the configuration: %s", "opsdeck config show")
	}
	return lang.M("no good backup of %s", inv.Database), lang.M("make one: opsdeck backup create")
}

// HowToVerify is the command that can call the backup good: the rows of one without a manifest are
// only known by loading it.
func (s *Set) HowToVerify() string {
	if s.Foreign {
		return "opsdeck backup verify --deep " + human.Shell(s.Name)
	}
	return "opsdeck backup verify --all"
}

// Room says how much the backups take, and how much is free.
func (inv *Inventory) Room() lang.Msg {
	return lang.M("names: %d, %s on disk, %s of %s free", len(inv.Sets), human.Bytes(inv.Bytes),
		human.Bytes(inv.Disk.Free), human.Bytes(inv.Disk.Total))
}

// Title is the tier with how many it has.
func (t TierInfo) Title() lang.Msg {
	switch t.Tier {
	case Daily, Weekly, Monthly:
		return lang.M("%s: %d of %d present", t.Tier.Label(), t.Held, t.Keep)
	}
	if t.Keep > 0 {
		return lang.M("%s: %d, the newest %d are kept", t.Tier.Label(), len(t.Sets), t.Keep)
	}
	return lang.M("%s: %d", t.Tier.Label(), len(t.Sets))
}

// Ago is how long ago something was; a negative duration lies ahead.
func Ago(d time.Duration) lang.Msg {
	if d >= 0 && d < time.Minute {
		return lang.M("just now")
	}
	if d < 0 {
		return lang.M("in %s", human.Duration(-d.Truncate(time.Minute)))
	}
	return lang.M("%s ago", human.Duration(d.Truncate(time.Minute)))
}

// ConsistencyText says whether the backup is of one moment, and how that is known.
func (m *Manifest) ConsistencyText() lang.Msg {
	switch {
	case m.Consistency == ByPosition:
		return lang.M("consistency not proven: an early version compared only binlog positions")
	case !m.Consistent:
		return lang.M("NOT one moment: some rows are outside the snapshot (%s)", m.Consistency)
	case m.Consistency == "single-connection":
		return lang.M("one moment, read over a single connection")
	case m.Consistency == "engine":
		return lang.M("one moment, as read by the server's own tool")
	}
	return lang.M("one moment over all connections, by %s", m.Consistency)
}
