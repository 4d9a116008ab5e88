package replay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
)

// someLimits are limits with which a few transactions make several windows of several parts.
func someLimits(r *rand.Rand) *limits {
	return &limits{bytes: 1 << (6 + r.IntN(12)), rows: 1 + r.IntN(500), parted: r.IntN(20), divided: r.IntN(20),
		lanes: 1 + r.IntN(mostLanes)}
}

// joinedTables are tables of which rows can be joined, each with something to be careful of.
var joinedTables = []string{
	"CREATE TABLE plain (id INT PRIMARY KEY AUTO_INCREMENT, v INT, w VARCHAR(30), KEY (v)) ENGINE=InnoDB",
	"CREATE TABLE queue (id INT PRIMARY KEY AUTO_INCREMENT, job VARCHAR(30)) ENGINE=InnoDB",
	"CREATE TABLE ranked (id BIGINT PRIMARY KEY, place INT, name VARCHAR(20), UNIQUE (place), UNIQUE (name)) ENGINE=InnoDB",
	`CREATE TABLE words (w VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, n INT, big TEXT, PRIMARY KEY (w)) ENGINE=InnoDB`,
	`CREATE TABLE pairs (n INT, b VARBINARY(8), a INT UNSIGNED, v INT, g INT GENERATED ALWAYS AS (v * 2) STORED,
		h INT GENERATED ALWAYS AS (v + 1) VIRTUAL, PRIMARY KEY (a, b), UNIQUE (g, n)) ENGINE=InnoDB`,
	"CREATE TABLE keyless (a INT, b VARCHAR(20)) ENGINE=InnoDB",
	"CREATE TABLE prefixed (t TEXT, n INT, PRIMARY KEY (t(5))) ENGINE=InnoDB",
	"CREATE TABLE parents (id INT PRIMARY KEY, name VARCHAR(20)) ENGINE=InnoDB",
	"CREATE TABLE children (id INT PRIMARY KEY AUTO_INCREMENT, p INT, FOREIGN KEY (p) REFERENCES parents (id) ON DELETE CASCADE " +
		"ON UPDATE CASCADE) ENGINE=InnoDB",
}

// joinMaker generates changes that meet on the same rows.
type joinMaker struct {
	*rand.Rand
	n int
}

func (m *joinMaker) change() string {
	m.n++
	k := m.IntN(12)
	word := []string{"a", "A", "á", "b", "B", "c"}[m.IntN(6)]
	switch m.IntN(22) {
	case 0:
		return fmt.Sprintf("INSERT INTO plain (v, w) VALUES (%d, 'w%d'), (%d, NULL)", k, m.n, m.n)
	case 1:
		return fmt.Sprintf("UPDATE plain SET v = v + 1, w = 'u%d' WHERE id %% 4 = %d", m.n, k%4)
	case 2:
		return fmt.Sprintf("UPDATE plain SET v = %d WHERE id %% 5 = %d", m.n, k%5)
	case 3:
		return fmt.Sprintf("DELETE FROM plain WHERE id %% 6 = %d", k%6)
	case 4:
		return fmt.Sprintf("INSERT INTO queue (job) VALUES ('j%d'), ('k')", m.n)
	case 5:
		return "DELETE FROM queue ORDER BY id LIMIT 3"
	case 6:
		return "DELETE FROM queue ORDER BY id DESC LIMIT 2"
	case 7:
		return fmt.Sprintf("REPLACE INTO ranked VALUES (%d, %d, 'r%d')", k, m.IntN(12), m.IntN(12))
	case 8: // values move from row to row
		return fmt.Sprintf("UPDATE ranked SET place = place + %d ORDER BY place DESC", 1+m.IntN(3))
	case 9:
		return "UPDATE ranked SET place = place - 30 ORDER BY place"
	case 10:
		return fmt.Sprintf("UPDATE ranked SET id = id + 100 WHERE id %% 100 = %d AND id < 500", k)
	case 11:
		return fmt.Sprintf("DELETE FROM ranked WHERE id %% 5 = %d", k%5)
	case 12:
		return fmt.Sprintf("INSERT INTO words VALUES ('%s', %d, REPEAT('x', %d)) ON DUPLICATE KEY UPDATE n = n + 1", word, k, k*300)
	case 13:
		return fmt.Sprintf("UPDATE words SET w = '%s' WHERE w = '%s'", word, strings.ToUpper(word))
	case 14:
		return fmt.Sprintf("DELETE FROM words WHERE w = '%s'", word)
	case 15:
		return fmt.Sprintf("UPDATE words SET big = 'y%d' WHERE n %% 2 = %d", m.n, k%2)
	case 16:
		return fmt.Sprintf("REPLACE INTO pairs (n, b, a, v) VALUES (%d, 0x%02x, %d, %d), (%d, '', 4000000000, %d)", k, k, k, m.n, k, k)
	case 17:
		return fmt.Sprintf("UPDATE pairs SET v = v + 1000, a = a + 1 WHERE n %% 3 = %d ORDER BY a DESC", k%3)
	case 18:
		return fmt.Sprintf("INSERT INTO keyless VALUES (%d, 'k%d'), (%d, 'same'), (%d, 'same')", k, m.n, k, k)
	case 19:
		return fmt.Sprintf([]string{"UPDATE keyless SET b = 'u%d' WHERE a %% 3 = 0", "DELETE FROM keyless WHERE a = %d"}[m.IntN(2)], k)
	case 20:
		return fmt.Sprintf("INSERT INTO prefixed VALUES ('t%d long text', %d) ON DUPLICATE KEY UPDATE n = n + 1, t = CONCAT(t, '+')", k, m.n)
	}
	switch m.IntN(5) {
	case 0:
		return fmt.Sprintf("INSERT INTO children (p) SELECT id FROM parents WHERE id %% 2 = %d", k%2)
	case 1:
		return fmt.Sprintf("DELETE FROM parents WHERE id = %d", k)
	case 2:
		return fmt.Sprintf("UPDATE parents SET name = 'n%d' WHERE id = %d", m.n, k)
	case 3:
		return fmt.Sprintf("UPDATE parents SET id = id + 1000 WHERE id = %d", k)
	}
	return fmt.Sprintf("INSERT IGNORE INTO parents VALUES (%d, 'p')", k)
}

