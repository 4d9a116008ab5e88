package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestDefinitionsMadeSinceARestoreOutliveItsUndo restores in both modes. What others define then,
// an undo drops: it says so before, saves it to a file, and the command that it prints makes it
// again. Where nobody defined anything, nothing is said.
func TestDefinitionsMadeSinceARestoreOutliveItsUndo(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		for _, mode := range []string{"in-place", "swap"} {
			s := newSite(t, db)
			maria := db.Flavour == "mariadb"
			s.must("backup", "create")
			db.Exec(t, s.live, shopDamage...)
			before := s.dump()
			restore := []string{"restore", "--mode", mode, "--confirm", s.live}
			s.must(restore...)
			silent(t, s.must("restore", "undo", "--dry-run").err, "defined since the restore")
			silent(t, s.must("restore", "undo", "--confirm", s.live).err, "these definitions")
			if files := s.aside(); len(files) != 0 {
				t.Error(files)
			}
			sameDump(t, before, s.dump())
			s.must(restore...)

			db.Exec(t, s.live, "CREATE OR REPLACE VIEW order_names AS SELECT id, '再来 --' AS name FROM orders",
				"CREATE VIEW z_base AS SELECT id FROM orders", "CREATE VIEW a_top AS SELECT COUNT(*) AS n FROM z_base",
				"DROP PROCEDURE total_of", "CREATE PROCEDURE total_of(IN c INT) BEGIN SELECT 1; SELECT '汉;' AS t; END",
				"CREATE TRIGGER orders_late AFTER DELETE ON orders FOR EACH ROW SET @late = OLD.id",
				"CREATE TABLE late (id INT PRIMARY KEY, note VARCHAR(20))", "INSERT INTO late VALUES (1, 'kept')",
				"ALTER TABLE customers ADD INDEX by_name (name)",
				"CREATE EVENT late_event ON SCHEDULE EVERY 1 DAY DO SET @a = 1")
			saved := []string{"view order_names", "procedure total_of", "trigger orders_late"}
			if mode == "in-place" { // a swap leaves the others where they are, or in the shadow
				saved = append(saved, "view a_top", "view z_base", "event late_event", "table late", "table customers")
				if maria {
					db.Exec(t, s.live, "CREATE SEQUENCE late_numbers START WITH 5")
					saved = append(saved, "sequence late_numbers")
				}
			}
			tells(t, s.must("restore", "undo", "--dry-run").err, append(saved, "defined since the restore; saved to a file")...)
			o := s.must("restore", "undo", "--confirm", s.live)
			tells(t, o.err, append(saved, "the way back drops these definitions; they were saved in ")...)
			files := s.aside()
			if len(files) != 1 {
				t.Fatal(files)
			}
			if mode == "in-place" {
				sameDump(t, before, s.dump())
				db.Client(t, s.live, mustOpen(t, filepath.Join(filepath.Dir(files[0]), "later-writes", "late.sql")))
			}
			again := regexp.MustCompile(`to create them again: (.*)`).FindStringSubmatch(o.err)
			if again == nil || !strings.Contains(again[1], files[0]) {
				t.Fatalf("no command: %s", o.err)
			}
			db.Client(t, s.live, mustOpen(t, files[0]))
			now := s.dump()
			tells(t, now, "'再来 --' AS `name`", "汉;", "orders_late", "late_event", "`a_top`", "`z_base`")
			if mode == "in-place" {
				tells(t, now, "'kept'")
			}
			text, err := os.ReadFile(files[0])
			if err != nil || mode == "in-place" && !strings.Contains(string(text), "by_name") {
				t.Errorf("%v: the index is not told:\n%s", err, text)
			}
		}
	})
}

// TestDefinitionsMadeDuringALoadInPlaceOutliveItsAbort kills the worker in the load. What others
// changed meanwhile has the name of what the backup has.
func TestDefinitionsMadeDuringALoadInPlaceOutliveItsAbort(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.many()
		s.must("backup", "create")
		before := s.dump()
		s.atLoad("--mode", "in-place")
		s.killWorker()
		db.Exec(t, s.live, "CREATE OR REPLACE SQL SECURITY INVOKER VIEW order_names AS SELECT 7 AS seven",
			"CREATE PROCEDURE late() SELECT 'late'")
		o := s.must("restore", "abort", "--confirm", s.live)
		tells(t, o.err, "the way back drops these definitions", "view order_names", "procedure late")
		sameDump(t, before, s.dump())
		files := s.aside()
		if len(files) != 1 {
			t.Fatal(files)
		}
		db.Client(t, s.live, mustOpen(t, files[0]))
		tells(t, s.dump(), "7 AS `seven`", "'late'")
	})
}

// aside are the files of definitions that ways back saved.
func (s *realSite) aside() []string {
	files, err := filepath.Glob(filepath.Join(s.dir, "state", "restores", "*", "later-definitions*.sql"))
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
