package checks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
)

// deploying is the checks of a service whose state folder is dir.
func deploying(dir, service string) *checker {
	s := config.Service{Name: service, Deploy: config.Deploy{Dir: dir}}
	return &checker{Source: Source{
		Service: s,
		Now:     time.Now,
		Site:    func() (*site.Site, error) { return &site.Site{Service: &s, StateDir: dir}, nil },
		Opsdeck: func(words string) string { return "opsdeck --service " + service + " " + words },
	}}
}

// deployed saves a deployment of two steps and writes events to its journal.
func deployed(t *testing.T, dir, service string, at time.Time, lines ...deploy.Line) *deploy.Plan {
	t.Helper()
	p := &deploy.Plan{Name: "update", Service: service, Steps: []deploy.Step{{Name: "stop", Kind: deploy.KindStop},
		{Name: "install", Kind: deploy.KindCommand}}}
	p.Seal(at)
	st := deploy.Store{Dir: dir}
	if err := st.Save(p); err != nil {
		t.Fatal(err)
	}
	j, err := deploy.OpenJournal(st.JournalPath(p.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for _, l := range lines {
		if err := j.Append(l); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func line(e deploy.Event, step int) deploy.Line {
	return deploy.Line{Event: e, Step: step, Detail: "why"}
}

// look is what the check of deployments finds.
func (b *checker) look(t *testing.T) health.Result {
	t.Helper()
	b.checks = nil
	b.deploying()
	if len(b.checks) != 1 {
		t.Fatalf("%d checks", len(b.checks))
	}
	return b.checks[0].Probe(t.Context())
}

var (
	begun = []deploy.Line{line(deploy.EventBegin, -1), line(deploy.EventStep, 0), line(deploy.EventDone, 0),
		line(deploy.EventStep, 1)}
	turned = append(begun[:4:4], line(deploy.EventFailed, 1), line(deploy.EventBack, -1), line(deploy.EventUndo, 1))
	stuck  = append(turned[:7:7], line(deploy.EventUndoFailed, 1),
		deploy.Line{Event: deploy.EventEnd, Step: -1, Result: deploy.ResultStuck})
	done = append(begun[:4:4], line(deploy.EventDone, 1),
		deploy.Line{Event: deploy.EventEnd, Step: -1, Result: deploy.ResultDone})
	calming = "no deployment running"
)

// TestAnUnfinishedDeploymentIsSaid: where it is, and the command to type next. What it says
// of a service that is down is not to start it.
func TestAnUnfinishedDeploymentIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		lines        []deploy.Line
		alive        bool
		state        ops.State
		detail, next string
	}{
		"killed": {begun, false, ops.StateCritical, "a deployment of shop stopped partway (step 2 of 2, install)",
			"continue it: opsdeck --service shop deploy run --resume; or roll it back: opsdeck --service shop deploy " +
				"undo ID"},
		"killed while taken back": {turned, false, ops.StateCritical, "step 2 of 2, install, rolling back",
			"finish the rollback: opsdeck --service shop deploy undo ID"},
		"stuck": {stuck, false, ops.StateCritical,
			"was not rolled back completely (step 2 of 2, install, rolling back: why)",
			"roll it back again: opsdeck --service shop deploy undo ID"},
		"running": {begun, true, ops.StateWarning, "a deployment of shop is running (step 2 of 2, install)",
			"check its progress: opsdeck --service shop deploy status ID"},
		"done":      {done, false, ops.StateOK, calming, ""},
		"not begun": {nil, false, ops.StateOK, calming, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			deployed(t, dir, "shop", time.Unix(1000, 0), done...) // an older one, over
			p := deployed(t, dir, "shop", time.Unix(2000, 0), c.lines...)
			deployed(t, dir, "shop2", time.Unix(3000, 0), done...)
			if c.alive {
				held, err := lock.Take(deploy.Store{Dir: dir}.Lock("shop"), lock.Holder{})
				if err != nil {
					t.Fatal(err)
				}
				defer held.Release()
			}
			b := deploying(dir, "shop")
			r := b.look(t)
			next := strings.ReplaceAll(c.next, "ID", p.ID)
			if r.State != c.state || !strings.Contains(r.Detail.String(), c.detail) ||
				!strings.Contains(r.Next.String(), next) {
				t.Errorf("%v %q %q", r.State, r.Detail, r.Next)
			}
			down := func(context.Context) health.Result {
				return health.Result{State: ops.StateCritical, Next: lang.M("Start it: x")}
			}
			r = b.onPurpose(down)(t.Context())
			if got := r.Deploying.String(); !strings.Contains(got, next) || (c.state == ops.StateOK) != (got == "") {
				t.Errorf("a service that is down: %q", got)
			}
			if r := deploying(dir, "shop2").look(t); r.State != ops.StateOK {
				t.Errorf("the other service: %v %q", r.State, r.Detail)
			}
		})
	}
}

// TestALaterDeploymentDoesNotHideAStuckOne: it is critical, and its undo is named.
func TestALaterDeploymentDoesNotHideAStuckOne(t *testing.T) {
	dir := t.TempDir()
	p := deployed(t, dir, "shop", time.Unix(1000, 0), stuck...)
	deployed(t, dir, "shop", time.Unix(2000, 0), done...)
	r := deploying(dir, "shop").look(t)
	if next := r.Next.String(); r.State != ops.StateCritical ||
		!strings.Contains(next, "deploy undo "+p.ID+" --by-hand") {
		t.Errorf("%v %q %q", r.State, r.Detail, next)
	}
}

// TestADeploymentThatCannotBeReadIsNotOver: nobody is told to start the service.
func TestADeploymentThatCannotBeReadIsNotOver(t *testing.T) {
	for _, file := range []string{"plan.json", "journal.jsonl"} {
		dir := t.TempDir()
		p := deployed(t, dir, "shop", time.Unix(1000, 0), done...)
		path := filepath.Join(deploy.Store{Dir: dir}.Folder(p.ID), file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[20] ^= 1
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		b := deploying(dir, "shop")
		r := b.look(t)
		if r.State != ops.StateUnknown || strings.Contains(r.Detail.String(), calming) ||
			!strings.Contains(r.Next.String(), "Do not start anything by hand") {
			t.Errorf("%s: %v %q %q", file, r.State, r.Detail, r.Next)
		}
		if got := b.whileDeploying().String(); !strings.Contains(got, "Do not start anything by hand") {
			t.Errorf("%s: a service that is down: %q", file, got)
		}
	}
}
