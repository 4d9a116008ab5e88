package load

import (
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/dump"
)

// TestATrialGoesOnAfterADefinitionThatItRefuses: what a refused definition set does not
// change how the next one is read.
func TestATrialGoesOnAfterADefinitionThatItRefuses(t *testing.T) {
	trial := NewTrial()
	ask := func(kind, object, text string) string {
		t.Helper()
		m := backup.Member{Kind: backup.MemberObject, Database: "shop", ObjectKind: kind, Object: object}
		return trial.Refuses(m, []byte(text))
	}
	trial.Refuses(backup.Member{Kind: backup.MemberHeader}, []byte("SET SQL_MODE = 'NO_AUTO_VALUE_ON_ZERO';\n"))
	open := "SET SQL_MODE = 'ANSI_QUOTES';\nCREATE PROCEDURE `p`() SELECT 'never ends;\nSET SQL_MODE = '';\n"
	if why := ask("procedure", "p", open); !strings.Contains(why, "cannot parse") {
		t.Errorf("an open quote: %q", why)
	}
	if why := ask("view", "v", "CREATE VIEW `v` AS SELECT \"it's\" AS `a`;\n"); why != "" {
		t.Errorf("the view after it: %q", why)
	}
	if why := ask("view", "w", "CREATE VIEW `elsewhere`.`w` AS SELECT 1;\n"); !strings.Contains(why, "elsewhere") {
		t.Errorf("a view of another database: %q", why)
	}
}

// TestWhatALoadRefusesIsKnownWhenTheBackupIsMade backs up a MERGE table over another
// database's table, which no load may touch, and an object that a load cannot read.
func TestWhatALoadRefusesIsKnownWhenTheBackupIsMade(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from, other := s.Schema(t), s.Schema(t)
		s.Exec(t, other, "CREATE TABLE part (a INT) ENGINE=MyISAM")
		s.Exec(t, from, "CREATE TABLE kept (a INT PRIMARY KEY)", "INSERT INTO kept VALUES (1)",
			"CREATE TABLE merged (a INT) ENGINE=MERGE UNION=(`"+other+"`.part)",
			"CREATE PROCEDURE odd() SELECT 1", "CREATE VIEW seen AS SELECT a FROM kept")
		refuses := func() func(backup.Member, []byte) string {
			trial := NewTrial()
			return func(m backup.Member, text []byte) string {
				if why := trial.Refuses(m, text); m.Object != "odd" {
					return why
				}
				return "it is odd"
			}
		}
		o := dump.Options{Databases: []string{from}, Refuses: refuses()}
		path := filepath.Join(t.TempDir(), "refused.sql.gz")
		if _, err := dump.Run(t.Context(), target(s), o, path); err == nil ||
			!strings.Contains(err.Error(), "merged") || !strings.Contains(err.Error(), other) {
			t.Fatalf("a table that no load creates: %v", err)
		}
		o.Broken, o.Refuses = true, refuses()
		src := backedUp(t, s, o)
		left := src.Manifest.LeavesOut(from)
		if len(left) != 2 || left[0] != "table merged" || left[1] != "procedure odd" {
			t.Fatalf("left out: %q", left)
		}
		if said := src.Manifest.NotLoadable(); len(said) != 2 || !strings.Contains(said[1].String(), "it is odd") {
			t.Errorf("said: %v", said)
		}
		whole := Options{Schema: s.Schema(t), Definer: DefinerKeep}
		if _, err := Run(t.Context(), target(s), src, whole); !Refused(err) {
			t.Errorf("a load of all of it: %v", err)
		}
		there := Options{Schema: whole.Schema + "_r", Definer: DefinerKeep}
		tried, err := Rehearse(t.Context(), target(s), src, nil, there)
		if err != nil || len(tried.Uncreatable) != 1 || !tried.Uncreatable[0].Unread {
			t.Errorf("rehearsed: %+v, %v", tried, err)
		}
		whole.Without = left
		mustRun(t, s, src, whole)
		v, err := Verify(t.Context(), target(s), src.Manifest, VerifyOptions{Schema: whole.Schema, Without: left})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range v.Objects {
			if x.State != backup.Same {
				t.Errorf("%+v", x)
			}
		}
		var n int
		if err := s.Open(t, whole.Schema).QueryRow("SELECT COUNT(*) FROM seen").Scan(&n); err != nil || n != 1 {
			t.Errorf("the view shows %d rows, %v", n, err)
		}
	})
}
