package deploys

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/probe"
)

// web asks the service by HTTP.
func (v view) web(ctx context.Context) deploy.Web {
	w := deploy.Web{HTTPS: v.https(ctx), NoDocs: v.conf.Docs == ""}
	base := v.Service.Health.URL
	if base == "" {
		none := lang.M("health.url is not configured")
		w.Docs, w.Smoke = deploy.Unknown[deploy.Answer](none), deploy.Unknown[[]deploy.Answer](none)
		return w
	}
	if v.conf.Docs != "" {
		w.Docs = deploy.Known(v.ask(ctx, v.conf.Docs))
	}
	w.Smoke = deploy.Known(v.smoke(ctx))
	return w
}

// smoke makes the configured requests.
func (d *Desk) smoke(ctx context.Context) []deploy.Answer {
	out := []deploy.Answer{}
	for _, path := range d.conf.Smoke {
		out = append(out, d.ask(ctx, path))
	}
	return out
}

func (d *Desk) ask(ctx context.Context, path string) deploy.Answer {
	ctx, cancel := context.WithTimeout(ctx, d.Service.Health.Timeout)
	defer cancel()
	a := deploy.Answer{URL: probe.Join(d.Service.Health.URL, path)}
	a.Code, a.Why = probe.Ask(ctx, a.URL)
	return a
}

// https looks at the address of the users, or at port 443 of this machine.
func (v view) https(ctx context.Context) deploy.Fact[deploy.HTTPS] {
	for _, address := range []string{v.conf.HTTPSURL, v.Service.Health.URL} {
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, v.Service.Health.Timeout)
		defer cancel()
		r := probe.Certificate(address, v.Service.Health.CertDays, v.Clock.Now)(ctx)
		h := deploy.HTTPS{At: address}
		if r.State != ops.StateOK {
			h.Bad = r.Detail
		}
		return deploy.Known(h)
	}
	all, err := v.sockets()
	if err != nil {
		return deploy.Unknown[deploy.HTTPS](lang.Raw(err.Error()))
	}
	sockets := all[443]
	if len(sockets) == 0 {
		return deploy.Known(deploy.HTTPS{})
	}
	h := deploy.HTTPS{At: strings.TrimSpace("127.0.0.1:443 " + sockets[0].Name)}
	ctx, cancel := context.WithTimeout(ctx, v.Service.Health.Timeout)
	defer cancel()
	// Which names it is for is not known here: that it speaks TLS is all that is asked.
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec
	conn, err := dialer.DialContext(ctx, "tcp", "127.0.0.1:443")
	if err != nil {
		h.Bad = lang.M("the server does not use TLS")
		return deploy.Known(h)
	}
	conn.Close()
	return deploy.Known(h)
}

// boot looks whether PM2 starts at boot and with this process, and who rotates logs.
func (v view) boot() deploy.Fact[deploy.Boot] {
	home := v.Service.Process.Home
	if home == "" {
		home = v.Getenv("PM2_HOME")
	}
	if home == "" {
		home = "~/.pm2"
	}
	home = config.Home(home)
	if _, err := os.Stat(home); err != nil {
		return deploy.Unknown[deploy.Boot](lang.M("%s is not a folder of PM2", home))
	}
	b := deploy.Boot{Starts: v.starts()}
	if list, err := regular.ReadFile(filepath.Join(home, "dump.pm2")); err == nil {
		b.Saved = strings.Contains(string(list), `"`+v.Service.Process.Name+`"`)
	}
	_, err := os.Stat(filepath.Join(home, "modules", "pm2-logrotate"))
	units, _ := filepath.Glob(config.System("/etc/logrotate.d/*pm2*", v.Getenv))
	b.Rotate = err == nil || len(units) > 0
	return deploy.Known(b)
}

// starts tells whether systemd or a script of init starts PM2.
func (v view) starts() bool {
	for _, pattern := range []string{"/etc/systemd/system/*.wants/pm2-*.service", "/etc/rc*.d/S*pm2*",
		"/etc/runlevels/*/pm2*"} {
		if found, _ := filepath.Glob(config.System(pattern, v.Getenv)); len(found) > 0 {
			return true
		}
	}
	return false
}
