package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// family is one metric name with its labels.
type family struct {
	name   string
	labels []string
	kind   prometheus.ValueType
	desc   *prometheus.Desc
}

// families are all names, in the order of their declaration.
var families []*family

func declare(kind prometheus.ValueType, name, help string, labels []string) *family {
	f := &family{name: name, labels: labels, kind: kind, desc: prometheus.NewDesc(name, help, labels, nil)}
	families = append(families, f)
	return f
}

func gauge(name, help string, labels ...string) *family {
	return declare(prometheus.GaugeValue, name, help, labels)
}

func counter(name, help string, labels ...string) *family {
	return declare(prometheus.CounterValue, name, help, labels)
}

// of makes a value of the family. The label values follow the family's labels.
func (f *family) of(value float64, labels ...string) prometheus.Metric {
	for i, l := range labels {
		labels[i] = plain(l)
	}
	return prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

// unix is a moment as Prometheus keeps it.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
