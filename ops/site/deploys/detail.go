package deploys

import (
	"context"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/deploy"
)

// Detail is what a person wants to know of a step before it runs.
type Detail struct {
	Check lang.Msg      // how the step knows that it is done
	Undo  lang.Msg      // how it is taken back
	Mind  lang.Msg      // what it asks of the release that still runs meanwhile; empty for nothing
	Usual time.Duration // the median of past runs: an estimate
	Runs  int           // that Usual is made of; 0: it is not known
}

// Details are those of a plan's steps.
func (d *Desk) Details(p *deploy.Plan) ([]Detail, error) {
	past, err := d.Store().Of(p.Service)
	if err != nil {
		return nil, err
	}
	p = d.Shown(p)
	var out []Detail
	for i, s := range p.Steps {
		one := Detail{Check: d.checkOf(p, s), Undo: d.undoOf(p, s), Mind: mindOf(p, i)}
		one.Usual, one.Runs = deploy.Usual(past, p.Name, s.Name)
		out = append(out, one)
	}
	return out, nil
}

// mindOf is what a person has to know of a step: what it asks of the former release, which
// keeps running until the switch to a second instance, and what the new one will lack.
func mindOf(p *deploy.Plan, at int) lang.Msg {
	steps := p.Steps
	is := func(kind deploy.Kind) func(deploy.Step) bool {
		return func(s deploy.Step) bool { return s.Kind == kind }
	}
	standby := slices.ContainsFunc(steps[at:], is(deploy.KindStandby))
	beside := standby && !slices.ContainsFunc(steps[:at], is(deploy.KindStop))
	switch steps[at].Kind {
	case deploy.KindSync:
		if beside {
			return lang.M("the old release still runs on the changed tables: make only changes that both releases " +
				"work with, such as a new table or a new column with a default")
		}
	case deploy.KindPull:
		return minded(p, beside)
	}
	return lang.Msg{}
}

// listed joins names for a sentence; more than eight are cut.
func listed(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + " …"
	}
	return strings.Join(names, ", ")
}

func (d *Desk) checkOf(p *deploy.Plan, s deploy.Step) lang.Msg {
	switch s.Kind {
	case deploy.KindBackup:
		return lang.M("the backup is complete and has its manifest")
	case deploy.KindStop:
		return lang.M("%s reports that it is stopped", d.name())
	case deploy.KindPull:
		if p.Releases != "" {
			return lang.M("the plan's commit is checked out in a folder of its own below %s", p.Releases)
		}
		return lang.M("the plan's commit is checked out, with no local changes")
	case deploy.KindSync:
		return lang.M("the command exits with 0, and no table, column or row is lost")
	case deploy.KindStart:
		return lang.M("the port is free before, and the start command succeeds")
	case deploy.KindReady:
		return lang.M("/health/ready reports: ready")
	case deploy.KindStandby:
		return lang.M("the second instance reports: ready")
	case deploy.KindSwitch:
		return lang.M("nginx accepts the new file before the reload: %s", d.conf.Switch.Test)
	case deploy.KindSmoke:
		return lang.M("these answer 2xx: %s", strings.Join(d.conf.Smoke, ", "))
	case deploy.KindErrors:
		return lang.M("errors in the logs are compared with the previous hour; the result names a burst")
	}
	if s.Check != "" {
		return lang.M("skipped when this exits with 0: %s; else its command exits with 0", s.Check)
	}
	return lang.M("the command exits with 0")
}

func (d *Desk) undoOf(p *deploy.Plan, s deploy.Step) lang.Msg {
	kept := strings.Join(s.Keep, ", ")
	switch {
	case s.Undo != "" && kept != "":
		return lang.M("restore %s, then run: %s", kept, s.Undo)
	case s.Undo != "":
		return lang.M("run: %s", s.Undo)
	}
	switch s.Kind {
	case deploy.KindBackup:
		return lang.M("none needed: the backup is kept")
	case deploy.KindStop:
		return lang.M("start %s and wait until it is ready", d.name())
	case deploy.KindPull:
		if p.Releases != "" {
			return lang.M("remove the folder of the release; %s is not changed", p.Former)
		}
		return lang.M("check out %s again", short(p.From))
	case deploy.KindSync:
		return lang.M("not automatic: the report names the command that restores the backup")
	case deploy.KindStart:
		return lang.M("stop %s", d.name())
	case deploy.KindStandby:
		return lang.M("stop the second instance")
	case deploy.KindSwitch:
		return lang.M("switch nginx back to the previous instance; start it first if it has stopped")
	case deploy.KindReady, deploy.KindSmoke, deploy.KindErrors:
		return lang.M("none needed: it changes nothing")
	}
	if kept != "" && p.Releases != "" {
		return lang.M("none needed: it changes only the folder of the release")
	}
	if kept != "" {
		return lang.M("restore %s", kept)
	}
	return lang.M("none: what the command changes stays")
}

// Look runs the commands of a plan that show what a step would change, where the code of
// the plan is checked out already. Otherwise only the deployment itself can: known is false.
func (d *Desk) Look(ctx context.Context, p *deploy.Plan, s deploy.Step) (lines []string, known bool, err error) {
	if s.Look == "" || pulls(p.Steps) && p.From != p.To {
		return nil, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	lines, err = d.look(ctx, p, s, nil)
	return lines, err == nil, d.veil(p.Dir).fault(d.Lang, err)
}
