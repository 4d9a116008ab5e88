package main

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/site/alerts"
)

// alertsShown is how long a resolved alert is shown.
const alertsShown = 24 * time.Hour

// alertsKept is how long a resolved alert is kept.
const alertsKept = 7 * 24 * time.Hour

type alertsCmd struct {
	All  bool `help:"Also show alerts resolved in the last seven days, not only in the last 24 hours."`
	JSON bool `name:"json" help:"Print JSON."`
}

// alertsJSON is the document of the contract.
type alertsJSON struct {
	Watching bool        `json:"watching"`
	Alerts   []alertJSON `json:"alerts"`
	// Undelivered are the messages that could not be sent, or will not be.
	Undelivered []undeliveredJSON `json:"undelivered"`
}

type undeliveredJSON struct {
	Target   string    `json:"target"`
	Subject  string    `json:"subject"`
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
	SetAside bool      `json:"set_aside"`
	Waiting  int       `json:"waiting"`
	SeenBy   string    `json:"seen_by,omitempty"`
}

type alertJSON struct {
	Rule        string       `json:"rule"`
	Service     string       `json:"service"`
	Severity    ops.State    `json:"severity"`
	State       alert.State  `json:"state"`
	Since       time.Time    `json:"since"`
	Evidence    string       `json:"evidence"`
	Next        string       `json:"next"`
	ID          string       `json:"id"`
	Fingerprint string       `json:"fingerprint"`
	Count       int64        `json:"count"`
	Lines       []alert.Line `json:"lines"`
	ResolvedAt  *time.Time   `json:"resolved_at"`
	AckBy       string       `json:"ack_by,omitempty"`
	SilencedBy  string       `json:"silenced_by,omitempty"`
}

// Run lists the alerts: the active ones, then those resolved lately.
func (c *alertsCmd) Run(a *app) error {
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	keep := alertsShown
	if c.All {
		keep = alertsKept
	}
	l, err := alerts.List(dir, a.flags.Service, a.clock.Now().Add(-keep))
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(alertsDocument(a.lang, l))
	}
	if !l.Watching && !l.Ran {
		return sayUnwatched(a.printer)
	}
	if err := sayAlerts(a.printer, l.Alerts, l.Watching); err != nil {
		return err
	}
	for i := range l.Undelivered {
		a.say(l.Undelivered[i].Text(time.Local))
	}
	return nil
}

// alertsDocument is the document for programs.
func alertsDocument(p *lang.Printer, l alert.Listing) alertsJSON {
	doc := alertsJSON{Watching: l.Watching}
	for i := range l.Alerts {
		doc.Alerts = append(doc.Alerts, alertDocument(p, &l.Alerts[i]))
	}
	for _, u := range l.Undelivered {
		doc.Undelivered = append(doc.Undelivered, undeliveredJSON{
			Target: u.Target, Subject: u.Subject, Since: u.Created, Attempts: u.Attempts, Error: u.Error,
			SetAside: u.Aside, Waiting: u.Waiting, SeenBy: u.SeenBy,
		})
	}
	return doc
}

// book is the state of the alerts in the state folder.
func (a *app) book() (*alert.Book, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	book, err := alert.Read(dir)
	return book, alerts.BookError(err)
}

// alertDocument is an alert for programs, its sentences in the reader's language.
func alertDocument(l *lang.Printer, x *alert.Alert) alertJSON {
	out := alertJSON{
		Rule: x.Rule, Service: x.Service, Severity: x.Severity, State: x.State, Since: x.Since,
		Evidence: x.Evidence.In(l), Next: x.Next.In(l), ID: x.ID, Fingerprint: x.Fingerprint,
		Count: x.Count, Lines: x.Lines, AckBy: x.AckBy, SilencedBy: x.SilencedBy.In(l),
	}
	out.ResolvedAt = timeOrNull(x.ResolvedAt)
	return out
}

// sayUnwatched says that no alert can be known: nothing was ever watched here.
func sayUnwatched(p *printer) error {
	p.say(lang.M("alerts unknown: `opsdeck watch` has never run with this state folder"))
	p.note(lang.M("start it with: %s", "opsdeck watch install"))
	return nil
}

// sayAlerts prints a table of alerts, each with its evidence and what to do next.
func sayAlerts(p *printer, shown []alert.Alert, watching bool) error {
	if !watching {
		p.note(lang.M("`opsdeck watch` is not running: this is the state of its last run"))
	}
	if len(shown) == 0 {
		p.say(lang.M("no alerts"))
		return nil
	}
	table := cells.Table{Max: p.width()}
	for i := range shown {
		x := &shown[i]
		table.Rows = append(table.Rows, []string{
			p.lang.Msg(x.State.Label()),
			p.lang.Msg(x.Severity.Label()),
			x.Since.Local().Format("2006-01-02 15:04:05"),
			termsafe.Line(x.Service + "/" + x.Rule),
			termsafe.Line(alertEvidence(p.lang, x)),
		})
	}
	_, err := fmt.Fprintln(p.out, strings.Join(table.Lines(), "\n"))
	return err
}

// alertEvidence is one line: what was seen, why nobody was told, what to do next.
func alertEvidence(l *lang.Printer, x *alert.Alert) string {
	text := x.Evidence.In(l)
	if x.Count > 1 {
		text = l.T("%s (%d times)", text, x.Count)
	}
	if x.State == alert.Silenced {
		text = l.T("%s · silenced: %s", text, x.SilencedBy.In(l))
	}
	if x.State == alert.Acknowledged {
		text = l.T("%s · acknowledged by %s", text, x.AckBy)
	}
	if x.State.Active() && !x.Next.Empty() {
		text += " → " + x.Next.In(l)
	}
	return text
}
