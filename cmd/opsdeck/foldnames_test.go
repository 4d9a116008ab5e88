package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestNamesInTheCaseOfTheConfiguration has a server that keeps names in lower case: a
// database named otherwise in the configuration is not another one that is missing, and key
// tables are found in whatever case they are written.
func TestNamesInTheCaseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := testdb.Private(t, "mariadb", "--lower-case-table-names=1")
	s.Exec(t, "", "DROP DATABASE IF EXISTS Shop", "CREATE DATABASE Shop")
	s.Exec(t, "shop", "CREATE TABLE Orders (id INT PRIMARY KEY)", "INSERT INTO Orders VALUES (1), (2)")
	dir := t.TempDir()
	text := fmt.Sprintf("services:\n  - name: q\n    database: {name: Shop, options_file: %s, host: %s, port: %d}\n"+
		"    redis: {address: \"\"}\n    logs: []\n    process: {kind: none}\n    backup: {dir: %s}\n"+
		"    restore: {key_tables: [Orders]}\nstate_dir: %s\n",
		s.OptionsFile(t), s.Host, s.Port, filepath.Join(dir, "backups"), filepath.Join(dir, "state"))
	config := configFile(t, text)
	says := func(want string, code int, args ...string) {
		t.Helper()
		out, diag := asked(t, config, code, args...)
		if !strings.Contains(out+diag, want) {
			t.Errorf("%v does not say %q: %s%s", args, want, out, diag)
		}
		if strings.Contains(out+diag, "are missing") {
			t.Errorf("%v says that something is missing: %s%s", args, out, diag)
		}
	}
	cause := "so the database is named shop there; the configuration says Shop"
	says(cause, 2, "status")
	says(cause, 78, "backup", "create")
	says("write database.name: shop in the configuration", 78, "backup", "create")

	if err := os.WriteFile(config, []byte(strings.Replace(text, "name: Shop", "name: shop", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	asked(t, config, 0, "backup", "create")
	// Code that names the database in another case: the copy's means the copy, the live one's
	// stays as it is.
	s.Exec(t, "shop", "SET GLOBAL log_bin_trust_function_creators = 1", "CREATE TABLE lg (w VARCHAR(9))",
		"CREATE TRIGGER tr BEFORE INSERT ON orders FOR EACH ROW INSERT INTO SHOP.lg VALUES ('tr')",
		"CREATE PROCEDURE p() INSERT INTO `Shop`.`lg` SELECT 'p' FROM SHOP.orders LIMIT 1",
		"CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN (SELECT COUNT(*) FROM sHOP.lg)",
		"CREATE VIEW v AS SELECT id FROM SHOP.orders")
	asked(t, config, 0, "backup", "create")
	asked(t, config, 0, "backup", "verify", "--all", "--deep")
	asked(t, config, 0, "backup", "drill")
	asked(t, config, 0, "restore", "--to", "aside", "--confirm", "aside")
	asked(t, config, 0, "restore", "--confirm", "shop")
	s.Exec(t, "aside", "INSERT INTO orders VALUES (7)", "CALL p()")
	for _, in := range []struct{ schema, want string }{{"aside", "2 2 3 aside.lg"}, {"shop", "0 0 2 SHOP.lg"}} {
		var got string
		if err := s.Open(t, in.schema).QueryRow("SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM lg), f(), (SELECT COUNT(*) " +
			"FROM v), (SELECT SUBSTRING(REPLACE(ACTION_STATEMENT, '`', ''), 13, LENGTH(DATABASE()) + 3) FROM " +
			"information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()))").Scan(&got); err != nil || got != in.want {
			t.Errorf("%s: %s, want %s (%v)", in.schema, got, in.want, err)
		}
	}
	s.Exec(t, "", "DROP DATABASE aside")
	s.Exec(t, "shop", "DELETE FROM orders")
	says("restored", 0, "restore", "--mode", "in-place", "--confirm", "shop")
	var rows int
	if err := s.Open(t, "").QueryRow("SELECT COUNT(*) FROM shop.orders").Scan(&rows); err != nil || rows != 2 {
		t.Errorf("%d rows are back (%v)", rows, err)
	}
}
