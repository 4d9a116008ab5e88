package deploys

import (
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

// TestChecksThatAskOneInstanceAreRefused: a switch would be verified by the instance that
// users no longer get. Through nginx nothing is said.
func TestChecksThatAskOneInstanceAreRefused(t *testing.T) {
	t.Parallel()
	for url, refused := range map[string]bool{
		"http://localhost:3000": true, "http://127.0.0.1:3001": true,
		"http://localhost": false, "http://shop.example:3000": false,
	} {
		d, _ := desk(t, func(c *config.Service) {
			c.Health.URL = url
			c.Process = config.Process{Kind: "none"}
			c.Deploy.Switch = config.DeploySwitch{File: "/nowhere/up.conf", Ports: []int{3000, 3001}}
		})
		_, err := d.Plan(t.Context(), "blue-green", "")
		if is := err != nil && strings.Contains(err.Error(), "would check the wrong one"); is != refused {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := d.Plan(t.Context(), "update", ""); err == nil || strings.Contains(err.Error(), "health.url") {
			t.Errorf("%s, a plan that does not switch: %v", url, err)
		}
		f := view{Desk: d}.front()
		if len(f) != 1 || (f[0].State == ops.StateWarning) != refused || refused == (f[0].Fix == "") {
			t.Errorf("%s: %+v", url, f)
		}
	}
}
