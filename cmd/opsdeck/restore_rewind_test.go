package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/rewind"
)

// rewindable is a table of many types, with rows that an accident then changes.
const rewindable = `CREATE TABLE goods (a INT UNSIGNED, b VARCHAR(20), price DECIMAL(12,3), f FLOAT, d DOUBLE, at TIMESTAMP(3) NULL, day DATE, kind ENUM('x','后'),
	flags SET('p','q'), bits BIT(9), data VARBINARY(20), txt TEXT CHARACTER SET latin1, dbl DECIMAL(12,3) GENERATED ALWAYS AS (price * 2) VIRTUAL, PRIMARY KEY (a, b))`

// rewindPlanJSON is what restore rewind --plan --json prints.
type rewindPlanJSON struct {
	Txn        string
	Hash       string
	Statements []string
	Rows       []rewindRowJSON
	Conflicts  int
	Triggers   []string
	Cascades   []string
	Users      []string
	Columns    []rewind.ColumnNote
}

func rewindWorld(t *testing.T, s *testdb.Server) (config, schema string) {
	t.Helper()
	config, schema = binlogWorld(t, s)
	s.Exec(
		t,
		schema,
		"SET SESSION binlog_format=ROW",
		"SET NAMES utf8mb4",
		rewindable,
		"INSERT INTO goods (a,b,price,f,d,at,day,kind,flags,bits,data,txt) VALUES (4000000000,'甲"+
			"',1.005,1.1,1e-9,'2026-01-29 10:00:00.123','2026-01-29','后','p,q',b'100000001',0x00FF,'é'),"+
			"(2,'b''\\\\',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),(3,'c',-3,3.4e38,-0.5,'2026-06-01 "+
			"00:00:00','2000-02-29','x','',0,'',''),(4,'d',4,4,4,NULL,NULL,'x','p',1,0x20,'x')",
	)
	return config, schema
}

// word is a schema's rows, by the dump program's word.
func word(t *testing.T, s *testdb.Server, schema string) string {
	t.Helper()
	var lines []string
	for _, l := range strings.Split(string(s.Dump(t, "--hex-blob", "--skip-extended-insert", "--order-by-primary", "--no-create-info", schema)), "\n") {
		if strings.HasPrefix(l, "INSERT") {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n")
}

// newestChange is the id of the newest transaction of a table.
func newestChange(t *testing.T, config, table string) string {
	t.Helper()
	out, _ := asked(t, config, 0, "audit", "changes", "--json", "--limit", "1", "--table", table)
	return fmt.Sprint(jsonLines(t, out)[0]["id"])
}

func TestRewindTakesATransactionBackAndUndoBringsItAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := rewindWorld(t, s)
		before := word(t, s, schema)
		s.Exec(
			t,
			schema,
			"SET SESSION binlog_format=ROW",
			"SET NAMES utf8mb4",
			"BEGIN",
			"INSERT INTO goods (a,b) VALUES (9,'new')",
			"UPDATE goods SET price=7, b='moved' WHERE a=3",
			"UPDATE goods SET txt='y', bits=3 WHERE a=4",
			"DELETE FROM goods WHERE a IN (2,4000000000)",
			"UPDATE goods SET price=8 WHERE a=3",
			"COMMIT",
		)
		after := word(t, s, schema)
		id := newestChange(t, config, "goods")
		out, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan", "--json")
		var plan rewindPlanJSON
		if err := json.Unmarshal([]byte(out), &plan); err != nil {
			t.Fatal(err)
		}
		if plan.Txn != id || plan.Conflicts != 0 || len(plan.Rows) != 5 || len(plan.Statements) == 0 {
			t.Fatalf("%s", out)
		}
		if word(t, s, schema) != after {
			t.Fatal("a plan changed something")
		}
		asked(t, config, 64, "restore", "rewind", "--txn", id)
		asked(t, config, 64, "restore", "rewind", "--txn", id, "--confirm", "other")
		done, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema, "--json")
		if got := word(t, s, schema); got != before {
			t.Fatalf("%s\n\nwant\n%s", got, before)
		}
		asked(t, config, 0, "restore", "undo", "--confirm", schema)
		if got := word(t, s, schema); got != after {
			t.Fatalf("undone:\n%s\n\nwant\n%s", got, after)
		}
		var first rewindDoneJSON
		if err := json.Unmarshal([]byte(done), &first); err != nil {
			t.Fatal(err)
		}
		asked(t, config, 64, "restore", "undo", first.ID, "--confirm", schema)
		asked(t, config, 64, "restore", "rewind", "--txn", "nonsense", "--plan")
	})
}

