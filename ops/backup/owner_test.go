package backup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// sharedFolder is a folder that several databases keep their backups in, as a listing
// and its manifests tell it: the classification is the real one.
type sharedFolder struct {
	files map[string]*Summary // nil: no manifest
	held  map[string]string   // the database that is inside, the model's knowledge
}

var crowd = []string{
	"shop",
	"shop_a",
	"report",
	"weekly_report",
	"monthly_report",
	"weekly_shop_a",
	"emergency_backup",
	"all_databases",
}

func (f *sharedFolder) put(db, kind string, at time.Time, manifest bool) {
	spec := Spec{Kind: kind, Databases: []string{db}, At: at, Ext: ".sql.gz"}
	name := spec.Name(1)
	for serial := 2; f.held[name] != "" || f.clash(kind, name, at); serial++ {
		name = spec.Name(serial)
	}
	names := []string{name}
	if kind != KindEmergency {
		names = append(names, TierNames(name, at)...)
	}
	for _, n := range names {
		f.held[n] = db
		f.files[n] = nil
		if manifest {
			f.files[n] = &Summary{
				File:      name,
				Kind:      kind,
				Engine:    "native",
				Databases: []string{db},
				At:        at,
				SizeBytes: 9,
				Rows:      1000,
				SHA256:    db + name,
			}
		}
	}
}

func (f *sharedFolder) clash(kind, name string, at time.Time) bool {
	return kind != KindEmergency &&
		slices.ContainsFunc(TierNames(name, at), func(n string) bool { return f.held[n] != "" })
}

// seenBy is the inventory of the files that only lets through, as the service of
// db sees it.
func (f *sharedFolder) seenBy(db string, now time.Time, only func(name string) bool) *Inventory {
	sc := Scan{Databases: []string{db}, Others: crowd, Zone: time.UTC, Now: now}
	var sets []*Set
	for name, sum := range f.files {
		if !only(name) {
			continue
		}
		proved := Unverified
		if sum != nil {
			proved = Good
		}
		if s, ok := sc.atCopy(FileAtCopy{Name: name, Size: 9, Summary: sum}, proved); ok {
			s.Checked = now
			sets = append(sets, s)
		}
	}
	return sc.NewInventory(sets)
}

// TestPruneOfOneDatabaseNeverTouchesAnothers lets eight databases, whose names
// are beginnings of each other's and of tiers' names, share a folder for weeks.
// The oracle is the plan of the database's own files alone, and the plain model.
func TestPruneOfOneDatabaseNeverTouchesAnothers(t *testing.T) {
	keep := Keep{Daily: 3, Weekly: 2, Monthly: 2, Emergency: 2, Manual: 2}
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		f := &sharedFolder{files: map[string]*Summary{}, held: map[string]string{}}
		for day := range 70 {
			now := time.Date(2026, 1, 20+day, 2, 0, 0, 0, time.UTC)
			for i, db := range crowd {
				at := now.Add(time.Duration(rnd.IntN(3)) * time.Second) // one second for several
				f.put(db, KindScheduled, at, true)
				switch rnd.IntN(8) {
				case 0:
					if TierNames("", at) == nil { // one with a tier's name would compete for the slot
						f.put(db, KindManual, at.Add(time.Duration(i)*time.Minute), true)
					}
				case 1:
					f.put(db, KindEmergency, at.Add(time.Duration(i)*time.Minute), true)
				case 2:
					f.put(db, KindEmergency, at.Add(time.Duration(i)*time.Minute), false)
				}
			}
			f.prune(
				t,
				crowd[rnd.IntN(len(crowd))],
				now.Add(time.Hour),
				Policy{Keep: keep, Late: 26 * time.Hour, Foreign: rnd.IntN(2) == 0},
			)
			if t.Failed() {
				t.Fatalf("seed %d, day %d", seed, day)
			}
		}
	}
}

func (f *sharedFolder) prune(t *testing.T, db string, now time.Time, policy Policy) {
	t.Helper()
	all := PlanRetention(f.seenBy(db, now, func(string) bool { return true }), policy)
	alone := PlanRetention(
		f.seenBy(db, now, func(n string) bool { return f.held[n] == db && f.files[n] != nil }),
		policy,
	)
	if got, want := removals(all), removals(alone); got != want {
		t.Errorf("%s among others:\n%salone:\n%s", db, got, want)
	}
	if len(all.Blocked) > 0 {
		t.Errorf("%s: %v", db, all.Blocked)
	}
	var good []time.Time
	left := map[time.Time]bool{}
	for _, s := range all.Steps {
		if s.Verb == Remove && (f.held[s.Set.Name] != db || f.files[s.Set.Name] == nil) {
			t.Errorf("prune of %s removes %s, which holds %s", db, s.Set.Name, f.held[s.Set.Name])
		}
		sum := f.files[s.Set.Name]
		if sum == nil || sum.Kind != KindScheduled || f.held[s.Set.Name] != db {
			continue
		}
		good = append(good, s.Set.At)
		if s.Verb != Remove {
			left[s.Set.At] = true
		}
	}
	want := modelKeep(slices.Compact(good), time.UTC, policy.Keep, now)
	for at := range want {
		if !left[at] {
			t.Errorf("%s: the model keeps %s\n%s", db, at, planText(all))
		}
	}
	if len(left) > len(want)+1 {
		t.Errorf("%s: %d are left, the model leaves %d", db, len(left), len(want))
	}
	f.apply(all)
}

func (f *sharedFolder) apply(p *Plan) {
	for _, s := range p.Steps {
		name := s.Set.Name
		for _, to := range s.To {
			f.files[to], f.held[to] = f.files[name], f.held[name]
		}
		if s.Verb != KeepIt {
			delete(f.files, name)
			delete(f.held, name)
		}
	}
}

func removals(p *Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		if s.Verb == Remove {
			fmt.Fprintf(&b, "  %s %s\n", s.Verb, s.Set.Name)
		}
	}
	return b.String()
}

func TestWhatHasNoManifestIsRemovedOnlyWhenItIsProvablyOfTheDatabase(t *testing.T) {
	for _, c := range []struct {
		name, inside string
		want         bool
	}{
		{"shop_20260101_020000.sql.gz", "", true},
		{"shop_20260101_020000.sql.gz", "shop", true},
		{"shop_20260101_020000.sql.gz", "other", false},
		{"weekly_shop_20260101_020000.sql.gz", "", false}, // a day's of weekly_shop, perhaps
		{"weekly_shop_20260101_020000.sql.gz", "shop", true},
		{"weekly_shop_20260101_020000.sql.gz", "weekly_shop", false},
		{"emergency_backup_20260101_020000.sql.gz", "", false},
		{"emergency_backup_20260101_020000.sql.gz", "shop", false},
		{"all_databases_20260101_020000.sql.gz", "shop", false},
		{"shop_a_20260101_020000.sql.gz", "", false},
	} {
		sc := Scan{Databases: []string{"shop"}, Zone: time.UTC, Now: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)}
		s, _ := sc.atCopy(FileAtCopy{Name: c.name, Size: 900}, Unverified)
		if s.Checked = sc.Now; c.inside != "" {
			sc.inside(s, c.inside)
		}
		if got := s.ProvenOf("shop"); got != c.want {
			t.Errorf("%s holding %q: proven %v", c.name, c.inside, got)
		}
	}
}
