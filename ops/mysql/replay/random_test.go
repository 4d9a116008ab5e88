package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
)

// rounds is the number of random rounds per server; OPSDECK_ROUNDS raises it.
func rounds(t *testing.T, usual int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_ROUNDS")); err == nil {
		return n
	}
	return usual
}

var randomTables = []string{
	goods,
	"CREATE TABLE parents (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(30)) ENGINE=InnoDB",
	`CREATE TABLE children (id INT PRIMARY KEY AUTO_INCREMENT, p INT, v VARCHAR(30),
		CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB`,
	`CREATE TABLE orphans (id INT PRIMARY KEY AUTO_INCREMENT, p INT,
		CONSTRAINT fk_o FOREIGN KEY (p) REFERENCES parents (id) ON DELETE SET NULL) ENGINE=InnoDB`,
	"CREATE TABLE bare (v INT, w TEXT) ENGINE=InnoDB",
	"CREATE TABLE old (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(30)) ENGINE=MyISAM",
	`CREATE TABLE parted (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id)
		(PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN (200), PARTITION p2 VALUES LESS THAN MAXVALUE)`,
	`CREATE TABLE hidden (id INT PRIMARY KEY AUTO_INCREMENT, v INT, code VARCHAR(20), secret INT DEFAULT 5 INVISIBLE,
		gen INT GENERATED ALWAYS AS (v + 1) VIRTUAL INVISIBLE, big TEXT, js JSON, UNIQUE KEY (code)) ENGINE=InnoDB`,
	"CREATE TABLE logged (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(60))",
	"CREATE TRIGGER parents_ai AFTER INSERT ON parents FOR EACH ROW INSERT INTO logged (what) VALUES (CONCAT('in ', NEW.id))",
	"CREATE TRIGGER bare_bu BEFORE UPDATE ON bare FOR EACH ROW SET NEW.w = CONCAT(COALESCE(NEW.w, ''), '+')",
}

// withoutTriggers are the tables for statements: a trigger that counts up an AUTO_INCREMENT
// column is not deterministic.
var withoutTriggers = randomTables[:len(randomTables)-2]

// maker generates a random workload.
type maker struct {
	*rand.Rand
	other string
	n     int
	maria bool
	plain bool     // no XA
	bare  bool     // no triggers
	xa    []string // prepared, not yet committed or rolled back
	any   bool     // statements in every format, and temporary tables
	temp  bool     // a temporary table is open
}

func (m *maker) value() string {
	m.n++
	return fmt.Sprintf("'%s%d'", []string{"a", "甲", "é", `q\\`, "''"}[m.IntN(5)], m.n)
}

