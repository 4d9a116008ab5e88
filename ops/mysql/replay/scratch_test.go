package replay

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/sqlscan"
)

// TestTemporaryTablesAreReplayedInTheirSessions: two sessions have temporary tables of the
// same name at once, one of them under the name of a real table.
func TestTemporaryTablesAreReplayedInTheirSessions(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(40))", "INSERT INTO b VALUES (1, 'real')",
			"CREATE TABLE c (id INT PRIMARY KEY, v VARCHAR(40))")
		for _, format := range []string{"MIXED", "STATEMENT"} {
			w.work(t, "SET SESSION binlog_format="+format)
			for _, q := range []string{
				"CREATE TEMPORARY TABLE tmp (id INT, v VARCHAR(40))",
				"INSERT INTO tmp SELECT id + 100, CONCAT(v, '-one') FROM b",
				"CREATE TEMPORARY TABLE c LIKE b", // hides the real one
				"INSERT INTO c VALUES (7, 'hidden')",
			} {
				w.work(t, q)
			}
			w.s.Exec(t, w.live, "SET SESSION binlog_format="+format,
				"CREATE TEMPORARY TABLE tmp (id INT, v VARCHAR(40), KEY (id))",
				"INSERT INTO tmp VALUES (200, 'two'), (201, 'gone')", "ALTER TABLE tmp ADD COLUMN n INT DEFAULT 3",
				"UPDATE tmp SET v = CONCAT(v, n)", "DELETE FROM tmp WHERE id = 201",
				"INSERT INTO c SELECT id, v FROM tmp", "TRUNCATE TABLE tmp", "INSERT INTO c SELECT 300, COUNT(*) FROM tmp",
				"DROP TABLE tmp")
			w.work(t, "INSERT INTO b SELECT id, v FROM tmp WHERE id > 100", "INSERT INTO b SELECT id, v FROM c",
				"UPDATE b, tmp SET b.v = 'joined' WHERE b.id = 1 AND tmp.id = 101",
				"DROP TEMPORARY TABLE tmp, c", "INSERT INTO c VALUES (8, 'seen')",
				"DELETE FROM b WHERE id > 1", "UPDATE c SET id = id + 1000 ORDER BY id DESC",
				"UPDATE c SET id = id + 5000 ORDER BY id DESC")
		}
		f, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		w.counted(t, state)
		if s.Flavour == "mariadb" && !f.Temporary || state.Temps != 0 {
			t.Errorf("temporary tables: %v, %d open at the end", f.Temporary, state.Temps)
		}
	})
}

// TestTemporaryTablesAreReplayedWhereGTIDsAreEnforced: in statement format such a server
// refuses to make or drop a temporary table in a transaction.
func TestTemporaryTablesAreReplayedWhereGTIDsAreEnforced(t *testing.T) {
	for _, mode := range []string{"ON", "ON_PERMISSIVE"} {
		for _, format := range []string{"STATEMENT", "MIXED"} {
			t.Run(mode+" "+format, func(t *testing.T) {
				t.Parallel()
				s := testdb.Private(t, "mysql", "--gtid-mode="+mode, "--enforce-gtid-consistency=ON",
					"--binlog-format="+format)
				w := newWorld(t, s, "CREATE TABLE b (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40))",
					"INSERT INTO b (v) VALUES ('real')")
				w.work(t, "SET SESSION binlog_format="+format, "INSERT INTO b (v) VALUES ('before')",
					"CREATE TEMPORARY TABLE tmp (v VARCHAR(40))", "INSERT INTO tmp VALUES ('a'), ('b')",
					"START TRANSACTION", "INSERT INTO b (v) SELECT v FROM tmp", "UPDATE tmp SET v = 'c'",
					"INSERT INTO b (v) SELECT v FROM tmp", "COMMIT", "ALTER TABLE tmp ADD COLUMN n INT DEFAULT 3",
					"INSERT INTO b (v) SELECT n FROM tmp", "DROP TEMPORARY TABLE tmp", "INSERT INTO b (v) VALUES ('after')",
					"CREATE TABLE c LIKE b", "INSERT INTO c SELECT * FROM b")
				f, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
				w.same(t)
				w.counted(t, state)
				if f.Temporary != (format == "STATEMENT") || state.Temps != 0 {
					t.Errorf("temporary tables: %v, %d open at the end", f.Temporary, state.Temps)
				}
				said := Texts(state.Changed, state.Statements).String()
				if state.Statements == 0 || !strings.HasSuffix(said, "statements run again, whose rows are not counted") {
					t.Errorf("%d statements: %s", state.Statements, said)
				}
			})
		}
	}
}

