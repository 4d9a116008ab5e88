package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/ops"
)

// nights fills a real folder with verified backups of the last n nights.
func nights(t testing.TB, dir string, x *Index, n int) {
	t.Helper()
	for i := range n {
		at := time.Date(2026, 11, 18-i, 2, 0, 0, 0, time.UTC)
		name := nameAt(at)
		path, m := nativeFile(t, dir, name, 1+i%3, at)
		if _, err := LinkTiers(dir, name, m, at); err != nil {
			t.Fatal(err)
		}
		passed(t, x, path)
	}
}

// lostSunday makes a week whose Sunday has no weekly name, so that a rename is due.
func lostSunday(t testing.TB, dir string) {
	t.Helper()
	for _, suffix := range []string{"", ManifestSuffix} {
		if err := os.Remove(filepath.Join(dir, "weekly_"+nameAt(time.Date(2026, 11, 8, 2, 0, 0, 0, time.UTC))+
			suffix)); err != nil {
			t.Fatal(err)
		}
	}
}

func execution(x *Index) Execution {
	return Execution{Index: x, Verify: func(ctx context.Context, s *Set) (Check, error) {
		return Verify(ctx, s.Path, func() time.Time { return testNow }, nil)
	}}
}

var nightly = Policy{Keep: fieldKeep, Late: 26 * time.Hour}

func names(inv *Inventory) (out []string) {
	for _, s := range inv.Sets {
		out = append(out, s.Name+" "+string(s.State))
	}
	return out
}

// prepared is a folder in which removals and a rename are due.
func prepared(t testing.TB, n int) (dir string, x *Index, p *Plan) {
	dir = folderOf(t)
	x = index(t, t.TempDir(), dir)
	nights(t, dir, x, n)
	lostSunday(t, dir)
	p = PlanRetention(reverified(t, dir, x), nightly)
	if len(p.Removes()) == 0 || len(p.Renames()) == 0 {
		t.Fatalf("nothing to do:\n%s", planText(p))
	}
	return dir, x, p
}

// reverified takes the inventory after verifying what is not.
func reverified(t testing.TB, dir string, x *Index) *Inventory {
	t.Helper()
	for _, s := range scan(t, dir, x).Sets {
		if s.State == Unverified {
			passed(t, x, s.Path)
		}
	}
	return scan(t, dir, x)
}

func TestThePlanIsCarriedOutAsShown(t *testing.T) {
	dir, x, p := prepared(t, 40)
	out, err := p.Execute(context.Background(), execution(x))
	if err != nil {
		t.Fatal(err)
	}
	inv := scan(t, dir, x)
	if len(out.Removed) != len(p.Removes()) || len(out.Renamed) != len(p.Renames()) || out.Freed != p.Frees ||
		out.Freed == 0 {
		t.Errorf("%+v", out)
	}
	for _, s := range inv.Sets {
		if s.State != Good {
			t.Errorf("%s lost its verification: %s %+v", s.Name, s.State, s.Problems)
		}
	}
	if inv.Find("weekly_"+nameAt(time.Date(2026, 11, 8, 2, 0, 0, 0, time.UTC))) == nil {
		t.Errorf("the weekly name is missing: %v", names(inv))
	}
	if again := PlanRetention(inv, nightly); !again.Empty() {
		t.Errorf("a second plan is not empty:\n%s", planText(again))
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 2*len(inv.Sets) {
		t.Errorf("leftovers: %v", left)
	}
	if _, err := p.Execute(context.Background(), execution(x)); err == nil {
		t.Error("a plan runs twice")
	}
}

// TestWhatIsNoFileStopsNoPruning: a folder, a pipe and a link to nothing under names of
// backups are left alone, also when one of them is named, and the rest goes.
func TestWhatIsNoFileStopsNoPruning(t *testing.T) {
	dir, x, p := prepared(t, 40)
	goes := len(p.Removes())
	others := []string{db + "_20200101_020000.sql.gz", db + "_20200102_020000.sql.gz", db + "_20200103_020000.sql.gz"}
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, others[0]), 0o700),
		unix.Mkfifo(filepath.Join(dir, others[1]), 0o600),
		os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, others[2])),
	); err != nil {
		t.Fatal(err)
	}
	inv := scan(t, dir, x)
	for _, name := range others {
		removal := PlanRemoval(inv, nightly, inv.Find(name), false)
		if len(removal.Blocked) != 1 || !strings.Contains(removal.Blocked[0].String(), "remove it by hand") {
			t.Errorf("%s by name: %v", name, removal.Blocked)
		}
	}
	foreign := nightly
	foreign.Foreign = true
	for _, policy := range []Policy{nightly, foreign} {
		if n := len(PlanRetention(inv, policy).Removes()); n != goes {
			t.Errorf("%d go, want %d", n, goes)
		}
	}
	out, err := PlanRetention(inv, foreign).Execute(context.Background(), execution(x))
	if err != nil || len(out.Removed) != goes {
		t.Fatalf("%+v, %v", out, err)
	}
}

