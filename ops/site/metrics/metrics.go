// Package metrics tells Prometheus how the configured services are. The values
// come from looks in the background: a scrape only reads what they found, so it
// never waits for a server or a folder that hangs. What is not known is absent,
// and the age of each look is a metric of its own. Names follow
// https://prometheus.io/docs/practices/naming/.
package metrics

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"opsdeck/internal/clock"
	"opsdeck/internal/version"
	"opsdeck/ops/health"
)

// Reporter tells how the checks are; it does not wait for one. *health.Monitor
// is one.
type Reporter interface{ Report() health.Report }

// Part is something that is looked at in the background.
type Part struct {
	Service  string
	Name     string        // "backups"
	Interval time.Duration // from the end of a look to the next
	Timeout  time.Duration
	// Look returns what it found. The metrics stay until the next look ends.
	Look func(ctx context.Context) ([]Value, error)
}

// Value is one value of a metric, by the time of the scrape.
type Value func(now time.Time) prometheus.Metric

// Collector is the metrics of all services. Its methods may be called from any
// goroutine.
type Collector struct {
	checks  Reporter
	clock   clock.Clock
	parts   []*partState
	counted []func(chan<- prometheus.Metric)
}

// New makes the collector. Run starts the looks of its parts.
func New(checks Reporter, c clock.Clock, parts []Part) *Collector {
	out := &Collector{checks: checks, clock: c}
	for _, p := range parts {
		out.parts = append(out.parts, &partState{Part: p})
	}
	return out
}

// Run looks until ctx ends. A look that hangs keeps no other part waiting, and
// does not keep Run from returning.
func (c *Collector) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range c.parts {
		wg.Go(func() { p.loop(ctx, c.clock) })
	}
	wg.Wait()
}

// Describe sends the description of every metric.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range families {
		out <- f.desc
	}
}

// Collect sends what the looks found.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	now := c.clock.Now()
	b := version.Get()
	out <- buildInfo.of(1, b.Version)
	collectChecks(c.checks.Report(), now, out)
	for _, p := range c.parts {
		p.collect(now, out)
	}
	for _, tell := range c.counted {
		tell(out)
	}
}

// maxLabel bounds a label value, in bytes.
const maxLabel = 200

// plain makes a label value valid: UTF-8 of bounded length without control
// characters. A value that is not kept as it is ends with a sum of it, so that two
// do not become one.
func plain(s string) string {
	out := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	if out == s && len(s) <= maxLabel {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	for len(out) > maxLabel-9 {
		_, size := utf8.DecodeLastRuneInString(out)
		out = out[:len(out)-size]
	}
	return out + "~" + hex.EncodeToString(sum[:4])
}
