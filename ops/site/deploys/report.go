package deploys

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
)

// ResultText is how a deployment ended, for people.
func ResultText(s deploy.State) lang.Msg {
	switch s.Result {
	case deploy.ResultDone:
		if s.Data["burst"] != "" {
			return lang.M("deployed, with an error burst")
		}
		return lang.M("deployed")
	case deploy.ResultTakenBack:
		if s.Data[deploy.ByHand] != "" {
			return lang.M("rolled back by hand")
		}
		if s.Data["offer"] != "" {
			return lang.M("rolled back: the previous release is in place, the database is still changed")
		}
		if stays := s.Data[deploy.MayStay]; stays != "" {
			return lang.M("rolled back; steps without undo, whose changes may remain: %s", stays)
		}
		return lang.M("rolled back: the previous release is in place")
	case deploy.ResultStuck:
		return lang.M("not rolled back completely: an operator is needed")
	}
	if s.Backward() {
		return lang.M("not finished: the rollback was interrupted")
	}
	return lang.M("not finished")
}

// Interrupted is the error of a deployment that was left before its end: how far it is, and
// which way it continues.
func Interrupted(p *deploy.Plan, s deploy.State, code ops.Code) *ops.Error {
	if s.Backward() {
		return ops.E(code, lang.M("deployment %s was interrupted during its rollback; %s", p.ID,
			deploy.WayBack(p, s))).
			WithHint(lang.M("continue rolling it back: opsdeck deploy run --resume"))
	}
	return ops.E(code, lang.M("deployment %s was interrupted; nothing was rolled back", p.ID)).
		WithHint(lang.M("continue it: opsdeck deploy run --resume; or roll it back: opsdeck deploy undo"))
}

// report writes the course of a deployment.
func (d *Desk) report(p *deploy.Plan, lines []deploy.Line, s deploy.State) error {
	var b strings.Builder
	t := d.Lang.T
	fmt.Fprintf(&b, "# %s\n\n", t("Deployment %s of %s", p.ID, p.Service))
	fmt.Fprintf(&b, "- %s\n", t("result: %s", d.Lang.Msg(ResultText(s))))
	fmt.Fprintf(&b, "- %s\n", t("plan: %s (%s)", p.Name, p.Hash[:12]))
	if p.To != "" {
		fmt.Fprintf(&b, "- %s\n", t("revision: from %s to %s (%s)", short(p.From), short(p.To), p.Revision))
	}
	fmt.Fprintf(&b, "- %s\n", t("duration: %s", human.Duration(s.Ended.Sub(s.Began))))
	if offer := s.Data["offer"]; offer != "" {
		fmt.Fprintf(&b, "- %s\n", t("restore the database: %s", offer))
	}
	if burst := s.Data["burst"]; burst != "" {
		fmt.Fprintf(&b, "- %s\n", burst)
	}
	b.WriteString("\n")
	for _, l := range lines {
		if l.Event == deploy.EventChild || l.Step < 0 || l.Event == deploy.EventSeen && l.Detail == "" {
			continue
		}
		line := fmt.Sprintf("- %s %s: %s", l.Time.Local().Format(time.DateTime), p.Steps[l.Step].Name,
			d.Lang.Msg(l.Label()))
		if l.Detail != "" {
			line += " – " + d.Lang.Msg(l.What())
		}
		b.WriteString(line + "\n")
		for _, line := range l.Tail {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	return atomicfile.WriteBytes(d.Store().ReportPath(p.ID), 0o600, []byte(b.String()))
}
