package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Doc is what a message says for programs: the JSON of a plain webhook holds it.
type Doc struct {
	Status string           `json:"status"` // firing, or resolved when nothing of it fires
	Alerts []DocAlert       `json:"alerts"`
	Folded map[string]int64 `json:"folded,omitempty"` // left out of a storm, by rule
}

// DocAlert is one alert of a Doc.
type DocAlert struct {
	What        string     `json:"what"`
	ID          string     `json:"id"`
	Fingerprint string     `json:"fingerprint"`
	Rule        string     `json:"rule"`
	Service     string     `json:"service"`
	Severity    ops.State  `json:"severity"`
	State       State      `json:"state"`
	Since       time.Time  `json:"since"`
	ResolvedAt  *time.Time `json:"resolved_at"`
	Evidence    string     `json:"evidence"`
	Next        string     `json:"next"`
	Count       int64      `json:"count"`
	Line        string     `json:"line"`  // the first matching line as it is in the log
	Lines       []Line     `json:"lines"` // the first matching lines
	Mutes       []string   `json:"silences,omitempty"`
}

// textMost is how many alerts a message tells in its text.
const textMost = 10

// compose makes a message of everything that waits.
func compose(p *lang.Printer, q *Queue) *Message {
	m := &Message{Service: serviceOf(q.Events)}
	doc := Doc{Status: "resolved", Folded: q.Folded, Alerts: []DocAlert{}}
	for i := range q.Events {
		e := &q.Events[i]
		if e.What != What.Resolved {
			doc.Status = "firing"
		}
		doc.Alerts = append(doc.Alerts, docAlert(p, e))
	}
	m.Data, _ = json.Marshal(doc) // plain types
	m.Subject = subject(p, q)
	m.Text = text(p, m.Subject, q)
	return m
}

// TestMessage is a message that says that a rule or a target works. It is in no book.
func TestMessage(p *lang.Printer, service, rule string, next lang.Msg, now time.Time) *Message {
	a := Alert{
		ID: "test-" + strconv.FormatInt(now.UnixNano(), 36), Rule: rule, Service: service,
		Fingerprint: service + "/" + rule + "/test", Severity: ops.StateWarning, State: Firing, Since: now, Count: 1,
		Evidence: Say(lang.M("this is a test message: nothing is wrong")), Next: Say(next),
	}
	m := compose(p, &Queue{Events: []Event{{What: What.Test, At: now, Alert: a}}})
	m.ID = a.ID
	m.Created = now
	return m
}

func serviceOf(events []Event) string {
	name := events[0].Alert.Service
	for i := range events {
		if events[i].Alert.Service != name {
			return ""
		}
	}
	return name
}

func docAlert(p *lang.Printer, e *Event) DocAlert {
	a := &e.Alert
	out := DocAlert{
		What: e.What, ID: a.ID, Fingerprint: a.Fingerprint, Rule: a.Rule, Service: a.Service, Severity: a.Severity,
		State: a.State, Since: a.Since, Evidence: a.Evidence.In(p), Next: a.Next.In(p), Count: a.Count,
		Lines: slices.Clone(a.Lines), Mutes: e.Mutes,
	}
	if out.Lines == nil {
		out.Lines = []Line{}
	}
	if len(a.Lines) > 0 {
		out.Line = a.Lines[0].Raw
	}
	if !a.ResolvedAt.IsZero() {
		out.ResolvedAt = &a.ResolvedAt
	}
	return out
}

// subject is one line over all.
func subject(p *lang.Printer, q *Queue) string {
	if len(q.Events) == 1 && len(q.Folded) == 0 {
		a := &q.Events[0].Alert
		if q.Events[0].What == What.Resolved {
			return p.T("[resolved] %s; it was: %s", a.Service+"/"+a.Rule, firstLine(a.Evidence.In(p)))
		}
		return fmt.Sprintf("[%s] %s: %s", word(p, &q.Events[0]), a.Service+"/"+a.Rule, firstLine(a.Evidence.In(p)))
	}
	firing, resolved := 0, 0
	for i := range q.Events {
		if q.Events[i].What == What.Resolved {
			resolved++
		} else {
			firing++
		}
	}
	for _, n := range q.Folded {
		firing += int(n)
	}
	services := serviceOf(q.Events)
	if services == "" {
		services = p.T("several services")
	}
	switch {
	case resolved == 0:
		return p.T("[alerts] %s: firing %d", services, firing)
	case firing == 0:
		return p.T("[alerts] %s: resolved %d", services, resolved)
	}
	return p.T("[alerts] %s: firing %d, resolved %d", services, firing, resolved)
}

// word says in one word what an event is.
func word(p *lang.Printer, e *Event) string {
	switch e.What {
	case What.Resolved:
		return p.T("resolved")
	case What.Test:
		return p.T("test")
	case What.Escalated:
		return p.T("%s, not acknowledged", p.Msg(e.Alert.Severity.Label()))
	case What.Repeated:
		return p.T("%s, still", p.Msg(e.Alert.Severity.Label()))
	}
	return p.Msg(e.Alert.Severity.Label())
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// text is what, since when, the evidence, and the next command to type.
func text(p *lang.Printer, head string, q *Queue) string {
	var b strings.Builder
	b.WriteString(head + "\n")
	for i := range q.Events {
		if i == textMost {
			b.WriteString("\n" + p.T("further alerts: %d", len(q.Events)-textMost) + "\n")
			break
		}
		b.WriteString("\n" + paragraph(p, &q.Events[i], len(q.Events) > 1))
	}
	for _, rule := range sortedKeys(q.Folded) {
		b.WriteString("\n" + p.T("%s: %d more", rule, q.Folded[rule]))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func sortedKeys[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// paragraph tells one alert.
func paragraph(p *lang.Printer, e *Event, titled bool) string {
	a := &e.Alert
	var out []string
	if titled {
		title := fmt.Sprintf("[%s] %s: %s", word(p, e), a.Service+"/"+a.Rule, a.Evidence.In(p))
		if e.What == What.Resolved {
			title = p.T("[resolved] %s; it was: %s", a.Service+"/"+a.Rule, a.Evidence.In(p))
		}
		out = append(out, title)
	} else if rest := a.Evidence.In(p); rest != firstLine(rest) {
		out = append(out, rest)
	}
	out = append(out, p.T("since %s", a.Since.Format("2006-01-02 15:04:05 -07:00")))
	if !a.ResolvedAt.IsZero() {
		out = append(out, p.T("resolved at %s", a.ResolvedAt.Format("2006-01-02 15:04:05 -07:00")))
	}
	if a.Count > 1 {
		out = append(out, p.T("seen %d times", a.Count))
	}
	for _, l := range a.Lines {
		out = append(out, "> "+firstLine(l.Raw))
	}
	if len(e.Mutes) > 0 {
		out = append(out, p.T("caused by it, not notified while it lasts: %s", strings.Join(e.Mutes, ", ")))
	}
	if !a.Next.Empty() && e.What != What.Resolved {
		out = append(out, p.T("next: %s", a.Next.In(p)))
	}
	return strings.Join(out, "\n") + "\n"
}
