// Package checks makes the health checks of one service.
package checks

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/probe"
	"opsdeck/ops/service"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// How many intervals lie between two looks at what changes slowly or costs more.
const (
	processPace = 3
	diskPace    = 6
	slowPace    = 12
)

// Of makes the checks of a service, in the order in which they are shown.
func Of(s Source) []health.Check {
	b := checker{Source: s}
	b.http()
	b.database()
	b.schema()
	b.restoring()
	b.deploying()
	b.redis()
	b.process()
	b.disks()
	b.backup()
	b.copies()
	b.standby()
	b.logs()
	b.alerts()
	loginWithin(&b)
	nameService(&b)
	return b.checks
}

// loginWithin lets no check wait longer than the timeout of health checks for a server that
// does not let it in, however long its other work may take.
func loginWithin(b *checker) {
	for i := range b.checks {
		probe := b.checks[i].Probe
		b.checks[i].Probe = func(ctx context.Context) health.Result {
			return probe(mysql.LoginWithin(ctx, b.Service.Health.Timeout))
		}
	}
}

// nameService has the advice of each check name the service, where Opsdeck does.
func nameService(b *checker) {
	if b.Opsdeck == nil {
		return
	}
	program := strings.TrimSuffix(b.Opsdeck("status"), " status")
	if !strings.Contains(program, " --service ") {
		return
	}
	for i := range b.checks {
		probe := b.checks[i].Probe
		b.checks[i].Probe = func(ctx context.Context) health.Result {
			r := probe(ctx)
			r.Next = typed.Msg(program, r.Next)
			r.Meanwhile = typed.Msg(program, r.Meanwhile)
			return r
		}
	}
}

// Source is a service to look at, and what its checks need.
type Source struct {
	Service config.Service
	Now     func() time.Time
	// site opens the service for one look: a state folder that cannot be used is
	// the result of that look.
	Site func() (*site.Site, error)
	// Opsdeck is the command of opsdeck with such words, for this configuration and
	// service; nil leaves both out.
	Opsdeck func(words string) string
	// next is what to do first about a fault of the database server.
	Next func(mysql.Fault) lang.Msg
	// OpenAudit opens the service's audit table; nil where nobody does.
	OpenAudit func(context.Context) (AuditLog, error)
	// Mark is the file that holds how far the audit rows were judged; "" keeps none.
	Mark string
}

// checker collects the checks of one service.
type checker struct {
	Source
	checks []health.Check
}

func (b *checker) add(name string, kind health.Kind, pace int, probe health.Probe, limits []health.Limit,
	commands ...string) {
	h := b.Service.Health
	b.checks = append(b.checks, health.Check{
		Service: b.Service.Name, Name: name, Kind: kind, Timeout: h.Timeout, Interval: time.Duration(pace) * h.Interval,
		Probe: probe, Limits: limits, Commands: commands,
	})
}

func (b *checker) http() {
	h := b.Service.Health
	if h.URL == "" {
		return
	}
	curl := func(path string) string { return "curl -sS -i " + human.Shell(probe.Join(h.URL, path)) }
	var slow lang.Msg
	if h.Slow > 0 {
		slow = lang.M("over %s", human.Duration(h.Slow))
	}
	b.add("health", health.KindHTTP, 1, probe.Slow(probe.Liveness(h.URL), h.Slow, "/health"),
		limits(lang.M("response"), slow, lang.M("not 200, or its status is not ok")), curl("/health"))
	b.add("ready", health.KindHTTP, 1, probe.Slow(probe.Readiness(h.URL), h.Slow, "/health/ready"),
		limits(lang.M("response"), slow, lang.M("not 200, or one of its checks is false")), curl("/health/ready"))
	b.add("version", health.KindHTTP, slowPace, probe.Version(h.URL), nil, curl("/health/version"))
	if probe.IsTLS(h.URL) {
		b.add("tls", health.KindTLS, slowPace, probe.Certificate(h.URL, h.CertDays, b.Now),
			limits(lang.M("days left"), lang.M("under %d", h.CertDays), lang.M("under %d", h.CertDays/3)),
			"curl -svo /dev/null "+human.Shell(h.URL))
	}
	b.add("clock", health.KindClock, slowPace, probe.Clock(h.URL, h.ClockSkew, b.Now),
		limits(lang.M("difference"), lang.M("over %s", human.Duration(h.ClockSkew)), lang.Msg{}), "timedatectl",
		curl("/health")+" | grep -i ^date")
	if hasSecret(h.URL) {
		b.hideAddress()
	}
}

