// Package healthhttp serves the three health endpoints of FIELD.md and their
// OpenAPI description. It is importable on purpose: `opsdeck serve` answers with
// it, and so does the back end of the embedded world.
//
// A storm of requests is one look at the database: who asks while a look is
// under way gets its answer, which stays good for TTL.
package healthhttp

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"opsdeck/ops/health"
)

// TTL is how long a readiness answer stays good.
const TTL = time.Second

// Timestamp is the form of times, as JavaScript's toISOString writes it.
const Timestamp = "2006-01-02T15:04:05.000Z"

// Service is what the endpoints speak about.
type Service struct {
	Name, Version, Description, Environment string

	// Database tells whether the database answers SELECT 1.
	Database func(ctx context.Context) error
	// Redis tells whether Redis answers; nil when there is none. It is optional
	// for the service, so that its failure leaves it ready (FIELD.md).
	Redis func(ctx context.Context) error

	Started time.Time
	Now     func() time.Time // nil is time.Now
	Timeout time.Duration    // of a look; 0 is two seconds
}

//go:embed openapi.json
var openAPI []byte

// Handler answers GET and HEAD of /health, /health/ready, /health/version and
// /openapi.json.
func Handler(s Service) http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	h := &handler{Service: s}
	h.flight.TTL, h.flight.Timeout = TTL, s.Timeout
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", h.live)
	mux.HandleFunc("GET /health/ready", h.ready)
	mux.HandleFunc("GET /health/version", h.version)
	mux.HandleFunc(
		"GET /openapi.json",
		func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, openAPI) },
	)
	return mux
}

type handler struct {
	Service
	flight health.Flight[readiness]
}

// readiness is one look at what the service needs. Redis is nil without one.
type readiness struct {
	Database bool  `json:"database"`
	Redis    *bool `json:"redis,omitempty"`
}

func (h *handler) timestamp() string { return h.Now().UTC().Format(Timestamp) }

func (h *handler) live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Status    string  `json:"status"`
		Timestamp string  `json:"timestamp"`
		Uptime    float64 `json:"uptime"`
		Message   string  `json:"message"`
	}{"ok", h.timestamp(), float64(h.Now().Sub(h.Started).Milliseconds()) / 1000, "Service is running"})
}

func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	checks, err := h.flight.Do(r.Context(), h.look)
	if err != nil {
		return // the asker has gone
	}
	code, status, message := http.StatusOK, "ready", "Service is ready"
	if !checks.Database {
		code, status, message = http.StatusServiceUnavailable, "not ready", "Service is not ready"
	}
	writeJSON(w, code, struct {
		Status    string    `json:"status"`
		Timestamp string    `json:"timestamp"`
		Checks    readiness `json:"checks"`
		Message   string    `json:"message"`
	}{status, h.timestamp(), checks, message})
}

// look asks the database and Redis side by side.
func (h *handler) look(ctx context.Context) readiness {
	var out readiness
	if h.Redis != nil {
		// Optional: true whether it answers or not. It is asked all the same, so
		// that its connection is kept warm and its failures are in its own log.
		redis := make(chan struct{})
		go func() { defer close(redis); _ = h.Redis(ctx) }()
		defer func() { <-redis }()
		yes := true
		out.Redis = &yes
	}
	out.Database = h.Database(ctx) == nil
	return out
}

func (h *handler) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Name        string `json:"name"`
		Version     string `json:"version"`
		Description string `json:"description"`
		Timestamp   string `json:"timestamp"`
		Environment string `json:"environment"`
	}{h.Name, h.Version, h.Description, h.timestamp(), h.Environment})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // of plain structs it cannot be
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, code, body)
}

func write(w http.ResponseWriter, code int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	w.Write(body)
}
