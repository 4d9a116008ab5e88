package serving

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"opsdeck/internal/clock/clocktest"
)

// TestNoScrapeIsRefused: 64 scrapers at once get the same values and cost one look;
// a second later the values are new.
func TestNoScrapeIsRefused(t *testing.T) {
	registry := prometheus.NewRegistry()
	value := prometheus.NewGauge(prometheus.GaugeOpts{Name: "opsdeck_x", Help: "x"})
	registry.MustRegister(value)
	var looks atomic.Int64
	begun := make(chan struct{})
	now := clocktest.New(time.Unix(1769652000, 0))
	once := &gatherer{clock: now, of: prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		looks.Add(1)
		<-begun
		return registry.Gather()
	})}
	web := httptest.NewServer(promhttp.HandlerFor(once, promhttp.HandlerOpts{}))
	defer web.Close()
	scrape := func() string {
		answer, err := http.Get(web.URL)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("%s %v", answer.Status, err)
		}
		return string(body)
	}
	const first = "# HELP opsdeck_x x\n# TYPE opsdeck_x gauge\nopsdeck_x 0\n"
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if got := scrape(); got != first {
				t.Errorf("%q", got)
			}
		})
	}
	close(begun)
	all.Wait()
	value.Set(7)
	if got := scrape(); got != first || looks.Load() != 1 {
		t.Fatalf("%d looks: %q", looks.Load(), got)
	}
	now.Advance(gatherEvery)
	if got := scrape(); got != "# HELP opsdeck_x x\n# TYPE opsdeck_x gauge\nopsdeck_x 7\n" || looks.Load() != 2 {
		t.Fatalf("%d looks: %q", looks.Load(), got)
	}
}
