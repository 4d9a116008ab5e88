package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsdeck/ops"
	"opsdeck/ops/health"
)

var (
	serviceState = gauge("opsdeck_service_state", "1 for the worst state among the checks of the service, 0 for the "+
		"other states.", "service", "state")
	checkState = gauge("opsdeck_check_state", "1 for the state of the check, 0 for the other states; unknown until "+
		"the first look.", "service", "check", "kind", "state")
	checkDuration = gauge("opsdeck_check_duration_seconds", "How long the newest look of the check took.",
		"service", "check", "kind")
	checkAge = gauge("opsdeck_check_age_seconds", "Time since the newest look of the check began.",
		"service", "check", "kind")
	checkUp = gauge("opsdeck_check_up", "Whether what the check looks at answers; absent while that is unknown.",
		"service", "check", "kind")
)

// answers are the kinds of checks that ask something for an answer.
var answers = map[health.Kind]bool{
	health.KindMySQL:   true,
	health.KindHTTP:    true,
	health.KindRedis:   true,
	health.KindProcess: true,
}

// states are the values of the label state.
var states = []ops.State{ops.StateOK, ops.StateUnknown, ops.StateWarning, ops.StateCritical}

// collectChecks tells how the checks are.
func collectChecks(r health.Report, now time.Time, out chan<- prometheus.Metric) {
	worst := map[string]ops.State{}
	var order []string
	for _, s := range r.Standings {
		state := s.State
		if !s.Seen() {
			state = ops.StateUnknown
		}
		name := s.Check.Service
		if _, ok := worst[name]; !ok {
			order = append(order, name)
		}
		worst[name] = ops.Worst(worst[name], state)
		collectCheck(s, state, now, out)
	}
	for _, name := range order {
		for _, st := range states {
			out <- serviceState.of(truth(st == worst[name]), name, st.String())
		}
	}
}

func collectCheck(s health.Standing, state ops.State, now time.Time, out chan<- prometheus.Metric) {
	service := s.Check.Service
	check := s.Check.Name
	kind := string(s.Check.Kind)
	for _, st := range states {
		out <- checkState.of(truth(st == state), service, check, kind, st.String())
	}
	if !s.Seen() {
		return
	}
	out <- checkDuration.of(s.Last.Latency.Seconds(), service, check, kind)
	out <- checkAge.of(max(0, now.Sub(s.Last.At)).Seconds(), service, check, kind)
	if answers[s.Check.Kind] && (s.Last.Down || s.Last.State != ops.StateUnknown) {
		out <- checkUp.of(truth(!s.Last.Down), service, check, kind)
	}
	if s.Last.Down { // what else the look may hold is not of a thing that answers
		return
	}
	for _, g := range fieldGauges[s.Check.Kind] {
		if v, ok := g.read(s.Last); ok {
			out <- g.family.of(v, service, check)
		}
	}
	if running, known := replication(s.Last); known {
		out <- replicationRunning.of(truth(running), service, check)
	}
}