// hideAddress advises opsdeck's own look in the place of commands with an address that
// holds a secret.
func (b *checker) hideAddress() {
	for i := range b.checks {
		c := &b.checks[i]
		for k, command := range c.Commands {
			if strings.HasPrefix(command, "curl ") {
				c.Commands[k] = "opsdeck status --only " + c.Name
			}
		}
	}
}

func (b *checker) database() {
	d, h := b.Service.Database, b.Service.Health
	if !HasDatabase(d) {
		return
	}
	client := site.MysqlClient(d)
	commands := []string{client + ` -e "SHOW FULL PROCESSLIST"`, client + ` -e "SHOW ENGINE INNODB STATUS\G"`}
	if d.Container != "" {
		commands = append(commands, "docker logs --tail 50 "+human.Shell(d.Container))
	}
	lim := append(
		limits(lang.M("connections in use"), lang.M("from %s", human.Percent(h.Threads)), lang.M("from %s", "95 %")),
		health.Limit{What: lang.M("open transaction"), Warning: lang.M("over %s", human.Duration(h.LongTransaction))},
		health.Limit{What: lang.M("replication lag"), Warning: lang.M("over %s", human.Duration(h.ReplicationLag))},
	)
	b.add("mysql", health.KindMySQL, 1, b.serverFirst(b.onPurpose(containerOf(d, databaseProbe(d, h, b.Next)))), lim,
		commands...)
}

func HasDatabase(d config.Database) bool { return d.Name != "" || d.Host != "" || d.Socket != "" }

// databaseProbe reads the options file at the first look, so that a file that
// cannot be used is one check's result and not the end of all.
func databaseProbe(d config.Database, h config.Health, next func(mysql.Fault) lang.Msg) health.Probe {
	var ready health.Probe
	return func(ctx context.Context) health.Result {
		if ready == nil {
			target, err := mysql.Resolve(d)
			if err != nil {
				return cannot(lang.M("cannot check MySQL"), err)
			}
			look := mysql.Probe{
				Target:      target,
				Threads:     h.Threads,
				Transaction: h.LongTransaction,
				Lag:         h.ReplicationLag,
				DiskFree:    h.DiskFree,
				Next:        next,
			}.Health()
			if target.NoOptions != "" { // it may be made while the console runs
				return look(ctx)
			}
			ready = look
		}
		return ready(ctx)
	}
}

// cannot is the result of a look that failed before it began.
func cannot(headline lang.Msg, err error) health.Result {
	var e *ops.Error
	if !errors.As(err, &e) {
		return health.CannotTell(headline, lang.Raw(err.Error()))
	}
	r := health.CannotTell(headline, e.What)
	if !e.Hint.Empty() {
		r.Next = lang.Sentence(e.Hint)
	}
	return r
}

func (b *checker) redis() {
	r := b.Service.Redis
	if r.Address == "" {
		return
	}
	host, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		host, port = r.Address, "6379"
	}
	cli := "redis-cli -h " + human.Shell(host) + " -p " + port
	var ready health.Probe
	look := func(ctx context.Context) health.Result {
		if ready == nil {
			password := ""
			if r.PasswordFile != "" {
				if password, err = config.ReadSecret(r.PasswordFile); err != nil {
					return cannot(lang.M("cannot check Redis"), err)
				}
			}
			ready = probe.Redis{Address: net.JoinHostPort(host, port), Password: password, Required: r.Required}.Probe()
		}
		return ready(ctx)
	}
	down := lang.M("it is down")
	lim := health.Limit{What: lang.M("response"), Warning: down}
	if r.Required {
		lim = health.Limit{What: lang.M("response"), Critical: down}
	}
	b.add("redis", health.KindRedis, 1, look,
		[]health.Limit{lim, {What: lang.M("dropped keys, rejected connections"), Warning: lang.M("any increase")}},
		cli+" ping", cli+" info")
}

func (b *checker) process() {
	p := b.Service.Process
	if p.Kind == "none" || p.Kind == "" {
		return
	}
	c, err := service.New(p)
	if err != nil {
		b.add("process", health.KindProcess, slowPace, func(context.Context) health.Result {
			return cannot(lang.M("cannot check the process"), err)
		}, nil)
		return
	}
	cmds := c.Commands()
	var commands []string
	for _, line := range []string{cmds.Status, cmds.Start, cmds.Stop} {
		if line != "" {
			commands = append(commands, line)
		}
	}
	if p.Kind == "pm2" {
		commands = append(commands, "pm2 logs "+human.Shell(p.Name)+" --lines 50")
	}
	b.add("process", health.KindProcess, processPace,
		b.onPurpose(b.portTaken(probe.Process(c, filesOf(b.Service.Logs.Paths()), b.Now))),
		limits(lang.M("status"), lang.M("starting, or restarted"), lang.M("stopped or failed")), commands...)
	last := &b.checks[len(b.checks)-1]
	last.Timeout = max(last.Timeout, probe.ProcessTimeout)
}

