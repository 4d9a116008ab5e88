package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"opsdeck/internal/config"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/metrics"
)

// serveScrapes is how many scrapes are answered at a time.
const serveScrapes = 8

// metricsHandler answers /metrics about the services. It looks in the background
// until ctx ends; close waits for the looks under way.
func metricsHandler(ctx context.Context, a *app, services []config.Service) (h http.Handler, close func(), err error) {
	styles := map[string]*logStyles{}
	for _, s := range services {
		if styles[s.Name], err = a.logStyles(&s); err != nil {
			return nil, nil, err
		}
	}
	rule := health.Rule{Fails: services[0].Health.Fails, Passes: services[0].Health.Passes}
	monitor := health.Watch(ctx, a.checks(services), health.Options{Clock: a.clock, Rule: rule})
	parts := metricsParts(a, services)
	told := metrics.New(monitor, a.clock, parts)
	go told.Run(ctx)
	for _, s := range services {
		counter := metrics.NewLogCounter(s.Name, s.Logs.Paths(), time.Local)
		counter.Styles = styles[s.Name].Of
		told.Count(counter)
		go counter.Run(ctx)
	}
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		told,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			monitor.Close()
			return nil, nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: serveScrapes}), monitor.Close, nil
}

// metricsParts are what is looked at in the background, apart from the checks.
func metricsParts(a *app, services []config.Service) (parts []metrics.Part) {
	for _, s := range services {
		parts = append(parts, metrics.Parts(metrics.Source{
			Service: s,
			Site:    func() (*site.Site, error) { return a.site(&s) },
		})...)
	}
	dir, err := a.stateDir()
	if err != nil { // the looks at the services' records say so
		return parts
	}
	return append(parts, metrics.Alerts(dir, watchLock(dir)))
}
