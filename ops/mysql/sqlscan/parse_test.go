package sqlscan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func refs(p *Parsed) string {
	var list []string
	for _, r := range p.Refs {
		if r.Qualified() {
			list = append(list, r.Schema+"."+r.Name)
		} else {
			list = append(list, r.Name)
		}
	}
	return strings.Join(list, " ")
}

func TestNamesAreFoundByTheirPlace(t *testing.T) {
	for sql, want := range map[string]string{
		"INSERT INTO `prod`.`t` (a) VALUES (1)":                            "INSERT  prod.t",
		"insert low_priority into prod /* x */ . -- y\n t values (1)":      "INSERT  prod.t",
		"/*!40000 INSERT INTO */ /*!50000 prod. */ t VALUES (1)":           "INSERT  prod.t",
		"REPLACE t VALUES ('prod.x')":                                      "REPLACE  t",
		"USE `pr``od`":                                                     "USE  pr`od",
		"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `prod`":                  "CREATE DATABASE prod",
		"CREATE SCHEMA prod":                                               "CREATE DATABASE prod",
		"DROP TABLE IF EXISTS a, prod.b":                                   "DROP TABLE a prod.b",
		"DROP DATABASE prod":                                               "DROP DATABASE prod",
		"ALTER TABLE prod.a ADD KEY (b)":                                   "ALTER TABLE prod.a",
		"ALTER TABLE a RENAME TO prod.b":                                   "ALTER TABLE a prod.b",
		"ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES prod.b (y)":          "ALTER TABLE a prod.b",
		"CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES `p`.`x` (`y`))": "CREATE TABLE t p.x",
		"CREATE TABLE t (a INT) ENGINE=MERGE UNION=(p.a,b)":                "CREATE TABLE t p.a",
		"CREATE TABLE t LIKE p.x":                                          "CREATE TABLE t p.x",
		"CREATE TABLE t SELECT * FROM p.x":                                 "CREATE TABLE t p.x",
		"CREATE TABLE t (a INT DEFAULT nextval(`p`.`s`))":                  "CREATE TABLE t p.s",
		"CREATE OR REPLACE ALGORITHM=UNDEFINED DEFINER=`a`@`%` SQL SECURITY DEFINER VIEW v AS select `x`.`a` AS `a` " +
			"from (`p`.`x` join `y` on((`x`.`a` = `y`.`b`))) where p.f(1)": "CREATE VIEW v p.x p.f",
		"CREATE VIEW v AS SELECT EXTRACT(YEAR FROM t.a), t.b FROM t, p.u AS z WHERE z.c IN (SELECT q.a FROM p.q)": "CREATE VIEW v p.u p.q",
		"CREATE VIEW v AS SELECT p.t.a FROM t": "CREATE VIEW v p.t",
		"CREATE VIEW v AS SELECT a FROM t JOIN u ON t.a = u.b AND IF(t.c, u.d, CASE WHEN t.e THEN 1 ELSE u.f END), p.x":       "CREATE VIEW v p.x",
		"CREATE VIEW v AS SELECT t.a, u.b FROM t JOIN u ON t.a = u.b UNION SELECT t.a, t.b FROM t WHERE t.a, t.b":             "CREATE VIEW v",
		"CREATE VIEW v AS SELECT t.a FROM t FORCE INDEX FOR ORDER BY (k), p.x ORDER BY t.a, t.b":                              "CREATE VIEW v p.x",
		"CREATE PROCEDURE g() INSERT INTO p.t SELECT u.a FROM u JOIN w ON u.a = w.a ON DUPLICATE KEY UPDATE a = u.b, c = u.d": "CREATE PROCEDURE g p.t",
		"CREATE TABLE t (a INT, b INT, FOREIGN KEY (a) REFERENCES q (x) ON DELETE CASCADE, CHECK (t.a > t.b))":                "CREATE TABLE t",
		"UPDATE t JOIN u ON t.a = u.a, p.x SET t.b = u.b, t.c = u.c":                                                          "UPDATE  t p.x",
		"CREATE TRIGGER p.g BEFORE INSERT ON q.t FOR EACH ROW BEGIN INSERT INTO r.l VALUES (NEW.a); UPDATE s.u SET " +
			"s.u.x = OLD.b; END": "CREATE TRIGGER p.g q.t r.l s.u s.u",
		"CREATE PROCEDURE g() BEGIN DECLARE c CURSOR FOR SELECT t.a FROM p.t; CALL p.h(t.a); DELETE FROM p.z WHERE " +
			"p.z.a = 1; END": "CREATE PROCEDURE g p.t p.h p.z p.z",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM p.t": "CREATE EVENT e p.t",
		"CREATE UNIQUE INDEX i ON p.t (a)":                          "CREATE INDEX i p.t",
		"LOCK TABLES `p`.`t` WRITE":                                 "LOCK  p.t",
	} {
		p, err := Parse([]byte(sql), Mode{})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		got := p.Verb + " " + p.Kind + " " + refs(p)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}

func TestStatementsThatServersReadDifferentlyAreRefused(t *testing.T) {
	for _, sql := range []string{
		"SELECT 1 /*!99999 ' */ ; DROP DATABASE prod; -- ' */",
		"SELECT 1 /*M!100000 \" */ DROP \" */",
		"SELECT 1 /*!90000 -- */ \n DROP DATABASE x */",
		"SELECT 1 /*!50000 a /*!50000 DROP */ b */",
		"SELECT /*+ SET_VAR(x='*/ ') */ 1",
	} {
		if _, err := Tokenize([]byte(sql), Mode{}); !errors.Is(err, errAmbiguous) && !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{"CREATE /*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */ /*!50001 VIEW v AS select " +
		"'*/' */", "SELECT /*!99999 'fine' */ 1", "a /* ' */ b"} {
		if _, err := Tokenize([]byte(sql), Mode{}); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestOnlyValuesAreLiteral(t *testing.T) {
	for rows, want := range map[string]string{
		"(1,-2.5e3,'a''b',\"c\",NULL,0xFF,x'00',b'1',_binary 'x',DEFAULT,TRUE)": "1 true",
		"(1),(2) , (ST_GeomFromText('POINT(1 1)')) /* c */":                     "3 true",
		"(1),((SELECT 2))":                "1 false",
		"(prod.f(1))":                     "0 false",
		"(@a)":                            "0 false",
		"(1) ON DUPLICATE KEY UPDATE a=1": "1 false",
		"(1); DROP TABLE x":               "1 false",
		"(1":                              "0 false",
		"":                                "0 false",
		"(1) AS new":                      "1 false",
		"(a.b)":                           "0 false",
		"/*!50000 (1) */":                 "0 false",
	} {
		n, ok := Literal([]byte(rows), 0, Mode{})
		if got := fmt.Sprint(n, " ", ok); strings.ReplaceAll(got, "  ", " ") != want {
			t.Errorf("%s: %s, want %s", rows, got, want)
		}
	}
}

// TestAnUpdateByTheRowsOwnValuesIsRows: what Adminer writes behind the rows; every other
// update may read or write what the rows are not.
func TestAnUpdateByTheRowsOwnValuesIsRows(t *testing.T) {
	const adminer = "(1,'ON DUPLICATE'),(2,NULL)\nON DUPLICATE KEY UPDATE `id` = VALUES(`id`), `v` = VALUES(`v`)"
	for text, want := range map[string]RowList{
		adminer: {2, true, true},
		"(0) on duplicate key update a=value(A) -- x": {1, false, true},
		"(1)": {1, true, false},
	} {
		if got, ok := Rows([]byte(text), 0, Mode{}, 0, nil); !ok || got != want {
			t.Errorf("%s: %+v %v", text, got, ok)
		}
	}
	for _, update := range []string{"a = 1", "a = VALUES(b)", "a = VALUES(a) + 1", "a = VALUES(a),", "", "a", "a = a",
		"a = VALUES(a), b = f()", "t.a = VALUES(a)", "a = VALUES(t.a)", "a = (SELECT 1)", "a = VALUES(a); DROP TABLE x",
		"@a = VALUES(@a)", "a = VALUES(a) /*!50000 + 1 */", "a = VALUES(a) /*M! + 1 */", "a = VALUES(a"} {
		if got, ok := Rows([]byte("(1) ON DUPLICATE KEY UPDATE "+update), 0, Mode{}, -1, nil); ok {
			t.Errorf("%s: %+v", update, got)
		}
	}
	if n, ok := Literal([]byte(adminer), 0, Mode{}); ok {
		t.Errorf("%d rows that may change others are called values only", n)
	}
}

func TestIndexesAreTakenOutByTokens(t *testing.T) {
	const sql = "CREATE TABLE `t` (\n  `id` bigint NOT NULL AUTO_INCREMENT,\n  `a` varchar(10) DEFAULT 'KEY `x` " +
		"(`a`),',\n  `p` int,\n" +
		"  PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`a`),\n  KEY `k1` (`p`),\n  KEY `k2` (`a`(3),`p`),\n  FULLTEXT " +
		"KEY `f` (`a`),\n" +
		"  CONSTRAINT `c` FOREIGN KEY (`p`) REFERENCES `q` (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=7"
	tab, err := ParseTable([]byte(sql), Mode{})
	if err != nil {
		t.Fatal(err)
	}
	keys := tab.Deferrable(func(Key) bool { return false })
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
	}
	if got := strings.Join(names, " "); got != "u k2" {
		t.Errorf("deferred %q: k1 is the foreign key's, f is fulltext", got)
	}
	want := strings.NewReplacer(",\n  UNIQUE KEY `u` (`a`)", "", ",\n  KEY `k2` (`a`(3),`p`)", "").Replace(sql)
	if got := string(tab.Without(keys)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, other := range []string{
		"CREATE TABLE t (a INT AUTO_INCREMENT, b INT, PRIMARY KEY (b), KEY k (a)) ENGINE=InnoDB",         // the counter's key
		"CREATE TABLE t (a INT NOT NULL, b INT, UNIQUE KEY u (a), KEY k (b)) ENGINE=InnoDB",              // u is the clustered key
		"CREATE TABLE t (a INT, b INT, PRIMARY KEY (a), KEY k (b)) ENGINE=MyISAM",                        // no sorted build
		"CREATE TABLE t (a INT, b INT, PRIMARY KEY (a), KEY k (b)) ENGINE=InnoDB WITH SYSTEM VERSIONING", // history
		"CREATE TABLE t (a INT PRIMARY KEY, b INT, KEY k (b)) ENGINE=InnoDB",                             // not as the server shows it
		"CREATE TABLE t (a INT, b INT, PRIMARY KEY (a), KEY k1 (b), KEY k2 (a), FOREIGN KEY (a) REFERENCES q (x)) " +
			"ENGINE=InnoDB", // k1 would move behind k2
	} {
		tab, err := ParseTable([]byte(other), Mode{})
		if err != nil {
			t.Fatal(err)
		}
		if keys := tab.Deferrable(func(Key) bool { return false }); len(keys) > 0 {
			t.Errorf("%s: deferred %v", other, keys)
		}
	}
}

func TestEventsAreMadeDisabled(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE DO SET @a='ENABLE'": "CREATE EVENT e ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE DISABLE DO SET @a='ENABLE'",
		"CREATE EVENT e ON SCHEDULE AT NOW() + INTERVAL 1 DAY DO BEGIN END":                           "CREATE EVENT e ON SCHEDULE AT NOW() + INTERVAL 1 DAY DISABLE DO BEGIN END",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY COMMENT 'DO' DO DO 1":                                 "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE COMMENT 'DO' DO DO 1",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE ON SLAVE DO DO 1":                             "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DO 1",
	} {
		p, err := Parse([]byte(sql), Mode{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := p.Disable()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(Apply([]byte(sql), []Edit{e})); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Add("CREATE DEFINER=`a`@`b` TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a=1")
	f.Add("CREATE TABLE t (a INT, KEY k (a(3), (b)), FOREIGN KEY (a) REFERENCES p.q (r)) ENGINE=InnoDB")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse([]byte(text), Mode{})
		if err != nil {
			return
		}
		for _, r := range p.Refs {
			p.Requalify(r, "`x`")
		}
		p.Mentions("p")
		if tab, err := ParseTable([]byte(text), Mode{}); err == nil {
			tab.Without(tab.Deferrable(func(Key) bool { return false }))
		}
		if p.Kind == "EVENT" {
			p.Disable()
		}
	})
}
