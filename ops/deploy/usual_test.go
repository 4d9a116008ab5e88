package deploy

import (
	"slices"
	"testing"
	"time"
)

// TestTheUsualDurationIsTheMedianOfGoodRuns: a step that failed, was interrupted or is of
// another plan counts for nothing, and no run is no estimate.
func TestTheUsualDurationIsTheMedianOfGoodRuns(t *testing.T) {
	run := func(plan string, events ...Event) func(seconds int) *Deployment {
		return func(seconds int) *Deployment {
			d := &Deployment{Plan: &Plan{Name: plan, Steps: []Step{{Name: "stop"}, {Name: "install"}}}}
			at := time.Unix(1000, 0)
			for _, e := range events {
				d.Lines = append(d.Lines, Line{Event: e, Step: 1, Time: at})
				at = at.Add(time.Duration(seconds) * time.Second)
			}
			return d
		}
	}
	good := run("update", EventStep, EventDone)
	past := []*Deployment{good(3), good(1), run("update", EventStep, EventFailed)(500), good(2),
		run("install", EventStep, EventDone)(700), run("update", EventStep, EventStep, EventDone)(900),
		run("update", EventStep)(800)}
	if d, n := Usual(past, "update", "install"); d != 2*time.Second || n != 3 {
		t.Errorf("%v of %d", d, n)
	}
	if d, n := Usual(past, "update", "stop"); d != 0 || n != 0 {
		t.Errorf("no run: %v of %d", d, n)
	}
	for range 20 {
		past = append(past, good(60))
	}
	if d, n := Usual(past, "update", "install"); d != time.Minute || n != usualRuns {
		t.Errorf("the newest alone count: %v of %d", d, n)
	}
}

func TestStatementsThatLoseDataAreFound(t *testing.T) {
	lines := []string{
		"ALTER TABLE `orders` DROP COLUMN `note`;",
		"drop  table `x`",
		"DROP INDEX `i` ON `orders`",
		"ALTER TABLE `orders` ADD `dropped_column` int",
		"-- DROP TABLE in a comment",
		"TRUNCATE `logs`",
		"ALTER TABLE `orders` DROP FOREIGN KEY `fk`",
	}
	if got, want := Losing(lines), []string{lines[0], lines[1], lines[5]}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
