package statusview

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// alertHistory is how far back resolved alerts are listed.
const alertHistory = 7 * 24 * time.Hour

// undeliveredMost is how many messages that were not delivered are listed.
const undeliveredMost = 2

// listAlerts reads the alerts and opens their list at the first of a rule; "*" is any.
func listAlerts(env *page.Env, alerts Alerts, service, rule string) tea.Cmd {
	return func() tea.Msg {
		l, err := alerts.List(alertHistory)
		if err != nil {
			return page.Notice{State: ops.StateCritical, Text: lang.Raw(err.Error())}
		}
		list := &alertList{env: env, alerts: alerts, listing: l, open: alerts.Silences()}
		list.scroll.Len = len(l.Alerts)
		list.scroll.Cursor = firstOf(l.Alerts, service, rule)
		return page.Open{Overlay: list}
	}
}

// firstOf is the place of the first alert of a rule; 0 where there is none.
func firstOf(alerts []alert.Alert, service, rule string) int {
	for i := range alerts {
		if a := &alerts[i]; a.Service == service && (rule == "*" || a.Rule == rule) {
			return i
		}
	}
	return 0
}

// alertList is a dialog over the alerts: those that are active, then those resolved
// within a week. One may be acknowledged or silenced there.
type alertList struct {
	env     *page.Env
	alerts  Alerts
	listing alert.Listing
	open    []alert.Silence // those in force
	scroll  widget.Scroll
}

// Update takes a key.
func (l *alertList) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch key := k.String(); key {
	case "esc", "q", "ctrl+c", "enter":
		return nil, true
	case "a", "s", "u":
		return l.order(key)
	default:
		l.scroll.Key(key)
	}
	return nil, false
}

// order acknowledges or silences the alert under the cursor, or ends its silence, and leaves.
func (l *alertList) order(key string) (tea.Cmd, bool) {
	if l.scroll.Cursor >= len(l.listing.Alerts) {
		return nil, false
	}
	a := l.listing.Alerts[l.scroll.Cursor]
	if l.env.ReadOnly || !a.State.Active() {
		return nil, false
	}
	alerts := l.alerts
	s := silencer{env: l.env, alerts: alerts, service: a.Service, rule: a.Rule}
	switch open := l.silences(&a); {
	case key == "a":
		return report(func() error { return alerts.Ack(a.Service, a.Rule) }, lang.M("acknowledged")), true
	case key == "s":
		return s.ask(""), true
	case len(open) > 0:
		return s.end(open), true
	}
	return nil, false
}

// silences are those in force that keep an alert quiet.
func (l *alertList) silences(a *alert.Alert) (open []alert.Silence) {
	for _, s := range l.open {
		if s.Quiets(a.Service, a.Rule, l.env.Clock.Now()) {
			open = append(open, s)
		}
	}
	return open
}

// View draws the dialog.
func (l *alertList) View(size page.Size) string {
	w := max(size.Width-4, 1)
	var lines []string
	for _, n := range l.notes() {
		for _, line := range cells.Wrap(l.env.Lang.Msg(n), w) {
			lines = append(lines, l.env.Theme.Dim.Render(line))
		}
	}
	room := max(size.Height-len(lines)-8, 1)
	l.scroll.Resize(len(l.listing.Alerts), room)
	from, to := l.scroll.Window()
	for i := from; i < to; i++ {
		row := l.row(&l.listing.Alerts[i], w)
		if i == l.scroll.Cursor {
			row = widget.SelectedRow(l.env.Theme, row[1:], w) // its first cell is empty
		}
		lines = append(lines, row)
	}
	if len(l.listing.Alerts) > 0 {
		lines = append(lines, "")
		for _, line := range l.about(&l.listing.Alerts[l.scroll.Cursor]) {
			lines = append(lines, cells.Cut(termsafe.Line(line), w))
		}
	}
	keys := lang.M("esc back")
	if len(l.listing.Alerts) > 0 {
		keys = lang.M("a acknowledge · s silence · u end the silence · esc back")
	}
	lines = append(lines, "", l.env.Theme.Dim.Render(cells.Cut(l.env.Lang.Msg(keys), w)))
	return widget.Box(l.env.Theme, " "+l.env.T("Alerts")+" ", lines, size)
}

// neverRan is why nothing can be said or asked of the alerts.
var neverRan = lang.M("alerts unknown: `opsdeck watch` has never run with this state folder")

// notes say what the list does not.
func (l *alertList) notes() (out []lang.Msg) {
	switch {
	case !l.listing.Ran:
		return []lang.Msg{neverRan,
			lang.M("start it with: %s", "opsdeck watch install")}
	case !l.listing.Watching:
		out = append(out, lang.M("`opsdeck watch` is not running: this is the state of its last run"))
	}
	for i, u := range l.listing.Undelivered {
		if i == undeliveredMost {
			out = append(out, lang.M("more messages not delivered: %d", len(l.listing.Undelivered)-i))
			break
		}
		out = append(out, u.Text(l.env.Zone))
	}
	if len(l.listing.Alerts) == 0 {
		return append(out, lang.M("no alerts in the last 7 days"))
	}
	return out
}

func (l *alertList) row(a *alert.Alert, w int) string {
	p := l.env.Lang
	since := a.Since.In(l.env.Zone).Format("01-02 15:04")
	lasted := ""
	if !a.State.Active() {
		lasted = human.Duration(a.ResolvedAt.Sub(a.Since).Truncate(time.Second)) + "  "
	}
	head := cells.Pad(p.Msg(a.State.Label()), 13) + cells.Pad(p.Msg(a.Severity.Label()), 9) + since + "  "
	return cells.Cut(" "+head+lasted+termsafe.Line(a.Service+"/"+a.Rule+"  "+a.Evidence.In(p)), w)
}

// about is what is known of the alert under the cursor, a line each.
func (l *alertList) about(a *alert.Alert) []string {
	p := l.env.Lang
	out := []string{a.Evidence.In(p)}
	switch a.State {
	case alert.Silenced:
		said := p.T("silenced: %s", a.SilencedBy.In(p))
		for _, s := range l.silences(a) {
			said = p.T("silenced until %s by %s: %s", l.env.Time(s.Until), s.By, s.Why.In(p))
		}
		out = append(out, said)
	case alert.Acknowledged:
		out = append(out, p.T("acknowledged by %s", a.AckBy))
	case alert.Resolved:
		return append(out, p.T("resolved at %s", a.ResolvedAt.In(l.env.Zone).Format("2006-01-02 15:04:05 -07:00")))
	}
	if !a.Next.Empty() {
		out = append(out, p.T("next: %s", a.Next.In(p)))
	}
	return out
}
