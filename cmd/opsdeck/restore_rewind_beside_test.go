package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// planOf is the plan of a rewind, as JSON says it.
func planOf(t *testing.T, config, id string) (plan rewindPlanJSON) {
	t.Helper()
	out, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan", "--json")
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestTriggersChangeNothingOfARewindOrItsUndo has triggers that keep deleted rows, under
// their own key and under a counted one, and that change the row itself.
func TestTriggersChangeNothingOfARewindOrItsUndo(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW",
			"CREATE TABLE goods (id INT PRIMARY KEY, v INT)",
			"CREATE TABLE gone (id INT PRIMARY KEY, v INT)",
			"CREATE TABLE journal (n INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20), id INT)",
			"CREATE TABLE quiet (id INT PRIMARY KEY)",
			"CREATE TRIGGER d AFTER DELETE ON goods FOR EACH ROW INSERT INTO gone VALUES (OLD.id, OLD.v)",
			"CREATE TRIGGER i AFTER INSERT ON goods FOR EACH ROW INSERT INTO journal (what, id) VALUES ('new', NEW.id)",
			"CREATE TRIGGER u BEFORE UPDATE ON goods FOR EACH ROW SET NEW.v = NEW.v + 1",
			"CREATE TRIGGER q AFTER DELETE ON quiet FOR EACH ROW DELETE FROM gone",
			"INSERT INTO goods VALUES (1,1),(2,2),(3,3)", "INSERT INTO quiet VALUES (1)")
		before := word(t, s, schema)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DELETE FROM goods WHERE id < 3")
		after := word(t, s, schema)
		plan := planOf(t, config, newestChange(t, config, "goods"))
		if !slices.Equal(plan.Triggers, []string{"goods"}) || plan.Conflicts != 0 {
			t.Fatalf("triggers %v, %d conflicts", plan.Triggers, plan.Conflicts)
		}
		asked(t, config, 0, "restore", "rewind", "--txn", plan.Txn, "--confirm", schema)
		if got := word(t, s, schema); got != before {
			t.Fatalf("%s\n\nwant\n%s", got, before)
		}
		asked(t, config, 0, "restore", "undo", "--confirm", schema)
		if got := word(t, s, schema); got != after {
			t.Fatalf("undone:\n%s\n\nwant\n%s", got, after)
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DELETE FROM quiet")
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "INSERT INTO quiet VALUES (7)")
		plan = planOf(t, config, newestChange(t, config, "quiet"))
		if !slices.Equal(plan.Triggers, []string{"quiet"}) {
			t.Errorf("the deletion of a row: triggers of %v", plan.Triggers)
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DELETE FROM quiet")
		if plan := planOf(t, config, newestChange(t, config, "quiet")); len(plan.Triggers) != 0 {
			t.Errorf("an insertion fires no trigger: %v", plan.Triggers)
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "UPDATE goods SET v=9 WHERE id=3")
		id := newestChange(t, config, "goods")
		_, errs := asked(t, config, 1, "restore", "rewind", "--txn", id, "--confirm", schema)
		if !strings.Contains(errs, "triggers change the rows") {
			t.Errorf("a trigger that will not have it: %s", errs)
		}
	})
}

