package replay

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func target(s *testdb.Server) mysql.Target {
	return mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password}
}

// world is a database, its copy at a moment, and the log from that moment on.
type world struct {
	s        *testdb.Server
	live     string
	shadow   string
	stand    binlog.BackupPosition
	expected map[string]int64
	conn     *sql.Conn
	lenient  bool
	other    string // another database of the server
	db       *sql.DB
	folds    bool // the server's names are in lower case
	limits   *limits
}

// newWorld creates the same tables in two databases; the second has what a backup would
// load.
func newWorld(t *testing.T, s *testdb.Server, setup ...string) *world {
	t.Helper()
	w := &world{s: s, live: s.Schema(t), shadow: s.Schema(t), expected: map[string]int64{}}
	setup = append([]string{"SET SESSION binlog_format=ROW", "SET NAMES utf8mb4"}, setup...)
	s.Exec(t, w.live, setup...)
	s.Exec(t, w.shadow, setup...)
	w.stand = now(t, s)
	db := s.Open(t, w.live)
	var err error
	if w.folds, err = schema.FoldsNames(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW'")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		var n int64
		rows.Scan(&name)
		if err := s.Open(t, w.live).QueryRow("SELECT COUNT(*) FROM `" + name + "`").Scan(&n); err == nil {
			w.expected[name] = n
		}
	}
	return w
}

func now(t *testing.T, s *testdb.Server) binlog.BackupPosition {
	t.Helper()
	from := time.Now()
	server, err := format.Ask(t.Context(), target(s))
	if err != nil {
		t.Fatal(err)
	}
	at := s.LogPosition(t)
	return binlog.BackupPosition{Position: binlog.Position{File: at.File, Pos: at.Pos}, GTID: at.GTID,
		Server: server.ID, From: from, At: time.Now()}
}

// work changes the live database over one connection.
func (w *world) work(t *testing.T, statements ...string) {
	t.Helper()
	if w.conn == nil {
		var err error
		if w.conn, err = w.s.Open(t, w.live).Conn(t.Context()); err != nil {
			t.Fatal(err)
		}
		statements = append([]string{"SET SESSION binlog_format=ROW", "SET SESSION innodb_lock_wait_timeout=20",
			"SET SESSION lock_wait_timeout=20", "SET NAMES utf8mb4"}, statements...)
	}
	for _, q := range statements {
		_, err := w.conn.ExecContext(t.Context(), q)
		if n := mysql.Number(err); w.lenient && (n == 1062 || n == 1451) {
			err = nil // a conflict with other random rows: the statement did nothing
		}
		if err != nil {
			t.Fatalf("%s: %.300s: %v", w.s.Flavour, q, err)
		}
	}
}

// elsewhere runs work over a separate connection.
func (w *world) elsewhere(t *testing.T, statements ...string) {
	t.Helper()
	w.s.Exec(t, w.live, append([]string{"SET SESSION binlog_format=ROW"}, statements...)...)
}

// log is the log from the world's start on.
func (w *world) log(t *testing.T) *changes.Run {
	t.Helper()
	src, err := changes.Open(t.Context(), binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}, nil,
		target(w.s))
	if err != nil {
		t.Fatal(err)
	}
	if src.LiveErr != nil {
		t.Fatal(src.LiveErr)
	}
	t.Cleanup(func() { src.Close() })
	run, err := src.From(w.live, []binlog.BackupPosition{w.stand})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func (w *world) question(run *changes.Run, m binlog.Moment) Question {
	names := []string{w.other}
	return Question{Others: names, Run: run, Moment: m, From: w.live, To: w.shadow, Rows: w.expected,
		Maria: w.s.Flavour == "mariadb", Folds: w.folds}
}

// replay rolls the shadow database forward to a moment.
func (w *world) replay(t *testing.T, run *changes.Run, m binlog.Moment) (*Forecast, State) {
	t.Helper()
	f, err := Look(t.Context(), w.question(run, m))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Refused {
		t.Fatalf("refused: %s %s", r.ID, r.Why.String())
	}
	w.prepare(t, run)
	state, err := w.run(t.Context(), t, run, f)
	if err != nil {
		t.Fatal(err)
	}
	return f, state
}

func (w *world) prepare(t *testing.T, run *changes.Run) {
	t.Helper()
	c, err := w.s.Open(t, "").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := Prepare(t.Context(), c, w.shadow, run.From, w.expected, nil); err != nil {
		t.Fatal(err)
	}
}

