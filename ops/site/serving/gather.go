package serving

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"opsdeck/internal/clock"
)

// gatherEvery is how old the values of a scrape are at most.
const gatherEvery = time.Second

// gatherer gathers for all who ask at the same moment once, and again after gatherEvery:
// so no number of scrapers costs more than one, and none is refused.
type gatherer struct {
	of    prometheus.Gatherer
	clock clock.Clock

	mu       sync.Mutex
	at       time.Time
	families []*dto.MetricFamily
	err      error
}

// Gather returns the metrics. They are shared: nobody may change them.
func (g *gatherer) Gather() ([]*dto.MetricFamily, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if age := g.clock.Now().Sub(g.at); g.at.IsZero() || age < 0 || age >= gatherEvery {
		g.families, g.err = g.of.Gather()
		g.at = g.clock.Now()
	}
	return g.families, g.err
}
