package main

import (
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/watch"
)

// sayDue says of each job whether it would be run now, and when it comes next.
func sayDue(p *printer, s watch.Scheduler, now time.Time) error {
	last, err := s.Record.Last()
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the record of runs cannot be read"))
	}
	for _, j := range s.Jobs {
		if ran, known := last[j.Name]; known {
			if due, is := watch.Due(j.Schedule, ran, now); is {
				p.say(lang.M("%s would run now: due since %s", j.Name, due.Format("2006-01-02 15:04")))
				continue
			}
			if again, retry := watch.RetryAt(j.Schedule, ran); retry {
				p.say(lang.M("%s failed; next attempt at %s", j.Name, again.Local().Format("2006-01-02 15:04")))
				continue
			}
		}
		if j.Schedule.Next(now).IsZero() {
			p.say(lang.M("%s is switched off: it never runs", j.Name))
			continue
		}
		p.say(lang.M("%s is not due; next at %s", j.Name, j.Schedule.Next(now).Format("2006-01-02 15:04")))
	}
	return nil
}
