package swap_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// watched is a field with a mark, and another database on the same server.
type watched struct {
	*field
	plan  *restore.Plan
	other string
	from  run.WriteMark
}

func watch(t *testing.T, db *testdb.Server) *watched {
	t.Helper()
	f := newField(t, db)
	w := &watched{field: f, plan: f.plan(restore.Swap), other: db.Schema(t)}
	db.Exec(
		t,
		w.other,
		"CREATE TABLE notes (id INT PRIMARY KEY AUTO_INCREMENT, text VARCHAR(80))",
		"INSERT INTO notes (text) VALUES ('x')",
	)
	w.mark()
	return w
}

// mark takes a mark in a later second than the last change.
func (w *watched) mark() {
	w.t.Helper()
	pool := w.db.Open(w.t, "")
	defer pool.Close()
	if w.db.Flavour == "mysql" {
		pool.SetMaxOpenConns(1)
		if _, err := pool.Exec("SET SESSION information_schema_stats_expiry = 0"); err != nil {
			w.t.Fatal(err)
		}
	}
	for past := false; !past; time.Sleep(10 * time.Millisecond) {
		err := pool.QueryRow("SELECT COALESCE(MAX(UPDATE_TIME), 0) < NOW() FROM information_schema.TABLES WHERE "+
			"TABLE_SCHEMA = ?", w.live).
			Scan(&past)
		if err != nil {
			w.t.Fatal(err)
		}
	}
	from, err := w.server.Writes.Mark(context.Background(), w.plan)
	if err != nil {
		w.t.Fatal(err)
	}
	w.from = from
}

