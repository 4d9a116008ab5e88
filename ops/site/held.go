package site

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"path/filepath"
	"time"
)

// Held names who holds a lock, as far as it can be seen, and since when.
func Held(held *lock.HeldError, now time.Time) *ops.Error {
	who := held.Holder
	hint := lang.M("wait for it to end, then run this again")
	since := who.Since.Local().Format("15:04:05")
	if now.Sub(who.Since) > 12*time.Hour {
		since = who.Since.Local().Format("2006-01-02 15:04")
	}
	switch {
	case who.PID == 0:
		return ops.E(ops.Busy, lang.M("busy: %s is locked; its holder is not visible from here", held.Path)).
			WithHint(lang.M("run as root: fuser -v %s", human.Shell(held.Path)))
	case filepath.Ext(held.Path) != ".lock":
		return ops.E(ops.Busy, lang.M("busy: %s (pid %d, %s, running since %s) has locked %s", who.What, who.PID,
			who.User, since, held.Path)).
			WithHint(hint)
	}
	return ops.E(ops.Busy,
		lang.M("busy: %s (pid %d) holds the lock for %s since %s", who.User, who.PID, who.What, since)).
		WithHint(hint)
}