// change is one statement that changes rows.
func (m *maker) change() string {
	k := m.IntN(300)
	switch m.IntN(19) {
	case 16:
		return fmt.Sprintf("INSERT INTO hidden (v, code, big, js) VALUES (%d, %s, REPEAT('b', %d), '{\"a\": 1, \"b\": \"%s\"}')", k, m.value(), k,
			strings.Repeat("z", k))
	case 17:
		return fmt.Sprintf("UPDATE hidden SET secret = secret + %d, js = JSON_SET(js, '$.a', %d) WHERE id %% 3 = %d", k, k, m.IntN(3))
	case 18: // a unique value moves from one row to another
		return "UPDATE hidden SET code = CONCAT(code, '~'), v = NULL ORDER BY id DESC LIMIT 2"
	case 0, 1:
		return fmt.Sprintf("INSERT INTO parents (v) VALUES (%s), (%s)", m.value(), m.value())
	case 2:
		return fmt.Sprintf("INSERT INTO children (p, v) SELECT MAX(id), %s FROM parents", m.value())
	case 3:
		return "INSERT INTO orphans (p) SELECT MAX(id) FROM parents"
	case 4:
		return fmt.Sprintf("DELETE FROM parents WHERE id %% 7 = %d", m.IntN(7))
	case 5:
		return "UPDATE parents SET id = id + 1000 WHERE id < 1000 ORDER BY id LIMIT 1"
	case 6:
		return fmt.Sprintf("INSERT INTO bare VALUES (%d, %s), (%d, NULL)", k, m.value(), k)
	case 7:
		return fmt.Sprintf("UPDATE bare SET v = v + 1 WHERE v %% 3 = %d", m.IntN(3))
	case 8:
		return fmt.Sprintf("DELETE FROM bare WHERE v %% 5 = %d", m.IntN(5))
	case 9:
		return fmt.Sprintf("REPLACE INTO parted VALUES (%d, %d), (%d, 1)", k, m.n, (k+50)%300)
	case 10:
		return fmt.Sprintf("INSERT INTO %s.o VALUES (%d) ON DUPLICATE KEY UPDATE id = id", m.other, k)
	case 11:
		return fmt.Sprintf("UPDATE parted, bare SET parted.v = %d, bare.w = 'both' WHERE parted.id = bare.v", k)
	case 12:
		return fmt.Sprintf("DELETE FROM parted WHERE id BETWEEN %d AND %d", k, k+20)
	}
	return fmt.Sprintf("INSERT INTO goods (a, b, price, f, d, at, day, tm, yr, kind, flags, bits, data, fix, txt, js, big) VALUES "+
		"(%d, %s, %d.125, %d.1, 1e%d, '2026-01-29 10:00:%02d.5', '2026-01-%02d', '%d:00:01.25', 2000+%d, %d, %d, %d, 0x%02x00, 0x%02x, %s, "+
		"'{\"k\": [%d, null, \"甲\"]}', REPEAT('x', %d)) ON DUPLICATE KEY UPDATE js = JSON_SET(js, '$.k[0]', %d), price = price + 1",
		m.IntN(9), m.value(), k, k, m.IntN(300)-150, m.IntN(60), 1+m.IntN(28), m.IntN(800)-400, m.IntN(100), 1+
			m.IntN(2), m.IntN(4),
		m.IntN(512), m.IntN(256), m.IntN(256), "'é'", k, m.IntN(20000), k)
}

func (m *maker) definition() []string {
	m.n++
	kind := m.IntN(12)
	for m.bare && kind == 7 {
		kind = m.IntN(12)
	}
	switch kind {
	case 0:
		return []string{fmt.Sprintf("ALTER TABLE bare ADD COLUMN c%d INT DEFAULT %d FIRST", m.n, m.n),
			fmt.Sprintf("UPDATE bare SET c%d = 5 WHERE v %% 2 = 0", m.n), fmt.Sprintf("ALTER TABLE bare DROP COLUMN c%d", m.n)}
	case 1:
		return []string{"TRUNCATE TABLE logged"}
	case 2:
		return []string{fmt.Sprintf("CREATE TABLE made%d LIKE parted", m.n), fmt.Sprintf("INSERT INTO made%d SELECT * FROM parted", m.n)}
	case 3:
		return []string{fmt.Sprintf("CREATE TABLE copy%d AS SELECT id, v FROM parents", m.n), fmt.Sprintf("DELETE FROM copy%d WHERE id %% 2 = 0", m.n)}
	case 4:
		return []string{"CREATE TABLE swapped LIKE parted", "INSERT INTO swapped VALUES (1, 1), (150, 2)",
			"RENAME TABLE parted TO gone, swapped TO parted", "DROP TABLE gone"}
	case 5:
		return []string{fmt.Sprintf("CREATE INDEX i%d ON bare (v)", m.n), fmt.Sprintf("DROP INDEX i%d ON bare", m.n)}
	case 6:
		return []string{"CREATE OR REPLACE VIEW seen AS SELECT id, v FROM parents WHERE id > " + strconv.Itoa(m.n)}
	case 7:
		return []string{"DROP TRIGGER bare_bu", "CREATE TRIGGER bare_bu BEFORE UPDATE ON bare FOR EACH ROW SET NEW.w = " + m.value()}
	case 8:
		return []string{"ALTER TABLE parted TRUNCATE PARTITION p1"}
	case 9:
		return []string{fmt.Sprintf("ALTER TABLE old RENAME TO old%d", m.n), fmt.Sprintf("ALTER TABLE old%d RENAME TO old", m.n)}
	case 10:
		return []string{"ALTER TABLE parents MODIFY v VARCHAR(" + strconv.Itoa(30+m.IntN(90)) + ")"}
	}
	return []string{"DROP PROCEDURE IF EXISTS pr", "CREATE PROCEDURE pr() INSERT INTO bare VALUES (1, 'pr')", "CALL pr()"}
}