// work makes transactions, with every kind of row image.
func (m *joinMaker) work(t *testing.T, w *world, steps int) {
	t.Helper()
	for range steps {
		m.n++
		switch m.IntN(12) {
		case 0:
			w.work(t, "SET SESSION binlog_row_image = "+[]string{"MINIMAL", "NOBLOB", "FULL", "FULL"}[m.IntN(4)])
		case 1:
			w.work(t, "BEGIN", m.change(), "SAVEPOINT x", m.change(), "RELEASE SAVEPOINT x", "COMMIT")
		case 2:
			w.work(t, fmt.Sprintf("ALTER TABLE plain ADD COLUMN c%d INT DEFAULT 7", m.n))
		default:
			all := []string{"BEGIN"}
			for range 1 + m.IntN(5) {
				all = append(all, m.change())
			}
			w.work(t, append(all, "COMMIT")...)
		}
	}
}

// eachServer is testdb.Each with MariaDB 11 too.
func eachServer(t *testing.T, test func(t *testing.T, s *testdb.Server)) {
	t.Helper()
	testdb.Each(t, test)
	t.Run("mariadb11", func(t *testing.T) { test(t, testdb.MariaDB11(t)) })
}

// TestJoinedChangesComeToTheSame replays changes that meet on the same rows in windows of
// every size, each written by several sessions.
func TestJoinedChangesComeToTheSame(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testdb.Server) {
		for i := range rounds(t, 2) {
			seed := testenv.Seed(t) + uint64(i)
			t.Run(strconv.FormatUint(seed, 16), func(t *testing.T) {
				w := newWorld(t, s, joinedTables...)
				w.lenient = true
				m := &joinMaker{Rand: rand.New(rand.NewPCG(seed, 3))}
				m.work(t, w, 60)
				end := now2(t, s)
				for range 2 {
					var parts, several atomic.Int64
					w.limits = someLimits(m.Rand)
					w.limits.wrote = func(_, n int) error {
						parts.Add(1)
						if n > 1 {
							several.Add(1)
						}
						return nil
					}
					_, state := w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
					w.sameRows(t)
					w.counted(t, state)
					t.Logf("%+v: %d parts, %d of windows with several", *w.limits, parts.Load(), several.Load())
					if parts.Load() == 0 {
						t.Error("nothing was joined")
					}
					w.afresh(t, joinedTables)
				}
			})
		}
	})
}

// afresh makes the copy again as it was.
func (w *world) afresh(t *testing.T, tables []string) {
	t.Helper()
	w.s.Exec(t, "", "DROP DATABASE "+w.shadow, "CREATE DATABASE "+w.shadow+" CHARACTER SET utf8mb4")
	w.s.Exec(t, w.shadow, append([]string{"SET NAMES utf8mb4"}, tables...)...)
}

