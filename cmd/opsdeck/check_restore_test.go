package main

import (
	"strings"
	"testing"

	"opsdeck/ops"
	"opsdeck/ops/restore"
	restorerun "opsdeck/ops/restore/run"
	"opsdeck/ops/site"
	"opsdeck/ops/site/checks"
)

func TestARestoreUnderWayIsToldToOthers(t *testing.T) {
	run := func(alive bool) *restorerun.Run {
		return &restorerun.Run{
			Plan:  &restore.Plan{ID: "20260129-120000-0001", Operator: "zhang"},
			State: restore.Snapshot{Stage: restore.Loading},
			Alive: alive,
		}
	}
	for _, c := range []struct {
		what       string
		run        *restorerun.Run
		state      ops.State
		says, next string
	}{
		{"none", nil, ops.StateOK, "no restore running", ""},
		{"running", run(true), ops.StateWarning, "a restore of sales is running (step 4 of 7, Restore data, by " +
			"zhang)", "Do not start anything by hand"},
		{"its worker died", run(false), ops.StateCritical, "a restore of sales stopped partway (step " +
			"4 of 7", "opsdeck restore resume"},
	} {
		r := checks.JudgeRun(c.run, "sales")
		if r.State != c.state || !strings.Contains(r.Detail.String(), c.says) ||
			!strings.Contains(r.Next.String(), c.next) {
			t.Errorf("%s: %v, %q, next %q", c.what, r.State, r.Detail, r.Next)
		}
	}
}

func TestAnEmptyStateFolderHoldsNoRestore(t *testing.T) {
	if r, err := checks.OpenRun(&site.Site{StateDir: t.TempDir()}, "a", "b"); r != nil || err != nil {
		t.Errorf("%v, %v", r, err)
	}
}
