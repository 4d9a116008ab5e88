// Package health judges how a service stands: checks and their results, how
// many failures make a state, what was seen before, and the one sentence over
// all of it. Checks look by a Probe that an adapter makes; nothing here opens a
// connection.
package health

import (
	"context"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Kind is what a check looks at, a word of the contract.
type Kind string

// The kinds, in the order of how much of the service hangs on them.
const (
	KindMySQL   Kind = "mysql"
	KindSchema  Kind = "schema"
	KindProcess Kind = "process"
	KindHTTP    Kind = "http"
	KindRedis   Kind = "redis"
	KindDisk    Kind = "disk"
	KindBackup  Kind = "backup"
	KindLog     Kind = "log"
	KindTLS     Kind = "tls"
	KindClock   Kind = "clock"
	KindRestore Kind = "restore"
	KindDeploy  Kind = "deploy"
	KindMetrics Kind = "metrics" // the service's own
	KindAudit   Kind = "audit"
	KindJob     Kind = "job"
)

var weights = map[Kind]int{
	KindRestore: -2,
	KindDeploy:  -1,
	KindMySQL:   0,
	KindSchema:  1,
	KindProcess: 2,
	KindHTTP:    3,
	KindRedis:   4,
	KindDisk:    5,
	KindBackup:  6,
	KindTLS:     7,
	KindClock:   8,
	KindLog:     9,
	KindMetrics: 10,
	KindAudit:   11,
	KindJob:     12,
}

// Default times of a check that names none.
const (
	DefaultTimeout  = 2 * time.Second
	DefaultInterval = 5 * time.Second
)

// Probe looks once and judges what it saw. It ends when ctx does and returns
// what it knows by then.
type Probe func(ctx context.Context) Result

// Check is one thing to look at.
type Check struct {
	Service  string
	Name     string // unique within its service: "mysql", "disk-data"
	Kind     Kind
	Timeout  time.Duration // of one look; 0 is DefaultTimeout
	Interval time.Duration // from the end of a look to the next; 0 is DefaultInterval
	Probe    Probe
	Limits   []Limit  // what the judgement goes by, for people
	Commands []string // what an operator would type to look further
}

// ID is the check's name among those of all services.
func (c Check) ID() string { return c.Service + "/" + c.Name }

// Limit is one threshold as a person reads it. Empty means that there is none.
type Limit struct{ What, Warning, Critical lang.Msg }

// Result is what one look gave.
type Result struct {
	State  ops.State
	Detail lang.Msg // one line: what was found, good or bad
	// Headline and Why are the check's part of the verdict: a clause with a
	// subject ("MySQL is down") and the evidence ("connection refused"). They
	// may be empty; then Detail stands in.
	Headline, Why lang.Msg
	Next          lang.Msg // a sentence: what to do first; may be empty
	Meanwhile     lang.Msg // the same while a restore of the service is under way
	Restoring     bool     // one was under way during the look, or may have been
	Deploying     lang.Msg // what to do first where a deployment was under way during the look; else empty
	Down          bool     // the thing does not answer at all
	Early         bool     // it needs another look before anything can be said
	Lost          bool     // data are missing or damaged: a restore is the answer
	Alone         lang.Msg // the restore that loses least, where a part is missing; may be empty
	Follows       Kind     // where a check of this kind is down too, this only follows from it
	Fields        []Field
	Raw           string    // the answer as it came, bounded, secrets masked
	Subject       time.Time // a moment that the check is about: the newest backup's
	Event         time.Time // the moment of the log line that the result quotes; zero: it quotes none
	Lesser        bool      // which is not one of the errors that need immediate action
	Commands      []string  // what to type to look further, where the look knows better than its check
	At            time.Time // when the look began
	Latency       time.Duration
}

// Field is one number or word of a result.
type Field struct {
	Name   string    // snake_case, with the unit: "threads_connected", "free_bytes"
	Value  any       // as JSON carries it; nil when unknown
	Text   lang.Msg  // as a person reads it; empty: Value as it is
	State  ops.State // what it alone says
	Reason lang.Msg  // why it is unknown
}

// Add appends a known field.
func (r *Result) Add(name string, value any, text lang.Msg) {
	r.Fields = append(r.Fields, Field{Name: name, Value: value, Text: text})
}

// AddUnknown appends a field that could not be found out, with the reason.
func (r *Result) AddUnknown(name string, reason lang.Msg) {
	r.Fields = append(r.Fields, Field{Name: name, State: ops.StateUnknown, Reason: reason})
}

// Find records a finding that says nothing of what to do first, as FindNext does.
func (r *Result) Find(state ops.State, headline, why lang.Msg) {
	r.FindNext(state, headline, why, lang.Msg{})
}

// FindNext records a finding: when it is worse than what was found before, state and
// sentences are the finding's, and so is what to do first. The last field added takes
// its state.
func (r *Result) FindNext(state ops.State, headline, why, next lang.Msg) {
	if n := len(r.Fields); n > 0 {
		r.Fields[n-1].State = ops.Worst(r.Fields[n-1].State, state)
	}
	if state <= r.State {
		return
	}
	r.State = state
	r.Headline = headline
	r.Why = why
	r.Next = next
	r.Detail = headline
	if !why.Empty() {
		r.Detail = lang.M("%s (%s)", headline, why)
	}
}

// Field returns the named field's value, nil when it is not there or unknown.
func (r Result) Field(name string) any {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Broken is the result of a thing that did not answer: critical, and down.
func Broken(headline, why lang.Msg) Result {
	r := Result{State: ops.StateCritical, Headline: headline, Why: why, Down: true}
	r.Detail = lang.M("%s (%s)", headline, why)
	return r
}

// CannotTell is the result of a look that was not possible.
func CannotTell(headline, why lang.Msg) Result {
	return Result{State: ops.StateUnknown, Headline: headline, Why: why, Detail: lang.M("%s (%s)", headline, why)}
}

// Report is all checks at one moment.
type Report struct {
	At        time.Time
	Standings []Standing
}

// Told is State for whoever looks no further: a check without a result is unknown.
func (r Report) Told() ops.State {
	worst := r.State()
	for _, s := range r.Standings {
		if !s.Seen() {
			worst = ops.Worst(worst, ops.StateUnknown)
		}
	}
	return worst
}

// State is the worst of all that have a result.
func (r Report) State() ops.State {
	worst := ops.StateOK
	for _, s := range r.Standings {
		if s.Seen() {
			worst = ops.Worst(worst, s.State)
		}
	}
	return worst
}
