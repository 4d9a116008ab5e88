package notify

import (
	"encoding/json"
	"strings"
	"time"

	"opsdeck/internal/redact"
	"opsdeck/internal/regular"
)

// Message is what is told. Service, Subject and Text are enough; the fields of an
// alert are empty in what is none.
type Message struct {
	Service string
	Subject string // one line
	Text    string
	Files   []string // a mail has them attached; a plain webhook gets those in JSON as "report"

	Rule           string    // the rule or check that raised the alert
	Severity       string    // "critical", "warning" or "info"
	State          string    // "firing" or "resolved"
	Since          time.Time // when the alert began
	Ended          time.Time // when it was resolved; zero while it fires
	Evidence       string    // the matching line itself, or the check's own words
	Next           string    // the command to type next
	Fingerprint    string    // the same for one alert through its whole life
	IdempotencyKey string    // the same for one message however often it is tried
	Labels         map[string]string
	Alerts         json.RawMessage // all alerts of the message, each with the lines that matched: a JSON list
}

// plain is a Message in the JSON of a plain webhook, of a command and of templates.
type plain struct {
	Service        string            `json:"service"`
	Subject        string            `json:"subject"`
	Text           string            `json:"text"`
	Rule           string            `json:"rule,omitempty"`
	Severity       string            `json:"severity,omitempty"`
	State          string            `json:"state,omitempty"`
	Since          *time.Time        `json:"since,omitempty"`
	Ended          *time.Time        `json:"ended,omitempty"`
	Evidence       string            `json:"evidence,omitempty"`
	Next           string            `json:"next,omitempty"`
	Fingerprint    string            `json:"fingerprint,omitempty"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Alerts         json.RawMessage   `json:"alerts,omitempty"`
	Report         json.RawMessage   `json:"report,omitempty"`
}

func (m Message) plain() plain {
	out := plain{
		Service:        m.Service,
		Subject:        m.Subject,
		Text:           m.Text,
		Rule:           m.Rule,
		Severity:       m.Severity,
		State:          m.State,
		Since:          moment(m.Since),
		Ended:          moment(m.Ended),
		Evidence:       m.Evidence,
		Next:           m.Next,
		Fingerprint:    m.Fingerprint,
		IdempotencyKey: m.IdempotencyKey,
		Labels:         m.Labels,
		Alerts:         m.Alerts,
	}
	for _, path := range m.Files {
		if text, err := regular.ReadFile(path); err == nil && json.Valid(text) {
			out.Report = redact.JSON(text)
		}
	}
	return out
}

// masked is the message without the secrets that can be recognised: nothing else is sent.
func (m Message) masked() Message {
	for _, text := range []*string{&m.Subject, &m.Text, &m.Evidence, &m.Next} {
		*text = redact.Text(*text)
	}
	labels := make(map[string]string, len(m.Labels))
	for name, value := range m.Labels {
		labels[name] = redact.Text(value)
	}
	m.Labels = labels
	m.Alerts = redact.JSON(m.Alerts)
	return m
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// titled is the text for a target that has no line of its own for a subject: the
// subject leads, unless the text begins with it.
func (m Message) titled() string {
	if m.Subject == "" || strings.HasPrefix(m.Text, m.Subject) {
		return m.Text
	}
	return m.Subject + "\n" + m.Text
}
