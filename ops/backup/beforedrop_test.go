package backup

import (
	"testing"
	"time"
)

// Forty nights ago most of the database was lost, and nobody noticed. Every slot is
// held by what is left; the last backup before the loss is kept all the same.
func TestPruneKeepsTheLastBackupBeforeALoss(t *testing.T) {
	native := func(s *Set, total, customers int64) {
		s.Engine, s.Summary.Engine, s.Summary.Rows = "native", "native", total
		s.Summary.Counts = []TableRows{{"customers", customers}, {"orders", total - customers}}
	}
	dump := func(s *Set, size int64) {
		s.Engine, s.Summary.Engine, s.Size, s.ID.Size = "mysqldump", "mysqldump", size, size
	}
	for what, c := range map[string]struct {
		full, less func(*Set)
		loss       bool
	}{
		"all rows":  {func(s *Set) { native(s, 60933, 500) }, func(s *Set) { native(s, 33, 0) }, true},
		"one table": {func(s *Set) { native(s, 90500, 500) }, func(s *Set) { native(s, 90000, 0) }, true},
		"emptied":   {func(s *Set) { native(s, 60933, 500) }, func(s *Set) { native(s, 0, 0) }, true},
		"bytes":     {func(s *Set) { dump(s, 1_000_000) }, func(s *Set) { dump(s, 4000) }, true},
		"a dump's rows": {func(s *Set) { dump(s, 1_000_000); s.Summary.Rows = 60933 }, func(s *Set) { dump(s, 4000) },
			true},
		"a few rows":      {func(s *Set) { native(s, 60933, 500) }, func(s *Set) { native(s, 60000, 450) }, false},
		"a few bytes":     {func(s *Set) { dump(s, 1_000_000) }, func(s *Set) { dump(s, 900_000) }, false},
		"another engine":  {func(s *Set) { dump(s, 1_000_000) }, func(s *Set) { native(s, 60933, 500) }, false},
		"a tiny database": {func(s *Set) { native(s, 50, 20) }, func(s *Set) { native(s, 3, 1) }, false},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(time.UTC)
			var last *Set
			for n := 100; n > 0; n-- {
				s := w.add(testNow.AddDate(0, 0, -n), Good)
				if n < 40 {
					c.less(s)
				} else {
					c.full(s)
					last = s
				}
				for _, o := range w.sets { // its weekly and monthly names
					if o.ID.Inode == s.ID.Inode {
						o.Engine, o.Size, o.ID, o.Summary = s.Engine, s.Size, s.ID, s.Summary
					}
				}
			}
			held, removed := 0, 0
			for _, step := range PlanRetention(w.inventory(testNow), Policy{Keep: Keep{Daily: 7}}).Steps {
				if step.Verb == Remove {
					removed++
				}
				for _, r := range step.Reasons {
					if r.Code == "before-drop" {
						held++
						if step.Set.identity() != last.identity() {
							t.Errorf("%s is held, not %s", step.Set.Name, last.Name)
						}
					}
				}
			}
			if (held > 0) != c.loss || removed < 80 {
				t.Errorf("held %d, removed %d", held, removed)
			}
		})
	}
}
