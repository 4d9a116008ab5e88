package backup

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testenv"
)

const db = "qianzhang_sales"

var fieldKeep = Keep{Daily: 7, Weekly: 4, Monthly: 12, Emergency: 3, Manual: 5}

// world is a folder in memory.
type world struct {
	zone  *time.Location
	inode uint64
	sets  map[string]*Set
}

func newWorld(zone *time.Location) *world { return &world{zone: zone, sets: map[string]*Set{}} }

// add puts a scheduled backup there, with its weekly and monthly names.
func (w *world) add(at time.Time, state State) *Set {
	w.inode++
	spec := Spec{Kind: KindScheduled, Databases: []string{db}, At: at.In(w.zone), Ext: ".sql.gz"}
	serial := 1
	for w.sets[spec.Name(serial)] != nil {
		serial++
	}
	name := spec.Name(serial)
	for _, n := range append([]string{name}, TierNames(name, spec.At)...) {
		w.put(n, at, state, w.inode)
	}
	return w.sets[name]
}

func (w *world) put(name string, at time.Time, state State, inode uint64) *Set {
	n, ok := ParseName(name, known)
	if !ok {
		panic(name)
	}
	s := &Set{
		Name:     name,
		Parsed:   n,
		Tier:     n.Tier,
		Kind:     KindScheduled,
		Database: db,
		At:       at,
		Size:     100,
		State:    state,
		ID:       FileID{Inode: inode, Size: 100},
	}
	s.Summary.Databases = []string{db}
	if state != Unverified {
		s.Checked = at
	}
	if state == Bad {
		s.Problems = []Problem{problem(HashDiffers)}
	}
	w.sets[name] = s
	return s
}

func (w *world) inventory(now time.Time) *Inventory {
	inv := &Inventory{Database: db, Zone: w.zone, At: now}
	links := map[uint64]int{}
	for _, s := range w.sets {
		links[s.ID.Inode]++
	}
	for _, s := range w.sets {
		s.Links = links[s.ID.Inode]
		inv.Sets = append(inv.Sets, s)
	}
	sortSets(inv.Sets)
	return inv
}

func (w *world) apply(p *Plan) {
	for _, s := range p.Steps {
		switch s.Verb {
		case Remove:
			delete(w.sets, s.Set.Name)
		case Rename:
			for _, to := range s.To {
				w.put(to, s.Set.At, s.Set.State, s.Set.ID.Inode)
			}
			delete(w.sets, s.Set.Name)
		}
	}
}

// moments are the different contents that good names hold.
func (w *world) moments() map[time.Time]bool {
	m := map[time.Time]bool{}
	for _, s := range w.sets {
		if s.State == Good {
			m[s.At] = true
		}
	}
	return m
}

// modelKeep is the rule written down plainly: of the good backups, the newest
// of each of the newest 7 days; of each of the newest 4 weeks Sunday's or the
// week's newest, and of the week that runs its newest besides; of each of the newest 12 months the 1st's or the month's first;
// and the newest of all.
func modelKeep(good []time.Time, zone *time.Location, keep Keep, now time.Time) map[time.Time]bool {
	sort.Slice(good, func(i, j int) bool { return good[i].After(good[j]) })
	out := map[time.Time]bool{}
	if len(good) > 0 {
		out[good[0]] = true
	}
	monday := now.In(zone)
	for monday.Weekday() != time.Monday {
		monday = monday.AddDate(0, 0, -1)
	}
	group := func(n int, period, pick func(time.Time) string, runs func(time.Time) bool) {
		var order []string
		best := map[string]time.Time{}
		for _, g := range good { // newest first
			k := period(g.In(zone))
			old, seen := best[k]
			if !seen {
				order = append(order, k)
				best[k] = g
			} else if pick(g.In(zone)) > pick(old.In(zone)) {
				best[k] = g
			}
		}
		if n > 0 && len(order) > 0 && runs(best[order[0]].In(zone)) {
			out[best[order[0]]] = true
			order = order[1:]
		}
		for _, k := range order[:min(n, len(order))] {
			out[best[k]] = true
		}
	}
	day := func(t time.Time) string { return t.Format("2006-01-02") }
	never := func(time.Time) bool { return false }
	group(keep.Daily, day, func(time.Time) string { return "" }, never)
	group(keep.Weekly, func(t time.Time) string {
		for t.Weekday() != time.Sunday { // the week is named by the Sunday that ends it
			t = t.AddDate(0, 0, 1)
		}
		return day(t)
	}, func(time.Time) string { return "" }, func(t time.Time) bool {
		return t.Weekday() != time.Sunday && day(t) >= day(monday)
	})
	group(keep.Monthly, func(t time.Time) string { return t.Format("2006-01") }, func(t time.Time) string {
		return fmt.Sprint(99 - t.Day())
	}, never)
	return out
}

