package deploys

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/mysql"
	"opsdeck/ops/restore"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// stepTime bounds a step of the configuration that has no time of its own.
const stepTime = 10 * time.Minute

// Names are the plans that there are.
func (d *Desk) Names() []string {
	names := []string{"install", "update"}
	if d.conf.Switch.File != "" {
		names = append(names, blueGreen)
	}
	for _, p := range d.conf.Plans {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// blueGreen is the plan of an update behind nginx.
const blueGreen = "blue-green"

// steps are those of a plan, from the configuration or the field's guide.
func (d *Desk) steps(name string) ([]deploy.Step, error) {
	for _, p := range d.conf.Plans {
		if p.Name == name {
			return configured(p.Steps, d.Service.Restore.ReadyWait), nil
		}
	}
	var steps []deploy.Step
	switch name {
	case "install":
		steps = deploy.Install(d.Service.Restore.ReadyWait)
	case "update":
		steps = deploy.Update(d.Service.Restore.ReadyWait)
	case blueGreen:
		if d.conf.Switch.File == "" || len(d.conf.Switch.Ports) != 2 {
			return nil, ops.E(ops.Config, lang.M("the plan blue-green needs deploy.switch in the configuration")).
				WithHint(lang.M("name the file of nginx's upstream and two ports: "+
					"switch: {file: %s, ports: [3000, 3001]}", "/etc/nginx/conf.d/upstream.conf"))
		}
		steps = deploy.BlueGreen(d.Service.Restore.ReadyWait)
	default:
		return nil, ops.E(ops.Usage, lang.M("there is no plan %q", name)).
			WithHint(lang.M("there are: %s", strings.Join(d.Names(), ", ")))
	}
	return slices.DeleteFunc(steps, func(s deploy.Step) bool {
		return s.Kind == deploy.KindBackup && !d.hasDatabase() ||
			s.Kind == deploy.KindReady && d.Service.Health.URL == "" ||
			s.Kind == deploy.KindErrors && len(d.Service.Logs) == 0 ||
			s.Kind == deploy.KindSmoke && (d.Service.Health.URL == "" || len(d.conf.Smoke) == 0)
	}), nil
}

// Pulls tells whether a plan takes a revision of the code.
func (d *Desk) Pulls(name string) bool {
	steps, err := d.steps(name)
	return err == nil && pulls(steps)
}

func pulls(steps []deploy.Step) bool {
	return slices.ContainsFunc(steps, func(s deploy.Step) bool { return s.Kind == deploy.KindPull })
}

// configured are steps of the configuration.
func configured(steps []config.DeployStep, ready time.Duration) (out []deploy.Step) {
	for _, s := range steps {
		step := deploy.Step{
			Name:    s.Name,
			Kind:    deploy.Kind(s.Kind),
			Run:     s.Run,
			Check:   s.Check,
			Look:    s.Look,
			Undo:    s.Undo,
			Keep:    s.Keep,
			Timeout: s.Timeout,
		}
		if step.Kind == "" {
			step.Kind = deploy.KindCommand
		}
		switch {
		case step.Timeout > 0:
		case step.Kind == deploy.KindReady:
			step.Timeout = ready
		case step.Kind == deploy.KindBackup:
			step.Timeout = 6 * time.Hour
		default:
			step.Timeout = stepTime
		}
		out = append(out, step)
	}
	return out
}

// repo is the work tree of the code.
func (d *Desk) repo(p *deploy.Plan) repo { return repo{dir: p.Dir, remote: p.Remote, env: marks(p)} }

// former is the work tree of the release that runs when the plan is made.
func (d *Desk) former(p *deploy.Plan) repo {
	r := repo{dir: p.Dir, remote: p.Remote}
	if p.Former != "" {
		r.dir = p.Former
	}
	return r
}

// marks is the environment by which the programs of a deployment are known.
func marks(p *deploy.Plan) []string { return []string{mark(p)} }

func mark(p *deploy.Plan) string { return "OPSDECK_DEPLOYMENT=" + p.ID }

// Plan makes a plan. It changes nothing. What it shows of a secret is masked in its errors
// and by Shown; the plan itself holds the real commands.
func (d *Desk) Plan(ctx context.Context, name, revision string) (*deploy.Plan, error) {
	p, err := d.plan(ctx, name, revision)
	if err != nil {
		return nil, d.veil(d.conf.Dir).fault(d.Lang, err)
	}
	return p, nil
}

func (d *Desk) plan(ctx context.Context, name, revision string) (*deploy.Plan, error) {
	steps, err := d.steps(name)
	if err != nil {
		return nil, err
	}
	if err := asksUsers(d.Service, steps); err != nil {
		return nil, err
	}
	if err := mayStandBy(ctx, d, steps); err != nil {
		return nil, err
	}
	if err := mayRestart(ctx, d, steps); err != nil {
		return nil, err
	}
	look, cancel := context.WithTimeout(ctx, lookTime)
	dir, why := d.folder(d.ctl.Status(look))
	cancel()
	if dir != "" && d.conf.Dir == "" {
		dir = mainTree(ctx, dir)
	}
	if dir == "" {
		return nil, ops.E(ops.Config, lang.M("the folder of the code is unknown: %s", why)).
			WithHint(lang.M("set deploy.dir in the configuration"))
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the folder of the code cannot be read: %s", dir)).
			WithHint(lang.M("set deploy.dir in the configuration"))
	}
	p := &deploy.Plan{
		Name:     name,
		Service:  d.Service.Name,
		Dir:      dir,
		Remote:   d.conf.Remote,
		Revision: revision,
		Steps:    steps,
	}
	switch {
	case pulls(steps):
		if err := (releases{d}).beside(ctx, p); err != nil {
			return nil, err
		}
		if err := d.former(p).clean(ctx); err != nil {
			return nil, err
		}
		if err := d.resolveCommits(ctx, p); err != nil {
			return nil, err
		}
	case revision != "":
		return nil, ops.E(ops.Usage, lang.M("the plan %s pulls no code, so --revision has no effect", name))
	}
	p.Seal(d.Clock.Now())
	return p, nil
}

// Store is where the deployments are kept.
func (d *Desk) Store() deploy.Store { return deploy.Store{Dir: d.StateDir} }

// Lock keeps every other deployment from the service.
func (d *Desk) Lock() (*lock.Lock, error) {
	return lock.Take(d.Store().Lock(d.Service.Name), lock.Holder{User: oplog.UserName(), What: "deploy"})
}

// Turn keeps a service for one deployment.
type Turn struct{ *Desk }

// Hold keeps every other deployment from the service, and every restore of its database.
// It refuses while such a restore runs or is unfinished.
func (d Turn) Hold(ctx context.Context) (release func(), err error) {
	mine, err := d.Lock()
	if err != nil {
		return nil, err
	}
	turn, err := d.DeployTurn()
	if err == nil {
		err = d.restoring(ctx)
	}
	var claim *mysql.Claim
	if err == nil {
		claim, err = d.claim(ctx)
	}
	release = func() {
		claim.Release()
		turn.Release()
		mine.Release()
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// restoring refuses while a restore of the service's database is unfinished, whichever
// service it was begun for. One that cannot be read may be such a one.
func (d Turn) restoring(ctx context.Context) error {
	open, err := d.OpenRuns()
	if err != nil {
		return err
	}
	for _, o := range open {
		if o.Run == nil {
			return o.Unreadable()
		}
		p := o.Run.Plan
		if p.Mode == restore.Into || p.Service != d.Service.Name && !d.isDatabase(ctx, p.Target) {
			continue
		}
		return ops.E(ops.Busy, lang.M("the restore %s of %s is unfinished: %s", p.ID, p.Target.Database,
			o.Run.State.Stage.Label())).
			WithHint(lang.M("resume it: opsdeck restore resume %s; or see what is possible: opsdeck restore status "+
				"%[1]s", p.ID))
	}
	if !d.hasDatabase() {
		return nil
	}
	return site.AskElsewhere(ctx, d.Service.Database).Refusal(d.Service.Database.Name)
}

// isDatabase tells whether a restore's target is the service's database; unknown counts.
func (d Turn) isDatabase(ctx context.Context, t restore.Target) bool {
	return d.hasDatabase() && t.Database == d.Service.Database.Name &&
		site.SameDatabase(ctx, d.Service.Database, t)
}

// claim keeps restores on other machines from the service's database, by a lock on the
// server itself. It refuses while another machine has it; without a database it is nil.
func (d Turn) claim(ctx context.Context) (*mysql.Claim, error) {
	if !d.hasDatabase() {
		return nil, nil
	}
	target, err := mysql.Resolve(d.Service.Database)
	if err != nil {
		return nil, nil // the steps that need the database say so
	}
	who := lock.Holder{User: oplog.UserName(), What: site.TurnDeploy}
	return mysql.TakeClaim(ctx, target, d.Service.Database.Name, who, nil)
}

// Unfinished is the deployment of the service that was begun and is not over; nil for none.
func (d *Desk) Unfinished() (*deploy.Deployment, error) {
	one, err := d.Store().Open(d.Service.Name)
	if err != nil || one == nil || one.State.Result != "" {
		return nil, err
	}
	return one, nil
}

// InTheWay is the error that keeps a new deployment from beginning while an older one
// needs somebody.
func InTheWay(open *deploy.Deployment) *ops.Error {
	id := open.Plan.ID
	if open.State.Result == deploy.ResultStuck {
		return ops.E(ops.Busy, lang.M("deployment %s was not rolled back completely", id)).WithHint(StuckHint(id))
	}
	if open.State.Backward() {
		return ops.E(ops.Busy, lang.M("deployment %s is not rolled back completely yet: %s", id,
			deploy.WayBack(open.Plan, open.State))).
			WithHint(lang.M("continue rolling it back: opsdeck deploy run --resume"))
	}
	return ops.E(ops.Busy, lang.M("deployment %s is not finished", id)).
		WithHint(lang.M("continue it: opsdeck deploy run --resume; or roll it back: opsdeck deploy undo"))
}

// StuckHint is what to do about a deployment that could not be taken back completely.
func StuckHint(id string) lang.Msg {
	return lang.M("remove the cause, then roll it back again: opsdeck deploy undo %s; if you have repaired "+
		"everything by hand, add --by-hand", id)
}

// SetAside records that a person has put right by hand what could not be taken back. It
// runs no step. The lock must be held.
func (d *Desk) SetAside(ctx context.Context, one *deploy.Deployment) error {
	p := one.Plan
	if one.State.Result != deploy.ResultStuck {
		return ops.E(ops.Usage, lang.M("deployment %s needs no repair by hand", p.ID)).
			WithHint(lang.M("list them: opsdeck deploy status"))
	}
	j, err := deploy.OpenJournal(d.Store().JournalPath(p.ID))
	if err != nil {
		return err
	}
	defer j.Close()
	entry := oplog.Entry{Action: "deploy undo --by-hand", Detail: map[string]string{"id": p.ID}}
	return d.Record(ctx, entry, func(context.Context, map[string]string) error {
		end := deploy.Line{Time: d.Clock.Now(), Event: deploy.EventEnd, Step: -1, Result: deploy.ResultTakenBack}
		end.Data = map[string]string{deploy.ByHand: "1"}
		if err := j.Append(end); err != nil {
			return err
		}
		return d.report(p, j.Lines(), deploy.Fold(p, j.Lines()))
	})
}

// Begin makes a plan durable, after it has made sure that nothing else is in the way.
// The lock must be held.
func (d *Desk) Begin(ctx context.Context, p *deploy.Plan) error {
	open, err := d.Store().Open(d.Service.Name)
	if err != nil {
		return err
	}
	if open != nil {
		return InTheWay(open)
	}
	if d.hasDatabase() {
		sh, err := backups.Open(d.Site)
		if err != nil {
			return err
		}
		if err := sh.Nights().Idle(ctx); err != nil {
			return err
		}
	}
	return d.Store().Save(p)
}

// Carry runs a deployment that was begun until it is over. first is EventBegin, or
// EventBack to take it back. The lock must be held.
func (d *Desk) Carry(
	ctx context.Context, p *deploy.Plan, first deploy.Event, tell func(deploy.Line, deploy.State),
) (s deploy.State, err error) {
	j, err := deploy.OpenJournal(d.Store().JournalPath(p.ID))
	if err != nil {
		return s, err
	}
	defer j.Close()
	entry := oplog.Entry{Action: "deploy " + p.Name, Detail: map[string]string{"id": p.ID, "from": p.From, "to": p.To}}
	if first == deploy.EventBack {
		entry.Action = "deploy undo"
	}
	work := func(ctx context.Context, detail map[string]string) error {
		r := deploy.Runner{Plan: p, Journal: j, World: &world{Desk: d}, Now: d.Clock.Now, Tell: tell,
			Hide: d.veil(p.Dir).text}
		if s, err = r.Run(ctx, first); err != nil {
			return err
		}
		detail["result"] = string(s.Result)
		if rerr := d.report(p, j.Lines(), s); rerr != nil {
			d.Say(lang.M("the report could not be written: %s", rerr.Error()))
		}
		if terr := d.tidy(ctx, p); terr != nil {
			d.Say(lang.M("the copies kept by older deployments could not be removed: %s", d.Explain(terr).What))
		}
		if s.Result != deploy.ResultDone && first != deploy.EventBack || s.Result == deploy.ResultStuck {
			return errNotDone
		}
		return nil
	}
	err = d.Record(ctx, entry, work)
	if errors.Is(err, errNotDone) {
		err = nil // the state says it
	}
	return s, err
}

// errNotDone puts a deployment on record that was taken back.
var errNotDone = errors.New("rolled back")

func logPath(d *Desk, p *deploy.Plan) string {
	return filepath.Join(d.Store().Folder(p.ID), "output.log")
}

// log is the file that gets the whole output of a deployment's programs.
func (d *Desk) log(p *deploy.Plan) (*os.File, error) {
	return os.OpenFile(logPath(d, p), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}
