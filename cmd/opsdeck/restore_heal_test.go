package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/restores"
)

// tabDeskOf is the Restore tab's desk over a configuration.
func tabDeskOf(t *testing.T, config string) restores.Page {
	t.Helper()
	a := newApp(stdio{nil, io.Discard, io.Discard}, func(string) string { return "" }, &globals{ConfigFile: config})
	svc, err := a.service()
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.deskOf(svc)
	if err != nil {
		t.Fatal(err)
	}
	return restores.Page{Desk: d, Verbs: verbsOfTab(a, d)}
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
		plan, err := desk.Rewind(t.Context(), lang.English(), id, "", "")
		if err != nil || plan.Rows != 4 || plan.Conflicts != 0 || plan.ID != "" ||
			!strings.Contains(plan.Text, "goods") {
			t.Fatalf("%+v, %v", plan, err)
		}
		if _, err := desk.Rewind(t.Context(), lang.English(), id, "other", ""); err == nil {
			t.Fatal("another plan's hash was taken")
		}
		done, err := desk.Rewind(t.Context(), lang.English(), id, plan.Hash, "")
		if err != nil || done.ID == "" || word(t, s, schema) != before {
			t.Fatalf("%+v, %v", done, err)
		}
		asked(t, config, 0, "restore", "undo", done.ID, "--confirm", schema)
		if word(t, s, schema) != "" {
			t.Fatal("the undo was not undone")
		}
	})
}

// TestTheReachIsWhatAPlanReaches: a log that lost its part after the backup is no reach,
// and heals no later accident, as the plan says; a new backup mends that.
func TestTheReachIsWhatAPlanReaches(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := rewindWorld(t, s)
		desk := tabDeskOf(t, config)
		asked(t, config, 0, "backup", "create")
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DELETE FROM goods LIMIT 1")
		txn := &binlog.Transaction{ID: newestChange(t, config, "goods"), Time: time.Now()}
		txn.Count(schema, "goods").Add(binlog.Delete, 1)
		if err := desk.CanRollTo(t.Context(), txn); err != nil {
			t.Fatalf("the server has the log: %v", err)
		}
		s.Exec(t, "", "FLUSH BINARY LOGS")
		loseLog(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DELETE FROM goods LIMIT 1")
		asked(t, config, 0, "backup", "binlog", "fetch") // what is left begins after the backup
		txn.ID, txn.Time = newestChange(t, config, "goods"), time.Now()
		reach, err := desk.Reach(t.Context())
		if err != nil || reach.Backup.IsZero() || !reach.LogTo.IsZero() {
			t.Errorf("no log continues the backup: %+v, %v", reach, err)
		}
		if err := desk.CanRollTo(t.Context(), txn); err == nil {
			t.Error("a restore is said to reach the accident")
		}
		asked(t, config, 1, "restore", "--before", txn.ID, "--plan")
		advice := restore.Advise(txn, schema, lang.M("unreached"))
		if advice[0].Cure != restore.CureUndo || advice[1].Off.Empty() || advice[2].Off.Empty() {
			t.Errorf("advised: %+v", advice)
		}
		asked(t, config, 0, "backup", "create")
		if reach, err = desk.Reach(t.Context()); err != nil || !reach.LogTo.Equal(reach.Now) {
			t.Errorf("the new backup is continued: %+v, %v", reach, err)
		}
	})
}
