// Package serving serves what a service's health is over HTTP: the endpoints that load
// balancers ask, and the metrics of Prometheus, behind a certificate and a token where
// other machines reach it.
package serving

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/version"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/health/healthhttp"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/mysql"
	"opsdeck/ops/probe"
	"opsdeck/ops/site"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/site/metrics"
)

// Limits of the server: nobody can hold it up.
const (
	HeaderTime  = 2 * time.Second // for a request's head
	readTime    = 5 * time.Second
	writeTime   = 10 * time.Second
	idleTime    = time.Minute
	graceTime   = 5 * time.Second
	headerBytes = 16 << 10
)

// Options say what is served, and how it speaks to whoever started it.
type Options struct {
	Listener config.Serve
	Services []config.Service
	Checks   []health.Check
	Alerts   []metrics.Part // of the alerts' state; none where that cannot be found
	Styles   func(service string) func(string) *line.Style
	Site     func(*config.Service) (*site.Site, error)
	Clock    clock.Clock
	Getenv   func(string) string
	Lang     *lang.Printer
	Say      func(lang.Msg)
	Explain  func(error) *ops.Error
}

// Run answers on a listener until ctx ends. begun is called when all that the options
// name was found usable.
func (o Options) Run(ctx context.Context, l net.Listener, begun func()) error {
	guard, err := newGuard(ctx, o.Listener, watcher{o.Say, o.Explain})
	if err != nil {
		return err
	}
	out, closeAll, err := o.endpoints()
	if err != nil {
		return err
	}
	defer closeAll()
	scraped, closeMetrics, err := o.metrics(ctx)
	if err != nil {
		return err
	}
	defer closeMetrics()
	out.Metrics = scraped
	begun()
	server := newServer(guard.only(healthhttp.Handler(out)))
	bound := newBounded(netutil.LimitListener(l, 2*connections), connections, perClient)
	if guard.pair != nil {
		bound.tls = true
		server.TLSConfig = &tls.Config{GetCertificate: guard.certificate, MinVersion: tls.VersionTLS12}
	}
	return serveUntil(ctx, server, bound)
}

// serveUntil serves until ctx ends, then lets the requests under way finish. To
// be told to stop is the ordinary end.
func serveUntil(ctx context.Context, server *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			failed <- server.ServeTLS(l, "", "")
			return
		}
		failed <- server.Serve(l)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	return nil
}

// endpoints are what the endpoints speak about, and how to end it.
func (o Options) endpoints() (out healthhttp.Service, closeAll func(), err error) {
	var open []func()
	closeAll = func() {
		for _, end := range open {
			end()
		}
	}
	var all []healthhttp.Service
	for _, s := range o.Services {
		if len(o.Services) > 1 && !checks.HasDatabase(s.Database) {
			continue // nothing to be ready for
		}
		one, end, err := o.endpoint(s)
		if err != nil {
			closeAll()
			return out, nil, err
		}
		all = append(all, one)
		open = append(open, end)
	}
	if len(all) == 0 {
		return out, nil, ops.E(ops.Config, lang.M("no service has a database to check")).
			WithHint(lang.M("set database.name or database.host of a service in the configuration"))
	}
	if out = all[0]; len(o.Services) > 1 {
		out.Name, out.Description = "opsdeck", o.Lang.T("%d services as opsdeck sees them", len(o.Services))
		out.Of = all
	}
	return out, closeAll, nil
}

// endpoint is one service for the endpoints, and how to end it.
func (o Options) endpoint(s config.Service) (healthhttp.Service, func(), error) {
	target, err := mysql.Resolve(s.Database)
	if err != nil {
		return healthhttp.Service{}, nil, err
	}
	db := &mysql.Pinger{Target: target, Database: s.Database.Name}
	closeAll := func() { db.Close() }
	environment := o.Getenv("NODE_ENV")
	if environment == "" {
		environment = "production"
	}
	out := healthhttp.Service{
		Name:        s.Name,
		Version:     version.Get().Version,
		Description: o.Lang.T("%s as opsdeck sees it", s.Name),
		Environment: environment,
		Database:    db.Ping, Started: o.Clock.Now(), Now: o.Clock.Now, Timeout: s.Health.Timeout,
	}
	if s.Redis.Address != "" {
		password := ""
		if s.Redis.PasswordFile != "" {
			if password, err = config.ReadSecret(s.Redis.PasswordFile); err != nil {
				return healthhttp.Service{}, nil, err
			}
		}
		ping, end := probe.Redis{Address: s.Redis.Address, Password: password}.Pinger()
		out.Redis = ping
		closeAll = func() { db.Close(); end() }
	}
	return out, closeAll, nil
}