// TestTenYearsAgainstThePlainModel lives through ten years of nights with
// failures, late verification, gaps and clocks that jump, in zones with and
// without summer time.
func TestTenYearsAgainstThePlainModel(t *testing.T) {
	zones := []string{"Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"}
	base, seeds := testenv.Seed(t), 1
	if os.Getenv("OPSDECK_SOAK") != "" {
		seeds = 200
	} else {
		zones = zones[base%4:][:1] // another one each time: a zone's ten years take a while under -race
	}
	for _, name := range zones {
		for i := range seeds {
			seed := base + uint64(i)
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) { tenYears(t, zone(t, name), seed) })
		}
	}
}

func tenYears(t *testing.T, zone *time.Location, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(zone)
	keep := Keep{Daily: rnd.IntN(9), Weekly: rnd.IntN(6), Monthly: rnd.IntN(14)}
	policy := Policy{Keep: keep, Late: 26 * time.Hour}
	var lastRun time.Time
	for day := range 3653 {
		now := time.Date(2016, 1, 1+day, 2, 0, 0, 0, zone)
		night(w, rnd, now)
		at := now.Add(time.Duration(rnd.IntN(7200)) * time.Second)
		switch rnd.IntN(60) {
		case 0:
			at = at.AddDate(-1, 0, 0) // the clock lost a year
		case 1:
			at = at.AddDate(1, 0, 0)
		}
		policy.LastRun = lastRun
		checkDay(t, w, at, policy)
		if t.Failed() {
			t.Fatalf("day %d", day)
		}
		if at.Sub(now) < 3*time.Hour && at.After(lastRun) {
			lastRun = at
		}
	}
}

// night adds what one night may leave, and verifies or loses old ones.
func night(w *world, rnd *rand.Rand, now time.Time) {
	switch rnd.IntN(12) {
	case 0: // nothing came
	case 1:
		w.add(now, Bad)
	case 2:
		w.add(now, Unverified)
	case 3:
		w.add(now, Good)
		w.add(now, Good) // the same second
		w.add(now.Add(-30*time.Minute), Good)
	default:
		w.add(now, Good)
	}
	for _, s := range w.sets {
		switch {
		case s.State == Unverified && rnd.IntN(3) == 0:
			w.turn(s, Good)
		case s.State == Good && rnd.IntN(3000) == 0:
			w.turn(s, Bad)
		}
	}
}

// turn changes the state of all names of one content.
func (w *world) turn(s *Set, to State) {
	for _, o := range w.sets {
		if o.ID == s.ID {
			o.State, o.Checked = to, o.At
			o.Problems = nil
			if to == Bad {
				o.Problems = []Problem{problem(HashDiffers)}
			}
		}
	}
}

func checkDay(t *testing.T, w *world, at time.Time, policy Policy) {
	before := w.moments()
	p := PlanRetention(w.inventory(at), policy)
	for _, s := range p.Steps {
		if len(s.Reasons) == 0 || s.Reasons[0].Text.Empty() {
			t.Errorf("%s %s without a reason", s.Verb, s.Set.Name)
		}
	}
	var good []time.Time
	for m := range before {
		good = append(good, m)
	}
	want := before
	if len(p.Blocked) == 0 {
		want = modelKeep(good, w.zone, policy.Keep, at)
	} else if !p.Empty() {
		t.Errorf("blocked (%s), yet it changes something", p.Blocked[0])
	}
	w.apply(p)
	after := w.moments()
	if len(before) > 0 && len(after) == 0 {
		t.Error("no good backup is left")
	}
	if len(after) != len(want) {
		t.Errorf("left %v, the model leaves %v", after, want)
	}
	for m := range want {
		if !after[m] {
			t.Errorf("%s is gone, the model keeps it", m)
		}
	}
	if again := PlanRetention(w.inventory(at), policy); !again.Empty() {
		t.Errorf(
			"run twice it wants to remove %d and rename %d more: %s",
			len(again.Removes()),
			len(again.Renames()),
			again.Steps[0].Set.Name,
		)
	}
}

