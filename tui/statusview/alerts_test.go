package statusview

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/tui/page"
)

// asked are orders, as a fake takes them.
type asked struct {
	orders  []string
	listing alert.Listing
	open    []alert.Silence
	err     error
}

func (a *asked) Ack(service, rule string) error {
	a.orders = append(a.orders, "ack "+service+"/"+rule)
	return a.err
}

func (a *asked) Silence(service, rule string, until time.Time, why string) error {
	a.orders = append(a.orders, "silence "+service+"/"+rule+" "+until.Sub(now).String()+" "+why)
	a.open = []alert.Silence{{ID: "7", Service: service, Rule: rule, From: now, Until: until, By: "li",
		Why: alert.Text{EN: why}}}
	return a.err
}

func (a *asked) Unsilence(id string) error {
	a.orders = append(a.orders, "unsilence "+id)
	a.open = nil
	return a.err
}

func (a *asked) Silences() []alert.Silence { return a.open }

func (a *asked) List(time.Duration) (alert.Listing, error) { return a.listing, a.err }

func TestTheKeysOfAlertsAcknowledgeAndSilence(t *testing.T) {
	p, _ := newPage("en", incident())
	if _, is := page.ForKey(p.Actions(), "a"); is {
		t.Fatal("there are no alerts to acknowledge")
	}
	fake := &asked{}
	p.WithAlerts(fake)
	id := p.table.subject().Check.ID()
	if n, is := sent(press(p, "a"))[0].(page.Notice); !is || n.State != ops.StateOK || fake.orders[0] != "ack "+id {
		t.Fatalf("%+v, %q", n, fake.orders)
	}
	size := page.Size{Width: 100, Height: 30}
	// where watch has never run, nobody is asked to type first
	if n, is := sent(press(p, "s"))[0].(page.Notice); !is || !strings.Contains(n.Text.String(), "has never run") {
		t.Fatalf("%+v", n)
	}
	fake.listing.Ran = true
	// what was typed for another dialog silences nothing; neither does a reason that is missing
	for _, text := range []string{"shop", "2h", "2h  ", "900h long", "-2h back", ""} {
		if said := typeInto(t, p, "s", text); len(fake.orders) != 1 || said[0].(page.Notice).State != ops.StateWarning {
			t.Fatalf("%q: %+v, %q", text, said, fake.orders)
		}
	}
	for _, text := range []string{"2h 更换磁盘", "30m  the disk "} {
		said := typeInto(t, p, "s", text)
		if n := said[0].(page.Notice); n.State != ops.StateOK || !strings.Contains(n.Text.String(), "u ends it") {
			t.Fatalf("%q: %+v", text, said)
		}
		p.Update(said[1].(page.Msg).Body)
	}
	if want := []string{"silence " + id + " 2h0m0s 更换磁盘", "silence " + id + " 30m0s the disk"}; !slices.Equal(
		fake.orders[1:], want) {
		t.Fatalf("asked %q, want %q", fake.orders[1:], want)
	}
	if view := p.View(size); !strings.Contains(view, "silenced · MySQL") {
		t.Errorf("the row says nothing of the silence:\n%s", view)
	}
	press(p, "enter")
	if view := p.View(size); !strings.Contains(view, "silenced until 2026-01-29 14:35:00 by li: the disk; u ends that") {
		t.Errorf("the check says nothing of the silence:\n%s", view)
	}
	said := sent(press(p, "u"))
	p.Update(said[1].(page.Msg).Body)
	if fake.orders[3] != "unsilence 7" || strings.Contains(p.View(size), "silenced") {
		t.Errorf("%q:\n%s", fake.orders, p.View(size))
	}
	if a, _ := page.ForKey(p.Actions(), "u"); a.Off().Empty() {
		t.Error("a silence that is over can be ended")
	}
	fake.err = errors.New("disk full")
	if n := sent(press(p, "a"))[0].(page.Notice); n.State != ops.StateCritical {
		t.Fatalf("%+v", n)
	}
}

// typeInto presses a key that opens a line to type, and enters a text there.
func typeInto(t *testing.T, p *Page, k, text string) []tea.Msg {
	t.Helper()
	open, is := sent(press(p, k))[0].(page.Open)
	if !is {
		t.Fatalf("%s opens nothing", k)
	}
	open.Overlay.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text)})
	cmd, done := open.Overlay.Update(key("enter"))
	if !done {
		t.Fatal("enter leaves the line open")
	}
	return sent(cmd)
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
	if cmd, done := open().Update(key("s")); !done || sent(cmd)[0].(page.Open).Overlay == nil {
		t.Error("no reason is asked for")
	}
	if cmd, done := open().Update(key("u")); cmd != nil || done {
		t.Error("a silence that there is not is ended")
	}
	if len(fake.orders) != 1 || fake.orders[0] != "ack q/mysql" {
		t.Errorf("orders %q", fake.orders)
	}
}