// option changes the binlog format of the connection's next statements.
func (m *maker) option() string {
	switch kind := m.IntN(8); {
	case kind < 3:
		return "SET SESSION binlog_row_image = " + []string{"MINIMAL", "NOBLOB", "FULL"}[m.IntN(3)]
	case m.maria:
		return fmt.Sprintf("SET GLOBAL log_bin_compress = %d, GLOBAL log_bin_compress_min_len = 10", m.IntN(2))
	case kind < 6:
		return fmt.Sprintf("SET SESSION binlog_transaction_compression = %d", m.IntN(2))
	}
	return "SET SESSION binlog_row_value_options = " + []string{"''", "PARTIAL_JSON"}[m.IntN(2)]
}

// temporary is work with a temporary table. While one is open, MySQL keeps the format.
func (m *maker) temporary() []string {
	if !m.temp {
		m.temp = true
		return []string{"SET SESSION binlog_format = " + []string{"ROW", "MIXED", "STATEMENT"}[m.IntN(3)],
			"CREATE TEMPORARY TABLE tmp " + []string{"LIKE plain", "AS SELECT id, id AS v FROM parents",
				"(id INT, v INT, KEY (id))"}[m.IntN(3)]}
	}
	k := m.IntN(300)
	switch m.IntN(7) {
	case 0:
		return []string{"INSERT INTO tmp (id, v) SELECT id + 3000, id FROM orphans ORDER BY id LIMIT 3"}
	case 1:
		return []string{fmt.Sprintf("UPDATE tmp SET v = v + %d WHERE id %% 3 = 0", k)}
	case 2:
		return []string{"INSERT INTO bare (v, w) SELECT v, 'temporary' FROM tmp ORDER BY id LIMIT 5"}
	case 3:
		return []string{"REPLACE INTO parted (id, v) SELECT id + 5000, MAX(v) FROM tmp GROUP BY id ORDER BY id LIMIT 5"}
	case 4:
		return []string{"DELETE FROM tmp WHERE id % 5 = 1"}
	case 5:
		return []string{"BEGIN", "UPDATE parents, tmp SET parents.v = 'by tmp' WHERE parents.id = tmp.id", m.change(),
			[]string{"COMMIT", "ROLLBACK"}[m.IntN(2)]}
	}
	m.temp = false
	return []string{"DROP TEMPORARY TABLE tmp"}
}

// step is a unit of work of one connection.
func (m *maker) step(mixed bool) (all []string) {
	if m.any && m.IntN(3) == 0 {
		return m.temporary()
	}
	if m.any && !m.temp && m.IntN(4) == 0 {
		return []string{"SET SESSION binlog_format = " + []string{"ROW", "MIXED", "STATEMENT"}[m.IntN(3)]}
	}
	switch m.IntN(11) {
	case 10:
		return []string{m.option()}
	case 0:
		return m.definition()
	case 1:
		all = append(all, "BEGIN", m.change(), "SAVEPOINT x", m.change(), m.change(), "ROLLBACK TO SAVEPOINT x", m.change())
		return append(all, []string{"COMMIT", "ROLLBACK"}[m.IntN(2)])
	case 2, 3:
		all = append(all, "BEGIN")
		for range 1 + m.IntN(6) {
			all = append(all, m.change())
		}
		return append(all, []string{"COMMIT", "COMMIT", "ROLLBACK"}[m.IntN(3)])
	case 4:
		if !mixed || !m.maria { // MySQL with GTIDs forbids it
			break
		}
		all = append(all, "BEGIN", m.change(), fmt.Sprintf("INSERT INTO old (v) VALUES (%s)", m.value()), m.change())
		return append(all, []string{"COMMIT", "ROLLBACK"}[m.IntN(2)])
	case 5:
		if mixed {
			return []string{fmt.Sprintf("INSERT INTO old (v) VALUES (%s)", m.value()), "UPDATE old SET v = 'u' ORDER BY id LIMIT 1"}
		}
	}
	return []string{m.change()}
}

