package replay

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
)

// groups are the log's transactions, by position.
func groups(t *testing.T, w *world) (all []format.Group) {
	t.Helper()
	run := w.log(t)
	err := run.Each(t.Context(), run.From, func(binlog.Place, *format.Format) error { return nil },
		func(i *format.Item) error {
			if i.What == format.End {
				all = append(all, *i.Group)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryKindOfMomentEndsBetweenTransactions(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY)")
		for i := range 5 {
			if i == 3 {
				time.Sleep(1100 * time.Millisecond) // MariaDB's times are whole seconds
			}
			w.work(t, "BEGIN", fmt.Sprintf("INSERT INTO a VALUES (%d)", 2*i), fmt.Sprintf("INSERT INTO a VALUES (%d)", 2*i+1), "COMMIT")
		}
		g := groups(t, w)
		run := w.log(t)
		end := run.End().Position
		for name, c := range map[string]struct {
			m    binlog.Moment
			want int64
		}{
			"before the first":            {binlog.Moment{Before: g[0].ID()}, 0},
			"before the third":            {binlog.Moment{Before: g[2].ID()}, 2},
			"before the third's position": {binlog.Moment{Before: fmt.Sprintf("%s:%d", g[2].File, g[2].Pos)}, 2},
			"the third's end": {binlog.Moment{Position: &binlog.Position{File: g[2].File, Pos: g[2].End}},
				3},
			"in the middle of the third": {binlog.Moment{Position: &binlog.Position{File: g[2].File, Pos: g[2].Pos +
				60}}, 2},
			"the log's end":          {binlog.Moment{Position: &end}, 5},
			"the time of the fourth": {binlog.Moment{Time: g[3].Time}, 3},
			"now":                    {binlog.Moment{Time: time.Now()}, 5},
			"the fourth's GTID":      {binlog.Moment{GTIDs: w.stand.GTID + "," + g[3].GTID.ID}, 4},
		} {
			if c.m.GTIDs != "" && g[3].GTID.ID == "" {
				continue
			}
			if s.Flavour == "mariadb" && c.m.GTIDs != "" {
				c.m.GTIDs = g[3].GTID.ID
			}
			f, err := Look(t.Context(), w.question(run, c.m))
			if err != nil || f.Transactions != c.want || f.Rows["a"] != 2*c.want {
				t.Errorf("%s: %v %+v, want %d transactions", name, err, f, c.want)
			}
			if f != nil && f.AfterCount != int64(len(g))-c.want {
				t.Errorf("%s: %d are left out", name, f.AfterCount)
			}
		}
		for name, m := range map[string]binlog.Moment{
			"a later file":   {Position: &binlog.Position{File: "binlog.999999", Pos: 4}},
			"no transaction": {Before: "binlog.999999:4"},
			"the future":     {Time: time.Now().Add(time.Hour)},
			"unknown GTIDs":  {GTIDs: "00000000-0000-0000-0000-000000000001:1-5"},
		} {
			if _, err := Look(t.Context(), w.question(run, m)); !errors.Is(err, ErrNotReached) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s.Flavour == "mariadb" { // the fourth GTID, of a server that wrote nothing
			var domain, server, seq int
			fmt.Sscanf(g[3].GTID.ID, "%d-%d-%d", &domain, &server, &seq)
			m := binlog.Moment{GTIDs: fmt.Sprintf("%d-%d-%d", domain, server+1, seq)}
			if _, err := Look(t.Context(), w.question(run, m)); !errors.Is(err, ErrNotReached) {
				t.Errorf("%s: %v", m.GTIDs, err)
			}
		}
	})
}

// One table is rolled forward alone: other tables, and cascades into them, are not
// changed.
func TestOneTableToAMoment(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id))",
			"INSERT INTO p VALUES (1)")
		s.Exec(t, w.shadow, "SET foreign_key_checks=0", "DROP TABLE p")
		w.work(t, "INSERT INTO p VALUES (2)", "INSERT INTO c VALUES (1, 2), (2, 1)", "ALTER TABLE p ADD COLUMN v INT",
			"ALTER TABLE c ADD COLUMN v INT", "UPDATE c SET v = 5", "TRUNCATE TABLE c", "INSERT INTO c VALUES (3, 1, 3)")
		run := w.log(t)
		q := w.question(run, binlog.Moment{Time: time.Now()})
		q.Tables, q.Rows = []string{"c"}, map[string]int64{"c": 0}
		f, err := Look(t.Context(), q)
		if err != nil || len(f.Refused) > 0 || f.Rows["c"] != 1 || len(f.Rows) != 1 {
			t.Fatalf("%v %+v", err, f)
		}
		w.prepare(t, run)
		if _, err := Run(t.Context(), s.Open(t, ""),
			Job{Run: run, To: f.To, From: w.live, Schema: w.shadow, Tables: q.Tables}); err != nil {
			t.Fatal(err)
		}
		var n, v int
		if err := s.Open(t, w.shadow).QueryRow("SELECT COUNT(*), SUM(v) FROM c").Scan(&n, &v); err != nil || n != 1 || v != 3 {
			t.Errorf("%d rows, %d, %v", n, v, err)
		}
	})
}

