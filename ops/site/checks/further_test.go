package checks

import (
	"strings"
	"testing"

	"opsdeck/internal/config"
)

// TestNoCommandHoldsTheSecretOfAnAddress: the first command of a check is sent to chats.
func TestNoCommandHoldsTheSecretOfAnAddress(t *testing.T) {
	s := config.DefaultService()
	s.Metrics.Errors = 0.05
	s.Metrics.P95 = 0
	s.Metrics.Memory = "450M"
	look := func(address, token string) string {
		s.Metrics.URL = address
		s.Metrics.TokenFile = token
		b := checker{Source: Source{Service: s}}
		b.metrics()
		var commands []string
		for _, c := range b.checks {
			commands = append(commands, c.Commands...)
		}
		return strings.Join(commands, "\n")
	}
	const own = "opsdeck watch rules\nopsdeck watch rules"
	for _, c := range []struct{ url, token, want string }{
		{"http://h/metrics", "",
			"curl -sS http://h/metrics | grep ^http_\ncurl -sS http://h/metrics | grep ^process_"},
		{"http://u:pw99@h/metrics", "", own},
		{"http://h/metrics?token=TOPSECRET88", "", own},
		{"http://h/metrics", "/etc/opsdeck/token", own},
	} {
		if got := look(c.url, c.token); got != c.want {
			t.Errorf("%s %s:\n%s", c.url, c.token, got)
		}
	}
	s.Health.URL = "https://u:pw99@h"
	b := checker{Source: Source{Service: s}}
	b.http()
	for _, c := range b.checks {
		if got := strings.Join(c.Commands, "\n"); strings.Contains(got, "pw99") || len(c.Commands) == 0 {
			t.Errorf("%s: %q", c.Name, got)
		}
	}
}
