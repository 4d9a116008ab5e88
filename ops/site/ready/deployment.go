package ready

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/doctor"
	"opsdeck/ops/site/deploys"
)

// deployment are the findings of deploy check, and a deployment that is not over, where
// the service runs on this machine: its process is controlled here, or its code is here.
// What other points of doctor say of the database is left out.
func (l Look) deployment(ctx context.Context) []doctor.Point {
	s := l.Service
	here := s.Process.Kind != "" && s.Process.Kind != "none" || s.Deploy.Dir != ""
	if !here {
		return nil
	}
	broken := func(err error) []doctor.Point {
		e := l.Explain(err)
		return []doctor.Point{{Name: "deployment", Service: s.Name,
			Findings: []doctor.Finding{{State: ops.StateUnknown, What: e.What, Fix: l.Lang.Msg(e.Hint)}}}}
	}
	desk, err := l.Deploys()
	if err != nil {
		return broken(err)
	}
	open, err := desk.Store().Open(s.Name)
	if err != nil {
		return broken(err)
	}
	all, err := desk.Check(ctx)
	if err != nil {
		return broken(err)
	}
	return append([]doctor.Point{l.openPoint(open)}, pointsOf(s.Name, all)...)
}

// openPoint is about a deployment that is not over.
func (l Look) openPoint(open *deploy.Deployment) doctor.Point {
	p := doctor.Point{Name: "deployment", Service: l.Service.Name, Seen: lang.M("no deployment is unfinished")}
	if open == nil {
		return p
	}
	f := doctor.Finding{State: ops.StateCritical, What: deploys.InTheWay(open).What,
		Fix: l.Opsdeck("deploy status " + open.Plan.ID)}
	p.Findings = []doctor.Finding{f}
	return p
}

// pointsOf are findings of deploy check as doctor shows them.
func pointsOf(service string, all []deploy.Finding) (out []doctor.Point) {
	for _, f := range all {
		if f.Name == "mysql" || f.Name == "mysql-grants" || f.Name == "mysql-binlog" {
			continue // login, grants and binary-log of doctor itself
		}
		p := doctor.Point{Name: f.Name, Service: service, Seen: f.Detail}
		if f.State != ops.StateOK {
			p.Findings = []doctor.Finding{{State: f.State, What: f.Detail, Why: f.Why, Fix: f.Fix}}
		}
		if n := len(out); n > 0 && out[n-1].Name == p.Name && len(out[n-1].Findings) > 0 {
			out[n-1].Findings = append(out[n-1].Findings, p.Findings...)
			continue
		}
		out = append(out, p)
	}
	return out
}
