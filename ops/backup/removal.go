package backup

import (
	"slices"

	"opsdeck/internal/lang"
)

// PlanRemoval plans the removal of one backup by its name; with all, of every name of
// its contents. It is pure and as careful as PlanRetention: it keeps what a restore
// needs and the last good backup of each database in it. Blocked says why a backup may
// not be removed.
func PlanRemoval(inv *Inventory, p Policy, named *Set, all bool) *Plan {
	r := &removal{inv: inv, policy: p, named: named, all: all}
	plan := &Plan{At: inv.At, Dir: inv.Dir, Blocked: r.blocked(), Guard: r.guard,
		Undo: r.undo(), GiveUp: p.GiveUp}
	for _, s := range inv.Sets {
		step := Step{Verb: KeepIt, Set: s, Reasons: []Reason{{Code: "not-named", Text: lang.M("not named")}}}
		switch {
		case r.goes(s):
			step = Step{Verb: Remove, Set: s, Reasons: []Reason{{Code: "named", Text: lang.M("selected for removal")}}}
		case s.identity() == named.identity():
			step.Reasons = []Reason{{Code: "other-name", Text: lang.M("another name for the same contents, which " +
				"are kept")}}
		}
		plan.Steps = append(plan.Steps, step)
	}
	if len(plan.Blocked) > 0 {
		block(plan)
	}
	plan.frees()
	return plan
}

type removal struct {
	inv    *Inventory
	policy Policy
	named  *Set
	all    bool
	guard  *Set // the newest good one that remains
}

func (r *removal) goes(s *Set) bool {
	return s == r.named || r.all && s.identity() == r.named.identity()
}

func (r *removal) blocked() (why []lang.Msg) {
	s := r.named
	if s.Parsed.Physical {
		return append(why, lang.M("%s is a physical backup folder: opsdeck does not remove those", s.Name))
	}
	if s.NoFile {
		return append(why, lang.M("%s is not a file that can be read: opsdeck does not remove those; remove it by hand",
			s.Name))
	}
	if of := s.Summary.Databases; len(of) > 0 && !s.holds(r.inv.Database) {
		return append(why, lang.M("%s is a backup of %s, not of %s", s.Name, of[0], r.inv.Database))
	}
	if !r.policy.Unreadable.Empty() {
		why = append(why, lang.M("a restore may need any of them: %s", r.policy.Unreadable))
	}
	if r.needed() {
		why = append(why, lang.M("an unfinished restore needs it"))
	}
	if id := r.undo(); id != "" && id != r.policy.GiveUp {
		why = append(why, neededToUndo(id))
	}
	if slices.ContainsFunc(r.inv.NamesOf(r.named), func(name string) bool { return r.policy.Loading[name] }) {
		why = append(why, lang.M("a standby is being built from it"))
	}
	for _, db := range r.databases() {
		left := r.newestLeft(db)
		if db == r.inv.Database {
			r.guard = left
		}
		if left == nil && s.full() {
			why = append(why, lang.M("without it there would be no good backup of %s", db))
		}
	}
	return why
}

// needed tells whether an unfinished restore reads these contents, under any name, or
// may revert to this emergency backup.
func (r *removal) needed() bool {
	if len(r.policy.InUse) > 0 && r.named.Tier == Emergency {
		return true
	}
	return slices.ContainsFunc(r.inv.NamesOf(r.named), func(name string) bool { return r.policy.InUse[name] })
}

// undo is the restore whose undo would load these contents, under any name; "" for none.
func (r *removal) undo() string {
	for _, name := range r.inv.NamesOf(r.named) {
		if id := r.policy.Undo[name]; id != "" {
			return id
		}
	}
	return ""
}

func (r *removal) databases() []string {
	names := []string{r.inv.Database}
	for _, db := range r.named.Summary.Databases {
		if db != r.inv.Database {
			names = append(names, db)
		}
	}
	return names
}

// newestLeft is the newest good backup of db without the named one.
func (r *removal) newestLeft(db string) *Set {
	left := *r.inv
	left.Sets = slices.DeleteFunc(slices.Clone(r.inv.Sets), r.goes)
	return Newest(&left, db)
}
