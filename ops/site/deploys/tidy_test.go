package deploys

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/deploy"
)

// TestOldDeploymentsLeaveNothingInTheRepository: the newest five can be taken back, and
// what is removed is told. A folder that is nobody's stays.
func TestOldDeploymentsLeaveNothingInTheRepository(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(c *config.Service) {
		c.Deploy.Plans = []config.DeployPlan{{Name: "update", Steps: []config.DeployStep{
			{Name: "pull", Kind: "pull"},
			{Name: "install", Run: "mkdir -p node_modules && touch node_modules/$OPSDECK_DEPLOYMENT", Keep: []string{"node_modules"}},
		}}}
	})
	var said []string
	s.Say = func(m lang.Msg) { said = append(said, m.String()) }
	var plans []*deploy.Plan
	for i := range keptReleases + 2 {
		s.commit("next", map[string]string{"package.json": pkg(fmt.Sprint(i+2), "")})
		p, state := s.deploy("update")
		if state.Result != deploy.ResultDone {
			t.Fatalf("%+v", state)
		}
		kept, err := s.repo(p).keptFolder(t.Context(), p.ID)
		if err != nil || !exists(kept) {
			t.Fatalf("%s: %v", kept, err)
		}
		if _, err := s.repo(p).git(t.Context(), "update-ref", "refs/opsdeck/"+p.ID, "HEAD"); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(filepath.Dir(kept), "somebody's"), "", 0o600)
		plans = append(plans, p)
	}
	s.commit("last", map[string]string{"package.json": pkg("99", "")})
	last, _ := s.deploy("update")
	plans = append(plans, last)
	refs, err := s.repo(last).git(t.Context(), "for-each-ref", "--format=%(refname)", "refs/opsdeck/")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range plans {
		stays := i >= len(plans)-keptReleases
		kept, _ := s.repo(p).keptFolder(t.Context(), p.ID)
		if told := strings.Contains(strings.Join(said, "\n"), p.ID); exists(kept) != stays || told == stays {
			t.Errorf("deployment %d: kept %v, told %v, want kept %v", i, exists(kept), told, stays)
		}
		ref := strings.Contains(strings.Join(refs, "\n"), p.ID)
		if i < len(plans)-1 && ref != stays {
			t.Errorf("deployment %d: its ref is there: %v", i, ref)
		}
	}
	dir, _ := s.repo(last).keptFolder(t.Context(), "somebody's")
	if !exists(dir) {
		t.Error("a file that is not the deployments' was removed")
	}
	old, err := s.Store().Load(plans[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.kept(t.Context(), old); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Errorf("the way back of the oldest: %v", err)
	}
	newest, err := s.Store().Load(last.ID)
	if err != nil || s.MayUndo(t.Context(), newest) != nil {
		t.Errorf("the way back of the newest: %v %v", err, s.MayUndo(t.Context(), newest))
	}
}