// TestATemporaryTableOfUnknownRowsRefusesItsReaders: its rows came from another database.
func TestATemporaryTableOfUnknownRowsRefusesItsReaders(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE o (id INT PRIMARY KEY)", "INSERT INTO o VALUES (5)")
		w := newWorld(t, s, "CREATE TABLE b (id INT PRIMARY KEY)")
		w.other = other
		work := []string{"SET SESSION binlog_format=STATEMENT", "CREATE TEMPORARY TABLE tmp (id INT)",
			"INSERT INTO tmp SELECT id FROM " + other + ".o", "UPDATE tmp SET id = id + 1"}
		w.work(t, work...)
		before := now(t, s)
		w.work(t, "INSERT INTO b SELECT id FROM tmp", "DROP TEMPORARY TABLE tmp")
		end := now(t, s)
		look := func(at binlog.Position) *Forecast {
			f, err := Look(t.Context(), w.question(w.log(t), binlog.Moment{Position: &at}))
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		if f := look(before.Position); len(f.Refused) != 0 {
			t.Error("refused before it is read: ", f.Refused[0].Why)
		}
		f := look(end.Position)
		if len(f.Refused) != 1 || !strings.Contains(f.Refused[0].Why.String(), "it reads the temporary table tmp") {
			t.Errorf("%+v", f.Refused)
		}
	})
}

// TestTheEndOfAKeptReplayHasNoOpenTemporaryTable: the next session would not have it.
func TestTheEndOfAKeptReplayHasNoOpenTemporaryTable(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE b (id INT PRIMARY KEY)")
		w.work(t, "SET SESSION binlog_format=STATEMENT", "INSERT INTO b VALUES (1)")
		quiet := now(t, s)
		w.work(t, "CREATE TEMPORARY TABLE tmp (id INT)", "INSERT INTO tmp VALUES (2)", "INSERT INTO b SELECT id FROM tmp")
		q := w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		q.Open, q.Quiet = true, true
		f, err := Look(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Waits || f.To.Position != quiet.Position || f.Transactions != 1 {
			t.Errorf("waits %v at %s after %d transactions, want %s", f.Waits, f.To.Position, f.Transactions, quiet.Position)
		}
		w.work(t, "DROP TEMPORARY TABLE tmp")
		q = w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		q.Open, q.Quiet = true, true
		if f, err = Look(t.Context(), q); err != nil || f.Waits || f.Transactions < 4 {
			t.Errorf("%v: waits %v after %d transactions", err, f.Waits, f.Transactions)
		}
	})
}

// TestAKilledReplayWithAnOpenTemporaryTableBeginsAgain: the table ended with the session.
func TestAKilledReplayWithAnOpenTemporaryTableBeginsAgain(t *testing.T) {
	s := testdb.MariaDB(t)
	w := newWorld(t, s, "CREATE TABLE b (id INT PRIMARY KEY)")
	w.work(t, "SET SESSION binlog_format=STATEMENT", "CREATE TEMPORARY TABLE tmp (id INT)", "INSERT INTO tmp VALUES (2)",
		"INSERT INTO b SELECT id FROM tmp")
	middle := now(t, s)
	w.work(t, "INSERT INTO b SELECT id + 1 FROM tmp")
	run := w.log(t)
	f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &middle.Position}))
	if err != nil {
		t.Fatal(err)
	}
	w.prepare(t, run)
	job := Job{Run: run, To: f.To, From: w.live, Schema: w.shadow, Total: f.Transactions, Keep: true}
	if _, err := Run(t.Context(), w.s.Open(t, ""), job); err != nil {
		t.Fatal(err)
	}
	job.To = binlog.Place{}
	if _, err := Run(t.Context(), w.s.Open(t, ""), job); err != ErrAgain {
		t.Fatalf("%v, want ErrAgain", err)
	}
	if _, ok, err := Peek(t.Context(), w.s.Open(t, ""), w.shadow); ok || err != nil {
		t.Errorf("it can be continued: %v, %v", ok, err)
	}
}

