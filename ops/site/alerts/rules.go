// Package alerts watches services: it looks at their checks, reads their logs as they
// grow, keeps the alerts that come of it, and delivers what people are told.
package alerts

import (
	"errors"
	"slices"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/audit"
	"opsdeck/ops/health"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/site/checks"
)

// Defaults of rules that say nothing of their own.
const (
	logWindow  = time.Minute
	logKeep    = 10 * time.Minute // a log error is over when no more came for so long
	unknownFor = 5 * time.Minute  // a check that cannot be made is told of after so long
)

// checkRule is a rule over a check of Status.
type checkRule struct {
	critical, warning, unknown alert.Rule
	follows                    []string // names of rules of the service
	off                        bool
}

// logRule is a rule over the lines of the logs.
type logRule struct {
	alert.Rule
	query    *query.Query
	text     string // the query as it was typed
	count    int64
	window   time.Duration
	severity ops.State
	builtin  bool
	follows  []string
}

// ruleBook makes the rules of one service.
type ruleBook struct {
	conf  config.Service
	quiet alert.Hours
	logs  []*logRule
	off   map[string]bool
	own   map[string]config.AlertRule
}

// readyMade are the four errors that need a person at once.
func readyMade() []*logRule {
	exact := func(name string, follows []string, texts ...string) *logRule {
		var group []query.Term
		for _, t := range texts {
			group = append(group, query.ExactTerm(t))
		}
		r := &logRule{query: &query.Query{Groups: [][]query.Term{group}}, text: texts[0], count: 1, window: logWindow}
		r.Name = name
		r.severity = ops.StateCritical
		r.builtin = true
		r.follows = follows
		r.Keep = logKeep
		return r
	}
	unhandled := exact("unhandled-exception", nil, "Unhandled exception", "UnhandledPromiseRejection")
	// What Node 20 and later print last of an exception that nobody caught.
	ended, err := query.RegexpTerm(`^Node\.js v\d+\.\d+\.\d+$`)
	if err == nil {
		unhandled.query.Groups[0] = append(unhandled.query.Groups[0], ended)
	}
	return []*logRule{
		exact("database-unreachable", []string{"mysql"}, "Unable to connect to the database"),
		exact("external-api-failed", nil, "External API call failed"),
		exact("heap-out-of-memory", nil, "JavaScript heap out of memory"),
		unhandled,
	}
}

// rulesOf makes the rules of a service: the ready-made ones, changed by those of the
// configuration that have their name, and the configuration's own.
func rulesOf(s config.Service, now time.Time) (*ruleBook, error) {
	quiet, err := alert.ParseHours(s.Alerts.QuietHours)
	if err != nil {
		return nil, err
	}
	b := &ruleBook{conf: s, quiet: quiet, off: map[string]bool{}, own: map[string]config.AlertRule{}}
	b.logs = readyMade()
	for _, r := range s.Alerts.Rules {
		b.off[r.Name] = r.Off
		b.own[r.Name] = r
		if r.Query == "" {
			continue
		}
		q, err := parse(r, now)
		if err != nil {
			return nil, err
		}
		one := &logRule{query: q, text: r.Query, count: 1, window: logWindow, severity: ops.StateCritical}
		one.Name = r.Name
		one.Keep = logKeep
		b.logs = slices.DeleteFunc(b.logs, func(o *logRule) bool { return o.Name == r.Name })
		b.logs = append(b.logs, one)
	}
	for _, r := range b.logs {
		b.change(r)
	}
	return b, nil
}

// parse reads a rule's query. Its words are texts that a line must hold as they are:
// letters scattered over a line wake nobody.
func parse(r config.AlertRule, now time.Time) (*query.Query, error) {
	q, err := query.ParseQuery(r.Query, now)
	if err == nil {
		for _, group := range q.Groups {
			for i := range group {
				if group[i].Kind == query.TermFuzzy {
					group[i].Kind = query.TermExact
				}
			}
		}
	}
	var at *query.QueryError
	if errors.As(err, &at) {
		return nil, ops.E(ops.Config,
			lang.M("cannot parse the query of the rule %s at %q: %s", r.Name, r.Query[at.Pos:at.End], at.What)).
			WithHint(lang.M("try it: opsdeck logs %s", r.Query))
	}
	return q, err
}

// change applies what the configuration says of a log rule, and the service's policy.
func (b *ruleBook) change(r *logRule) {
	c := b.own[r.Name]
	if c.Count > 0 {
		r.count = int64(c.Count)
	}
	if c.Window > 0 {
		r.window = c.Window
	}
	if c.Severity == "warning" {
		r.severity = ops.StateWarning
	}
	b.finish(&r.Rule)
	if len(r.follows) > 0 {
		r.Hold = b.hold()
	}
}

// finish gives a rule the service's policy and what the configuration says of it.
func (b *ruleBook) finish(r *alert.Rule) {
	c, policy := b.own[r.Name], b.conf.Alerts
	r.Service = b.conf.Name
	r.Quiet = b.quiet
	r.Repeat = policy.Repeat
	if c.For > 0 {
		r.For = c.For
	}
	if c.KeepFiring > 0 {
		r.Keep = c.KeepFiring
	}
	r.Targets = b.targets(c.Targets)
	if policy.EscalateAfter > 0 {
		r.EscalateAfter = policy.EscalateAfter
		r.Escalate = keys(b.conf, func(n config.Notify) bool { return slices.Contains(policy.EscalateTo, n.Name) })
	}
}

// hold is how long what may follow from something else waits for its cause.
func (b *ruleBook) hold() time.Duration { return 2*b.conf.Health.Interval + 2*time.Second }

