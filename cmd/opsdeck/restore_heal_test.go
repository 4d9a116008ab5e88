package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/ops/site/restores"
)

// tabDeskOf is the Restore tab's desk over a configuration.
func tabDeskOf(t *testing.T, config string) tabDesk {
	t.Helper()
	a := &app{
		stdio:  stdio{nil, io.Discard, io.Discard},
		getenv: func(string) string { return "" },
		clock:  clock.Real{},
		flags:  &globals{ConfigFile: config},
		lang:   lang.English(),
	}
	svc, err := a.service()
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.deskOf(svc)
	if err != nil {
		t.Fatal(err)
	}
	return tabDesk{restores.Page{Desk: d}, a}
}

func TestTheWizardUndoesATransactionAndKnowsItsReach(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := rewindWorld(t, s)
		desk := tabDeskOf(t, config)
		asked(t, config, 0, "backup", "create")
		reach, err := desk.Reach(t.Context())
		if err != nil || !reach.LogTo.Equal(reach.Now) {
			t.Fatalf("the server has the log: %+v, %v", reach, err)
		}
		asked(t, config, 0, "backup", "binlog", "fetch")
		if reach, err = desk.Reach(t.Context()); err != nil || !reach.LogTo.Equal(reach.Now) ||
			!strings.Contains(reach.Say(time.Time.String).String(), "at most 1 s is lost") {
			t.Fatalf("archive and server: %+v, %v", reach, err)
		}
		before := word(t, s, schema)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DELETE FROM goods")
		id := newestChange(t, config, "goods")
		plan, err := desk.Rewind(t.Context(), id, "", "")
		if err != nil || plan.Rows != 4 || plan.Conflicts != 0 || plan.ID != "" || !strings.Contains(plan.Text, "goods") {
			t.Fatalf("%+v, %v", plan, err)
		}
		if _, err := desk.Rewind(t.Context(), id, "other", ""); err == nil {
			t.Fatal("another plan's hash was taken")
		}
		done, err := desk.Rewind(t.Context(), id, plan.Hash, "")
		if err != nil || done.ID == "" || word(t, s, schema) != before {
			t.Fatalf("%+v, %v", done, err)
		}
		asked(t, config, 0, "restore", "undo", done.ID, "--confirm", schema)
		if word(t, s, schema) != "" {
			t.Fatal("the undo was not undone")
		}
	})
}
