package checks

import (
	"context"
	"os"
	"path/filepath"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/health"
)

// deploying checks whether a deployment of the service is under way or was left in the
// middle. The check is there where a deployment is configured or was ever made: Of is
// called before the first one of a service that configures none.
func (b *checker) deploying() {
	if !b.deploys() {
		return
	}
	look := func(context.Context) health.Result {
		d, alive, err := b.openDeployment()
		if err != nil {
			r := cannot(lang.M("cannot check the deployments"), err)
			r.Next = b.readDeployments()
			return r
		}
		return judgeDeployment(d, alive, b.opsdeck)
	}
	b.add("deployment", health.KindDeploy, 1, look,
		limits(lang.M("a deployment"), lang.M("is running"), lang.M("stopped partway")), b.opsdeck("deploy status"))
}

// deploys tells whether the service may have deployments.
func (b *checker) deploys() bool {
	if b.Service.Deploy.Dir != "" || len(b.Service.Deploy.Plans) > 0 {
		return true
	}
	at, err := b.Site()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(at.StateDir, "deploys"))
	return err == nil
}

// openDeployment is the deployment of the service that needs somebody, and whether a
// process is at work on it. One that cannot be read is an error.
func (b *checker) openDeployment() (d *deploy.Deployment, alive bool, err error) {
	at, err := b.Site()
	if err != nil {
		return nil, false, err
	}
	st := deploy.Store{Dir: at.StateDir}
	if d, err = st.Open(b.Service.Name); err != nil || d == nil {
		return nil, false, err
	}
	_, alive, err = lock.Look(st.Lock(b.Service.Name))
	return d, alive, err
}

// whileDeploying is what to do first about a service that is down while a deployment of
// it is not over; empty where there is none.
func (b *checker) whileDeploying() lang.Msg {
	d, alive, err := b.openDeployment()
	switch {
	case err != nil:
		return b.readDeployments()
	case d == nil:
		return lang.Msg{}
	}
	return judgeDeployment(d, alive, b.opsdeck).Next
}

func (b *checker) readDeployments() lang.Msg {
	return lang.M("Do not start anything by hand before you know the state of the deployments: %s",
		b.opsdeck("deploy status"))
}

// opsdeck is a command of opsdeck for this service.
func (b *checker) opsdeck(words string) string {
	if b.Opsdeck == nil {
		return "opsdeck " + words
	}
	return b.Opsdeck(words)
}

// judgeDeployment is where a deployment is, for those who did not begin it. alive tells
// that a process is at work on it.
func judgeDeployment(d *deploy.Deployment, alive bool, opsdeck func(string) string) health.Result {
	if d == nil {
		return health.Result{Detail: lang.M("no deployment running")}
	}
	p := d.Plan
	var r health.Result
	r.Add("id", p.ID, lang.Msg{})
	r.Add("plan", p.Name, lang.Msg{})
	where := lang.M("deployment %s", p.ID)
	if step, back := d.State.At(); step >= 0 {
		name := p.Steps[step].Name
		r.Add("step", name, lang.Msg{})
		where = lang.M("step %d of %d, %s", step+1, len(p.Steps), name)
		if back {
			where = lang.M("%s, rolling back", where)
		}
	}
	undo := opsdeck("deploy undo " + p.ID)
	switch {
	case d.State.Result == deploy.ResultStuck:
		r.Find(ops.StateCritical, lang.M("a deployment of %s was not rolled back completely", p.Service),
			lang.M("%s: %s", where, d.State.Why()))
		r.Next = lang.M("Remove the cause, then roll it back again: %s; if you have repaired everything by hand: "+
			"%s", undo,
			undo+" --by-hand")
	case alive:
		r.Find(ops.StateWarning, lang.M("a deployment of %s is running", p.Service), where)
		r.Next = lang.M("Do not start anything by hand; check its progress: %s", opsdeck("deploy status "+p.ID))
	case d.State.Back:
		r.Find(ops.StateCritical, lang.M("a deployment of %s stopped partway", p.Service), where)
		r.Next = lang.M("Do not start anything by hand; finish the rollback: %s", undo)
	default:
		r.Find(ops.StateCritical, lang.M("a deployment of %s stopped partway", p.Service), where)
		r.Next = lang.M("Do not start anything by hand; continue it: %s; or roll it back: %s",
			opsdeck("deploy run --resume"), undo)
	}
	return r
}
