package backup

import (
	"slices"

	"opsdeck/internal/lang"
)

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

// Unproved lists the backups that ToSend leaves out because they were not verified here:
// one name for each content, newest first.
func (inv *Inventory) Unproved() (sets []*Set) {
	seen := map[any]bool{}
	for _, s := range inv.Sets {
		if s.State == Bad || s.Parsed.Physical || !s.Checked.IsZero() && s.SHA256 != "" || seen[s.identity()] {
			continue
		}
		seen[s.identity()] = true
		sets = append(sets, s)
	}
	return sets
}

// ToSendUnder divides what ToSend lists by the retention rule of a copy. What the rule
// would remove there is left out, with the rule's reason; so is what it would keep only
// until a newer one is there, unless the copy has no good one yet. A file that is there
// already and is not good is sent again whatever the rule says. there is the copy's
// inventory.
func (sc Scan) ToSendUnder(inv, there *Inventory, p Policy) (send []*Set, left []Step) {
	arrived := map[*Set]*Set{}
	after := slices.Clone(there.Sets)
	all := inv.ToSend()
	for _, s := range all {
		if there.Find(s.Name) != nil || there.hasContents(s) {
			continue
		}
		f := FileAtCopy{Name: s.Name, Size: s.Size}
		if !s.Foreign {
			f.Summary = &s.Summary
		}
		if a, ok := sc.atCopy(f, Good); ok {
			arrived[s] = a
			after = append(after, a)
		}
	}
	plan := PlanRetention(sc.NewInventory(after), p)
	gone := map[*Set]Step{}
	held := Newest(there, there.Database) != nil
	for _, step := range plan.Steps {
		switch {
		case step.Verb == Remove:
			gone[step.Set] = step
		case held && passing(step, inv):
			gone[step.Set] = Step{Verb: Remove, Reasons: []Reason{{Code: "passing",
				Text: lang.M("the copy would keep it only until a newer one is there")}}}
		}
	}
	for _, s := range all {
		if step, removed := gone[arrived[s]]; removed {
			step.Set = s
			left = append(left, step)
		} else {
			send = append(send, s)
		}
	}
	return send, left
}

// passing tells whether a plan keeps a backup only because no newer one is there.
func passing(step Step, inv *Inventory) bool {
	at, now := step.Set.At.In(inv.Zone), inv.At.In(inv.Zone)
	for _, r := range step.Reasons {
		soon := r.Code == "last-good" || r.Code == string(Weekly) && !over(Weekly, at, now)
		if !soon {
			return false
		}
	}
	return len(step.Reasons) > 0
}

// hasContents tells whether the contents of s are there and good, under any name.
func (inv *Inventory) hasContents(s *Set) bool {
	return slices.ContainsFunc(inv.Sets, func(o *Set) bool {
		return o.State == Good && o.SHA256 != "" && o.SHA256 == s.SHA256
	})
}