// TestARewindSaysWhichRowsOfForeignKeysTheLogLacks: MySQL from 9.6 on logs what foreign
// keys change, unless it is told not to; MariaDB does not.
func TestARewindSaysWhichRowsOfForeignKeysTheLogLacks(t *testing.T) {
	servers := map[string]func(*testing.T) (*testdb.Server, bool){
		"mysql":     func(t *testing.T) (*testdb.Server, bool) { return testdb.MySQL(t), true },
		"mariadb":   func(t *testing.T) (*testdb.Server, bool) { return testdb.MariaDB(t), false },
		"mariadb11": func(t *testing.T) (*testdb.Server, bool) { return testdb.MariaDB11(t), false },
		"native": func(t *testing.T) (*testdb.Server, bool) {
			return testdb.Private(t, "mysql", "--innodb-native-foreign-keys=ON"), false
		},
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			s, logged := server(t)
			config, schema := binlogWorld(t, s)
			s.Exec(t, schema, "SET SESSION binlog_format=ROW",
				"CREATE TABLE heads (id INT PRIMARY KEY, v INT)",
				"CREATE TABLE parts (id INT PRIMARY KEY, head INT, FOREIGN KEY (head) REFERENCES heads (id) "+
					"ON DELETE CASCADE ON UPDATE CASCADE)",
				"CREATE TABLE notes (id INT PRIMARY KEY, head INT, FOREIGN KEY (head) REFERENCES heads (id) "+
					"ON DELETE SET NULL)",
				"INSERT INTO heads VALUES (1,1),(2,2)", "INSERT INTO parts VALUES (1,1),(2,1)",
				"INSERT INTO notes VALUES (1,1)")
			before := word(t, s, schema)
			s.Exec(t, schema, "SET SESSION binlog_format=ROW, foreign_key_checks=1", "DELETE FROM heads WHERE id=1")
			plan := planOf(t, config, newestChange(t, config, "heads"))
			asked(t, config, 0, "restore", "rewind", "--txn", plan.Txn, "--confirm", schema)
			whole := word(t, s, schema) == before
			if whole != logged || whole != (len(plan.Cascades) == 0) {
				t.Errorf("restored whole: %v; the plan names %v", whole, plan.Cascades)
			}
			if !logged && !slices.Equal(plan.Cascades, []string{"notes", "parts"}) {
				t.Errorf("the plan names %v", plan.Cascades)
			}
			s.Exec(t, schema, "SET SESSION binlog_format=ROW, foreign_key_checks=1", "UPDATE heads SET v=5")
			if plan := planOf(t, config, newestChange(t, config, "heads")); len(plan.Cascades) != 0 {
				t.Errorf("no key was changed: %v", plan.Cascades)
			}
			s.Exec(t, schema, "SET SESSION binlog_format=ROW, foreign_key_checks=0", "DELETE FROM heads")
			if plan := planOf(t, config, newestChange(t, config, "heads")); len(plan.Cascades) != 0 {
				t.Errorf("foreign keys were off: %v", plan.Cascades)
			}
		})
	}
}

// TestARewindDeletesNoRowThatOthersReferTo: a foreign key would delete those others.
func TestARewindDeletesNoRowThatOthersReferTo(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW, foreign_key_checks=1",
			"CREATE TABLE heads (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES heads (id))",
			"CREATE TABLE parts (id INT PRIMARY KEY, head INT, FOREIGN KEY (head) REFERENCES heads (id) "+
				"ON DELETE CASCADE)",
			"BEGIN", "INSERT INTO heads VALUES (1,NULL),(2,1),(3,2)", "INSERT INTO parts VALUES (1,1),(2,2)", "COMMIT")
		id := newestChange(t, config, "heads")
		if plan := planOf(t, config, id); plan.Conflicts != 0 || len(plan.Users) != 0 {
			t.Fatalf("what goes with it is in the way: %+v", plan)
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "INSERT INTO parts VALUES (9,3)")
		now := word(t, s, schema)
		plan := planOf(t, config, id)
		if plan.Conflicts == 0 || !slices.Contains(plan.Users, "parts") {
			t.Fatalf("a row that came later is not seen: %+v", plan)
		}
		asked(t, config, 1, "restore", "rewind", "--txn", id, "--confirm", schema)
		if got := word(t, s, schema); got != now {
			t.Fatalf("something was done: %s", got)
		}
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DELETE FROM parts WHERE id=9")
		asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
		if got := word(t, s, schema); got != "" {
			t.Fatalf("left: %s", got)
		}
		asked(t, config, 0, "restore", "undo", "--confirm", schema)
		if got := word(t, s, schema); strings.Contains(got, "(9,3)") || !strings.Contains(got, "(3,2)") {
			t.Fatalf("undone: %s", got)
		}
	})
}

