package alerts

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/checks"
)

// TestACertificateThatExpiresFiresAndResolves: a real watcher looks at a real TLS server,
// by a clock that the test moves.
func TestACertificateThatExpiresFiresAndResolves(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	ends := web.Certificate().NotAfter
	now := clocktest.New(ends.Add(-60 * 24 * time.Hour))
	s := config.DefaultService()
	s.Name = "q"
	s.Logs = nil
	s.Health.URL = web.URL
	s.Health.Interval = 20 * time.Millisecond
	state := t.TempDir()
	source := checks.Source{Service: s, Now: now.Now}
	source.Site = func() (*site.Site, error) { return &site.Site{Service: &s, StateDir: state}, nil }
	all := slices.DeleteFunc(checks.Of(source), func(c health.Check) bool { return c.Name != "tls" })
	w := &Watcher{
		Services: []Service{{Config: s, Checks: all}}, StateDir: state, Clock: now,
		Lang: lang.For("en"), Say: func(m lang.Msg) { t.Log(m.String()) },
	}
	if err := w.Prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	firing := func() bool {
		book, err := alert.Read(w.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(book.Alerts, func(a alert.Alert) bool {
			return a.Rule == "tls" && a.State == alert.Firing
		})
	}
	await := func(want bool) {
		t.Helper()
		for late := time.Now().Add(time.Minute); firing() != want; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("firing is not %v", want)
			}
		}
	}
	await(false)
	now.Set(ends.Add(-5 * 24 * time.Hour)) // under a third of 21 days
	await(true)
	now.Set(ends.Add(-60 * 24 * time.Hour)) // as a renewed one
	await(false)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
