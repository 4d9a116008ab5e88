package dump

import (
	"bytes"
	"io"
	"os"
	"testing"

	"filippo.io/age"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
)

// mysqldump's output for a database is the same after native dump → plain client, and so
// are all checksums.
func TestDumpRestoresToTheSameDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := zoo(t, s)
		before := canon(t, s, db)
		path, m := dumped(t, s, Options{Databases: []string{db}, Tool: "opsdeck test"})
		proved(t, path, m)
		reload(t, s, text(t, path, m), db)
		same(t, "mysqldump of the restored database", canon(t, s, db), before)
		_, again := dumped(t, s, Options{Databases: []string{db}})
		sameTables(t, again, m)
	})
}

func sameTables(t testing.TB, got, want *backup.Manifest) {
	t.Helper()
	if len(got.Tables) != len(want.Tables) || len(got.Objects) != len(want.Objects) {
		t.Fatalf(
			"%d tables and %d objects, want %d and %d",
			len(got.Tables),
			len(got.Objects),
			len(want.Tables),
			len(want.Objects),
		)
	}
	for i, g := range got.Tables {
		w := want.Tables[i]
		if g.Name != w.Name || g.Rows != w.Rows || g.Checksum != w.Checksum || g.DefinitionHash != w.DefinitionHash {
			t.Errorf(
				"table %s: %d rows, sum %s, definition %.8s; want %d, %s, %.8s",
				w.Name,
				g.Rows,
				g.Checksum,
				g.DefinitionHash,
				w.Rows,
				w.Checksum,
				w.DefinitionHash,
			)
		}
	}
	for i, g := range got.Objects {
		if w := want.Objects[i]; g != w {
			t.Errorf("object %+v, want %+v", g, w)
		}
	}
}

func TestEveryCompressionHoldsTheSameText(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 2000)
	path, m := dumped(t, s, Options{Databases: []string{db}, Jobs: 1})
	want := withoutHeader(text(t, path, m))
	t.Run("zstd", func(t *testing.T) {
		path, m := dumped(t, s, Options{Databases: []string{db}, Jobs: 1, Compress: "zstd"})
		proved(t, path, m)
		if !bytes.Equal(withoutHeader(text(t, path, m)), want) {
			t.Error("zstd holds another text than gzip")
		}
	})
	t.Run("encrypted", func(t *testing.T) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		path, m := dumped(
			t,
			s,
			Options{Databases: []string{db}, Jobs: 1, Recipients: []string{id.Recipient().String()}},
		)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		plain, err := age.Decrypt(f, id)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(plain)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Encrypted || !bytes.Equal(withoutHeader(unpack(t, data, m)), want) {
			t.Error("the encrypted file holds another text")
		}
		for _, member := range m.Members {
			if sum(data[member.Offset:member.Offset+member.Length]) != member.SHA256 {
				t.Fatalf("member at %d is not where the manifest says", member.Offset)
			}
		}
	})
}

// withoutHeader drops the first lines, which contain the time.
func withoutHeader(sql []byte) []byte { return sql[bytes.Index(sql, []byte("SET @OLD")):] }

func TestSeveralDatabasesRestoreWithViewsAcrossThem(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		one, two := s.Schema(t), s.Schema(t)
		s.Exec(t, two, "CREATE TABLE base (id INT PRIMARY KEY)", "INSERT INTO base VALUES (1)",
			"CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 7")
		s.Exec(t, one, "CREATE VIEW across AS SELECT id, `"+two+"`.f() AS seven FROM `"+two+"`.base")
		before := canon(t, s, one, two)
		path, m := dumped(t, s, Options{Databases: []string{one, two}})
		proved(t, path, m)
		reload(t, s, text(t, path, m), one, two)
		same(t, "mysqldump of both databases", canon(t, s, one, two), before)
	})
}

func TestSomeTablesBringTheirTriggersAndNothingElse(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := zoo(t, s)
		path, m := dumped(t, s, Options{Databases: []string{db}, Tables: []string{"no_key", "numbers"}})
		if !m.Partial || len(m.Tables) != 2 || len(m.Objects) != 3 {
			t.Errorf("partial %v, %d tables, %d objects", m.Partial, len(m.Tables), len(m.Objects))
		}
		before := canon(t, s, db)
		s.Exec(t, db, "DROP TABLE no_key", "UPDATE numbers SET t = 5", "ALTER TABLE numbers AUTO_INCREMENT = 1000")
		s.Client(t, "", bytes.NewReader(text(t, path, m)))
		same(t, "the database after two of its tables came back", canon(t, s, db), before)
	})
}

