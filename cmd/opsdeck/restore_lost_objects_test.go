package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// TestObjectsThatADumpNeverCarriedStopTheRestore restores mysqldump's plain dump, which has no
// routines and no events, and one without triggers: each live object is a stop, until its loss
// is accepted by name.
func TestObjectsThatADumpNeverCarriedStopTheRestore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE FUNCTION Fu() RETURNS INT DETERMINISTIC NO SQL RETURN 1")
		for name, c := range map[string]struct {
			options []string
			stops   string
		}{
			"plain.sql": {nil, "Fu,nightly,total_of"},
			"bare.sql":  {[]string{"--skip-triggers"}, "Fu,nightly,orders_bi,total_of"},
			"full.sql":  {[]string{"--routines", "--events"}, ""},
		} {
			if db.Flavour == "mysql" {
				c.options = append(c.options, "--set-gtid-purged=OFF")
			}
			s.write(name, string(db.Dump(t, append(c.options, s.live)...)))
			from := filepath.Join(s.dir, name)
			for _, mode := range []string{"swap", "in-place"} {
				var plan restore.Plan
				o := s.must("restore", "--from", from, "--mode", mode, "--plan", "--json")
				if err := json.Unmarshal([]byte(o.out), &plan); err != nil {
					t.Fatal(err)
				}
				var stops []string
				for _, g := range plan.Gaps {
					stops = append(stops, g.Table)
				}
				slices.Sort(stops)
				if got := strings.Join(stops, ","); got != c.stops || plan.Blocked() != (c.stops != "") {
					t.Errorf("%s, %s: stopped by %q, want %q: %+v", name, mode, got, c.stops, plan.Findings)
				}
			}
			tells(t, s.must("restore", "--from", from, "--plan").out, "--from "+from+" --to SCHEMA")
		}
		from := filepath.Join(s.dir, "plain.sql")
		s.refuses("the procedure total_of is not in the backup and would be dropped", "restore", "--from", from,
			"--confirm", s.live, "--accept-missing", "nightly,Fu")
		s.must("restore", "--from", from, "--confirm", s.live, "--accept-missing", "nightly,total_of,Fu")
	})
}

// TestObjectsThatARestoreDropsAreTold makes and changes views, routines, triggers and
// events after the backup: a restore names those that it drops or replaces, and no others.
func TestObjectsThatARestoreDropsAreTold(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE VIEW named AS SELECT id FROM `"+s.live+"`.orders",
			"CREATE PROCEDURE bare() SELECT COUNT(*) FROM "+s.live+".orders")
		s.must("backup", "create")
		const nothing = "nothing will be lost"
		if o := s.must("restore", "lost"); !strings.Contains(o.out, nothing) {
			t.Errorf("nothing changed: %s", o.out)
		}
		db.Exec(
			t, s.live,
			"CREATE VIEW v_later AS SELECT 1 AS one",
			"CREATE PROCEDURE p_later() SELECT 1",
			"CREATE FUNCTION f_later() RETURNS INT DETERMINISTIC NO SQL RETURN 1",
			"CREATE TRIGGER t_later BEFORE INSERT ON customers FOR EACH ROW SET NEW.name = NEW.name",
			"CREATE EVENT e_later ON SCHEDULE EVERY 1 DAY DO DO 1",
			"CREATE OR REPLACE VIEW order_names AS SELECT 2 AS two",
		)
		var told restore.Loss
		if err := json.Unmarshal([]byte(s.must("restore", "lost", "--json").out), &told); err != nil {
			t.Fatal(err)
		}
		want := []restore.LossObject{
			{Kind: "event", Name: "e_later", How: "missing"},
			{Kind: "function", Name: "f_later", How: "missing"},
			{Kind: "procedure", Name: "p_later", How: "missing"},
			{Kind: "trigger", Name: "t_later", Table: "customers", How: "missing"},
			{Kind: "view", Name: "order_names", How: "changed"},
			{Kind: "view", Name: "v_later", How: "missing"},
		}
		slices.SortFunc(told.Objects, func(a, b restore.LossObject) int {
			return strings.Compare(a.Kind+a.Name, b.Kind+b.Name)
		})
		if !slices.Equal(told.Objects, want) || told.Unlisted {
			t.Errorf("told %+v", told.Objects)
		}
		plan, done := s.must("restore", "--plan").out, s.must("restore", "--confirm", s.live).err
		for _, text := range []string{s.must("restore", "report").out, plan, done} {
			for _, words := range []string{
				"views not in the backup: v_later", "procedures not in the backup: p_later",
				"functions not in the backup: f_later", "triggers not in the backup: t_later",
				"events not in the backup: e_later", "views changed since the backup: order_names",
				"their definitions remain in the emergency backup",
			} {
				if !strings.Contains(text, words) {
					t.Errorf("%q is not in\n%s", words, text)
				}
			}
			if strings.Contains(text, nothing) {
				t.Errorf("says that nothing will be lost:\n%s", text)
			}
		}
		if o := s.must("restore", "lost"); !strings.Contains(o.out, nothing) {
			t.Errorf("after the restore: %s", o.out)
		}
	})
}
