package replay

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
)

// weak is a connection of a user with all privileges on the shadow database and none on
// the server.
func (w *world) weak(t *testing.T) *sql.DB {
	t.Helper()
	name := fmt.Sprintf("weak%d", rand.Uint32())
	w.s.Exec(t, "", "CREATE USER '"+name+"'@'%' IDENTIFIED BY 'weak'",
		"GRANT ALL ON `"+w.shadow+"`.* TO '"+name+"'@'%'",
		"GRANT "+map[string]string{"mysql": "SET_ANY_DEFINER, SYSTEM_USER", "mariadb": "SET USER"}[w.s.Flavour]+
			" ON *.* TO '"+name+"'@'%'") // other users as definers, which is tested elsewhere
	t.Cleanup(func() { w.s.Exec(t, "", "DROP USER '"+name+"'@'%'") })
	to := target(w.s)
	to.User, to.Password = name, "weak"
	db, err := mysql.Open(context.Background(), to, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestRowsAsStatementsComeToTheSame replays a random workload without the privilege for
// BINLOG. mysqldump must show the rows of the live database, with which the BINLOG way is
// compared, too.
func TestRowsAsStatementsComeToTheSame(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		first := testenv.Seed(t)
		for i := range rounds(t, 1) {
			seed := first + uint64(i)
			t.Run(fmt.Sprintf("%x", seed), func(t *testing.T) {
				w, _ := randomWorldOf(t, s, seed, 40, true, true)
				w.db = w.weak(t)
				_, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
				w.sameRows(t)
				w.counted(t, state)
			})
		}
	})
}

func TestRowsAsStatementsKeepEveryValue(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, goods, "CREATE TABLE bare (f FLOAT, d DOUBLE, js JSON, txt TEXT CHARACTER SET latin1, v INT)",
			"INSERT INTO goods (a,b,price) VALUES (1,'a',1),(2,'b',2),(3,'c',3)")
		w.work(t,
			"INSERT INTO goods (a,b,price,f,d,at,day,tm,yr,kind,flags,bits,data,fix,txt,js,big) VALUES (4000000000,'甲',1.005,1.1,"+
				"1e-9,'2026-01-29 10:00:00.123','2026-01-29','-12:00:01.5',2026,'后','p,q',b'100000001',0x00FF,0x01,'é',"+
				"'{\"a\":[1,null,1.5]}',REPEAT('x',90000))",
			"UPDATE goods SET price=7, b='moved', js='{}' WHERE a=3",
			"DELETE FROM goods WHERE a=2",
			`INSERT INTO bare VALUES (1.1,0.1,'[1]','é',1),(1.1,0.1,'[1]','É',2),(3.4e38,1e-300,NULL,NULL,3),(1.1,0.1,'[1]','é',1)`,
			"DELETE FROM bare WHERE v=1 LIMIT 1", "UPDATE bare SET d=d*3, js='[2]' WHERE v<3",
		)
		run := w.log(t)
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &now2(t, s).Position}))
		if err != nil {
			t.Fatal(err)
		}
		w.prepare(t, run)
		if _, err := Run(t.Context(), s.Open(t, ""),
			Job{Run: run, To: f.To, From: w.live, Schema: w.shadow, Plain: true}); err != nil {
			t.Fatal(err)
		}
		w.same(t)
	})
}

// TestRowsAsStatementsKeepTypesThatTheLogHasAsBytes has MariaDB's UUID, INET6, INET4 and,
// where there is one, VECTOR.
func TestRowsAsStatementsKeepTypesThatTheLogHasAsBytes(t *testing.T) {
	for name, s := range map[string]*testdb.Server{"mariadb": testdb.MariaDB(t), "mariadb11": testdb.MariaDB11(t)} {
		t.Run(name, func(t *testing.T) {
			vector := "VARBINARY(12)"
			if name == "mariadb11" {
				vector = "VECTOR(3)"
			}
			w := newWorld(t, s, "CREATE TABLE k (u UUID, ip INET6, ip4 INET4, v "+vector+", n INT)")
			w.work(t,
				"INSERT INTO k VALUES ('533a624e-ec40-11f1-9f6f-02fc00000001','2001:db8::7','1.2.3.4',"+
					"x'0000803f0000004000004040',1), ('0190163d-8694-739b-aea5-966c26f8ad91','::','0.0.0.0',NULL,2), "+
					"(NULL,NULL,NULL,NULL,3), (UUID(),'::ffff:1.2.3.4','255.255.255.255',NULL,4)",
				"UPDATE k SET n = n + 10 WHERE n < 4", "DELETE FROM k WHERE n = 12",
			)
			run := w.log(t)
			f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &now2(t, s).Position}))
			if err != nil {
				t.Fatal(err)
			}
			w.prepare(t, run)
			job := Job{Run: run, To: f.To, From: w.live, Schema: w.shadow, Plain: true}
			if _, err := Run(t.Context(), s.Open(t, ""), job); err != nil {
				t.Fatal(err)
			}
			w.same(t)
		})
	}
}

func TestATableWithTriggersNeedsTheBinlogStatement(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT)",
			"CREATE TRIGGER a_ai AFTER INSERT ON a FOR EACH ROW INSERT INTO b VALUES (NEW.id)")
		w.work(t, "INSERT INTO a VALUES (1)")
		run := w.log(t)
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &now2(t, s).Position}))
		if err != nil {
			t.Fatal(err)
		}
		w.prepare(t, run)
		w.db = w.weak(t)
		_, err = w.run(t.Context(), t, run, f)
		if ops.CodeOf(err) != ops.Config || !strings.Contains(err.Error(), "triggers") {
			t.Fatalf("rows of the log made triggers fire again: %v", err)
		}
	})
}

// An update that logs only the changed parts of a JSON document, and not the document,
// cannot be converted to a statement: the column would not change. The BINLOG statement
// replays it.
func TestPartsOfDocumentsNeedTheBinlogStatement(t *testing.T) {
	s := testdb.MySQL(t)
	w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT, js JSON)", `INSERT INTO a VALUES (1, 1, '{"k":1,"long":"`+
		strings.Repeat("x", 100)+`"}')`)
	w.work(t, "SET SESSION binlog_row_image = MINIMAL, binlog_row_value_options = PARTIAL_JSON",
		"UPDATE a SET v = 2, js = JSON_SET(js, '$.k', 2) WHERE id = 1")
	run := w.log(t)
	end := run.End().Position
	f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &end}))
	if err != nil || f.InPart != "a" {
		t.Fatalf("%v %+v", err, f)
	}
	w.prepare(t, run)
	_, err = Run(t.Context(), s.Open(t, ""), Job{Run: run, To: f.To, From: w.live, Schema: w.shadow, Plain: true})
	if ops.CodeOf(err) != ops.Config || !strings.Contains(err.Error(), "JSON") {
		t.Fatalf("a part of a document was left out: %v", err)
	}
	if _, err := w.run(t.Context(), t, run, f); err != nil {
		t.Fatal(err)
	}
	w.same(t)
}
