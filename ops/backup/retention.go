package backup

import (
	"slices"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// Policy says how much to keep.
type Policy struct {
	Keep    Keep
	Late    time.Duration // maximum age of the newest good one; if it is older, nothing is removed
	Foreign bool          // files made by other tools may be removed too
	// InUse names the backups that an unfinished restore reads. While there is one, no
	// emergency backup is removed either.
	InUse map[string]bool
	// Undo names the emergency backups that the undo of a finished restore would load, with
	// the restore's id.
	Undo map[string]string
	// Also names the backups of states that the newest restore replaced after others had written
	// to them, with the restore's id: nothing else holds what they wrote.
	Also map[string]string
	// GiveUp is the id of the restore whose undo is given up: its backup may be removed by name.
	GiveUp string
	// Loading names the backups that standbys are being built from.
	Loading map[string]bool
	// LastRun is the latest time at which a plan was made: a clock that shows an earlier
	// time went backwards. Zero when unknown.
	LastRun time.Time
	// Unreadable describes unfinished restores that could not be read: they may need any
	// backup, so nothing is removed.
	Unreadable lang.Msg
}

// used tells whether somebody reads a backup under its present name.
func (p Policy) used(s *Set) bool {
	return p.InUse[s.Name] || p.Loading[s.Name] || p.Undo[s.Name] != "" || p.Also[s.Name] != ""
}

// neededToUndo is why a backup is kept for the undo of a restore.
func neededToUndo(id string) lang.Msg {
	return lang.M("needed to undo restore %s, until a newer restore replaces it", id)
}

// PlanRetention decides what to keep. It is pure: the same inventory and policy give the
// same plan, and a second plan after the first was executed removes nothing.
func PlanRetention(inv *Inventory, p Policy) *Plan {
	r := &retention{inv: inv, policy: p, keep: map[*Set][]Reason{}, tiers: map[*Set][]Tier{}}
	for _, t := range []Tier{Daily, Weekly, Monthly} {
		r.slots(t)
	}
	r.numbers(Manual, p.Keep.Manual)
	r.numbers(Emergency, p.Keep.Emergency)
	r.inUse()
	r.guard()
	r.beforeDrops()
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

// ruled tells whether the retention rules apply to a backup: it is provably of this
// database, or holds it among others, and it is verified. When files of other tools are
// included, a file that was checked as far as possible without loading it counts too.
// Nothing else is ever removed, except bad backups.
func (r *retention) ruled(s *Set) bool {
	mine := !s.Other && (s.ProvenOf(r.inv.Database) || s.shared(r.inv.Database))
	return mine && !r.future(s) && (s.State == Good || r.checkedForeign(s))
}

// counts tells whether a backup may fill a slot.
func (r *retention) counts(s *Set) bool { return slotted(s, r.inv.Database) && r.ruled(s) }

func (r *retention) checkedForeign(s *Set) bool {
	return r.policy.Foreign && s.Foreign && s.State == Unverified && !s.Checked.IsZero()
}

// slots keeps the newest slots of a tier that are filled by a good backup.
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
	keep := r.policy.Keep.of(t)
	held := 0
	for _, s := range picks {
		at := s.At.In(r.inv.Zone)
		switch {
		case held == keep:
			return
		case !over(t, at, r.inv.At.In(r.inv.Zone)):
			r.hold(s, string(t), lang.M("the newest of the current week"))
		default:
			held++
			r.hold(s, string(t), slotReason(t, held, keep, slotStart(t, at)))
		}
		r.tiers[s] = append(r.tiers[s], t)
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

// numbers keeps the newest n of a tier to which the rules apply.
func (r *retention) numbers(t Tier, n int) {
	i := 0
	for _, s := range r.inv.Sets {
		if s.Tier == t && r.ruled(s) && i < n {
			i++
			if t == Manual {
				r.hold(s, string(t), lang.M("manual %d of %d", i, n))
			} else {
				r.hold(s, string(t), lang.M("emergency %d of %d", i, n))
			}
		}
	}
}

// inUse keeps what an unfinished restore needs.
func (r *retention) inUse() {
	for _, s := range r.inv.Sets {
		if r.policy.InUse[s.Name] || len(r.policy.InUse) > 0 && s.Tier == Emergency {
			r.hold(s, "in-use", lang.M("an unfinished restore needs it"))
		}
		if id := r.policy.Undo[s.Name]; id != "" {
			r.hold(s, "undo", neededToUndo(id))
		}
		if id := r.policy.Also[s.Name]; id != "" {
			r.hold(s, "undo",
				lang.M("holds what others wrote during restore %s; kept until a newer restore replaces it", id))
		}
		if r.policy.Loading[s.Name] {
			r.hold(s, "in-use", lang.M("a standby is being built from it"))
		}
	}
}

// guard keeps the last good backup, regardless of the numbers.
func (r *retention) guard() {
	if r.newest = Newest(r.inv, r.inv.Database); r.newest != nil {
		r.hold(r.newest, "last-good", lang.M("the newest good backup"))
	}
}

// blocked says why nothing may be removed now.
func (r *retention) blocked() (why []lang.Msg) {
	inv := r.inv
	if !r.policy.LastRun.IsZero() && inv.At.Before(r.policy.LastRun.Add(-skew)) {
		why = append(why, lang.M("the clock went backwards: the last plan was made at %s",
			r.policy.LastRun.In(inv.Zone).Format("2006-01-02 15:04")))
	}
	if !r.policy.Unreadable.Empty() {
		why = append(why, lang.M("a restore may need any of them: %s", r.policy.Unreadable))
	}
	if ahead, all := r.ahead(); 2*ahead > all {
		why = append(why, lang.M("the clock is wrong: %d of %d backups are dated in the future", ahead, all))
	}
	if r.newest == nil {
		if s := NewestProved(inv, inv.Database); s != nil {
			return append(why, lang.M("the metadata of %s changed since it was verified; verify it again: %s", s.Name,
				"opsdeck backup verify"))
		}
		return append(why, lang.M("there is no good backup"))
	}
	if age := inv.At.Sub(r.newest.At); r.policy.Late > 0 && age > r.policy.Late {
		why = append(why, lang.M("the newest good backup is %s old, the schedule allows %s", human.Duration(age),
			human.Duration(r.policy.Late)))
	}
	if s := newestFull(inv, inv.Database); s != nil && s.State == Bad {
		why = append(why, lang.M("the newest backup, %s, is bad", s.Name))
	}
	return why
}

// ahead counts this database's backups dated in the future, and all of them. A few were
// made with a wrong clock, or have a wrong name, and are ignored. If most are in the
// future, this machine's clock is wrong.
func (r *retention) ahead() (ahead, all int) {
	seen := map[any]bool{}
	for _, s := range r.inv.Sets {
		if seen[s.identity()] || s.Other || !s.ProvenOf(r.inv.Database) {
			continue
		}
		seen[s.identity()] = true
		all++
		if r.future(s) {
			ahead++
		}
	}
	return ahead, all
}

func (r *retention) future(s *Set) bool { return s.At.After(r.inv.At.Add(skew)) }

func newestFull(inv *Inventory, db string) *Set {
	for _, s := range inv.Sets {
		if s.Restorable(db) && !hasCode(s, Future) {
			return s
		}
	}
	return nil
}

// step decides what to do with one backup.
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
	case s.Other:
		return KeepIt, "other-server",
			lang.M("made from another server, on the machine %s: remove it there, or by hand", s.Summary.Machine)
	case s.Tier == Partial || s.Tier == Archive:
		return KeepIt, "no-rule", lang.M("partial backups and archives have no rule: remove them by hand")
	case s.Tier == Unknown || s.Parsed.Physical:
		return KeepIt, "unknown", lang.M("not a backup of this database: never removed")
	case s.shared(r.inv.Database):
		return KeepIt, "shared", lang.M("holds other databases too: remove it by hand")
	case s.NoFile:
		return KeepIt, "no-file",
			lang.M("not a file that can be read: left alone; if it is no backup, remove it by hand")
	case s.Foreign && !r.policy.Foreign:
		return KeepIt, "foreign", r.foreign(s)
	case !s.ProvenOf(r.inv.Database):
		return KeepIt, "unproven", lang.M("cannot tell which database it belongs to: remove it by hand")
	case r.future(s):
		return KeepIt, "future", lang.M("its date is in the future: neither counted nor removed")
	case s.State == Unverified && !r.checkedForeign(s):
		return KeepIt, "unverified", lang.M("not verified: ignored by retention until verified")
	case s.State == Bad:
		return r.badOne(s)
	case s.Tier == Manual || s.Tier == Emergency:
		return Remove, "beyond", lang.M("not among the newest %d of its tier", r.policy.Keep.of(s.Tier))
	}
	if by := r.standIn(s); by != nil {
		return Remove, "stand-in", lang.M("%s is kept for that day", by.Name)
	}
	return Remove, "expired", lang.M("not needed for daily %d, weekly %d, monthly %d", r.policy.Keep.Daily,
		r.policy.Keep.Weekly, r.policy.Keep.Monthly)
}

// foreign says why prune leaves a file that has no manifest, and what removes it.
func (r *retention) foreign(s *Set) lang.Msg {
	if s.State == Bad { // prune --foreign may keep it as evidence
		return lang.M("no manifest, perhaps made by another tool: prune leaves it; remove it: %s",
			"opsdeck backup remove "+human.Shell(s.Name))
	}
	return lang.M("no manifest, perhaps made by another tool: removed only by prune --foreign or backup remove")
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
	return KeepIt, "bad", lang.M("bad (%s): kept as evidence until %d newer days are good", p.Text(),
		r.policy.Keep.Daily)
}

// standIn is the kept backup of the same day, if any.
func (r *retention) standIn(s *Set) *Set {
	day := slotKey(Daily, s.At.In(r.inv.Zone))
	for _, o := range r.inv.Sets {
		if o != s && r.keep[o] != nil && r.counts(o) && slotKey(Daily, o.At.In(r.inv.Zone)) == day {
			return o
		}
	}
	return nil
}

// newNames are the tiers' names that a daily file needs when it holds a weekly or
// monthly slot but no longer its day's.
func (r *retention) newNames(s *Set) (names []string) {
	if s.Tier != Daily || s.Foreign || r.policy.used(s) || slices.Contains(r.tiers[s], Daily) || s == r.newest {
		return nil
	}
	for _, t := range r.tiers[s] {
		name := string(t) + "_" + s.Name
		if o := r.inv.Find(name); o != nil && o.identity() != s.identity() {
			return nil // a database whose name begins like a tier's
		}
		names = append(names, name)
	}
	return names
}

// beforeDrops keeps the last backup before a loss of rows, for an operator who notices
// it weeks later.
func (r *retention) beforeDrops() {
	for _, s := range r.inv.beforeDrops() {
		r.hold(s, "before-drop", lang.M("the last one before most rows were lost; remove it with: backup remove"))
	}
}