// TestRowsWithoutAKeyAreTakenBackOnce: a second time the same rows would be there twice, and
// nothing tells them from others. Undone, the transaction may be taken back again.
func TestRowsWithoutAKeyAreTakenBackOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "CREATE TABLE ledger (a INT, b VARCHAR(9))",
			"INSERT INTO ledger VALUES (1,'x'),(2,'y'),(3,'z')", "DELETE FROM ledger WHERE a < 3")
		id := newestChange(t, config, "ledger")
		rows := func(want string) {
			t.Helper()
			s.Await(t, "SELECT COUNT(*) FROM "+schema+".ledger", want)
		}
		asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
		rows("3")
		for _, how := range []string{"--plan", "--confirm=" + schema} {
			_, why := asked(t, config, 1, "restore", "rewind", "--txn", id, how)
			if !strings.Contains(why, "was undone at") || !strings.Contains(why, "restore undo rewind-") {
				t.Errorf("%s: %s", how, why)
			}
		}
		rows("3")
		asked(t, config, 0, "restore", "undo", "--confirm", schema)
		rows("1")
		asked(t, config, 0, "restore", "rewind", "--txn", id, "--confirm", schema)
		rows("3")
	})
}

func TestRewindNeverOverwritesWhatChangedSince(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := rewindWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW", "UPDATE goods SET price=100")
		id := newestChange(t, config, "goods")
		s.Exec(
			t,
			schema,
			"SET SESSION binlog_format=ROW",
			"UPDATE goods SET price=5 WHERE a=3",
			"DELETE FROM goods WHERE a=4",
		)
		now := word(t, s, schema)
		out, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan", "--json")
		for _, state := range []string{`"clean"`, `"changed"`, `"gone"`} {
			if !strings.Contains(out, state) {
				t.Errorf("no row is %s: %s", state, out)
			}
		}
		said, more := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan")
		_, key, found := strings.Cut(strings.Join(strings.Fields(said+more), " "), "audit changes --table goods --key ")
		key, _, _ = strings.Cut(key, " ")
		if !found {
			t.Fatalf("the plan does not say how to find what changed a row: %s%s", said, more)
		}
		out, _ = asked(t, config, 0, "audit", "changes", "--json", "--limit", "1", "--table", "goods", "--key", key)
		if later := fmt.Sprint(jsonLines(t, out)[0]["id"]); later == id || !strings.Contains(out, `ed":1`) {
			t.Errorf("the later change of row %s is not found: %s", key, out)
		}
		asked(t, config, 1, "restore", "rewind", "--txn", id, "--confirm", schema)
		if word(t, s, schema) != now {
			t.Fatal("something was done")
		}
		asked(t, config, 0, "restore", "rewind", "--txn", id, "--conflicts", "skip", "--confirm", schema)
		var price, missing string
		db := s.Open(t, schema)
		db.QueryRow("SELECT price FROM goods WHERE a=3").Scan(&price)
		db.QueryRow("SELECT COUNT(*) FROM goods WHERE a=4").Scan(&missing)
		if price != "5.000" || missing != "0" {
			t.Errorf("skipped rows: price %s, %s rows", price, missing)
		}
		db.QueryRow("SELECT price FROM goods WHERE a=4000000000").Scan(&price)
		if price != "1.005" {
			t.Errorf("a clean row: price %s", price)
		}
		// Once more it changes nothing, which is said, and the first is still undone.
		again, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--conflicts", "skip", "--confirm", schema)
		if !strings.Contains(again, "nothing was changed") || strings.Contains(again, "restore undo") {
			t.Errorf("a rewind that changes nothing says %s", again)
		}
		asked(t, config, 0, "restore", "undo", "--confirm", schema)
		if got := word(t, s, schema); got != now {
			t.Errorf("undone:\n%s\n\nwant\n%s", got, now)
		}
	})
}

