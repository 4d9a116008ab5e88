package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// later is what people did after the backup: new rows in tables with and
// without a time column, a changed row, a new table, audit rows.
var later = []string{
	"INSERT INTO orders (customer_id, amount) VALUES (1, 77)",
	"INSERT INTO ar_invoices (total) VALUES (8), (9)", "INSERT INTO tags (name) VALUES ('a')",
	"UPDATE products SET price = 5.25 WHERE id = 1",
	"INSERT INTO products (name, weight, image) VALUES ('新品', 0.1, x'00ff27')",
	"CREATE TABLE made_later (id INT PRIMARY KEY, note VARCHAR(20)) DEFAULT CHARSET=utf8mb4",
	"INSERT INTO made_later VALUES (1, 'it''s\\n')",
	"INSERT INTO audit_logs (user_id, action, resource_type, resource_id) VALUES (7, 'CREATE', 'ORDER', '3'), (7, " +
		"'UPDATE', 'PRODUCT', '1'), (9, 'CREATE', 'ORDER', '4')",
}

// withHistory adds tables whose rows tell their age to a site.
func (s *realSite) withHistory() {
	s.db.Exec(
		s.t,
		s.live,
		"CREATE TABLE products (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40), price DECIMAL(8,2), weight "+
			"FLOAT, image BLOB, twice DECIMAL(10,2) GENERATED ALWAYS AS (price * 2) STORED, created_at DATETIME(6) "+
			"DEFAULT CURRENT_TIMESTAMP(6), updated_at DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE "+
			"CURRENT_TIMESTAMP(6)) DEFAULT CHARSET=utf8mb4",
		"INSERT INTO products (name, price, weight, created_at, updated_at) VALUES ('豆腐', 3.5, 0.25, '2026-01-01', "+
			"'2026-01-01')",
		"CREATE TABLE tags (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(9))",
		"CREATE TABLE audit_logs (id BIGINT PRIMARY KEY AUTO_INCREMENT, user_id BIGINT, action VARCHAR(50), "+
			"resource_type VARCHAR(50), resource_id VARCHAR(100), created_at TIMESTAMP(6) DEFAULT "+
			"CURRENT_TIMESTAMP(6))",
		"INSERT INTO audit_logs (user_id, action, resource_type, resource_id, created_at) VALUES (1, 'LOGIN', "+
			"'USER', '1', '2026-01-01')",
	)
}

// What a restore loses is told before it, exported, and can be replayed after
// it: then nothing is lost.
func TestWhatARestoreLosesCanBeReplayed(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.withHistory()
		s.must("backup", "create")
		db.Exec(t, s.live, later...)
		before := s.dump()

		var told struct {
			Tables []struct {
				Table          string
				Newer, Changed int64
				Estimate       bool
				Vanishes       bool
			}
			Users, Resources, Unseen []string
		}
		if err := json.Unmarshal([]byte(s.must("restore", "lost", "--json").out), &told); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, x := range told.Tables {
			got[x.Table] = fmt.Sprint(x.Newer, x.Changed, x.Estimate, x.Vanishes)
		}
		want := map[string]string{
			"orders":      "1 0 false false",
			"ar_invoices": "2 0 false false",
			"products":    "1 1 false false",
			"made_later":  "1 0 false true",
			"audit_logs":  "3 0 false false",
			"tags":        "1 0 false false",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(told.Users) != "[7 (2) 9 (1)]" ||
			len(told.Resources) != 3 {
			t.Fatalf("told %v\nwant %v\n%v %v", got, want, told.Users, told.Resources)
		}

		if len(told.Unseen) > 0 {
			t.Errorf("cannot detect changed rows in %v, but all rows were compared", told.Unseen)
		}

		dir := filepath.Join(s.dir, "lost")
		s.must("restore", "--confirm", s.live, "--export-lost", dir, "--accept-missing", "made_later")
		files, _ := filepath.Glob(filepath.Join(dir, "*.sql"))
		if len(files) != 6 {
			t.Fatalf("exported %v", files)
		}
		if report := s.must("restore", "report").out; !strings.Contains(report, "lost.json") {
			t.Errorf("the report names no export:\n%s", report)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			db.Client(t, s.live, bytes.NewReader(text))
		}
		sameDump(t, before, s.dump())
		if o := s.run("restore", "lost", "--export", dir); o.code != 64 || !strings.Contains(o.err, "is not empty") {
			t.Fatalf("into a folder in use: exit %d\n%s", o.code, o.err)
		}
	})
}

