package backup

import (
	"testing"
	"time"

	"opsdeck/internal/lang"
)

func TestRemovingByNameIsAsCarefulAsPruning(t *testing.T) {
	now := time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return time.Date(2026, 3, 10-n, 2, 0, 0, 0, time.UTC) }
	newest, older := db+"_20260310_020000.sql.gz", db+"_20260309_020000.sql.gz"
	for _, c := range []struct {
		promise string
		fill    func(*world)
		policy  Policy
		name    string
		all     bool
		removes int
		guard   string
	}{
		{"an older one goes", func(w *world) { w.add(day(0), Good); w.add(day(1), Good) }, Policy{}, older, false, 1,
			newest},
		{"the newest goes while another is good", func(w *world) { w.add(day(0), Good); w.add(day(1), Good) }, Policy{}, newest, false, 1, older},
		{"the last good one stays", func(w *world) { w.add(day(0), Good); w.add(day(1), Bad) }, Policy{}, newest, false,
			0, ""},
		{"an unverified one stays where none is good", func(w *world) { w.add(day(0), Unverified); w.add(day(1), Unverified) }, Policy{}, newest, false, 0, ""},
		{"an emergency backup is no good one to fall back on", func(w *world) {
			w.add(day(0), Good)
			w.put("emergency_backup_20260310_023000.sql.gz", day(0), Good, 90)
		}, Policy{}, newest, false, 0, ""},
		{"what a restore needs stays", func(w *world) { w.add(day(0), Good); w.add(day(1), Good) },
			Policy{InUse: map[string]bool{older: true}}, older, false, 0, newest},
		{"what a standby is built from stays", func(w *world) { w.add(day(0), Good); w.add(day(1), Good) },
			Policy{Loading: map[string]bool{older: true}}, older, false, 0, newest},
		{"what a restore needs stays, under its other name too", func(w *world) { w.add(day(0), Good); w.add(day(2), Good) },
			Policy{InUse: map[string]bool{"weekly_" + db + "_20260308_020000.sql.gz": true}},
			db + "_20260308_020000.sql.gz", false, 0, newest},
		{"an emergency backup stays while a restore is open", func(w *world) {
			w.add(day(0), Good)
			w.put("emergency_backup_20260310_023000.sql.gz", day(0), Good, 90)
		}, Policy{InUse: map[string]bool{"else": true}}, "emergency_backup_20260310_023000.sql.gz", false, 0, newest},
		{"what an undo would load stays", func(w *world) {
			w.add(day(0), Good)
			w.put("emergency_backup_20260310_023000.sql.gz", day(0), Good, 90)
		}, Policy{Undo: map[string]string{"emergency_backup_20260310_023000.sql.gz": "r1"}, GiveUp: "r2"},
			"emergency_backup_20260310_023000.sql.gz", false, 0, newest},
		{"unless that undo is given up", func(w *world) {
			w.add(day(0), Good)
			w.put("emergency_backup_20260310_023000.sql.gz", day(0), Good, 90)
		}, Policy{Undo: map[string]string{"emergency_backup_20260310_023000.sql.gz": "r1"}, GiveUp: "r1"},
			"emergency_backup_20260310_023000.sql.gz", false, 1, newest},
		{"a restore that cannot be read keeps all", func(w *world) { w.add(day(0), Good); w.add(day(1), Good) },
			Policy{Unreadable: lang.M("x")}, older, false, 0, newest},
		{"another database's stays", func(w *world) {
			w.add(day(0), Good)
			s := w.put("emergency_backup_20260309_023000.sql.gz", day(1), Good, 90)
			s.Database, s.Summary.Databases = "other", []string{"other"}
		}, Policy{}, "emergency_backup_20260309_023000.sql.gz", false, 0, ""},
		{"the last good one of a second database stays", func(w *world) {
			w.add(day(0), Good)
			w.put(older, day(1), Good, 90).Summary.Databases = []string{db, "other"}
		}, Policy{}, older, false, 0, newest},
		{"one name of two goes, the contents stay", func(w *world) { w.add(day(2), Good) }, Policy{}, db +
			"_20260308_020000.sql.gz", false, 1, "weekly_" + db + "_20260308_020000.sql.gz"},
		{"all names of the last good contents stay", func(w *world) { w.add(day(2), Good) }, Policy{},
			db + "_20260308_020000.sql.gz", true, 0, ""},
		{"all names go", func(w *world) { w.add(day(0), Good); w.add(day(2), Good) }, Policy{}, db + "_20260308_020000.sql.gz", true, 2, newest},
	} {
		t.Run(c.promise, func(t *testing.T) {
			w := newWorld(time.UTC)
			c.fill(w)
			inv := w.inventory(now)
			p := PlanRemoval(inv, c.policy, inv.Find(c.name), c.all)
			guard := ""
			if p.Guard != nil {
				guard = p.Guard.Name
			}
			if len(p.Removes()) != c.removes || guard != c.guard || (c.removes == 0) != (len(p.Blocked) > 0) {
				t.Errorf("removes %d, guard %q, blocked %v", len(p.Removes()), guard, p.Blocked)
			}
		})
	}
}
