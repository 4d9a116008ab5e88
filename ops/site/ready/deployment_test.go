package ready

import (
	"testing"

	"opsdeck/internal/lang"
	_ "opsdeck/internal/testenv" // no test sees this machine's own folders
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// TestDoctorShowsWhatDeployCheckFinds: each finding by the same name and state, besides
// those that are points of its own.
func TestDoctorShowsWhatDeployCheckFinds(t *testing.T) {
	own := map[string]bool{"mysql": true, "mysql-grants": true, "mysql-binlog": true}
	all := []deploy.Finding{{Name: "os", Detail: lang.Raw("Debian 12")},
		{Name: "memory", State: ops.StateWarning, Detail: lang.Raw("1 GiB"), Why: lang.Raw("it is little"),
			Fix: "swapon"},
		{Name: "mysql-indexes", State: ops.StateWarning, Detail: lang.Raw("a")},
		{Name: "mysql-indexes", State: ops.StateWarning, Detail: lang.Raw("b")},
		{Name: "mysql", State: ops.StateCritical}, {Name: "mysql-grants"}, {Name: "mysql-binlog"},
		{Name: "smoke", State: ops.StateUnknown}}
	got := map[string]ops.State{}
	for _, p := range pointsOf("shop", all) {
		if _, twice := got[p.Name]; twice || p.Service != "shop" {
			t.Errorf("%s twice", p.Name)
		}
		got[p.Name] = p.State()
		if p.Name == "memory" && (p.Findings[0].What.String() != "1 GiB" ||
			p.Findings[0].Why.String() != "it is little" ||
			p.Findings[0].Fix != "swapon") {
			t.Errorf("%+v", p)
		}
		if p.Name == "mysql-indexes" && len(p.Findings) != 2 {
			t.Errorf("%+v", p)
		}
	}
	for _, f := range all {
		if state, is := got[f.Name]; is == own[f.Name] || is && state != f.State {
			t.Errorf("%s: %v %v", f.Name, state, is)
		}
	}
}