var errKilled = errors.New("killed here")

// TestAWindowIsWrittenOnceOverKills ends the replay after each part of each window: the parts
// that are written are not written again.
func TestAWindowIsWrittenOnceOverKills(t *testing.T) {
	eachServer(t, func(t *testing.T, s *testdb.Server) {
		seed := testenv.Seed(t)
		w := newWorld(t, s, joinedTables...)
		w.lenient = true
		m := &joinMaker{Rand: rand.New(rand.NewPCG(seed, 4))}
		m.work(t, w, 40)
		run := w.log(t)
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &now2(t, s).Position}))
		if err != nil {
			t.Fatal(err)
		}
		w.prepare(t, run)
		kills, several := 0, 0
		for ; ; kills++ {
			var parts atomic.Int64
			left := int64(1 + m.IntN(3))
			w.limits = &limits{bytes: 2000, rows: 400, divided: 8, lanes: 3, wrote: func(_, n int) error {
				if parts.Add(1) >= left {
					if n > 1 {
						several++
					}
					return errKilled
				}
				return nil
			}}
			w.limits.wrote = inTurn(w.limits.wrote)
			_, err := w.run(t.Context(), t, run, f)
			if err == nil {
				break
			}
			if errors.Is(err, ErrAgain) { // in a definition
				w.afresh(t, joinedTables)
				w.prepare(t, run)
				continue
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if kills > 1000 {
				t.Fatal("it does not get on")
			}
		}
		t.Logf("killed %d times, %d of them between the parts of a window", kills, several)
		w.sameRows(t)
		if several == 0 {
			t.Error("no window had several parts")
		}
	})
}

// inTurn makes calls one at a time.
func inTurn(do func(part, parts int) error) func(part, parts int) error {
	turn := make(chan struct{}, 1)
	return func(part, parts int) error {
		turn <- struct{}{}
		defer func() { <-turn }()
		return do(part, parts)
	}
}

// TestJoinedChangesOfAnotherCopyAreRefused has copies that are not what the log continues: a
// row is missing, or is there already.
func TestJoinedChangesOfAnotherCopyAreRefused(t *testing.T) {
	cases := []struct{ name, before, work, spoil, want string }{
		{"update", "INSERT INTO plain VALUES (1, 1, 'a')", "UPDATE plain SET v = 2", "DELETE FROM plain", "1032"},
		{"delete", "INSERT INTO plain VALUES (1, 1, 'a')", "DELETE FROM plain", "DELETE FROM plain", "1032"},
		{"insert", "", "INSERT INTO plain VALUES (1, 1, 'a')", "INSERT INTO plain VALUES (1, 1, 'a')", "1062"},
		{
			"moved", "INSERT INTO ranked VALUES (1, 1, 'a'), (2, 2, 'b')", "UPDATE ranked SET place = 3 WHERE id = 1",
			"UPDATE ranked SET place = 3 WHERE id = 2", "1062",
		},
		{
			"came and went", "", "INSERT INTO words VALUES ('a', 1, ''); DELETE FROM words",
			"INSERT INTO words VALUES ('A', 1, '')", "1062",
		},
	}
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				setup := joinedTables
				if c.before != "" {
					setup = append(setup[:len(setup):len(setup)], c.before)
				}
				w := newWorld(t, s, setup...)
				w.work(t, strings.Split(c.work, ";")...)
				run := w.log(t)
				f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &now2(t, s).Position}))
				if err != nil {
					t.Fatal(err)
				}
				w.prepare(t, run)
				s.Exec(t, w.shadow, c.spoil)
				before := w.word(t, w.shadow)
				if _, err = w.run(t.Context(), t, run, f); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("replayed into another copy: %v", err)
				}
				if w.word(t, w.shadow) != before {
					t.Error("the copy was changed")
				}
			})
		}
	})
}

// TestCountersOfRowsThatWentAreKept has rows of a window that came and went: no later row gets
// their numbers.
func TestCountersOfRowsThatWentAreKept(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, joinedTables...)
		w.work(t, "INSERT INTO queue (job) VALUES ('a'), ('b'), ('c'), ('d')", "DELETE FROM queue WHERE id > 1",
			"INSERT INTO plain (v) VALUES (1)", "DELETE FROM plain")
		w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
		w.same(t)
		w.s.Exec(t, w.shadow, "INSERT INTO queue (job) VALUES ('next')")
		if got := w.word(t, w.shadow); !strings.Contains(got, "(5,'next')") {
			t.Errorf("the next row has another number: %s", got)
		}
	})
}
