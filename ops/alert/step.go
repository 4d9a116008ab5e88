package alert

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// An alert that fired flapLimit times within about flapForget each is held: it is
// resolved only when it was over for flapKeep.
const (
	flapLimit  = 3
	flapForget = 20 * time.Minute
	flapKeep   = 10 * time.Minute
)

// How much is kept of what is over.
const (
	historyKept = 7 * 24 * time.Hour
	historyMost = 300
	linesKept   = 5
)

// Step is one moment in the life of all alerts.
type Step struct {
	Now     time.Time     // for people
	Elapsed time.Duration // since the last step, by a clock that never jumps
	Sights  []Sight
	// Silences are those that open and close by themselves, beside the book's.
	Silences []Silence
}

// stepping is a step under way.
type stepping struct {
	Step
	book    *Book
	rules   map[string]*Rule // by fingerprint
	follows map[string][]string
	mutes   map[string][]string // by fingerprint: the rules that may follow from it
	index   map[string]int      // of the active alerts, by fingerprint; nil when it has to be made again
}

// Take carries the book on by one step and queues what people are told. It returns
// whether something changed that has to be kept.
func (b *Book) Take(s Step) (changed bool) {
	w := &stepping{
		Step: s, book: b, rules: map[string]*Rule{}, follows: map[string][]string{}, mutes: map[string][]string{},
	}
	for i := range s.Sights {
		x := &s.Sights[i]
		w.rules[x.Fingerprint] = x.Rule
		w.follows[x.Fingerprint] = w.causes(x)
		for _, cause := range w.follows[x.Fingerprint] {
			w.mutes[cause] = append(w.mutes[cause], x.Rule.Name)
		}
		changed = w.see(x) || changed
	}
	changed = w.retire() || changed
	changed = w.mute() || changed
	changed = w.tell() || changed
	return w.tidy() || changed
}

// causes are the fingerprints of what an alert may follow from. One that cannot be seen now
// follows from what it did when it was seen.
func (w *stepping) causes(x *Sight) []string {
	a := w.active(x.Fingerprint)
	if !x.Unknown || a == nil {
		return x.Follows
	}
	return append(slices.Clone(x.Follows), a.Follows...)
}

// active is Book.active, for thousands of alerts.
func (w *stepping) active(fingerprint string) *Alert {
	if w.index == nil {
		w.index = make(map[string]int, len(w.book.Alerts))
		for i := range w.book.Alerts {
			w.index[w.book.Alerts[i].Fingerprint] = i
		}
	}
	if i, is := w.index[fingerprint]; is {
		return &w.book.Alerts[i]
	}
	return nil
}

// active is the alert of a fingerprint that is not resolved, or nil.
func (b *Book) active(fingerprint string) *Alert {
	for i := range b.Alerts {
		if b.Alerts[i].Fingerprint == fingerprint {
			return &b.Alerts[i]
		}
	}
	return nil
}

// News tells whether a sight may make people be told of something that they were not told
// yet.
func (b *Book) News(x Sight) bool {
	if x.Unknown || !x.Holds {
		return false
	}
	a := b.active(x.Fingerprint)
	return a == nil || a.Told.Fired == 0 && a.State != Silenced
}

// see carries one alert on by what was seen.
func (w *stepping) see(x *Sight) (changed bool) {
	a := w.active(x.Fingerprint)
	switch {
	case x.Unknown:
		return false
	case x.Holds && a == nil:
		w.begin(x)
		return true
	case x.Holds:
		w.book.Drift = true
		return w.goOn(a, x)
	case a != nil:
		return w.resolveOver(a, x.Rule)
	}
	return false
}

func (w *stepping) begin(x *Sight) {
	w.book.Serial++
	a := Alert{
		ID:          fmt.Sprintf("%d-%s", w.Now.Unix(), strconv.FormatInt(w.book.Serial, 36)),
		Rule:        x.Rule.Name,
		Service:     x.Rule.Service,
		Fingerprint: x.Fingerprint,
		State:       Pending,
		Since:       w.Now,
		Flaps:       w.flaps(x.Fingerprint),
	}
	a.take(x, w.Now)
	a.fire(x.Rule, w.Now)
	w.book.Alerts = append(w.book.Alerts, a)
	w.index[a.Fingerprint] = len(w.book.Alerts) - 1
}

