package probe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/ops"
	"opsdeck/ops/health"
)

var noon = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

func statfs(size, free uint64) unix.Statfs_t {
	return unix.Statfs_t{
		Bsize:  4096,
		Blocks: size / 4096,
		Bfree:  free / 4096,
		Bavail: free / 4096,
		Files:  1000,
		Ffree:  900,
	}
}

func TestDiskKeepsTheTwentyPercentRule(t *testing.T) {
	for share, want := range map[float64]ops.State{0.5: ops.StateOK, 0.21: ops.StateOK, 0.19: ops.StateWarning,
		0.06: ops.StateWarning, 0.04: ops.StateCritical, 0: ops.StateCritical} {
		r := Disk{
			Free: 0.2,
			Now:  func() time.Time { return noon },
		}.judge(
			"/d",
			"/",
			statfs(1<<40, uint64(share*(1<<40))),
			newTrends(),
		)
		if r.State != want {
			t.Errorf("%v free: %s %s", share, r.State, r.Detail)
		}
	}
	s := statfs(1<<40, 1<<39)
	s.Ffree = 1
	if r := (Disk{Free: 0.2, Now: func() time.Time { return noon }}).judge("/d", "/", s,
		newTrends()); r.State != ops.StateCritical {
		t.Errorf("no inodes left: %s %s", r.State, r.Detail)
	}
}

func TestDiskThatFillsUpIsSeenBeforeItIsFull(t *testing.T) {
	// fill looks every 30 s for hours while the disk loses bytes an hour.
	fill := func(perHour float64, looks int) health.Result {
		trend := newTrends()
		var r health.Result
		free := float64(512 << 30)
		for i := range looks {
			at := noon.Add(time.Duration(i) * 30 * time.Second)
			left := free - perHour*float64(i)*30/3600
			r = Disk{
				Free: 0.2,
				Now:  func() time.Time { return at },
			}.judge(
				"/d",
				"/",
				statfs(1<<40, uint64(left)),
				trend,
			)
		}
		return r
	}
	for gib, want := range map[float64]ops.State{0: ops.StateOK, 1: ops.StateOK, 40: ops.StateWarning,
		-100: ops.StateOK} {
		if r := fill(gib*(1<<30), 121*2+5); r.State != want {
			t.Errorf("%v GiB/h: %s %s, full in %v", gib, r.State, r.Detail, r.Field("full_in_ms"))
		}
	}
	for _, looks := range []int{10, 60, 200} { // minutes, an hour and more
		if r := fill(40*(1<<30), looks); r.State != ops.StateOK {
			t.Errorf("a forecast after %d looks of 30 s: %s", looks, r.Detail)
		}
	}
}

// TestADiskThatFillsWithinDaysIsSaidInTime: what is seen over more than a day warns four
// days ahead; a day is needed for that.
func TestADiskThatFillsWithinDaysIsSaidInTime(t *testing.T) {
	look := func(hours int, gib func(hour float64) float64) (r health.Result) {
		trend := newTrends()
		for i := range hours * 12 {
			at := noon.Add(time.Duration(i) * 5 * time.Minute)
			d := Disk{Free: 0.2, Now: func() time.Time { return at }}
			r = d.judge("/d", "/", statfs(1<<40, uint64(gib(float64(i)/12)*(1<<30))), trend)
		}
		return r
	}
	steady := func(hour float64) float64 { return 530 - 5*hour }
	r := look(30, steady)
	if r.State != ops.StateWarning || !strings.Contains(r.Detail.String(), "is full in 3 d 4 h") {
		t.Errorf("380 GiB are left at 5 GiB an hour: %s %s", r.State, r.Detail)
	}
	if r := look(20, steady); r.State != ops.StateOK {
		t.Errorf("a forecast of days after 20 hours: %s", r.Detail)
	}
	if r := look(50, func(hour float64) float64 { return 530 - 5*float64(int(hour)%24) }); r.State != ops.StateOK {
		t.Errorf("what a day writes is removed each day: %s", r.Detail)
	}
}