func TestNothingIsDoneWhenAFileChangedSinceThePlan(t *testing.T) {
	for what, change := range map[string]func(dir string, p *Plan){
		"one that would go": func(dir string, p *Plan) {
			os.WriteFile(filepath.Join(dir, p.Removes()[0].Set.Name), []byte("new"), 0o600)
		},
		"the good one": func(dir string, p *Plan) {
			os.WriteFile(filepath.Join(dir, p.Guard.Name), []byte("new"), 0o600)
		},
		"one that is gone": func(dir string, p *Plan) { os.Remove(filepath.Join(dir, p.Removes()[0].Set.Name)) },
	} {
		t.Run(what, func(t *testing.T) {
			dir, x, p := prepared(t, 40)
			before, _ := filepath.Glob(filepath.Join(dir, "*"))
			change(dir, p)
			out, err := p.Execute(context.Background(), execution(x))
			after, _ := filepath.Glob(filepath.Join(dir, "*"))
			if ops.CodeOf(err) != ops.Busy || len(out.Removed) > 0 || len(after) < len(before)-1 {
				t.Errorf("%v, removed %v", err, out.Removed)
			}
		})
	}
}

func TestNothingIsRemovedWhenTheNewestFailsItsVerification(t *testing.T) {
	dir, x, p := prepared(t, 40)
	path := filepath.Join(dir, p.Guard.Name)
	f, _ := os.OpenFile(path, os.O_WRONLY, 0)
	f.WriteAt([]byte("\xff\xff"), 40)
	f.Close()
	// The disk lies: it gives other bytes under the same identity.
	p.Guard.ID, p.Guard.Manifest, _ = Identify(path)
	out, err := p.Execute(context.Background(), execution(x))
	if err == nil || len(out.Removed)+len(out.Renamed) > 0 {
		t.Fatalf("%v, %+v", err, out)
	}
	if s := scan(t, dir, x).Find(p.Guard.Name); s.State != Bad {
		t.Errorf("it is still called %s", s.State)
	}
}

func TestABlockedPlanDoesNothing(t *testing.T) {
	dir, x, _ := prepared(t, 40)
	inv := scan(t, dir, x)
	inv.At = inv.At.AddDate(0, 0, 5)
	p := PlanRetention(inv, nightly)
	if out, err := p.Execute(context.Background(), execution(x)); err == nil || len(out.Removed) > 0 {
		t.Errorf("%v, %v", err, out)
	}
}

var errCut = errors.New("power cut")

