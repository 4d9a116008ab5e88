package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
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
)

type serveCmd struct {
	Listen string `default:"127.0.0.1:3080" placeholder:"ADDR" help:"Address to listen on; the default is reachable from this machine only."`
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

// Run serves the health endpoints until it is told to stop.
func (c *serveCmd) Run(a *app) error {
	s, err := a.service()
	if err != nil {
		return err
	}
	told, closeAll, err := a.healthService(*s)
	if err != nil {
		return err
	}
	defer closeAll()
	scraped, closeMetrics, err := a.metricsHandler(a.ctx, []config.Service{*s})
	if err != nil {
		return err
	}
	defer closeMetrics()
	mux := http.NewServeMux()
	mux.Handle("/", healthhttp.Handler(told))
	mux.Handle("GET /metrics", scraped)
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return listenError(c.Listen, err)
	}
	a.note(lang.M("serving the health of %s on http://%s/health/ready", s.Name, listener.Addr().String()))
	return serveUntil(
		a.ctx,
		serveServer(mux),
		newBounded(netutil.LimitListener(listener, 2*serveConnections), serveConnections, serveClient),
	)
}

// serveUntil serves until ctx ends, then lets the requests under way finish. To
// be told to stop is the ordinary end.
func serveUntil(ctx context.Context, server *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
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

// healthService is what the endpoints speak about, and how to end it.
func (a *app) healthService(s config.Service) (healthhttp.Service, func(), error) {
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
		Name: s.Name, Version: version.Get().Version, Description: a.lang.T("%s as opsdeck sees it", s.Name), Environment: environment,
		Database: db.Ping, Started: a.clock.Now(), Now: a.clock.Now, Timeout: s.Health.Timeout,
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
	}
	return ops.Wrap(err, ops.Usage, lang.M("%s is not an address to listen on", addr)).
		WithHint(lang.M("write it as 127.0.0.1:3080"))
}
