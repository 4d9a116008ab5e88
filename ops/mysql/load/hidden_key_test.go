package load

import (
	"context"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAServerThatAddsKeysDoesNotChangeTheTables loads with and without the right to stop
// the server from it.
func TestAServerThatAddsKeysDoesNotChangeTheTables(t *testing.T) {
	s := testdb.Private(t, "mysql", "--sql-generate-invisible-primary-key=1")
	const keyless = "CREATE TABLE plain (a INT);\nINSERT INTO plain VALUES (1);\n"
	const keyed = "CREATE TABLE keyed (a INT PRIMARY KEY);\nCREATE TABLE other (a INT) ENGINE=MyISAM;\nINSERT INTO " +
		"keyed VALUES (1);\n"
	s.Exec(t, "", "CREATE USER limited IDENTIFIED BY 'pw'", "GRANT ALL ON `copy`.* TO limited")
	limited := target(s)
	limited.User, limited.Password = "limited", "pw"
	if _, err := Run(context.Background(), limited, source(t, []byte(keyless)), Options{Schema: "copy"}); err == nil ||
		!strings.Contains(err.Error(), "SESSION_VARIABLES_ADMIN") {
		t.Errorf("a table without a key: %v", err)
	}
	if _, err := Run(context.Background(), limited, source(t, []byte(keyed)), Options{Schema: "copy"}); err != nil {
		t.Error(err)
	}
	mustRun(t, s, source(t, []byte(keyless)), Options{Schema: "all"})
	if text := dumped(t, s, "all") + dumped(t, s, "copy"); strings.Contains(text, "my_row_id") ||
		!strings.Contains(text, "plain") ||
		!strings.Contains(text, "keyed") {
		t.Errorf("the tables are not those of the dump:\n%s", text)
	}
}

// TestArchiveIsEmptiedByBeingMadeAnew is for an engine that takes no DELETE.
func TestArchiveIsEmptiedByBeingMadeAnew(t *testing.T) {
	s := testdb.MySQL(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE a (id INT, t TEXT) ENGINE=ARCHIVE")
	pool := s.Open(t, db)
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 { // without rows, and with
		if err := exec(t.Context(), c, "START TRANSACTION"); err != nil {
			t.Fatal(err)
		}
		if err := empty(t.Context(), c, "a"); err != nil {
			t.Fatal(err)
		}
		if err := exec(t.Context(), c, "INSERT INTO a VALUES (1, 'x')", "COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
	if text := dumped(t, s, db); strings.Count(text, "INSERT INTO") != 1 || !strings.Contains(text, "ENGINE=ARCHIVE") {
		t.Errorf("not one row:\n%s", text)
	}
}
