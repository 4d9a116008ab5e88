package backup

import (
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// A backup is compared with the last few good ones before it, and with the last few of
// those that had not shrunk themselves: a loss does not become the norm by repetition.
// It has shrunk when its rows are below half of what any of those had; fewer rows than
// worthAWord are ignored.
const (
	shrinkBefore = 4
	shrinkBelow  = 0.5
	worthAWord   = 100
)

// Shrink is what a backup lacks compared with those before it: the sign of an emptied
// table or database.
type Shrink struct {
	Set    *Set
	Before *Set // the newest before it with the most rows, or bytes
	Rows   int64
	Was    int64         // rows of Before; 0 when the total did not shrink
	Tables []TableShrink // in the manifest's order
	Size   int64         // bytes, when rows were not counted
	WasOf  int64         // bytes of Before; 0 when rows are compared
}

// TableShrink is a table that lost most or all of its rows.
type TableShrink struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	Was  int64  `json:"rows_before"`
}

// Shrunk tells whether s lacks rows that the backups before it in the inventory have; ok
// is false when there is no sign of a loss. For many backups call Shrinks once.
func (inv *Inventory) Shrunk(s *Set) (shrink Shrink, ok bool) {
	return inv.accepted.shrinksOf(inv.lineOf(s)).Of(s)
}

// Shrinks holds the backups that have shrunk, by their contents.
type Shrinks map[any]Shrink

// Of tells whether s, or another name of its contents, has shrunk.
func (x Shrinks) Of(s *Set) (shrink Shrink, ok bool) {
	shrink, ok = x[s.identity()]
	return shrink, ok
}

// Shrinks finds every backup of the inventory that has shrunk.
func (inv *Inventory) Shrinks() Shrinks {
	all, seen := Shrinks{}, map[lineKey]bool{}
	for _, s := range inv.Sets {
		k := lineKey{s.Database, s.Parsed.Ext, s.Other}
		if seen[k] {
			continue
		}
		seen[k] = true
		maps.Copy(all, inv.accepted.shrinksOf(inv.lineOf(s)))
	}
	return all
}

// lineKey names the backups that can be compared with each other.
type lineKey struct {
	database, ext string
	other         bool // of other servers
}

// lineOf lists the full backups that can be compared with s, newest first, one name of
// each content.
func (inv *Inventory) lineOf(s *Set) (line []*Set) {
	seen := map[any]bool{}
	for _, o := range inv.Sets {
		if o.full() && o.Tier != Emergency && o.Other == s.Other && o.Database == s.Database &&
			o.Parsed.Ext == s.Parsed.Ext && !seen[o.identity()] {
			seen[o.identity()] = true
			line = append(line, o)
		}
	}
	return line
}

// shrinksOf finds those of a line that have shrunk; the line is newest first.
func (a acceptedAt) shrinksOf(line []*Set) Shrinks {
	all := Shrinks{}
	known := line
	var norm []*Set // the last few that had not shrunk, newest first
	for i, s := range slices.Backward(line) {
		if i+1 < len(known) && a.between(s.Database, known[i+1].At, s.At) {
			known, norm = line[:i+1], nil
		}
		if shrink, ok := shrinkOf(s, withNorm(norm, goodBefore(known, i))); ok {
			all[s.identity()] = shrink
			continue
		}
		if !s.Foreign && s.State != Bad {
			norm = slices.Insert(norm[:min(len(norm), shrinkBefore-1)], 0, s)
		}
	}
	return all
}