// kinds are tables of every kind of key, whose rows are taken away and put in so that
// their number stays or falls: table, its key, definition, rows, what happens.
var kinds = []struct{ name, on, columns, rows, damage string }{
	{"o", "l.id = b.id", "id INT AUTO_INCREMENT PRIMARY KEY, v INT", "(1,1),(2,2),(3,3),(4,4),(5,5),(6,6)",
		"DELETE FROM o WHERE id > 2; INSERT INTO o (v) VALUES (777), (778)"},
	{
		"reused",
		"l.id = b.id",
		"id INT PRIMARY KEY, v INT",
		"(1,1),(2,2),(10,10)",
		"DELETE FROM reused WHERE id = 2; INSERT INTO reused VALUES (3,3); UPDATE reused SET v = 11 WHERE id = 10",
	},
	{
		"pair",
		"l.a = b.a AND l.c = b.c",
		"a INT, c VARCHAR(20), v DECIMAL(8,2), PRIMARY KEY (a, c)",
		"(1,'x',1.5),(1,'xy',2.25),(11,'x',3)",
		"DELETE FROM pair WHERE c = 'xy'; INSERT INTO pair VALUES (1,'y',2.25); UPDATE pair SET v = 1.51 WHERE a = " +
			"1 AND c = 'x'",
	},
	{
		"words",
		"l.k = b.k",
		"k VARCHAR(40) COLLATE utf8mb4_general_ci PRIMARY KEY, v TEXT",
		"('é','1'),('b','2'),('中文','3'),('d ','4')",
		"DELETE FROM words WHERE k = 'b'; INSERT INTO words VALUES ('中','9'); UPDATE words SET v = 'x\\\\''\n' " +
			"WHERE k = '中文'",
	},
	{
		"bytes",
		"l.k = b.k",
		"k BINARY(4) PRIMARY KEY, v BLOB, f DOUBLE, j JSON, t BIT(9)",
		"(x'00ff2700',x'00',1e-7,'{\"a\": " +
			"1}',b'100000001'),(x'00ff2701','a',0.1,'[1]',b'1'),(x'22270a5c',NULL,NULL,NULL,NULL)",
		"DELETE FROM bytes WHERE k = x'00ff2701'; INSERT INTO bytes VALUES (x'00ff2702','a',0.1,'[1]',b'1'); UPDATE " +
			"bytes SET v = '' WHERE v IS NULL",
	},
	{
		"uuids",
		"l.k = b.k",
		"k CHAR(36) CHARACTER SET ascii PRIMARY KEY, at DATETIME(3), ts TIMESTAMP(6) NULL",
		"('6ccd780c-baba-1026-9564-5b8c656024db','2026-01-01 00:00:00.125','2026-01-01 " +
			"00:00:00.000001'),('6ccd780c-baba-1026-9564-5b8c656024dc',NULL,NULL)",
		"DELETE FROM uuids WHERE at IS NULL; INSERT INTO uuids VALUES " +
			"('00000000-baba-1026-9564-5b8c656024dc','0000-00-00',NULL)",
	},
	{
		"nokey",
		"",
		"a INT, v VARCHAR(20)",
		"(1,'a'),(1,'a'),(2,'b'),(NULL,NULL)",
		"DELETE FROM nokey WHERE a = 2; INSERT INTO nokey VALUES (1,'a')",
	},
	{"still", "l.id = b.id", "id INT PRIMARY KEY, e ENUM('', 'x') , f FLOAT", "(0,'x',0.1),(-5,'',3.4e38)", ""},
	{"fewer", "l.id = b.id", "id INT PRIMARY KEY", "(1),(2),(3)", "DELETE FROM fewer WHERE id > 1"},
}

