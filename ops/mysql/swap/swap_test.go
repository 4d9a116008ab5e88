package swap_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// shop is a database with everything that a swap must carry over.
var shop = []string{
	"CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80) CHARACTER SET utf8mb4, boss INT " +
		"NULL, KEY (boss)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
	"CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, amount DECIMAL(12,2), twice " +
		"DECIMAL(12,2) GENERATED ALWAYS AS (amount * 2) STORED, created_at TIMESTAMP(6) DEFAULT " +
		"CURRENT_TIMESTAMP(6), CONSTRAINT fk_customer FOREIGN KEY (customer) REFERENCES customers (id), CONSTRAINT " +
		"big CHECK (amount < 1000000)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
	"ALTER TABLE customers ADD last_order INT NULL, ADD CONSTRAINT fk_last FOREIGN KEY (last_order) REFERENCES " +
		"orders (id)",
	"CREATE TABLE log (id INT PRIMARY KEY AUTO_INCREMENT, text VARCHAR(200)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
	"INSERT INTO customers (id, name) VALUES (1, '张三'), (2, 'O''Neill')",
	"INSERT INTO orders (id, customer, amount, created_at) VALUES (1, 1, 10, '2026-01-01 00:00:00'), (2, 2, 20.5, " +
		"'2026-01-02 00:00:00')",
	"UPDATE customers SET last_order = 1 WHERE id = 1",
	"CREATE TRIGGER a_first BEFORE INSERT ON orders FOR EACH ROW SET NEW.amount = NEW.amount + 1",
	"CREATE TRIGGER b_second AFTER INSERT ON orders FOR EACH ROW INSERT INTO log (text) VALUES (CONCAT('order ', " +
		"NEW.id))",
	"CREATE VIEW v_orders AS SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer",
	"CREATE VIEW a_view AS SELECT COUNT(*) AS n FROM v_orders",
	"CREATE PROCEDURE add_up(OUT n DECIMAL(12,2)) SELECT SUM(amount) INTO n FROM orders",
	"CREATE FUNCTION total() RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT COUNT(*) FROM orders)",
	"CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM log WHERE id < 0",
}

// damage is what went wrong after the backup.
var damage = []string{
	"SET FOREIGN_KEY_CHECKS = 0", "DELETE FROM orders WHERE id = 2", "UPDATE customers SET name = '???'", "DROP TABLE log",
	"CREATE TABLE later (id INT PRIMARY KEY, o INT, CONSTRAINT fk_later FOREIGN KEY (o) REFERENCES orders (id))", "INSERT INTO later VALUES (1, 1)",
	"DROP VIEW a_view", "CREATE VIEW a_new_view AS SELECT 1 AS one FROM orders", "DROP TRIGGER a_first",
	"CREATE TRIGGER a_new BEFORE UPDATE ON orders FOR EACH ROW SET NEW.amount = 0", "DROP PROCEDURE add_up", "DROP EVENT tidy",
}

// clientLoader loads a dump with the plain client, in place of the engine.
type clientLoader struct {
	t     *testing.T
	s     *testdb.Server
	dumps map[string][]byte
}

func (l clientLoader) Load(
	_ context.Context,
	j swap.Job,
	_ run.Report,
) (_ run.Loaded, enabled []string, _ error) {
	l.s.Exec(l.t, "", "CREATE DATABASE IF NOT EXISTS `"+j.Schema+"` CHARACTER SET utf8mb4")
	l.s.Client(l.t, j.Schema, bytes.NewReader(l.dumps[j.Path]))
	if !j.Live {
		for _, e := range column(l.t, l.s, "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '"+j.Schema+"'") {
			l.s.Exec(l.t, "", "ALTER EVENT `"+j.Schema+"`.`"+e+"` DISABLE")
			enabled = append(enabled, e)
		}
	}
	return run.Loaded{Tables: 1}, enabled, nil
}

func (l clientLoader) Ready(j swap.Job) error {
	if l.dumps[j.Path] == nil {
		return fmt.Errorf("no dump %s", j.Path)
	}
	return nil
}

