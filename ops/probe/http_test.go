package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/health/healthhttp"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// ample is more time than anything that answers takes, on any machine.
const ample = 2 * time.Minute

// look runs a probe once.
func look(t *testing.T, p health.Probe) health.Result {
	t.Helper()
	return lookFor(t, ample, p)
}

func lookFor(t *testing.T, d time.Duration, p health.Probe) health.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return p(ctx)
}

// raw listens and hands each connection to serve.
func raw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	return "http://" + testdb.Listen(t, func(c net.Conn) { defer c.Close(); serve(c) }).String()
}

func refused(t *testing.T) string {
	t.Helper()
	port, err := testdb.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

func TestHTTPProbesReadTheAnswersOfTheField(t *testing.T) {
	up := true
	s := httptest.NewServer(healthhttp.Handler(healthhttp.Service{
		Name: "qianzhang", Version: "1.2.3", Started: time.Now().Add(-time.Hour),
		Database: func(context.Context) error {
			if up {
				return nil
			}
			return context.DeadlineExceeded
		},
	}))
	defer s.Close()
	r := look(t, Liveness(s.URL))
	if ms, _ := r.Field("uptime_ms").(int64); r.State != ops.StateOK || ms < 3_600_000 || ms > 3_700_000 {
		t.Errorf("health: %s %s, uptime %v", r.State, r.Detail, r.Field("uptime_ms"))
	}
	if r := look(t, Version(s.URL)); r.State != ops.StateOK || r.Detail.String() != "qianzhang 1.2.3" {
		t.Errorf("version: %s %s", r.State, r.Detail)
	}
	if r := look(t, Clock(s.URL, ample, time.Now)); r.State != ops.StateOK {
		t.Errorf("clock: %s %s", r.State, r.Detail)
	}
	if r := look(t, Readiness(s.URL)); r.State != ops.StateOK || r.Field("checks.database") != true {
		t.Errorf("ready: %s %s", r.State, r.Detail)
	}
	up = false
	time.Sleep(healthhttp.TTL) // the answer stays good for that long
	r = look(t, Readiness(s.URL))
	if r.State != ops.StateCritical || r.Down || r.Field("checks.database") != false ||
		r.Detail.String() != "/health/ready fails (database is false)" {
		t.Errorf("not ready: %s %s", r.State, r.Detail)
	}
}

func TestBadAnswersEndInASentence(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	page := func(code int, body string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 4096))
			fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", code, len(body), body)
		}
	}
	endless := func(c net.Conn) {
		c.Read(make([]byte, 4096))
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", int64(2)<<30)
		chunk := make([]byte, 64<<10)
		for {
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
	}
	drip := func(c net.Conn) {
		c.Read(make([]byte, 4096))
		c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"))
		<-hang
	}
	const short = 500 * time.Millisecond // for what never answers
	unasked := func(c net.Conn) {
		c.Write([]byte("\x00\xff garbage\r\n\r\n"))
		c.Read(make([]byte, 4096)) // closed unread, it would be a connection that broke
	}
	for name, c := range map[string]struct {
		base string
		time time.Duration
		want string
		down bool
	}{
		"refuses":        {refused(t), ample, "connection refused", true},
		"hangs":          {raw(t, func(net.Conn) { <-hang }), short, "timed out without a response", true},
		"drips":          {raw(t, drip), short, "timed out without a response", true},
		"speaks garbage": {raw(t, unasked), ample, "the server that answers does not use HTTP", true},
		"hangs up":       {raw(t, func(net.Conn) {}), ample, "the connection broke", true},
		"sends 2 GB":     {raw(t, endless), ample, "the response is larger than 64 KiB", true},
		"endless header": {raw(t, func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX: %s",
				strings.Repeat("x", 1<<20))
		}), ample, "", true},
		"not JSON": {raw(t, page(200, "<html>")), ample, "HTTP 200, and the response is not the " +
			"expected JSON", false},
		"JSON but no object": {raw(t, page(200, "[1]")), ample, "HTTP 200, and the response is not the expected JSON",
			false},
		"500":          {raw(t, page(500, `{"status":"ok"}`)), ample, "HTTP 500", false},
		"other status": {raw(t, page(200, `{"status":"dying"}`)), ample, `its status is "dying"`, false},
		"no TLS": {strings.Replace(raw(t, page(200, "x")), "http:", "https:", 1), ample, "the server " +
			"does not use TLS", true},
		"no such name": {"http://no-such-host.invalid", short, "", true}, // where no name server is, nothing answers
	} {
		t.Run(name, func(t *testing.T) {
			r := lookFor(t, c.time, Liveness(c.base))
			if r.State != ops.StateCritical || r.Down != c.down || c.want != "" && r.Why.String() != c.want {
				t.Fatalf("%s, down %v: %s", r.State, r.Down, r.Detail)
			}
		})
	}
}