func TestPruneKeepsTheLastVerified(t *testing.T) {
	utc := time.UTC
	now := time.Date(2026, 3, 10, 3, 0, 0, 0, utc)
	day := func(n int) time.Time { return time.Date(2026, 3, 10-n, 2, 0, 0, 0, utc) }
	all := Policy{Keep: fieldKeep, Late: 26 * time.Hour}
	none := Policy{Late: 26 * time.Hour}
	for _, c := range []struct {
		promise string
		policy  Policy
		fill    func(*world)
		now     time.Time
		removes int
		blocked bool
	}{
		{"keep nothing still keeps the newest good one", none, func(w *world) { w.add(day(0), Good); w.add(day(1), Good) }, now, 1, false},
		{"the last good one stays when all newer are unverified", none,
			func(w *world) { w.add(day(0), Unverified); w.add(day(1), Good) }, day(1).Add(25 * time.Hour), 0, false},
		{"the last good one stays when it is older than the schedule allows", none, func(w *world) { w.add(day(9), Good); w.add(day(10), Good) }, now, 0, true},
		{"nothing goes when the newest backup is bad", all, func(w *world) {
			w.add(day(0), Bad)
			for n := 1; n < 30; n++ {
				w.add(day(n), Good)
			}
		}, day(1).Add(25 * time.Hour), 0, true},
		{"nothing goes when none is good", all, func(w *world) {
			for n := range 30 {
				w.add(day(n), Unverified)
			}
		}, now, 0, true},
		{"nothing goes when the clock went backwards", Policy{Keep: fieldKeep, Late: 26 * time.Hour,
			LastRun: now.Add(time.Hour)}, func(w *world) {
			for n := range 30 {
				w.add(day(n), Good)
			}
		}, now, 0, true},
		{"nothing goes when most lie in the future: the clock is wrong", all, func(w *world) {
			for n := -31; n < 30; n++ {
				w.add(day(n), Good)
			}
		}, now, 0, true},
		{"one from a wrong clock counts for nothing and blocks nothing",
			Policy{Keep: Keep{Daily: 2}, Late: 26 * time.Hour}, func(w *world) {
				w.add(day(-300), Good)
				for n := range 4 {
					w.add(day(n), Good) // one of them a Sunday, with two names
				}
			}, now, 3, false},
		{"unverified ones are neither counted nor removed", Policy{Keep: Keep{Daily: 1}, Late: 26 * time.Hour},
			func(w *world) {
				w.add(day(0), Good)
				for n := 1; n < 7; n++ {
					w.add(day(n), Unverified)
				}
			}, now, 0, false},
		{"retention met but must keep one of each", all, func(w *world) { w.add(day(0), Good) }, now, 0, false},
		{"a bad one stays as evidence until seven newer days are good", all, func(w *world) {
			for n := range 6 {
				w.add(day(n), Good)
			}
			w.add(day(6), Bad)
		}, now, 0, false},
		{"a bad one goes when seven newer days are good", all, func(w *world) {
			for n := range 7 {
				w.add(day(n), Good)
			}
			w.add(day(8), Bad) // a Monday
		}, now, 1, false},
	} {
		t.Run(c.promise, func(t *testing.T) {
			w := newWorld(utc)
			c.fill(w)
			p := PlanRetention(w.inventory(c.now), c.policy)
			if len(p.Removes()) != c.removes || len(p.Blocked) > 0 != c.blocked {
				t.Errorf("removes %d, blocked %v\n%s", len(p.Removes()), p.Blocked, planText(p))
			}
			good := len(w.moments())
			w.apply(p)
			if good > 0 && len(w.moments()) == 0 {
				t.Error("the last good one went")
			}
		})
	}
}

func TestPruneNeverTouchesWhatIsNotItsOwn(t *testing.T) {
	now := time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)
	w := newWorld(time.UTC)
	w.add(now.Add(-time.Hour), Good)
	for i, name := range []string{"other_shop_20200101_020000.sql.gz", "customers_orders_20200101_020000.sql.gz",
		"audit_logs_2019.sql.gz", "xtrabackup_20200101_020000"} {
		s := w.put(name, time.Date(2020, 1, 1, 2, 0, 0, 0, time.UTC), Good, uint64(100+i))
		s.Foreign = true
	}
	old := w.put(db+"_20200101_020000.sql.gz", time.Date(2020, 1, 1, 2, 0, 0, 0, time.UTC), Unverified, 200)
	old.Foreign, old.Checked = true, now
	policy := Policy{Keep: Keep{Daily: 1}, Late: 26 * time.Hour}
	if p := PlanRetention(w.inventory(now), policy); !p.Empty() {
		t.Errorf("unasked:\n%s", planText(p))
	}
	policy.Foreign = true
	p := PlanRetention(w.inventory(now), policy)
	if r := p.Removes(); len(r) != 1 || r[0].Set != old {
		t.Errorf("asked for:\n%s", planText(p))
	}
}