// xaStep prepares an XA transaction, or commits or rolls back a prepared one.
func (m *maker) xaStep(t *testing.T, w *world) {
	if len(m.xa) > 0 && m.IntN(2) == 0 {
		id := m.xa[0]
		m.xa = m.xa[1:]
		w.endXA(t, []string{"XA COMMIT ", "XA COMMIT ", "XA ROLLBACK "}[m.IntN(3)]+id)
		return
	}
	m.n++
	id := fmt.Sprintf("'%s%d','b'", m.other[len(m.other)-10:], m.n)
	table := fmt.Sprintf("xa%d", m.n) // a table of its own: prepared transactions hold locks
	w.work(t, "CREATE TABLE "+table+" (id INT PRIMARY KEY)")
	w.elsewhere(t, "XA START "+id, "INSERT INTO "+table+" VALUES (1), (2)", "XA END "+id, "XA PREPARE "+id)
	m.xa = append(m.xa, id)
}

func (m *maker) workOn(t *testing.T, w *world, steps int, mixed bool) {
	t.Helper()
	for range steps {
		if m.IntN(8) == 0 && !m.plain {
			m.xaStep(t, w)
			continue
		}
		w.work(t, m.step(mixed)...)
	}
	for _, id := range m.xa {
		w.endXA(t, "XA COMMIT "+id)
	}
	m.xa = nil
}

// endXA ends a prepared XA transaction. It is unknown to others until the server has noticed
// that the session which prepared it is closed.
func (w *world) endXA(t *testing.T, statement string) {
	t.Helper()
	pool := w.s.Open(t, w.live)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, err := pool.Exec(statement)
		if err == nil {
			return
		}
		if mysql.Number(err) != errUnknownXID || time.Now().After(deadline) {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

const errUnknownXID = 1397 // ER_XAER_NOTA

var counters = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

func TestRandomWorkIsReplayed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for i := range rounds(t, 2) {
			seed := testenv.Seed(t) + uint64(i)
			t.Run(strconv.FormatUint(seed, 16), func(t *testing.T) {
				w, _ := randomWorld(t, s, seed, 40, true)
				f, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
				w.sameRows(t)
				w.counted(t, state)
				if !maps.Equal(f.Rows, state.Rows) {
					t.Errorf("foreseen %v, replayed %v", f.Rows, state.Rows)
				}
			})
		}
	})
}

func randomWorld(t *testing.T, s *testdb.Server, seed uint64, steps int, mixed bool) (*world, *maker) {
	t.Helper()
	return randomWorldOf(t, s, seed, steps, mixed, false)
}

func randomWorldOf(t *testing.T, s *testdb.Server, seed uint64, steps int, mixed, bare bool) (*world, *maker) {
	t.Helper()
	tables := randomTables
	if bare {
		tables = withoutTriggers
	}
	w := newWorld(t, s, tables...)
	w.lenient = true
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1)), other: s.Schema(t), maria: s.Flavour == "mariadb", bare: bare}
	s.Exec(t, m.other, "CREATE TABLE o (id INT PRIMARY KEY)")
	t.Cleanup(func() { // prepared transactions hold locks that block DROP DATABASE
		if w.conn != nil {
			w.conn.Close()
		}
		for _, id := range m.xa {
			w.s.Exec(t, "", "XA ROLLBACK "+id)
		}
	})
	if m.maria {
		t.Cleanup(func() { s.Exec(t, "", "SET GLOBAL log_bin_compress = 0, GLOBAL log_bin_compress_min_len = 256") })
	}
	w.limits = someLimits(m.Rand)
	m.workOn(t, w, steps, mixed)
	return w, m
}

