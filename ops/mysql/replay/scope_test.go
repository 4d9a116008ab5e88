package replay

import (
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
)

// TestStatementsOnOtherTablesThanTheRestored: one in statement format that may change a table
// that is restored, by name or by a trigger, is refused; the others are left out.
func TestStatementsOnOtherTablesThanTheRestored(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name, c := range map[string]struct {
			setup   []string
			work    string
			refused bool
		}{
			"another table": {nil, "INSERT INTO b SELECT id + 10 FROM a", false},
			"its own trigger": {[]string{"CREATE TRIGGER tt AFTER UPDATE ON a FOR EACH ROW UPDATE b SET id = id + 50"},
				"UPDATE a SET v = 2", true},
			"itself":         {nil, "UPDATE a SET v = 2", false},
			"several tables": {nil, "UPDATE b JOIN a USING (id) SET a.v = 9", true},
			"several others": {nil, "DELETE b FROM b JOIN d USING (id)", false},
			"with a trigger": {[]string{"CREATE TRIGGER bt AFTER INSERT ON b FOR EACH ROW UPDATE a SET v = NEW.id"},
				"INSERT INTO b VALUES (2)", true},
			"with a function": {[]string{"CREATE FUNCTION bf() RETURNS INT DETERMINISTIC MODIFIES SQL DATA " +
				"BEGIN UPDATE a SET v = 3; RETURN 1; END"}, "INSERT INTO b VALUES (2)", true},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, s, append([]string{"CREATE TABLE a (id INT PRIMARY KEY, v INT)",
					"CREATE TABLE b (id INT PRIMARY KEY)", "CREATE TABLE d (id INT PRIMARY KEY)",
					"INSERT INTO a VALUES (1, 1)", "INSERT INTO b VALUES (1)"}, c.setup...)...)
				w.work(t, "SET SESSION binlog_format=STATEMENT", c.work)
				end := now2(t, s)
				q := w.question(w.log(t), binlog.Moment{Position: &end.Position})
				q.Tables = []string{"a"}
				var err error
				if q.Side, err = sideOf(t.Context(), s.Open(t, ""), restore.Source{Database: w.live}); err != nil {
					t.Fatal(err)
				}
				f, err := Look(t.Context(), q)
				if err != nil || len(f.Refused) > 0 != c.refused {
					t.Errorf("%v: %+v", err, f.Refused)
				}
			})
		}
	})
}

// TestStatementsWithCommonTablesAreRunAgain: MySQL's WITH … UPDATE and WITH … DELETE.
func TestStatementsWithCommonTablesAreRunAgain(t *testing.T) {
	s := testdb.MySQL(t)
	w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "INSERT INTO a VALUES (1, 1), (2, 2), (3, 3)")
	w.work(t, "SET SESSION binlog_format=STATEMENT",
		"WITH c AS (SELECT 1 AS id) UPDATE a JOIN c USING (id) SET v = 44",
		"WITH RECURSIVE c AS (SELECT 3 AS id) DELETE FROM a WHERE id IN (SELECT id FROM c)",
		"INSERT INTO a WITH c AS (SELECT 7 AS id) SELECT id, id FROM c")
	end := now2(t, s)
	f, _ := w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
	w.same(t)
	if f.Statements != 3 {
		t.Errorf("%d statements", f.Statements)
	}
}

// TestReadOnlyIsLeftOut: MySQL's option would keep the replay from writing.
func TestReadOnlyIsLeftOut(t *testing.T) {
	s := testdb.MySQL(t)
	w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY)")
	w.work(t, "INSERT INTO a VALUES (1)", "ALTER DATABASE `"+w.live+"` READ ONLY = 1", "ALTER DATABASE READ ONLY = 0",
		"ALTER SCHEMA `"+w.live+"` COLLATE utf8mb4_bin READ ONLY 0", "ALTER SCHEMA READ ONLY DEFAULT CHARACTER SET utf8mb4",
		"CREATE TABLE b (t VARCHAR(9) PRIMARY KEY)", "INSERT INTO b VALUES ('x')")
	s.Exec(t, "", "ALTER DATABASE `"+w.live+"` READ ONLY = 1")
	end := now2(t, s)
	w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
	s.Exec(t, "", "ALTER DATABASE `"+w.live+"` READ ONLY = 0")
	w.same(t)
}
