package healthhttp

import (
	"context"
	"encoding/json"
	"time"

	"opsdeck/ops/health"
)

// readiness is one look at what the service needs. Redis is nil without one.
type readiness struct {
	Database bool  `json:"database"`
	Redis    *bool `json:"redis,omitempty"`

	// each holds the checks of several services, as "shop/database".
	each map[string]bool
}

// MarshalJSON writes the checks; those of several services after those of all.
func (r readiness) MarshalJSON() ([]byte, error) {
	if r.each == nil {
		type plain readiness
		return json.Marshal(plain(r))
	}
	all := map[string]bool{"database": r.Database}
	if r.Redis != nil {
		all["redis"] = *r.Redis
	}
	for name, ok := range r.each {
		all[name] = ok
	}
	return json.Marshal(all)
}

// watched is a service whose readiness is asked for.
type watched struct {
	Service
	flight health.Flight[readiness]
}

func watch(s Service) *watched {
	w := &watched{Service: s}
	w.flight.TTL, w.flight.Timeout = TTL, s.Timeout
	w.flight.Failing = func(r readiness) bool { return !r.Database }
	return w
}

// look asks the database and Redis side by side.
func (w *watched) look(ctx context.Context) readiness {
	var out readiness
	if w.Redis != nil {
		// Optional: true whether it answers or not. It is asked all the same, so
		// that its connection is kept warm and its failures are in its own log.
		redis := make(chan struct{})
		go func() { defer close(redis); _ = w.Redis(ctx) }()
		defer func() { <-redis }()
		yes := true
		out.Redis = &yes
	}
	out.Database = w.Database(ctx) == nil
	return out
}

// askAll is the readiness of all services, and when the oldest look behind it
// began.
func askAll(ctx context.Context, services []*watched) (out readiness, at time.Time, err error) {
	if len(services) == 1 {
		return services[0].ask(ctx)
	}
	type answer struct {
		readiness
		at  time.Time
		err error
	}
	answers := make([]chan answer, len(services))
	for i, s := range services {
		answers[i] = make(chan answer, 1)
		go func() {
			r, at, err := s.ask(ctx)
			answers[i] <- answer{r, at, err}
		}()
	}
	out = readiness{Database: true, each: map[string]bool{}}
	for i, s := range services {
		a := <-answers[i]
		if a.err != nil {
			return readiness{}, time.Time{}, a.err
		}
		out.Database = out.Database && a.Database
		out.each[s.Name+"/database"] = a.Database
		if a.Redis != nil {
			out.Redis = a.Redis
			out.each[s.Name+"/redis"] = *a.Redis
		}
		if at.IsZero() || a.at.Before(at) {
			at = a.at
		}
	}
	return out, at, nil
}

func (w *watched) ask(ctx context.Context) (readiness, time.Time, error) {
	return w.flight.Do(ctx, w.look)
}
