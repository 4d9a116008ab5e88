package deploys

import (
	"context"
	"fmt"
	"io"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// Describe writes a plan for people: each step with its check, its undo and its time.
func Describe(ctx context.Context, w io.Writer, d *Desk, p *deploy.Plan) error {
	details, err := d.Details(p)
	if err != nil {
		return err
	}
	line := func(text string) { fmt.Fprintln(w, termsafe.Line(text)) }
	shown := d.Shown(p)
	line(d.Lang.T("Plan %s for %s in %s", p.Name, p.Service, p.Dir))
	if p.To != "" {
		line(d.Lang.T("revision: from %s to %s (%s)", p.From[:10], p.To[:10], p.Revision))
	}
	for i, s := range shown.Steps {
		what := s.Run
		if what == "" {
			what = string(s.Kind)
		}
		line(fmt.Sprintf("%2d. %-10s %s", i+1, s.Name, what))
		under := func(m lang.Msg) { line("      " + d.Lang.Msg(m)) }
		describeChanges(ctx, d, p, i, under)
		under(lang.M("check: %s", details[i].Check))
		under(lang.M("undo: %s", details[i].Undo))
		if m := details[i].Mind; !m.Empty() {
			under(lang.M("note: %s", m))
		}
		under(lang.M("time: %s", timeText(s, details[i])))
	}
	line(d.Lang.T("A failed step rolls back the steps before it."))
	line(d.Lang.T("plan hash: %s", p.Hash[:12]))
	return nil
}

// timeText is how long a step takes, which is an estimate, and how long it may take.
func timeText(s deploy.Step, one Detail) lang.Msg {
	limit := human.Duration(s.Timeout)
	if one.Runs == 0 {
		return lang.M("at most %s; no past run to estimate from", limit)
	}
	usual := human.Duration(max(one.Usual, time.Millisecond)) // a finer estimate is of no use
	return lang.M("about %s (estimate: median; past runs: %d), at most %s", usual, one.Runs, limit)
}

// describeChanges shows what a step would change in the database, or when that will be seen.
func describeChanges(ctx context.Context, d *Desk, p *deploy.Plan, i int, under func(lang.Msg)) {
	s := d.Shown(p).Steps[i]
	if s.Look == "" {
		return
	}
	lines, known, err := d.Look(ctx, p, p.Steps[i])
	switch {
	case err != nil:
		under(lang.M("what would be changed: unknown; %s", d.Explain(err).What))
	case !known:
		under(lang.M("what would be changed: %s shows it once the code is pulled, before the change is made", s.Look))
	case len(lines) == 0:
		under(lang.M("what would be changed: %s printed nothing", s.Look))
	default:
		under(lang.M("what would be changed, as %s prints it", s.Look))
		for _, l := range lines {
			under(lang.Raw("  | " + l))
		}
	}
}

// Newest is the deployment to take back: only the newest can be, for a later one has
// built on it.
func (d *Desk) Newest(id string) (*deploy.Deployment, error) {
	all, err := d.Store().Of(d.Service.Name)
	if err != nil {
		return nil, err
	}
	hint := lang.M("list them: opsdeck deploy status")
	for i, one := range all {
		if id != "" && one.Plan.ID != id {
			continue
		}
		switch {
		case one.State.Result == deploy.ResultTakenBack && id == "":
			e := ops.E(ops.Usage, lang.M("the newest deployment, %s, is already rolled back", one.Plan.ID))
			if i+1 < len(all) {
				return nil, e.WithHint(
					lang.M("to roll back an older one, name it: opsdeck deploy undo %s", all[i+1].Plan.ID),
				)
			}
			return nil, e.WithHint(hint)
		case one.State.Result == deploy.ResultTakenBack:
			return nil, ops.E(ops.Usage, lang.M("deployment %s is already rolled back", one.Plan.ID)).WithHint(hint)
		}
		for _, later := range all[:i] {
			if later.State.Result != deploy.ResultTakenBack {
				return nil, ops.E(ops.Usage, lang.M("deployment %s came later: roll that back first", later.Plan.ID)).
					WithHint(lang.M("run: opsdeck deploy undo %s", later.Plan.ID))
			}
		}
		return one, nil
	}
	return nil, ops.E(ops.Usage, lang.M("there is no deployment to roll back")).WithHint(hint)
}

// Failed is the error of a deployment that did not reach its end, with what to do.
func Failed(d *Desk, p *deploy.Plan, s deploy.State) error {
	step := ""
	offer := s.Data["offer"]
	stays := s.Data[deploy.MayStay]
	report := d.Store().ReportPath(p.ID)
	if s.Failed >= 0 {
		step = p.Steps[s.Failed].Name
	}
	e := ops.E(ops.Failed, lang.M("step %s failed: %s", step, s.Why()))
	switch {
	case s.Result == deploy.ResultStuck:
		return e.WithHint(StuckHint(p.ID))
	case offer != "":
		return e.WithHint(lang.M("the database is still changed; this restores it: %s", lang.Raw(offer)))
	}
	if stays != "" {
		return e.WithHint(lang.M("see what these steps have changed: %s; read the report: %s", stays, report))
	}
	return e.WithHint(lang.M("the previous release is in place; read the report: %s", report))
}