// What a restore loses is the rows that the backup does not have, not a difference of
// counts: the oracle is a join with the backup as the server loaded it.
func TestWhatIsLostIsFoundByKeysNotByCounts(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		for _, k := range kinds {
			db.Exec(
				t,
				s.live,
				"SET sql_mode = ''",
				"CREATE TABLE "+k.name+" ("+k.columns+") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
				"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
				"INSERT INTO "+k.name+" VALUES "+k.rows,
			)
		}
		s.must("backup", "create")
		foreign, utc := filepath.Join(s.dir, "by-others.sql"), filepath.Join(s.dir, "by-others-utc.sql")
		s.write("by-others.sql", string(db.Dump(t, "--skip-tz-utc", s.live)))
		s.write("by-others-utc.sql", string(db.Dump(t, "--hex-blob", "--skip-extended-insert", s.live)))
		to := s.live + "_loaded"
		s.must("restore", "--to", to, "--confirm", to)
		want := map[string]string{"nokey": "1 0"}
		var script strings.Builder
		for _, k := range kinds {
			script.WriteString("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';" + k.damage + ";\n")
		}
		db.Client(t, s.live, strings.NewReader(script.String()))
		for _, k := range kinds {
			if k.on == "" {
				continue
			}
			got := joined(t, db, s.live, to, k.name, k.on)
			if got != "0 0" {
				want[k.name] = got
			}
		}
		db.Exec(t, "", "DROP DATABASE `"+to+"`")
		if want["o"] != "2 0" || want["words"] == "" || want["bytes"] == "" {
			t.Fatalf("the test itself is wrong: %v", want)
		}

		for _, from := range []string{"", utc, foreign} {
			args := []string{"restore", "lost", "--json"}
			if from != "" {
				args = append(args, "--from", from)
			}
			var told struct {
				Tables []struct {
					Table          string
					Newer, Changed int64
					Estimate       bool
				}
				Unknown, Unseen []string
			}
			if err := json.Unmarshal([]byte(s.must(args...).out), &told); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, x := range told.Tables {
				got[x.Table] = fmt.Sprint(x.Newer, x.Changed)
				if x.Estimate {
					t.Errorf("%s: %+v is an estimate", from, x)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || len(told.Unknown) > 0 || from == "" && len(told.Unseen) > 0 {
				t.Errorf("from %q told %v, unknown %v, unseen %v\nwant %v", from, got, told.Unknown, told.Unseen, want)
			}
		}
		plan := s.must("restore", "--plan")
		if text := plan.out + plan.err; !strings.Contains(text, "uuids") ||
			strings.Contains(text, "nothing will be lost") {
			t.Errorf("the plan tells another loss:\n%s", text)
		}

		before := s.dump()
		dir := filepath.Join(s.dir, "lost")
		s.must("restore", "--confirm", s.live, "--export-lost", dir, "--accept-missing", "made_later")
		for _, k := range kinds { // what was taken away comes back with the restore, and is taken away again
			for _, q := range strings.Split(k.damage, "; ") {
				if strings.HasPrefix(q, "DELETE") {
					db.Exec(t, s.live, q)
				}
			}
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*.sql"))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			db.Client(t, s.live, bytes.NewReader(text))
		}
		sameDump(t, before, s.dump())
		if o := s.must("restore", "lost", "--tables", "still,fewer"); !strings.Contains(o.out, "nothing will be lost") {
			t.Errorf("two tables without new rows: %s", o.out)
		}
	})
}

// joined counts by the server the rows of live that another schema lacks, or has otherwise.
func joined(t *testing.T, db *testdb.Server, live, other, table, on string) string {
	t.Helper()
	c := db.Open(t, live)
	var missing, columns string
	if err := c.QueryRow("SELECT COUNT(*) FROM `" + live + "`.`" + table + "` l LEFT JOIN `" + other + "`.`" + table +
		"` b ON " + on + " WHERE (" + on + ") IS NOT TRUE").Scan(&missing); err != nil {
		t.Fatal(err)
	}
	if err := c.QueryRow("SELECT GROUP_CONCAT('BINARY l.`', COLUMN_NAME, '` <=> BINARY b.`', COLUMN_NAME, '`' "+
		"SEPARATOR ' AND ') FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", live,
		table).Scan(&columns); err != nil {
		t.Fatal(err)
	}
	var changed string
	if err := c.QueryRow("SELECT COUNT(*) FROM `" + live + "`.`" + table + "` l JOIN `" + other + "`.`" + table +
		"` b ON " + on + " WHERE NOT (" + columns + ")").Scan(&changed); err != nil {
		t.Fatal(err)
	}
	return missing + " " + changed
}
