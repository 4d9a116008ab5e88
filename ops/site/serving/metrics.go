package serving

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/metrics"
)

// metrics answers /metrics about the services. It looks in the background
// until ctx ends; close waits for the looks under way.
func (o Options) metrics(ctx context.Context) (h http.Handler, close func(), err error) {
	rule := health.Rule{Fails: o.Services[0].Health.Fails, Passes: o.Services[0].Health.Passes}
	monitor := health.Watch(ctx, o.Checks, health.Options{Clock: o.Clock, Rule: rule})
	parts := o.parts()
	collector := metrics.New(monitor, o.Clock, parts)
	go collector.Run(ctx)
	for _, s := range o.Services {
		counter := metrics.NewLogCounter(s.Name, s.Logs.Paths(), time.Local)
		counter.Styles = o.Styles(s.Name)
		collector.Count(counter)
		go counter.Run(ctx)
	}
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collector,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			monitor.Close()
			return nil, nil, err
		}
	}
	once := &gatherer{of: registry, clock: o.Clock}
	return promhttp.HandlerFor(once, promhttp.HandlerOpts{}), monitor.Close, nil
}

// parts are what is looked at in the background, apart from the checks.
func (o Options) parts() (parts []metrics.Part) {
	for _, s := range o.Services {
		parts = append(parts, metrics.Parts(metrics.Source{
			Service: s,
			Site:    func() (*site.Site, error) { return o.Site(&s) },
		})...)
	}
	return append(parts, o.Alerts...)
}
