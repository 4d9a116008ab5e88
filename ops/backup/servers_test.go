package backup

import (
	"fmt"
	"testing"
	"time"
)

// TestAnotherServersBackupsNeitherCountNorGo: two servers with a database of one name send
// to one folder, or two services keep theirs in one. The retention of one fills no slot
// with a backup of the other and removes none of them.
func TestAnotherServersBackupsNeitherCountNorGo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)
	plan := func(servers map[string]bool) (removed map[string]int, guard string) {
		sc := Scan{Databases: []string{"shop"}, Zone: time.UTC, Now: now, Servers: servers}
		var sets []*Set
		for night := range 20 {
			for i, server := range []string{"ours", "theirs", ""} { // the last: an early manifest
				at := now.Add(-time.Duration(night)*24*time.Hour - time.Duration(3-i)*time.Hour)
				spec := Spec{Databases: []string{"shop"}, Kind: KindScheduled, At: at, Ext: ".sql.gz"}
				sum := Summary{
					File: spec.Name(1), Kind: KindScheduled, Databases: []string{"shop"}, At: at, SizeBytes: 9,
					SHA256: fmt.Sprint(night, server), Tables: 1, Rows: 9, Consistent: true,
					Server: server, Machine: "m-" + server,
				}
				if server == "" && night%2 == 0 {
					continue
				}
				s, ok := sc.atCopy(FileAtCopy{Name: sum.File, Size: 9, Summary: &sum}, Good)
				if !ok || s.State != Good {
					t.Fatalf("%+v", s)
				}
				sets = append(sets, s)
			}
		}
		p := PlanRetention(sc.NewInventory(sets), Policy{Keep: Keep{Daily: 5}, Late: 26 * time.Hour})
		removed = map[string]int{}
		for _, step := range p.Removes() {
			removed[step.Set.Summary.Server]++
		}
		return removed, p.Guard.Summary.Server
	}
	removed, guard := plan(map[string]bool{"ours": true})
	if removed["theirs"] != 0 || removed["ours"] < 10 || removed[""] == 0 || guard != "ours" {
		t.Errorf("removed %v, relying on a backup of %q", removed, guard)
	}
	if removed, _ := plan(nil); removed["theirs"] == 0 { // nothing is known: as ever
		t.Errorf("without a record: %v", removed)
	}
	if removed, _ := plan(map[string]bool{"ours": true, "theirs": true}); removed["theirs"] == 0 { // a failover
		t.Errorf("after a failover: %v", removed)
	}
}

// TestTheServersOfAServiceAreRemembered, each once, and by service.
func TestTheServersOfAServiceAreRemembered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if own, err := ReadServers(dir, "a"); own != nil || err != nil {
		t.Errorf("%v %v", own, err)
	}
	for _, r := range [][2]string{{"a", "one"}, {"a", "one"}, {"a", ""}, {"b", "two"}} {
		if err := RememberServer(dir, r[0], r[1], time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if own, err := ReadServers(dir, "a"); err != nil || len(own) != 1 || !own["one"] {
		t.Errorf("%v %v", own, err)
	}
}

// TestAWeeklyCopyGetsOneBackupAWeek: a night's backup that the copy would keep only until
// the next one is not sent, and what is there is never older than a week and a day.
func TestAWeeklyCopyGetsOneBackupAWeek(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	p := Policy{Keep: Keep{Weekly: 4}, Late: 8 * 24 * time.Hour}
	copy := &copyModel{}
	var here []*Set
	sent := 0
	for night := range 35 {
		at := monday.AddDate(0, 0, night)
		sc := Scan{Databases: []string{"shop"}, Zone: time.UTC, Now: at.Add(time.Hour)}
		copy.scan = sc
		name := Spec{Databases: []string{"shop"}, Kind: KindScheduled, At: at, Ext: ".sql.gz"}.Name(1)
		sum := Summary{File: name, Kind: KindScheduled, Databases: []string{"shop"}, At: at, SizeBytes: 9,
			SHA256: fmt.Sprintf("%064d", night), Tables: 1, Rows: 100}
		s, _ := sc.atCopy(FileAtCopy{Name: name, Size: 9, Summary: &sum}, Good)
		s.SHA256, s.Checked = sum.SHA256, at
		here = append([]*Set{s}, here...)
		send, _ := sc.ToSendUnder(sc.NewInventory(here), copy.inventory(), p)
		for _, s := range send {
			if copy.inventory().Find(s.Name) == nil {
				copy.receive([]*Set{s})
				sent++
			}
		}
		copy.prune(p)
		newest := Newest(copy.inventory(), "shop")
		if newest == nil || at.Sub(newest.At) > 7*24*time.Hour {
			t.Fatalf("%s: the newest there is %+v", at.Format("Mon 2006-01-02"), newest)
		}
	}
	if sent != 6 { // the first one, and five Sundays'
		t.Errorf("%d were sent in 35 nights", sent)
	}
	if n := len(copy.sets); n != 4 {
		t.Errorf("%d are there", n)
	}
}
