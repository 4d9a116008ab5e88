package config

import (
	"net/url"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
)

// Metrics is the service's own endpoint in Prometheus' text format, that watch reads,
// and what is too much there. A limit of 0, or "", judges nothing.
type Metrics struct {
	URL       string        `yaml:"url"`        // http://localhost:3000/metrics; "" is none
	TokenFile string        `yaml:"token_file"` // 0600; a bearer token
	Requests  string        `yaml:"requests"`   // the counter of answers; "" finds it
	Duration  string        `yaml:"duration"`   // the histogram of their durations; "" finds it
	Errors    float64       `yaml:"errors"`     // share of 5xx answers: 0.05
	P95       time.Duration `yaml:"p95"`        // of the durations
	Memory    string        `yaml:"memory"`     // resident: "450M"
}

func (c *checker) metrics(at string, m Metrics) {
	if m.URL != "" {
		u, err := url.Parse(m.URL)
		c.that(at+"url", err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "",
			lang.M("%q is not a URL: write http://localhost:3000/metrics", redact.Text(m.URL)))
	}
	c.that(at+"errors", m.Errors >= 0 && m.Errors < 1, lang.M("is a fraction: 0.2 means 20 %%"))
	c.that(at+"p95", m.P95 >= 0, lang.M("cannot be negative"))
	_, err := human.ParseBytes(m.Memory)
	c.that(at+"memory", m.Memory == "" || err == nil, lang.M("%q is not a size: write 50M", m.Memory))
}
