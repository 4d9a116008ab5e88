package alert

import (
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Rule is one thing that is watched, and how it is told.
type Rule struct {
	Name    string
	Service string
	For     time.Duration // it has to hold so long until it fires
	Keep    time.Duration // it has to be over so long until it is resolved
	Repeat  time.Duration // told again so often while nobody acknowledged; 0 is never
	Targets []string      // keys of those who are told
	// Escalate are the keys of those who are told when nobody acknowledged within
	// EscalateAfter; none when that is 0.
	Escalate      []string
	EscalateAfter time.Duration
	// Hold is how long it waits, once it fires, for a cause to be found: for what may
	// follow from something else.
	Hold  time.Duration
	Quiet Hours // when warnings wait
}

// Sight is what one look at a rule gave.
type Sight struct {
	Rule        *Rule
	Fingerprint string
	Holds       bool
	Unknown     bool // nothing can be told: the alert stays as it is
	Severity    ops.State
	Evidence    lang.Msg
	Next        lang.Msg
	Seen        int64    // matches since the last step
	Lines       []Line   // the first of them
	Follows     []string // fingerprints of what it may follow from
}

// Hours is a daily span of wall time that may go over midnight. The zero value is no
// span.
type Hours struct{ From, Until time.Duration } // since midnight

// ParseHours reads a span such as 22:00-07:00.
func ParseHours(text string) (h Hours, err error) {
	if text == "" {
		return h, nil
	}
	from, until, err := hoursOf(text)
	return Hours{from, until}, err
}

func hoursOf(text string) (from, until time.Duration, err error) {
	bad := ops.E(ops.Config, lang.M("%q is not a span of hours: write 22:00-07:00", text))
	if len(text) != len("22:00-07:00") || text[5] != '-' {
		return 0, 0, bad
	}
	var at [2]time.Duration
	for i, part := range []string{text[:5], text[6:]} {
		t, err := time.Parse("15:04", part)
		if err != nil {
			return 0, 0, bad
		}
		at[i] = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return at[0], at[1], nil
}

// Holds tells whether a moment, in its own zone, is in the span.
func (h Hours) Holds(t time.Time) bool {
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if h.From <= h.Until {
		return at >= h.From && at < h.Until
	}
	return at >= h.From || at < h.Until
}
