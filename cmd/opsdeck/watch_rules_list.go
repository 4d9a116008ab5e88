package main

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
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
		return bookError(err)
	}
	if c.JSON {
		doc := struct {
			Rules []ruleJSON `json:"rules"`
		}{[]ruleJSON{}}
		for _, r := range rules {
			doc.Rules = append(doc.Rules, ruleDocument(a.lang, r))
		}
		return a.json(doc)
	}
	table := cells.Table{Max: a.width()}
	for _, r := range rules {
		table.Rows = append(table.Rows, []string{
			termsafe.Line(r.Service + "/" + r.Name),
			ruleState(a.lang, r),
			ruleWhen(a.lang, r),
			strings.Join(r.Targets, ", "),
			termsafe.Line(a.lang.Msg(r.Value)),
		})
	}
	_, err = fmt.Fprintln(a.out, strings.Join(table.Lines(), "\n"))
	return err
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
	if out.Targets == nil {
		out.Targets = []string{}
	}
	return out
}

// ruleState is the state of a rule, for people.
func ruleState(l *lang.Printer, r alerts.Rule) string {
	switch {
	case r.Off:
		return l.T("off")
	case r.State == "":
		return "-"
	}
	return l.Msg(r.State.Label())
}

// ruleWhen says when a rule fires.
func ruleWhen(l *lang.Printer, r alerts.Rule) string {
	query := termsafe.Line(r.Query)
	switch r.Kind {
	case "log":
		return l.T("%d in %s: %s", r.Count, human.Duration(r.Window), query)
	case "audit":
		return auditWhen(l, r, query)
	}
	return l.T("check")
}

// auditWhen says when a rule over audit rows fires.
func auditWhen(l *lang.Printer, r alerts.Rule, query string) string {
	window := human.Duration(r.Window)
	if r.Hours != "" {
		query += " " + r.Hours
	}
	switch r.By {
	case "ip":
		return l.T("audit, %d in %s by one IP address: %s", r.Count, window, query)
	case "all":
		return l.T("audit, %d in %s: %s", r.Count, window, query)
	}
	return l.T("audit, %d in %s by one user: %s", r.Count, window, query)
}
