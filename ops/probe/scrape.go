package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Bounds of what is read from a metrics endpoint.
const (
	maxMetrics   = 4 << 20
	maxProcesses = 64 // of one endpoint whose answers come from several in turn
)

// sample is what one look at an endpoint gave. Counts are since the process started.
type sample struct {
	at      time.Time
	start   float64 // of the process, in seconds since 1970; 0 when it does not say
	total   float64 // answers
	failed  float64 // of them 5xx
	counted bool    // total and failed are known
	buckets map[float64]float64
	q95     float64 // of a summary, in seconds; NaN when there is none
	memory  float64 // resident, in bytes; NaN when it is not told
}

// scrape reads a metrics endpoint and keeps the samples of a window, by process: behind
// one address there may be several that answer in turn.
type scrape struct {
	Metrics
	client *http.Client

	mu    sync.Mutex
	procs map[float64][]sample
	last  sample
	err   error
	read  time.Time // when the endpoint was read last
}

func newScrape(m Metrics) *scrape {
	client := newClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &scrape{Metrics: m, client: client, procs: map[float64][]sample{}}
}

// look reads the endpoint, unless that was done a moment ago.
func (s *scrape) look(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.read.IsZero() && time.Since(s.read) < s.Pace/2 {
		return s.err
	}
	one, err := s.fetch(ctx)
	s.err = err
	s.read = time.Now()
	if err != nil {
		return err
	}
	s.keep(one)
	return nil
}

// keep adds a sample and forgets those that the window no longer needs.
func (s *scrape) keep(one sample) {
	s.last = one
	list := s.procs[one.start]
	if n := len(list); n > 0 && one.total < list[n-1].total { // it counts from 0 again
		list = nil
	}
	s.procs[one.start] = append(list, one)
	for start, list := range s.procs {
		for len(list) > 1 && one.at.Sub(list[1].at) >= s.Window {
			list = list[1:]
		}
		s.procs[start] = list
		if one.at.Sub(list[len(list)-1].at) > s.Window {
			delete(s.procs, start)
		}
	}
	for len(s.procs) > maxProcesses {
		for start := range s.procs {
			if start != one.start {
				delete(s.procs, start)
				break
			}
		}
	}
}

// change is what the counts of all processes grew by within the window. ok is false
// when no two samples of one process are known yet.
func (s *scrape) change() (sum sample, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum.buckets = map[float64]float64{}
	for _, list := range s.procs {
		first := list[0]
		last := list[len(list)-1]
		if first.start > 0 && float64(last.at.Unix())-first.start < s.Window.Seconds() { // it started since
			first = sample{}
		} else if len(list) < 2 {
			continue
		}
		ok = true
		sum.total += last.total - first.total
		sum.failed += max(0, last.failed-first.failed)
		for bound, n := range last.buckets {
			sum.buckets[bound] += max(0, n-first.buckets[bound])
		}
	}
	return sum, ok
}

// latest is the newest sample.
func (s *scrape) latest() sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// errStatus is an answer other than 200.
type errStatus int

func (e errStatus) Error() string { return fmt.Sprintf("HTTP %d", int(e)) }

// errMetrics is an answer that is not in the text format.
var errMetrics = errors.New("the response is not in Prometheus text format")

