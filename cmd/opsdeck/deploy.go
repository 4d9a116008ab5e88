package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/site/deploys"
)

type deployCmd struct {
	Check  deployCheckCmd  `cmd:"" help:"Check the machine, the settings and the database that the service runs on; the exit code is the state."`
	Plan   deployPlanCmd   `cmd:"" help:"Show what a deployment would do."`
	Run    deployRunCmd    `cmd:"" help:"Deploy a release; a failed step rolls back the steps before it."`
	Undo   deployUndoCmd   `cmd:"" help:"Roll back the newest deployment."`
	Status deployStatusCmd `cmd:"" help:"List the deployments and how they ended."`
}

type deployCheckCmd struct {
	Fix    bool `help:"Make the safe changes (file modes) after showing them."`
	DryRun bool `help:"With --fix: show the changes and do nothing."`
	JSON   bool `name:"json" help:"Print JSON."`
}

// deployCheckJSON is the document of the contract.
type deployCheckJSON struct {
	Verdict  ops.State           `json:"verdict"`
	Findings []deployFindingJSON `json:"findings"`
	Fixed    []string            `json:"fixed,omitempty"`
}

type deployFindingJSON struct {
	Name    string    `json:"name"`
	Service string    `json:"service"`
	State   ops.State `json:"state"`
	Detail  string    `json:"detail"`
	Why     string    `json:"why"`
	Fix     string    `json:"fix"`
}

// serviceFindings are the findings of one service.
type serviceFindings struct {
	service string
	desk    *deploys.Desk
	all     []deploy.Finding
}

// Run checks. Its exit code is the state's.
func (c *deployCheckCmd) Run(ctx context.Context, a *app) error {
	if c.Fix {
		if err := a.mayChange(c.DryRun); err != nil {
			return err
		}
	}
	found, err := deployFindings(ctx, a)
	if err := cmp.Or(a.unseen(), err); err != nil {
		return err
	}
	var fixed []string
	if c.Fix {
		if fixed, err = c.repair(ctx, a, found); err != nil {
			return err
		}
		if len(fixed) > 0 && !c.DryRun {
			if found, err = deployFindings(ctx, a); err != nil {
				return err
			}
		}
	}
	doc := deployDocument(a.lang, found)
	doc.Fixed = fixed
	if c.JSON {
		err = a.json(doc)
	} else {
		_, err = fmt.Fprint(a.out, strings.Join(deployLines(a.printer, found, doc.Verdict), "\n")+"\n")
	}
	if err != nil {
		return err
	}
	return exitCode(doc.Verdict.ExitCode())
}

// deployFindings are the findings of every service that is asked about.
func deployFindings(ctx context.Context, a *app) ([]serviceFindings, error) {
	services, err := a.statusServices()
	if err != nil {
		return nil, err
	}
	var out []serviceFindings
	for _, s := range services {
		desk, err := a.deployDesk(&s)
		if err != nil {
			return nil, err
		}
		all, err := desk.Check(ctx)
		if err != nil {
			return nil, err
		}
		a.nameFindings(s.Name, all)
		out = append(out, serviceFindings{s.Name, desk, all})
	}
	return out, nil
}

// nameFindings has the commands of the findings name their service and this configuration.
func (a *app) nameFindings(service string, all []deploy.Finding) {
	program := a.programFor(service)
	for i := range all {
		f := &all[i]
		f.Detail = typed.Msg(program, f.Detail)
		f.Fix = typed.Text(program, f.Fix)
	}
}

// repair shows the safe changes and makes them, unless it is a dry run.
func (c *deployCheckCmd) repair(ctx context.Context, a *app, found []serviceFindings) (done []string, err error) {
	for _, s := range found {
		for _, f := range s.all {
			if f.Repair == nil {
				continue
			}
			line := fmt.Sprintf("chmod %o %s", f.Repair.Mode, human.Shell(f.Repair.Path))
			a.note(lang.M("change: %s", line))
			done = append(done, line)
			if c.DryRun {
				continue
			}
			entry := oplog.Entry{Action: "deploy check --fix", Detail: map[string]string{"change": line}}
			if err := s.desk.Repair(ctx, entry, *f.Repair); err != nil {
				return done, err
			}
		}
	}
	if len(done) == 0 {
		a.note(lang.M("there is nothing that --fix can change"))
	}
	return done, nil
}

// deployDocument is the document of the findings.
func deployDocument(l *lang.Printer, found []serviceFindings) deployCheckJSON {
	doc := deployCheckJSON{Findings: []deployFindingJSON{}}
	for _, s := range found {
		doc.Verdict = ops.Worst(doc.Verdict, deploy.Verdict(s.all))
		for _, f := range s.all {
			doc.Findings = append(doc.Findings, deployFindingJSON{f.Name, s.service, f.State, l.Msg(f.Detail),
				l.Msg(f.Why), f.Fix})
		}
	}
	return doc
}

// deployLines are the verdict, and a table of the findings with what to do below each.
func deployLines(p *printer, found []serviceFindings, verdict ops.State) []string {
	t := p.theme()
	style, glyph := t.State(verdict)
	problems, checks := 0, 0
	table := cells.Table{Max: p.width()}
	heads := map[int]string{}
	for _, s := range found {
		if len(found) > 1 {
			heads[len(table.Rows)] = s.service
		}
		for _, f := range s.all {
			checks++
			style, glyph := t.State(f.State)
			table.Rows = append(table.Rows, []string{style.Render(glyph + " " + p.lang.Msg(f.State.Label())), f.Name,
				termsafe.Line(p.lang.Msg(f.Detail))})
			if f.State == ops.StateOK {
				continue
			}
			problems++
			table.Rows = append(table.Rows, []string{"", "", t.Dim.Render(termsafe.Line(p.lang.Msg(f.Why)))})
			if f.Fix != "" {
				table.Rows = append(table.Rows, []string{"", "", t.Dim.Render(p.drawn("→ ")) + termsafe.Line(f.Fix)})
			}
		}
	}
	said := p.lang.T("Checks that need attention: %d of %d.", problems, checks)
	if problems == 0 {
		said = p.lang.T("All %d checks passed.", checks)
	}
	out := []string{style.Render(glyph + " " + said), ""}
	for i, line := range table.Lines() {
		if name, is := heads[i]; is {
			out = append(out, t.Bold.Render(termsafe.Line(name)))
		}
		out = append(out, line)
	}
	return out
}
