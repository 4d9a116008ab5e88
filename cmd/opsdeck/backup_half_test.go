package main

import (
	"encoding/json"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/load"
)

// TestAHalfRestoredDatabaseIsNotBackedUp kills an in-place restore while it loads: what the
// database holds then is no backup, by hand or by night, until the restore is over.
func TestAHalfRestoredDatabaseIsNotBackedUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	s.many()
	s.must("backup", "create")
	good := s.dump()
	s.db.Exec(t, s.live, shopDamage...)
	s.atLoad("--mode", "in-place")
	s.killWorker()
	before := s.backups()
	for _, verb := range [][]string{{"backup", "create"}, {"backup", "schedule", "run", "daily"}} {
		o := s.run(verb...)
		if o.code != 75 || !strings.Contains(o.err, "holds only a part of its data") ||
			!strings.Contains(o.err, "restore resume ") {
			t.Errorf("%v: exit %d\n%s%s", verb, o.code, o.out, o.err)
		}
	}
	if after := s.backups(); len(after) != len(before) {
		t.Errorf("backups before %v, after %v", before, after)
	}
	s.must("restore", "resume", "--confirm", s.live)
	sameDump(t, good, s.dump())
	s.must("backup", "create")
}

// TestADatabaseThatAnotherMachineLoadsIsNotBackedUp: this state folder knows nothing of that
// restore, but the database holds its table of progress. What the refusal advises helps.
func TestADatabaseThatAnotherMachineLoadsIsNotBackedUp(t *testing.T) {
	t.Parallel()
	srv := testdb.MariaDB(t)
	config, schema, _ := aShop(t, srv)
	srv.Exec(t, schema, "CREATE TABLE "+load.ProgressTable+" (kind VARCHAR(8), member INT, note TEXT)")
	_, said := asked(t, config, 75, "backup", "create")
	drop := "DROP TABLE `" + schema + "`.`" + load.ProgressTable + "`"
	if !strings.Contains(said, "a restore that this machine does not know") || !strings.Contains(said, drop) {
		t.Error(said)
	}
	for _, c := range []struct {
		code  int
		args  []string
		words string
	}{
		{2, []string{"status", "--only", "restore"}, "holds only a part of its data"},
		{0, []string{"restore", "status"}, "a restore that this machine does not know"},
		{75, []string{"audit", "archive", "--year", "2020", "--delete", "--confirm", schema}, "only a part"},
	} {
		out, errs := asked(t, config, c.code, c.args...)
		if !strings.Contains(out+errs, c.words) {
			t.Errorf("%v:\n%s%s", c.args, out, errs)
		}
	}
	srv.Exec(t, "", drop)
	out, _ := asked(t, config, 0, "backup", "create", "--json")
	var made struct{ Name string }
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	srv.Exec(t, schema, "CREATE TABLE "+load.ProgressTable+" (kind VARCHAR(8), member INT, note TEXT)")
	out, errs := asked(t, config, 0, "restore", "--from", made.Name, "--plan")
	if strings.Contains(out+errs, load.ProgressTable) {
		t.Errorf("the plan takes it for the service's:\n%s%s", out, errs)
	}
}
