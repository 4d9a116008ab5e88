package notify

import (
	"regexp"
	"strings"
	"time"
)

// Alertmanager's v2 API, POST /api/v2/alerts (its api/v2/openapi.yaml, postableAlerts).
const alertsPath = "/api/v2/alerts"

// How long Alertmanager believes an alert that nobody repeats or resolves: a news that
// is no alert for minutes, an alert for a day.
const (
	newsFor  = 5 * time.Minute
	alertFor = 24 * time.Hour
)

type postableAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// withAlertsPath completes an address such as http://localhost:9093 or one below a prefix.
func withAlertsPath(path string) string {
	path = strings.TrimRight(path, "/")
	if strings.HasSuffix(path, alertsPath) {
		return path
	}
	return path + alertsPath
}

// postable is a message as Alertmanager takes it. Its identity there is the set of
// labels, so severity would make another alert of the same one: those of the other
// severities are ended in the same request.
func postable(m Message, further map[string]string, now time.Time) []postableAlert {
	a := postableAlert{
		Labels:      map[string]string{},
		Annotations: annotations(m),
		StartsAt:    m.Since,
		EndsAt:      now.Add(alertFor),
	}
	for _, some := range []map[string]string{further, m.Labels} {
		for name, value := range some {
			a.Labels[labelName(name)] = value
		}
	}
	a.Labels["alertname"] = m.Rule
	a.Labels["service"] = m.Service
	a.Labels["severity"] = m.Severity
	switch {
	case m.Rule == "":
		a.Labels["alertname"] = "opsdeck"
		a.Labels["severity"] = "info"
		a.EndsAt = now.Add(newsFor)
	case m.State == "resolved":
		a.EndsAt = m.Ended
		if a.EndsAt.IsZero() || a.EndsAt.After(now) {
			a.EndsAt = now
		}
	}
	if a.StartsAt.IsZero() || a.StartsAt.After(now) {
		a.StartsAt = now
	}
	if a.EndsAt.Before(a.StartsAt) {
		a.StartsAt = a.EndsAt
	}
	if m.Rule == "" {
		return []postableAlert{a}
	}
	return append([]postableAlert{a}, otherSeverities(a, now)...)
}

func otherSeverities(a postableAlert, now time.Time) (ended []postableAlert) {
	for _, severity := range []string{"critical", "warning", "info"} {
		if severity == a.Labels["severity"] {
			continue
		}
		other := postableAlert{
			Labels:      map[string]string{},
			Annotations: a.Annotations,
			StartsAt:    a.StartsAt,
			EndsAt:      now,
		}
		for name, value := range a.Labels {
			other.Labels[name] = value
		}
		other.Labels["severity"] = severity
		ended = append(ended, other)
	}
	return ended
}

func annotations(m Message) map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{
		"summary": m.Subject, "description": m.Text, "evidence": m.Evidence, "next": m.Next,
		"fingerprint": m.Fingerprint,
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

var noLabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// labelName is a name that every version of Alertmanager takes.
func labelName(name string) string {
	name = noLabel.ReplaceAllString(name, "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}
