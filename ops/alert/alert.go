// Package alert decides what people are told of a service, and when: rules, the
// life of an alert from pending to resolved, silences, what follows from what, quiet
// hours, escalation, and the messages that are not delivered yet. It does no I/O but
// that of its own state file, and measures its own times by steps of a clock that
// never jumps.
package alert

import (
	"encoding/json"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// State is how far an alert is, a word of the contract.
type State string

// The states of an alert.
const (
	Pending      State = "pending" // seen, for less than the rule's "for"
	Firing       State = "firing"  // people are told
	Acknowledged State = "acknowledged"
	Silenced     State = "silenced" // fires, and nobody is told
	Resolved     State = "resolved"
)

// Label is the word for people.
func (s State) Label() lang.Msg {
	switch s {
	case Pending:
		return lang.M("pending")
	case Firing:
		return lang.M("firing")
	case Acknowledged:
		return lang.M("acknowledged")
	case Silenced:
		return lang.M("silenced")
	}
	return lang.M("resolved")
}

// Active tells whether the condition holds, as far as is known.
func (s State) Active() bool { return s != Resolved && s != "" }

// Text is a sentence in both languages.
type Text = lang.Both

// Say makes a Text of a sentence.
func Say(m lang.Msg) Text { return lang.InBoth(m) }

// Span is a length of time, in whole milliseconds in JSON.
type Span time.Duration

// MarshalJSON writes milliseconds.
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Milliseconds()) }

// UnmarshalJSON reads milliseconds.
func (s *Span) UnmarshalJSON(text []byte) error {
	var n int64
	err := json.Unmarshal(text, &n)
	*s = Span(time.Duration(n) * time.Millisecond)
	return err
}

// Line is a log line that a rule matched, in the shape of the command logs.
type Line struct {
	Time    *time.Time `json:"time"`
	Level   string     `json:"level"`
	Context string     `json:"context"`
	Message string     `json:"message"`
	Source  string     `json:"source"`
	Raw     string     `json:"raw"`
}

// Alert is one condition of one service, from when it was first seen until it was
// over. There is never more than one that is active of a fingerprint.
type Alert struct {
	ID          string    `json:"id"` // of this time that it happened: unique, never used again
	Rule        string    `json:"rule"`
	Service     string    `json:"service"`
	Fingerprint string    `json:"fingerprint"`
	Severity    ops.State `json:"severity"`
	State       State     `json:"state"`
	Since       time.Time `json:"since"`                // the condition began
	FiredAt     time.Time `json:"fired_at,omitzero"`    // the "for" was over
	ResolvedAt  time.Time `json:"resolved_at,omitzero"` // the condition was over
	LastSeen    time.Time `json:"last_seen,omitzero"`   // the condition was seen last
	Evidence    Text      `json:"evidence"`
	Next        Text      `json:"next"`            // what to type or do first
	Count       int64     `json:"count"`           // times that it was seen: matching lines, for a log rule
	Lines       []Line    `json:"lines,omitempty"` // the first that matched
	AckBy       string    `json:"ack_by,omitempty"`
	AckAt       time.Time `json:"ack_at,omitzero"`
	// SilencedBy is why nobody is told: the silence's reason, or the alert that this
	// one follows from.
	SilencedBy Text `json:"silenced_by,omitzero"`
	// Follows are the fingerprints of what it may follow from, as they were when it was seen
	// last: after a restart they hold until it is seen again.
	Follows []string `json:"follows,omitempty"`
	// Flaps counts how often it fired lately: one that comes and goes is held.
	Flaps int `json:"flaps,omitempty"`

	Held Span `json:"held_ms"` // the condition held for so long, in all steps
	Calm Span `json:"calm_ms"` // it is over for so long; of a resolved one: since then
	Open Span `json:"open_ms"` // since it fired
	Told Told `json:"told"`
}

// Told is what people were told of an alert.
type Told struct {
	Fired     int      `json:"fired,omitempty"`     // messages that it fires
	Since     Span     `json:"since_ms"`            // since the last of them
	Open      Span     `json:"open_ms"`             // since the first of them, not acknowledged
	Escalated bool     `json:"escalated,omitempty"` // the second targets were told
	Targets   []string `json:"targets,omitempty"`   // who was told
}
