package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/lang"
)

// Verb is what a plan does with a backup.
type Verb string

// The verbs. Rename replaces the name of a file that holds a weekly or monthly slot with
// that tier's name.
const (
	KeepIt Verb = "keep"
	Rename Verb = "rename"
	Remove Verb = "remove"
)

// Reason is why a step was chosen; its code is stable.
type Reason struct {
	Code string
	Text lang.Msg
}

// Step is what the plan does with one backup, and why: every step has a reason.
type Step struct {
	Verb    Verb
	Set     *Set
	To      []string // the new names of a rename
	Reasons []Reason
	Frees   int64 // bytes on disk that its removal frees; contents are freed with their last name
}

// Why is why the step is taken, and what a rename renames to.
func (s Step) Why() (out []lang.Msg) {
	if s.Verb == Rename {
		out = append(out, lang.M("renamed to %s", strings.Join(s.To, ", ")))
	}
	for _, r := range s.Reasons {
		out = append(out, r.Text)
	}
	return out
}

// Plan is a retention plan: a decision about each backup, made from an inventory alone.
type Plan struct {
	At      time.Time
	Dir     string
	Steps   []Step     // in the inventory's order: newest first
	Blocked []lang.Msg // why nothing is removed; then no step removes or links
	Undo    string     // of a removal: the restore whose undo would load the named backup
	GiveUp  string     // the restore whose undo was given up, so that its backup may be removed
	Frees   int64
	Guard   *Set // the newest good one: it is verified again before anything is removed
	ran     bool
}

// Removes lists the steps that remove.
func (p *Plan) Removes() (steps []Step) {
	for _, s := range p.Steps {
		if s.Verb == Remove {
			steps = append(steps, s)
		}
	}
	return steps
}

// Renames lists the steps that rename.
func (p *Plan) Renames() (steps []Step) {
	for _, s := range p.Steps {
		if s.Verb == Rename {
			steps = append(steps, s)
		}
	}
	return steps
}

// Empty tells whether the plan changes nothing.
func (p *Plan) Empty() bool { return len(p.Removes()) == 0 && len(p.Renames()) == 0 }

// Hash identifies the plan, so that only the plan that was shown can run.
func (p *Plan) Hash() string {
	h := sha256.New()
	for _, s := range p.Steps {
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00%v\x00%v\n", s.Verb, s.Set.Name, s.To, s.Set.ID, s.Set.Manifest)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// block turns every change into a keep.
func block(p *Plan) {
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Verb != KeepIt {
			s.Verb, s.To = KeepIt, nil
			s.Reasons = append([]Reason{{Code: "blocked", Text: p.Blocked[0]}}, s.Reasons...)
		}
	}
}

// frees computes what the removals free: contents are freed with their last name.
func (p *Plan) frees() {
	stay := map[any]int{}
	for _, s := range p.Steps {
		id := s.Set.identity()
		if _, seen := stay[id]; !seen {
			stay[id] = max(s.Set.Links, 1)
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Verb != Remove {
			continue
		}
		id := s.Set.identity()
		if stay[id]--; stay[id] == 0 {
			s.Frees = s.Set.Size
			p.Frees += s.Frees
		}
	}
}

// Label is the verb for people.
func (v Verb) Label() lang.Msg {
	switch v {
	case Rename:
		return lang.M("rename")
	case Remove:
		return lang.M("remove")
	}
	return lang.M("keep")
}
