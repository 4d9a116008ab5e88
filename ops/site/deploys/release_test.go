package deploys

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/deploy"
	"opsdeck/ops/service"
)

// contents are the files below a folder with their contents, git's own left out.
func contents(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", `find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum`)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) == 0 {
		t.Fatalf("%v %s", err, out)
	}
	return string(out)
}

// late is what the instance on a port reads from its folder now, and that folder.
func (g *green) late(port int) (text, folder string) {
	g.t.Helper()
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/late", port))
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	text, folder, _ = strings.Cut(string(body), " ")
	return text, folder
}

// TestARunningReleaseKeepsItsFiles: a new release has a folder of its own, in which it
// finds the shared environment file; what the former instance reads late is still its own.
// The way back is the former folder, whose instance is started again when it has died.
// There (by the ready-made plan alone), there again (the other way round) and back, no
// request is lost.
func TestARunningReleaseKeepsItsFiles(t *testing.T) {
	g := newGreen(t)
	g.commit("late", map[string]string{"late.txt": "one", ".gitignore": "node_modules\npackage-lock.json\n.env\nuploads\n"})
	g.repoPull()
	write(t, filepath.Join(g.app, ".env"), "A=1\n", 0o600)
	os.MkdirAll(filepath.Join(g.app, "uploads"), 0o755)
	write(t, filepath.Join(g.app, "uploads", "photo"), "x", 0o600)
	before := contents(t, g.app)
	g.commit("two", map[string]string{"late.txt": "two", "package.json": pkg("2", "")})
	stop := load(g.front)
	p, state := g.deploy("blue-green")
	if state.Result != deploy.ResultDone {
		t.Fatalf("%s %s %v", state.Result, state.Detail, state.Tail)
	}
	g.becomes("2.0.0")
	if now := contents(t, g.app); now != before {
		t.Errorf("the files of the running release were changed:\n%s\nnow\n%s", before, now)
	}
	if text, folder := g.late(g.ports[0]); text != "one" || folder != g.app {
		t.Errorf("the former instance reads %q in %s", text, folder)
	}
	if text, folder := g.late(g.ports[1]); text != "two" || folder != p.Code() {
		t.Errorf("the new instance reads %q in %s, want two in %s", text, folder, p.Code())
	}
	if len(p.Unshared) != 1 || p.Unshared[0] != "uploads" {
		t.Errorf("not in the new release: %v, want uploads", p.Unshared)
	}
	if env, err := os.ReadFile(filepath.Join(p.Code(), ".env")); err != nil || string(env) != "A=1\n" {
		t.Errorf("the environment file of the new release: %q %v", env, err)
	}
	if tree, err := current(p.Releases); err != nil || tree != p.Tree() {
		t.Errorf("the current release is %s, %v", tree, err)
	}
	g.updateIsRefused(p)
	g.third(p)
	if asked, bad := stop(); bad != "" || asked < 100 {
		t.Errorf("%d requests, one was answered %q", asked, bad)
	}
}

// updateIsRefused: a plan that changes the folder which nothing runs from would deploy
// nothing and say "deployed".
func (g *green) updateIsRefused(p *deploy.Plan) {
	g.t.Helper()
	want := "the service runs from " + p.Tree()
	if _, err := g.Plan(g.t.Context(), "update", ""); err == nil || !strings.Contains(err.Error(), want) {
		g.t.Errorf("an update of a folder that is not used: %v", err)
	}
}

// third deploys once more, kills the former instance, and goes back to its folder.
func (g *green) third(second *deploy.Plan) {
	t := g.t
	t.Helper()
	third := g.goesTo("short", 3, g.ports[0])
	if third.Former != second.Code() {
		t.Errorf("the former release is %s, want %s", third.Former, second.Code())
	}
	g.survivesRestart(third, g.ports[0])
	line, err := g.ctl.(service.Twin).StopOn(t.Context(), g.ports[1])
	if err != nil || line == "" {
		t.Fatalf("%q %v", line, err)
	}
	if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	state, err := g.Carry(t.Context(), third, deploy.EventBack, nil)
	if err != nil || state.Result != deploy.ResultTakenBack {
		t.Fatalf("%v, %s %s %v", err, state.Result, state.Detail, state.Tail)
	}
	g.becomes("2.0.0")
	if text, folder := g.late(g.ports[1]); text != "two" || folder != second.Code() {
		t.Errorf("after the way back the instance reads %q in %s", text, folder)
	}
	if tree, err := current(second.Releases); err != nil || tree != second.Tree() || exists(third.Tree()) {
		t.Errorf("the current release is %s, %v; %s is there: %v", tree, err, third.Tree(), exists(third.Tree()))
	}
}

// TestOldReleasesAreRemovedByTheirRule: the newest five deployments can be rolled back, and
// so their folders stay, with the one that the oldest of them goes back to. One that
// somebody changed stays too, and each is told.
func TestOldReleasesAreRemovedByTheirRule(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(c *config.Service) {
		c.Process = config.Process{Kind: "none"}
		c.Health.URL = ""
	})
	s.conf.Switch = config.DeploySwitch{File: filepath.Join(t.TempDir(), "up.conf"), Ports: []int{1, 2}}
	steps := []deploy.Step{{Name: "pull", Kind: deploy.KindPull, Timeout: time.Minute}}
	var said []string
	s.Say = func(m lang.Msg) { said = append(said, m.String()) }
	var plans []*deploy.Plan
	for i := range keptReleases + 4 {
		s.commit("next", map[string]string{"package.json": pkg(fmt.Sprint(i+2), "")})
		p := s.besidePlan(append(steps, deploy.Step{Name: "standby", Kind: deploy.KindStandby}))
		p.Steps = steps
		p.Seal(time.Now())
		if err := s.Begin(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		state, err := s.Carry(t.Context(), p, deploy.EventBegin, nil)
		if err != nil || state.Result != deploy.ResultDone {
			t.Fatalf("%v %+v", err, state)
		}
		if err := point(p.Releases, p.Dir, p.Code(), p.Below); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			write(t, filepath.Join(p.Code(), "app.js"), "// by hand\n", 0o644)
		}
		plans = append(plans, p)
	}
	all := strings.Join(said, "\n")
	for i, p := range plans {
		gone := i < len(plans)-keptReleases-1 && i != 1
		if exists(p.Code()) == gone {
			t.Errorf("release %d: its folder is there: %v\n%s", i, exists(p.Code()), all)
		}
		if told := strings.Contains(all, "removing the folder of an old release: "+p.Tree()); told != gone {
			t.Errorf("release %d: told %v, removed %v", i, told, gone)
		}
	}
	if !strings.Contains(all, plans[1].Tree()+": it has local changes: M app.js") {
		t.Errorf("a release that somebody changed: %s", all)
	}
}

// besidePlan makes a plan of steps that start a second instance.
func (s *shop) besidePlan(steps []deploy.Step) *deploy.Plan {
	s.t.Helper()
	p := &deploy.Plan{Name: "own", Service: s.Service.Name, Dir: s.app, Remote: "origin", Steps: steps}
	if err := (releases{s.Desk}).beside(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
	if err := s.resolveCommits(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
	return p
}
