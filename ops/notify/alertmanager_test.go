package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

// manager is an HTTP server shaped as Alertmanager: it knows an alert by its labels,
// and refuses what the real one refuses.
type manager struct {
	alerts map[string]postableAlert
	now    time.Time
}

func (a *manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in []postableAlert
	in, err := a.read(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "%q", err.Error())
		return
	}
	for _, one := range in {
		key, _ := json.Marshal(one.Labels)
		a.alerts[string(key)] = one
	}
}

func (a *manager) read(r *http.Request) (in []postableAlert, err error) {
	if r.Method != "POST" || r.URL.Path != "/prefix/api/v2/alerts" ||
		r.Header.Get("Content-Type")[:16] != "application/json" {
		return nil, fmt.Errorf("%s %s", r.Method, r.URL.Path)
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	for _, one := range in {
		if one.Labels["alertname"] == "" || one.EndsAt.Before(one.StartsAt) {
			return nil, fmt.Errorf("start time must be before end time, and a name is needed: %v", one)
		}
		for name := range one.Labels {
			if !regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(name) {
				return nil, fmt.Errorf("invalid label %q", name)
			}
		}
	}
	return in, nil
}

// firing are the alerts that have not ended, by severity.
func (a *manager) firing() (out []string) {
	for _, one := range a.alerts {
		if one.EndsAt.After(a.now) {
			out = append(out, one.Labels["severity"])
		}
	}
	return out
}

func TestAlertmanagerFiresAndResolves(t *testing.T) {
	am := &manager{alerts: map[string]postableAlert{}, now: time.Date(2026, 1, 29, 5, 0, 0, 0, time.UTC)}
	srv := httptest.NewServer(am)
	defer srv.Close()
	target, err := New(config.Notify{Name: "am", Kind: "alertmanager", URLFile: secret(t, srv.URL+"/prefix/", 0o600),
		Labels: map[string]string{"site": "上海", "1st-zone": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	target.now = func() time.Time { return am.now }
	tell := func(change func(*Message), want ...string) {
		t.Helper()
		m := alert()
		change(&m)
		if err := target.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
		if got := am.firing(); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Fatalf("firing %v, want %v", got, want)
		}
	}
	tell(func(m *Message) { m.Severity = "warning" }, "warning")
	tell(func(m *Message) {}, "critical") // it became worse: one alert, not two
	for _, one := range am.alerts {
		if one.Labels["severity"] == "critical" && (one.Labels["alertname"] != "heap" || one.Labels["site"] != "上海" ||
			one.Labels["_1st_zone"] != "a" || one.Labels["source"] != "out.log" ||
			one.Annotations["evidence"] != alert().Evidence || !one.StartsAt.Equal(alert().Since)) {
			t.Errorf("got %+v", one)
		}
	}
	am.now = am.now.Add(time.Hour)
	tell(func(m *Message) { m.State, m.Ended = "resolved", am.now.Add(-time.Minute) })
	tell(func(m *Message) { m.Since = am.now.Add(time.Hour) }, "critical") // the clock was put back
	tell(func(m *Message) { m.State = "resolved" })
	tell(func(m *Message) { *m = message }, "info") // a news that is no alert ends by itself
	am.now = am.now.Add(newsFor + time.Second)
	if got := am.firing(); len(got) > 0 {
		t.Fatalf("still firing: %v", got)
	}
}

func TestWhatAlertmanagerRefusesIsFinal(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `"bad labels"`)
	}))
	defer srv.Close()
	target, err := New(config.Notify{Name: "am", Kind: "alertmanager", URLFile: secret(t, srv.URL, 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	err = target.Send(context.Background(), alert())
	if err == nil || Retryable(err) || !strings.Contains(err.Error(), "bad labels") {
		t.Fatalf("got %v", err)
	}
}

func TestPlainHTTPToAlertmanagerOnlyWithoutASecret(t *testing.T) {
	for text, ok := range map[string]bool{
		"http://10.0.0.5:9093":          true,
		"http://10.0.0.5:9093\ntoken":   false,
		"http://user:pw@10.0.0.5:9093/": false,
		"ftp://10.0.0.5/":               false,
	} {
		_, err := New(config.Notify{Name: "am", Kind: "alertmanager", URLFile: secret(t, text, 0o600)})
		if (err == nil) != ok || err != nil && ops.CodeOf(err) != ops.Config {
			t.Errorf("%q: %v", text, err)
		}
	}
}
