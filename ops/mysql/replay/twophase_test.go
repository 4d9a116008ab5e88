package replay

import (
	"slices"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// MariaDB with binlog_alter_two_phase=ON logs an ALTER TABLE when it begins and when it ends:
// it is replayed once, when it ends, and not at all if it failed. Rows between the two have the
// old columns.
func TestAnAlterInTwoPhasesIsReplayedOnce(t *testing.T) {
	for _, s := range []*testdb.Server{testdb.MariaDB(t), testdb.MariaDB11(t)} {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v INT, pad CHAR(200))",
			"INSERT INTO a (v, pad) SELECT seq, REPEAT('x', 200) FROM seq_1_to_5000")
		w.work(t, "SET SESSION binlog_alter_two_phase=ON", "ALTER TABLE a ADD COLUMN c INT DEFAULT 3",
			"INSERT INTO a (v) VALUES (1)", "CREATE INDEX vi ON a (v)")
		if _, err := w.conn.ExecContext(t.Context(), "ALTER TABLE a ADD UNIQUE KEY (v)"); err == nil {
			t.Fatal("two rows are equal, and yet the key was made")
		}
		w.work(t, "ALTER TABLE a DROP COLUMN c, ALGORITHM=COPY")
		g := w.meanwhile(t)
		w.work(t, "DELETE FROM a WHERE id < 5")
		var phases []format.AlterPhase
		for _, one := range g {
			if one.Alter != format.AlterWhole {
				phases = append(phases, one.Alter)
			}
		}
		const start, commit, back = format.AlterStart, format.AlterCommit, format.AlterRollback
		want := []format.AlterPhase{start, commit, start, commit, start, back, start, commit}
		if len(phases) < len(want) || !slices.Equal(phases[:len(want)], want) {
			t.Fatalf("the log has the phases %v", phases)
		}
		run := w.log(t)
		end := run.End().Position
		f, state := w.replay(t, run, binlog.Moment{Position: &end})
		w.same(t)
		w.counted(t, state)
		void := 0
		for _, one := range g {
			if one.Void() {
				void++
			}
		}
		if want := int64(len(g) + 1 - void); f.Transactions != want || state.Transactions != want {
			t.Errorf("%d transactions are forecast, %d replayed, not %d", f.Transactions, state.Transactions, want)
		}
		w.beforeThePhases(t, g)
	}
}

// A backup that is made while an ALTER TABLE runs has its position between the two phases: the
// log from there on alters the copy, or not if the ALTER failed.
func TestABackupBetweenThePhasesOfAnAlterIsRolledForward(t *testing.T) {
	for _, s := range []*testdb.Server{testdb.MariaDB(t), testdb.MariaDB11(t)} {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v INT)", "INSERT INTO a (v) VALUES (7), (7)")
		w.work(t, "SET SESSION binlog_alter_two_phase=ON")
		if _, err := w.conn.ExecContext(t.Context(), "ALTER TABLE a ADD UNIQUE KEY (v)"); err == nil {
			t.Fatal("two rows are equal, and yet the key was made")
		}
		w.work(t, "INSERT INTO a (v) VALUES (7)", "ALTER TABLE a ADD COLUMN c INT DEFAULT 3", "INSERT INTO a (v) VALUES (8)")
		g := groups(t, w)
		for i, want := range []format.AlterPhase{format.AlterStart, format.AlterRollback, format.AlterWhole,
			format.AlterStart, format.AlterCommit} {
			if g[i].Alter != want {
				t.Fatalf("transaction %d of the log is of phase %v", i, g[i].Alter)
			}
		}
		for _, before := range []int{1, 4} { // the failed one, and the other
			w.stand.Pos, w.stand.GTID = g[before].Pos, g[before-1].GTID.ID
			w.s.Exec(t, "", "DROP DATABASE "+w.shadow, "CREATE DATABASE "+w.shadow+" CHARACTER SET utf8mb4")
			w.s.Exec(t, w.shadow, "CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
				"INSERT INTO a (v) VALUES (7), (7)")
			w.expected["a"] = 2
			if before == 4 {
				w.s.Exec(t, w.shadow, "INSERT INTO a (v) VALUES (7)")
				w.expected["a"] = 3
			}
			end := now(t, s)
			f, state := w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
			w.same(t)
			w.counted(t, state)
			if f.Definitions != 1 {
				t.Errorf("from before transaction %d: %d definitions", before, f.Definitions)
			}
		}
	}
}

// meanwhile alters the table until the log has a row between the two phases.
func (w *world) meanwhile(t *testing.T) []format.Group {
	t.Helper()
	for try := range 40 {
		done := make(chan error, 1)
		go func() {
			_, err := w.conn.ExecContext(t.Context(), []string{"ALTER TABLE a ADD COLUMN c INT DEFAULT 3 FIRST, " +
				"ALGORITHM=INPLACE, LOCK=NONE, FORCE", "ALTER TABLE a DROP COLUMN c, ALGORITHM=INPLACE, LOCK=NONE, FORCE",
			}[try%2])
			done <- err
		}()
		db := w.s.Open(t, w.live)
		for busy := true; busy; {
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				busy = false
			default:
				if _, err := db.Exec("INSERT INTO a (v) VALUES (7)"); err != nil {
					t.Fatal(err)
				}
			}
		}
		g := groups(t, w)
		if rowBetween(g) {
			return g
		}
	}
	t.Fatal("no row came between the phases of an ALTER TABLE")
	return nil
}

func rowBetween(g []format.Group) bool {
	for i := range g[1:] {
		if g[i].Alter == format.AlterStart && g[i+1].Alter == format.AlterWhole {
			return true
		}
	}
	return false
}

// beforeThePhases replays up to either phase of the first ALTER: the table is the old one.
func (w *world) beforeThePhases(t *testing.T, g []format.Group) {
	t.Helper()
	run := w.log(t)
	for _, one := range g[:2] {
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Before: one.ID()}))
		if err != nil || f.Transactions != 0 || f.Definitions != 0 {
			t.Errorf("before %s: %+v, %v", one.ID(), f, err)
		}
	}
	f, err := Look(t.Context(), w.question(run, binlog.Moment{Before: g[2].ID()}))
	if err != nil || f.Transactions != 1 || f.Definitions != 1 {
		t.Errorf("before %s: %+v, %v", g[2].ID(), f, err)
	}
}
