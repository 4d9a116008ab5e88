package probe

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/diskfull"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/health"
)

// Disk is a folder whose disk must keep a share free.
type Disk struct {
	// Path finds the folder; it is asked at every look until it answers, for the
	// data folder is known only to the database.
	Path func(ctx context.Context) (string, error)
	Free float64 // share that must be free: less is a warning, a quarter of it critical
	Now  func() time.Time
	// Follows is the kind of check whose fault leaves Path without an answer.
	Follows health.Kind
	// Room is what must be possible to write into the folder, in bytes; 0 tries nothing.
	Room int64
	// Next is about how many bytes the next backup needs here; 0 is unknown, nil asks nothing.
	Next func(ctx context.Context) int64
	// Unwritten says what does not work while nothing can be written there.
	Unwritten func(path string) lang.Msg
}

// Fixed is a Path that is known.
func Fixed(path string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return path, nil }
}

// Times until full that are a finding.
const (
	fullSoon = 24 * time.Hour // a warning
	fullNow  = time.Hour      // critical
)

// A disk that fills slowly is seen over a day or more: what a night writes and retention
// removes again is no trend.
const (
	slowPace  = 30 * time.Minute
	slowLeast = 24 * time.Hour
	fullSlow  = 4 * 24 * time.Hour // a warning
)

// trends are that of hours and that of days.
type trends struct{ fast, slow trend }

func newTrends() *trends { return &trends{slow: trend{Pace: slowPace, Least: slowLeast}} }

// until is how long until the disk is full, and from when on that is a warning.
func (t *trends) until() (left, warn time.Duration, ok bool) {
	if left, ok = t.fast.untilZero(); ok && left < fullSoon {
		return left, fullSoon, true
	}
	if slow, is := t.slow.untilZero(); is {
		return slow, fullSlow, true
	}
	return left, fullSoon, ok
}

// Probe looks at free space and inodes, and at the trend over its own looks.
func (d Disk) Probe() health.Probe {
	var known string
	trend := newTrends()
	return func(ctx context.Context) health.Result {
		if known == "" {
			path, err := d.Path(ctx)
			if err != nil {
				r := health.CannotTell(lang.M("cannot check the disk"), reasonOf(err))
				r.Follows = d.Follows
				return r
			}
			known = path
		}
		var s unix.Statfs_t
		at, err := existing(known)
		if err == nil {
			err = unix.Statfs(at, &s)
		}
		if err != nil {
			return health.CannotTell(lang.M("cannot check the disk of %s", known), reasonOf(err))
		}
		r := d.judge(known, at, s, trend)
		r.Commands = DiskCommands(at)
		if d.Next != nil {
			roomForNext(&r, known, int64(s.Bavail)*s.Bsize, d.Next(ctx))
		}
		if d.Room > 0 {
			err := NoFolder(known)
			if err == nil {
				err = diskfull.Room(at, d.Room)
			}
			d.writable(&r, known, at, err)
		}
		return r
	}
}

// roomForNext is a finding where the next backup does not fit, or only one.
func roomForNext(r *health.Result, path string, free, next int64) {
	if next == 0 {
		r.AddUnknown("next_backup_bytes", lang.M("there is no backup to judge by"))
		return
	}
	r.Add("next_backup_bytes", next, lang.M("about %s", human.Bytes(next)))
	why := lang.M("%s free, about %s needed", human.Bytes(free), human.Bytes(next))
	steps := lang.M("Free space: %s", "opsdeck runbook disk-full")
	switch {
	case free < next:
		r.FindNext(ops.StateCritical, lang.M("%s has no space for the next backup, nor for the emergency backup "+
			"before a restore", path), why, steps)
	case free < 2*next:
		r.FindNext(ops.StateWarning, lang.M("%s has space for one more backup only", path), why, steps)
	}
}

// writable is a finding where a write into a folder that opsdeck needs failed.
func (d Disk) writable(r *health.Result, path, at string, err error) {
	if err == nil {
		return
	}
	state := ops.StateCritical
	if errors.Is(err, fs.ErrPermission) && !ownedByUs(at) {
		state = ops.StateUnknown // who runs opsdeck there may well be another user
	}
	why, fix := doctor.Unwritable(path, err)
	was := r.State
	r.Add("writable", false, lang.M("no"))
	headline := why
	if d.Unwritten != nil && state == ops.StateCritical {
		headline = d.Unwritten(path)
	}
	if was == ops.StateCritical && state == was {
		r.State = ops.StateOK // this says more than a share
	}
	next := lang.M("Find the cause: %s", fix)
	if diskfull.Is(err) {
		next = lang.M("Find what fills it: %s", fix)
	}
	if headline.Key == why.Key {
		why = reasonOf(err)
	}
	r.FindNext(state, headline, why, next)
}

