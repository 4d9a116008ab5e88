package logview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
)

// TestFiltersAreCountedEachByItself: as many events as the list has rows with that filter alone,
// whether it is on or off; a filter that is changed has no number, and what cannot be counted
// says so.
func TestFiltersAreCountedEachByItself(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	drive(p, press(t, p, "F"))
	typed(t, p, press(t, p, "a"), "level:error")
	settle(t, p, s)
	errs := s.Stats().Rows
	drive(p, press(t, p, "x"))
	typed(t, p, press(t, p, "a"), "lock wait")
	settle(t, p, s)
	locks := s.Stats().Rows
	if errs == 0 || locks == 0 || errs == locks {
		t.Fatalf("%d errors, %d locks: nothing to tell apart", errs, locks)
	}
	if why := mustAct(t, p, "n").Why(p.look.env); why.Empty() {
		t.Error("logs without statistics can be counted")
	}
	p.look.o.Stat = counts
	rowOf := func(query string) string {
		for _, l := range strings.Split(p.View(p.look.size), "\n") {
			if strings.Contains(l, "] ") && strings.Contains(l, query) {
				return l
			}
		}
		t.Fatalf("no row of %s:\n%s", query, p.View(p.look.size))
		return ""
	}
	if strings.Contains(rowOf("level:error"), "events") {
		t.Errorf("counted before anybody asked: %s", rowOf("level:error"))
	}
	cmd := press(t, p, "n")
	if !strings.Contains(rowOf("level:error"), "counting …") {
		t.Errorf("counting: %s", rowOf("level:error"))
	}
	drive(p, cmd)
	for query, want := range map[string]int64{"level:error": int64(errs), "lock wait": int64(locks)} {
		if got := rowOf(query); !strings.Contains(got, fmt.Sprintf(" %d events · ", want)) {
			t.Errorf("%s finds %d: %s", query, want, got)
		}
	}
	drive(p, p.kept.changeFilter(func(f *Filter) { f.Query = "lock" }))
	if got := rowOf("lock"); strings.Contains(got, "events") {
		t.Errorf("another query has the number of the one before: %s", got)
	}
	p.look.o.Stat = func(context.Context, *query.Query, stat.Ask) (*stat.Table, error) {
		return nil, errors.New("a part cannot be read")
	}
	drive(p, press(t, p, "n"))
	if got := rowOf("level:error"); !strings.Contains(got, "cannot be counted: a part cannot be read") ||
		strings.Contains(got, "events") {
		t.Errorf("not counted: %s", got)
	}
	late := p.kept.countFilters()
	drive(p, press(t, p, "esc"))
	if drive(p, late); len(p.kept.counts.waiting) > 0 {
		t.Error("it counts on after the panel was closed")
	}
}
