package dump

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// A limit that the server sets for every session makes the server's own tool leave rows out
// with exit status 0: the tool is freed of it, or not used.
func TestServersOwnToolLeavesNothingOutUnderALimit(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 1000)
		hidden := s.Flavour == "mysql"
		if hidden {
			s.Exec(t, db, "SET SESSION sql_generate_invisible_primary_key = ON",
				"CREATE TABLE unkeyed (v INT, j JSON)", "SET SESSION sql_generate_invisible_primary_key = OFF")
		}
		t.Setenv("PATH", toolFolder(t, s)+":"+os.Getenv("PATH"))
		before := canon(t, s, db)
		limits := []string{"sql_select_limit = 5"}
		if hidden {
			limits = append(limits, "max_join_size = 10", "show_gipk_in_create_table_and_information_schema = OFF")
		}
		for _, limit := range limits {
			name, _, _ := strings.Cut(limit, " ")
			s.Exec(t, "", "SET GLOBAL "+limit)
			t.Cleanup(func() { s.Exec(t, "", "SET GLOBAL "+name+" = DEFAULT") })
		}
		dir := t.TempDir()
		path := dir + "/a.sql.gz"
		m, err := Foreign{}.Run(t.Context(), target(s), Options{Databases: []string{db}}, path)
		for _, limit := range limits {
			name, _, _ := strings.Cut(limit, " ")
			s.Exec(t, "", "SET GLOBAL "+name+" = DEFAULT")
		}
		if !hidden {
			if err == nil || !strings.Contains(err.Error(), "sql_select_limit") {
				t.Errorf("a tool that cannot be freed of the limit ran: %v", err)
			}
			nothingLeft(t, dir)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Join(m.Warnings, "\n"); !strings.Contains(told, "writes JSON as text") {
			t.Errorf("nothing is said of the types inside JSON: %q", told)
		}
		sql := text(t, path, m)
		if !bytes.Contains(sql, []byte("`my_row_id`")) {
			t.Error("the generated invisible key is not in the dump")
		}
		reload(t, s, sql, db)
		same(t, "the database that mysqldump's backup restores", canon(t, s, db), before)
	})
}

// MariaDB's tool writes MySQL's VECTOR as text that MySQL refuses: such a backup is not made.
func TestMariaDBsToolIsRefusedForVectors(t *testing.T) {
	s := testdb.MySQL(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE plain (id INT PRIMARY KEY, txt VARCHAR(9) DEFAULT 'vector')",
		"INSERT INTO plain VALUES (1, 'x')")
	maria := testdb.MariaDB(t)
	t.Setenv("PATH", toolFolder(t, maria)+":"+os.Getenv("PATH"))
	dir := t.TempDir()
	run := func(name string) error {
		_, err := Foreign{}.Run(t.Context(), target(s), Options{Databases: []string{db}}, dir+"/"+name)
		return err
	}
	if err := run("plain.sql.gz"); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, "CREATE TABLE vec (id INT PRIMARY KEY, v VECTOR(3))",
		"INSERT INTO vec VALUES (1, TO_VECTOR('[1,2,3.5]'))")
	if err := run("vec.sql.gz"); err == nil || !strings.Contains(err.Error(), "VECTOR") {
		t.Errorf("a backup that cannot be loaded was made: %v", err)
	}
	if _, err := os.Stat(dir + "/vec.sql.gz"); err == nil {
		t.Error("the refused backup left a file")
	}
}
