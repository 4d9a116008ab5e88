package backup

import (
	"fmt"
	"slices"
	"time"

	"opsdeck/internal/lang"
)

// Slot is one period of a tier that should hold a backup: a day, a week from
// Monday to Sunday, a month.
type Slot struct {
	From, To time.Time // exclusive
	Set      *Set      // nil when it is missing; the good one, else the best available
	Missing  bool      // due, after the first known backup, and without any file
}

// Key names the period: 2026-01-29, 2026-W05, 2026-01.
func (s Slot) Key(t Tier) string { return slotKey(t, s.From) }

// held tells whether a good backup fills it.
func (s Slot) held() bool { return s.Set != nil && s.Set.State == Good }

// Label is the period for people.
func (s Slot) Label(t Tier) lang.Msg {
	switch t {
	case Weekly:
		return lang.M("week of %s", s.From.Format("2006-01-02"))
	case Monthly:
		return lang.Raw(s.From.Format("2006-01"))
	}
	return lang.Raw(s.From.Format("2006-01-02"))
}

// TierInfo is a tier, with what it should hold and what it holds.
type TierInfo struct {
	Tier  Tier
	Keep  int // 0: no limit by number
	Held  int // good ones: of the slots, or all where there are no slots
	Slots []Slot
	Sets  []*Set // newest first
}

// Listed are the tier's backups and those of other tiers that fill its slots, newest first.
func (t TierInfo) Listed() []*Set {
	out := slices.Clone(t.Sets)
	for _, s := range t.Slots {
		if s.Set != nil && !slices.Contains(out, s.Set) {
			out = append(out, s.Set)
		}
	}
	slices.SortStableFunc(out, func(a, b *Set) int { return b.At.Compare(a.At) })
	return out
}

// Missing lists the empty slots.
func (t TierInfo) Missing() (slots []Slot) {
	for _, s := range t.Slots {
		if s.Missing {
			slots = append(slots, s)
		}
	}
	return slots
}

// Unfilled lists the slots without a restorable backup: the empty ones, and those whose
// only file is bad.
func (t TierInfo) Unfilled() (slots []Slot) {
	for _, s := range t.Slots {
		if s.Missing || s.Set != nil && s.Set.State == Bad {
			slots = append(slots, s)
		}
	}
	return slots
}

// Keep is the number of slots, or backups, to keep of each tier.
type Keep struct{ Daily, Weekly, Monthly, Emergency, Manual int }

// of is the number for a tier; 0 where there is none.
func (k Keep) of(t Tier) int {
	return map[Tier]int{Daily: k.Daily, Weekly: k.Weekly, Monthly: k.Monthly, Emergency: k.Emergency,
		Manual: k.Manual}[t]
}

// Tiers groups an inventory. A slot is due when its first scheduled run is more than
// grace ago.
func (inv *Inventory) Tiers(keep Keep, daily Cron, grace time.Duration) []TierInfo {
	out := make([]TierInfo, len(Tiers))
	place := map[Tier]*TierInfo{}
	for i, t := range Tiers {
		out[i] = TierInfo{Tier: t, Keep: keep.of(t)}
		place[t] = &out[i]
	}
	for _, s := range inv.Sets {
		place[s.Tier].Sets = append(place[s.Tier].Sets, s)
	}
	for i := range out {
		t := &out[i]
		switch t.Tier {
		case Daily, Weekly, Monthly:
			t.Slots = inv.slots(t.Tier, t.Keep, daily, grace)
			for _, s := range t.Slots {
				if s.held() {
					t.Held++
				}
			}
		default:
			for _, s := range t.Sets {
				if s.State == Good {
					t.Held++
				}
			}
		}
	}
	return out
}

