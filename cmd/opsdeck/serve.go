package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/version"
	"opsdeck/ops"
	"opsdeck/ops/health/healthhttp"
	"opsdeck/ops/mysql"
	"opsdeck/ops/probe"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/site/metrics"
)

type serveCmd struct {
	Listen    string `placeholder:"ADDR" help:"Address to listen on (default 127.0.0.1:3080: this machine only)."`
	TLSCert   string `name:"tls-cert" placeholder:"FILE" type:"path" help:"Certificate with its chain, PEM; read again when it changes."`
	TLSKey    string `name:"tls-key" placeholder:"FILE" type:"path" help:"Private key of --tls-cert, PEM."`
	TokenFile string `placeholder:"FILE" type:"path" help:"File with the token that clients must send, mode 0600."`
	Insecure  bool   `help:"Listen on other addresses without TLS or without a token."`

	PrintRules     bool `xor:"print" help:"Print alerting rules for Prometheus and exit."`
	PrintDashboard bool `xor:"print" help:"Print a dashboard for Grafana and exit."`
}

// Limits of the server: nobody can hold it up.
const (
	serveHeader  = 2 * time.Second // for a request's head
	serveRead    = 5 * time.Second
	serveWrite   = 10 * time.Second
	serveIdle    = time.Minute
	serveGrace   = 5 * time.Second
	serveHeaders = 16 << 10
)

// Run serves the health endpoints and the metrics until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, a *app) error {
	if c.PrintRules || c.PrintDashboard {
		return c.print(a)
	}
	l, err := a.config()
	if err != nil {
		return err
	}
	services, err := a.statusServices()
	if err != nil {
		return err
	}
	opt := c.over(l.Serve)
	listener, err := listenOn(opt)
	if err != nil {
		return err
	}
	defer listener.Close()
	guard, err := newGuard(ctx, a, opt)
	if err != nil {
		return err
	}
	told, closeAll, err := a.served(services)
	if err != nil {
		return err
	}
	defer closeAll()
	scraped, closeMetrics, err := metricsHandler(ctx, a, services)
	if err != nil {
		return err
	}
	defer closeMetrics()
	told.Metrics = scraped
	sayServing(a, services, opt, listener.Addr())
	server := serveServer(guard.only(healthhttp.Handler(told)))
	bound := newBounded(netutil.LimitListener(listener, 2*serveConnections), serveConnections, serveClient)
	if guard.pair != nil {
		bound.tls = true
		server.TLSConfig = &tls.Config{GetCertificate: guard.certificate, MinVersion: tls.VersionTLS12}
	}
	return serveUntil(ctx, server, bound)
}

// print writes what Prometheus or Grafana reads; it needs no configuration.
func (c *serveCmd) print(a *app) error {
	text, err := metrics.RulesYAML()
	if c.PrintDashboard {
		text, err = metrics.Dashboard()
	}
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

// sayServing says where, and what anyone can do there.
func sayServing(a *app, services []config.Service, opt config.Serve, at net.Addr) {
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.Name
	}
	scheme := "http"
	if opt.TLSCert != "" {
		scheme = "https"
	}
	base := scheme + "://" + at.String()
	a.note(lang.M("serving the health of %s on %s", strings.Join(names, ", "), base+"/health/ready"))
	if !onLoopback(at) && opt.TokenFile == "" {
		a.note(
			lang.M("warning: whoever reaches %s can read the metrics of %s", at.String(), strings.Join(names, ", ")),
		)
	}
	if !onLoopback(at) && opt.TLSCert == "" && opt.TokenFile != "" {
		a.note(lang.M("warning: without TLS the token can be read on the network"))
	}
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
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), serveGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	return nil
}

// served is what the endpoints speak about, and how to end it.
func (a *app) served(services []config.Service) (told healthhttp.Service, closeAll func(), err error) {
	var open []func()
	closeAll = func() {
		for _, end := range open {
			end()
		}
	}
	var all []healthhttp.Service
	for _, s := range services {
		if len(services) > 1 && !checks.HasDatabase(s.Database) {
			continue // nothing to be ready for
		}
		one, end, err := healthService(a, s)
		if err != nil {
			closeAll()
			return told, nil, err
		}
		all, open = append(all, one), append(open, end)
	}
	if len(all) == 0 {
		return told, nil, ops.E(ops.Config, lang.M("no service has a database to ask")).
			WithHint(lang.M("set database.name or database.host of a service in the configuration"))
	}
	if told = all[0]; len(services) > 1 {
		told.Name, told.Description = "opsdeck", a.lang.T("%d services as opsdeck sees them", len(services))
		told.Of = all
	}
	return told, closeAll, nil
}