// flaps is how often the same was resolved lately.
func (w *stepping) flaps(fingerprint string) (n int) {
	for _, old := range slices.Backward(w.book.History) {
		if old.Fingerprint == fingerprint {
			if time.Duration(old.Calm) < flapForget {
				n = old.Flaps + 1
			}
			return n
		}
	}
	return 0
}

// take notes what was seen last.
func (a *Alert) take(x *Sight, now time.Time) {
	a.LastSeen = now
	a.Calm = 0
	a.Severity = x.Severity
	a.Follows = x.Follows
	if !x.Evidence.Empty() {
		a.Evidence = Say(x.Evidence)
		a.Next = Say(x.Next)
	}
	a.Count += max(x.Seen, 0)
	if a.Count == 0 {
		a.Count = 1
	}
	if room := linesKept - len(a.Lines); room > 0 {
		a.Lines = append(a.Lines, x.Lines[:min(room, len(x.Lines))]...)
	}
}

// fire lets it fire once it held for long enough.
func (a *Alert) fire(r *Rule, now time.Time) bool {
	if !a.FiredAt.IsZero() || time.Duration(a.Held) < r.For {
		return false
	}
	a.FiredAt = now
	a.State = Firing
	return true
}

func (w *stepping) goOn(a *Alert, x *Sight) (changed bool) {
	before := a.Severity
	worse := x.Severity > a.Severity && !a.FiredAt.IsZero()
	a.Held += Span(w.Elapsed)
	a.take(x, w.Now)
	if worse {
		a.AckBy = ""
		a.AckAt = time.Time{}
		a.Told.Fired = 0
		a.Told.Escalated = false
	}
	return a.fire(x.Rule, w.Now) || before != a.Severity
}

// resolveOver ends an alert that was over for long enough.
func (w *stepping) resolveOver(a *Alert, r *Rule) (changed bool) {
	if a.FiredAt.IsZero() {
		w.drop(a.Fingerprint)
		return true
	}
	w.book.Drift = true
	a.Calm += Span(w.Elapsed)
	keep := r.Keep
	if a.Flaps >= flapLimit {
		keep = max(keep, flapKeep)
	}
	if time.Duration(a.Calm) < keep {
		return false
	}
	w.resolve(a, r)
	return true
}

func (w *stepping) drop(fingerprint string) {
	w.book.Alerts = slices.DeleteFunc(w.book.Alerts, func(a Alert) bool { return a.Fingerprint == fingerprint })
	w.index = nil
}

// resolve ends an alert and tells those who were told of it.
func (w *stepping) resolve(a *Alert, r *Rule) {
	over := *a
	w.drop(a.Fingerprint)
	over.State = Resolved
	over.ResolvedAt = w.Now
	over.Calm = 0 // from here on: since it was resolved
	w.book.History = append(w.book.History, over)
	if len(over.Told.Targets) > 0 {
		w.queue(&over, What.Resolved, over.Told.Targets)
	}
}

// retire ends the alerts of rules that are no longer watched.
func (w *stepping) retire() (changed bool) {
	for _, a := range slices.Clone(w.book.Alerts) {
		if w.rules[a.Fingerprint] != nil {
			continue
		}
		a.Evidence = Say(lang.M("no longer watched"))
		a.Next = Text{}
		w.resolve(&a, nil)
		changed = true
	}
	return changed
}

// mute finds which of the alerts that fire nobody is told of, and why.
func (w *stepping) mute() (changed bool) {
	for i := range w.book.Alerts {
		a := &w.book.Alerts[i]
		if a.FiredAt.IsZero() {
			continue
		}
		state, why := w.muted(a)
		changed = changed || state != a.State || why != a.SilencedBy
		a.State = state
		a.SilencedBy = why
	}
	return changed
}

