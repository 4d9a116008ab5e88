package checks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/ops/watch"
)

// AlertsName is the name of the check of the alerts themselves, which watch does not
// watch.
const AlertsName = "alerts"

// alerts checks that watch, which ran here before, still runs, and shows what it found.
func (b *checker) alerts() {
	if b.Site == nil {
		return
	}
	at, err := b.Site()
	if err != nil {
		return // told by the others
	}
	if _, err := os.Stat(filepath.Join(at.StateDir, alert.File)); err != nil {
		return // watch never ran here
	}
	dir := at.StateDir
	look := func(context.Context) health.Result { return alertsOf(dir, b.Service.Name) }
	b.add(AlertsName, health.KindLog, 1, look,
		limits(lang.M("opsdeck watch"), lang.M("not running"), lang.M("an alert for a critical log error is firing")),
		"opsdeck alerts", "opsdeck watch")
}

// urgency orders the alerts that fire: log lines before checks, which tell themselves.
func urgency(a *alert.Alert) int {
	n := int(a.Severity)
	if len(a.Lines) > 0 {
		n += 100
	}
	return n
}

// asideFor is how long a message that a target did not accept is told, unless somebody
// acknowledges it.
const asideFor = 24 * time.Hour

// undelivered finds the messages that did not reach the targets of a service.
func undelivered(r *health.Result, book *alert.Book, service string) {
	now := time.Now()
	for _, u := range book.Undelivered(now.Add(-asideFor)) {
		if !alert.TargetNamed(u.Target, service, "*") || !u.News(now) {
			continue
		}
		_, name, _ := strings.Cut(u.Target, "/")
		r.Add("undelivered_"+name, u.Error, u.Text(time.Local))
		next := lang.M("Send it a test message: %s", "opsdeck watch test "+human.Shell(name))
		what := lang.M("alerts do not reach the target %s", name)
		if u.Aside {
			next = lang.M("See what it was; then acknowledge it: %s",
				"opsdeck alerts; opsdeck watch ack "+human.Shell(u.Target))
			what = lang.M("the target %s did not accept a message", name)
		}
		was := r.State
		r.Find(ops.StateWarning, what, u.Text(time.Local))
		if r.State != was || r.Next.Empty() {
			r.Next = next
		}
	}
}

// alertsOf is how the alerts of a service are, by the state that watch keeps.
func alertsOf(dir, service string) health.Result {
	book, err := alert.Read(dir)
	if err != nil {
		return cannot(lang.M("the alerts cannot be read"), err)
	}
	who, err := watch.Running(dir)
	if err != nil {
		return cannot(lang.M("the alerts cannot be read"), err)
	}
	running := who != nil
	counts := map[alert.State]int{}
	var r health.Result
	var worst *alert.Alert // of those that fire; a log line first, for no other check tells it
	for i := range book.Alerts {
		a := &book.Alerts[i]
		if a.Service != service {
			continue
		}
		counts[a.State]++
		text := lang.M("%s since %s: %s", a.State.Label(), a.Since.Local().Format("2006-01-02 15:04:05"), a.Evidence)
		r.Add("alert_"+a.Rule, string(a.State), text)
		if a.State == alert.Firing && (worst == nil || urgency(a) > urgency(worst)) {
			worst = a
		}
	}
	r.Detail = lang.M("firing %d, acknowledged %d, silenced %d",
		counts[alert.Firing], counts[alert.Acknowledged], counts[alert.Silenced])
	if worst != nil {
		severity := worst.Severity
		if len(worst.Lines) == 0 {
			severity = ops.StateWarning // its own check tells how bad it is
		}
		r.FindNext(severity, lang.M("the alert %s is firing", worst.Rule), lang.M("%s", worst.Evidence),
			lang.M("Acknowledge it when you work on it: %s", "opsdeck watch ack "+worst.Rule))
	}
	undelivered(&r, book, service)
	r.Add("watch_running", running, lang.Msg{})
	if !running {
		silent(&r, book)
	}
	return r
}

// silent finds that watch does not run, whatever fired while it did: nobody is told of it
// any more.
func silent(r *health.Result, book *alert.Book) {
	what := lang.M("opsdeck watch is not running: no alerts are sent")
	next := lang.M("Start it: %s", "opsdeck watch install")
	if r.State <= ops.StateWarning {
		r.State = ops.StateOK
		last := book.WrittenAt.Local().Format(time.DateTime)
		r.FindNext(ops.StateWarning, what, lang.M("it last ran at %s", last), next)
		return
	}
	r.Fields[len(r.Fields)-1].State = ops.StateWarning
	r.Why = lang.M("%s; %s", r.Why, what)
	r.Detail = lang.M("%s (%s)", r.Headline, r.Why)
	r.Next = next
}
