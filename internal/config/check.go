package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/clock"
	"opsdeck/internal/crontab"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// check finds values that no part of the program could work with.
func (l *Loaded) check() error {
	c := &checker{l: l}
	c.oneOf("console.lang", l.Console.Lang, "", "en", "zh")
	c.oneOf("console.theme", l.Console.Theme, "auto", "dark", "light")
	seen := map[string]bool{}
	for i, s := range l.Services {
		at := fmt.Sprintf("services[%d].", i)
		c.that(at+"name", s.Name != "", lang.M("a service needs a name"))
		c.that(at+"name", !seen[s.Name], lang.M("two services have the name %q", s.Name))
		seen[s.Name] = true
		c.service(at, s)
	}
	c.logFormats()
	return c.err
}

func index(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

type checker struct {
	l   *Loaded
	err error // the first found
}

func (c *checker) that(at string, ok bool, why lang.Msg) {
	if ok || c.err != nil {
		return
	}
	c.err = &Error{Path: c.l.Path, Line: c.l.Lines[at], Why: lang.M("%s: %s", at, why)}
}

func (c *checker) oneOf(at, value string, allowed ...string) {
	c.that(at, slices.Contains(allowed, value), lang.M("%q is not one of %s", value,
		strings.TrimPrefix(strings.Join(allowed, ", "), ", ")))
}

func (c *checker) service(at string, s Service) {
	c.url(at+"health.url", s.Health.URL)
	c.that(at+"health.timeout", s.Health.Timeout > 0, lang.M("must be more than 0"))
	c.that(at+"health.interval", s.Health.Interval > 0, lang.M("must be more than 0"))
	c.that(at+"health.fails", s.Health.Fails > 0, lang.M("must be more than 0"))
	c.that(at+"health.passes", s.Health.Passes > 0, lang.M("must be more than 0"))
	c.that(at+"health.disk_free", s.Health.DiskFree >= 0 && s.Health.DiskFree < 1,
		lang.M("is a fraction: 0.2 means 20 %%"))
	_, err := human.ParseBytes(s.Health.LogSize)
	c.that(at+"health.log_size", s.Health.LogSize == "" || err == nil, lang.M("%q is not a size: write 50M",
		s.Health.LogSize))
	c.that(at+"database.port", s.Database.Port >= 0 && s.Database.Port < 65536, lang.M("%d is not a port number",
		s.Database.Port))
	c.oneOf(at+"process.kind", s.Process.Kind, "pm2", "systemd", "compose", "command", "none")
	c.that(at+"process.start", s.Process.Kind != "command" || s.Process.Start != "" && s.Process.Stop != "",
		lang.M("process kind command needs start and stop"))
	c.oneOf(at+"backup.compress", s.Backup.Compress, "gzip", "zstd")
	if s.Backup.Binlog != "" {
		c.oneOf(at+"backup.binlog", s.Backup.Binlog, "follow")
	}
	c.oneOf(at+"backup.engine", s.Backup.Engine, "native", "mysqldump")
	c.that(at+"backup.dir", s.Backup.Dir != "", lang.M("must name a folder"))
	c.that(at+"restore.standby_delay", s.Restore.StandbyDelay >= 0, lang.M("cannot be negative"))
	c.that(at+"restore.standby_threads", s.Restore.StandbyThreads >= 0, lang.M("cannot be negative"))
	c.that(at+"backup.jobs", s.Backup.Jobs > 0, lang.M("must be more than 0"))
	c.keep(at+"backup.keep.", s.Backup.Keep)
	c.that(at+"backup.keep", s.Backup.Keep.Daily+s.Backup.Keep.Weekly+s.Backup.Keep.Monthly > 0,
		lang.M("would keep no backup at all"))
	c.logSources(at+"logs", s.Logs)
	for i, h := range s.Highlights {
		c.that(index(at+"highlights", i)+".query", h.Query != "", lang.M("a highlight needs a query"))
		c.oneOf(index(at+"highlights", i)+".colour", h.Colour, "", "red", "yellow", "green", "cyan", "blue", "magenta")
	}
	c.cron(at+"backup.daily", s.Backup.Daily)
	c.cron(at+"backup.verify", s.Backup.Verify)
	c.cron(at+"backup.drill", s.Backup.Drill)
	named := map[string]bool{}
	for i, copy := range s.Backup.Copies {
		here := fmt.Sprintf("%sbackup.copies[%d].", at, i)
		c.that(here+"name", !named[copy.Name], lang.M("two copies have the name %q", copy.Name))
		named[copy.Name] = true
		c.oneOf(here+"kind", copy.Kind, "rsync", "s3")
		c.oneOf(here+"addressing", copy.Addressing, "", "host", "path")
		c.that(here+"target", copy.Target != "", lang.M("must name the target"))
		c.keep(here+"keep.", copy.Keep)
		c.that(here+"late", copy.Late >= 0, lang.M("cannot be negative"))
	}
	_, err = clock.ParseZone(s.Audit.TimeZone)
	c.that(at+"audit.time_zone", err == nil || s.Audit.TimeZone == "server",
		lang.M("%q is not a time zone: write Asia/Shanghai, +08:00, local or server", s.Audit.TimeZone))
	c.that(
		at+"backup.stream_to",
		s.Backup.StreamTo == "" ||
			slices.ContainsFunc(s.Backup.Copies, func(x Copy) bool { return x.Name == s.Backup.StreamTo }),
		lang.M("there is no copy %q", s.Backup.StreamTo),
	)
	c.oneOf(at+"restore.mode", s.Restore.Mode, "swap", "in-place")
	c.deploy(at+"deploy.", s)
	c.metrics(at+"metrics.", s.Metrics)
	c.alerts(at, s)
	for i, n := range s.Notify {
		c.notify(fmt.Sprintf("%snotify[%d].", at, i), n)
	}
}

func (c *checker) notify(at string, n Notify) {
	c.oneOf(at+"kind", n.Kind, NotifyKinds...)
	c.oneOf(at+"tls", n.TLS, "", "required", "implicit", "none")
	c.that(at+"port", n.Port >= 0 && n.Port < 65536, lang.M("%d is not a port number", n.Port))
	c.that(at+"per_minute", n.PerMinute >= 0, lang.M("cannot be negative"))
	only := func(key, kind string, is bool) {
		c.that(at+key, !is || n.Kind == kind, lang.M("is only for the kind %s, not for %s", kind, n.Kind))
	}
	only("command", "command", len(n.Command) > 0)
	only("template_file", "webhook", n.TemplateFile != "")
	only("tls", "smtp", n.TLS != "")
	only("address", "syslog", n.Address != "")
	only("facility", "syslog", n.Facility != "")
	only("format", "syslog", n.Format != "")
	c.oneOf(at+"format", n.Format, "", "rfc5424", "rfc3164")
	only("labels", "alertmanager", len(n.Labels) > 0)
}

func (c *checker) deploy(at string, service Service) {
	d := service.Deploy
	if d.Switch.File != "" {
		c.nginx(at+"switch.", service)
	}
	for name, size := range map[string]string{"memory": d.Memory, "disk": d.Disk} {
		_, err := human.ParseBytes(size)
		c.that(at+name, err == nil, lang.M("%q is not a size: write 50M", size))
	}
	for i, p := range d.Plans {
		here := fmt.Sprintf("%splans[%d].", at, i)
		c.that(here+"name", p.Name != "", lang.M("a plan needs a name"))
		c.that(here+"steps", len(p.Steps) > 0, lang.M("a plan needs steps"))
		for n, s := range p.Steps {
			c.step(fmt.Sprintf("%ssteps[%d].", here, n), s)
			if d.Switch.File == "" && (s.Kind == "standby" || s.Kind == "switch") {
				c.nginx(at+"switch.", service)
			}
		}
	}
	c.that(at+"observe", d.Observe >= 0, lang.M("cannot be negative"))
	c.that(at+"node", d.Node >= 0, lang.M("cannot be negative"))
	c.url(at+"https", d.HTTPSURL)
	for _, path := range d.Shared {
		c.that(at+"shared", filepath.IsLocal(path), lang.M("%q is not below the code's folder", path))
	}
	for _, path := range append([]string{d.Docs}, d.Smoke...) {
		c.that(at+"smoke", path == "" || strings.HasPrefix(path, "/"),
			lang.M("%q is not a path: it begins with /", path))
	}
}

// nginx checks what steps of kind standby and switch need.
func (c *checker) nginx(at string, service Service) {
	s := service.Deploy.Switch.Filled(service)
	needed := map[string]string{"file": s.File, "upstream": s.Upstream, "test": s.Test, "reload": s.Reload}
	if service.Process.Kind != "pm2" || s.Start != "" || s.Stop != "" {
		needed["start"] = s.Start
		needed["stop"] = s.Stop
	}
	for name, value := range needed {
		c.that(at+name, value != "", lang.M("steps of type standby and switch need it"))
	}
	two := len(s.Ports) == 2 && s.Ports[0] != s.Ports[1]
	c.that(at+"ports", two, lang.M("steps of type standby and switch need two different ports"))
}

func (c *checker) step(at string, s DeployStep) {
	c.oneOf(at+"kind", s.Kind, deployKinds...)
	c.that(at+"name", s.Name != "", lang.M("a step needs a name"))
	c.that(at+"run", s.Run != "" || s.Kind != "" && s.Kind != "sync", lang.M("this step needs a command"))
	c.that(at+"timeout", s.Timeout >= 0, lang.M("cannot be negative"))
	for _, folder := range s.Keep {
		c.that(at+"keep", filepath.IsLocal(folder), lang.M("%q is not below the code's folder", folder))
	}
}

func (c *checker) keep(at string, k Keep) {
	for name, n := range map[string]int{"daily": k.Daily, "weekly": k.Weekly, "monthly": k.Monthly,
		"emergency": k.Emergency, "manual": k.Manual} {
		c.that(at+name, n >= 0, lang.M("cannot be negative"))
	}
}

func (c *checker) url(at, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	c.that(at, err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "",
		lang.M("%q is not an http or https address", value))
}

func (c *checker) cron(at, spec string) {
	if spec == "" || spec == "never" {
		return
	}
	_, err := crontab.Parse(spec)
	c.that(at, err == nil, lang.M("%q is not a cron schedule: %v", spec, err))
}
