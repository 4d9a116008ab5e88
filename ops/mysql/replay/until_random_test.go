package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
)

// oddTables are what the log records in a way of its own: a key that the server adds, columns
// that are added and dropped in an instant, values that a statement computes.
var oddTables = []string{
	"CREATE TABLE hid (v INT, w VARCHAR(60))",
	"CREATE TABLE inst (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
	`CREATE TABLE made (id INT PRIMARY KEY AUTO_INCREMENT, r DOUBLE, at DATETIME(6), x BIGINT, u VARCHAR(60),
		half INT GENERATED ALWAYS AS (x DIV 2) STORED, KEY (half))`,
}

// oddWork is work on the tables of their kind; the statements need no other format of the log
// than the one that they set, and leave it at ROW.
func (m *maker) oddWork() []string {
	m.n++
	k := m.IntN(300)
	form := []string{"ROW", "MIXED", "STATEMENT"}[m.IntN(3)]
	unsafe := "UUID()" // the same statement gives another value: MIXED logs rows
	if form == "STATEMENT" {
		unsafe = "CONCAT(@u, RAND(5))"
	}
	in := func(all ...string) []string {
		all = append([]string{"SET SESSION binlog_format = " + form}, all...)
		return append(all, "SET SESSION binlog_format = ROW")
	}
	switch m.IntN(7) {
	case 0:
		return []string{fmt.Sprintf("ALTER TABLE inst ADD COLUMN c%d VARCHAR(20) DEFAULT 'd%d'", m.n, m.n),
			fmt.Sprintf("UPDATE inst SET c%d = 'set' ORDER BY id LIMIT 2", m.n),
			fmt.Sprintf("INSERT INTO inst (v, c%d) VALUES (%d, NULL)", m.n, k)}
	case 1: // the column of the number: it may be the first or the last
		return []string{fmt.Sprintf("ALTER TABLE inst ADD COLUMN i%d INT DEFAULT 7 FIRST", m.n),
			"INSERT INTO inst (v) VALUES (1), (2)", fmt.Sprintf("ALTER TABLE inst DROP COLUMN i%d", m.n),
			"UPDATE inst SET v = v + 1 WHERE id % 2 = 0"}
	case 2:
		return []string{fmt.Sprintf("INSERT INTO hid (v, w) VALUES (%d, %s), (%d, 'same'), (%d, 'same')", k, m.value(), k, k)}
	case 3:
		return []string{"DELETE FROM hid WHERE w = 'same' LIMIT 1", fmt.Sprintf("UPDATE hid SET v = v + 1 WHERE v > %d", k)}
	case 4:
		return in(fmt.Sprintf("SET @u = %s, @x = %d", m.value(), k),
			"INSERT INTO made (r, at, x, u) VALUES (RAND(), NOW(6), @x, "+unsafe+"), (RAND(), CURRENT_DATE, @x := @x + 1, @u)")
	case 5:
		return in("INSERT INTO made (x, u) VALUES (1, 'last')", "UPDATE made SET x = LAST_INSERT_ID(), r = RAND(3) WHERE id % 3 = 0",
			"BEGIN", "DELETE FROM made WHERE id % 7 = 1", "UPDATE made SET at = CURRENT_TIMESTAMP(6)",
			[]string{"COMMIT", "ROLLBACK"}[m.IntN(2)])
	}
	return []string{fmt.Sprintf("UPDATE made, inst SET made.x = inst.v, inst.v = %d WHERE made.id = inst.id", k)}
}

// stop is a moment of a workload, and the database as it was then.
type stop struct {
	at   binlog.BackupPosition
	word string
}

// TestRandomMomentsAreTheStateThatWas works at random, notes what the database is at random
// moments, and rolls a copy of the beginning forward to each of them: by position, by the
// transaction after it, by the set of GTIDs.
func TestRandomMomentsAreTheStateThatWas(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, s *testdb.Server) {
		for i := range rounds(t, 1) {
			seed := testenv.Seed(t) + uint64(i)
			t.Run(strconv.FormatUint(seed, 16), func(t *testing.T) { randomMoments(t, s, seed) })
		}
	})
}

func randomMoments(t *testing.T, s *testdb.Server, seed uint64) {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 3)), maria: s.Flavour == "mariadb"}
	m.any = m.IntN(2) == 0 // statements have no triggers: see withoutTriggers
	m.bare = m.any
	m.plain = m.any
	tables := slices.Concat(withoutTriggers, oddTables, []string{"CREATE TABLE plain (id INT, v INT)"})
	if !m.bare {
		tables = slices.Concat(randomTables, oddTables)
	}
	if !m.maria {
		tables = append([]string{"SET SESSION sql_generate_invisible_primary_key = 1"}, tables...)
	}
	w := newWorld(t, s, tables...)
	w.lenient = true
	m.other = s.Schema(t)
	s.Exec(t, m.other, "CREATE TABLE o (id INT PRIMARY KEY)")
	t.Cleanup(func() {
		w.conn.Close()
		for _, id := range m.xa {
			s.Exec(t, "", "XA ROLLBACK "+id)
		}
		if m.maria {
			s.Exec(t, "", "SET GLOBAL log_bin_compress = 0, GLOBAL log_bin_compress_min_len = 256")
		}
	})
	var stops []stop
	for range 3 {
		for range 5 + m.IntN(12) {
			switch {
			case m.temp || m.IntN(4) > 0:
				m.someWork(t, w)
			default:
				w.work(t, m.oddWork()...)
			}
		}
		stops = append(stops, stop{now(t, s), w.state(t, w.live)})
	}
	w.work(t, "INSERT INTO inst (v) VALUES (-1)") // something after the last moment
	for _, i := range m.Perm(len(stops)) {
		m := w.momentOf(t, stops[i].at, i%3)
		w.s.Exec(t, "", "DROP DATABASE "+w.shadow, "CREATE DATABASE "+w.shadow+" CHARACTER SET utf8mb4")
		w.s.Exec(t, w.shadow, append([]string{"SET NAMES utf8mb4"}, tables...)...)
		_, state := w.replay(t, w.log(t), m)
		w.sameAs(t, stops[i].word)
		w.counted(t, state)
	}
}

// someWork is one step of the common random work.
func (m *maker) someWork(t *testing.T, w *world) {
	t.Helper()
	if m.IntN(8) == 0 && !m.plain {
		m.xaStep(t, w)
		return
	}
	w.work(t, m.step(true)...)
}

// momentOf is a place of the log as a moment of one of three kinds.
func (w *world) momentOf(t *testing.T, at binlog.BackupPosition, kind int) binlog.Moment {
	t.Helper()
	switch {
	case kind == 1:
		for _, g := range groups(t, w) {
			if g.File == at.File && g.Pos >= at.Pos || g.File > at.File {
				return binlog.Moment{Before: g.ID()}
			}
		}
		t.Fatal("no transaction follows ", at.Position)
	case kind == 2 && at.GTID != "" && w.s.Flavour == "mysql":
		return binlog.Moment{GTIDs: at.GTID}
	}
	return binlog.Moment{Position: &at.Position}
}
