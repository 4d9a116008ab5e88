package probe

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"opsdeck/internal/crontab"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Backup judges the newest good backup by its age and by its schedule.
type Backup struct {
	Source   health.Backups
	Schedule string        // cron, in the zone of Now; "" is none
	Late     time.Duration // older is critical; 0 is never
	Now      func() time.Time
}

// runTime is how long a scheduled backup may take before its absence is a warning.
const runTime = time.Hour

// Probe looks at the inventory.
func (b Backup) Probe() health.Probe {
	return func(ctx context.Context) health.Result {
		newest, err := b.Source.NewestGood(ctx)
		if errors.Is(err, fs.ErrNotExist) {
			r := health.Result{}
			r.Find(ops.StateCritical, lang.M("there is no good backup: the backup folder is missing"), folderOf(err))
			return r
		}
		if err != nil {
			return health.CannotTell(lang.M("cannot check the backup folder"), reasonOf(err))
		}
		if newest.CreatedAt.IsZero() {
			r := health.Result{}
			none := lang.M("there is no good backup")
			if len(newest.Others) == 0 {
				r.Find(ops.StateCritical, none, lang.Msg{})
				return r
			}
			r.FindNext(ops.StateCritical, none,
				lang.M("the folder has backups of %s", strings.Join(newest.Others, ", ")),
				lang.M("Check database.name in the configuration: %s", "opsdeck config show"))
			return r
		}
		return b.judge(newest)
	}
}

// folderOf is the path that an error names, if any.
func folderOf(err error) lang.Msg {
	var missing *fs.PathError
	if errors.As(err, &missing) {
		return lang.Raw(missing.Path)
	}
	return lang.Msg{}
}

func (b Backup) judge(newest health.NewestBackup) health.Result {
	now := b.Now()
	r := health.Result{
		Detail: lang.M("%s of %s, %s", newest.Name, newest.CreatedAt, human.Bytes(newest.SizeBytes)),
	}
	if newest.Verified { // nothing calls another one good
		r.Subject = newest.CreatedAt
	}
	r.Add("name", newest.Name, lang.Raw(newest.Name))
	r.Add("size_bytes", newest.SizeBytes, lang.Raw(human.Bytes(newest.SizeBytes)))
	r.Add("verified", newest.Verified, yesNo(newest.Verified))
	switch {
	case newest.Moved && !newest.Verified:
		r.FindNext(ops.StateWarning, lang.M("the metadata of the newest backup changed since it was verified"),
			lang.Raw(newest.Name), lang.M("Verify it again: %s", "opsdeck backup verify"))
	case !newest.Verified:
		r.FindNext(ops.StateWarning, lang.M("the newest backup is not verified"), lang.Raw(newest.Name),
			lang.M("Verify it: %s", cmp.Or(newest.Verify, "opsdeck backup verify --all")))
	}
	r.Add("created_at", newest.CreatedAt, lang.M("%s", newest.CreatedAt))
	age := now.Sub(newest.CreatedAt)
	headline := lang.M("the newest good backup is %s old", human.Duration(age.Truncate(time.Minute)))
	if !newest.Verified {
		headline = lang.M("the newest backup is %s old, and not verified", human.Duration(age.Truncate(time.Minute)))
	}
	if b.Late > 0 && age > b.Late {
		r.Find(ops.StateCritical, headline, lang.M("limit %s", human.Duration(b.Late)))
	}
	if run, ok := lastRun(b.Schedule, now.Add(-runTime)); ok {
		r.Add("last_scheduled_run", run, lang.M("%s", run))
		if newest.CreatedAt.Before(run.Add(-time.Minute)) {
			r.Find(ops.StateWarning, lang.M("the backup of %s is missing", run), lang.Msg{})
		}
	}
	if !newest.Shrunk.Empty() {
		r.FindNext(ops.StateWarning, newest.Shrunk, lang.Raw(newest.Name),
			lang.M("Check whether rows were lost: %s", "opsdeck backup show "+human.Shell(newest.Name)))
	}
	if newest.Unseen {
		r.FindNext(ops.StateWarning, lang.M("the newest backup may lack procedures and functions of other users"),
			lang.Raw(newest.Name), lang.M("See whether a privilege is still missing, then make a backup: %s",
				"opsdeck doctor; opsdeck backup create"))
	}
	if n := len(newest.OldBad); n > 0 {
		r.Add("older_bad", n, lang.Msg{})
		r.FindNext(ops.StateWarning, lang.M("%d backups in the folder are bad", n), some(newest.OldBad),
			seeBackup(newest.OldBad[0]))
	}
	if n := len(newest.Bad); n > 0 {
		r.Add("newer_bad", n, lang.Msg{})
		r.FindNext(ops.StateWarning, lang.M("newer backups are bad: %s", some(newest.Bad)), lang.Msg{},
			seeBackup(newest.Bad[0]))
	}
	return r
}

// some lists names; of many the first few, with how many more there are.
func some(names []string) lang.Msg {
	const most = 3
	if more := len(names) - most; more > 0 {
		return lang.M("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return lang.Raw(strings.Join(names, ", "))
}

// seeBackup is where to read what is wrong with a bad backup. It cannot be mended,
// and the newest good one is not affected by it.
func seeBackup(name string) lang.Msg {
	return lang.M("See what is wrong: %s", "opsdeck backup show "+human.Shell(name))
}

func yesNo(b bool) lang.Msg {
	if b {
		return lang.M("yes")
	}
	return lang.M("no")
}

// lookBack is how far a scheduled run is searched for: more than a month.
const lookBack = 32 * 24 * time.Hour

// lastRun is the newest run of a cron schedule at or before a moment.
func lastRun(spec string, at time.Time) (time.Time, bool) {
	schedule, err := crontab.Parse(spec)
	if spec == "" || err != nil {
		return time.Time{}, false
	}
	// Look back a little first: a schedule of every minute has many runs a month.
	for back := 15 * time.Minute; back <= 2*lookBack; back *= 4 {
		var last time.Time
		for t := schedule.Next(at.Add(-back)); !t.IsZero() && !t.After(at); t = schedule.Next(t) {
			last = t
		}
		if !last.IsZero() {
			return last, true
		}
	}
	return time.Time{}, false
}