func column(t *testing.T, s *testdb.Server, query string) (out []string) {
	t.Helper()
	rows, err := s.Open(t, "").Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

type field struct {
	t      *testing.T
	db     *testdb.Server
	server *swap.Server
	live   string
	folder run.Folder
	loader clientLoader
	good   string // the dump to restore, as mysqldump prints it
}

func newField(t *testing.T, db *testdb.Server) *field {
	f := &field{t: t, db: db, live: db.Schema(t), folder: run.Folder{Path: t.TempDir()}}
	db.Exec(t, f.live, shop...)
	f.good = f.dump()
	f.loader = clientLoader{t, db, map[string][]byte{"backup": f.backup()}}
	f.server = swap.New(swap.Settings{Target: newTarget(db), Loader: f.loader, Audit: "audit_logs"})
	t.Cleanup(func() { f.server.Close() })
	return f
}

func newTarget(db *testdb.Server) mysql.Target {
	return mysql.Target{
		Network:  "tcp",
		Addr:     net.JoinHostPort(db.Host, strconv.Itoa(db.Port)),
		User:     db.User,
		Password: db.Password,
	}
}

var noise = regexp.MustCompile(`(?m)^--.*$|^/\*!50003 SET .*$|AUTO_INCREMENT=\d+ ?|/\*M?!\d+\\- .*\*/`)

// backup is the live database as a plain client loads it.
func (f *field) backup() []byte {
	args := []string{"--routines", "--triggers", "--events"}
	if f.db.Flavour == "mysql" {
		args = append(args, "--set-gtid-purged=OFF")
	}
	return f.db.Dump(f.t, append(args, f.live)...)
}

// dump is mysqldump's output for the live database, without its name.
func (f *field) dump() string {
	text := string(f.backup())
	return strings.ReplaceAll(noise.ReplaceAllString(text, ""), f.live, "LIVE")
}

func (f *field) plan(mode restore.Mode, tables ...string) *restore.Plan {
	f.t.Helper()
	src := restore.Source{
		Name:       "backup",
		Path:       "backup",
		State:      "good",
		Manifest:   true,
		Consistent: true,
		At:         time.Now().Add(-time.Hour),
	}
	for _, name := range []string{"customers", "orders", "log"} {
		src.Tables = append(src.Tables, restore.SourceTable{Name: name, Rows: 2})
	}
	src.Tables[2].Rows = 0
	choice := restore.Choice{Mode: mode, Tables: tables, Accept: []string{"later"}}
	a, err := f.server.Surveyor.Survey(context.Background(), f.live, src, choice)
	if err != nil {
		f.t.Fatal(err)
	}
	id := restore.NewID(time.Now(), uint16(time.Now().UnixNano()))
	p := restore.Draft(
		id,
		time.Now(),
		choice,
		restore.Settings{
			LockWait: 2 * time.Second,
			Verify: restore.Checks{
				KeyTables: []string{"orders"},
				SmokeTest: []string{"SELECT COUNT(*) = 2 FROM orders"},
			},
		},
		src,
		f.live,
		a,
	)
	f.t.Cleanup(func() {
		for _, side := range []string{p.Shadow, p.Kept} {
			if side != "" {
				f.db.Exec(f.t, "", "DROP DATABASE IF EXISTS `"+side+"`")
			}
		}
	})
	return p
}

func report(ops.Progress) {}

func (f *field) loadAndVerify(p *restore.Plan) {
	f.t.Helper()
	ctx := context.Background()
	if _, err := f.server.Surveyor.Check(ctx, p); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.server.Loading.Load(ctx, p, f.folder, report); err != nil {
		f.t.Fatal(err)
	}
	v, err := f.server.Checks.Verify(ctx, p, report)
	if err != nil || len(v.Doubts) > 0 {
		f.t.Fatalf("verify: %v, doubts %q", err, v.Doubts)
	}
}

func TestSwapBringsTheBackupAndUndoTheFormerState(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		db.Exec(t, f.live, damage...)
		damaged := f.dump()
		p := f.plan(restore.Swap)
		if p.Mode != restore.Swap || p.Blocked() {
			t.Fatalf("mode %s, findings %+v", p.Mode, p.Findings)
		}
		if !slices.Equal(p.Vanishing, []string{"later"}) {
			t.Fatalf("vanishing %v", p.Vanishing)
		}
		f.loadAndVerify(p)
		for range 2 { // the second run must find that all is done
			if _, err := f.server.Exchange.Swap(ctx, p, f.folder, nil); err != nil {
				t.Fatal(err)
			}
			same(t, f.good, f.dump())
		}
		if got := column(t, db, "SELECT `"+f.live+"`.total()"); got[0] != "2" {
			t.Fatalf("the function counts %v", got)
		}
		for range 2 {
			if _, err := f.server.Exchange.SwapBack(ctx, p, f.folder); err != nil {
				t.Fatal(err)
			}
			same(t, damaged, f.dump())
		}
		if _, err := f.server.Cleaning.DropOld(ctx, p); err != nil {
			t.Fatal(err)
		}
		if left := column(t, db, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '"+f.live+"\\_\\_%'"); len(
			left,
		) > 0 {
			t.Fatalf("schemas are left: %v", left)
		}
	})
}

func same(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			near := func(lines []string) string {
				return strings.Join(lines[min(len(lines), max(0, i-2)):min(len(lines), i+6)], "\n")
			}
			t.Fatalf("line %d\nwant %s\n got %s\n--- want\n%s\n--- got\n%s", i+1, a, b, near(w), near(g))
		}
	}
}

func TestInPlaceLeavesNothingOfTheFormerState(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		db.Exec(t, f.live, damage...)
		f.loader.dumps["emergency"] = f.backup()
		damaged := f.dump()
		p := f.plan(restore.InPlace)
		f.loadAndVerify(p)
		same(t, f.good, f.dump())
		if _, err := f.server.Loading.LoadBack(ctx, p, "emergency", report); err != nil {
			t.Fatal(err)
		}
		same(t, damaged, f.dump())
	})
}

