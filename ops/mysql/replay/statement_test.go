package replay

import (
	"errors"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/restore"
)

func TestStatementsOfTheStatementFormatAreRunAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s,
			"CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40), at DATETIME(6), n DOUBLE)",
			"CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(40))",
			"CREATE TABLE seen (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40))",
			"CREATE TRIGGER a_ai AFTER INSERT ON a FOR EACH ROW INSERT INTO seen (what) VALUES (NEW.v)",
		)
		w.work(t, "SET SESSION binlog_format=STATEMENT", "SET SESSION time_zone='+05:00', timestamp=1769000000.123456",
			"INSERT INTO a (v, at) VALUES ('x', NOW(6)), ('甲', NOW(6))",
			"INSERT INTO b VALUES (LAST_INSERT_ID(), 'last')",
			"SET @u = 'user''s', @n = 1.5, @i = -3, @d = CAST(2.25 AS DECIMAL(9,3)), @z = NULL",
			"INSERT INTO a (v, n) VALUES (@u, @n), (CONCAT(@i, '/', @d), 1), (@z, 0)",
			"SET SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
			`INSERT INTO "b" VALUES (50, 'back\')`,
			"SET SESSION sql_mode=''",
			"BEGIN", "UPDATE a SET v = CONCAT(v, '!') WHERE id = 1", "DELETE FROM b WHERE id = 50", "COMMIT",
			"INSERT INTO `"+w.live+"`.b SELECT id + 100, v FROM `"+w.live+"`.a WHERE id < 3",
			"SET NAMES latin1", "INSERT INTO b VALUES (60, 'caf\xe9')", "SET NAMES utf8mb4",
			"INSERT INTO a (v) SELECT v FROM b WHERE id = 60",
		)
		f, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		w.counted(t, state)
		if f.Statements == 0 {
			t.Error("no statement was seen")
		}
	})
}

func TestWhatCannotLandInTheSchemaIsRefused(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE o (id INT PRIMARY KEY, v INT)")
		for name, c := range map[string]struct {
			work []string
			why  string
		}{
			"rename out": {[]string{"RENAME TABLE a TO " + other + ".a1"}, "moves tables between databases"},
			"alter in": {[]string{"ALTER TABLE " + other + ".o RENAME TO a9", "DROP TABLE a9",
				"CREATE TABLE " + other + ".o (id INT PRIMARY KEY, v INT)"}, "moves tables between databases"},
			"exchange in": {[]string{
				"CREATE TABLE " + other + ".p (id INT, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9))",
				"CREATE TABLE np (id INT, v INT)", "ALTER TABLE " + other + ".p EXCHANGE PARTITION p0 WITH TABLE np",
				"DROP TABLE " + other + ".p"}, "moves tables between databases"},
			"statement elsewhere": {
				[]string{"SET SESSION binlog_format=STATEMENT", "UPDATE a, " + other + ".o SET a.v = o.v WHERE a.id = o.id"},
				"uses the database",
			},
			"view of another": {[]string{"CREATE TABLE c LIKE " + other + ".o", "DROP TABLE c, " + other + ".o",
				"CREATE TABLE " + other + ".o (id INT PRIMARY KEY, v INT)"}, "schema"},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)")
				w.other = other
				w.work(t, c.work...)
				f, err := Look(t.Context(), w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position}))
				if err != nil {
					t.Fatal(err)
				}
				if len(f.Refused) == 0 || !strings.Contains(f.Refused[0].Why.String(), c.why) {
					t.Errorf("not refused: %+v", f)
				}
				s.Exec(t, "", "DROP TABLE IF EXISTS "+other+".a1")
			})
		}
	})
}

