package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
)

// Alerts is what watch tells people of, and how. Without rules it watches all checks
// of Status and the four critical log errors.
type Alerts struct {
	Repeat        time.Duration `yaml:"repeat"`         // tell again so often while nobody acknowledged; 0 is never
	QuietHours    string        `yaml:"quiet_hours"`    // 22:00-07:00, local time: warnings wait
	EscalateAfter time.Duration `yaml:"escalate_after"` // not acknowledged for so long: escalate_to is told; 0 is never
	EscalateTo    []string      `yaml:"escalate_to"`    // names of notify targets, told of nothing else by watch
	Rules         []AlertRule   `yaml:"rules"`
}

// AlertRule is a rule of the logs' own, or changes one of the ready-made ones, of that
// name.
type AlertRule struct {
	Name  string `yaml:"name"`
	Query string `yaml:"query"` // in the language of the Logs tab
	Audit string `yaml:"audit"` // instead of query: of audit rows, in the language of the Audit tab
	// of an audit rule: rows are counted by user, ip, or all together; "" is user
	By         string        `yaml:"by"`
	Hours      string        `yaml:"hours"`       // of an audit rule: only rows in 22:00-06:00, local time, count
	Count      int           `yaml:"count"`       // fires from so many matching events in window; 0 is 1
	Window     time.Duration `yaml:"window"`      // 0 is 1m
	For        time.Duration `yaml:"for"`         // has to hold so long until it fires
	KeepFiring time.Duration `yaml:"keep_firing"` // has to be over so long until it is resolved; 0 is by kind
	Severity   string        `yaml:"severity"`    // critical or warning; "" is critical
	Targets    []string      `yaml:"targets"`     // names of notify targets; none: all that want alerts
	Off        bool          `yaml:"off"`
}

// notifyWords are the words of notify.on.
var notifyWords = []string{"restore", "backup-failed", "status", "alerts"}

// wants tells whether a target is told of what a word of notifyWords names. A target
// that names none is told of all.
func (n Notify) wants(word string) bool {
	return len(n.On) == 0 || slices.Contains(n.On, word)
}

// WantsAlerts tells whether a target is told of alerts: of checks and of the logs.
func (n Notify) WantsAlerts() bool { return n.wants("status") || n.wants("alerts") }

// Targets of alerts are checked by name; checks of Status are rules too, and which
// there are is not known here.
func (c *checker) alerts(at string, s Service) {
	for i, n := range s.Notify {
		for _, word := range n.On {
			c.oneOf(fmt.Sprintf("%snotify[%d].on", at, i), word, notifyWords...)
		}
	}
	a := s.Alerts
	at += "alerts."
	c.that(at+"repeat", a.Repeat >= 0, lang.M("cannot be negative"))
	c.that(at+"escalate_after", a.EscalateAfter >= 0, lang.M("cannot be negative"))
	c.that(at+"escalate_after", a.EscalateAfter == 0 || len(a.EscalateTo) > 0, lang.M("escalate_to names no target"))
	c.that(at+"quiet_hours", a.QuietHours == "" || isHours(a.QuietHours),
		lang.M("%q is not a span of hours: write 22:00-07:00", a.QuietHours))
	c.targets(at+"escalate_to", a.EscalateTo, s)
	seen := map[string]bool{}
	for i, r := range a.Rules {
		here := fmt.Sprintf("%srules[%d].", at, i)
		c.that(here+"name", r.Name != "", lang.M("a rule needs a name"))
		c.that(here+"name", !strings.ContainsAny(r.Name, "/* \t\n"), lang.M("%q cannot be a name", r.Name))
		c.that(here+"name", !seen[r.Name], lang.M("two rules have the name %q", r.Name))
		seen[r.Name] = true
		c.that(here+"query", r.Query == "" || r.Audit == "", lang.M("a rule has either a query or an audit query"))
		c.that(here+"by", r.By == "" || r.Audit != "", lang.M("is only for audit rules"))
		c.that(here+"hours", r.Hours == "" || r.Audit != "", lang.M("is only for audit rules"))
		c.that(here+"hours", r.Hours == "" || isHours(r.Hours),
			lang.M("%q is not a span of hours: write 22:00-07:00", r.Hours))
		c.oneOf(here+"by", r.By, "", "user", "ip", "all")
		c.oneOf(here+"severity", r.Severity, "", "critical", "warning")
		c.that(here+"count", r.Count >= 0, lang.M("cannot be negative"))
		for name, d := range map[string]time.Duration{"window": r.Window, "for": r.For, "keep_firing": r.KeepFiring} {
			c.that(here+name, d >= 0, lang.M("cannot be negative"))
		}
		c.targets(here+"targets", r.Targets, s)
	}
}

func (c *checker) targets(at string, names []string, s Service) {
	for _, name := range names {
		known := slices.ContainsFunc(s.Notify, func(n Notify) bool { return n.Name == name })
		c.that(at, known, lang.M("there is no notify target %q", name))
	}
}

func isHours(text string) bool {
	from, until, ok := strings.Cut(text, "-")
	for _, part := range []string{from, until} {
		if _, err := time.Parse("15:04", part); err != nil || len(part) != len("15:04") {
			return false
		}
	}
	return ok
}
