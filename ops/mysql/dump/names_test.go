package dump

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// move is what happens between the snapshot and the read of the rows.
type move struct {
	statements []string
	ours       bool // the tables are in the dump
}

// TestTablesThatChangePlacesAreNotDumped lets tables change places: they have the same
// definition, and InnoDB reports nothing when the rows are read. Without PROCESS the move
// has to wait.
func TestTablesThatChangePlacesAreNotDumped(t *testing.T) {
	moves := map[string]move{
		"swap": {
			[]string{"RENAME TABLE price TO price_tmp, price_new TO price, price_tmp TO price_new"},
			true,
		},
		"exchange": {[]string{"ALTER TABLE hot EXCHANGE PARTITION p0 WITH TABLE cold"}, true},
		"others": {
			[]string{"RENAME TABLE x.a TO x.c, x.b TO x.a, x.c TO x.b", "ALTER TABLE x.a ADD n INT"},
			false,
		},
	}
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name, m := range moves {
			for _, process := range []bool{true, false} {
				for jobs := 1; jobs <= 2; jobs++ {
					t.Run(fmt.Sprint(name, process, jobs), func(t *testing.T) { moved(t, s, m, process, jobs) })
				}
			}
		}
	})
}

func moved(t *testing.T, s *testdb.Server, m move, process bool, jobs int) {
	db := s.Schema(t)
	other := s.Schema(t)
	s.Exec(t, other, "CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)")
	s.Exec(t, db, "CREATE TABLE price (id INT PRIMARY KEY)", "CREATE TABLE price_new LIKE price",
		"INSERT INTO price VALUES (1), (2), (3)", "INSERT INTO price_new VALUES (4)",
		"CREATE TABLE hot (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9))",
		"CREATE TABLE cold (id INT)", "INSERT INTO hot VALUES (1)", "INSERT INTO cold VALUES (2), (3)")
	user := account(t, s, "GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON "+db+".* TO")
	if process {
		s.Exec(t, "", "GRANT PROCESS ON *.* TO "+user.User+"@'%'")
	}
	pool := s.Open(t, db)
	done := make(chan error, 1)
	run := func() {
		for _, q := range m.statements {
			if _, err := pool.Exec(strings.ReplaceAll(q, "x.", other+".")); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}
	waits := m.ours && !process
	var once sync.Once
	report := func(p ops.Progress) {
		if p.Phase != "ddl" || p.Object != "price_new" {
			return
		}
		once.Do(func() {
			if !waits {
				run()
				return
			}
			go run()
			s.Await(t, "SELECT COUNT(*) > 0 FROM information_schema.PROCESSLIST WHERE DB = '"+db+
				"' AND STATE LIKE 'Waiting for table metadata lock%'", "1")
		})
	}
	options := Options{Databases: []string{db}, Jobs: jobs, Report: report}
	made, err := Run(t.Context(), user, options, filepath.Join(t.TempDir(), "b.sql.gz"))
	if m.ours && process {
		if ops.CodeOf(err) != ops.Busy {
			t.Errorf("the dump ended with %v", err)
		}
	} else {
		if err != nil {
			t.Fatal(err)
		}
		for table, rows := range map[string]int64{"price": 3, "price_new": 1, "hot": 1, "cold": 2} {
			i := slices.IndexFunc(made.Tables, func(t backup.Table) bool { return t.Name == table })
			if made.Tables[i].Rows != rows {
				t.Errorf("%s has %d rows, want %d", table, made.Tables[i].Rows, rows)
			}
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestTheServersToolNoticesTablesThatChangePlaces lets two tables change places while
// mysqldump or mariadb-dump is at another: it reads the rows of the wrong one and says
// nothing. Without PROCESS the backup says that this was not looked for.
func TestTheServersToolNoticesTablesThatChangePlaces(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, process := range []bool{true, false} {
			t.Run(fmt.Sprint("process ", process), func(t *testing.T) { movedUnderTool(t, s, process) })
		}
	})
}

func movedUnderTool(t *testing.T, s *testdb.Server, process bool) {
	db := s.Schema(t)
	fill(t, s, db, "a", 4000) // longer than what waits between the tool and its reader
	s.Exec(t, db, "CREATE TABLE price (id INT PRIMARY KEY)", "CREATE TABLE price_new LIKE price",
		"INSERT INTO price VALUES (1), (2), (3)", "INSERT INTO price_new VALUES (4)")
	user := account(t, s, "GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON "+db+".* TO")
	if process {
		s.Exec(t, "", "GRANT PROCESS ON *.* TO "+user.User+"@'%'")
	}
	pool := s.Open(t, db)
	done := make(chan error, 1)
	move := func() {
		_, err := pool.Exec("RENAME TABLE price TO tmp, price_new TO price, tmp TO price_new")
		done <- err
	}
	tool := Foreign{Inspect: func(_ context.Context, text io.Reader) (*backup.DumpContents, error) {
		if _, err := io.ReadFull(text, make([]byte, 64<<10)); err != nil { // the tool is at the table a
			return nil, err
		}
		if process {
			move()
		} else {
			done <- nil
		}
		_, err := io.Copy(io.Discard, text)
		return nil, err
	}}
	m, err := tool.Run(t.Context(), user, Options{Databases: []string{db}}, filepath.Join(t.TempDir(), "b.sql.gz"))
	if process && ops.CodeOf(err) != ops.Busy || !process && err != nil {
		t.Errorf("the dump ended with %v", err)
	}
	lacks := func(w string) bool { return strings.Contains(w, "lacks PROCESS") }
	if err == nil && !slices.ContainsFunc(m.Warnings, lacks) {
		t.Errorf("warnings: %q", m.Warnings)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
