package deploys

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/deploy"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
)

// errors counts the errors in the logs since the start, and in the hour that ended
// when the deployment began. It never fails: what it finds is part of the verdict.
func (j *job) errors(ctx context.Context) (lang.Msg, error) {
	started, err := time.Parse(time.RFC3339Nano, j.state.Data[startedAt])
	if err != nil {
		started = j.state.Began
	}
	wait := time.NewTimer(started.Add(j.conf.Observe).Sub(j.Clock.Now()))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return lang.Msg{}, ctx.Err()
	case <-wait.C:
	}
	now := j.Clock.Now()
	const hour = time.Hour
	before, err := j.count(ctx, j.state.Began.Add(-hour), j.state.Began)
	var after int64
	if err == nil {
		after, err = j.count(ctx, started, now)
	}
	if ctx.Err() != nil {
		return lang.Msg{}, ctx.Err()
	}
	if err != nil {
		return lang.M("cannot tell whether there are more errors than before: %s", j.Explain(err).What), nil
	}
	said := lang.M("errors in the log: %d within %s after the start command, %d in the previous hour", after,
		human.Duration(now.Sub(started)), before)
	if deploy.Burst(before, hour, after, now.Sub(started)) {
		said = lang.M("error burst: %s", said)
		j.data["burst"] = j.Lang.Msg(said)
	}
	return said, nil
}

// count counts the events of level error and above of a span of time. A log that
// cannot be read is an error: a part must not pass for the whole.
func (j *job) count(ctx context.Context, since, until time.Time) (int64, error) {
	q, err := query.ParseQuery("", j.Clock.Now())
	if err != nil {
		return 0, err
	}
	if err := q.LimitLevels("error+"); err != nil {
		return 0, err
	}
	q.Since, q.Until = since, until
	conf := logfile.Config{Sources: j.Service.Logs.Paths(), Filter: logfile.Push(q)}
	sources, err := conf.Resolve(ctx, nil)
	if err != nil {
		return 0, err
	}
	var unread error
	scan := index.Scan{Query: q.Events(), Zone: time.Local, Now: j.Clock.Now(), Unnumbered: true, Styles: j.Styles,
		Warn: func(_ string, err error) { unread = err }}
	n, err := scan.Count(ctx, sources)
	if err == nil {
		err = unread
	}
	return n, err
}
