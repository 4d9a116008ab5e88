package replay

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// Of statements that also concern another database, our part is replayed: the other database
// is not changed again, and the forecast counts them. A trigger that writes to another
// database is created, and not fired.
func TestOnlyOurPartOfAStatementIsReplayed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE o (id INT)", "CREATE TABLE p (id INT)", "CREATE TABLE seen (id INT)",
			"CREATE VIEW v AS SELECT 1")
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "CREATE TABLE b (id INT PRIMARY KEY)",
			"CREATE TABLE c (id INT PRIMARY KEY)", "CREATE VIEW v AS SELECT 1")
		w.work(t,
			"DROP TABLE b, "+other+".o",
			"DROP TABLE IF EXISTS none, "+other+".none",
			"RENAME TABLE c TO d, "+other+".p TO "+other+".q",
			"DROP VIEW v, "+other+".v",
			"CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW INSERT INTO "+other+".seen VALUES (NEW.id)",
			"INSERT INTO a VALUES (1, 1), (2, 2)")
		s.Exec(t, other, "CREATE TABLE o (id INT)", "CREATE TABLE p (id INT)", "CREATE VIEW v AS SELECT 1")
		f, _ := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		if f.Foreign < 4 {
			t.Errorf("%d transactions also changed others", f.Foreign)
		}
		var n int
		err := s.Open(t, other).QueryRow("SELECT (SELECT COUNT(*) FROM seen) + 100 * (SELECT COUNT(*) FROM o) + " +
			"1000 * (SELECT COUNT(*) FROM p) + 10000 * (SELECT COUNT(*) FROM q) + (SELECT COUNT(*) FROM v)").Scan(&n)
		if err != nil || n != 3 {
			t.Errorf("the other database was changed: %d, %v", n, err)
		}
	})
}

// While a trigger of the log writes to another database, a statement that could fire it is
// refused by name; once the trigger is dropped it is not.
func TestNoStatementFiresATriggerIntoAnotherDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE seen (id INT)")
		for drop, refused := range map[string]bool{"DO 1": true, "DROP TRIGGER t": false} {
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)")
			w.work(t, "SET SESSION binlog_format=STATEMENT",
				"CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW INSERT INTO "+other+".seen VALUES (NEW.id)",
				drop, "INSERT INTO a VALUES (1, 1)")
			f, err := Look(t.Context(), w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position}))
			if err != nil {
				t.Fatal(err)
			}
			if (len(f.Refused) > 0) != refused || refused &&
				!strings.Contains(f.Refused[0].Why.String(), "could change another database, which t names") {
				t.Errorf("%s: %+v", drop, f.Refused)
			}
		}
	})
}

// A prepared transaction that is rolled back changed nothing: a restore to before it loses no
// row. One that is committed does.
func TestARolledBackXAIsNoLoss(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for verb, rows := range map[string]int64{"ROLLBACK": 0, "COMMIT": 1} {
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)")
			w.work(t, "INSERT INTO a VALUES (1, 1)")
			moment := binlog.Moment{Position: &now2(t, s).Position}
			w.work(t, "XA START 'x'", "INSERT INTO a VALUES (2, 2)", "XA END 'x'", "XA PREPARE 'x'", "XA "+verb+" 'x'")
			f, err := Look(t.Context(), w.question(w.log(t), moment))
			if err != nil {
				t.Fatal(err)
			}
			lost := int64(0)
			for _, c := range f.After {
				lost += c.Inserted
			}
			if lost != rows {
				t.Errorf("%s: %d rows are lost, want %d", verb, lost, rows)
			}
		}
	})
}

// A trigger of the backup that writes to another database is loaded. Row images do not fire
// it; a statement that would is refused, by the forecast and by the replay itself.
func TestATriggerOfTheBackupIntoAnotherDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE seen (id INT)")
		trigger := "CREATE TRIGGER Tg AFTER INSERT ON a FOR EACH ROW INSERT INTO " + other + ".seen VALUES (NEW.id)"
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", trigger,
			"CREATE TRIGGER own BEFORE INSERT ON a FOR EACH ROW SET NEW.v = 7")
		found, err := strayTriggers(t.Context(), s.Open(t, ""), w.shadow)
		if err != nil || len(found) != 1 || found[0] != "tg" {
			t.Fatalf("found %v, %v", found, err)
		}
		w.work(t, "INSERT INTO a VALUES (1, 1)")
		w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		w.stand = now(t, s)
		w.work(t, "SET SESSION binlog_format=STATEMENT", "INSERT INTO a VALUES (2, 2)")
		q := w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		f, err := Look(t.Context(), q)
		if err != nil || len(f.Refused) != 0 {
			t.Fatalf("nothing is known of it, and %+v, %v", f, err)
		}
		s.Exec(t, w.shadow, "DROP TABLE IF EXISTS "+Table)
		w.prepare(t, q.Run)
		_, err = w.run(t.Context(), t, q.Run, f)
		if err == nil || !strings.Contains(err.Error(), "another database, which tg names") {
			t.Errorf("the replay: %v", err)
		}
		q.Strays = found
		if f, err = Look(t.Context(), q); err != nil || len(f.Refused) != 1 {
			t.Errorf("the forecast: %+v, %v", f, err)
		}
		var n int
		if err := s.Open(t, other).QueryRow("SELECT COUNT(*) FROM seen").Scan(&n); err != nil || n != 2 {
			t.Errorf("%d rows in the other database, %v", n, err)
		}
	})
}