// slots are the newest keep periods that are due, newest first.
func (inv *Inventory) slots(t Tier, keep int, daily Cron, grace time.Duration) []Slot {
	best, first := inv.fill(t)
	from := slotStart(t, inv.At.In(inv.Zone))
	if !inv.due(t, from, best[slotKey(t, from)], daily, grace) {
		from = slotBefore(t, from)
	}
	var slots []Slot
	for range keep {
		s := Slot{From: from, To: slotAfter(t, from), Set: best[slotKey(t, from)]}
		s.Missing = s.Set == nil && !first.IsZero() && s.To.After(first)
		slots = append(slots, s)
		from = slotBefore(t, from)
	}
	return slots
}

// due tells whether the current period counts already: it has a backup, or its first run
// should have ended. A week is judged by its Sunday.
func (inv *Inventory) due(t Tier, from time.Time, held *Set, daily Cron, grace time.Duration) bool {
	if held != nil && over(t, held.At.In(inv.Zone), inv.At.In(inv.Zone)) {
		return true
	}
	if t == Weekly {
		from = from.AddDate(0, 0, 6)
	}
	run := daily.Next(from.Add(-time.Second))
	return !run.IsZero() && !inv.At.Before(run.Add(grace))
}

// over tells whether the period of a backup made at the given time counts as kept: a
// week counts when it has a Sunday's backup or is past. Before that its daily backups
// must not displace a complete week.
func over(t Tier, at, now time.Time) bool {
	return t != Weekly || at.Weekday() == time.Sunday || !now.Before(slotAfter(Weekly, slotStart(Weekly, at)))
}

// fill selects the backup for each period, and returns when the history begins.
func (inv *Inventory) fill(t Tier) (best map[string]*Set, first time.Time) {
	best = map[string]*Set{}
	for _, s := range inv.Sets {
		if !slotted(s, inv.Database) {
			continue
		}
		if first.IsZero() || s.At.Before(first) {
			first = s.At
		}
		k := slotKey(t, s.At.In(inv.Zone))
		if old := best[k]; old == nil || rank(s) > rank(old) || rank(s) == rank(old) && better(t, s, old, inv.Zone) {
			best[k] = s
		}
	}
	return best, first
}

func rank(s *Set) int { return map[State]int{Good: 2, Unverified: 1}[s.State] }

// better tells whether a is preferred over b for a period: the newest of a day;
// Sunday's, else the newest of a week; the 1st's, else the first of a month. A file with
// the tier's name is preferred over one without.
func better(t Tier, a, b *Set, zone *time.Location) bool {
	if !a.At.Equal(b.At) {
		if t == Monthly && slotKey(Daily, a.At.In(zone)) != slotKey(Daily, b.At.In(zone)) {
			return a.At.Before(b.At)
		}
		return a.At.After(b.At)
	}
	if (a.Tier == t) != (b.Tier == t) {
		return a.Tier == t
	}
	return a.Name < b.Name
}

func slotStart(t Tier, at time.Time) time.Time {
	y, m, d := at.Date()
	switch t {
	case Weekly:
		d -= (int(at.Weekday()) + 6) % 7 // back to Monday
	case Monthly:
		d = 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, at.Location())
}

func slotAfter(t Tier, from time.Time) time.Time {
	y, m, d := from.Date()
	switch t {
	case Weekly:
		d += 7
	case Monthly:
		m++
	default:
		d++
	}
	return time.Date(y, m, d, 0, 0, 0, 0, from.Location())
}

func slotBefore(t Tier, from time.Time) time.Time {
	y, m, d := from.Date()
	switch t {
	case Weekly:
		d -= 7
	case Monthly:
		m--
	default:
		d--
	}
	return time.Date(y, m, d, 0, 0, 0, 0, from.Location())
}

func slotKey(t Tier, at time.Time) string {
	switch t {
	case Weekly:
		y, w := at.ISOWeek()
		return fmt.Sprintf("%d-W%02d", y, w)
	case Monthly:
		return at.Format("2006-01")
	}
	return at.Format("2006-01-02")
}

// slotted tells whether a backup counts for days, weeks and months. Manual and emergency
// backups are kept by number instead.
func slotted(s *Set, db string) bool {
	switch s.Tier {
	case Daily, Weekly, Monthly:
		return db == "" || s.Database == "" || s.holds(db)
	}
	return false
}
