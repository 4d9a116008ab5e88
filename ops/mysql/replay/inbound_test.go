package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/restore"
)

// TestStatementsOfAnotherDatabaseThatChangeOurs: a statement on another database that changes
// ours by a trigger, a function or a view is refused in statement format; in row format the
// rows are there. What foreign keys did is told where the log lacks it.
func TestStatementsOfAnotherDatabaseThatChangeOurs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name, c := range map[string]struct {
			setup     []string // of the OTHER database
			work      string
			refused   bool
			followed  bool // in statement format
			followedR bool // in row format, on MariaDB
		}{
			"nothing of ours": {[]string{"CREATE VIEW v AS SELECT id FROM OURS.a"},
				"INSERT INTO o SELECT id + 10, 0 FROM v", false, false, false},
			"a trigger": {[]string{"CREATE TRIGGER tg AFTER UPDATE ON o FOR EACH ROW " +
				"UPDATE OURS.a SET v = v + 100 WHERE id = NEW.id"},
				"UPDATE o SET v = 5 WHERE id = 1", true, false, false},
			"a trigger of another table": {[]string{"CREATE TABLE z (id INT)",
				"CREATE TRIGGER tg AFTER INSERT ON z FOR EACH ROW UPDATE OURS.a SET v = v + 100"},
				"UPDATE o SET v = 5 WHERE id = 1", false, false, false},
			"a function by a function": {[]string{
				"CREATE FUNCTION f1(x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA " +
					"BEGIN UPDATE OURS.a SET v = v + 100 WHERE id = x; RETURN x; END",
				"CREATE FUNCTION f2(x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN RETURN f1(x); END"},
				"UPDATE o SET v = f2(1) WHERE id = 2", true, false, false},
			"a view": {[]string{"CREATE VIEW v AS SELECT id, v FROM OURS.a"},
				"UPDATE v SET v = 5 WHERE id = 1", true, false, false},
			"a foreign key": {[]string{"CREATE TABLE OURS.c (id INT PRIMARY KEY, p INT, " +
				"FOREIGN KEY (p) REFERENCES OTHER.o (id) ON DELETE CASCADE)",
				"INSERT INTO OURS.c VALUES (1, 2)"}, "DELETE FROM o WHERE id = 2", false, true, true},
		} {
			for _, form := range []string{"STATEMENT", "ROW"} {
				t.Run(name+"/"+form, func(t *testing.T) {
					w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "INSERT INTO a VALUES (1, 1), (2, 2)")
					other := s.Schema(t)
					s.Exec(t, other, "CREATE TABLE o (id INT PRIMARY KEY, v INT)", "INSERT INTO o VALUES (1, 1), (2, 2)")
					for _, q := range c.setup {
						s.Exec(t, other, strings.NewReplacer("OURS", w.live, "OTHER", other).Replace(q))
					}
					from := now(t, s)
					s.Exec(t, other, "SET SESSION binlog_format="+form, c.work)
					w.stand = from
					end := now(t, s)
					q := w.question(w.log(t), binlog.Moment{Position: &end.Position})
					db := s.Open(t, "")
					var err error
					if q.Inbound, err = inboundOf(t.Context(), db, w.live); err != nil {
						t.Fatal(err)
					}
					if q.Side, err = sideOf(t.Context(), db, restore.Source{Database: w.live}); err != nil {
						t.Fatal(err)
					}
					f, err := Look(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					followed := c.followed
					if form == "ROW" {
						followed = c.followedR && s.Flavour == "mariadb"
					}
					if refused := c.refused && form == "STATEMENT"; len(f.Refused) > 0 != refused {
						t.Errorf("refused: %+v", f.Refused)
					}
					if slices.Contains(f.Followed, "c") != followed {
						t.Errorf("followed: %v", f.Followed)
					}
				})
			}
		}
	})
}

