package health

import (
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// HistoryLength is how many looks are remembered per check.
const HistoryLength = 240

// Sample is one remembered look.
type Sample struct {
	At      time.Time
	State   ops.State // what the look itself said
	Latency time.Duration
}

// Standing is how a check stands: its state after the rule of failures and
// passes, and what led there. It is never changed once published.
type Standing struct {
	Check       Check
	State       ops.State
	Since       time.Time // when State began
	SinceBefore bool      // it was so at the first look already: it began before Since
	Last        Result    // the newest look
	LastError   Result    // the newest look that was not ok
	Kept        Result    // the newest look that State goes by
	Streak      int       // looks in a row that contradict State, not yet enough
	History     []Sample  // oldest first

	streakSince time.Time
}

// Commands are what an operator would type to look further.
func (s Standing) Commands() []string {
	if len(s.Last.Commands) > 0 {
		return s.Last.Commands
	}
	return s.Check.Commands
}

// Seen tells whether there was a look at all.
func (s Standing) Seen() bool { return !s.Last.At.IsZero() }

// Rule says how many looks in a row change a standing.
type Rule struct {
	Fails  int // failures until critical; less than 1 is 1
	Passes int // successes until no longer critical; less than 1 is 1
}

// DefaultRule is the console's: three failures, two passes.
var DefaultRule = Rule{Fails: 3, Passes: 2}

// Next is the standing after one more look. Critical is entered after Fails
// looks in a row that say so, and left after Passes that do not; the other
// states follow at once, and so does the first look, for the operator who opens
// the console on an incident. Since is the first look of the row.
func (s Standing) Next(r Result, rule Rule) Standing {
	next := s
	next.Last = r
	next.History = append(tail(s.History), Sample{At: r.At, State: r.State, Latency: r.Latency})
	if r.State != ops.StateOK {
		next.LastError = r
	}
	next.Kept = r
	crossing := (r.State == ops.StateCritical) != (s.State == ops.StateCritical)
	switch {
	case !s.Seen():
		next.State = r.State
		next.Since = r.At
		next.SinceBefore = true
		return next
	case !crossing:
		next.Streak = 0
		if r.State != s.State {
			next.become(r.State, r.At)
		}
		return next
	}
	if s.Streak == 0 {
		next.streakSince = r.At
	}
	next.Streak++
	need := max(rule.Passes, 1)
	if r.State == ops.StateCritical {
		need = max(rule.Fails, 1)
	}
	if next.Streak >= need {
		next.become(r.State, next.streakSince)
	} else {
		next.Kept = s.Kept
	}
	return next
}

func (s *Standing) become(state ops.State, at time.Time) {
	s.State = state
	s.Since = at
	s.SinceBefore = false
	s.Streak = 0
}

// tail copies what history keeps, with room for one more.
func tail(h []Sample) []Sample {
	if len(h) >= HistoryLength {
		h = h[len(h)-HistoryLength+1:]
	}
	out := make([]Sample, len(h), len(h)+1)
	copy(out, h)
	return out
}

// Shown is the result that explains the state: the newest look, or the newest
// bad one while a few good looks do not yet count.
func (s Standing) Shown() Result {
	if s.State == ops.StateCritical && s.Last.State != ops.StateCritical && s.Streak > 0 {
		return s.LastError
	}
	return s.Last
}

// Moment is when what is told happened: the quoted log line, else the change of state;
// before tells that it was so at the first look already.
func (s Standing) Moment() (at time.Time, before bool) {
	if event := s.Shown().Event; !event.IsZero() {
		return event, false
	}
	return s.Since, s.SinceBefore
}

// Steady is a start time computed from an uptime that has whole seconds: a
// difference of a few seconds to the one before is no other start.
func Steady(before, now time.Time) time.Time {
	if d := now.Sub(before).Abs(); d < 5*time.Second {
		return before
	}
	return now.Round(time.Second)
}

// Detail is the line for people: what was found, and how far a change is. While a
// failure does not count yet, the line is that of the state: no row is ok and says
// that something is down.
func (s Standing) Detail(rule Rule) lang.Msg {
	switch {
	case !s.Seen():
		return lang.M("not checked yet")
	case s.Streak > 0 && s.Last.State == ops.StateCritical:
		return lang.M("%s · failure %d of %d", s.Kept.Detail, s.Streak, rule.Fails)
	case s.Streak > 0:
		return lang.M("%s · pass %d of %d", s.Last.Detail, s.Streak, rule.Passes)
	}
	return s.Last.Detail
}

// MedianLatency is the middle of the newest n looks' latencies.
func (s Standing) MedianLatency(n int) time.Duration {
	h := s.History
	if len(h) > n {
		h = h[len(h)-n:]
	}
	if len(h) == 0 {
		return 0
	}
	l := make([]time.Duration, 0, len(h))
	for _, x := range h {
		at := len(l)
		for at > 0 && l[at-1] > x.Latency {
			at--
		}
		l = append(l, 0)
		copy(l[at+1:], l[at:])
		l[at] = x.Latency
	}
	return l[len(l)/2]
}
