package statusview

import (
	"errors"
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/tui/page"
)

// asked are orders, as a fake takes them.
type asked struct {
	orders []string
	err    error
}

func (a *asked) Ack(service, rule string) error {
	a.orders = append(a.orders, "ack "+service+"/"+rule)
	return a.err
}

func (a *asked) Silence(service, rule string, d time.Duration) error {
	a.orders = append(a.orders, "silence "+service+"/"+rule+" "+d.String())
	return a.err
}

func TestTheKeysOfAlertsAcknowledgeAndSilence(t *testing.T) {
	p, _ := newPage("en", incident())
	if _, is := page.ForKey(p.Actions(), "a"); is {
		t.Fatal("there are no alerts to acknowledge")
	}
	fake := &asked{}
	p.WithAlerts(fake)
	id := p.table.subject().Check.ID()
	for i, k := range []string{"a", "s"} {
		said := sent(press(p, k))
		if n, is := said[0].(page.Notice); len(said) != 1 || !is || n.State != ops.StateOK {
			t.Fatalf("%s: %+v", k, said)
		}
		if want := []string{"ack " + id, "silence " + id + " 2h0m0s"}[i]; fake.orders[i] != want {
			t.Fatalf("asked %q, want %q", fake.orders[i], want)
		}
	}
	fake.err = errors.New("disk full")
	if n := sent(press(p, "a"))[0].(page.Notice); n.State != ops.StateCritical {
		t.Fatalf("%+v", n)
	}
}