func (w *world) run(ctx context.Context, t *testing.T, run *changes.Run, f *Forecast) (State, error) {
	if w.db == nil {
		w.db = w.s.Open(t, "")
	}
	return Run(ctx, w.db, Job{Run: run, To: f.To, From: w.live, Schema: w.shadow, Total: f.Transactions,
		limits: w.limits})
}

// word is mysqldump's output of a database, without the database's name and the replay's
// table.
func (w *world) word(t *testing.T, schema string) string {
	t.Helper()
	args := []string{"--single-transaction", "--skip-lock-tables", "--hex-blob", "--skip-extended-insert",
		"--order-by-primary", "--routines", "--skip-comments",
		"--ignore-table=" + schema + "." + Table}
	if w.s.Flavour == "mysql" {
		args = append(args, "--set-gtid-purged=OFF") // it is the whole server's
	}
	args = append(args, schema)
	return strings.ReplaceAll(string(w.s.Dump(t, args...)), schema, "SCHEMA")
}

func (w *world) same(t *testing.T) {
	t.Helper()
	got, want := w.word(t, w.shadow), w.word(t, w.live)
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("replayed, line %d:\n%s\nlive:\n%s", i, at(a, i), at(b, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i][:min(len(lines[i]), 600)]
	}
	return "(nothing)"
}

// counted checks that the replay tracked each table's row count.
func (w *world) counted(t *testing.T, state State) {
	t.Helper()
	for table, want := range state.Rows {
		var n int64
		if err := w.s.Open(t, w.shadow).QueryRow("SELECT COUNT(*) FROM `" + table + "`").Scan(&n); err != nil {
			t.Errorf("%s: %v", table, err)
		} else if cascaded := table == "children" && n < want; want >= 0 && n != want && !cascaded {
			t.Errorf("%s has %d rows, the replay counted %d", table, n, want)
		}
	}
}

const goods = `CREATE TABLE goods (a INT UNSIGNED, b VARCHAR(20), price DECIMAL(12,3), f FLOAT, d DOUBLE, at TIMESTAMP(3) NULL,
	day DATE, tm TIME(6), yr YEAR, kind ENUM('x','后'), flags SET('p','q'), bits BIT(9), data VARBINARY(20), fix BINARY(4),
	txt TEXT CHARACTER SET latin1, js JSON, big LONGBLOB, dbl DECIMAL(12,3) GENERATED ALWAYS AS (price * 2) VIRTUAL,
	st BIGINT GENERATED ALWAYS AS (a + 1) STORED, PRIMARY KEY (a, b))`

func TestReplayBringsACopyToTheSameRows(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, goods,
			"CREATE TABLE auto (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)",
			"CREATE TABLE bare (v INT)",
			"INSERT INTO goods (a,b,price) VALUES (1,'a',1),(2,'b',2),(3,'c',3)",
			"INSERT INTO auto (v) VALUES ('one'),('two')")
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE o (id INT PRIMARY KEY)")
		w.work(t,
			"INSERT INTO goods (a,b,price,f,d,at,day,tm,yr,kind,flags,bits,data,fix,txt,js,big) VALUES (4000000000,'甲',1.005,1.1,"+
				"1e-9,'2026-01-29 10:00:00.123','2026-01-29','-12:00:01.5',2026,'后','p,q',b'100000001',0x00FF,0x01,'é','{\"a\":[1,null]}',REPEAT('x',90000))",
			"UPDATE goods SET price=7, b='moved', js='{}' WHERE a=3",
			"DELETE FROM goods WHERE a=2",
			"BEGIN", "INSERT INTO auto (v) VALUES ('three')", "INSERT INTO bare VALUES (1),(1),(2)",
			"INSERT INTO "+other+".o VALUES (1)", "UPDATE auto SET v='2' WHERE id=2", "COMMIT",
			"BEGIN", "INSERT INTO auto (v) VALUES ('gone')", "ROLLBACK",
			"BEGIN", "INSERT INTO auto (v) VALUES ('kept')", "SAVEPOINT x", "DELETE FROM auto", "ROLLBACK TO x", "COMMIT",
			"DELETE FROM bare WHERE v=1 LIMIT 1",
		)
		run := w.log(t)
		f, state := w.replay(t, run, binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		w.counted(t, state)
		if f.Foreign != 1 {
			t.Errorf("%d transactions of several schemas", f.Foreign)
		}
	})
}

func now2(t *testing.T, s *testdb.Server) *binlog.BackupPosition {
	at := now(t, s)
	return &at
}
