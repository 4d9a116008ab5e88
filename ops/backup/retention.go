package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// Verb is what a plan does with a backup.
type Verb string

// The verbs. Rename gives a file that holds a weekly or monthly slot that tier's
// name in place of its own.
const (
	KeepIt Verb = "keep"
	Rename Verb = "rename"
	Remove Verb = "remove"
)

// Reason is why; its code is stable.
type Reason struct {
	Code string
	Text lang.Msg
}

// Step is what the plan does with one backup, and why: every step has a reason.
type Step struct {
	Verb    Verb
	Set     *Set
	To      []string // the new names, of a rename
	Reasons []Reason
	Frees   int64 // bytes on disk that its removal frees; names that share contents free nothing alone
}

// Policy is how much is kept.
type Policy struct {
	Keep    Keep
	Late    time.Duration // the newest good one must be younger, or nothing is removed
	Foreign bool          // files made by others may be removed too
	// InUse names the backups that an unfinished restore reads; while there is
	// one, no emergency backup goes either.
	InUse map[string]bool
	// LastRun is the latest moment at which a plan was made before: a clock that
	// stands before it went backwards. Zero when unknown.
	LastRun time.Time
}

// Plan is a retention plan: a decision about each backup, made from an inventory
// and nothing else.
type Plan struct {
	At      time.Time
	Dir     string
	Steps   []Step     // as the inventory's order: newest first
	Blocked []lang.Msg // why nothing is removed; then no step removes or links
	Frees   int64
	Guard   *Set // the newest good one: it is verified again before anything goes
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

// Hash names the plan: what was shown is what may run.
func (p *Plan) Hash() string {
	h := sha256.New()
	for _, s := range p.Steps {
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00%v\x00%v\n", s.Verb, s.Set.Name, s.To, s.Set.ID, s.Set.Manifest)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// PlanRetention decides. It is pure: the same inventory and policy give the same
// plan, and a plan made of what a plan has left removes nothing.
func PlanRetention(inv *Inventory, p Policy) *Plan {
	r := &retention{inv: inv, policy: p, keep: map[*Set][]Reason{}, tiers: map[*Set][]Tier{}}
	for _, t := range []Tier{Daily, Weekly, Monthly} {
		r.slots(t)
	}
	r.numbers(Manual, p.Keep.Manual)
	r.numbers(Emergency, p.Keep.Emergency)
	r.inUse()
	r.guard()
	plan := &Plan{At: inv.At, Dir: inv.Dir, Blocked: r.blocked(), Guard: r.newest}
	for _, s := range inv.Sets {
		plan.Steps = append(plan.Steps, r.step(s))
	}
	if len(plan.Blocked) > 0 {
		block(plan)
	}
	plan.frees()
	return plan
}

type retention struct {
	inv    *Inventory
	policy Policy
	keep   map[*Set][]Reason
	tiers  map[*Set][]Tier // the tiers whose slots a backup holds
	newest *Set
}

func (r *retention) hold(s *Set, code string, text lang.Msg) {
	r.keep[s] = append(r.keep[s], Reason{Code: code, Text: text})
}

// counts tells whether a backup may stand for a slot: a proved one, and when
// files made by others are asked for, one of those that was checked as far as
// it can be without loading it.
func (r *retention) counts(s *Set) bool {
	return slotted(s, r.inv.Database) && (s.State == Good || r.checkedForeign(s))
}

func (r *retention) checkedForeign(s *Set) bool {
	return r.policy.Foreign && s.Foreign && s.State == Unverified && !s.Checked.IsZero()
}

// slots keeps the newest slots of a tier that a good backup holds.
func (r *retention) slots(t Tier) {
	best := map[string]*Set{}
	for _, s := range r.inv.Sets {
		if !r.counts(s) {
			continue
		}
		k := slotKey(t, s.At.In(r.inv.Zone))
		if old := best[k]; old == nil || better(t, s, old, r.inv.Zone) {
			best[k] = s
		}
	}
	picks := make([]*Set, 0, len(best))
	for _, s := range best {
		picks = append(picks, s)
	}
	sortSets(picks)
	for i, s := range picks[:min(len(picks), r.policy.Keep.Of(t))] {
		r.tiers[s] = append(r.tiers[s], t)
		r.hold(s, string(t), slotReason(t, i+1, r.policy.Keep.Of(t), slotStart(t, s.At.In(r.inv.Zone))))
	}
}

func slotReason(t Tier, i, n int, from time.Time) lang.Msg {
	switch t {
	case Weekly:
		return lang.M("weekly %d of %d: week of %s", i, n, from.Format("2006-01-02"))
	case Monthly:
		return lang.M("monthly %d of %d: %s", i, n, from.Format("2006-01"))
	}
	return lang.M("daily %d of %d: %s", i, n, from.Format("2006-01-02"))
}

// numbers keeps the newest n good ones of a tier.
func (r *retention) numbers(t Tier, n int) {
	i := 0
	for _, s := range r.inv.Sets {
		if s.Tier == t && s.State == Good && i < n {
			i++
			if t == Manual {
				r.hold(s, string(t), lang.M("manual %d of %d", i, n))
			} else {
				r.hold(s, string(t), lang.M("emergency %d of %d", i, n))
			}
		}
	}
}

// inUse keeps what an unfinished restore stands on.
func (r *retention) inUse() {
	for _, s := range r.inv.Sets {
		if r.policy.InUse[s.Name] || len(r.policy.InUse) > 0 && s.Tier == Emergency {
			r.hold(s, "in-use", lang.M("a restore that is not finished needs it"))
		}
	}
}

// guard keeps the last good backup, whatever the numbers say.
func (r *retention) guard() {
	if r.newest = Newest(r.inv, r.inv.Database); r.newest != nil {
		r.hold(r.newest, "last-good", lang.M("the newest good backup"))
	}
}

// blocked says why nothing may be removed now.
func (r *retention) blocked() (why []lang.Msg) {
	inv := r.inv
	if !r.policy.LastRun.IsZero() && inv.At.Before(r.policy.LastRun.Add(-skew)) {
		why = append(why, lang.M("the clock went backwards: a plan was made at %s already", r.policy.LastRun.In(inv.Zone).Format("2006-01-02 15:04")))
	}
	for _, s := range inv.Sets {
		if s.At.After(inv.At.Add(skew)) {
			why = append(why, lang.M("the clock or a name is wrong: %s lies in the future", s.Name))
			break
		}
	}
	if r.newest == nil {
		return append(why, lang.M("there is no good backup"))
	}
	if age := inv.At.Sub(r.newest.At); r.policy.Late > 0 && age > r.policy.Late {
		why = append(why, lang.M("the newest good backup is %s old, the schedule allows %s", human.Duration(age), human.Duration(r.policy.Late)))
	}
	if s := newestFull(inv, inv.Database); s != nil && s.State == Bad {
		why = append(why, lang.M("the newest backup, %s, is bad", s.Name))
	}
	return why
}

func newestFull(inv *Inventory, db string) *Set {
	for _, s := range inv.Sets {
		if s.Restorable(db) {
			return s
		}
	}
	return nil
}

// step decides about one backup.
func (r *retention) step(s *Set) Step {
	if reasons := r.keep[s]; reasons != nil {
		if to := r.newNames(s); to != nil {
			return Step{Verb: Rename, Set: s, To: to, Reasons: reasons}
		}
		return Step{Verb: KeepIt, Set: s, Reasons: reasons}
	}
	verb, code, text := r.verdict(s)
	return Step{Verb: verb, Set: s, Reasons: []Reason{{Code: code, Text: text}}}
}

func (r *retention) verdict(s *Set) (Verb, string, lang.Msg) {
	switch {
	case s.Tier == Partial || s.Tier == Archive:
		return KeepIt, "no-rule", lang.M("partial backups and archives have no rule: remove them by hand")
	case s.Tier == Unknown || s.Parsed.Physical:
		return KeepIt, "unknown", lang.M("not a backup of this database: never touched")
	case s.Foreign && !r.policy.Foreign:
		return KeepIt, "foreign", lang.M("made by others: removed only with --foreign")
	case s.State == Unverified && !r.checkedForeign(s):
		return KeepIt, "unverified", lang.M("not verified: neither counted nor removed until it is")
	case s.State == Bad:
		return r.badOne(s)
	case s.Tier == Manual || s.Tier == Emergency:
		return Remove, "beyond", lang.M("beyond the newest %d of its tier", r.policy.Keep.Of(s.Tier))
	}
	if by := r.standIn(s); by != nil {
		return Remove, "stand-in", lang.M("%s stands for its day", by.Name)
	}
	return Remove, "expired", lang.M("holds no slot of daily %d, weekly %d, monthly %d", r.policy.Keep.Daily, r.policy.Keep.Weekly, r.policy.Keep.Monthly)
}

// badOne keeps a bad backup as evidence while its day is in the daily window.
func (r *retention) badOne(s *Set) (Verb, string, lang.Msg) {
	newer := 0
	for _, o := range r.inv.Sets {
		if o.At.After(s.At) && r.counts(o) && slices.Contains(r.tiers[o], Daily) {
			newer++
		}
	}
	p, _ := s.Worst()
	if newer > 0 && newer >= r.policy.Keep.Daily {
		return Remove, "bad", lang.M("bad (%s), and %d newer days are good", p.Text(), newer)
	}
	return KeepIt, "bad", lang.M("bad (%s): kept as evidence until %d newer days are good", p.Text(), r.policy.Keep.Daily)
}

// standIn is the kept backup of the same day, if any.
func (r *retention) standIn(s *Set) *Set {
	day := slotKey(Daily, s.At.In(r.inv.Zone))
	for _, o := range r.inv.Sets {
		if o != s && r.keep[o] != nil && slotKey(Daily, o.At.In(r.inv.Zone)) == day {
			return o
		}
	}
	return nil
}

// newNames are the tiers' names that a daily file needs when it holds a weekly
// or monthly slot, but not its day's any more.
func (r *retention) newNames(s *Set) (names []string) {
	if s.Tier != Daily || s.Foreign || r.policy.InUse[s.Name] || slices.Contains(r.tiers[s], Daily) || s == r.newest {
		return nil
	}
	for _, t := range r.tiers[s] {
		names = append(names, string(t)+"_"+s.Name)
	}
	return names
}

// block turns every change into keeping.
func block(p *Plan) {
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Verb != KeepIt {
			s.Verb, s.To = KeepIt, nil
			s.Reasons = append([]Reason{{Code: "blocked", Text: p.Blocked[0]}}, s.Reasons...)
		}
	}
}

// frees reckons what the removals free: contents go with their last name.
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