func (w *stepping) muted(a *Alert) (State, Text) {
	for _, s := range slices.Concat(w.Silences, w.book.Silences) {
		if s.covers(a, w.Now) {
			return Silenced, s.Why
		}
	}
	if cause := w.cause(a); cause != nil {
		return Silenced, Say(lang.M("caused by %s/%s", cause.Service, cause.Rule))
	}
	if a.AckBy != "" {
		return Acknowledged, Text{}
	}
	return Firing, Text{}
}

// cause is the firing alert that an alert follows from, or nil.
func (w *stepping) cause(a *Alert) *Alert {
	for _, fingerprint := range w.follows[a.Fingerprint] {
		if c := w.active(fingerprint); c != nil && !c.FiredAt.IsZero() && c.Severity >= a.Severity {
			return c
		}
	}
	return nil
}

// mayFollow tells that an alert may yet turn out to follow from another.
func (w *stepping) mayFollow(a *Alert, r *Rule) bool {
	return len(w.follows[a.Fingerprint]) > 0 && time.Duration(a.Open) < r.Hold
}

// tell queues what people are told of the alerts that fire.
func (w *stepping) tell() (changed bool) {
	for i := range w.book.Alerts {
		a := &w.book.Alerts[i]
		if a.FiredAt.IsZero() {
			continue
		}
		a.Open += Span(w.Elapsed)
		if a.State == Firing {
			changed = w.tellOne(a, w.rules[a.Fingerprint]) || changed
		}
	}
	return changed
}

func (w *stepping) tellOne(a *Alert, r *Rule) bool {
	if a.Severity < ops.StateCritical && r.Quiet != (Hours{}) && r.Quiet.Holds(w.Now) {
		return false
	}
	t := &a.Told
	if t.Fired == 0 {
		if w.mayFollow(a, r) {
			return false
		}
		w.record(a, What.Fired, r.Targets)
		return true
	}
	t.Since += Span(w.Elapsed)
	t.Open += Span(w.Elapsed)
	if r.EscalateAfter > 0 && !t.Escalated && time.Duration(t.Open) >= r.EscalateAfter {
		t.Escalated = true
		w.record(a, What.Escalated, r.Escalate)
		return true
	}
	if r.Repeat > 0 && time.Duration(t.Since) >= r.Repeat {
		w.record(a, What.Repeated, t.Targets)
		return true
	}
	return false
}

func (w *stepping) record(a *Alert, what string, targets []string) {
	a.Told.Fired++
	a.Told.Since = 0
	for _, key := range targets {
		if !slices.Contains(a.Told.Targets, key) {
			a.Told.Targets = append(slices.Clip(a.Told.Targets), key)
		}
	}
	w.queue(a, what, targets)
}

// queue adds an event to a target's queue.
func (w *stepping) queue(a *Alert, what string, targets []string) {
	e := Event{What: what, At: w.Now, Alert: *a}
	if what != What.Resolved {
		e.Mutes = w.followers(a.Fingerprint)
	}
	for _, key := range targets {
		w.book.queue(key).add(e)
	}
}

// followers are the rules that may follow from an alert.
func (w *stepping) followers(fingerprint string) (rules []string) {
	rules = slices.Clone(w.mutes[fingerprint])
	slices.Sort(rules)
	return slices.Compact(rules)
}

// tidy forgets what is over for long, and silences that ended.
func (w *stepping) tidy() (changed bool) {
	b := w.book
	ended := func(s Silence) bool { return w.Now.Sub(s.Until) > historyKept }
	before := len(b.Silences) + len(b.History) + len(b.Asides)
	b.Silences = slices.DeleteFunc(b.Silences, ended)
	b.Asides = slices.DeleteFunc(b.Asides, func(a Aside) bool { return w.Now.Sub(a.At) > historyKept })
	for i := range b.History {
		b.History[i].Calm += Span(w.Elapsed)
	}
	b.History = slices.DeleteFunc(b.History, func(a Alert) bool { return w.Now.Sub(a.ResolvedAt) > historyKept })
	if over := len(b.History) - historyMost; over > 0 {
		b.History = slices.Clone(b.History[over:])
	}
	return len(b.Silences)+len(b.History)+len(b.Asides) != before
}