// healthService is one service for the endpoints, and how to end it.
func healthService(a *app, s config.Service) (healthhttp.Service, func(), error) {
	target, err := mysql.Resolve(s.Database)
	if err != nil {
		return healthhttp.Service{}, nil, err
	}
	db := &mysql.Pinger{Target: target, Database: s.Database.Name}
	closeAll := func() { db.Close() }
	environment := a.getenv("NODE_ENV")
	if environment == "" {
		environment = "production"
	}
	told := healthhttp.Service{
		Name:        s.Name,
		Version:     version.Get().Version,
		Description: a.lang.T("%s as opsdeck sees it", s.Name),
		Environment: environment,
		Database:    db.Ping, Started: a.clock.Now(), Now: a.clock.Now, Timeout: s.Health.Timeout,
	}
	if s.Redis.Address != "" {
		password := ""
		if s.Redis.PasswordFile != "" {
			if password, err = config.ReadSecret(s.Redis.PasswordFile); err != nil {
				return healthhttp.Service{}, nil, err
			}
		}
		ping, end := probe.Redis{Address: s.Redis.Address, Password: password}.Pinger()
		told.Redis, closeAll = ping, func() { db.Close(); end() }
	}
	return told, closeAll, nil
}

// discardLog is for what net/http says of broken connections: nobody's concern.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return ops.E(ops.Busy, lang.M("something listens on %s already", addr)).
			WithHint(lang.M("find it with: ss -ltnp; or choose another with --listen"))
	case errors.Is(err, syscall.EACCES):
		return ops.E(ops.Failed, lang.M("this user has no permission to listen on %s", addr)).
			WithHint(lang.M("choose a port above 1023 with --listen"))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ops.E(ops.Usage, lang.M("%s is not an address of this machine", addr)).
			WithHint(lang.M("list them with: ip address; 0.0.0.0 is all of them"))
	}
	return ops.Wrap(err, ops.Usage, lang.M("%s is not an address to listen on", addr)).
		WithHint(lang.M("write it as 127.0.0.1:3080"))
}

// listenOn listens where the options say, unless that would open it to others
// unprotected.
func listenOn(opt config.Serve) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", opt.Listen)
	if err != nil {
		return nil, listenError(opt.Listen, err)
	}
	if err := exposed(at, opt); err != nil {
		return nil, err
	}
	network := "tcp"
	if at.IP.To4() != nil {
		network = "tcp4"
	}
	l, err := net.ListenTCP(network, at)
	if err != nil {
		return nil, listenError(opt.Listen, err)
	}
	return l, nil
}

func onLoopback(a net.Addr) bool {
	at, ok := a.(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

// exposed refuses an address that other machines reach without TLS and a token.
func exposed(at *net.TCPAddr, opt config.Serve) error {
	if (opt.TLSCert == "") != (opt.TLSKey == "") {
		return ops.E(ops.Usage, lang.M("a certificate and its key go together")).
			WithHint(lang.M("give both --tls-cert and --tls-key"))
	}
	var lacks []string
	if opt.TLSCert == "" {
		lacks = append(lacks, "--tls-cert FILE --tls-key FILE")
	}
	if opt.TokenFile == "" {
		lacks = append(lacks, "--token-file FILE")
	}
	if len(lacks) == 0 || opt.Insecure || onLoopback(at) {
		return nil
	}
	return ops.E(ops.Usage, lang.M("refused: other machines can reach %s, which needs TLS and a token", opt.Listen)).
		WithHint(lang.M("add %s; or listen on 127.0.0.1; or add --insecure to serve it unprotected", strings.Join(lacks, " ")))
}

// over is the configuration with what the flags say in its place.
func (c *serveCmd) over(s config.Serve) config.Serve {
	for _, o := range []struct {
		flag string
		into *string
	}{{c.Listen, &s.Listen}, {c.TLSCert, &s.TLSCert}, {c.TLSKey, &s.TLSKey}, {c.TokenFile, &s.TokenFile}} {
		if o.flag != "" {
			*o.into = o.flag
		}
	}
	for _, path := range []*string{&s.TLSCert, &s.TLSKey, &s.TokenFile} {
		*path = config.Home(*path)
	}
	s.Insecure = s.Insecure || c.Insecure
	return s
}
