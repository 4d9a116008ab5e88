package main

import (
	"context"
	"net"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/site/metrics"
	"opsdeck/ops/site/serving"
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
	listener, err := serving.Listen(opt)
	if err != nil {
		return err
	}
	defer listener.Close()
	server, err := a.server(opt, services)
	if err != nil {
		return err
	}
	return server.Run(ctx, listener, func() { sayServing(a, services, opt, listener.Addr()) })
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
	if !serving.OnLoopback(at) && opt.TokenFile == "" {
		a.note(
			lang.M("warning: whoever reaches %s can read the metrics of %s", at.String(), strings.Join(names, ", ")),
		)
	}
	if !serving.OnLoopback(at) && opt.TLSCert == "" && opt.TokenFile != "" {
		a.note(lang.M("warning: without TLS the token can be read on the network"))
	}
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