// TestADiskThatABackupFilledForMinutesIsNotFillingUp: what was written once goes on
// no more.
func TestADiskThatABackupFilledForMinutesIsNotFillingUp(t *testing.T) {
	trend := newTrends()
	var r health.Result
	for i := range 400 {
		left := 512.0 - 3*float64(min(i, 40)) // GiB, 30 s apart: 120 GiB in 20 minutes
		at := noon.Add(time.Duration(i) * 30 * time.Second)
		r = Disk{
			Free: 0.2,
			Now:  func() time.Time { return at },
		}.judge(
			"/d",
			"/",
			statfs(1<<40, uint64(left*(1<<30))),
			trend,
		)
		if r.State != ops.StateOK {
			t.Fatalf("look %d: %s", i, r.Detail)
		}
	}
}

func TestTrendSaysNothingBeforeItKnows(t *testing.T) {
	var trend trend
	for i := range 4 {
		trend.Add(noon.Add(time.Duration(i)*time.Hour), float64(10-i))
	}
	if _, ok := trend.Slope(); ok {
		t.Error("it spoke after four values")
	}
	trend.Add(noon.Add(4*time.Hour), 6)
	if left, ok := trend.untilZero(); !ok || left != 6*time.Hour {
		t.Errorf("until zero: %v, %v", left, ok)
	}
	trend.Add(noon, 5) // the clock was set back
	if _, ok := trend.Slope(); ok {
		t.Error("it spoke across a clock that was set back")
	}
}

func TestDiskOfAFolderThatIsNotThereIsItsParents(t *testing.T) {
	dir := t.TempDir()
	r := look(t, Disk{Path: Fixed(filepath.Join(dir, "a", "b")), Free: 0, Now: time.Now}.Probe())
	if r.State != ops.StateOK || r.Field("missing") != true {
		t.Fatalf("%s: %s", r.State, r.Detail)
	}
	if len(r.Commands) == 0 || r.Commands[0] != "df -h "+dir { // of the missing folder, df would only fail
		t.Errorf("the command is %q", r.Commands)
	}
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	if r := look(t, Disk{Path: Fixed(filepath.Join(file, "x")), Now: time.Now}.Probe()); r.State != ops.StateOK {
		t.Errorf("below a file: %s %s", r.State, r.Detail)
	}
	there := t.TempDir() + "/" // as servers name their folder
	if r := (Disk{Path: Fixed(there), Now: time.Now}).Probe()(t.Context()); r.Field("missing") != nil {
		t.Errorf("%s is called missing: %v", there, r.Field("missing"))
	}
}

func TestDiskAsksForItsFolderUntilItIsKnown(t *testing.T) {
	asked := 0
	p := Disk{Now: time.Now, Follows: health.KindMySQL, Path: func(context.Context) (string, error) {
		if asked++; asked == 1 {
			return "", errors.New("server is down")
		}
		return "/", nil
	}}.Probe()
	if r := look(t, p); r.State != ops.StateUnknown || r.Follows != health.KindMySQL {
		t.Errorf("%s: %s", r.State, r.Detail)
	}
	look(t, p)
	if r := look(t, p); r.State != ops.StateOK || asked != 2 {
		t.Errorf("%s, asked %d times", r.State, asked)
	}
}

// TestAStateFolderThatTakesNothingIsCritical: a share of free space says nothing of a
// folder that cannot be written, and a try leaves nothing in it.
func TestAStateFolderThatTakesNothingIsCritical(t *testing.T) {
	dir := t.TempDir()
	for room, want := range map[int64]ops.State{1 << 10: ops.StateOK, 1 << 50: ops.StateCritical} {
		p := Disk{Path: Fixed(dir), Now: time.Now, Room: room}.Probe()
		r := look(t, p)
		if r.State != want || (want == ops.StateCritical) != (r.Field("writable") == false) {
			t.Errorf("room for %d: %s %s", room, r.State, r.Detail)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
