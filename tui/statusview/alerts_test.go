package statusview

import (
	"errors"
	"strings"
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/tui/page"
)

// asked are orders, as a fake takes them.
type asked struct {
	orders  []string
	listing alert.Listing
	err     error
}

func (a *asked) Ack(service, rule string) error {
	a.orders = append(a.orders, "ack "+service+"/"+rule)
	return a.err
}

func (a *asked) Silence(service, rule string, d time.Duration) error {
	a.orders = append(a.orders, "silence "+service+"/"+rule+" "+d.String())
	return a.err
}

func (a *asked) List(time.Duration) (alert.Listing, error) { return a.listing, a.err }

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

func TestTheListOfAlertsSaysWhatIsKnown(t *testing.T) {
	p, _ := newPage("en", incident())
	fake := &asked{}
	p.WithAlerts(fake)
	open := func() *alertList {
		t.Helper()
		o, is := sent(press(p, "A"))[0].(page.Open)
		if !is {
			t.Fatal("nothing opens")
		}
		return o.Overlay.(*alertList)
	}
	size := page.Size{Width: 100, Height: 20}
	says := func(want string) {
		t.Helper()
		if view := open().View(size); !strings.Contains(view, want) {
			t.Errorf("%q is not said:\n%s", want, view)
		}
	}
	says("has never run")
	fake.listing = alert.Listing{Ran: true}
	says("is not running")
	says("no alerts in the last 7 days")
	fake.listing = alert.Listing{Ran: true, Watching: true, Alerts: []alert.Alert{
		{Rule: "mysql", Service: "q", State: alert.Firing, Severity: ops.StateCritical, Since: now,
			Evidence: alert.Text{EN: "MySQL is down"}, Next: alert.Text{EN: "systemctl status mysql"}},
		{Rule: "tls", Service: "q", State: alert.Resolved, Since: now.Add(-time.Hour),
			ResolvedAt: now.Add(-time.Minute),
			Evidence:   alert.Text{EN: "6 days left"}},
	}}
	says("systemctl status mysql")
	says("59 m  q/tls")
	l := open()
	l.View(size)
	if cmd, done := l.Update(key("a")); !done || sent(cmd)[0].(page.Notice).State != ops.StateOK {
		t.Error("the alert is not acknowledged")
	}
	l = open()
	l.View(size)
	l.Update(key("down"))
	if cmd, done := l.Update(key("s")); cmd != nil || done {
		t.Error("what is over is silenced")
	}
	if len(fake.orders) != 1 || fake.orders[0] != "ack q/mysql" {
		t.Errorf("orders %q", fake.orders)
	}
}
