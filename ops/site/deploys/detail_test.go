package deploys

import (
	"strings"
	"testing"
	"time"

	"opsdeck/ops/deploy"
)

// TestThePlanSaysWhatTheOldReleaseHasToBear: only where it runs while the step does.
func TestThePlanSaysWhatTheOldReleaseHasToBear(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []deploy.Step
		want  map[string]string
	}{
		{"blue-green", deploy.BlueGreen(time.Minute), map[string]string{
			"sync": "changes that both releases work with", "pull": "because git does not know them: uploads;",
		}},
		{"update", deploy.Update(time.Minute), nil},
		{"install", deploy.Install(time.Minute), nil},
		{"stopped first", []deploy.Step{
			{Kind: deploy.KindStop}, {Kind: deploy.KindSync}, {Kind: deploy.KindStandby},
		}, nil},
	} {
		for i, s := range c.steps {
			got := mindOf(&deploy.Plan{Steps: c.steps, Unshared: []string{"uploads"}}, i).String()
			if want := c.want[s.Name]; got != "" && want == "" || !strings.Contains(got, want) {
				t.Errorf("%s, %s: %q", c.name, s.Name, got)
			}
		}
	}
}
