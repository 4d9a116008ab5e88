package backup

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"opsdeck/internal/testenv"
)

// copyModel is a copy: the backups that it has, all good.
type copyModel struct {
	scan Scan
	sets []*Set
}

func (m *copyModel) inventory() *Inventory { return m.scan.NewInventory(m.sets) }

func (m *copyModel) receive(sets []*Set) {
	for _, s := range sets {
		if a, ok := m.scan.atCopy(FileAtCopy{Name: s.Name, Size: s.Size, Summary: &s.Summary}, Good); ok {
			a.SHA256 = s.SHA256
			m.sets = append(m.sets, a)
		}
	}
}

func (m *copyModel) prune(p Policy) (removed []string) {
	for _, step := range PlanRetention(m.inventory(), p).Removes() {
		removed = append(removed, step.Set.Name)
		for i, s := range m.sets {
			if s == step.Set {
				m.sets = append(m.sets[:i:i], m.sets[i+1:]...)
				break
			}
		}
	}
	return removed
}

// TestWhatTheCopyWouldRemoveIsNotSent: whatever the folder holds and whatever the copy
// keeps, a prune there removes nothing that was just sent, and the next sync has nothing
// to send.
func TestWhatTheCopyWouldRemoveIsNotSent(t *testing.T) {
	rng := rand.New(rand.NewPCG(testenv.Seed(t), 0))
	now := time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)
	left := 0
	for round := range 300 {
		sc := Scan{Databases: []string{"shop"}, Zone: time.UTC, Now: now}
		here := randomFolder(rng, sc)
		keep := Keep{Daily: 1 + rng.IntN(4), Weekly: rng.IntN(3), Monthly: rng.IntN(3), Manual: rng.IntN(3)}
		p := Policy{Keep: keep}
		copy := &copyModel{scan: sc}
		old, _ := sc.ToSendUnder(randomFolder(rng, sc), copy.inventory(), p)
		copy.receive(old)
		copy.prune(p)
		send, not := sc.ToSendUnder(here, copy.inventory(), p)
		left += len(not)
		if len(send)+len(not) != len(here.ToSend()) {
			t.Fatalf("round %d: %d sent, %d not, of %d", round, len(send), len(not), len(here.ToSend()))
		}
		sent := map[string]bool{}
		for _, s := range send {
			if copy.inventory().Find(s.Name) == nil {
				copy.receive([]*Set{s})
				sent[s.Name] = true
			}
		}
		for _, name := range copy.prune(p) {
			if sent[name] {
				t.Fatalf("round %d, keep %+v: %s was sent and then removed", round, keep, name)
			}
		}
		again, _ := sc.ToSendUnder(here, copy.inventory(), p)
		for _, s := range again {
			if copy.inventory().Find(s.Name) == nil {
				t.Fatalf("round %d, keep %+v: %s would be sent again", round, keep, s.Name)
			}
		}
	}
	if left == 0 {
		t.Error("nothing was ever left out")
	}
}

// randomFolder holds verified nightly and manual backups of the last weeks.
func randomFolder(rng *rand.Rand, sc Scan) *Inventory {
	var sets []*Set
	for i := range 5 + rng.IntN(40) {
		at := sc.Now.Add(-time.Duration(i) * 20 * time.Hour).Truncate(time.Second)
		kind := KindScheduled
		if i%4 == 1 { // one name has one kind in every folder
			kind = KindManual
		}
		if rng.IntN(3) == 0 {
			continue
		}
		spec := Spec{Databases: []string{"shop"}, Kind: kind, At: at, Ext: ".sql.gz"}
		name := spec.Name(1)
		sha := fmt.Sprintf("%064d", i)
		sum := Summary{
			File:      name,
			Kind:      kind,
			Databases: []string{"shop"},
			At:        at,
			SizeBytes: 9,
			SHA256:    sha,
			Tables:    1,
			Rows:      100,
		}
		if s, ok := sc.atCopy(FileAtCopy{Name: name, Size: 9, Summary: &sum}, Good); ok {
			s.SHA256 = sha
			s.Checked = at
			sets = append(sets, s)
		}
	}
	return sc.NewInventory(sets)
}

// TestABadFileAtACopyIsSentAgain, even when the copy's retention has no room for it.
func TestABadFileAtACopyIsSentAgain(t *testing.T) {
	now := time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)
	sc := Scan{Databases: []string{"shop"}, Zone: time.UTC, Now: now}
	here := randomFolder(rand.New(rand.NewPCG(1, 0)), sc)
	oldest := here.ToSend()[len(here.ToSend())-1]
	bad, _ := sc.atCopy(FileAtCopy{Name: oldest.Name, Size: 9, Summary: &oldest.Summary}, Bad)
	send, left := sc.ToSendUnder(here, sc.NewInventory([]*Set{bad}), Policy{Keep: Keep{Daily: 1}})
	if len(left) == 0 || send[len(send)-1] != oldest {
		t.Errorf("%d sent, %d left, the last is %s", len(send), len(left), send[len(send)-1].Name)
	}
}

// TestTheLastVerdictOfACopyIsKept: a bad verdict lasts until the file is sent again.
func TestTheLastVerdictOfACopyIsKept(t *testing.T) {
	dir := t.TempDir()
	place := map[string]string{"off": "s3 there"}
	file := FileAtCopy{Name: "shop_1.sql.gz", Size: 9, Summary: &Summary{SHA256: "good", SizeBytes: 9}}
	plain := FileAtCopy{Name: "other.sql.gz", Size: 9}
	says := func(f FileAtCopy, want State) {
		t.Helper()
		known, err := ReadCopies(dir, place)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := known.verdict("off", f); got != want {
			t.Errorf("%s: %s, not %s", f.Name, got, want)
		}
	}
	record := func(name, sha, want string, size int64, good bool) {
		t.Helper()
		r := CopyRecord{At: time.Now(), Copy: "off", Target: place["off"], Name: name, Size: size, Good: good}
		r.SHA256 = sha
		r.Want = want
		if err := AppendCopy(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	says(file, Unverified)
	record(file.Name, "good", "good", 9, true)
	says(file, Good)
	record(file.Name, "rotten", "good", 9, false)
	says(file, Bad)
	says(FileAtCopy{Name: file.Name, Size: 10, Summary: file.Summary}, Unverified) // another file
	record(file.Name, "good", "", 9, true)                                         // of an earlier version
	says(file, Good)
	record(file.Name, "rotten", "", 9, false)
	says(file, Bad)
	record(plain.Name, "good", "good", 9, true)
	says(plain, Unverified) // only a load proves a file without a manifest
	record(plain.Name, "rotten", "good", 9, false)
	says(plain, Bad)
}
