package main

import (
	"context"
	"net"
	"strings"

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
	opt := serving.Flags{
		Listen:    c.Listen,
		TLSCert:   c.TLSCert,
		TLSKey:    c.TLSKey,
		TokenFile: c.TokenFile,
		Insecure:  c.Insecure,
	}.Over(l.Serve)
	listener, err := serving.Listen(opt)
	if err != nil {
		return err
	}
	defer listener.Close()
	server, err := a.server(opt, services)
	if err != nil {
		return err
	}
	return server.Run(ctx, listener, func() { sayServing(a, server, listener.Addr()) })
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
func sayServing(a *app, s serving.Options, at net.Addr) {
	opt := s.Listener
	names := make([]string, len(s.Services))
	for i, one := range s.Services {
		names[i] = one.Name
	}
	scheme := "http"
	if opt.TLSCert != "" {
		scheme = "https"
	}
	base := scheme + "://" + at.String()
	a.note(lang.M("serving the health of %s on %s", strings.Join(names, ", "), base+"/health/ready"))
	if !serving.OnLoopback(at) && opt.TokenFile == "" {
		a.note(lang.M("warning: anyone who can reach %s can read the metrics of %s", at.String(), strings.Join(names,
			", ")))
	}
	if !serving.OnLoopback(at) && opt.TLSCert == "" && opt.TokenFile != "" {
		a.note(lang.M("warning: without TLS the token can be read on the network"))
	}
}
