package probe

import (
	"context"
	"errors"
	"math"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Metrics is a service's endpoint in Prometheus' text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/) and what is too much
// there. A limit of 0 judges nothing.
type Metrics struct {
	URL   string
	Token func() (string, error) // a bearer token; nil is none
	// Requests and Duration name the families; "" finds the usual ones: http_… with a
	// label of the status, http_…duration… as histogram or summary.
	Requests, Duration string

	Errors float64       // share of 5xx answers
	P95    time.Duration // of the answers' durations
	Memory int64         // resident, in bytes

	Window time.Duration // over which shares and percentiles are taken
	Pace   time.Duration // between two looks
	Now    func() time.Time
}

// fewest is how many failed answers a share needs to mean something.
const fewest = 3

// Probes are the looks at the errors, the durations and the memory. They share one
// reading of the endpoint.
func (m Metrics) Probes() (errorShare, p95, memory health.Probe) {
	s := newScrape(m)
	judge := func(one func() health.Result) health.Probe {
		return func(ctx context.Context) health.Result {
			if err := s.look(ctx); err != nil {
				r := health.CannotTell(lang.M("cannot read the metrics"), whyMetrics(err))
				r.Follows = health.KindHTTP
				return r
			}
			return one()
		}
	}
	return judge(s.errorShare), judge(s.p95), judge(s.memory)
}

func whyMetrics(err error) lang.Msg {
	var status errStatus
	switch {
	case errors.As(err, &status):
		return lang.M("HTTP %d", int(status))
	case errors.Is(err, errLarge):
		return lang.M("the response is larger than %s", human.Bytes(maxMetrics))
	case errors.Is(err, errMetrics):
		return lang.M("the response is not in Prometheus text format")
	}
	return why(err)
}

// early is the result of the first look at what is judged by its change.
func early(headline lang.Msg) health.Result {
	r := health.CannotTell(headline, lang.M("not read twice yet"))
	r.Early = true
	return r
}

func (s *scrape) errorShare() health.Result {
	if !s.latest().counted {
		return health.CannotTell(lang.M("the share of 5xx responses is unknown"),
			lang.M("no metric counts responses by status: set metrics.requests"))
	}
	d, ok := s.change()
	if !ok {
		return early(lang.M("the share of 5xx responses is unknown"))
	}
	over := human.Duration(s.Window)
	share := 0.0
	if d.total > 0 {
		share = d.failed / d.total
	}
	r := health.Result{Detail: lang.M("5xx: %s, responses in %s: %d", human.Percent(share), over, int64(d.total))}
	r.Add("error_share", share, lang.Raw(human.Percent(share)))
	r.Add("answers", int64(d.total), lang.Msg{})
	if s.Errors > 0 && share > s.Errors && d.failed >= fewest {
		r.Find(ops.StateCritical, lang.M("5xx: %s, responses in %s: %d", human.Percent(share), over, int64(d.total)),
			lang.M("limit %s", human.Percent(s.Errors)))
	}
	return r
}

func (s *scrape) p95() health.Result {
	headline := lang.M("the P95 response time is unknown")
	last := s.latest()
	p95 := last.q95
	most := math.NaN()
	if last.buckets != nil {
		d, ok := s.change()
		if !ok {
			return early(headline)
		}
		p95, most = quantile95(d.buckets)
		if math.IsNaN(p95) {
			return health.Result{Detail: lang.M("no responses in %s", human.Duration(s.Window))}
		}
	}
	switch {
	case math.IsNaN(p95):
		return health.CannotTell(headline, lang.M("no metric for response times: set metrics.duration"))
	case math.IsInf(p95, 1) && seconds(most) < s.P95:
		return health.CannotTell(headline, lang.M("it is over %s, the highest bucket", human.Duration(seconds(most))))
	}
	shown := human.Duration(seconds(p95))
	if math.IsInf(p95, 1) {
		shown = "> " + human.Duration(seconds(most))
	}
	r := health.Result{Detail: lang.M("P95 response time: %s", shown)}
	r.Add("p95_ms", seconds(min(p95, 1e6)).Milliseconds(), lang.Raw(shown))
	if s.P95 > 0 && (math.IsInf(p95, 1) || seconds(p95) > s.P95) {
		r.Find(ops.StateCritical, lang.M("P95 response time: %s", shown), lang.M("limit %s", human.Duration(s.P95)))
	}
	return r
}

func (s *scrape) memory() health.Result {
	n := s.latest().memory
	if math.IsNaN(n) {
		return health.CannotTell(lang.M("the resident memory is unknown"),
			lang.M("there is no metric %s", "process_resident_memory_bytes"))
	}
	r := health.Result{Detail: lang.M("resident memory: %s", human.Bytes(int64(n)))}
	r.Add("resident_bytes", int64(n), lang.Raw(human.Bytes(int64(n))))
	if s.Memory > 0 && int64(n) > s.Memory {
		r.Find(ops.StateWarning, lang.M("resident memory: %s", human.Bytes(int64(n))),
			lang.M("limit %s", human.Bytes(s.Memory)))
	}
	return r
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
