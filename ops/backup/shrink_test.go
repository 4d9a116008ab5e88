package backup

import (
	"strings"
	"testing"
)

// emptiedWorld is a folder with backups of rows, the first the newest; one a day.
func emptiedWorld(t *testing.T, rows ...int) (dir string) {
	dir = folderOf(t)
	for n, r := range rows {
		at := testNow.AddDate(0, 0, -n-1)
		place(t, dir, nameAt(at), []byte(strings.Repeat("x", r)), at, nil)
	}
	return dir
}

// flagged tells of each backup, newest first, whether it has shrunk, and holds the
// remark in the list against it.
func flagged(t *testing.T, inv *Inventory) (marks string) {
	t.Helper()
	all := inv.Shrinks()
	for _, s := range inv.Sets {
		_, one := inv.Shrunk(s)
		_, many := all.Of(s)
		if one != many || hasCode(s, FewerRows) != one {
			t.Errorf("%s: one %v, many %v, in the list %v", s.Name, one, many, hasCode(s, FewerRows))
		}
		if one {
			marks += "!"
			continue
		}
		marks += "."
	}
	return marks
}

// TestALossIsNotForgottenByRepetition: six backups of an emptied database after one full
// backup, which prune holds as the last before the loss. Each of the six has shrunk.
func TestALossIsNotForgottenByRepetition(t *testing.T) {
	dir := emptiedWorld(t, 43, 43, 43, 43, 43, 43, 4000)
	inv := scan(t, dir, nil)
	if got := flagged(t, inv); got != "!!!!!!." {
		t.Errorf("marks %s", got)
	}
	shrink, _ := inv.Shrunk(inv.Sets[0])
	if shrink.Rows != 43 || shrink.Was != 4000 || shrink.Before != inv.Sets[6] {
		t.Errorf("%d of %d rows, before %s", shrink.Rows, shrink.Was, shrink.Before.Name)
	}
}

func TestWhatCountsAsShrunk(t *testing.T) {
	for name, c := range map[string]struct {
		rows []int
		want string
	}{
		"the rows came back":             {[]int{4000, 43, 43, 43, 43, 43, 4000}, ".!!!!!."},
		"a second loss":                  {[]int{43, 1000, 1000, 1000, 1000, 1000, 4000}, "!!!!!!."},
		"growth while it is flagged":     {[]int{900, 1900, 1500, 1000, 500, 43, 4000}, "!!!!!!."},
		"a loss of what grew back":       {[]int{900, 2100, 1500, 43, 4000}, "!.!!."},
		"a slow decline is not a loss":   {[]int{1700, 2000, 2200, 2400, 2600, 2800, 3100, 3500, 4000}, "........."},
		"small databases are not judged": {[]int{3, 3, 3, 3, 3, 3, 90}, "......."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := flagged(t, scan(t, emptiedWorld(t, c.rows...), nil)); got != c.want {
				t.Errorf("marks %s, not %s", got, c.want)
			}
		})
	}
}

// TestAnAcceptedLossIsTheNorm: what a person accepted no longer warns, survives a new
// process, and does not hide the next loss.
func TestAnAcceptedLossIsTheNorm(t *testing.T) {
	dir, state := emptiedWorld(t, 1000, 1000, 1000, 4000, 4000), t.TempDir()
	index := func() *Index {
		x, err := OpenIndex(state, dir)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	inv := scan(t, dir, index())
	if got := flagged(t, inv); got != "!!!.." {
		t.Fatalf("marks %s", got)
	}
	if err := index().Accept(inv.Sets[1]); err != nil {
		t.Fatal(err)
	}
	if got := flagged(t, scan(t, dir, index())); got != "..!.." {
		t.Errorf("after accepting the second: marks %s", got)
	}
	at := testNow
	place(t, dir, nameAt(at), []byte(strings.Repeat("x", 43)), at, nil)
	if got := flagged(t, scan(t, dir, index())); got != "!..!.." {
		t.Errorf("a second loss: marks %s", got)
	}
	other, err := OpenIndex(t.TempDir(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := flagged(t, scan(t, dir, other)); got != "!!!!.." {
		t.Errorf("without the state: marks %s", got)
	}
}
