package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsdeck/internal/config"
	"opsdeck/ops/site"
	"opsdeck/ops/site/checks"
)

// How often the parts look, and how long a look may take.
const (
	quick     = 5 * time.Second
	slow      = time.Minute
	quickTime = 10 * time.Second
	slowTime  = 5 * time.Minute
)

// Source is a service to tell of.
type Source struct {
	Service config.Service
	// Site opens the service for one look: a state folder that cannot be used is
	// the result of that look.
	Site func() (*site.Site, error)
}

// Parts are what is looked at of a service, apart from its checks.
func Parts(s Source) []Part {
	parts := []Part{s.part("jobs", quick, quickTime, s.jobs)}
	if checks.HasDatabase(s.Service.Database) {
		parts = append(parts, s.part("restores", quick, quickTime, s.restores))
	}
	if s.Service.Backup.Dir != "" && checks.HasDatabase(s.Service.Database) {
		parts = append(parts, s.part("backups", slow, slowTime, s.backups), s.part("drills", slow, quickTime, s.drills))
	}
	return parts
}

func (s Source) part(name string, interval, timeout time.Duration, look lookFunc) Part {
	return Part{Service: s.Service.Name, Name: name, Interval: interval, Timeout: timeout, Look: look}
}

// is a value that does not depend on when it is read.
func is(f *family, value float64, labels ...string) Value {
	m := f.of(value, labels...)
	return func(time.Time) prometheus.Metric { return m }
}

// since is the age of a moment.
func since(f *family, at time.Time, labels ...string) Value {
	return func(now time.Time) prometheus.Metric { return f.of(max(0, now.Sub(at)).Seconds(), labels...) }
}
