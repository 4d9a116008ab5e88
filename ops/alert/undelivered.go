package alert

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
)

// Refusal is how a target did not take a message.
type Refusal struct {
	Why     string
	AtLeast time.Duration // the target wants no attempt before
	Kind    RefusalKind
}

// RefusalKind is what a refusal is about.
type RefusalKind int

// The kinds of refusals.
const (
	ForNow     RefusalKind = iota // a later attempt may do
	Everything                    // somebody has to mend the configuration of one side
	ThisOne                       // the target does not accept what is in the message
)

// Refused keeps a message that could not be sent for another attempt. One that the target
// does not accept is made shorter, and set aside when that is not accepted either: it
// returns whether that was done.
func (b *Book) Refused(p *lang.Printer, m *Message, r Refusal, now time.Time) (aside bool) {
	o := b.Outbox[m.Target]
	if o == nil || o.ID != m.ID {
		return false
	}
	wait := min(firstRetry<<min(o.Attempts, 20), lastRetry)
	if r.Kind == Everything {
		wait = lastRetry
	}
	if r.Kind == Everything && o.Attempts >= finalTries {
		wait = finalRetry
	}
	o.Attempts++
	o.Error = r.Why
	o.Wait = Span(max(wait, r.AtLeast))
	if r.Kind != ThisOne || o.Attempts < finalTries {
		return false
	}
	if !o.Short {
		o.shorten(p)
		return false
	}
	b.setAside(o, now)
	return true
}

// shorten leaves the names of the alerts and drops what a target may not accept: log lines,
// evidence, the next step.
func (m *Message) shorten(p *lang.Printer) {
	var doc Doc
	if json.Unmarshal(m.Data, &doc) != nil {
		doc = Doc{Status: "firing"}
	}
	of := m.Service
	if of == "" {
		of = p.T("several services")
	}
	text := p.T("[alerts] %s: the target did not accept the details", of) + "\n\n"
	for i := range doc.Alerts {
		a := &doc.Alerts[i]
		a.Evidence = ""
		a.Next = "opsdeck alerts"
		a.Line = ""
		a.Lines = []Line{}
		text += a.Service + "/" + a.Rule + ": " + a.What + "\n"
	}
	m.Subject, _, _ = strings.Cut(text, "\n")
	m.Text = text + p.T("next: %s", "opsdeck alerts") + "\n"
	m.Data, _ = json.Marshal(doc) // plain types
	m.ID += "-short"
	m.Short = true
	m.Attempts = 0
	m.Wait = 0
}

// Aside is a message that its target refused for good. It is not sent again; the later
// ones are.
type Aside struct {
	ID       string    `json:"id"`
	Target   string    `json:"target"`
	Subject  string    `json:"subject"`
	Error    string    `json:"error"`
	Created  time.Time `json:"created"`
	At       time.Time `json:"at"` // it was set aside
	Attempts int       `json:"attempts"`
	SeenBy   string    `json:"seen_by,omitempty"` // who acknowledged it
}

const (
	asideMost = 100         // messages that are kept; of more, the newest
	asideSaid = time.Minute // a message that fails for less is no news yet
)

// setAside takes a message out: the target does not accept it, whatever is done.
func (b *Book) setAside(m *Message, now time.Time) {
	delete(b.Outbox, m.Target)
	b.Asides = append(b.Asides, Aside{
		ID: m.ID, Target: m.Target, Subject: m.Subject, Error: m.Error, Attempts: m.Attempts,
		Created: m.Created, At: now,
	})
	if over := len(b.Asides) - asideMost; over > 0 {
		b.Asides = slices.Clone(b.Asides[over:])
	}
}

// Undelivered is a message that a target has not got.
type Undelivered struct {
	Target   string
	Subject  string
	Error    string
	Created  time.Time
	Attempts int
	Aside    bool   // it is not sent again
	SeenBy   string // who acknowledged that
	Waiting  int    // later events for the same target, which wait for it
}

// News tells whether people should be told: it is neither a short failure nor seen.
func (u Undelivered) News(now time.Time) bool {
	if u.Aside {
		return u.SeenBy == ""
	}
	return now.Sub(u.Created) >= asideSaid
}

// Text says in one line what a target has not got, and why.
func (u Undelivered) Text(zone *time.Location) lang.Msg {
	since := u.Created.In(zone).Format(time.DateTime)
	target, subject, why := termsafe.Line(u.Target), termsafe.Line(u.Subject), termsafe.Line(u.Error)
	switch {
	case u.Aside && u.SeenBy != "":
		return lang.M("%s did not accept the message of %s: %s (%s); seen by %s", target, since, subject, why,
			termsafe.Line(u.SeenBy))
	case u.Aside:
		return lang.M("%s did not accept the message of %s: %s (%s)", target, since, subject, why)
	case u.Waiting > 0:
		return lang.M("not delivered to %s since %s, %d more waiting: %s (%s)", target, since, u.Waiting, subject, why)
	}
	return lang.M("not delivered to %s since %s: %s (%s)", target, since, subject, why)
}

// Undelivered are the messages set aside since a moment, the oldest first, then those that
// could not be sent yet, by target.
func (b *Book) Undelivered(since time.Time) (out []Undelivered) {
	for _, a := range b.Asides {
		if !a.At.Before(since) {
			out = append(out, Undelivered{
				Target: a.Target, Subject: a.Subject, Error: a.Error, Created: a.Created, Attempts: a.Attempts,
				Aside: true, SeenBy: a.SeenBy,
			})
		}
	}
	for _, key := range sortedKeys(b.Outbox) {
		m := b.Outbox[key]
		if m.Attempts == 0 {
			continue
		}
		one := Undelivered{
			Target: key, Subject: m.Subject, Error: m.Error, Created: m.Created, Attempts: m.Attempts,
		}
		if q := b.Queues[key]; q != nil {
			one.Waiting = len(q.Events)
		}
		out = append(out, one)
	}
	return out
}

// TargetNamed tells whether a target's key, SERVICE/NAME, is the one that people typed.
func TargetNamed(key, service, name string) bool {
	of, rest, _ := strings.Cut(key, "/")
	return (name == "*" || rest == name) && (service == "" || of == service)
}

// acknowledge notes who has seen that messages were set aside.
func (b *Book) acknowledge(o Order) {
	if o.Alert != "" {
		return
	}
	for i := range b.Asides {
		if a := &b.Asides[i]; TargetNamed(a.Target, o.Service, o.Rule) && !a.At.After(o.At) && a.SeenBy == "" {
			a.SeenBy = o.By
		}
	}
}