// Restoring an archive of some rows must never remove the other rows.
func TestArchiveAddsItsRowsToTheTable(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(
			t,
			db,
			"CREATE TABLE logs (id INT PRIMARY KEY, year INT)",
			"INSERT INTO logs VALUES (1,2024),(2,2025),(3,2025)",
		)
		before := canon(t, s, db)
		path, m := dumped(t, s, Options{Databases: []string{db}, Tables: []string{"logs"}, Where: "year = 2025"})
		if m.Tables[0].Rows != 2 || !m.Partial || m.Where == "" {
			t.Errorf("%+v", m.Tables[0])
		}
		s.Exec(t, db, "DELETE FROM logs WHERE year = 2025")
		s.Client(t, "", bytes.NewReader(text(t, path, m)))
		same(t, "the table after its archive came back", canon(t, s, db), before)
	})
}

func TestNoDataHoldsDefinitionsOnly(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		path, m := dumped(t, s, Options{Databases: []string{zoo(t, s)}, NoData: true})
		proved(t, path, m)
		if sql := text(t, path, m); bytes.Contains(sql, []byte("INSERT INTO `numbers`")) ||
			!bytes.Contains(sql, []byte("CREATE TABLE `numbers`")) {
			t.Error("rows in a dump without data, or no definitions")
		}
	})
}

func TestServersOwnToolMakesABackupToo(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 1000)
		t.Setenv("PATH", toolFolder(t, s)+":"+os.Getenv("PATH"))
		before := canon(t, s, db)
		path := t.TempDir() + "/a.sql.gz"
		m, err := Foreign{}.Run(t.Context(), target(s), Options{Databases: []string{db}}, path)
		if err != nil {
			t.Fatal(err)
		}
		reload(t, s, text(t, path, m), db)
		same(t, "the database that mysqldump's backup restores", canon(t, s, db), before)
	})
}

// toolFolder is a folder with the flavour's dump tool as mysqldump and mariadb-dump.
func toolFolder(t testing.TB, s *testdb.Server) string {
	t.Helper()
	dir, tool := t.TempDir(), s.Tool(t, "mysqldump")
	for _, name := range []string{"mysqldump", "mariadb-dump"} {
		script := "#!/bin/sh\nexec '" + tool + "' \"$@\"\n"
		if err := os.WriteFile(dir+"/"+name, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A pipeline's exit status must not be that of its last part only.
func TestFailureOfTheServersOwnToolLeavesNothing(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 500)
	for name, script := range map[string]string{
		"exit 2 after rows": "echo 'INSERT INTO a VALUES (1);'; echo 'Lost connection' >&2; exit 2",
		"no last line":      "echo 'INSERT INTO a VALUES (1);'; exit 0",
		"killed":            "echo 'INSERT INTO a VALUES (1);'; kill -9 $$",
	} {
		t.Run(name, func(t *testing.T) {
			bin, dir := t.TempDir(), t.TempDir()
			if err := os.WriteFile(bin+"/mariadb-dump", []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			if _, err := (Foreign{}).Run(t.Context(), target(s), Options{Databases: []string{db}}, dir+
				"/a.sql.gz"); err == nil {
				t.Error("a failed dump passed for a good one")
			}
			nothingLeft(t, dir)
		})
	}
}

// Every database except the server's own, in one file that the plain client restores.
func TestAllDatabasesAreAllButTheServersOwn(t *testing.T) {
	for _, flavour := range []string{"mariadb", "mysql"} {
		t.Run(flavour, func(t *testing.T) {
			s := testdb.Private(t, flavour)
			one, two := s.Schema(t), s.Schema(t)
			fill(t, s, one, "a", 500)
			s.Exec(
				t,
				two,
				"CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(20))",
				"INSERT INTO b VALUES (1, '客户')",
				"CREATE VIEW v AS SELECT COUNT(*) AS n FROM `"+one+"`.a",
			)
			before := canon(t, s, one, two)
			path, m := dumped(t, s, Options{All: true})
			proved(t, path, m)
			if len(m.Databases) != 2 {
				t.Errorf("it holds %q", m.Databases)
			}
			reload(t, s, text(t, path, m), one, two)
			same(t, "all databases", canon(t, s, one, two), before)
		})
	}
}
