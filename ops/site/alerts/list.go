package alerts

import (
	"context"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/ops/site/checks"
)

// Rule is a rule for people: what is watched, and how it is now.
type Rule struct {
	Name     string
	Service  string
	Kind     string // check, log, audit
	Query    string // of a log rule, or an audit rule
	Count    int64  // matching lines or rows in Window from which it fires
	By       string // of an audit rule: rows are counted by user, by ip, or all together
	Hours    string // of an audit rule: only rows in these hours count; "" is all
	Window   time.Duration
	For      time.Duration
	Keep     time.Duration
	Severity ops.State // of a log or audit rule; a check says its own
	Targets  []string
	Off      bool
	State    alert.State // "" when it does not hold
	Value    lang.Msg    // what was seen last
}

// Rules are all rules, in the order of the services. With look every check is made
// once for its value.
func (w *Watcher) Rules(ctx context.Context, look bool) ([]Rule, error) {
	book, err := alert.Read(w.StateDir)
	if err != nil {
		return nil, err
	}
	var out []Rule
	for _, s := range w.watched {
		out = append(out, s.checkRules(ctx, w, look)...)
		for _, r := range s.rules.logs {
			sum := int64(0)
			if c := book.Counts[s.Config.Name+"/"+r.Name]; c != nil {
				sum = c.Add(0, 0, r.window)
			}
			out = append(out, Rule{
				Name: r.Name, Service: s.Config.Name, Kind: "log", Query: r.text, Count: r.count, Window: r.window,
				For: r.For, Keep: r.Keep, Severity: r.severity, Targets: r.Targets, Off: s.rules.off[r.Name],
				Value: lang.M("%d matching lines", sum),
			})
		}
	}
	for i := range out {
		for _, a := range book.Alerts {
			if a.Service == out[i].Service && a.Rule == out[i].Name {
				out[i].State = a.State
			}
		}
	}
	return out, nil
}

func (s *watched) checkRules(ctx context.Context, w *Watcher, look bool) (out []Rule) {
	values := map[string]lang.Msg{}
	if look {
		for _, x := range health.Once(ctx, s.Checks, w.Clock).Standings {
			values[x.Check.Name] = x.Last.Detail
		}
	}
	for _, c := range s.Checks {
		r := s.checks[c.Name]
		one := Rule{
			Name: c.Name, Service: s.Config.Name, Kind: "check", For: r.warning.For, Keep: r.warning.Keep,
			Targets: r.critical.Targets, Off: r.off, Value: values[c.Name],
		}
		if c.Kind == health.KindAudit {
			one.audit(s.rules.own[c.Name])
		}
		out = append(out, one)
	}
	return out
}

// audit makes it the rule over audit rows that the configuration has.
func (r *Rule) audit(c config.AlertRule) {
	r.Kind = "audit"
	r.Query = c.Audit
	r.Count = int64(max(c.Count, 1))
	r.Window = c.Window
	if r.Window == 0 {
		r.Window = checks.AuditWindow
	}
	r.By = c.By
	if r.By == "" {
		r.By = "user"
	}
	r.Hours = c.Hours
	r.Severity = ops.StateCritical
	if c.Severity == "warning" {
		r.Severity = ops.StateWarning
	}
}

// Test makes the message that says that a rule, or a target, works: for all targets of
// the rule, or for the one. Neither is an error.
func (w *Watcher) Test(name string) (sent []Sent, err error) {
	var names []string
	for _, s := range w.watched {
		for i, n := range s.Config.Notify {
			names = append(names, n.Name)
			key := key(s.Config, i)
			if n.Name == name || key == name {
				sent = append(sent, w.test(s, "test", key))
			}
		}
		for _, rule := range s.all() {
			names = append(names, rule.Name)
			if rule.Name != name && s.Config.Name+"/"+rule.Name != name {
				continue
			}
			for _, key := range rule.Targets {
				sent = append(sent, w.test(s, rule.Name, key))
			}
			if len(rule.Targets) == 0 {
				return nil, ops.E(ops.Config, lang.M("the rule %s has no targets", name)).
					WithHint(lang.M("add one to notify: in the configuration"))
			}
		}
	}
	if len(sent) == 0 {
		slices.Sort(names)
		return nil, ops.E(ops.Usage, lang.M("there is no rule or target %q", name)).
			WithHint(lang.M("there are: %s", strings.Join(slices.Compact(names), ", ")))
	}
	return sent, nil
}

// all are the rules of a service, checks and logs.
func (s *watched) all() (out []alert.Rule) {
	for _, c := range s.Checks {
		out = append(out, s.checks[c.Name].critical)
	}
	for _, r := range s.rules.logs {
		out = append(out, r.Rule)
	}
	return out
}

// Known tells whether a rule is one of a service, or "*"; service "" is any.
func (w *Watcher) Known(service, rule string) bool {
	for _, s := range w.watched {
		if service != "" && service != s.Config.Name {
			continue
		}
		if rule == "*" || slices.ContainsFunc(s.all(), func(r alert.Rule) bool { return r.Name == rule }) {
			return true
		}
	}
	return false
}

// Names are the rules' names, each once.
func (w *Watcher) Names() (out []string) {
	for _, s := range w.watched {
		for _, r := range s.all() {
			out = append(out, r.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (w *Watcher) test(s *watched, rule, key string) Sent {
	now := w.Clock.Now()
	m := alert.TestMessage(w.Lang, s.Config.Name, rule, s.typed(lang.Raw("opsdeck alerts")), now)
	m.Target = key
	return Sent{Key: key, Target: w.senders[key].conf, Message: m}
}

// Deliver sends a message at once.
func Deliver(ctx context.Context, target config.Notify, m *alert.Message) error {
	return deliver(ctx, sender{conf: target}, m).err
}
