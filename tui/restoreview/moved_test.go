package restoreview

import (
	"testing"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// TestTheConsoleIsToldWhenARestoreTurns holds that the checks are made again when a
// run begins, asks, loses its worker or ends, and not at each look at it.
func TestTheConsoleIsToldWhenARestoreTurns(t *testing.T) {
	at := func(id string, stage restore.Stage, alive bool) *run.Run {
		r := &run.Run{Plan: &restore.Plan{ID: id}, Alive: alive}
		r.State.Stage = stage
		return r
	}
	p := &Page{looked: true}
	for _, c := range []struct {
		name     string
		was, now *run.Run
		want     bool
	}{
		{"none", nil, nil, false},
		{"begun", nil, at("a", restore.Loading, true), true},
		{"runs on", at("a", restore.Loading, true), at("a", restore.Verifying, true), false},
		{"asks", at("a", restore.Loading, true), at("a", restore.AskNotify, true), true},
		{"lost its worker", at("a", restore.Loading, true), at("a", restore.Loading, false), true},
		{"ended", at("a", restore.Verifying, true), at("a", restore.Done, false), true},
		{"over long since", at("a", restore.Done, false), at("a", restore.Done, false), false},
		{"another", at("a", restore.Done, false), at("b", restore.Loading, true), true},
	} {
		p.base.run = c.was
		if got := p.moved(c.now); got != c.want {
			t.Errorf("%s: told %v", c.name, got)
		}
	}
	p.looked, p.base.run = false, nil
	if p.moved(at("a", restore.Done, false)) {
		t.Error("the first look is taken for a change")
	}
}