// targets are the keys of those whom a rule tells.
func (b *ruleBook) targets(named []string) []string {
	second := b.conf.Alerts.EscalateTo
	return keys(b.conf, func(n config.Notify) bool {
		if len(named) > 0 {
			return slices.Contains(named, n.Name)
		}
		return n.WantsAlerts() && !slices.Contains(second, n.Name)
	})
}

// check makes the rule of a check.
func (b *ruleBook) check(c health.Check, all []health.Check) *checkRule {
	r := &checkRule{off: b.off[c.Name], follows: b.there(followedBy(c), all)}
	beat := b.conf.Health.Interval
	keep := 2 * beat
	if c.Kind == health.KindAudit { // rows are there at once and over at once
		keep = logKeep
	}
	make := func(wait time.Duration) alert.Rule {
		one := alert.Rule{Name: c.Name, For: wait, Keep: keep}
		b.finish(&one)
		if len(r.follows) > 0 {
			one.Hold = b.hold()
		}
		return one
	}
	r.critical = make(lasting[c.Name])
	r.warning = make(max(lasting[c.Name], 3*beat))
	if c.Kind == health.KindAudit {
		r.warning = make(0)
	}
	r.unknown = make(unknownFor)
	return r
}

// lasting is how long what some checks find has to last, as the service's own rules for
// Prometheus have it.
var lasting = map[string]time.Duration{
	checks.MetricsErrors: 2 * time.Minute,
	checks.MetricsP95:    5 * time.Minute,
}

// there keeps the names that are of a check or of a rule.
func (b *ruleBook) there(names []string, all []health.Check) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(all, func(c health.Check) bool { return c.Name == name }) &&
			!slices.ContainsFunc(b.logs, func(r *logRule) bool { return r.Name == name })
	})
}

// followedBy are the rules of which a failure of a check may follow.
func followedBy(c health.Check) []string {
	switch c.Name {
	case "ready", "health":
		return []string{"mysql", "process"}
	case "schema", "disk-data", checks.BinlogLate:
		return []string{"mysql"}
	case "version", "tls", "clock", checks.MetricsErrors, checks.MetricsP95, checks.MetricsMemory:
		return []string{"health", "process", "mysql"}
	case "logs":
		return []string{
			"database-unreachable", "external-api-failed", "heap-out-of-memory", "unhandled-exception", "process",
			"mysql",
		}
	}
	return nil
}

// key is a notify target's name among those of all services.
func key(s config.Service, i int) string {
	n := s.Notify[i]
	for k, o := range s.Notify {
		if n.Name == "" || o.Name == n.Name && k < i { // a name that tells nothing
			return s.Name + "/" + n.Kind + "#" + string(rune('1'+i))
		}
	}
	return s.Name + "/" + n.Name
}

func keys(s config.Service, want func(config.Notify) bool) (out []string) {
	for i, n := range s.Notify {
		if want(n) {
			out = append(out, key(s, i))
		}
	}
	return out
}

// Check finds what no rule of a service could work with: a query that is not
// understood, the name of a ready-made rule on a rule of its own, a name that is of no
// rule.
func Check(s config.Service, all []health.Check, now time.Time) error {
	b, err := rulesOf(s, now)
	if err != nil {
		return err
	}
	for _, r := range s.Alerts.Rules {
		if err := taken(r, all); err != nil {
			return err
		}
		if err := auditQuery(r, s.Audit.Aliases, now); err != nil {
			return err
		}
		known := slices.ContainsFunc(all, func(c health.Check) bool { return c.Name == r.Name }) ||
			slices.ContainsFunc(b.logs, func(l *logRule) bool { return l.Name == r.Name })
		if !known {
			return ops.E(ops.Config, lang.M("the rule %s has no query, and no check has that name", r.Name)).
				WithHint(lang.M("give it a query, or the name of a check: opsdeck status"))
		}
	}
	return nil
}

// taken refuses a rule with a query of its own and the name of what there is without
// it: it would take the place of that, and nobody would be told of that any more.
func taken(r config.AlertRule, all []health.Check) error {
	if r.Query == "" && r.Audit == "" {
		return nil
	}
	named := func(c health.Check) bool {
		return c.Name == r.Name && (r.Audit == "" || c.Kind != health.KindAudit) // an audit rule is a check itself
	}
	hint := lang.M("give the rule another name, or leave its query out to change the check's alerts")
	if r.Name == checks.AlertsName || slices.ContainsFunc(all, named) {
		return ops.E(ops.Config, lang.M("the rule %s has a query and the name of a check", r.Name)).WithHint(hint)
	}
	if slices.ContainsFunc(readyMade(), func(l *logRule) bool { return l.Name == r.Name }) {
		return ops.E(ops.Config, lang.M("the rule %s has a query and the name of a built-in rule", r.Name)).
			WithHint(lang.M("give the rule another name, or leave its query out to change the built-in rule"))
	}
	return nil
}

// auditQuery refuses the query of an audit rule that no table could be asked.
func auditQuery(r config.AlertRule, aliases audit.Aliases, now time.Time) error {
	if r.Audit == "" {
		return nil
	}
	err := audit.Understood(r.Audit, aliases, now)
	var at *audit.QueryError
	if errors.As(err, &at) {
		return ops.E(ops.Config,
			lang.M("cannot parse the query of the rule %s at %q: %s", r.Name, r.Audit[at.Pos:at.End], at.Msg)).
			WithHint(lang.M("try it: opsdeck audit list %s", shell(r.Audit)))
	}
	return err
}