func TestRedirectsAreBounded(t *testing.T) {
	asked := 0
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, s.URL+"/health", http.StatusFound)
	}))
	defer s.Close()
	r := look(t, Liveness(s.URL))
	if r.State != ops.StateCritical || r.Why.String() != "it redirects more than 5 times" || asked > maxRedirects+1 {
		t.Fatalf("%s after %d requests", r.Detail, asked)
	}
}

func TestReadinessNeedsItsChecksToBeTrue(t *testing.T) {
	for body, want := range map[string]ops.State{
		`{"status":"ready","checks":{"database":true}}`:               ops.StateOK,
		`{"status":"ready","checks":{"database":true,"redis":false}}`: ops.StateCritical,
		`{"status":"ready","checks":{"database":"yes"}}`:              ops.StateCritical,
		`{"status":"ready","checks":{"database":null}}`:               ops.StateCritical,
		`{"status":"ready"}`: ops.StateCritical,
		`{"checks":{"` + strings.Repeat("x", 1000) + `":false,"a":true}}`: ops.StateCritical,
	} {
		s := httptest.NewServer(
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) }),
		)
		if r := look(t, Readiness(s.URL)); r.State != want || len(r.Detail.String()) > 500 {
			t.Errorf("%.60s: %s %s", body, r.State, r.Detail)
		}
		s.Close()
	}
}

func TestOlderBuildWithoutVersionIsWell(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if r := look(t, Version(s.URL)); r.State != ops.StateOK {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
	if r := look(t, Version(refused(t))); r.State != ops.StateUnknown || r.Follows != health.KindHTTP {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
}

func TestSecretsOfAnAnswerAreMasked(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "sid=hunter2")
		w.Write([]byte(`{"status":"ok","password":"hunter2"}`))
	}))
	defer s.Close()
	if r := look(t, Liveness(s.URL)); strings.Contains(r.Raw, "hunter2") || !strings.Contains(r.Raw, "password") {
		t.Fatalf("raw:\n%s", r.Raw)
	}
}

func TestTLSNameAndAuthorityAreChecked(t *testing.T) {
	s := httptest.NewTLSServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"status":"ok"}`)) }),
	)
	defer s.Close()
	r := look(t, Liveness(s.URL))
	if r.State != ops.StateCritical || r.Why.String() != "the TLS certificate is signed by an unknown authority" {
		t.Errorf("unknown authority: %s", r.Detail)
	}
	client := s.Client() // trusts it
	client.Transport.(*http.Transport).TLSClientConfig.ServerName = "other.invalid"
	_, err := get(t.Context(), client, s.URL)
	if got := why(err).String(); !strings.HasPrefix(got, "the TLS certificate is for other names: example.com") {
		t.Errorf("wrong name: %s", got)
	}
}

func TestCertificateDaysAreCounted(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	ends := s.Certificate().NotAfter
	for left, want := range map[time.Duration]ops.State{
		90 * 24 * time.Hour: ops.StateOK, 20*24*time.Hour + time.Hour: ops.StateWarning, 6*24*time.Hour +
			time.Hour: ops.StateCritical, -time.Hour: ops.StateCritical,
	} {
		r := look(t, Certificate(s.URL, 21, func() time.Time { return ends.Add(-left) }))
		if r.State != want {
			t.Errorf("%v left: %s %s", left, r.State, r.Detail)
		}
	}
	plain := raw(t, func(c net.Conn) { c.Write([]byte("SSH-2.0\r\n")) })
	if r := look(t, Certificate(strings.Replace(plain, "http:", "https:", 1), 21,
		time.Now)); r.State != ops.StateUnknown {
		t.Errorf("no TLS: %s %s", r.State, r.Detail)
	}
}

func TestClockSkewIsSeenBeyondTheSecondOfTheHeader(t *testing.T) {
	ours := time.Date(2026, 1, 29, 12, 0, 0, 500e6, time.UTC)
	for _, c := range []struct {
		date time.Time
		want time.Duration
	}{
		{ours.Truncate(time.Second), 0},
		{ours.Add(10 * time.Second).Truncate(time.Second), 9500 * time.Millisecond},
		{ours.Add(-10 * time.Second).Truncate(time.Second), -9500 * time.Millisecond},
	} {
		if got := skewOf(ours, ours, c.date); got != c.want {
			t.Errorf("%v: %v, want %v", c.date, got, c.want)
		}
		if got := skewOf(ours.Add(-time.Minute), ours.Add(time.Minute), c.date); got != 0 {
			t.Errorf("%v: %v, though the answer took two minutes", c.date, got)
		}
	}
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if r := look(t, Clock(s.URL, 2*time.Second,
		func() time.Time { return time.Now().Add(time.Hour) })); r.State != ops.StateWarning {
		t.Errorf("an hour off: %s %s", r.State, r.Detail)
	}
}
