package checks

import (
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// A copy that lacks what the last sync should have brought is not ok, and its row says as
// of when.
func TestACopyThatLacksBackupsIsNotOK(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)
	synced := backup.Synced{At: now.Add(-time.Minute)}
	failed := backup.Synced{At: now.Add(-time.Minute), Error: "no route"}
	listed := backup.Listing{At: now.Add(-time.Minute)}
	at := now.Add(-time.Hour)
	bad := []*backup.Set{{Name: "x.sql.gz"}}
	for world, w := range map[string]struct {
		m     remembered
		state ops.State
		word  string
		next  string
	}{
		"whole": {remembered{kept: 2, there: 2, newest: at, here: at, synced: synced}, ops.StateOK,
			"2 of 2 good backups are there, as of 2026-11-30 01:59", ""},
		"newer than the sync": {remembered{kept: 2, there: 1, newest: at, here: now, synced: synced}, ops.StateOK,
			"1 of 2 good backups is there, as of 2026-11-30 01:59", ""},
		"one is missing": {remembered{kept: 2, there: 1, due: 1, newest: at, here: at, synced: synced},
			ops.StateWarning, "1 of 2 good backups", "backup sync --copy off"},
		"none": {remembered{kept: 1, due: 1, here: at, synced: synced}, ops.StateCritical, "0 of 1",
			"backup sync --copy off"},
		"none, and it failed": {remembered{kept: 1, due: 1, here: at, synced: failed}, ops.StateCritical,
			"the last sync of the copy off failed", "Find out why"},
		"a bad one": {remembered{kept: 2, there: 1, due: 1, newest: at, here: at, synced: synced, bad: bad},
			ops.StateCritical, "1 bad backup", "Remove it there"},
		"unverified": {remembered{unproved: 1, synced: synced}, ops.StateWarning, "unverified", "backup verify"},
		"nothing":    {remembered{synced: synced}, ops.StateWarning, "has no good backup", "backup sync"},
	} {
		m := w.m
		m.listed = listed
		m.lost = m.bad
		r := m.judge(config.Copy{Name: "off"}, 26*time.Hour, now)
		p := lang.English()
		if r.State != w.state || !strings.Contains(p.Msg(r.Detail), w.word) ||
			!strings.Contains(p.Msg(r.Next), w.next) {
			t.Errorf("%s: %v, %s, %s", world, r.State, p.Msg(r.Detail), p.Msg(r.Next))
		}
	}
}
