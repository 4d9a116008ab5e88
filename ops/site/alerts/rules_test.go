package alerts

import (
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// TestARuleThatCannotWorkIsRefused: what takes the place of a check, and queries that
// no table could be asked.
func TestARuleThatCannotWorkIsRefused(t *testing.T) {
	for _, c := range []struct {
		rule config.AlertRule
		want string // "" is in order
	}{
		{config.AlertRule{Name: "mass", Audit: "action:DELETE"}, ""},
		{config.AlertRule{Name: "one", Audit: "ORDER:1001 since:-1h"}, ""},
		{config.AlertRule{Name: "mysql", Off: true}, ""},
		{config.AlertRule{Name: "mysql", For: time.Minute}, ""},
		{config.AlertRule{Name: "heap-out-of-memory", Count: 3}, ""},
		{config.AlertRule{Name: "mysql", Audit: "action:DELETE"}, "the rule mysql has a query and the name of a check"},
		{config.AlertRule{Name: "mysql", Query: "x"}, "the rule mysql has a query and the name of a check"},
		{config.AlertRule{Name: "alerts", Audit: "action:DELETE"},
			"the rule alerts has a query and the name of a check"},
		{config.AlertRule{Name: "heap-out-of-memory", Audit: "action:DELETE"}, "the name of a built-in rule"},
		{config.AlertRule{Name: "heap-out-of-memory", Query: "x"}, "the name of a built-in rule"},
		{config.AlertRule{Name: "bad", Audit: "nosuchfield:DELETE"}, "the query of the rule bad at \"nosuchfield"},
		{config.AlertRule{Name: "bad", Audit: "took>5 limit:3 (("}, "the query of the rule bad at \"limit:3"},
	} {
		s := config.Service{Name: "q", Alerts: config.Alerts{Rules: []config.AlertRule{c.rule}}}
		all := []health.Check{{Name: "mysql", Kind: health.KindMySQL}}
		if c.rule.Audit != "" {
			all = append(all, health.Check{Name: c.rule.Name, Kind: health.KindAudit})
		}
		err := Check(s, all, time.Now())
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", c.rule, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || ops.CodeOf(err) != ops.Config):
			t.Errorf("%+v: %v", c.rule, err)
		}
	}
}
