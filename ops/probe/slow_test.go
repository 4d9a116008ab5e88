package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/health"
)

func TestAGoodAnswerThatTakesLongIsAWarning(t *testing.T) {
	var wait time.Duration
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(wait)
		w.Write([]byte(`{"status":"ok"}`))
	}))
	defer s.Close()
	p := Slow(Liveness(s.URL), 300*time.Millisecond, "/health")
	if r := look(t, Slow(Liveness(s.URL), time.Minute, "/health")); r.State != ops.StateOK {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
	wait = 400 * time.Millisecond
	if r := look(t, p); r.State != ops.StateWarning ||
		!strings.HasPrefix(r.Detail.String(), "/health responds slowly (") ||
		r.Field("slow_ms").(int64) < 400 {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
	if r := look(t, Slow(Liveness(s.URL), 0, "/health")); r.State != ops.StateOK {
		t.Fatalf("without a limit: %s: %s", r.State, r.Detail)
	}
}

func TestWhatFailsIsNotCalledSlow(t *testing.T) {
	broken := func(context.Context) health.Result {
		return health.Result{State: ops.StateCritical, Latency: time.Hour}
	}
	if r := look(t, Slow(broken, time.Second, "x")); r.State != ops.StateCritical || r.Field("slow_ms") != nil {
		t.Fatalf("%s: %v", r.State, r.Fields)
	}
}