func (b *checker) backup() {
	p, d := b.Service.Backup, b.Service.Database
	if p.Dir == "" || !HasDatabase(d) {
		return
	}
	dir := config.Home(p.Dir)
	look := probe.Backup{Source: inventory{b.Source}, Schedule: p.Daily, Late: p.Late, Now: b.Now}
	b.add(
		"backup",
		health.KindBackup,
		slowPace,
		making{b.Source}.with(b.withArchive(b.withRuns(look.Probe()))),
		limits(lang.M("age of the newest good backup"), lang.M("the last run of %q made no backup", p.Daily),
			lang.M("over %s", human.Duration(p.Late))),
		"opsdeck backup list",
		"ls -lt "+human.Shell(dir)+" | head",
	)
	last := &b.checks[len(b.checks)-1]
	last.Timeout = max(last.Timeout, inventoryTimeout)
}

// inventory tells status of the newest good backup.
type inventory struct{ Source }

func (i inventory) shelf() (*backups.Shelf, error) {
	at, err := i.Site()
	if err != nil {
		return nil, err
	}
	return backups.Open(at)
}

// NewestGood reads the folder.
func (i inventory) NewestGood(ctx context.Context) (health.NewestBackup, error) {
	shelf, err := i.shelf()
	if err != nil {
		return health.NewestBackup{}, err
	}
	inv, err := shelf.ReadOrNone(ctx)
	if err != nil {
		return health.NewestBackup{}, err
	}
	away, err := shelf.Elsewhere(inv)
	if err != nil {
		return health.NewestBackup{}, err
	}
	best := backup.NewestUsable(inv, i.Service.Database.Name)
	out := health.NewestBackup{}
	if best == nil {
		out.Others = inv.OtherDatabases(i.Service.Database.Name)
	}
	if best != nil {
		out = health.NewestBackup{
			Name:      best.Name,
			CreatedAt: best.At,
			SizeBytes: best.Size,
			Verified:  best.State == backup.Good,
			Verify:    best.HowToVerify(),
			Moved:     best.Before != nil,
			Unseen:    best.Summary.Unseen,
		}
	}
	if best != nil {
		if shrink, ok := inv.Shrunk(best); ok {
			out.Shrunk = shrink.Text()
		}
	}
	if s, _ := backup.NewestElsewhere(away, i.Service.Database.Name); s != nil && s.At.After(out.CreatedAt) {
		out = health.NewestBackup{Name: s.Path, CreatedAt: s.At, SizeBytes: s.Size, Verified: true}
	}
	for _, s := range inv.Sets {
		switch {
		case s.State != backup.Bad || !s.Restorable(i.Service.Database.Name):
		case s.At.After(out.CreatedAt):
			out.Bad = append(out.Bad, s.Name)
		default:
			out.OldBad = append(out.OldBad, s.Name)
		}
	}
	return out, nil
}

// filesOf are the log sources that are files.
func filesOf(sources []string) (patterns []string) {
	for _, source := range sources {
		if probe.IsFile(source) {
			patterns = append(patterns, source)
		}
	}
	return patterns
}

func (b *checker) logs() {
	h := b.Service.Health
	patterns := filesOf(b.Service.Logs.Paths())
	if len(patterns) == 0 {
		return
	}
	size, _ := human.ParseBytes(h.LogSize) // checked when it was loaded
	look := probe.Logs{Patterns: patterns, MaxBytes: size, Keep: h.LogKeep, Now: b.Now}
	b.add("logs", health.KindLog, processPace, look.Probe(), []health.Limit{
		{What: lang.M("a live file"), Warning: lang.M("over %s", human.Bytes(2*size))},
		{What: lang.M("rotated files"), Warning: lang.M("over %d", h.LogKeep+1)},
		{What: lang.M("critical errors of the last 10 minutes"), Critical: lang.M("any")},
	}, "ls -lhS "+strings.Join(patterns, " "))
}

// inventoryTimeout is the least time that a look at a folder of backups gets.
const inventoryTimeout = 10 * time.Second

func limits(what, warning, critical lang.Msg) []health.Limit {
	return []health.Limit{{What: what, Warning: warning, Critical: critical}}
}
