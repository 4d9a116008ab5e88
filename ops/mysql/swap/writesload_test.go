package swap_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// begun is a live database that a load in place was interrupted in.
type begun struct {
	*field
	server *swap.Server
	plan   *restore.Plan
	saved  string // the emergency backup
}

// beginLoad interrupts a load right after its first complete table, or lets it end.
func beginLoad(t *testing.T, db *testdb.Server, whole bool) *begun {
	t.Helper()
	b := &begun{field: &field{t: t, db: db, live: db.Schema(t)}}
	fill := "INSERT INTO %s (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) " +
		"SELECT i FROM n"
	db.Exec(t, b.live, "CREATE TABLE small (id INT PRIMARY KEY AUTO_INCREMENT, v INT, g INT AS (v + 1) STORED)",
		fmt.Sprintf(fill, "small"), "CREATE TABLE loose (v INT)", fmt.Sprintf(fill, "loose"),
		"CREATE TABLE old (id INT PRIMARY KEY AUTO_INCREMENT, v INT) ENGINE=MyISAM", fmt.Sprintf(fill, "old"),
		"CREATE TABLE empty_one (id INT PRIMARY KEY)", "CREATE VIEW v AS SELECT COUNT(*) n FROM small")
	if db.Flavour == "mariadb" {
		db.Exec(t, b.live, "CREATE TABLE kept (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
			"INSERT INTO kept VALUES (1, 1), (2, 2)", "UPDATE kept SET v = 3 WHERE id = 1")
	}
	target := newTarget(db)
	back := func(name string) string {
		path := filepath.Join(t.TempDir(), name)
		o := dump.Options{Databases: []string{b.live}}
		if _, err := dump.Run(context.Background(), target, o, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := back("backup.sql.gz")
	db.Exec(t, b.live, "DELETE FROM small WHERE id > 30", "UPDATE loose SET v = 7 WHERE v = 9")
	b.saved = back("emergency.sql.gz")
	engine := swap.Engine{Target: target, Jobs: 1}
	b.server = swap.New(swap.Settings{Target: target, Loader: engine})
	t.Cleanup(func() { b.server.Close() })
	b.plan = &restore.Plan{
		Mode:   restore.InPlace,
		Target: restore.Target{Live: b.live, Database: b.live},
		Source: restore.Source{Path: path, Database: b.live, Manifest: true, Indexed: true},
	}
	if whole {
		return b
	}
	db.Exec(t, b.live, "DROP VIEW v", "DROP TABLE IF EXISTS small, loose, old, empty_one, kept")
	ctx, cancel := context.WithCancel(context.Background())
	_, _, err := engine.Load(ctx, swap.Job{Path: path, From: b.live, Schema: b.live, Fresh: true, Live: true,
		Whole: func(string) { cancel() }}, func(ops.Progress) {})
	if err == nil {
		t.Fatal("the load was not interrupted")
	}
	return b
}

func (b *begun) since() run.Writes {
	b.t.Helper()
	w, err := b.server.Writes.SinceLoad(context.Background(), b.plan, b.saved, func(ops.Progress) {})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

// What an interrupted load has left is nobody's: what others add, change, delete or make is
// found, by table and number. Before the load began, the state is that of the emergency backup.
func TestWhatOthersWroteAfterALoadBeganIsFound(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		for _, whole := range []bool{false, true} {
			b := beginLoad(t, db, whole)
			if w := b.since(); w.Live || w.Untold || whole == w.Torn {
				t.Fatalf("before the load %v, untouched: %+v %s", whole, w, saidBy(w))
			}
			filled := column(t, db, "SELECT MIN(id) FROM `"+b.live+"`.small HAVING MIN(id) IS NOT NULL")
			for _, c := range []struct{ do, want, back string }{
				{"INSERT INTO small (id, v) VALUES (500, 0)", "small: 1 row inserted, 0 changed, 0 deleted",
					"DELETE FROM small WHERE id = 500"},
				{"UPDATE small SET v = -5 WHERE id = 5", "small: 0 rows inserted, 1 changed, 0 deleted",
					"UPDATE small SET v = 5 WHERE id = 5"},
				{"DELETE FROM small WHERE id = 6", "small: 0 rows inserted, 0 changed, 1 deleted",
					"INSERT INTO small (id, v) VALUES (6, 6)"},
				{"INSERT INTO loose VALUES (-1)", "loose: 1 row inserted, 0 changed, 0 deleted", "DELETE FROM loose WHERE v = -1"},
				{"CREATE TABLE theirs (id INT PRIMARY KEY)", "created in " + b.live + " since the load: table theirs", "DROP TABLE theirs"},
				{"CREATE VIEW theirs AS SELECT 1 x", "created in " + b.live + " since the load: view theirs", "DROP VIEW theirs"},
			} {
				if c.do[:6] != "INSERT" && c.do[:6] != "CREATE" && len(filled) == 0 {
					continue // the interrupted load did not reach this table
				}
				db.Exec(t, b.live, c.do)
				w := b.since()
				said := strings.TrimSuffix(saidBy(w), " since the load")
				if said != c.want || !w.Live || w.Torn == whole {
					t.Errorf("load begun %v, %s: %+v %s", !whole, c.do, w, saidBy(w))
				}
				db.Exec(t, b.live, c.back)
			}
		}
	})
}

func saidBy(w run.Writes) string {
	if len(w.Notes) == 0 {
		return ""
	}
	return w.Notes[0].Msg.String()
}

// After a way back the database is compared with the emergency backup, values included.
func TestTheWayBackIsComparedWithTheEmergencyBackup(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		b := beginLoad(t, db, true) // the live database is that of the emergency backup
		doubts := func() (said []string) {
			v, err := b.server.Checks.VerifyBack(context.Background(), b.plan, b.saved, func(ops.Progress) {})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range v.Doubts {
				said = append(said, d.Msg.String())
			}
			slices.Sort(said)
			return said
		}
		if said := doubts(); len(said) > 0 {
			t.Fatalf("untouched: %q", said)
		}
		db.Exec(t, b.live, "UPDATE small SET v = 99 WHERE id = 5", "INSERT INTO loose VALUES (1)",
			"CREATE TABLE more (id INT)", "ALTER TABLE old COMMENT 'x', ADD COLUMN later INT DEFAULT 1",
			"RENAME TABLE empty_one TO empty_other")
		said := strings.Join(doubts(), "\n")
		for _, want := range []string{
			"loose has 61 rows, the backup 60", "small has as many rows as the backup, but their contents differ",
			"the table more is not in the backup's manifest", "the table old is not defined as in the backup",
			"the table empty_one is missing", "the table empty_other is not in the backup's manifest",
		} {
			if !strings.Contains(said, want) {
				t.Errorf("it does not say %q: %s", want, said)
			}
		}
	})
}