func (w *watched) since() run.Writes {
	w.t.Helper()
	got, err := w.server.Writes.Since(context.Background(), w.plan, w.from)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// knows checks everything that the server must be able to detect.
func (w *watched) knows(means string, elsewhere bool) {
	w.t.Helper()
	if !strings.HasPrefix(string(w.from), means) {
		w.t.Fatalf("the mark is %q, not by %q", w.from, means)
	}
	if got := w.since(); got.Live || got.Untold || got.Elsewhere || got.Blind || strings.Contains(string(got.At), " ") {
		w.t.Fatalf("it moved by looking: %+v", got)
	}
	w.db.Exec(
		w.t,
		w.other,
		"INSERT INTO notes (text) SELECT text FROM notes",
		"CREATE TABLE more (id INT)",
		"DROP TABLE more",
		"UPDATE notes SET text = 'y'",
	)
	if got := w.since(); got.Live || got.Untold || got.Elsewhere != elsewhere {
		w.t.Fatalf("another's writes: %+v", got)
	}
	w.db.Exec(w.t, w.live, "UPDATE customers SET name = 'moved' WHERE id = 1")
	if got := w.since(); !got.Live || len(got.Notes) == 0 {
		w.t.Fatalf("writes to the live schema were not seen: %+v", got)
	}
	w.mark()
	w.db.Exec(w.t, w.other, "UPDATE `"+w.live+"`.orders SET amount = 7 WHERE id = 1")
	if got := w.since(); !got.Live {
		w.t.Fatalf("writes from another schema's session were not seen: %+v", got)
	}
}

// sneaks writes to the live database without naming it: through another database's view.
func (w *watched) sneaks() {
	w.t.Helper()
	w.db.Exec(w.t, w.other, "CREATE OR REPLACE VIEW v AS SELECT * FROM `"+w.live+"`.log")
	w.mark()
	w.db.Exec(w.t, w.other, "INSERT INTO v (text) VALUES ('x')")
	if got := w.since(); !got.Live {
		w.t.Fatalf("a write by a view was not seen: %+v", got)
	}
}

// recounts makes InnoDB recount a table, as it does by itself seconds after many changes:
// its counts start from 0, and nothing was written.
func (w *watched) recounts() {
	w.t.Helper()
	count := func() string {
		f := strings.Fields(string(w.from))
		return f[len(f)-3]
	}
	for range 50 {
		w.db.Exec(w.t, w.live, "INSERT INTO log (text) VALUES ('x'), ('y'), ('z')")
		w.mark()
		before := count()
		w.db.Exec(w.t, w.live, "ANALYZE NO_WRITE_TO_BINLOG TABLE log")
		if got := w.since(); got.Live || got.Untold {
			w.t.Fatalf("counts that began anew passed for writes: %+v", got)
		}
		if w.mark(); count() != before {
			w.db.Exec(w.t, w.live, "DELETE FROM log")
			if got := w.since(); !got.Live {
				w.t.Fatalf("writes behind counts that began anew were not seen: %+v", got)
			}
			return
		}
	}
	w.t.Fatal("the counts never began anew")
}

// The live database's writes are separated from those of others, by whatever the server
// has: its counts, its binlog, or InnoDB's statistics.
func TestWritesAreToldByWhatTheServerHas(t *testing.T) {
	for _, c := range []struct {
		flavour, means string
		args           []string
		elsewhere      bool // the log names other databases
	}{
		{"mysql", "writes=", nil, false},
		{"mysql", "log=", []string{"--performance-schema=OFF"}, true},
		{"mysql", "stats=", []string{"--performance-schema=OFF", "--skip-log-bin"}, false},
		{"mariadb", "writes=", []string{"--performance-schema=ON"}, false},
		{"mariadb", "log=", nil, true},
		{"mariadb", "log=", []string{"--binlog-format=STATEMENT"}, true},
		{"mariadb", "log=", []string{"--binlog-format=ROW", "--log-bin-compress=ON", "--log-bin-compress-min-len=10"}, true},
		{"mariadb", "stats=", []string{"--skip-log-bin"}, false},
	} {
		t.Run(strings.Join(append([]string{c.flavour, c.means}, c.args...), " "), func(t *testing.T) {
			t.Parallel()
			w := watch(t, testdb.Private(t, c.flavour, c.args...))
			w.knows(c.means, c.elsewhere)
			w.sneaks()
			if c.means != "writes=" {
				w.recounts()
			}
		})
	}
}

// A log that continues in another file is followed.
func TestTheBinaryLogIsFollowedAcrossItsFiles(t *testing.T) {
	w := watch(t, testdb.MariaDB(t))
	for range 3 {
		w.db.Exec(t, w.other, "INSERT INTO notes (text) VALUES ('z')", "FLUSH BINARY LOGS")
	}
	if got := w.since(); got.Live || got.Untold || !got.Elsewhere {
		t.Fatalf("%+v", got)
	}
	w.db.Exec(t, w.live, "DELETE FROM log")
	w.db.Exec(t, w.live, "INSERT INTO log (text) VALUES ('z')")
	if got := w.since(); !got.Live {
		t.Fatalf("%+v", got)
	}
}

// Writes that are not logged are detected by InnoDB's counts; equal positions prove
// nothing. A mark in the second of the last change waits for the next second: then a
// recount does not look like a write.
func TestWritesThatAreNotLoggedAreToldByTheCounts(t *testing.T) {
	w := watch(t, testdb.MariaDB(t))
	w.db.Exec(t, w.live, "SET SESSION sql_log_bin = 0", "INSERT INTO log (text) VALUES ('z')")
	got := w.since()
	if note := notesOf(got); !got.Live || !strings.Contains(note, "InnoDB's count of changed rows rose from") {
		t.Fatalf("%+v", got)
	}
	w.db.Exec(t, w.live, "INSERT INTO log (text) VALUES ('a'), ('b')")
	from, err := w.server.Writes.Mark(t.Context(), w.plan)
	if err != nil {
		t.Fatal(err)
	}
	w.from = from
	w.db.Exec(t, w.live, "ANALYZE NO_WRITE_TO_BINLOG TABLE log")
	if got := w.since(); got.Live || got.Untold || len(got.Notes) > 0 {
		t.Fatalf("%+v", got)
	}
}

func notesOf(w run.Writes) (all string) {
	for _, n := range w.Notes {
		all += n.Msg.String() + "\n"
	}
	return all
}

// Without the privilege to read the log, the result is unknown, with the reason.
func TestWhatCannotBeToldIsSaid(t *testing.T) {
	db := testdb.MariaDB(t)
	w := watch(t, db)
	db.Exec(
		t,
		"",
		"CREATE USER IF NOT EXISTS 'narrow'@'%' IDENTIFIED BY 'narrow-pw'",
		"GRANT ALL ON `"+w.live+"`.* TO 'narrow'@'%'",
		"GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO 'narrow'@'%'",
	)
	t.Cleanup(func() { db.Exec(t, "", "DROP USER 'narrow'@'%'") })
	w.server.Close()
	w.server.Target.User, w.server.Target.Password = "narrow", "narrow-pw"
	w.mark()
	db.Exec(t, "", "REVOKE BINLOG MONITOR ON *.* FROM 'narrow'@'%'")
	w.server.Close()
	db.Exec(t, w.other, "INSERT INTO notes (text) VALUES ('z')")
	if got := w.since(); !got.Untold || len(got.Notes) == 0 {
		t.Fatalf("%+v", got)
	}
}