func TestCleanLeavesTheLiveSchemaAsItWas(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		db.Exec(t, f.live, damage...)
		damaged := f.dump()
		p := f.plan(restore.Swap)
		f.loadAndVerify(p)
		if _, err := f.server.Cleaning.Clean(context.Background(), p, f.folder); err != nil {
			t.Fatal(err)
		}
		same(t, damaged, f.dump())
	})
}

// A session in a transaction locks the tables: the swap times out, names the session, and
// the live database has its triggers again.
func TestExchangeGivesUpOnAHeldTableAndChangesNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		damaged := f.dump()
		p := f.plan(restore.Swap)
		f.loadAndVerify(p)
		holder := db.Open(t, f.live)
		tx, err := holder.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE customers SET name = 'x' WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		_, err = f.server.Exchange.Swap(ctx, p, f.folder, nil)
		defer tx.Rollback()
		if err == nil || ops.CodeOf(err) != ops.Busy || !strings.Contains(err.Error(), db.User+"@") {
			t.Fatalf("got %v", err)
		}
		tx.Rollback()
		same(t, damaged, f.dump())
		if _, err := f.server.Exchange.Swap(ctx, p, f.folder, nil); err != nil {
			t.Fatal(err)
		}
		same(t, f.good, f.dump())
	})
}

func TestSurveySaysWhatIsBrokenAndWhatWillBeLost(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		db.Exec(
			t,
			f.live,
			"INSERT INTO orders (customer, amount) VALUES (1, 5), (1, 6)",
			"DROP TABLE log",
			"CREATE TABLE audit_logs (id BIGINT PRIMARY KEY AUTO_INCREMENT, user_id BIGINT, action VARCHAR(50), "+
				"resource_type VARCHAR(50), resource_id VARCHAR(100), created_at TIMESTAMP(6) DEFAULT "+
				"CURRENT_TIMESTAMP(6))",
			"INSERT INTO audit_logs (user_id, action, resource_type, resource_id) VALUES (7, 'CREATE', 'ORDER', "+
				"'3'), (7, 'CREATE', 'ORDER', '4')",
		)
		p := f.plan(restore.Swap)
		a := p.Assessment
		var broken []string
		for _, x := range a.Tables {
			if x.Broken() {
				broken = append(broken, x.Name)
			}
		}
		lost := map[string]restore.LossTable{}
		for _, l := range a.Loss.Tables {
			lost[l.Table] = l
		}
		if !slices.Equal(broken, []string{"log"}) || lost["orders"].Newer != 2 || !lost["orders"].Estimate ||
			!lost["audit_logs"].Vanishes {
			t.Fatalf("broken %v, lost %+v", broken, lost)
		}
		if fmt.Sprint(a.Loss.Users, a.Loss.Resources) != "[7 (2)] [ORDER:3 (1) ORDER:4 (1)]" {
			t.Fatalf("people %v %v", a.Loss.Users, a.Loss.Resources)
		}
		if !a.Disk.Known || a.Disk.Free == 0 || a.Server.Identity == "" {
			t.Fatalf("disk %+v, server %+v", a.Disk, a.Server)
		}
	})
}

// The backup user's usual grants are not enough for a restore: this is reported before
// anything starts.
func TestMissingRightsAreToldAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		db.Exec(t, "", "CREATE USER IF NOT EXISTS 'backup'@'%' IDENTIFIED BY 'backup-pw'",
			"GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `"+f.live+"`.* TO 'backup'@'%'")
		t.Cleanup(func() { db.Exec(t, "", "DROP USER 'backup'@'%'") })
		f.server.Close()
		f.server.Target.User, f.server.Target.Password = "backup", "backup-pw"
		p := f.plan(restore.Swap)
		if !p.Blocked() || !slices.Contains(p.Assessment.Missing, "DROP") ||
			slices.Contains(p.Assessment.Missing, "SELECT") {
			t.Fatalf("missing %v, findings %+v", p.Assessment.Missing, p.Findings)
		}
	})
}

func TestKillEndsOnlyTheSessionsNamed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		p := f.plan(restore.Swap)
		one, err := db.Open(t, f.live).Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var list []restore.Session
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) { // closed ones stay briefly
			if list, err = f.server.Sessions.Writers(ctx, p); err != nil {
				t.Fatal(err)
			}
			if len(list) == 1 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d sessions: %v", len(list), list)
			}
		}
		two, err := db.Open(t, f.live).Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.server.Sessions.Kill(ctx, p, list); err != nil {
			t.Fatal(err)
		}
		if one.PingContext(ctx) == nil {
			t.Error("the named session lives")
		}
		if err := two.PingContext(ctx); err != nil {
			t.Errorf("a session that was not named was ended: %v", err)
		}
	})
}

func TestExportHoldsTheRowsWrittenSince(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		p := f.plan(restore.Swap)
		since := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		loss, files, err := f.server.Losses.Export(context.Background(), p, since, f.folder, report)
		if err != nil || len(files) != 1 || loss.Rows() != 1 {
			t.Fatalf("%+v, %v, %v", loss, files, err)
		}
	})
}