// TestRewindPlanSaysWhoChangedARowSince asks the plan for the transaction that changed each row
// last: among several, over an ALTER, by a key that moved, by statements without rows.
func TestRewindPlanSaysWhoChangedARowSince(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW",
			"CREATE TABLE who (a INT, b VARCHAR(9), v INT, PRIMARY KEY (a, b))",
			"CREATE TABLE beside (a INT PRIMARY KEY)", "INSERT INTO beside VALUES (1)",
			"INSERT INTO who VALUES (1,'x',1),(2,'x',2),(3,'x',3),(4,'x',4),(5,'x',5)",
			"UPDATE who SET v=v+100")
		id := newestChange(t, config, "who")
		by := map[float64]string{}
		change := func(row float64, q ...string) {
			t.Helper()
			s.Exec(t, schema, append([]string{"SET SESSION binlog_format=ROW"}, q...)...)
			by[row] = newestChange(t, config, "who")
		}
		change(2, "UPDATE who SET v=7 WHERE a=2")
		change(2, "UPDATE who SET v=8 WHERE a IN (1,2)", "UPDATE who SET v=101 WHERE a=1") // row 1 is clean again
		change(2, "BEGIN", "INSERT INTO beside VALUES (2)", "UPDATE who SET v=9 WHERE a=2", "COMMIT")
		change(3, "ALTER TABLE who ADD COLUMN c INT FIRST", "UPDATE who SET v=9 WHERE a=3")
		change(4, "UPDATE who SET b='y' WHERE a=4")
		change(5, "DELETE FROM who WHERE a=5")
		s.Exec(t, schema, "UPDATE beside SET a=a+10")
		plan := func() map[float64]rewindRowJSON {
			t.Helper()
			out, _ := asked(t, config, 0, "restore", "rewind", "--txn", id, "--plan", "--json")
			var p rewindPlanJSON
			if err := json.Unmarshal([]byte(out), &p); err != nil {
				t.Fatal(err)
			}
			rows := map[float64]rewindRowJSON{}
			for _, r := range p.Rows {
				a, _ := strconv.ParseFloat(fmt.Sprint(r.Key["a"]), 64)
				rows[a] = r
			}
			return rows
		}
		rows := plan()
		if len(rows) != 5 || rows[1].State != binlog.Clean || rows[1].ChangedBy != nil {
			t.Fatalf("%+v", rows)
		}
		for a, want := range by {
			c := rows[a].ChangedBy
			if c == nil || c.ID != want || c.Unsure || c.Time.IsZero() || c.Thread == 0 && s.Flavour == "mysql" {
				t.Errorf("row %v, which is %s, was changed by %+v, not %s", a, rows[a].State, c, want)
			}
		}
		s.Exec(t, schema, "SET SESSION binlog_format=STATEMENT", "UPDATE who SET v=10 WHERE a=3")
		statement := newestChange(t, config, "who")
		for a, r := range plan() {
			switch c := r.ChangedBy; {
			case a == 1:
				if c != nil {
					t.Errorf("a clean row: %+v", c)
				}
			case c == nil || c.ID != statement || !c.Unsure:
				t.Errorf("row %v after a statement without rows: %+v, not perhaps %s", a, c, statement)
			}
		}
	})
}

