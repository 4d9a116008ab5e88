package replay

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
)

// race is a kind of log.
type race struct {
	name   string
	fill   string // fills the tables before the log begins, as a backup does
	step   string // statements of step n, in a procedure
	weight int    // steps at scale 1
}

// raceTables are those of a shop: every order has its lines, its status changes, and each line takes
// from the stock.
var raceTables = []string{
	`CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, status VARCHAR(20) NOT NULL,
		total DECIMAL(12,2) NOT NULL, note VARCHAR(120), created DATETIME NOT NULL,
		KEY (customer), KEY (created)) ENGINE=InnoDB`,
	`CREATE TABLE items (id BIGINT PRIMARY KEY AUTO_INCREMENT, orders_id INT NOT NULL, article INT NOT NULL,
		amount INT NOT NULL, price DECIMAL(12,2) NOT NULL, name VARCHAR(80),
		KEY (orders_id), KEY (article)) ENGINE=InnoDB`,
	`CREATE TABLE stock (article INT PRIMARY KEY, amount INT NOT NULL, changed DATETIME NOT NULL,
		place VARCHAR(40)) ENGINE=InnoDB`,
	"CREATE TABLE digits (d INT PRIMARY KEY) ENGINE=InnoDB",
	"INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
	"INSERT INTO stock SELECT a.d+10*b.d+100*c.d+1000*e.d, 100000, '2026-01-01', CONCAT('shelf ', a.d, b.d) " +
		"FROM digits a, digits b, digits c, digits e",
}

// many are 5,000 rows.
const many = "FROM digits a, digits b, digits c, digits e WHERE e.d < 5"

var races = []race{
	{
		name: "oltp", weight: 24_000,
		step: `START TRANSACTION;
			INSERT INTO orders (customer, status, total, note, created) VALUES
				(n*7919 % 20000, 'new', n % 1000, CONCAT('to be delivered by courier ', n), NOW());
			SET o = LAST_INSERT_ID();
			INSERT INTO items (orders_id, article, amount, price, name) VALUES
				(o, n*31 % 10000, 1, 9.5, CONCAT('article number ', n*31 % 10000)),
				(o, n*37 % 10000, 2, 7.25, CONCAT('article number ', n*37 % 10000)),
				(o, n*41 % 10000, 3, 1, CONCAT('article number ', n*41 % 10000));
			UPDATE stock SET amount = amount - 1, changed = NOW() WHERE article IN (n*31 % 10000, n*37 % 10000, n*41 % 10000);
			COMMIT;
			UPDATE orders SET status = 'paid', total = total + 1 WHERE id = o;
			UPDATE orders SET status = 'sent' WHERE id = o - n % 200;`,
	},
	{
		name: "inserts", weight: 240,
		step: `INSERT INTO items (orders_id, article, amount, price, name)
			SELECT n*100+a.d, (n*7919+b.d*17+c.d*1000+e.d) % 10000, 1, c.d, 
				CONCAT('article number ', n*31 % 10000, ' from the import of today') ` + many + `;`,
	},
	{
		name: "changes", weight: 240,
		fill: `INSERT INTO items (orders_id, article, amount, price, name)
			SELECT n*100+a.d, (n*7919+b.d*17+c.d*1000+e.d) % 10000, 1, c.d, 
				CONCAT('article number ', n*31 % 10000, ' from the import of today') ` + many + `;`,
		step: `UPDATE items SET amount = amount + 1, name = CONCAT('article changed by ', n, ' in the night')
				WHERE id BETWEEN n*5000 AND n*5000+4500;
			DELETE FROM items WHERE id BETWEEN n*5000+4000 AND n*5000+5000 AND id % 2 = 0;`,
	},
}

// cost is what a run took: time, and processor time of the server and its clients.
type cost struct{ wall, cpu time.Duration }

