package alerts

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/notify"
)

// sender delivers to one target. Its secrets are read at the first message, and again
// until that works.
type sender struct {
	key    string
	conf   config.Notify
	target *notify.Target
	flying string // the ID of the message on its way
}

// result is how the sending of a message went.
type result struct {
	key     string
	message *alert.Message
	target  *notify.Target
	err     error
}

// manner is how a target takes messages. Alertmanager folds alerts itself.
func (w *Watcher) manner(key string) alert.Manner {
	s := w.senders[key]
	if s == nil {
		return alert.Manner{}
	}
	return alert.Manner{Alone: s.conf.Kind == "alertmanager", PerMinute: s.conf.PerMinute}
}

// send starts the messages that are due, one a target.
func (w *Watcher) send(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	for _, m := range w.book.Due() {
		s := w.senders[m.Target]
		if s == nil || s.flying != "" {
			continue
		}
		s.flying = m.ID
		w.flying++
		copied := *m
		go func() { w.results <- deliver(context.WithoutCancel(ctx), *s, &copied) }()
	}
}

func deliver(ctx context.Context, s sender, m *alert.Message) result {
	out := result{key: s.key, message: m, target: s.target}
	if out.target == nil {
		if out.target, out.err = notify.New(s.conf); out.err != nil {
			out.target = nil
			return out
		}
	}
	out.err = out.target.Send(ctx, Message(m))
	return out
}

// takeResult takes the result of a sending: what was delivered is noted at once.
func (w *Watcher) takeResult(r result) {
	s := w.senders[r.key]
	s.flying = ""
	s.target = r.target
	w.flying--
	if r.err == nil {
		w.book.Delivered(r.message, w.Clock.Now())
		w.Say(lang.M("notified %s: %s", r.key, r.message.Subject))
		w.keep(time.Now())
		return
	}
	why := redact.Text(notify.Reason(r.err))
	if r.message.Attempts == 0 || r.message.Error != why {
		w.Say(lang.M("could not notify %s, will retry: %s", r.key, why))
	}
	is := alert.Refusal{Why: why, AtLeast: notify.RetryAfter(r.err), Kind: refusal(r.err)}
	w.dirty = true
	if w.book.Refused(w.Lang, r.message, is, w.Clock.Now()) {
		w.Say(lang.M("%s did not accept a message; it is not sent again: %s: %s", r.key, r.message.Subject, why))
		w.poke() // for the next one
	}
}

// refusal is what the refusal of a message is about.
func refusal(err error) alert.RefusalKind {
	switch {
	case notify.ForItsContent(err):
		return alert.ThisOne
	case !notify.Retryable(err):
		return alert.Everything
	}
	return alert.ForNow
}

// Message is what a target gets of a kept message.
func Message(m *alert.Message) notify.Message {
	out := notify.Message{Service: m.Service, Subject: m.Subject, Text: m.Text, IdempotencyKey: m.ID}
	var doc alert.Doc
	if json.Unmarshal(m.Data, &doc) != nil || len(doc.Alerts) == 0 {
		return out
	}
	out.Alerts, _ = json.Marshal(doc.Alerts) // plain types
	out.State = doc.Status
	var worst ops.State
	for _, a := range doc.Alerts {
		worst = ops.Worst(worst, a.Severity)
	}
	out.Severity = worst.String()
	first := doc.Alerts[0]
	out.Since = first.Since
	out.Evidence = first.Evidence
	out.Next = first.Next
	if len(doc.Alerts) > 1 {
		out.Evidence = evidenceOf(doc.Alerts)
		return out
	}
	out.Rule = first.Rule
	out.Fingerprint = first.Fingerprint
	if first.ResolvedAt != nil {
		out.Ended = *first.ResolvedAt
	}
	return out
}

func evidenceOf(all []alert.DocAlert) string {
	var out []string
	for _, a := range all {
		out = append(out, a.Service+"/"+a.Rule+": "+a.Evidence)
	}
	return strings.Join(out, "\n")
}

// placeMark is between a service's name and a log's in the key of a place.
const placeMark = " "

func cutPlace(key string) (service, name string, ok bool) { return strings.Cut(key, placeMark) }

func shell(text string) string { return human.Shell(text) }
