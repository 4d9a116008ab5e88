package metrics

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/ops/alert"
	"opsdeck/ops/backup"

	"opsdeck/ops/restore/run"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

// lookFunc is the look of a part.
type lookFunc = func(ctx context.Context) ([]Value, error)

var (
	drillTime = gauge("opsdeck_drill_last_timestamp_seconds",
		"Moment of the last restore drill; absent when there was "+
			"none.", "service")
	drillOK       = gauge("opsdeck_drill_last_success", "Whether the last restore drill passed.", "service")
	drillDuration = gauge("opsdeck_drill_last_duration_seconds", "How long the last restore drill took.", "service")
	drillRestore  = gauge("opsdeck_drill_last_restore_seconds",
		"How long the last restore drill took to load the backup.",
		"service")
	jobTime = gauge("opsdeck_job_last_timestamp_seconds", "When the newest run of the scheduled job began.",
		"service", "job")
	jobOK = gauge("opsdeck_job_last_success", "Whether the newest run of the scheduled job succeeded.", "service",
		"job")
	jobDuration = gauge("opsdeck_job_last_duration_seconds", "How long the newest run of the scheduled job took.",
		"service", "job")
	restoreOpen = gauge("opsdeck_restore_open",
		"Restores of the live database that are not over; one that cannot be read "+
			"counts.", "service")
	restoreStage = gauge("opsdeck_restore_stage",
		"1 for the stage of the newest open restore; unknown when it cannot be "+
			"read.", "service", "stage")
	restoreRuns = gauge("opsdeck_restore_worker_running", "Whether a worker is on the newest open restore.", "service")
	restoreTime = gauge("opsdeck_restore_start_timestamp_seconds", "When the newest open restore was planned.",
		"service")

	watchRuns = gauge("opsdeck_watch_running", "Whether opsdeck watch runs on this machine.")
	alertOn   = gauge("opsdeck_alert",
		"1 for each alert that is not resolved; absent while opsdeck watch does not run.",
		"service", "rule", "severity", "state")
	alertCount = gauge("opsdeck_alerts", "Alerts by state; absent while opsdeck watch does not run.", "state")

	noticesWait = gauge("opsdeck_notifications_undelivered",
		"Messages and later events that the target of the alerts has "+
			"not got after a failed attempt.", "service", "target")
	noticesOldest = gauge("opsdeck_notification_oldest_timestamp_seconds",
		"When the oldest message was made that could "+
			"not be delivered to the target; absent when there is none.", "service", "target")
	noticesRefused = gauge("opsdeck_notifications_refused",
		"Messages that the target refused for good and that nobody has "+
			"acknowledged.", "service", "target")
)

func (s Source) drills(context.Context) ([]Value, error) {
	at, err := s.Site()
	if err != nil {
		return nil, err
	}
	all, err := backup.Drills(at.StateDir, s.Service.Database.Name)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	d, name := all[0], s.Service.Name
	out := []Value{
		is(drillTime, unix(d.At), name),
		is(drillOK, truth(d.Result == backup.Passed), name),
		is(drillDuration, (time.Duration(d.TookMS) * time.Millisecond).Seconds(), name),
	}
	if d.RestoreMS > 0 {
		out = append(out, is(drillRestore, (time.Duration(d.RestoreMS)*time.Millisecond).Seconds(), name))
	}
	return out, nil
}

func (s Source) jobs(context.Context) (out []Value, err error) {
	at, err := s.Site()
	if err != nil {
		return nil, err
	}
	last, err := watch.Record{Dir: at.StateDir}.Last()
	if err != nil {
		return nil, err
	}
	for _, job := range backups.JobNames {
		run, ok := last[s.Service.Name+"/"+job]
		if !ok || run.Result == watch.Installed {
			continue
		}
		out = append(out, is(jobTime, unix(run.Started), s.Service.Name, job))
		if run.Result == watch.Done || run.Result == watch.Failed || run.Result == watch.Stopped {
			out = append(out, is(jobOK, truth(run.Result == watch.Done), s.Service.Name, job), is(jobDuration,
				max(0, run.Ended.Sub(run.Started)).Seconds(), s.Service.Name, job))
		}
	}
	return out, nil
}

func (s Source) restores(context.Context) ([]Value, error) {
	at, err := s.Site()
	if err != nil {
		return nil, err
	}
	open, err := at.OpenRuns()
	if err != nil {
		return nil, err
	}
	name := s.Service.Name
	var mine []run.OpenRun
	for _, o := range open {
		if o.Of(name, s.Service.Database.Name) {
			mine = append(mine, o)
		}
	}
	out := []Value{is(restoreOpen, float64(len(mine)), name)}
	if len(mine) == 0 {
		return out, nil
	}
	r := mine[0].Run
	if r == nil {
		return append(out, is(restoreStage, 1, name, "unknown")), nil
	}
	return append(out, is(restoreStage, 1, name, string(r.State.Stage)), is(restoreRuns, truth(r.Alive), name),
		is(restoreTime, unix(r.Plan.CreatedAt), name)), nil
}

// mostAlerts bounds the series of alerts.
const mostAlerts = 500

// Alerts is the part about what opsdeck watch found, in a state folder. lockPath is
// the lock that it holds while it runs.
func Alerts(stateDir, lockPath string) Part {
	return Part{Name: "alerts", Interval: quick, Timeout: quickTime, Look: func(context.Context) ([]Value, error) {
		_, running, err := lock.Look(lockPath)
		if err != nil {
			return nil, err
		}
		out := []Value{is(watchRuns, truth(running))}
		if !running {
			return out, nil
		}
		book, err := alert.Read(stateDir)
		if err != nil {
			return nil, err
		}
		return slices.Concat(out, alertValues(book.Alerts), noticeValues(book)), nil
	}}
}

// noticeValues are what the targets have not got: 0 for one that has got all.
func noticeValues(book *alert.Book) (out []Value) {
	type state struct {
		waiting, refused int
		oldest           time.Time
	}
	targets := map[string]*state{}
	for key := range book.Queues {
		targets[key] = &state{}
	}
	for _, u := range book.Undelivered(time.Time{}) {
		s := targets[u.Target]
		if s == nil {
			s = &state{}
			targets[u.Target] = s
		}
		switch {
		case u.Aside && u.SeenBy == "":
			s.refused++
		case !u.Aside:
			s.waiting += 1 + u.Waiting
			s.oldest = u.Created
		}
	}
	for _, key := range slices.Sorted(maps.Keys(targets))[:min(len(targets), mostAlerts)] {
		s := targets[key]
		service, target, _ := strings.Cut(key, "/")
		out = append(out, is(noticesWait, float64(s.waiting), service, target),
			is(noticesRefused, float64(s.refused), service, target))
		if !s.oldest.IsZero() {
			out = append(out, is(noticesOldest, unix(s.oldest), service, target))
		}
	}
	return out
}

func alertValues(alerts []alert.Alert) (out []Value) {
	counts := map[alert.State]int{}
	type key struct{ service, rule, severity, state string }
	seen := map[key]bool{}
	for _, a := range alerts {
		counts[a.State]++
		// One rule may have several alerts of a service, by fingerprint.
		k := key{a.Service, a.Rule, a.Severity.String(), string(a.State)}
		if seen[k] || len(seen) >= mostAlerts {
			continue
		}
		seen[k] = true
		out = append(out, is(alertOn, 1, k.service, k.rule, k.severity, k.state))
	}
	for _, state := range []alert.State{alert.Pending, alert.Firing, alert.Acknowledged, alert.Silenced} {
		out = append(out, is(alertCount, float64(counts[state]), string(state)))
	}
	return out
}