// sameRows is same without AUTO_INCREMENT counters: the log does not record counters that
// a rollback moved.
func (w *world) sameRows(t *testing.T) {
	t.Helper()
	w.sameAs(t, w.state(t, w.live))
}

// state is a database's word without its counters.
func (w *world) state(t *testing.T, schema string) string {
	t.Helper()
	return counters.ReplaceAllString(w.word(t, schema), "")
}

// sameAs compares the copy with a state.
func (w *world) sameAs(t *testing.T, want string) {
	t.Helper()
	got := w.state(t, w.shadow)
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("replayed, line %d:\n%s\nas it was:\n%s", i, at(a, i), at(b, i))
		}
	}
}

// TestRandomWorkInEveryFormatIsReplayed mixes rows and statements, with temporary tables.
func TestRandomWorkInEveryFormatIsReplayed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for i := range rounds(t, 1) {
			seed := testenv.Seed(t) + uint64(i)
			t.Run(strconv.FormatUint(seed, 16), func(t *testing.T) {
				w := newWorld(t, s, append(slices.Clone(withoutTriggers), "CREATE TABLE plain (id INT, v INT)")...)
				w.lenient = true
				m := &maker{Rand: rand.New(rand.NewPCG(seed, 2)), other: s.Schema(t), maria: s.Flavour == "mariadb"}
				m.plain, m.any, m.bare = true, true, true
				w.limits = someLimits(m.Rand)
				s.Exec(t, m.other, "CREATE TABLE o (id INT PRIMARY KEY)")
				m.workOn(t, w, 60, true)
				w.conn.Close()
				_, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
				w.sameRows(t)
				w.counted(t, state)
			})
		}
	})
}

// TestAReplayThatIsBrokenOffGoesOn interrupts the replay repeatedly at random moments: the
// server sees the same as when the process is killed.
func TestAReplayThatIsBrokenOffGoesOn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		seed := testenv.Seed(t)
		w, m := randomWorld(t, s, seed, 60, true)
		run := w.log(t)
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &now2(t, s).Position}))
		if err != nil {
			t.Fatal(err)
		}
		w.prepare(t, run)
		broken := 0
		for {
			err := w.brokenOff(t, run, f, time.Duration(m.IntN(40000))*time.Microsecond+
				time.Duration(broken)*3*time.Millisecond)
			if err == nil {
				break
			}
			if errors.Is(err, ErrAgain) {
				w.again(t, run)
				continue
			}
			if broken++; broken > 500 {
				t.Fatal("it never ends: ", err)
			}
		}
		t.Logf("broken off %d times", broken)
		w.sameRows(t)
	})
}

// again recreates the shadow database, as a load would.
func (w *world) again(t *testing.T, run *changes.Run) {
	t.Helper()
	w.s.Exec(t, "", "DROP DATABASE "+w.shadow, "CREATE DATABASE "+w.shadow+" CHARACTER SET utf8mb4")
	w.s.Exec(t, w.shadow, append([]string{"SET NAMES utf8mb4"}, randomTables...)...)
	w.prepare(t, run)
}

func (w *world) brokenOff(t *testing.T, run *changes.Run, f *Forecast, after time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), after+20*time.Millisecond)
	defer cancel()
	_, err := w.run(ctx, t, run, f)
	// A connection that is opened at that moment times out by itself a little earlier.
	end, _ := ctx.Deadline()
	if err != nil && ctx.Err() == nil && time.Now().Before(end) {
		if errors.Is(err, ErrAgain) {
			return err
		}
		t.Fatal(err)
	}
	return err
}