// TestNoStatementWritesByAViewIntoAnotherDatabase: one that changes rows by such a view is
// refused, one that reads it is run again.
func TestNoStatementWritesByAViewIntoAnotherDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE c (id INT PRIMARY KEY, v INT)", "INSERT INTO c VALUES (1, 1), (2, 2)")
		view := "CREATE VIEW vo AS SELECT * FROM " + other + ".c"
		over := "CREATE VIEW v2 AS SELECT id, v FROM vo"
		for name, c := range map[string]struct {
			setup, work []string
			refused     bool
		}{
			"reads it":        {[]string{view}, []string{"INSERT INTO a SELECT id, v FROM vo"}, false},
			"changes it":      {[]string{view}, []string{"UPDATE vo SET v = v + 100 WHERE id = 2"}, true},
			"changes with it": {[]string{view}, []string{"UPDATE a JOIN vo USING (id) SET vo.v = 7"}, true},
			"a view over it":  {[]string{view, over}, []string{"DELETE FROM v2 WHERE id = 1"}, true},
			"made by the log": {nil, []string{view, "INSERT INTO vo VALUES (3, 3)"}, true},
			"a trigger uses it": {[]string{view, "CREATE TRIGGER tg AFTER INSERT ON a FOR EACH ROW UPDATE vo SET v = 0"},
				[]string{"INSERT INTO a VALUES (9, 9)"}, true},
			"a procedure of a trigger": {[]string{"CREATE PROCEDURE pp() UPDATE " + other + ".c SET v = 0",
				"CREATE PROCEDURE p2() CALL pp()", "CREATE TRIGGER tg AFTER INSERT ON a FOR EACH ROW CALL p2()"},
				[]string{"INSERT INTO a VALUES (9, 9)"}, true},
			"a procedure alone": {[]string{"CREATE PROCEDURE pp() UPDATE " + other + ".c SET v = 0"},
				[]string{"INSERT INTO a VALUES (9, 9)"}, false},
			"a view of our own": {[]string{"CREATE VIEW vo AS SELECT * FROM a"}, []string{"INSERT INTO vo VALUES (3, 3)"}, false},
			"removed in the log": {[]string{view},
				[]string{"DROP VIEW vo", "CREATE VIEW vo AS SELECT * FROM a", "DELETE FROM vo"}, false},
		} {
			w := newWorld(t, s, append([]string{"CREATE TABLE a (id INT PRIMARY KEY, v INT)"}, c.setup...)...)
			strays, err := strayTriggers(t.Context(), s.Open(t, ""), w.shadow)
			if err != nil {
				t.Fatal(err)
			}
			w.work(t, append([]string{"SET SESSION binlog_format=STATEMENT"}, c.work...)...)
			end := now2(t, s)
			q := w.question(w.log(t), binlog.Moment{Position: &end.Position})
			q.Strays = strays
			f, err := Look(t.Context(), q)
			if err != nil || (len(f.Refused) > 0) != c.refused {
				t.Errorf("%s: %v, %v: %+v", name, err, strays, f.Refused)
			}
			s.Exec(t, other, "REPLACE INTO c VALUES (1, 1), (2, 2)", "DELETE FROM c WHERE id > 2")
		}
	})
}

// TestCodeThatCannotBeReadMayChangeOurs: information_schema shows no text to those without the right.
func TestCodeThatCannotBeReadMayChangeOurs(t *testing.T) {
	for text, want := range map[string]bool{"": true, "BEGIN RETURN 1; END": false, "UPDATE ours.a SET v = 1": true} {
		c := code{kind: "routine", through: Through{"crm", "f", "f"}, text: text}
		if got := (Inbound{}).reaches(c, "ours"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestCodeOfAnotherDatabaseThatTheUserMayNotSee: information_schema leaves out triggers of a
// database on which the user has no rights, so a statement there is no proof that nothing of
// ours changed. The statement that is printed shows them.
func TestCodeOfAnotherDatabaseThatTheUserMayNotSee(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "INSERT INTO a VALUES (1, 1)")
		other := s.Schema(t)
		user := "blind_" + s.Flavour
		s.Exec(t, other, "CREATE TABLE o (id INT PRIMARY KEY)",
			"CREATE TRIGGER tg AFTER INSERT ON o FOR EACH ROW UPDATE "+w.live+".a SET v = v + 100",
			"CREATE USER "+user+"@'%' IDENTIFIED BY 'x'", "GRANT ALL ON "+w.live+".* TO "+user+"@'%'")
		t.Cleanup(func() { s.Exec(t, "", "DROP USER "+user+"@'%'") })
		ask := func(format string, id int) (*Forecast, *server) {
			t.Helper()
			from := now(t, s)
			s.Exec(t, other, "SET SESSION binlog_format="+format, fmt.Sprintf("INSERT INTO o VALUES (%d)", id))
			w.stand = from
			end := now(t, s)
			q := w.question(w.log(t), binlog.Moment{Position: &end.Position})
			at := target(s)
			at.User, at.Password = user, "x"
			db, err := mysql.Open(t.Context(), at, "")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			c, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := q.server.ask(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if q.Inbound, err = inboundOf(t.Context(), c, w.live); err != nil {
				t.Fatal(err)
			}
			f, err := Look(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			return f, &q.server
		}
		if f, _ := ask("ROW", 1); len(f.Unseen) > 0 {
			t.Errorf("in row format: %v", f.Unseen)
		}
		f, account := ask("STATEMENT", 2)
		if !slices.Equal(f.Unseen, []string{other}) || len(f.Refused) > 0 {
			t.Fatalf("unseen: %v, refused: %+v", f.Unseen, f.Refused)
		}
		said := f.unseen(account, w.live).String()
		_, grant, _ := strings.Cut(said, "To see them: ")
		if !strings.Contains(said, "TRIGGER") || !strings.Contains(said, other) {
			t.Error(said)
		}
		s.Exec(t, "", strings.Split(grant, "; ")...)
		if f, _ := ask("STATEMENT", 3); len(f.Unseen) > 0 || len(f.Refused) == 0 {
			t.Errorf("after %s: unseen %v, refused %v", grant, f.Unseen, f.Refused)
		}
	})
}
