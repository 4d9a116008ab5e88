// Package healthhttp serves the three health endpoints of FIELD.md, their OpenAPI
// description and a page that shows it. It is importable on purpose: `opsdeck
// serve` answers with it, and so does the back end of the embedded world.
//
// A storm of requests is one look at the database: who asks while a look is
// under way gets its answer, which stays good for TTL.
package healthhttp

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// TTL is how long a readiness answer stays good.
const TTL = time.Second

// ageHeader says how old a readiness answer is, in seconds: "0.412".
const ageHeader = "Health-Age-Seconds"

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

	// Metrics answers /metrics; nil where there is none.
	Metrics http.Handler
	// Of are several services that are answered for: readiness is that of all of
	// them, and ?service=NAME asks for one. Of the others only Name, Database,
	// Redis and Timeout count. Empty: this one alone.
	Of []Service
}

// Handler answers GET and HEAD of /health, /health/ready, /health/version,
// /openapi.json and /api-docs, and of /metrics where there are any.
func Handler(s Service) http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	h := &handler{Service: s}
	for _, one := range append(s.Of[:len(s.Of):len(s.Of)], s)[:max(1, len(s.Of))] {
		h.watched = append(h.watched, watch(one))
	}
	doc := describe(s.Metrics != nil, len(s.Of) > 0)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", h.live)
	mux.HandleFunc("GET /health/ready", h.ready)
	mux.HandleFunc("GET /health/version", h.version)
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, doc) })
	mux.HandleFunc("GET /api-docs", docsPage(s, doc))
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	return mux
}

type handler struct {
	Service
	watched []*watched
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
	asked := h.watched
	if name := r.URL.Query().Get("service"); name != "" {
		if asked = h.named(name); asked == nil {
			writeJSON(w, http.StatusNotFound, struct {
				Status    string `json:"status"`
				Timestamp string `json:"timestamp"`
				Message   string `json:"message"`
			}{"not found", h.timestamp(), "No such service"})
			return
		}
	}
	checks, at, err := askAll(r.Context(), asked)
	if err != nil {
		return // the asker has gone
	}
	code := http.StatusOK
	status := "ready"
	message := "Service is ready"
	if !checks.Database {
		code = http.StatusServiceUnavailable
		status = "not ready"
		message = "Service is not ready"
	}
	w.Header().Set(ageHeader, strconv.FormatFloat(time.Since(at).Seconds(), 'f', 3, 64))
	writeJSON(w, code, struct {
		Status    string    `json:"status"`
		Timestamp string    `json:"timestamp"`
		Checks    readiness `json:"checks"`
		Message   string    `json:"message"`
	}{status, h.timestamp(), checks, message})
}

// named is the service of that name, nil when there is none.
func (h *handler) named(name string) []*watched {
	for i, w := range h.watched {
		if w.Name == name {
			return h.watched[i : i+1]
		}
	}
	return nil
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
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	send(w, code, body)
}

// send writes a body of the type that is set already.
func send(w http.ResponseWriter, code int, body []byte) {
	h := w.Header()
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	w.Write(body)
}
