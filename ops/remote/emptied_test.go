package remote

import (
	"context"
	"testing"

	"opsdeck/ops/backup"
)

// empty removes all but the first few files of a copy, as somebody else would.
func empty(t *testing.T, s Store, keep int) {
	t.Helper()
	for i, name := range listed(t, s) {
		if i >= keep {
			if err := s.Remove(context.Background(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func remembered(t *testing.T, c *Copier) *backup.Emptied {
	t.Helper()
	l, err := backup.ReadListing(c.State, c.Name, c.Target)
	if err != nil {
		t.Fatal(err)
	}
	return l.Emptied
}

// A copy that somebody emptied is told before anything is sent, and remembered until
// a person sent once more.
func TestAnEmptiedCopyIsToldBeforeItIsFilledAgain(t *testing.T) {
	s := fakeS3(t)
	inv, _ := local(t, 5, 1000)
	c := copier(t, s)
	c.Target = "here"
	look := func() {
		t.Helper()
		if _, err := c.Look(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	send(t, c, inv)
	look()
	if remembered(t, c) != nil {
		t.Fatal("whole, and called emptied")
	}
	empty(t, s, 4)
	told := false
	c.Warn = func(e backup.Emptied) {
		told = true
		if e.Had != 5 || e.Left != 2 || len(listed(t, s)) != 4 {
			t.Errorf("%+v, %v", e, listed(t, s))
		}
	}
	if r := send(t, c, inv); !told || r.Emptied == nil || len(r.Sent) != 3 {
		t.Errorf("told %v, %+v", told, r)
	}
	look()
	for _, byHand := range []bool{false, true} {
		if e := remembered(t, c); e == nil || !e.Sent {
			t.Fatalf("forgotten before a person saw it: %+v", e)
		}
		c.ByHand = byHand
		if r := send(t, c, inv); r.Emptied != nil {
			t.Errorf("told twice: %+v", r)
		}
		look()
	}
	if e := remembered(t, c); e != nil {
		t.Errorf("for ever: %+v", e)
	}
}

// What this program removed, and another place of the same name, are no loss.
func TestWhatWeRemovedIsNoLoss(t *testing.T) {
	s := fakeS3(t)
	inv, sc := local(t, 5, 1000)
	c := copier(t, s)
	c.Target = "here"
	send(t, c, inv)
	there, err := c.Inventory(context.Background(), sc)
	if err != nil {
		t.Fatal(err)
	}
	plan := backup.PlanRetention(there, backup.Policy{Keep: backup.Keep{Daily: 1}})
	out, err := c.Prune(context.Background(), plan)
	if err != nil || len(out.Removed) < 3 {
		t.Fatalf("%+v %v", out, err)
	}
	if _, err := c.Look(context.Background()); err != nil || remembered(t, c) != nil {
		t.Errorf("after a prune: %+v %v", remembered(t, c), err)
	}
	empty(t, s, 0)
	c.Target = "there"
	if _, err := c.Look(context.Background()); err != nil || remembered(t, c) != nil {
		t.Errorf("another place: %+v %v", remembered(t, c), err)
	}
}
