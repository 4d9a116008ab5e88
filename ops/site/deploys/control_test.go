package deploys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// TestAnOldProcessNeverPassesForTheNewRelease: where the process from before the plan would
// go on and answer, nothing is deployed.
func TestAnOldProcessNeverPassesForTheNewRelease(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		process    config.Process
		plan, says string
		code       ops.Code
	}{
		{config.Process{Kind: "none"}, "update", "no process control is configured", ops.Config},
		{config.Process{Kind: "none"}, "install", "no process control is configured", ops.Config},
		{config.Process{}, "update", "no process control is configured", ops.Config},
		{config.Process{Kind: "command", Start: "true", Stop: "true"}, "update", "no status command", ops.Config},
		{config.Process{Kind: "command", Start: "true", Stop: "true", Status: "true"}, "install", "is running", ops.Busy},
		{config.Process{Kind: "command", Start: "true", Stop: "true", Status: "exit 3"}, "install", "", ops.Config},
	} {
		d, _ := desk(t, func(s *config.Service) { s.Process = c.process })
		_, err := d.Plan(t.Context(), c.plan, "")
		if (err == nil) != (c.says == "") || err != nil &&
			(!strings.Contains(err.Error(), c.says) || ops.CodeOf(err) != c.code) {
			t.Errorf("%+v, %s: %v, want %q", c.process, c.plan, err, c.says)
		}
	}
	// somebody starts the old release while the plan runs
	d, dir := desk(t, func(s *config.Service) {
		s.Process = config.Process{Kind: "command", Dir: s.Deploy.Dir, Start: "touch up", Stop: "rm -f up",
			Status: "[ -e up ] || exit 3"}
		s.Health.URL = ""
		s.Deploy.Plans = []config.DeployPlan{{Name: "own", Steps: []config.DeployStep{
			{Name: "stop", Kind: "stop"}, {Name: "meanwhile", Run: "[ -e quiet ] || touch up"},
			{Name: "start", Kind: "start"}}}}
	})
	write(t, filepath.Join(dir, "up"), "", 0o600)
	run := func() (*deploy.Plan, deploy.State) {
		p, err := d.Plan(t.Context(), "own", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Begin(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		state, err := d.Carry(t.Context(), p, deploy.EventBegin, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p, state
	}
	p, state := run()
	if state.Result != deploy.ResultTakenBack || p.Steps[max(0, state.Failed)].Name != "start" ||
		!strings.Contains(state.Detail, "may be the old one") || !exists(dir+"/up") {
		t.Errorf("started by somebody else: %+v", state)
	}
	write(t, filepath.Join(dir, "quiet"), "", 0o600)
	if p, state = run(); state.Result != deploy.ResultDone || state.Data[startedAt] == "" {
		t.Errorf("a start that is ours: %+v", state)
	}
	text, err := os.ReadFile(d.Store().ReportPath(p.ID))
	if err != nil || strings.Contains(string(text), " \n") || strings.Contains(string(text), "seen") ||
		!strings.Contains(string(text), "start: running\n") {
		t.Errorf("%s, %v", text, err)
	}
	// a plan that was made before the process control was removed
	d.Service.Process = config.Process{Kind: "none"}
	state = deploy.State{Data: map[string]string{}}
	o := (&world{d}).Do(t.Context(), p, 2, state, func(deploy.Line) error { return nil })
	if !o.Failed || !strings.Contains(o.Detail, "no process control") {
		t.Errorf("without process control: %+v", o)
	}
}
