package backups

import (
	"context"
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops/notify"
	"opsdeck/ops/site"
	"opsdeck/ops/watch"
)

// onBackupFailed is the value in notify.on for a scheduled run that failed.
const onBackupFailed = "backup-failed"

// telling wraps a scheduled job: if it fails, subscribers of backup-failed are notified,
// with the time of the next try. Of several attempts, the first and the last notify.
func (sh Nights) telling(job string, s watch.Schedule, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := run(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		t := watch.TryOf(ctx)
		ran := watch.Run{
			Due:     t.Due,
			Ended:   sh.Clock.Now(),
			Result:  watch.Failed,
			Attempt: t.Attempt,
			Final:   watch.IsFinal(err),
		}
		again, retry := watch.RetryAt(s, ran)
		if retry {
			sh.Say(lang.M("the run %q failed; next attempt at %s", job, again.Local().Format("15:04")))
		}
		if t.Attempt < 2 || !retry {
			sh.tellFailed(ctx, job, err, again)
		}
		return err
	}
}

// tellFailed sends the notification. again is zero if there is no retry.
func (sh Nights) tellFailed(ctx context.Context, job string, failure error, again time.Time) {
	text := redact.Text(site.Sentence(sh.Lang, sh.Explain(failure)))
	if again.IsZero() {
		text += "\n" + sh.Lang.T("There is no further attempt before the next scheduled run.")
	} else {
		text += "\n" + sh.Lang.T("Next attempt at %s.", again.Local().Format("2006-01-02 15:04"))
	}
	m := notify.Message{Service: sh.Service.Name, Text: text,
		Subject: sh.Lang.T("the scheduled run %q of %s failed", job, sh.Service.Name)}
	for _, c := range sh.Service.Notify {
		if len(c.On) > 0 && !slices.Contains(c.On, onBackupFailed) {
			continue
		}
		target, err := notify.New(c)
		if err == nil {
			err = target.Send(ctx, m)
		}
		if err != nil {
			sh.Say(lang.Raw(site.Sentence(sh.Lang, sh.Explain(err))))
			continue
		}
		sh.Say(lang.M("%s was notified", c.Name))
	}
}
