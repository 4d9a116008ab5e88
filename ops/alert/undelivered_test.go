package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
)

// deliver lets time pass second by second until nothing waits. refuse says how the target
// takes a message.
func (w *world) deliver(refuse func(*Message) (Refusal, bool)) (took []*Message) {
	w.t.Helper()
	for range 4000 {
		w.now = w.now.Add(time.Second)
		w.book.Pack(lang.English(), w.now, time.Second, nil)
		for _, m := range w.book.Due() {
			if r, is := refuse(m); is {
				w.book.Refused(lang.English(), m, r, w.now)
				continue
			}
			sent := *m
			took = append(took, &sent)
			w.book.Delivered(m, w.now)
		}
		if len(w.book.Outbox) == 0 && len(w.book.queue("q/hook").Events) == 0 {
			return took
		}
	}
	w.t.Fatalf("it still waits: %+v", w.book.Outbox["q/hook"])
	return nil
}

// queueAlert queues that an alert fires, with the line that made it.
func (w *world) queueAlert(name, line string) {
	a := Alert{ID: name, Rule: name, Service: "q", Evidence: Text{EN: line}, Lines: []Line{{Raw: line}}}
	w.book.queue("q/hook").add(Event{What: What.Fired, At: w.now, Alert: a})
}

// TestAMessageThatIsNotAcceptedGoesWithoutItsDetails: what a target refuses for its content
// arrives with the names of the alerts alone.
func TestAMessageThatIsNotAcceptedGoesWithoutItsDetails(t *testing.T) {
	w := newWorld(t)
	w.queueAlert("poison", "<bad> line")
	began := w.now
	took := w.deliver(func(m *Message) (Refusal, bool) {
		return Refusal{Why: "it responded with 400", Kind: ThisOne}, strings.Contains(m.Text+string(m.Data), "bad")
	})
	if len(took) != 1 || !strings.Contains(took[0].Text, "q/poison: fired") || len(w.book.Asides) != 0 {
		t.Fatalf("%+v, set aside %+v", took, w.book.Asides)
	}
	var doc Doc
	if err := json.Unmarshal(took[0].Data, &doc); err != nil || doc.Alerts[0].Rule != "poison" {
		t.Errorf("%v %+v", err, doc)
	}
	if late := w.now.Sub(began); late > 40*time.Second {
		t.Errorf("it came after %s", late)
	}
}

// TestAMessageThatIsNeverAcceptedKeepsNoOtherBack: it is set aside and told until somebody
// acknowledges it; a target that refuses everything keeps its messages.
func TestAMessageThatIsNeverAcceptedKeepsNoOtherBack(t *testing.T) {
	w := newWorld(t)
	w.queueAlert("poison", "bad line")
	began := w.now
	took := w.deliver(func(m *Message) (Refusal, bool) {
		if len(w.book.queue("q/hook").Events) == 0 && len(w.book.Asides) == 0 && m.Attempts == 1 {
			w.queueAlert("later", "fine")
		}
		return Refusal{Why: "it responded with 400", Kind: ThisOne}, strings.Contains(string(m.Data), "poison")
	})
	if len(took) != 1 || !strings.Contains(took[0].Text, "later") || w.now.Sub(began) > 90*time.Second {
		t.Fatalf("after %s: %+v", w.now.Sub(began), took)
	}
	missed := w.book.Undelivered(began)
	want := "q/hook did not accept the message of 2026-01-29 12:00:01: " +
		"[alerts] q: the target did not accept the details (it responded with 400)"
	if len(missed) != 1 || missed[0].Text(time.UTC).String() != want || !missed[0].News(w.now) {
		t.Fatalf("%+v", missed)
	}
	for _, rule := range []string{"other", "hook"} {
		w.book.obey(Order{Kind: OrderAck, Service: "q", Rule: rule, At: w.now, By: "li"})
		if u := w.book.Undelivered(began); u[0].News(w.now) == (rule == "hook") {
			t.Errorf("acknowledged by the name %s: %+v", rule, u)
		}
	}
	dir := t.TempDir()
	if err := w.book.Write(dir); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(dir); err != nil || len(again.Undelivered(began)) != 1 {
		t.Errorf("after a restart: %v %+v", err, again)
	}
	w.step(8 * 24 * time.Hour)
	if u := w.book.Undelivered(time.Time{}); len(u) != 0 {
		t.Errorf("after a week: %+v", u)
	}

	w = newWorld(t)
	w.queueAlert("mysql", "down")
	mended := w.now.Add(time.Hour)
	took = w.deliver(func(*Message) (Refusal, bool) {
		u := w.book.Undelivered(time.Time{})
		if len(u) == 1 && u[0].News(w.now) != (w.now.Sub(u[0].Created) >= time.Minute) {
			t.Errorf("%+v", u)
		}
		return Refusal{Why: "it responded with 403", Kind: Everything}, w.now.Before(mended)
	})
	if len(took) != 1 || !strings.Contains(took[0].Text, "down") || len(w.book.Asides) != 0 {
		t.Errorf("mended after an hour: %+v %+v", took, w.book.Asides)
	}
}