func TestRewindRefusesWhatItCannotKnow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := rewindWorld(t, s)
		refused := func(table, why string, statements ...string) {
			t.Helper()
			s.Exec(t, schema, append([]string{"SET SESSION binlog_format=ROW"}, statements...)...)
			_, errs := asked(t, config, 1, "restore", "rewind", "--txn", newestChange(t, config, table), "--plan")
			if !strings.Contains(errs, why) {
				t.Errorf("%q lacks %q", errs, why)
			}
		}
		refused(
			"goods",
			"binlog_row_image",
			"SET SESSION binlog_row_image=MINIMAL",
			"UPDATE goods SET price=1 WHERE a=3",
		)
		refused("goods", "definitions", "TRUNCATE goods")
		refused("bare", "primary key", "CREATE TABLE bare (v INT)",
			"CREATE TRIGGER kept BEFORE DELETE ON bare FOR EACH ROW SET @kept = 1", "INSERT INTO bare VALUES (1)")
		refused("wide", "more than 1,000 of its rows", "CREATE TABLE wide (v INT)", "INSERT INTO wide VALUES (0)"+
			strings.Repeat(",(1)", rewind.MostSought))
		s.Exec(
			t,
			schema,
			"SET SESSION binlog_format=ROW",
			"CREATE TABLE was (id INT PRIMARY KEY, v INT)",
			"INSERT INTO was VALUES (1,1)",
		)
		id := newestChange(t, config, "was")
		s.Exec(t, schema, "ALTER TABLE was DROP v")
		if _, errs := asked(t, config, 1, "restore", "rewind", "--txn", id, "--plan"); !strings.Contains(
			errs,
			"was.v was dropped since",
		) {
			t.Error(errs)
		}
	})
}

func TestRewindOfSeveralTransactionsAndOfOneRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW",
			"CREATE TABLE k (a INT, b VARCHAR(9), v INT, PRIMARY KEY (a, b))",
			"INSERT INTO k VALUES (1,'x',1),(2,'x',2),(3,'x',3),(4,'x',4)")
		before := word(t, s, schema)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW",
			"UPDATE k SET v=v+10 WHERE a<3", // undone
			"UPDATE k SET v=99 WHERE a=3",   // stays, then is in the way
			"DELETE FROM k WHERE a=2",       // undone
			"UPDATE k SET v=v+1 WHERE a=3")  // undone
		out, _ := asked(t, config, 0, "audit", "changes", "--json", "--table", "k", "--limit", "4")
		txns := jsonLines(t, out) // the newest first
		id := func(i int) string { return fmt.Sprint(txns[i]["id"]) }
		asked(t, config, 64, "restore", "rewind", "--txn", id(3), "--where-key", "1,x", "--plan")
		asked(t, config, 64, "restore", "rewind", "--txn", id(3), "--table", "k", "--where-key", "1", "--plan")
		asked(t, config, 0, "restore", "rewind", "--txn", id(3), "--table", "k", "--where-key", "1,x",
			"--confirm", schema)
		if got := word(t, s, schema); !strings.Contains(got, "(1,'x',1)") || strings.Contains(got, "(2,") {
			t.Fatalf("one row: %s", got)
		}
		asked(t, config, 0, "restore", "undo", "--confirm", schema)
		if got := word(t, s, schema); !strings.Contains(got, "(1,'x',11)") {
			t.Fatalf("undone: %s", got)
		}
		// In any order; what row 2 became over both is taken back at once.
		asked(t, config, 0, "restore", "rewind", "--txn", id(1)+","+id(3)+","+id(0), "--confirm", schema)
		want := strings.Replace(before, "(3,'x',3)", "(3,'x',99)", 1)
		if got := word(t, s, schema); got != want {
			t.Fatalf("%s\nwant %s", got, want)
		}
	})
}

func TestRewindSeesWhatCameBetweenTwoTransactions(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		config, schema := binlogWorld(t, s)
		s.Exec(t, schema, "SET SESSION binlog_format=ROW",
			"CREATE TABLE k (a INT PRIMARY KEY, v INT)", "INSERT INTO k VALUES (1,1)",
			"UPDATE k SET v=2", "UPDATE k SET v=3", "UPDATE k SET v=4")
		out, _ := asked(t, config, 0, "audit", "changes", "--json", "--table", "k", "--limit", "3")
		txns := jsonLines(t, out)
		ids := fmt.Sprint(txns[0]["id"], ",", txns[2]["id"])
		out, _ = asked(t, config, 0, "restore", "rewind", "--txn", ids, "--plan", "--json")
		var plan rewindPlanJSON
		if err := json.Unmarshal([]byte(out), &plan); err != nil {
			t.Fatal(err)
		}
		if plan.Conflicts != 1 || plan.Rows[0].State != "changed" {
			t.Fatalf("somebody else's change between the two is passed over: %s", out)
		}
		asked(t, config, 1, "restore", "rewind", "--txn", ids, "--confirm", schema)
	})
}
