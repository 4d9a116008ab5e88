package checks

import (
	"net/url"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/health"
	"opsdeck/ops/probe"
)

// Names of the checks over a service's own metrics.
const (
	MetricsErrors = "http-errors"
	MetricsP95    = "http-p95"
	MetricsMemory = "memory"
)

// Further are the checks that watch makes besides those of Status: what needs more than
// one look, or judges the past.
func Further(s Source) []health.Check {
	b := checker{Source: s}
	b.metrics()
	b.audits()
	b.past()
	return b.checks
}

const (
	metricsWindow  = time.Minute
	metricsPace    = 3
	metricsTimeout = 5 * time.Second
)

func (b *checker) metrics() {
	m := b.Service.Metrics
	if m.URL == "" {
		return
	}
	memory, _ := human.ParseBytes(m.Memory) // checked when it was loaded
	look := probe.Metrics{
		URL: m.URL, Requests: m.Requests, Duration: m.Duration, Errors: m.Errors, P95: m.P95, Memory: memory,
		Window: metricsWindow, Pace: metricsPace * b.Service.Health.Interval, Now: b.Now,
	}
	if m.TokenFile != "" {
		look.Token = func() (string, error) { return config.ReadSecret(m.TokenFile) }
	}
	share, p95, resident := look.Probes()
	add := func(name, family string, look health.Probe, limit health.Limit) {
		b.add(name, health.KindMetrics, metricsPace, look, []health.Limit{limit}, readMetrics(m, family))
		b.checks[len(b.checks)-1].Timeout = metricsTimeout
	}
	if m.Errors > 0 {
		add(MetricsErrors, "http_", share,
			health.Limit{What: lang.M("share of 5xx responses"), Critical: lang.M("over %s", human.Percent(m.Errors))})
	}
	if m.P95 > 0 {
		add(MetricsP95, "http_", p95,
			health.Limit{What: lang.M("P95 response time"), Critical: lang.M("over %s", human.Duration(m.P95))})
	}
	if memory > 0 {
		add(MetricsMemory, "process_", resident,
			health.Limit{What: lang.M("resident memory"), Warning: lang.M("over %s", human.Bytes(memory))})
	}
}

// readMetrics is the command that shows what a check over metrics reads. Where the
// endpoint asks for a secret it is opsdeck's own: a command line is sent to chats.
func readMetrics(m config.Metrics, family string) string {
	if m.TokenFile != "" || hasSecret(m.URL) {
		return "opsdeck watch rules"
	}
	return "curl -sS " + human.Shell(m.URL) + " | grep ^" + family
}

// hasSecret tells whether an address may hold one: user information, or a query.
func hasSecret(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != ""
}
