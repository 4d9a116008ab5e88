package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"opsdeck/internal/lang"
)

// What are the words for what people are told of an alert.
var What = struct{ Fired, Repeated, Escalated, Resolved, Test string }{
	"fired", "repeated", "escalated", "resolved", "test",
}

// Event is one thing that a target is told.
type Event struct {
	What  string    `json:"what"`
	At    time.Time `json:"at"`
	Alert Alert     `json:"alert"`
	// Mutes are the rules that follow from this one and are not told.
	Mutes []string `json:"mutes,omitempty"`
}

// Queue is what a target is still to be told.
type Queue struct {
	Events []Event `json:"events"`
	Waited Span    `json:"waited_ms"` // since the first of them came
	// Folded counts the events of a storm that were left out, by rule.
	Folded map[string]int64 `json:"folded,omitempty"`
	// Tokens are the messages that may be sent at once, in thousandths.
	Tokens int64 `json:"tokens"`
}

// Message is a message to one target, whole and not to be changed any more: sent
// again it is the same, under the same ID.
type Message struct {
	ID       string          `json:"id"`
	Target   string          `json:"target"`
	Service  string          `json:"service"`
	Subject  string          `json:"subject"`
	Text     string          `json:"text"`
	Data     json.RawMessage `json:"data"` // for programs: a Doc
	Created  time.Time       `json:"created"`
	Attempts int             `json:"attempts"`
	Wait     Span            `json:"wait_ms"` // until the next attempt
	Error    string          `json:"error,omitempty"`
	Short    bool            `json:"short,omitempty"` // names only: the target refused the details
}

// Sent is a message that was delivered.
type Sent struct {
	ID     string    `json:"id"`
	Target string    `json:"target"`
	At     time.Time `json:"at"`
}

const (
	queueMost  = 200  // events that wait for a target; of more, the number by rule
	sentKept   = 200  // messages
	burst      = 5000 // messages at once, in thousandths
	perMessage = 1000
	usual      = 5 // messages a minute, when nothing is configured
)

// A message that could not be sent is tried again after firstRetry, then after twice as
// long each time up to lastRetry. Where the target refuses everything it is tried as seldom
// as finalRetry only after finalTries: a proxy in between may have refused it. Everything
// else for that target waits meanwhile, so the limits bound how late an alert can be: with
// minutes between two attempts, a target that fails half the time was told of an alert 8
// minutes late (nine failures in a row, 1+2+4+…+256 s). A message that the target refuses
// for what is in it is set aside after finalTries, which take half a minute.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	finalRetry = 5 * time.Minute
	finalTries = 6
)

func (b *Book) queue(key string) *Queue {
	q := b.Queues[key]
	if q == nil {
		q = &Queue{Tokens: burst}
		b.Queues[key] = q
	}
	return q
}

// add appends an event. One that repeats what waits already takes its place.
func (q *Queue) add(e Event) {
	for i := range q.Events {
		if o := &q.Events[i]; o.Alert.ID == e.Alert.ID && o.What == e.What {
			o.Alert = e.Alert
			return
		}
	}
	if len(q.Events) < queueMost {
		q.Events = append(q.Events, e)
		return
	}
	if q.Folded == nil {
		q.Folded = map[string]int64{}
	}
	q.Folded[e.Alert.Service+"/"+e.Alert.Rule]++
}

// Pack makes the next message for each target that has none on its way and is not
// told too much already: everything that waits becomes one message, but for a target
// that takes one alert at a time. It returns whether there is a new one.
func (b *Book) Pack(p *lang.Printer, now time.Time, elapsed time.Duration,
	manner func(key string) Manner) (packed bool) {
	for key, q := range b.Queues {
		var is Manner
		if manner != nil {
			is = manner(key)
		}
		q.refill(is.PerMinute, elapsed)
		alone := is.Alone
		if len(q.Events) == 0 || b.Outbox[key] != nil || q.Tokens < perMessage && !alone {
			continue
		}
		b.Serial++
		var rest []Event
		if alone {
			rest = q.Events[1:]
			q.Events = q.Events[:1]
		} else {
			q.Tokens -= perMessage
		}
		m := compose(p, q)
		m.ID = fmt.Sprintf("%d-%s", now.Unix(), strconv.FormatInt(b.Serial, 36))
		m.Target = key
		m.Created = now
		b.Outbox[key] = m
		q.Events = rest
		q.Folded = nil
		packed = true
	}
	for _, m := range b.Outbox {
		m.Wait = max(0, m.Wait-Span(elapsed))
	}
	return packed
}

// Manner is how a target takes messages.
type Manner struct {
	Alone     bool // one alert a message
	PerMinute int  // 0 is 5
}

// refill lets time pass for a target's allowance, which a storm uses up.
func (q *Queue) refill(perMinute int, elapsed time.Duration) {
	if perMinute <= 0 {
		perMinute = usual
	}
	most := max(int64(burst), int64(perMinute)*perMessage/4)
	elapsed = min(elapsed, time.Hour)
	q.Tokens = min(most, q.Tokens+elapsed.Milliseconds()*int64(perMinute)/60)
}

// Due are the messages to be sent now.
func (b *Book) Due() (due []*Message) {
	for _, m := range b.Outbox {
		if m.Wait == 0 {
			due = append(due, m)
		}
	}
	return due
}

// Delivered takes a message out: it was sent.
func (b *Book) Delivered(m *Message, now time.Time) {
	if o := b.Outbox[m.Target]; o == nil || o.ID != m.ID {
		return
	}
	delete(b.Outbox, m.Target)
	b.Sent = append(b.Sent, Sent{ID: m.ID, Target: m.Target, At: now})
	if over := len(b.Sent) - sentKept; over > 0 {
		b.Sent = slices.Clone(b.Sent[over:])
	}
}

// Forget drops what waits for targets that are no longer configured.
func (b *Book) Forget(known func(key string) bool) (dropped int) {
	for key, q := range b.Queues {
		if !known(key) {
			dropped += len(q.Events)
			delete(b.Queues, key)
		}
	}
	for key := range b.Outbox {
		if !known(key) {
			dropped++
			delete(b.Outbox, key)
		}
	}
	b.Asides = slices.DeleteFunc(b.Asides, func(a Aside) bool { return !known(a.Target) })
	return dropped
}
