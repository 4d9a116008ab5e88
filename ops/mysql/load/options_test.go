package load

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// What mysqldump writes under each of its options is what its own client makes of it.
func TestEveryOptionOfMysqldumpLoads(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, s *testdb.Server) {
		from := s.Schema(t)
		s.Exec(
			t,
			from,
			"SET NAMES utf8mb4",
			"CREATE TABLE c (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40), b VARBINARY(9), bt BIT(9), f "+
				"FLOAT, d DOUBLE, j JSON, at TIMESTAMP(3) NULL, g INT AS (CHAR_LENGTH(name)) STORED, KEY (name)) "+
				"DEFAULT CHARSET=utf8mb4",
			"CREATE TABLE o (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES c (id))",
			"CREATE TABLE `or``der` (a INT)",
			"INSERT INTO c (name, b, bt, f, d, j, at) VALUES ('张三; USE mysql; -- x', x'00ff270a5c', b'100000001', "+
				"0.1, 1e-7, '{\"a\": \"b''c\"}', '2026-03-29 01:30:00.125'), ('o''b\\\\', NULL, NULL, NULL, NULL, "+
				"NULL, NULL)",
			"INSERT INTO o VALUES (1, 1)",
			"INSERT INTO `or``der` VALUES (1), (1)",
			"CREATE TRIGGER tr BEFORE INSERT ON c FOR EACH ROW SET NEW.name = TRIM(NEW.name)",
			"CREATE VIEW a_v2 AS SELECT 1 AS one",
			"CREATE VIEW a_v AS SELECT id, name FROM c WHERE name <> 'a;b'",
			"CREATE PROCEDURE p(IN x INT) BEGIN SELECT 'a;b'; SELECT x; END",
			"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DISABLE DO DELETE FROM o WHERE id < 0",
		)
		want := dumped(t, s, from)
		// Options that write different parts of the dump are tried together.
		options := []string{
			"--hex-blob --complete-insert --skip-extended-insert",
			"--skip-tz-utc --insert-ignore --order-by-primary --skip-comments",
			"--replace --no-autocommit --add-drop-trigger",
			"--skip-opt --create-options",
			"--single-transaction --quick --flush-privileges --tz-utc --add-locks",
			"--databases",
			"--add-drop-database --databases",
		}
		if s.Flavour == "mysql" {
			options = append(options, "--source-data=1", "--source-data=2 --set-gtid-purged=ON --column-statistics=1")
		} else {
			options = append(options, "--gtid --master-data=1", "--master-data=1 --apply-slave-statements",
				"--skip-set-charset", "--compatible=ansi")
		}
		for _, o := range options {
			args := append([]string{"--routines", "--triggers"}, strings.Fields(o)...)
			if o != "--compatible=ansi" { // its events are in a form that no client reads
				args = append(args, "--events")
			}
			text := s.Dump(t, append(args, from)...)
			if o == "--databases" { // as on Windows
				text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
			}
			schema := s.Schema(t)
			if _, err := Run(context.Background(), target(s), source(t, text),
				Options{Schema: schema, From: from, SkipOthers: true}); err != nil {
				t.Errorf("%s: %v", o, err)
				continue
			}
			if strings.Contains(o, "ansi") || strings.Contains(o, "skip-opt") || o == "--databases" {
				continue // charset, mode or line ends of the objects are others in the dump
			}
			if got := dumped(t, s, schema); got != want {
				t.Errorf("%s: another database came out\n%s\nwant\n%s", o, got, want)
			}
			s.Exec(t, "", "DROP DATABASE "+schema)
		}
	})
}