func (s *scrape) fetch(ctx context.Context) (sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return sample{}, err
	}
	req.Header.Set("User-Agent", "opsdeck")
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	if s.Token != nil {
		token, err := s.Token()
		if err != nil {
			return sample{}, err
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return sample{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return sample{}, errStatus(resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetrics+1))
	if err != nil {
		return sample{}, err
	}
	if len(body) > maxMetrics {
		return sample{}, errLarge
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return sample{}, errMetrics
	}
	return s.sampleOf(families), nil
}

func (s *scrape) sampleOf(families map[string]*dto.MetricFamily) sample {
	one := sample{at: s.Now(), q95: math.NaN(), memory: math.NaN()}
	one.start, _ = single(families["process_start_time_seconds"])
	if v, ok := single(families["process_resident_memory_bytes"]); ok {
		one.memory = v
	}
	if f := s.pick(families, s.Requests, isRequests); f != nil {
		one.count(f)
	}
	if f := s.pick(families, s.Duration, isDuration); f != nil {
		one.durations(f)
	}
	return one
}

// pick is the family that is named, or the first in the order of the names that is fit.
func (s *scrape) pick(families map[string]*dto.MetricFamily, named string,
	fit func(*dto.MetricFamily) bool) *dto.MetricFamily {
	if named != "" {
		return families[named]
	}
	var names []string
	for name, f := range families {
		if fit(f) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return families[slices.Min(names)]
}

// statusLabels are the labels under which the usual middlewares put the status.
var statusLabels = []string{"status_code", "status", "code", "statusCode"}

// isRequests tells whether a family counts answers to HTTP requests by their status.
func isRequests(f *dto.MetricFamily) bool {
	return strings.HasPrefix(f.GetName(), "http_") && len(f.Metric) > 0 && countOf(f.Metric[0]) != nil &&
		slices.ContainsFunc(f.Metric, func(m *dto.Metric) bool { return statusOf(m) != "" })
}

// isDuration tells whether a family has the time that answers took.
func isDuration(f *dto.MetricFamily) bool {
	timed := f.GetType() == dto.MetricType_HISTOGRAM || f.GetType() == dto.MetricType_SUMMARY
	return timed && strings.HasPrefix(f.GetName(), "http_") && strings.Contains(f.GetName(), "duration")
}

func statusOf(m *dto.Metric) string {
	for _, l := range m.Label {
		if slices.Contains(statusLabels, l.GetName()) {
			return l.GetValue()
		}
	}
	return ""
}

// countOf is how often something happened: a counter, or the count of a histogram.
func countOf(m *dto.Metric) *float64 {
	var n float64
	switch {
	case m.Counter != nil:
		n = m.Counter.GetValue()
	case m.Histogram != nil:
		n = float64(m.Histogram.GetSampleCount())
	case m.Summary != nil:
		n = float64(m.Summary.GetSampleCount())
	default:
		return nil
	}
	return &n
}

func single(f *dto.MetricFamily) (v float64, ok bool) {
	if f == nil || len(f.Metric) == 0 {
		return 0, false
	}
	m := f.Metric[0]
	switch {
	case m.Gauge != nil:
		v = m.Gauge.GetValue()
	case m.Untyped != nil:
		v = m.Untyped.GetValue()
	case m.Counter != nil:
		v = m.Counter.GetValue()
	default:
		return 0, false
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// count adds up the answers of a family.
func (s *sample) count(f *dto.MetricFamily) {
	for _, m := range f.Metric {
		n := countOf(m)
		if n == nil || math.IsNaN(*n) {
			continue
		}
		s.counted = true
		s.total += *n
		if strings.HasPrefix(statusOf(m), "5") {
			s.failed += *n
		}
	}
}

// durations adds up the buckets of a family, in seconds.
func (s *sample) durations(f *dto.MetricFamily) {
	unit := 1.0
	if strings.HasSuffix(f.GetName(), "_ms") || strings.HasSuffix(f.GetName(), "_milliseconds") {
		unit = 1000
	}
	for _, m := range f.Metric {
		if m.Histogram != nil {
			for _, b := range m.Histogram.Bucket {
				if s.buckets == nil {
					s.buckets = map[float64]float64{}
				}
				s.buckets[b.GetUpperBound()/unit] += float64(b.GetCumulativeCount())
			}
		}
		if m.Summary == nil {
			continue
		}
		for _, q := range m.Summary.Quantile {
			v := q.GetValue() / unit
			if q.GetQuantile() == 0.95 && !math.IsNaN(v) && (math.IsNaN(s.q95) || v > s.q95) {
				s.q95 = v
			}
		}
	}
}

// quantile95 is the 95th percentile of cumulative buckets, linear within one, as
// Prometheus' histogram_quantile has it. Beyond the last bound it is +Inf, and most
// is that bound.
func quantile95(buckets map[float64]float64) (p95, most float64) {
	var bounds []float64
	for b := range buckets {
		bounds = append(bounds, b)
	}
	slices.Sort(bounds)
	n := len(bounds)
	if n == 0 || buckets[bounds[n-1]] == 0 {
		return math.NaN(), math.NaN()
	}
	most = bounds[n-1]
	if math.IsInf(most, 1) && n > 1 {
		most = bounds[n-2]
	}
	rank := 0.95 * buckets[bounds[n-1]]
	low, below := 0.0, 0.0
	for _, b := range bounds {
		if in := buckets[b]; in >= rank {
			if math.IsInf(b, 1) {
				return b, most
			}
			return low + (b-low)*(rank-below)/max(in-below, 1e-9), most
		}
		low = b
		below = buckets[b]
	}
	return math.Inf(1), most
}
