package backup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/ops"
)

var testNow = time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)

// folderOf makes a 0700 folder for backups.
func folderOf(t testing.TB) string {
	dir := filepath.Join(t.TempDir(), "backups")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// place puts a backup with its manifest into a folder.
func place(t testing.TB, dir, name string, content []byte, at time.Time, change func(*Manifest)) {
	t.Helper()
	m := testManifest(name, content, at)
	if change != nil {
		change(m)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := EncodeManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+ManifestSuffix), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func nameAt(at time.Time) string {
	return Spec{Databases: []string{db}, At: at, Ext: ".sql.gz"}.Name(1)
}

func scan(t testing.TB, dir string, x *Index) *Inventory {
	t.Helper()
	inv, err := Scan{
		Dir:       dir,
		Databases: []string{db},
		Tables:    known.Tables,
		Zone:      time.UTC,
		Now:       testNow,
		Index:     x,
	}.Read(
		context.Background(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func index(t testing.TB, state, dir string) *Index {
	t.Helper()
	x, err := OpenIndex(state, dir)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func passed(t testing.TB, x *Index, path string) {
	t.Helper()
	f, m, err := Identify(path)
	if err == nil {
		err = x.Record(f, m, Check{At: testNow})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The old script's files are 0644 in a folder of 0700: nobody else gets there.
func TestModeOfAFileCountsOnlyWhereOthersReachIt(t *testing.T) {
	dir := folderOf(t)
	name := nameAt(testNow.Add(-time.Hour))
	place(t, dir, name, []byte("x"), testNow.Add(-time.Hour), nil)
	os.Chmod(filepath.Join(dir, name), 0o644)
	for mode, want := range map[os.FileMode]bool{0o700: false, 0o750: false, 0o755: true} {
		os.Chmod(dir, mode)
		s := scan(t, dir, nil).Find(name)
		if got := slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Code == OthersRead }); got != want {
			t.Errorf("folder %o: told %v, want %v", mode, got, want)
		}
	}
}

func TestStateOfEachBackupIsToldWithItsReason(t *testing.T) {
	dir := folderOf(t)
	x := index(t, "", dir)
	at := testNow.Add(-7 * time.Hour)
	content := []byte(strings.Repeat("x", 4000))
	write := func(name string, b []byte) string {
		os.WriteFile(filepath.Join(dir, name), b, 0o600)
		return name
	}
	for _, c := range []struct {
		what  string
		make  func() string
		state State
		code  string
	}{
		{"verified", func() string {
			place(t, dir, nameAt(at), content, at, nil)
			passed(t, x, filepath.Join(dir, nameAt(at)))
			return nameAt(at)
		}, Good, ""},
		{"not yet verified", func() string {
			n := nameAt(at.Add(1 * time.Second))
			place(t, dir, n, content, at,
				nil)
			return n
		}, Unverified, ""},
		{"empty", func() string {
			n := nameAt(at.Add(2 * time.Second))
			place(t, dir, n, nil, at, func(m *Manifest) { m.SizeBytes = 10 })
			return n
		}, Bad, Empty},
		{"the old script's empty pipe", func() string { return write(nameAt(at.Add(3*time.Second)), make([]byte, 20)) },
			Bad, Empty},
		{"shorter than its manifest", func() string {
			n := nameAt(at.Add(4 * time.Second))
			place(t, dir, n, content, at, nil)
			os.Truncate(filepath.Join(dir, n), 3999)
			return n
		}, Bad, Truncated},
		{"longer than its manifest", func() string {
			n := nameAt(at.Add(5 * time.Second))
			place(t, dir, n, content, at, func(m *Manifest) { m.SizeBytes-- })
			return n
		}, Bad, Grown},
		{"from the future", func() string {
			n := nameAt(testNow.Add(time.Hour))
			place(t, dir, n, content, testNow.Add(time.Hour), nil)
			return n
		}, Bad, Future},
		{"a manifest that lies", func() string {
			n := nameAt(at.Add(6 * time.Second))
			place(t, dir, n, content, at, func(m *Manifest) { m.File = "../" + n })
			return n
		}, Bad, BadManifest},
		{"a manifest of a later version", func() string {
			n := nameAt(at.Add(7 * time.Second))
			place(t, dir, n, content, at, func(m *Manifest) { m.FormatVersion = 99 })
			return n
		}, Bad, BadManifest},
		{"a symlink loop", func() string {
			n := nameAt(at.Add(8 * time.Second))
			os.Symlink(n, filepath.Join(dir, n))
			return n
		}, Bad, Unreadable},
		{"a folder under a file's name", func() string {
			n := nameAt(at.Add(9 * time.Second))
			os.Mkdir(filepath.Join(dir, n), 0o700)
			return n
		}, Bad, Unreadable},
		{"a pipe", func() string {
			n := nameAt(at.Add(10 * time.Second))
			unix.Mkfifo(filepath.Join(dir, n), 0o600)
			return n
		}, Bad, Unreadable},
		{"made by others", func() string { return write(nameAt(at.Add(11*time.Second)), content) }, Unverified,
			ByOthers},
		{"a physical folder", func() string {
			os.Mkdir(filepath.Join(dir, "xtrabackup_20261118_020000"), 0o700)
			return "xtrabackup_20261118_020000"
		}, Unverified, IsPhysical},
		{"readable by all", func() string {
			n := nameAt(at.Add(12 * time.Second))
			place(t, dir, n, content, at, nil)
			os.Chmod(filepath.Join(dir, n), 0o644)
			os.Chmod(dir, 0o755)
			return n
		}, Unverified, OthersRead},
		{"renamed", func() string {
			n := nameAt(at.Add(13 * time.Second))
			place(t, dir, n, content, at, func(m *Manifest) { m.File = nameAt(at) })
			return n
		}, Unverified, Renamed},
		{"not of one moment", func() string {
			n := nameAt(at.Add(14 * time.Second))
			place(t, dir, n, content, at, func(m *Manifest) { m.Consistent = false })
			return n
		}, Unverified, Torn},
		{"one moment by the position alone", func() string {
			n := nameAt(at.Add(15 * time.Second))
			place(t, dir, n, content, at, func(m *Manifest) { m.Consistent, m.Consistency = true, ByPosition })
			return n
		}, Unverified, Torn},
	} {
		t.Run(c.what, func(t *testing.T) {
			name := c.make()
			s := scan(t, dir, x).Find(name)
			if s == nil {
				t.Fatalf("%s is not listed", name)
			}
			p, any := s.Worst()
			if s.State != c.state || any != (c.code != "") || any && (p.Code != c.code || p.Text().Key == "%s") {
				t.Errorf("%s: %s, %+v", name, s.State, s.Problems)
			}
		})
	}
}

func TestAVerificationIsNotBelievedOfAChangedFile(t *testing.T) {
	dir, state := folderOf(t), t.TempDir()
	name := nameAt(testNow.Add(-7 * time.Hour))
	path := filepath.Join(dir, name)
	content := []byte(strings.Repeat("x", 4000))
	fresh := func() State { return scan(t, dir, index(t, state, dir)).Find(name).State }
	for what, change := range map[string]func(){
		"a byte changed and the clock set back": func() {
			info, _ := os.Stat(path)
			f, _ := os.OpenFile(path, os.O_WRONLY, 0)
			f.WriteAt([]byte("y"), 2000)
			f.Close()
			os.Chtimes(path, info.ModTime(), info.ModTime())
		},
		"another file in its place": func() {
			info, _ := os.Stat(path)
			os.WriteFile(path+"x", content, 0o600)
			os.Chtimes(path+"x", info.ModTime(), info.ModTime())
			os.Rename(path+"x", path)
		},
		"another manifest": func() { place(t, dir, name, content, testNow.Add(-8*time.Hour), nil) },
	} {
		t.Run(what, func(t *testing.T) {
			place(t, dir, name, content, testNow.Add(-7*time.Hour), nil)
			passed(t, index(t, state, dir), path)
			if got := fresh(); got != Good {
				t.Fatalf("verified, and %s", got)
			}
			waitCTime(t, path)
			change()
			if got := fresh(); got != Unverified {
				t.Errorf("changed, and still %s", got)
			}
		})
	}
}

// waitCTime waits until the file system's clock has moved on, so that a change
// shows in ctime.
func waitCTime(t *testing.T, path string) {
	t.Helper()
	probe := path + ".probe"
	defer os.Remove(probe)
	before, _, _ := Identify(path)
	for range 1000 {
		os.WriteFile(probe, nil, 0o600)
		if now, _, _ := Identify(probe); now.CTime > before.CTime {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the file system's clock stands still")
}

func TestTheNamesOfOneContentAreVerifiedTogether(t *testing.T) {
	dir := folderOf(t)
	at := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC) // a Sunday and the 1st
	place(t, dir, nameAt(at), []byte("content"), at, nil)
	m, _ := ReadManifest(filepath.Join(dir, nameAt(at)))
	if _, err := LinkTiers(dir, nameAt(at), m, at); err != nil {
		t.Fatal(err)
	}
	x := index(t, "", dir)
	passed(t, x, filepath.Join(dir, nameAt(at)))
	inv := scan(t, dir, x)
	for _, s := range inv.Sets {
		if s.State != Good || s.Links != 3 {
			t.Errorf("%s: %s, %d names", s.Name, s.State, s.Links)
		}
	}
	if len(inv.Sets) != 3 || inv.Bytes != int64(len("content")) {
		t.Errorf("%d sets, %d bytes", len(inv.Sets), inv.Bytes)
	}
}

func TestASizeFarFromItsNeighboursIsBadWithoutAManifest(t *testing.T) {
	dir := folderOf(t)
	for n := range 7 {
		size := 5000 + 10*n
		if n == 3 {
			size = 900
		}
		os.WriteFile(filepath.Join(dir, nameAt(testNow.AddDate(0, 0, -n-1))), []byte(strings.Repeat("x", size)), 0o600)
	}
	for n, s := range scan(t, dir, nil).Sets {
		if want := n == 3; hasCode(s, OddSize) != want || (s.State == Bad) != want {
			t.Errorf("%d: %s %+v", n, s.State, s.Problems)
		}
	}
}

func TestALossOfRowsIsRemarkedWhereTheManifestProvesIt(t *testing.T) {
	dir := folderOf(t)
	for n, rows := range []int{100, 4000, 4000, 4000} {
		at := testNow.AddDate(0, 0, -n-1)
		place(t, dir, nameAt(at), []byte(strings.Repeat("x", rows)), at, nil)
	}
	sets := scan(t, dir, nil).Sets
	if !hasCode(sets[0], FewerRows) || sets[0].State == Bad || hasCode(sets[1], FewerRows) {
		t.Errorf("%+v", sets[0].Problems)
	}
}

func TestSlotsShowWhatIsMissing(t *testing.T) {
	w := newWorld(time.UTC)
	for n := range 40 { // 18 November back to 10 October
		at := time.Date(2026, 11, 18-n, 2, 0, 0, 0, time.UTC)
		if y, week := at.ISOWeek(); y == 2026 && week == 46 { // 9 to 15 November
			continue
		}
		w.add(at, Good)
	}
	daily, _ := ParseCron("0 2 * * *")
	tiers := w.inventory(testNow).Tiers(fieldKeep, daily, 2*time.Hour)
	if got := tiers[0]; got.Held != 3 || len(got.Missing()) != 4 || got.Missing()[3].Key(Daily) != "2026-11-12" {
		t.Errorf("daily %d of %d, missing %v", got.Held, got.Keep, got.Missing())
	}
	week := tiers[1]
	if week.Held != 3 || len(week.Missing()) != 1 || week.Missing()[0].Label(Weekly).String() != "week of 2026-11-09" {
		t.Errorf("weekly %d of %d, missing %v", week.Held, week.Keep, week.Missing())
	}
	if m := tiers[2]; m.Held != 2 || len(m.Missing()) != 0 {
		t.Errorf("monthly: months before the first backup are not missing: %d, %v", m.Held, m.Missing())
	}
}

// TestATierListsWhatFillsItsWeeks: a folder of daily backups alone fills the weeks too.
func TestATierListsWhatFillsItsWeeks(t *testing.T) {
	dir := folderOf(t)
	for days := 1; days <= 20; days++ {
		at := testNow.AddDate(0, 0, -days)
		place(t, dir, nameAt(at), []byte("x"), at, nil)
	}
	daily, _ := ParseCron("0 2 * * *")
	week := scan(t, dir, nil).Tiers(Keep{Daily: 7, Weekly: 2}, daily, time.Hour)[1]
	listed := week.Listed()
	if len(week.Sets) != 0 || len(listed) != 2 || !listed[0].At.After(listed[1].At) {
		t.Errorf("lists %d, of them %d by name", len(listed), len(week.Sets))
	}
}

// TestAFileWrittenUnderATiersNameIsNotGivenItAgain: its manifest names the prefix too.
func TestAFileWrittenUnderATiersNameIsNotGivenItAgain(t *testing.T) {
	dir := folderOf(t)
	for days := 1; days <= 60; days++ {
		at := testNow.AddDate(0, 0, -days)
		prefix := ""
		if at.Day() == 1 {
			prefix = monthlyPrefix
		} else if at.Weekday() == time.Sunday {
			prefix = weeklyPrefix
		}
		place(t, dir, prefix+nameAt(at), []byte("x"), at, nil)
	}
	inv := scan(t, dir, nil)
	for _, step := range PlanRetention(inv, Policy{Keep: fieldKeep}).Renames() {
		for _, to := range step.To {
			if strings.Count(to, "ly_") > 1 {
				t.Errorf("%s becomes %s", step.Set.Name, to)
			}
		}
	}
	for _, s := range inv.Sets {
		want := Daily
		if strings.HasPrefix(s.Name, weeklyPrefix) {
			want = Weekly
		} else if strings.HasPrefix(s.Name, monthlyPrefix) {
			want = Monthly
		}
		if s.Tier != want {
			t.Errorf("%s is in the tier %s", s.Name, s.Tier)
		}
	}
}

func TestASlotWithABadFileAloneIsUnfilled(t *testing.T) {
	dir := folderOf(t)
	for days := 1; days <= 3; days++ {
		at := testNow.AddDate(0, 0, -days)
		place(t, dir, nameAt(at), []byte("x"), at, nil)
	}
	at := testNow.AddDate(0, 0, -2)
	os.WriteFile(filepath.Join(dir, nameAt(at)), nil, 0o600)
	daily, _ := ParseCron("0 2 * * *")
	tier := scan(t, dir, nil).Tiers(Keep{Daily: 7}, daily, time.Hour)[0]
	empty := map[string]bool{}
	for _, s := range tier.Unfilled() {
		empty[s.Key(Daily)] = true
	}
	if !empty[at.Format("2006-01-02")] || empty[testNow.AddDate(0, 0, -1).Format("2006-01-02")] {
		t.Errorf("unfilled %v", empty)
	}
	for _, s := range tier.Missing() {
		if s.Key(Daily) == at.Format("2006-01-02") {
			t.Error("a slot with a file counts as empty")
		}
	}
}

func TestTodaysSlotIsNotMissingBeforeItsTime(t *testing.T) {
	w := newWorld(time.UTC)
	for n := 1; n < 10; n++ {
		w.add(time.Date(2026, 11, 18-n, 2, 0, 0, 0, time.UTC), Good)
	}
	daily, _ := ParseCron("0 2 * * *")
	for hour, want := range map[int]int{1: 0, 3: 0, 5: 1} {
		inv := w.inventory(time.Date(2026, 11, 18, hour, 0, 0, 0, time.UTC))
		if got := len(inv.Tiers(fieldKeep, daily, 2*time.Hour)[0].Missing()); got != want {
			t.Errorf("at %d o'clock %d are missing", hour, got)
		}
	}
}

func TestAFolderThatIsNoneIsExplained(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	os.WriteFile(file, nil, 0o600)
	loop := filepath.Join(root, "loop")
	os.Symlink(loop, loop)
	for dir, code := range map[string]ops.Code{filepath.Join(root, "absent"): ops.Failed, file: ops.Config,
		loop: ops.Config} {
		_, err := Scan{Dir: dir, Now: testNow}.Read(context.Background())
		if err == nil || ops.CodeOf(err) != code {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestNamesThatAttackAreListedAsTheyAre(t *testing.T) {
	dir := folderOf(t)
	for _, n := range []string{"a b_20261101_020000.sql.gz", "it's \"x\"_20261101_020000.sql.gz",
		"a\nb_20261101_020000.sql.gz", "\x1b[31mred_20261101_020000.sql.gz", "..%2F.._20261101_020000.sql.gz",
		"plain.txt"} {
		os.WriteFile(filepath.Join(dir, n), make([]byte, 100), 0o600)
	}
	inv := scan(t, dir, nil)
	if len(inv.Sets) != 5 || inv.Others != 1 {
		t.Errorf("%d sets, %d others", len(inv.Sets), inv.Others)
	}
	for _, s := range inv.Sets {
		if filepath.Dir(s.Path) != dir || s.Tier != Unknown {
			t.Errorf("%q is %s at %q", s.Name, s.Tier, s.Path)
		}
	}
}

// A console that is open for days must know what cron proved beside it: else it
// would propose an old backup for a restore.
func TestWhatOthersVerifyIsSeenByWhoHasTheFolderOpen(t *testing.T) {
	dir, state := folderOf(t), t.TempDir()
	console, cron := index(t, state, dir), index(t, state, dir)
	for n := 3; n > 0; n-- {
		at := testNow.AddDate(0, 0, -n)
		place(t, dir, nameAt(at), []byte("content"), at, nil)
		if s := scan(t, dir, console).Find(nameAt(at)); s == nil || s.State != Unverified {
			t.Fatalf("before anybody looked: %+v", s)
		}
		passed(t, cron, filepath.Join(dir, nameAt(at)))
		if s := scan(t, dir, console).Find(nameAt(at)); s == nil || s.State != Good {
			t.Fatalf("proved by another, and here: %+v", s)
		}
	}
}

func TestTheIndexSurvivesDamage(t *testing.T) {
	dir, state := folderOf(t), t.TempDir()
	for n := range 3 {
		at := testNow.AddDate(0, 0, -n-1)
		place(t, dir, nameAt(at), []byte("content"), at, nil)
		passed(t, index(t, state, dir), filepath.Join(dir, nameAt(at)))
	}
	scan(t, dir, index(t, state, dir))
	files, _ := filepath.Glob(filepath.Join(state, "backups", "*"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for cut := 0; cut <= len(text); cut += 1 + len(text)/50 {
			os.WriteFile(f, append(append([]byte{}, text[:cut]...), "\xff\tgarbage\n"...), 0o600)
			for _, s := range scan(t, dir, index(t, state, dir)).Sets {
				if s.State == Bad {
					t.Fatalf("%s cut at %d: %+v", f, cut, s)
				}
			}
		}
		os.WriteFile(f, text, 0o600)
	}
	for _, s := range scan(t, dir, index(t, state, dir)).Sets {
		if s.State != Good {
			t.Errorf("%s is %s", s.Name, s.State)
		}
	}
}

func TestTheIndexForgetsWhatIsGone(t *testing.T) {
	dir, state := folderOf(t), t.TempDir()
	place(t, dir, nameAt(testNow.Add(-time.Hour)), []byte("content"), testNow, nil)
	x := index(t, state, dir)
	passed(t, x, filepath.Join(dir, nameAt(testNow.Add(-time.Hour))))
	for i := range 1200 {
		x.checks[key{File: FileID{Inode: uint64(i + 1e6)}}] = Check{At: testNow}
		x.lines++
	}
	scan(t, dir, x)
	if again := index(t, state, dir); len(again.checks) != 1 {
		t.Errorf("%d checks are remembered", len(again.checks))
	}
}

// BenchmarkList is the time that a list of 100,000 verified backups takes, with
// what a second start remembers of the first.
func BenchmarkList(b *testing.B) {
	dir, state := folderOf(b), b.TempDir()
	x := index(b, state, dir)
	start := time.Date(2020, 1, 1, 2, 0, 0, 0, time.UTC)
	for i := range 100_000 {
		at := start.Add(time.Duration(i) * time.Minute)
		place(b, dir, nameAt(at), []byte("content"), at, nil)
		f, m, _ := Identify(filepath.Join(dir, nameAt(at)))
		x.checks[key{f, m}] = Check{At: testNow}
	}
	live := map[key]bool{}
	for k := range x.checks {
		live[k] = true
	}
	x.compact(live)
	scan(b, dir, x)
	for b.Loop() {
		if inv := scan(b, dir, index(b, state, dir)); len(inv.Sets) != 100_000 || inv.Sets[5].State != Good {
			b.Fatal(fmt.Sprint(len(inv.Sets)))
		}
	}
}