// TestTheReplayStopsBeforeAFileThatBeganInTheSameSecond flushes the log twice at once: the
// two files have one identity, and the accident is the first transaction of the second.
func TestTheReplayStopsBeforeAFileThatBeganInTheSameSecond(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name, moment := range map[string]func(g format.Group) binlog.Moment{
			"before": func(g format.Group) binlog.Moment { return binlog.Moment{Before: g.ID()} },
			"position": func(g format.Group) binlog.Moment {
				return binlog.Moment{Position: &binlog.Position{File: g.File, Pos: g.Pos}}
			},
		} {
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(40))",
				"INSERT INTO a VALUES (1, REPEAT('x', 40)), (2, REPEAT('x', 40)), (3, REPEAT('x', 40))")
			w.work(t, "FLUSH BINARY LOGS", "INSERT INTO a VALUES (4, 'kept')", "FLUSH BINARY LOGS")
			w.work(t, "DELETE FROM a")
			all := groups(t, w)
			_, state := w.replay(t, w.log(t), moment(all[len(all)-1]))
			var rows string
			err := s.Open(t, w.shadow).QueryRow("SELECT GROUP_CONCAT(id ORDER BY id) FROM a").Scan(&rows)
			if err != nil || rows != "1,2,3,4" || state.Transactions != 1 {
				t.Errorf("%s: %d transactions replayed, rows %s, %v", name, state.Transactions, rows, err)
			}
		}
	})
}

// TestASessionsOwnTimestamp runs a statement under SET timestamp, as imports and a replayed
// log do, and as a clock that is set back between two files. MariaDB logs that time: what was
// committed later, before the moment, is named, and a backup that is made afterwards can be
// rolled forward.
func TestASessionsOwnTimestamp(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		other := s.Schema(t)
		w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY)")
		w.work(t, "SET timestamp = UNIX_TIMESTAMP('2030-01-01')", "INSERT INTO a VALUES (1)")
		w.elsewhere(t, "FLUSH BINARY LOGS")
		w.work(t, "SET timestamp = DEFAULT", "INSERT INTO a VALUES (2)")
		if s.Flavour == "mariadb" { // as a standby's
			s.Exec(t, other, "CREATE TABLE o (id INT)", "DROP TABLE o")
		}
		moment := binlog.Moment{Time: time.Now().Add(time.Second)}
		f, err := Look(t.Context(), w.question(w.log(t), moment))
		if err != nil {
			t.Fatal(err)
		}
		all := groups(t, w)
		want := Early{}
		transactions := int64(2)
		if s.Flavour == "mariadb" {
			transactions = 0
			want = Early{
				Count:   1,
				Between: 1,
				Last:    binlog.Position{File: all[1].File, Pos: all[1].End},
				First:   binlog.Position{File: all[0].File, Pos: all[0].Pos},
				Time:    all[0].Time,
			}
		}
		if f.Transactions != transactions || f.Early.Count != want.Count || f.Early.Last != want.Last ||
			want.Count > 0 && f.Early != want {
			t.Errorf("%d transactions, left out %+v; want %d, %+v", f.Transactions, f.Early, transactions, want)
		}
		if s.Flavour == "mariadb" { // the position that the warning names
			f, err := Look(t.Context(), w.question(w.log(t), binlog.Moment{Position: &f.Early.Last}))
			if err != nil || f.Transactions != 2 {
				t.Errorf("to %s: %v, %+v", want.Last, err, f)
			}
		}
		for _, between := range []string{"SET timestamp = UNIX_TIMESTAMP('2030-01-01')", "SET timestamp = DEFAULT"} {
			w.work(t, "INSERT INTO a VALUES ("+fmt.Sprint(10+len(between))+")", between)
			w.stand = now(t, s)
			w.work(t, "INSERT INTO a VALUES ("+fmt.Sprint(100+len(between))+")")
			later := binlog.Moment{Time: time.Now().AddDate(10, 0, 0)}
			f, err := Look(t.Context(), w.question(w.log(t), later))
			if f == nil || f.Transactions != 1 {
				t.Errorf("a backup made later: %v, %+v", err, f)
			}
		}
	})
}

// TestAFileThatBeganUnderASessionsTimestamp has the server begin a file in a session whose own
// clock is years ahead: MariaDB and MySQL write that time at the file's head. A backup whose
// position is in that file is rolled forward all the same.
func TestAFileThatBeganUnderASessionsTimestamp(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, ahead := range []string{"SET timestamp = UNIX_TIMESTAMP('2030-01-01')", "SET timestamp = UNIX_TIMESTAMP('2001-01-01')"} {
			w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY)")
			w.work(t, ahead, "FLUSH BINARY LOGS", "SET timestamp = DEFAULT", "INSERT INTO a VALUES (1)")
			w.stand = now(t, s)
			w.work(t, "INSERT INTO a VALUES (2)", "INSERT INTO a VALUES (3)")
			f, err := Look(t.Context(), w.question(w.log(t), binlog.Moment{Position: &now2(t, s).Position}))
			if f == nil || f.Transactions != 2 {
				t.Errorf("%s: %v, %+v", ahead, err, f)
			}
			look, err := changes.LookAhead(t.Context(), binarchive.Folder{Dir: t.TempDir()}, target(s), w.live,
				[]binlog.BackupPosition{w.stand})
			if err != nil || !look.Live {
				t.Errorf("%s: the server goes on with the backup: %v, %+v", ahead, err, look)
			}
			w.stand.Server = "" // of a backup that does not name its server
			src, err := changes.Open(t.Context(), binarchive.Folder{Dir: t.TempDir()}, nil, target(s))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			if run, err := src.From(w.live, []binlog.BackupPosition{w.stand}); err != nil {
				t.Errorf("%s, without a server: %v, %+v", ahead, err, run)
			}
		}
	})
}