// TestTheAdviceOnAnUndoThatConflictsWorks types what the refusal advises.
func TestTheAdviceOnAnUndoThatConflictsWorks(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "CREATE TABLE k (a INT PRIMARY KEY, v INT)",
			"INSERT INTO k VALUES (1,1),(2,2)", "UPDATE k SET v=9")
		id := newestChange(t, config, "k")
		asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "UPDATE k SET v=5 WHERE a=2")
		_, errs := asked(t, config, 1, "restore", "undo", "--confirm", schema)
		at := strings.Index(errs, "restore undo ")
		if at < 0 || !strings.Contains(errs, "--conflicts skip") {
			t.Fatal(errs)
		}
		advised := strings.Fields(strings.SplitN(errs[at:], ",", 2)[0])
		out, _ := asked(t, config, 0, advised...)
		if !strings.Contains(out, "changed since") {
			t.Error(out)
		}
		asked(t, config, 0, "restore", "undo", "--conflicts", "skip", "--confirm", schema)
		if got := word(t, s, schema); !strings.Contains(got, "(1,9)") || !strings.Contains(got, "(2,5)") {
			t.Error(got)
		}
	})
}

// TestARefusedRewindSaysWhatToDoNext types the next steps that the refusals advise.
func TestARefusedRewindSaysWhatToDoNext(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		row := func(statements ...string) {
			s.Exec(t, schema, append([]string{"SET SESSION binlog_format=ROW, foreign_key_checks=1"}, statements...)...)
		}
		row("CREATE TABLE bare (a INT, b VARCHAR(9))", "INSERT INTO bare VALUES (1,'x'),(2,'y')",
			"CREATE TRIGGER kept BEFORE INSERT ON bare FOR EACH ROW SET NEW.b = 'z'", // without a key it cannot be undone
			"CREATE TABLE p (id INT PRIMARY KEY)",
			"CREATE TABLE c (id INT PRIMARY KEY, pid INT, FOREIGN KEY (pid) REFERENCES p (id))",
			"INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1,1)", "DELETE FROM bare WHERE a=1")
		_, errs := asked(t, config, 1, "restore", "rewind", "--txn", newestChange(t, config, "bare"), "--plan")
		if !strings.Contains(errs, "backup list") || strings.Contains(errs, "--before") {
			t.Errorf("no backup is earlier: %s", errs)
		}
		asked(t, config, 0, "backup", "create")
		row("DELETE FROM bare")
		id := newestChange(t, config, "bare")
		_, errs = asked(t, config, 1, "restore", "rewind", "--txn", id, "--plan")
		for _, advice := range []string{" --before " + id + " --plan", " --before " + id + " --tables bare --plan"} {
			if !strings.Contains(errs, advice) {
				t.Errorf("%q lacks %q", errs, advice)
			}
			asked(t, config, 0, append([]string{"restore"}, strings.Fields(advice)...)...)
		}
		row("DELETE FROM c")
		child := newestChange(t, config, "c")
		row("DELETE FROM p")
		parent := newestChange(t, config, "p")
		_, errs = asked(t, config, 1, "restore", "rewind", "--txn", child, "--confirm", schema)
		if !strings.Contains(errs, "rows of c refer to rows that are deleted now") ||
			!strings.Contains(errs, "audit changes --kind delete") {
			t.Errorf("a parent that is gone: %s", errs)
		}
		if out, _ := asked(t, config, 0, "audit", "changes", "--kind", "delete"); !strings.Contains(out, parent) {
			t.Errorf("the transaction of the parent is not listed: %s", out)
		}
		asked(t, config, 0, "restore", "rewind", "--txn", child+","+parent, "--confirm", schema)
		if got := word(t, s, schema); !strings.Contains(got, "`c` VALUES (1,1)") {
			t.Errorf("left: %s", got)
		}
		asked(t, config, 0, "restore", "--before", id, "--tables", "bare", "--confirm", schema)
		if got := word(t, s, schema); !strings.Contains(got, "(2,'y')") {
			t.Errorf("the table before: %s", got)
		}
	})
}