// TestAStatementThatFailedThereFailsHere: rows of a non-transactional table stay.
func TestAStatementThatFailedThereFailsHere(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE my (id INT PRIMARY KEY, v VARCHAR(10)) ENGINE=MyISAM",
			"INSERT INTO my VALUES (10, 'old')")
		w.lenient = true
		w.work(t, "SET SESSION binlog_format=STATEMENT", "INSERT INTO my VALUES (8, 'p'), (9, 'q'), (10, 'dup'), (11, 'no')",
			"INSERT INTO my VALUES (12, 'later')")
		w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		// The false world: here the row is not in the way.
		s.Exec(t, w.shadow, "DROP TABLE "+Table, "DELETE FROM my")
		run := w.log(t)
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &now2(t, s).Position}))
		if err != nil {
			t.Fatal(err)
		}
		w.prepare(t, run)
		if _, err := w.run(t.Context(), t, run, f); err == nil || !strings.Contains(err.Error(), "1062") {
			t.Error("it went on: ", err)
		}
	})
}

func TestAnInterruptedStatementIsRefused(t *testing.T) {
	for code, want := range map[uint16]bool{0: false, 1062: false, 1317: true, 1969: true} {
		if interrupted(code) != want {
			t.Errorf("%d", code)
		}
	}
}

// TestATableLikeOneOfAnotherDatabase: its definition is taken from the server, as long as no
// later statement changed it.
func TestATableLikeOneOfAnotherDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE o (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(7) DEFAULT 'x', KEY (v))")
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY)")
		w.other = other
		w.work(t, "CREATE TABLE c LIKE "+other+".o", "INSERT INTO c (v) VALUES ('1'), ('2')",
			"CREATE TABLE IF NOT EXISTS d (LIKE "+other+".o)")
		question := func() Question {
			q := w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position})
			db := s.Open(t, "")
			q.Has = func(r sqlscan.Ref) bool { return thereIs(t.Context(), db, r) }
			return q
		}
		q := question()
		f, err := Look(t.Context(), q)
		if err != nil || len(f.Refused) != 0 || len(f.Likes) != 2 {
			t.Fatalf("%v %+v", err, f)
		}
		w.prepare(t, q.Run)
		if _, err := w.run(t.Context(), t, q.Run, f); err != nil {
			t.Fatal(err)
		}
		w.same(t)
		w.work(t, "ALTER TABLE "+other+".o ADD COLUMN n INT")
		f, err = Look(t.Context(), question())
		if err != nil || len(f.Refused) != 2 || !strings.Contains(f.Refused[0].Why.String(), "changed afterwards") {
			t.Errorf("after the ALTER: %v %+v", err, f)
		}
		w.work(t, "DROP TABLE "+other+".o")
		f, err = Look(t.Context(), question())
		if err != nil || len(f.Refused) != 2 || !strings.Contains(f.Refused[0].Why.String(), "not known any more") {
			t.Errorf("after the DROP: %v %+v", err, f)
		}
	})
}

// TestAFunctionThatChangesRowsIsCalledAgain: the server logs the call, not the rows.
func TestAFunctionThatChangesRowsIsCalledAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE b (id INT PRIMARY KEY)", "SET GLOBAL log_bin_trust_function_creators=1",
			"CREATE FUNCTION fn(n INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO b VALUES (n); RETURN n; END")
		w.work(t, "SET SESSION binlog_format=STATEMENT", "DO fn(9)", "INSERT INTO b VALUES (10)")
		w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
	})
}
