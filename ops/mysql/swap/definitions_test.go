package swap_test

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestDefinitionsAfterTheEmergencyBackupAreFound: those of others are in no backup, and no
// counter of rows shows them.
func TestDefinitionsAfterTheEmergencyBackupAreFound(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		w := watch(t, db)
		db.Exec(t, w.live, "CREATE TABLE numbers (id INT PRIMARY KEY AUTO_INCREMENT)", "CREATE VIEW v AS SELECT 1 AS n",
			"CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO DO 0")
		for sql, said := range map[string]string{
			"CREATE PROCEDURE p9() SELECT 9":          "created in " + w.live + " after the emergency backup: procedure p9",
			"DROP VIEW v":                             "dropped in " + w.live + " after the emergency backup: view v",
			"ALTER TABLE numbers ADD c INT":           "changed in " + w.live + " after the emergency backup: table numbers",
			"ALTER TABLE numbers AUTO_INCREMENT = 77": "",
			"ALTER EVENT e DISABLE":                   "",
			"CREATE TRIGGER t9 BEFORE INSERT ON numbers FOR EACH ROW SET NEW.id = COALESCE(NEW.id, 1)": "trigger t9",
		} {
			mark := w.saved()
			if got := w.sinceSaved(mark); got.Live || got.Untold {
				t.Fatalf("without a change it says %+v", got)
			}
			db.Exec(t, w.live, sql)
			got := w.sinceSaved(mark)
			var notes []string
			for _, n := range got.Notes {
				notes = append(notes, n.String())
			}
			if text := strings.Join(notes, "; "); said != "" && (!got.Live || !strings.Contains(text, said)) ||
				said == "" && strings.Contains(text, "after the emergency backup:") {
				t.Errorf("%s: %+v, %q", sql, got, text)
			}
		}
	})
}
