package main

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/alert"
	"opsdeck/ops/site/alerts"
)

type watchRulesCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// ruleJSON is one rule of the command's document.
type ruleJSON struct {
	Name         string      `json:"name"`
	Service      string      `json:"service"`
	Kind         string      `json:"kind"`
	Query        string      `json:"query,omitempty"`
	Count        int64       `json:"count,omitempty"`
	By           string      `json:"by,omitempty"`
	Hours        string      `json:"hours,omitempty"`
	WindowMS     int64       `json:"window_ms,omitempty"`
	ForMS        int64       `json:"for_ms"`
	KeepFiringMS int64       `json:"keep_firing_ms"`
	Severity     string      `json:"severity,omitempty"`
	Targets      []string    `json:"targets"`
	Off          bool        `json:"off"`
	State        alert.State `json:"state,omitempty"`
	Value        string      `json:"value"`
}

// Run makes every check once and lists all rules.
func (c *watchRulesCmd) Run(ctx context.Context, a *app) error {
	w, err := anyWatcher(a)
	if err != nil {
		return err
	}
	rules, err := w.Rules(ctx, true)
	if err != nil {
		return alerts.BookError(err)
	}
	if c.JSON {
		doc := struct {
			Rules []ruleJSON `json:"rules"`
		}{}
		for _, r := range rules {
			doc.Rules = append(doc.Rules, ruleDocument(a.lang, r))
		}
		return a.json(doc)
	}
	table := cells.Table{Max: a.width()}
	table.Rows = append(table.Rows, []string{a.lang.T("RULE"), a.lang.T("STATE"), a.lang.T("FIRES"),
		a.lang.T("TARGETS"), a.lang.T("VALUE")})
	for _, r := range rules {
		table.Rows = append(table.Rows, []string{
			termsafe.Line(r.Service + "/" + r.Name),
			r.StateText(a.lang),
			r.When(a.lang),
			targetsText(a.lang, r),
			termsafe.Line(a.lang.Msg(r.Value)),
		})
	}
	_, err = fmt.Fprintln(a.out, strings.Join(table.Lines(), "\n"))
	return err
}

// targetsText is who is told when a rule fires.
func targetsText(l *lang.Printer, r alerts.Rule) string {
	if len(r.Targets) == 0 && !r.Off {
		return l.T("nobody")
	}
	return strings.Join(r.Targets, ", ")
}

// ruleDocument is a rule for programs.
func ruleDocument(l *lang.Printer, r alerts.Rule) ruleJSON {
	out := ruleJSON{
		Name:         r.Name,
		Service:      r.Service,
		Kind:         r.Kind,
		Query:        r.Query,
		Count:        r.Count,
		By:           r.By,
		Hours:        r.Hours,
		WindowMS:     r.Window.Milliseconds(),
		ForMS:        r.For.Milliseconds(),
		KeepFiringMS: r.Keep.Milliseconds(),
		Targets:      r.Targets,
		Off:          r.Off,
		State:        r.State,
		Value:        l.Msg(r.Value),
	}
	if r.Kind != "check" {
		out.Severity = r.Severity.String()
	}
	return out
}