// DiskCommands are what to type to see what fills the disk of a folder of this machine.
func DiskCommands(folder string) []string {
	name := human.Shell(folder)
	return []string{"df -h " + name, "du -xh --max-depth=1 " + name + " | sort -h | tail"}
}

// ownedByUs tells whether a folder is of the user that runs this, or that is root: then
// nobody else writes there.
func ownedByUs(path string) bool {
	var st unix.Stat_t
	me := os.Geteuid()
	return me == 0 || unix.Stat(path, &st) == nil && int(st.Uid) == me
}

func (d Disk) judge(path, at string, s unix.Statfs_t, trend *trends) health.Result {
	var r health.Result
	size := s.Blocks * uint64(s.Bsize)
	free := s.Bavail * uint64(s.Bsize) // what a process that is not root can have
	usable := (s.Blocks - s.Bfree + s.Bavail) * uint64(s.Bsize)
	mount := mountOf(at)
	r.Add("path", path, lang.Raw(path))
	r.Add("mount", mount, lang.Raw(mount))
	r.Add("size_bytes", size, lang.Raw(human.Bytes(int64(size))))
	r.Add("free_bytes", free, lang.Raw(human.Bytes(int64(free))))
	if usable == 0 {
		r.Detail = lang.M("a file system without a size")
		return r
	}
	share := float64(free) / float64(usable)
	r.Add("free_share", float64(int(share*1e4))/1e4, lang.Raw(human.Percent(share)))
	r.Detail = lang.M("%s free (%s) on %s", human.Bytes(int64(free)), human.Percent(share), mount)
	low(&r, lang.M("disk %s has %s free", mount, human.PercentUnder(share, d.Free)), share, d.Free)
	if at != filepath.Clean(path) { // a server names its folder with a slash at the end
		r.Add("missing", true, lang.M("the folder does not exist yet; its parent's disk was checked"))
	}
	if s.Files > 0 {
		inodes := float64(s.Ffree) / float64(s.Files)
		r.Add("free_inodes", s.Ffree, lang.Raw(human.Count(int64(s.Ffree))))
		low(&r, lang.M("disk %s has %s of its inodes free", mount, human.PercentUnder(inodes, d.Free/2)),
			inodes, d.Free/2)
	}
	now := d.Now()
	trend.fast.Add(now, float64(free))
	trend.slow.Add(now, float64(free))
	if left, warn, ok := trend.until(); ok {
		r.Add("full_in_ms", left.Milliseconds(), lang.Raw(human.Duration(left)))
		headline := lang.M("disk %s is full in %s at this rate", mount, human.Duration(left))
		switch {
		case left < fullNow:
			r.Find(ops.StateCritical, headline, lang.M("%s free", human.Bytes(int64(free))))
		case left < warn:
			r.Find(ops.StateWarning, headline, lang.M("%s free", human.Bytes(int64(free))))
		}
	} else {
		r.AddUnknown("full_in_ms", lang.M("not filling up, or not watched long enough"))
	}
	return r
}

// low is a finding when a share is less than it must be.
func low(r *health.Result, headline lang.Msg, share, must float64) {
	why := lang.M("should be at least %s", human.Percent(must))
	switch {
	case share < must/4:
		r.Find(ops.StateCritical, headline, why)
	case share < must:
		r.Find(ops.StateWarning, headline, why)
	}
}

// existing is the path, or its nearest parent that is there.
func existing(path string) (string, error) {
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		_, err := os.Stat(at)
		if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) || at == filepath.Dir(at) {
			return at, err
		}
	}
}

// mountOf is the folder where the file system that holds path is mounted.
func mountOf(path string) string {
	var here, up unix.Stat_t
	if unix.Stat(path, &here) != nil {
		return path
	}
	for path != "/" {
		parent := filepath.Dir(path)
		if unix.Stat(parent, &up) != nil || up.Dev != here.Dev {
			return path
		}
		path = parent
	}
	return path
}
