package healthhttp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

func fixed() Service {
	return Service{
		Name: "qianzhang", Version: "1.2.3", Description: "千张销售管理系统", Environment: "production",
		Database: func(context.Context) error { return nil },
		Started:  noon.Add(-123450 * time.Millisecond), Now: func() time.Time { return noon },
	}
}

func ask(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestAnswersAreThoseOfTheField(t *testing.T) {
	down, redis := fixed(), fixed()
	down.Database = func(context.Context) error { return errors.New("refused") }
	redis.Redis = func(context.Context) error { return errors.New("refused") }
	for _, c := range []struct {
		name    string
		service Service
		path    string
		code    int
		want    string
	}{
		{"live", fixed(), "/health", 200,
			`{"status":"ok","timestamp":"2026-01-29T12:00:00.000Z","uptime":123.45,"message":"Service is running"}`},
		{"ready", fixed(), "/health/ready", 200,
			`{"status":"ready","timestamp":"2026-01-29T12:00:00.000Z","checks":{"database":true},"message":"Service is ready"}`},
		{"not ready", down, "/health/ready", 503,
			`{"status":"not ready","timestamp":"2026-01-29T12:00:00.000Z","checks":{"database":false},"message":"Service is not ready"}`},
		{"redis is optional", redis, "/health/ready", 200,
			`{"status":"ready","timestamp":"2026-01-29T12:00:00.000Z","checks":{"database":true,"redis":true},"message":"Service is ready"}`},
		{"version", fixed(), "/health/version", 200,
			`{"name":"qianzhang","version":"1.2.3","description":"千张销售管理系统","timestamp":"2026-01-29T12:00:00.000Z","environment":"production"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, body := ask(t, Handler(c.service), c.path)
			if code != c.code || body != c.want {
				t.Errorf("%d %s\nwant %d %s", code, body, c.code, c.want)
			}
		})
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	h := Handler(fixed())
	if code, _ := ask(t, h, "/health/else"); code != http.StatusNotFound {
		t.Errorf("unknown path: %d", code)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/health", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestOpenAPIDescribesEveryPath(t *testing.T) {
	h := Handler(fixed())
	_, body := ask(t, h, "/openapi.json")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ Responses map[string]any }
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil || doc.OpenAPI == "" {
		t.Fatalf("%v in %.100s", err, body)
	}
	for path, methods := range doc.Paths {
		if code, _ := ask(t, h, path); methods["get"].Responses["200"] == nil || code != 200 {
			t.Errorf("%s answers %d and is described as %v", path, code, methods)
		}
	}
	if len(doc.Paths) != 5 || doc.Paths["/health/ready"]["get"].Responses["503"] == nil {
		t.Errorf("paths: %v", doc.Paths)
	}
}

func TestStormOfReadinessCallsIsOneQuery(t *testing.T) {
	var queries atomic.Int32
	release := make(chan struct{})
	s := fixed()
	s.Timeout = time.Minute
	s.Database = func(context.Context) error {
		queries.Add(1)
		<-release
		return nil
	}
	server := httptest.NewServer(Handler(s))
	defer server.Close()
	began := time.Now()
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			resp, err := http.Get(server.URL + "/health/ready")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
				t.Errorf("%d, %v", resp.StatusCode, err)
			}
		})
	}
	for queries.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if n, most := queries.Load(), 1+int32(2*time.Since(began)/TTL); n > most {
		t.Fatalf("%d queries for 200 calls in %v, want at most %d", n, time.Since(began), most)
	}
}

func TestHangingDatabaseIsNotReadyWithinItsTime(t *testing.T) {
	s := fixed()
	s.Timeout = 20 * time.Millisecond
	s.Database = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	if code, _ := ask(t, Handler(s), "/health/ready"); code != 503 {
		t.Fatalf("code %d", code)
	}
}
