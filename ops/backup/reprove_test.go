package backup

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// reproof reads a test's backups without a limit worth speaking of.
func reproof() Reproof {
	now := func() time.Time { return testNow }
	return Reproof{
		Bytes: 1 << 20,
		Prove: func(ctx context.Context, s *Set) (Check, error) { return Verify(ctx, s.Path, now, nil) },
	}
}

// flip changes one byte and sets the date back, as no honest program does.
func flip(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	one := make([]byte, 1)
	f.ReadAt(one, info.Size()/2)
	one[0] ^= 1
	f.WriteAt(one, info.Size()/2)
	f.Close()
	os.Chtimes(path, info.ModTime(), info.ModTime())
}

// ctime alone tells nothing of the contents: they are read again, and only they
// decide. What was not read is neither good nor bad.
func TestOnlyContentsProveABackupWhoseMetadataChanged(t *testing.T) {
	for what, c := range map[string]struct {
		change func(path string)
		deep   bool
		was    State // of the check before
		before State // the re-read
		after  State
	}{
		"chmod": {func(p string) { os.Chmod(p, 0o640) }, true, Good, Unverified, Good},
		"chmod of both": {func(p string) { os.Chmod(p, 0o640); os.Chmod(p+ManifestSuffix, 0o640) }, true, Good,
			Unverified, Good},
		"another name":      {func(p string) { os.Link(p, p+"-elsewhere") }, true, Good, Unverified, Good},
		"a byte":            {func(p string) { flip(t, p) }, false, Good, Unverified, Bad},
		"a manifest's byte": {func(p string) { flip(t, p+ManifestSuffix) }, false, Good, Bad, Bad},
		"bad and chmod":     {func(p string) { os.Chmod(p, 0o640) }, false, Bad, Bad, Bad},
	} {
		t.Run(what, func(t *testing.T) {
			dir, state := folderOf(t), t.TempDir()
			at := testNow.Add(-7 * time.Hour)
			name := nameAt(at)
			path := filepath.Join(dir, name)
			place(t, dir, name, []byte(strings.Repeat("x", 4000)+"\n-- Dump completed\n"), at, nil)
			if c.was == Bad {
				flip(t, path)
			}
			check, err := Verify(context.Background(), path, func() time.Time { return testNow.Add(-time.Hour) }, nil)
			if err != nil || check.OK() != (c.was == Good) {
				t.Fatalf("%+v %v", check, err)
			}
			check.Deep = check.OK()
			file, manifest, _ := Identify(path)
			if err := index(t, state, dir).Record(file, manifest, check); err != nil {
				t.Fatal(err)
			}
			waitCTime(t, path)
			c.change(path)
			x := index(t, state, dir)
			inv := scan(t, dir, x)
			s := inv.Find(name)
			if s.State != c.before || hasCode(s, Moved) != (c.before == Unverified) {
				t.Errorf("before: %s %+v", s.State, s.Problems)
			}
			if s := NewestProved(inv, db); (s != nil) != (c.before == Unverified) {
				t.Errorf("proposed: %+v", s)
			}
			again, err := reproof().Run(context.Background(), inv, x)
			if err != nil || again != (c.before == Unverified) {
				t.Errorf("read again: %v %v", again, err)
			}
			s = scan(t, dir, index(t, state, dir)).Find(name) // another process
			if s.State != c.after || s.Deep != c.deep || hasCode(s, Moved) {
				t.Errorf("after: %s deep %v %+v", s.State, s.Deep, s.Problems)
			}
		})
	}
}

// A look is bounded: the newest are read first, what is too much waits.
func TestRereadingStopsAtItsLimits(t *testing.T) {
	dir := folderOf(t)
	x := index(t, "", dir)
	for n := range 3 {
		at := testNow.AddDate(0, 0, -n-1)
		place(t, dir, nameAt(at), []byte(strings.Repeat("x", 1000)+"\n-- Dump completed\n"), at, nil)
		passed(t, x, filepath.Join(dir, nameAt(at)))
		waitCTime(t, filepath.Join(dir, nameAt(at)))
		os.Chmod(filepath.Join(dir, nameAt(at)), 0o640)
	}
	inv := scan(t, dir, x)
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if again, err := reproof().Run(stopped, inv, x); again || err == nil {
		t.Errorf("cancelled: %v %v", again, err)
	}
	slow := reproof()
	slow.Time = time.Nanosecond
	if again, err := slow.Run(context.Background(), inv, x); again || err != nil {
		t.Errorf("no time: %v %v", again, err)
	}
	r := reproof()
	r.Bytes = 2500
	if again, err := r.Run(context.Background(), inv, x); !again || err != nil {
		t.Errorf("%v %v", again, err)
	}
	var states []State
	for _, s := range scan(t, dir, x).Sets {
		states = append(states, s.State)
	}
	if want := []State{Good, Good, Unverified}; !slices.Equal(states, want) {
		t.Errorf("%v, want %v", states, want)
	}
}