// withNorm are the backups to compare with: first those that had not shrunk, then the
// other ones, which may have tables that are newer.
func withNorm(norm, before []*Set) []*Set {
	out := slices.Clone(norm)
	for _, s := range before {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// shrinkOf compares set with those before it; what it prefers as Before comes first.
func shrinkOf(set *Set, before []*Set) (Shrink, bool) {
	if len(before) == 0 || set.Foreign {
		return Shrink{}, false
	}
	s := Shrink{Set: set, Rows: set.Summary.Rows, Size: set.Size}
	if !s.Set.Summary.rowsKnown() {
		return s.bySize(before)
	}
	most := before[0]
	for _, b := range before {
		if b.Summary.Rows > most.Summary.Rows {
			most = b
		}
	}
	if farFewer(s.Rows, most.Summary.Rows) {
		s.Before, s.Was = most, most.Summary.Rows
	}
	s.byTable(before)
	return s, s.Before != nil
}

// BeforeLoss is the backup to compare a database with: the newest proved one, or the one
// before the loss if that has shrunk. So a backup of a damaged database does not become
// the reference. nil when there is none.
func BeforeLoss(inv *Inventory, db string) *Set {
	s := NewestProved(inv, db)
	if s == nil {
		return nil
	}
	if shrink, ok := inv.Shrunk(s); ok && shrink.Before.Restorable(db) {
		return shrink.Before
	}
	return s
}

// rowsKnown tells whether the rows were counted: opsdeck's own engine always counts
// them, and finds none in an empty database.
func (s Summary) rowsKnown() bool { return s.Engine == "native" || s.Rows > 0 }

func farFewer(now, was int64) bool {
	return was >= worthAWord && float64(now) < shrinkBelow*float64(was)
}

// goodBefore are the last few backups before line[i] whose manifests tell their contents
// and that have no known problem.
func goodBefore(line []*Set, i int) (before []*Set) {
	for _, o := range line[i+1:] {
		if len(before) == shrinkBefore {
			break
		}
		if !o.Foreign && o.State != Bad {
			before = append(before, o)
		}
	}
	return before
}

// byTable adds the tables that lost most of their rows, and those that are missing.
func (s *Shrink) byTable(before []*Set) {
	now := map[string]int64{}
	for _, t := range s.Set.Summary.Counts {
		now[t.Name] = t.Rows
	}
	at := map[string]int{}
	for _, b := range before {
		for _, t := range b.Summary.Counts {
			if !farFewer(now[t.Name], t.Rows) {
				continue
			}
			i, seen := at[t.Name]
			if !seen {
				i = len(s.Tables)
				at[t.Name] = i
				s.Tables = append(s.Tables, TableShrink{Name: t.Name, Rows: now[t.Name]})
			}
			s.Tables[i].Was = max(s.Tables[i].Was, t.Rows)
			if s.Before == nil {
				s.Before = b
			}
		}
	}
}

// bySize compares backups whose rows were not counted.
func (s Shrink) bySize(before []*Set) (Shrink, bool) {
	for _, b := range before {
		if b.Summary.rowsKnown() {
			continue // another engine
		}
		if b.Size > s.WasOf {
			s.Before, s.WasOf = b, b.Size
		}
	}
	if s.Before == nil || float64(s.Size) >= shrinkBelow*float64(s.WasOf) {
		return Shrink{}, false
	}
	return s, true
}

// problem is the shrink as a remark about its backup.
func (s Shrink) problem() Problem {
	switch {
	case s.Was > 0:
		return problem(FewerRows, human.Count(s.Rows), human.Count(s.Was))
	case len(s.Tables) > 0:
		t := s.Tables[0]
		return problem(FewerIn, s.names(), human.Count(t.Rows), human.Count(t.Was))
	}
	return problem(Smaller, human.Bytes(s.Size), human.Bytes(s.WasOf))
}

// Text is the shrink as a sentence for people.
func (s Shrink) Text() lang.Msg { return s.problem().Text() }

// names lists the tables; the first one with its numbers.
func (s Shrink) names() string {
	const most = 5
	var names []string
	for _, t := range s.Tables[:min(most, len(s.Tables))] {
		names = append(names, t.Name)
	}
	if len(s.Tables) > most {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// beforeDrops lists the backups that are the last before a loss that no later backup
// makes up for: each has more than twice the rows, of the database or of a table, that
// any later backup has. Retention keeps them. Backups of other tools are compared by
// size too: their rows are not counted, or counted as none.
func (inv *Inventory) beforeDrops() []*Set {
	out := inv.beforeRowLoss()
	for _, s := range inv.beforeByteLoss() {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (inv *Inventory) beforeByteLoss() (out []*Set) {
	type line struct{ engine, ext string }
	newer, later := map[line]any{}, map[line]int64{}
	for _, s := range inv.Sets {
		if s.State != Good || !s.Restorable(inv.Database) || s.Engine == "native" {
			continue
		}
		l := line{s.Engine, s.Parsed.Ext}
		id, seen := newer[l]
		if seen && id != s.identity() && float64(later[l]) < shrinkBelow*float64(s.Size) {
			out = append(out, s)
		}
		newer[l], later[l] = s.identity(), max(later[l], s.Size)
	}
	return out
}

func (inv *Inventory) beforeRowLoss() []*Set {
	var line []*Set
	for _, s := range inv.Sets {
		if s.State == Good && s.Restorable(inv.Database) && s.Summary.rowsKnown() {
			line = append(line, s)
		}
	}
	var out []*Set
	after := map[string]int64{}
	later := int64(0)
	newer := any(nil)
	for _, s := range line {
		same := newer != nil && newer == s.identity()
		if newer != nil && !same && lost(s, later, after) {
			out = append(out, s)
		}
		newer = s.identity()
		later = max(later, s.Summary.Rows)
		for _, t := range s.Summary.Counts {
			after[t.Name] = max(after[t.Name], t.Rows)
		}
	}
	return out
}

func lost(s *Set, later int64, after map[string]int64) bool {
	if farFewer(later, s.Summary.Rows) {
		return true
	}
	for _, t := range s.Summary.Counts {
		if farFewer(after[t.Name], t.Rows) {
			return true
		}
	}
	return false
}