// TestAPowerCutBetweenAnyTwoStepsLosesNothing cuts the power at each change on
// disk in turn; what is found afterwards is recovered and planned anew, and must
// end as if nothing had happened.
func TestAPowerCutBetweenAnyTwoStepsLosesNothing(t *testing.T) {
	dir, x, p := prepared(t, 15)
	if _, err := p.Execute(context.Background(), execution(x)); err != nil {
		t.Fatal(err)
	}
	want := names(scan(t, dir, x))
	steps := 0
	for cut := 0; ; cut++ {
		dir, x, p := prepared(t, 15)
		run, at := execution(x), 0
		run.between = func(string) error {
			if at++; at > cut {
				return errCut
			}
			return nil
		}
		_, err := p.Execute(context.Background(), run)
		if err == nil {
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		steps++
		if err := Recover(dir); err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		inv := scan(t, dir, x)
		for _, s := range inv.Sets {
			if s.Foreign || s.State == Bad {
				t.Fatalf("cut %d leaves %s %s %+v", cut, s.Name, s.State, s.Problems)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".opsdeck-*")); left != nil {
			t.Fatalf("cut %d leaves %v", cut, left)
		}
		if _, err := PlanRetention(reverified(t, dir, x), nightly).Execute(context.Background(),
			execution(x)); err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		if got := names(scan(t, dir, x)); !slices.Equal(got, want) {
			t.Fatalf("cut %d ends with\n%s\nnot\n%s", cut, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if steps < 10 {
		t.Errorf("only %d cuts", steps)
	}
}

func TestRecoverDoesNotTrustItsJournal(t *testing.T) {
	dir := folderOf(t)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	os.WriteFile(outside, nil, 0o600)
	id, _, _ := Identify(outside)
	in := intent{From: "../outside", To: []string{"x"}, ID: id}
	if err := in.finish(dir); err == nil || !taken(outside) {
		t.Error("a path in the journal was followed")
	}
	os.WriteFile(filepath.Join(dir, journalName), []byte("{"), 0o600)
	if err := Recover(dir); err == nil {
		t.Error("a damaged journal passes")
	}
}

func TestAnOldIntentDoesNotTouchANewFile(t *testing.T) {
	dir, _, p := prepared(t, 15)
	name := p.Renames()[0].Set.Name
	os.WriteFile(filepath.Join(dir, "new"), []byte("another"), 0o600)
	os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, name))
	in := intent{From: name, To: p.Renames()[0].To, ID: p.Renames()[0].Set.ID}
	if err := in.finish(dir); err != nil || !taken(filepath.Join(dir, name)) {
		t.Error("a new file was renamed by an old journal", err)
	}
}

// tmpfs mounts a small file system of its own; that needs root.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := folderOf(t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		t.Skip("no mount here: ", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestAFullDiskCanStillBePruned(t *testing.T) {
	dir := tmpfs(t, "2m")
	x := index(t, t.TempDir(), dir)
	nights(t, dir, x, 40)
	lostSunday(t, dir)
	p := PlanRetention(reverified(t, dir, x), nightly)
	fill, err := os.Create(filepath.Join(dir, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = fill.Write(make([]byte, 4096))
	}
	fill.Close()
	if _, err := p.Execute(context.Background(), execution(x)); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "fill"))
	if _, err := PlanRetention(reverified(t, dir, x), nightly).Execute(context.Background(), execution(x)); err != nil {
		t.Fatal(err)
	}
	if left := PlanRetention(reverified(t, dir, x), nightly); !left.Empty() {
		t.Errorf("left to do:\n%s", planText(left))
	}
}

func TestAReadOnlyFolderLosesNothing(t *testing.T) {
	dir := tmpfs(t, "2m")
	x := index(t, t.TempDir(), dir)
	nights(t, dir, x, 15)
	p := PlanRetention(reverified(t, dir, x), nightly)
	before := names(scan(t, dir, x))
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip(err)
	}
	if _, err := p.Execute(context.Background(), execution(x)); err == nil {
		t.Error("no error")
	}
	if _, err := Reserve(dir, Spec{Databases: []string{db}, At: testNow, Ext: ".sql.gz"}); err == nil {
		t.Error("a name was reserved")
	}
	if after := names(scan(t, dir, x)); !slices.Equal(before, after) {
		t.Errorf("%v", after)
	}
}
