package dump

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
)

// traffic is three writers that move amounts between rows of two tables. The total is the
// same in every committed state.
type traffic struct {
	rest atomic.Int64 // nanoseconds that each writer pauses after a transfer
	stop func()
}

// writers starts such traffic in sessions with the given variables (a=1&b=2).
func writers(t *testing.T, s *testdb.Server, db string, session ...string) *traffic {
	t.Helper()
	var fill strings.Builder
	for i := range 200 {
		fmt.Fprintf(&fill, ",(%d,1000)", i)
	}
	for _, table := range []string{"left_side", "right_side"} {
		s.Exec(
			t,
			db,
			"CREATE TABLE "+table+" (id INT PRIMARY KEY, amount INT NOT NULL)",
			"INSERT INTO "+table+" VALUES "+fill.String()[1:],
		)
	}
	pool := s.Open(t, db+"?"+strings.Join(session, "&"))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	l := &traffic{stop: func() {
		cancel()
		running.Wait()
	}}
	for range 3 {
		running.Go(func() {
			for ctx.Err() == nil {
				transfer(pool)
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(l.rest.Load())):
				}
			}
		})
	}
	return l
}

func transfer(pool *sql.DB) {
	tx, err := pool.Begin()
	if err != nil {
		return
	}
	defer tx.Rollback()
	amount := rand.IntN(100)
	_, e1 := tx.Exec(fmt.Sprintf("UPDATE left_side SET amount = amount - %d WHERE id = %d", amount, rand.IntN(200)))
	_, e2 := tx.Exec(fmt.Sprintf("UPDATE right_side SET amount = amount + %d WHERE id = %d", amount, rand.IntN(200)))
	if e1 == nil && e2 == nil {
		tx.Commit()
	}
}

var amountRow = regexp.MustCompile(`(?m)^\(\d+,(-?\d+)\)`)

func total(sql []byte) (sum int) {
	for _, m := range amountRow.FindAllSubmatch(sql, -1) {
		n, _ := strconv.Atoi(string(m[1]))
		sum += n
	}
	return sum
}

// soak is the number of repetitions: small unless OPSDECK_SOAK is set.
func soak(few, many int) int {
	if os.Getenv("OPSDECK_SOAK") != "" {
		return many
	}
	return few
}

// Every method reads a consistent total under load; each is tested alone.
func TestEveryWayReadsOneMomentUnderLoad(t *testing.T) {
	all := ways
	defer func() { ways = all }()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		busy := writers(t, s, db)
		defer busy.stop()
		names := []string{"backup-stage", "ftwrl", "lock-tables", "single-connection"}
		if s.Flavour == "mysql" {
			names = names[1:] // no backup stages
		}
		for _, only := range names {
			t.Run(only, func(t *testing.T) {
				ways = nil
				for _, w := range all {
					if w.name == only {
						ways = append(ways, w)
					}
				}
				busy.rest.Store(0)
				for used := 0; used < soak(5, 300); {
					path, m := dumped(t, s, Options{Databases: []string{db}})
					if got := total(text(t, path, m)); got != 400*1000 {
						t.Fatalf("by %s: the total is %d", m.Consistency, got)
					}
					// Whether a method succeeds depends on the writers' speed on this machine: they slow down
					// until it does.
					switch rest := busy.rest.Load(); {
					case m.Consistency == only:
						used++
					case rest > int64(5*time.Second):
						t.Fatalf(
							"%s was not the way, with writers that rest %v; %s was",
							only,
							time.Duration(rest),
							m.Consistency,
						)
					default:
						busy.rest.Store(max(2*rest, int64(time.Millisecond)))
					}
				}
			})
		}
	})
}

// A method that fails leaves nothing that the next one's lock would wait for: under load
// no dump falls back to one connection, and none blocks commits for long.
func TestWaysThatFailDoNotHinderTheNext(t *testing.T) {
	all := ways
	defer func() { ways = all }()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 500)
		calm(t, s)
		for i, next := range all {
			if !slices.Contains([]string{"ftwrl", "lock-tables", "backup-stage"}, next.name) ||
				s.Flavour == "mysql" && next.name == "backup-stage" {
				continue
			}
			ways = slices.Concat(all[:1], all[i:i+1])
			ways[0].name, ways[0].open = "fails", func(s *snapshotter, ctx context.Context) error { // as after commits
				if err := s.start(ctx); err != nil {
					return err
				}
				return &notHereError{"commits came between the snapshots"}
			}
			if _, m := dumped(t, s, Options{Databases: []string{db}}); m.Consistency != next.name ||
				len(m.Warnings) > 0 {
				t.Errorf("behind a way that failed %s gave %s %q", next.name, m.Consistency, m.Warnings)
			}
		}
	})
}

func TestFieldsBackupUserSuffices(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := zoo(t, s)
		_, want := dumped(t, s, Options{Databases: []string{db}})
		user := account(t, s, "GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON *.* TO")
		path := filepath.Join(t.TempDir(), "a.sql.gz")
		m, err := Run(t.Context(), user, Options{Databases: []string{db}}, path)
		if err != nil {
			t.Fatal(err)
		}
		sameTables(t, m, want)
		if m.Consistency == "single-connection" || m.Consistency == "ftwrl" {
			t.Errorf("read by %s", m.Consistency)
		}
	})
}

// account creates a user with the given grants.
func account(t *testing.T, s *testdb.Server, grants ...string) mysql.Target {
	t.Helper()
	name := fmt.Sprintf("u%d", rand.Uint32())
	s.Exec(t, "", "CREATE USER "+name+"@'%' IDENTIFIED BY 'secret of "+name+"'")
	t.Cleanup(func() { s.Exec(t, "", "DROP USER "+name+"@'%'") })
	for _, g := range grants {
		s.Exec(t, "", g+" "+name+"@'%'")
	}
	user := tcp(s)
	user.User, user.Password = name, "secret of "+name
	return user
}

// Objects that the user cannot see would be missing silently.
func TestMissingRightsAreNamedBeforeTheFirstRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(
			t,
			db,
			"CREATE TABLE a (id INT)",
			"CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW SET NEW.id = 1",
			"CREATE VIEW v AS SELECT 1",
			"CREATE EVENT e ON SCHEDULE AT '2037-01-01' DO SELECT 1",
			"CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
		)
		all := []string{"SELECT", "SHOW VIEW", "EVENT", "TRIGGER"}
		for _, missing := range all {
			rest := slices.DeleteFunc(slices.Clone(all), func(r string) bool { return r == missing })
			dir := t.TempDir()
			_, err := Run(
				t.Context(),
				account(t, s, "GRANT "+strings.Join(rest, ", ")+" ON `"+db+"`.* TO"),
				Options{Databases: []string{db}},
				dir+"/a.sql.gz",
			)
			if err == nil {
				t.Errorf("a dump without %s passed for a whole one", missing)
			} else if !strings.Contains(err.Error(), missing) && missing != "SELECT" {
				t.Errorf("without %s: %v", missing, err)
			}
			nothingLeft(t, dir)
		}
		m, err := Run(
			t.Context(),
			account(t, s, "GRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON `"+db+"`.* TO"),
			Options{Databases: []string{db}},
			t.TempDir()+"/a.sql.gz",
		)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0], "routines") {
			t.Errorf("routines that the user cannot see are not said: %q", m.Warnings)
		}
	})
}