// TestAnAlterOfTwoTablesConcernsBoth: whichever of them is ours, and with or without its
// database's name.
func TestAnAlterOfTwoTablesConcernsBoth(t *testing.T) {
	j := newJudge("shop", "shop__new", nil, nil)
	j.maria = true
	for text, moves := range map[string]bool{
		"ALTER TABLE other.x RENAME TO shop.x2":                                      true,
		"ALTER TABLE other.x ADD c INT, RENAME AS `shop`.`x2`":                       true,
		"ALTER TABLE other.x RENAME x2":                                              true, // into the current database
		"ALTER TABLE shop.x RENAME other.x":                                          true,
		"ALTER TABLE x EXCHANGE PARTITION p WITH TABLE other.x":                      true,
		"ALTER TABLE other.x EXCHANGE PARTITION p WITH TABLE shop.x":                 true,
		"ALTER TABLE other.x CONVERT PARTITION p TO TABLE shop.x":                    true,
		"ALTER TABLE other.x CONVERT TABLE shop.x TO PARTITION p":                    true,
		"ALTER TABLE x RENAME COLUMN a TO b, RENAME INDEX c TO d":                    false,
		"ALTER TABLE x RENAME y":                                                     false,
		"ALTER TABLE other.x RENAME COLUMN a TO b, RENAME KEY c TO d":                false,
		"ALTER TABLE other.x RENAME TO other.y":                                      false,
		"ALTER TABLE other.x ADD FOREIGN KEY (a) REFERENCES shop.y (id)":             false,
		"ALTER TABLE other.x COMMENT 'RENAME TO shop.y', CONVERT TO CHARSET utf8mb4": false,
	} {
		_, why := j.statement(&format.Query{Schema: "shop", SQL: []byte(text)})
		if strings.Contains(why.String(), "moves tables") != moves {
			t.Errorf("%s: %q", text, why)
		}
	}
}

// TestASwapAndALoadOfAFileAreSaidSo: both are told apart from other statements, the LOAD
// DATA also if it ran in another database.
func TestASwapAndALoadOfAFileAreSaidSo(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT)")
		old := restore.SideSchema(w.live, "old", "20260101-000000-abcd")
		s.Exec(t, "", "CREATE DATABASE `"+old+"`")
		t.Cleanup(func() { s.Exec(t, "", "DROP DATABASE `"+old+"`") })
		w.work(t, "RENAME TABLE a TO `"+old+"`.a", "RENAME TABLE `"+old+"`.a TO a")
		f, err := Look(t.Context(), w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position}))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Refused) != 2 || !strings.Contains(f.Refused[0].Why.String(), "a restore swapped the tables") {
			t.Fatalf("%+v", f.Refused)
		}
	})
}

func TestALoadOfAFileIsRefusedWhereverItRan(t *testing.T) {
	j := newJudge("shop", "shop__new", nil, nil)
	for text, want := range map[string]bool{
		"LOAD DATA LOCAL INFILE 'x' INTO TABLE `shop`.`orders`": true,
		"LOAD DATA LOCAL INFILE 'x' INTO TABLE `orders`":        false,
		"LOAD DATA LOCAL INFILE 'x INTO TABLE":                  true, // it cannot be parsed
	} {
		if got := j.loads(&format.Query{Schema: "other", SQL: []byte(text)}); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if !j.loads(&format.Query{Schema: "shop", SQL: []byte("LOAD DATA INFILE 'x' INTO TABLE t")}) {
		t.Error("in our database it is not ours")
	}
}

func TestAUserWithoutTheRightIsToldTheGrant(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY)")
		s.Exec(t, "", "CREATE USER plain@'%' IDENTIFIED BY 'pw'", "GRANT ALL ON `"+w.shadow+"`.* TO plain@'%'")
		t.Cleanup(func() { s.Exec(t, "", "DROP USER plain@'%'") })
		w.work(t, "INSERT INTO a VALUES (1)")
		run := w.log(t)
		if err := try(t.Context(), target(s), run, false); err != nil {
			t.Error("root: ", err)
		}
		who := target(s)
		who.User, who.Password = "plain", "pw"
		err := try(t.Context(), who, run, true)
		var known *ops.Error
		if !errors.As(err, &known) || known.Code != ops.Config ||
			!strings.HasPrefix(known.Hint.String(), "GRANT BINLOG") {
			t.Fatal(err)
		}
		grant := strings.Replace(known.Hint.String(), "…", "plain@'%'", 1)
		s.Exec(t, "", grant)
		if err := try(t.Context(), who, run, true); err != nil {
			t.Errorf("after %s: %v", grant, err)
		}
	})
}