// median is the median of each of the two.
func median(all []cost) cost {
	middle := func(of func(cost) time.Duration) time.Duration {
		var list []time.Duration
		for _, c := range all {
			list = append(list, of(c))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	return cost{
		wall: middle(func(c cost) time.Duration { return c.wall }),
		cpu:  middle(func(c cost) time.Duration { return c.cpu }),
	}
}

// TestCompareReplay compares the speed of the binlog replay with mysqlbinlog | mysql: the
// same log, interleaved runs, medians; both must give the same rows. OPSDECK_COMPARE
// scales the size of the log, OPSDECK_COMPARE_RUNS is the number of runs. The output has the
// format of a Go benchmark; on a busy machine only the processor time says something.
func TestCompareReplay(t *testing.T) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		t.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	only := os.Getenv("OPSDECK_COMPARE_ONLY")
	for _, flavour := range []string{"mariadb", "mysql"} {
		for _, kind := range races {
			name := flavour + "_" + kind.name
			if only != "" && !strings.Contains(name, only) {
				continue
			}
			old, ours, bytes := raceReplay(t, flavour, kind, scale)
			fmt.Printf("BenchmarkCompareReplay/%s\t1\t%.2f opsdeck_times\t%.2f opsdeck_times_by_cpu\t"+
				"%.2f mysqlbinlog_to_mysql_s\t%.0f MB\t%.0f MB/s\n", name, old.wall.Seconds()/ours.wall.Seconds(),
				old.cpu.Seconds()/ours.cpu.Seconds(), old.wall.Seconds(), float64(bytes)/1e6,
				float64(bytes)/1e6/ours.wall.Seconds())
		}
	}
}

// make makes the steps of a race.
func (k race) make(t *testing.T, s *testdb.Server, schema, what string, steps int) {
	t.Helper()
	if what == "" {
		return
	}
	s.Exec(t, schema, "SET SESSION binlog_format=ROW", "DROP PROCEDURE IF EXISTS work", fmt.Sprintf(
		"CREATE PROCEDURE work(start INT, steps INT) BEGIN DECLARE n INT DEFAULT start; DECLARE o INT; "+
			"WHILE n < steps DO %s SET n = n + 1; END WHILE; END", what))
	s.Exec(t, schema, "SET SESSION binlog_format=ROW", fmt.Sprintf("CALL work(0, %d)", steps))
	s.Exec(t, schema, "DROP PROCEDURE work")
}

// raceReplay is the median time of each method for the given statements, and the size of their log.
func raceReplay(t *testing.T, flavour string, kind race, scale float64) (old, ours cost, size uint64) {
	runs, err := strconv.Atoi(os.Getenv("OPSDECK_COMPARE_RUNS"))
	if err != nil || runs < 1 {
		runs = 3
	}
	s := testdb.Private(t, flavour, append(strings.Fields(os.Getenv("OPSDECK_COMPARE_SERVER")),
		"--innodb-buffer-pool-size=1G", "--max-binlog-size=1G",
		"--loose-innodb-redo-log-capacity=1G", "--loose-innodb-log-file-size=1G")...)
	steps := max(5, int(float64(kind.weight)*scale))
	fill := func(schema string) {
		s.Exec(t, schema, raceTables...)
		kind.make(t, s, schema, kind.fill, steps)
	}
	w := newWorld(t, s, raceTables...)
	kind.make(t, s, w.live, kind.fill, steps)
	kind.make(t, s, w.shadow, kind.fill, steps)
	s.Exec(t, "", "FLUSH BINARY LOGS")
	w.stand = now(t, s)
	kind.make(t, s, w.live, kind.step, steps)
	end := now(t, s)
	if end.File != w.stand.File {
		t.Fatalf("the log goes on in %s: choose fewer transactions", end.File)
	}
	s.Exec(t, "", "FLUSH BINARY LOGS")
	// The archive already exists, as it does with a follower.
	folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
	_, err = binarchive.Run(t.Context(),
		binarchive.Options{Target: target(s), Folder: folder, Who: lock.Holder{What: "a test"}})
	if err != nil {
		t.Fatal(err)
	}
	reached := w.logFrom(t, folder, nil).End()
	place := &reached
	var olds, own []cost
	for range runs {
		theirs := s.Schema(t)
		fill(theirs)
		s.Exec(t, "", "FLUSH BINARY LOGS")
		began := time.Now()
		cpu := cpuOf(s)
		kids := processor(syscall.RUSAGE_CHILDREN)
		pipe, in := io.Pipe()
		tool := exec.Command(s.Tool(t, "mysqlbinlog"), arguments(s, w, theirs, end)...)
		tool.Stdout = in
		go func() { in.CloseWithError(tool.Run()) }()
		client := exec.Command(s.Tool(t, "mysql"), "--defaults-file="+s.OptionsFile(t))
		client.Stdin = pipe
		if out, err := client.CombinedOutput(); err != nil { // it may take as long as it needs
			t.Fatalf("mysqlbinlog | mysql: %v: %s", err, out)
		}
		wall := time.Since(began)
		cpu = cpuOf(s) - cpu
		kids = processor(syscall.RUSAGE_CHILDREN) - kids
		olds = append(olds, cost{wall, cpu + kids})
		t.Logf("%s %s: mysqlbinlog | mysql %v; processor: server %v, clients %v", flavour, kind.name, wall, cpu, kids)
		s.Exec(t, "", "DROP DATABASE "+theirs, "DROP DATABASE "+w.shadow,
			"CREATE DATABASE "+w.shadow+" CHARACTER SET utf8mb4")
		fill(w.shadow)
		s.Exec(t, "", "FLUSH BINARY LOGS")
		began = time.Now()
		cpu = cpuOf(s)
		self := processor(syscall.RUSAGE_SELF)
		w.replay(t, w.logFrom(t, folder, place), binlog.Moment{Position: &end.Position})
		wall = time.Since(began)
		cpu = cpuOf(s) - cpu
		self = processor(syscall.RUSAGE_SELF) - self
		own = append(own, cost{wall, cpu + self})
		t.Logf("%s %s: opsdeck %v; processor: server %v, itself %v", flavour, kind.name, wall, cpu, self)
	}
	for _, table := range []string{"orders", "items", "stock"} {
		if a, b := w.checksum(t, w.live, table), w.checksum(t, w.shadow, table); a != b {
			t.Errorf("%s: checksum %s, not %s", table, b, a)
		}
	}
	return median(olds), median(own), end.Pos - w.stand.Pos
}

func (w *world) checksum(t *testing.T, in, table string) string {
	t.Helper()
	rows, err := schema.All(t.Context(), w.s.Open(t, in), "CHECKSUM TABLE "+table)
	if err != nil || len(rows) != 1 || rows[0][1] == "" {
		t.Fatalf("checksum of %s: %v, %v", table, rows, err)
	}
	return rows[0][1]
}

// cpuOf is the server's processor time.
func cpuOf(s *testdb.Server) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	u, _ := strconv.Atoi(f[11])
	k, _ := strconv.Atoi(f[12])
	return time.Duration(u+k) * 10 * time.Millisecond
}

// processor is the processor time of the test's own process, or of those that it ran.
func processor(who int) time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(who, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// logFrom is an archive's log from the world's start to a position.
func (w *world) logFrom(t *testing.T, folder binarchive.Folder, end *binlog.Place) *changes.Run {
	t.Helper()
	open := func() (*changes.Source, error) {
		if end == nil {
			return changes.Open(t.Context(), folder, nil, target(w.s))
		}
		return changes.OpenUpTo(t.Context(), folder, nil, target(w.s), *end)
	}
	src, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	run, err := src.From(w.live, []binlog.BackupPosition{w.stand})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func insertTwenty(i int) string {
	var q strings.Builder
	q.WriteString("INSERT INTO goods (a, name) VALUES ")
	for n := range 20 {
		if n > 0 {
			q.WriteByte(',')
		}
		fmt.Fprintf(&q, "(%d, 'article %d of order %d')", i*20+n, n, i)
	}
	return q.String()
}
