package restoreview

import (
	"testing"

	"opsdeck/ops/restore"
)

// TestTheConsoleIsToldWhenARestoreTurns holds that the checks are made again when a
// run begins, asks, loses its worker or ends, and not at each look at it.
func TestTheConsoleIsToldWhenARestoreTurns(t *testing.T) {
	run := func(id string, stage restore.Stage, alive bool) *restore.Run {
		r := &restore.Run{Plan: &restore.Plan{ID: id}, Alive: alive}
		r.State.Stage = stage
		return r
	}
	p := &Page{looked: true}
	for _, c := range []struct {
		name     string
		was, now *restore.Run
		want     bool
	}{
		{"none", nil, nil, false},
		{"begun", nil, run("a", restore.Loading, true), true},
		{"runs on", run("a", restore.Loading, true), run("a", restore.Verifying, true), false},
		{"asks", run("a", restore.Loading, true), run("a", restore.AskNotify, true), true},
		{"lost its worker", run("a", restore.Loading, true), run("a", restore.Loading, false), true},
		{"ended", run("a", restore.Verifying, true), run("a", restore.Done, false), true},
		{"over long since", run("a", restore.Done, false), run("a", restore.Done, false), false},
		{"another", run("a", restore.Done, false), run("b", restore.Loading, true), true},
	} {
		p.base.run = c.was
		if got := p.moved(c.now); got != c.want {
			t.Errorf("%s: told %v", c.name, got)
		}
	}
	p.looked, p.base.run = false, nil
	if p.moved(run("a", restore.Done, false)) {
		t.Error("the first look is taken for a change")
	}
}