func TestWhatAnUnfinishedRestoreReadsStays(t *testing.T) {
	now := time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)
	w := newWorld(time.UTC)
	for n := range 5 {
		w.add(now.AddDate(0, 0, -n).Add(-time.Hour), Good)
	}
	w.put("emergency_backup_20260101_020000.sql.gz", time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC), Good, 99)
	policy := Policy{Keep: Keep{Daily: 1}, Late: 26 * time.Hour}
	without := len(PlanRetention(w.inventory(now), policy).Removes())
	policy.InUse = map[string]bool{db + "_20260307_020000.sql.gz": true}
	if with := len(PlanRetention(w.inventory(now), policy).Removes()); with != without-2 {
		t.Errorf("%d go without a restore, %d with one", without, with)
	}
	policy.InUse, policy.Loading = nil, policy.InUse
	if with := len(PlanRetention(w.inventory(now), policy).Removes()); with != without-1 {
		t.Errorf("%d go without a standby, %d while one is built", without, with)
	}
	policy.Loading, policy.Undo = nil, map[string]string{"emergency_backup_20260101_020000.sql.gz": "r1"}
	if with := len(PlanRetention(w.inventory(now), policy).Removes()); with != without-1 {
		t.Errorf("%d go without an undo, %d while one is possible", without, with)
	}
	policy.Undo, policy.Also = nil, policy.Undo
	if with := len(PlanRetention(w.inventory(now), policy).Removes()); with != without-1 {
		t.Errorf("%d go, %d while one holds what others wrote during a restore", without, with)
	}
}

func TestSpaceIsToldHonestly(t *testing.T) {
	now := time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)
	w := newWorld(time.UTC)
	w.add(now.Add(-time.Hour), Good)
	sunday := w.add(time.Date(2026, 2, 1, 2, 0, 0, 0, time.UTC), Good) // also the 1st: three names
	p := PlanRetention(w.inventory(now), Policy{Keep: Keep{Daily: 1}, Late: 26 * time.Hour})
	if len(p.Removes()) != 3 || p.Frees != sunday.Size {
		t.Errorf("three names of one content free %d:\n%s", p.Frees, planText(p))
	}
	p = PlanRetention(w.inventory(now), Policy{Keep: Keep{Daily: 1, Monthly: 5}, Late: 26 * time.Hour})
	if len(p.Removes()) != 2 || p.Frees != 0 {
		t.Errorf("with one name left it frees %d:\n%s", p.Frees, planText(p))
	}
}

func TestAPlansHashIsOfWhatItDoes(t *testing.T) {
	now := time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)
	w := newWorld(time.UTC)
	for n := range 20 {
		w.add(now.AddDate(0, 0, -n).Add(-time.Hour), Good)
	}
	policy := Policy{Keep: fieldKeep, Late: 26 * time.Hour}
	a, b := PlanRetention(w.inventory(now), policy), PlanRetention(w.inventory(now), policy)
	if a.Hash() != b.Hash() {
		t.Error("the same plan has two hashes")
	}
	b.Steps[len(b.Steps)-1].Set.ID.CTime++
	if a.Hash() == PlanRetention(w.inventory(now), policy).Hash() && a.Steps[0].Set != b.Steps[0].Set {
		t.Error("a changed file keeps the hash")
	}
}

// planText is a plan as the golden files hold it.
func planText(p *Plan) string {
	var b strings.Builder
	for _, why := range p.Blocked {
		fmt.Fprintf(&b, "blocked: %s\n", why)
	}
	for _, s := range p.Steps {
		var why []string
		for _, r := range s.Reasons {
			why = append(why, r.Text.String())
		}
		to := ""
		if s.To != nil {
			to = " -> " + strings.Join(s.To, ", ")
		}
		fmt.Fprintf(&b, "%-6s %s%s: %s\n", s.Verb, s.Set.Name, to, strings.Join(why, "; "))
	}
	fmt.Fprintf(&b, "frees %d\n", p.Frees)
	return b.String()
}

func TestGoldenPlans(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	now := time.Date(2026, 11, 18, 9, 0, 0, 0, shanghai)
	year := func(days int, state func(n int) State) *world {
		w := newWorld(shanghai)
		for n := range days {
			if s := state(n); s != "" {
				w.add(time.Date(2026, 11, 18-n, 2, 0, 0, 0, shanghai), s)
			}
		}
		return w
	}
	for name, w := range map[string]*world{
		"a-year":    year(400, func(int) State { return Good }),
		"gaps":      year(120, func(n int) State { return []State{Good, "", Bad, Unverified, "", Good, "", ""}[n%8] }),
		"blocked":   year(30, func(n int) State { return []State{Bad, Good}[min(n, 1)] }),
		"no-sunday": year(90, func(n int) State { return []State{Good, ""}[b2i((n+4)%7 == 0)] }),
	} {
		t.Run(name, func(t *testing.T) {
			p := PlanRetention(w.inventory(now), Policy{Keep: fieldKeep, Late: 26 * time.Hour})
			golden(t, "plan-"+name, planText(p))
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name + ".golden"
	if slices.Contains(os.Args, "-update") || os.Getenv("UPDATE") != "" {
		os.MkdirAll("testdata", 0o755)
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs (UPDATE=1 rewrites it):\n%s", path, got)
	}
}
