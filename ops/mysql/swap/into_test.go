package swap_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// into is a plan that loads the backup into another database.
func (f *field) into(other string) *restore.Plan {
	f.t.Helper()
	src := restore.Source{Name: "backup", Path: "backup", State: "good", Manifest: true, Consistent: true,
		At: time.Now()}
	choice := restore.Choice{Into: other}
	a, err := f.server.Surveyor.Survey(context.Background(), f.live, src, choice)
	if err != nil {
		f.t.Fatal(err)
	}
	return restore.Draft(restore.NewID(time.Now(), 7), time.Now(), choice, restore.Settings{LockWait: 2 * time.Second},
		src, f.live, a)
}

func (f *field) holds(name string) []string {
	f.t.Helper()
	held, err := schema.Inventory(context.Background(), f.db.Open(f.t, ""), name)
	if err != nil {
		f.t.Fatal(err)
	}
	slices.Sort(held)
	return held
}

// TestASchemaOfChoiceWithoutTablesIsNotEmpty: contents of other users block the plan, and
// an abort removes none of them, even if they were created after the plan.
func TestASchemaOfChoiceWithoutTablesIsNotEmpty(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		other := db.Schema(t)
		planned := f.into(other)
		if planned.Blocked() {
			t.Fatalf("an empty schema is refused: %+v", planned.Findings)
		}
		for _, c := range [][2]string{
			{"procedure mine", "CREATE PROCEDURE mine() SELECT 1"},
			{"function total", "CREATE FUNCTION total() RETURNS INT DETERMINISTIC RETURN 5"},
			{"view w", "CREATE VIEW w AS SELECT 5 AS a"},
			{"event later", "CREATE EVENT later ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a = 1"},
		} {
			db.Exec(t, other, c[1])
			what := []string{c[0]}
			if p := f.into(other); !p.Blocked() {
				t.Errorf("with a %s the schema counts as empty", c[0])
			}
			if _, err := f.server.Loading.Load(ctx, planned, f.folder, report); err == nil ||
				!strings.Contains(err.Error(), c[0]) {
				t.Errorf("loaded beside the %s: %v", c[0], err)
			}
			if _, err := f.server.Cleaning.Clean(ctx, planned, f.folder); err != nil {
				t.Error(err)
			}
			if got := f.holds(other); !slices.Equal(got, what) {
				t.Errorf("left are %q, not %q", got, what)
			}
			db.Exec(t, other, "DROP "+c[0])
		}
		for range 2 { // the second run finds what the first loaded, and loads it again
			if _, err := f.server.Loading.Load(ctx, planned, f.folder, report); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.server.Cleaning.Clean(ctx, planned, f.folder); err != nil {
			t.Fatal(err)
		}
		if got := f.holds(other); len(got) > 0 {
			t.Errorf("an abort left %q of what was loaded", got)
		}
	})
}
