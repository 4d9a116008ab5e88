package deploys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/deploy"
)

// migrating is a shop whose sync step prints a statement before it runs it on a real
// server: it is in the file migration.sql of the release.
func migrating(t *testing.T) (s *shop, columns func() string) {
	db := testdb.MariaDB(t)
	schema := db.Schema(t)
	db.Exec(t, schema, "CREATE TABLE orders (id INT PRIMARY KEY, note TEXT)", "INSERT INTO orders VALUES (1, '千张')")
	client := db.Tool(t, "mysql")
	s = newShop(t, func(c *config.Service) {
		c.Database = config.Database{Name: schema, OptionsFile: db.OptionsFile(t)}
		c.Backup.Dir = filepath.Join(filepath.Dir(c.Deploy.Dir), "backups")
		c.Deploy.Plans = []config.DeployPlan{{Name: "update", Steps: []config.DeployStep{
			{Name: "pull", Kind: "pull"},
			{Name: "sync", Kind: "sync", Look: "cat migration.sql", Timeout: 2 * time.Minute,
				Run: client + " --defaults-file=" + c.Database.OptionsFile + " " + schema + " <migration.sql"},
			{Name: "ready", Kind: "ready"}}}}
	})
	s.start()
	return s, func() string {
		t.Helper()
		var names string
		err := db.Open(t, schema).QueryRow("SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position) FROM " +
			"information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'orders'").Scan(&names)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
}

// TestWhatASyncWouldChangeIsShownBeforeItIsMade, in the journal and in the report, and a
// loss is refused while nothing is lost yet.
func TestWhatASyncWouldChangeIsShownBeforeItIsMade(t *testing.T) {
	s, columns := migrating(t)
	s.commit("two", map[string]string{"migration.sql": "ALTER TABLE `orders` ADD `paid` INT;\n"})
	p, state := s.deploy("update")
	if state.Result != deploy.ResultDone || columns() != "id,note,paid" {
		t.Fatalf("%s %s, columns %s", state.Result, state.Detail, columns())
	}
	d, err := s.Store().Load(p.ID)
	if err != nil {
		t.Fatal(err)
	}
	seen, ran := -1, -1
	for i, l := range d.Lines {
		if l.Event == deploy.EventSeen && strings.Contains(strings.Join(l.Tail, "\n"), "ADD `paid`") {
			seen = i
		}
		if l.Data["ran:sync"] != "" {
			ran = i
		}
	}
	report, err := os.ReadFile(s.Store().ReportPath(p.ID))
	if err != nil || seen < 0 || ran < seen || !strings.Contains(string(report), "ADD `paid`") {
		t.Errorf("seen in line %d, run in line %d, report %s %v", seen, ran, report, err)
	}
	s.commit("three", map[string]string{"migration.sql": "ALTER TABLE `orders` DROP COLUMN `note`;\n"})
	p, state = s.deploy("update")
	said := "would lose data, and was not made: ALTER TABLE `orders` DROP COLUMN `note`"
	if state.Result != deploy.ResultTakenBack || !strings.Contains(state.Detail, said) || columns() != "id,note,paid" {
		t.Errorf("%s %s, columns %s", state.Result, state.Detail, columns())
	}
	if state.Data["offer"] != "" {
		t.Errorf("a restore is offered: %s", state.Data["offer"])
	}
	if got, err := s.Details(p); err != nil || got[1].Runs != 1 || got[0].Runs != 2 {
		t.Errorf("estimates of %+v, %v", got, err)
	}
}

// TestAMissingStructureIsNoProofThatNothingChanged: without before.json nobody says that
// there is nothing to undo once the command ran.
func TestAMissingStructureIsNoProofThatNothingChanged(t *testing.T) {
	s, columns := migrating(t)
	s.commit("two", map[string]string{"migration.sql": "ALTER TABLE `orders` ADD `paid` INT;\n"})
	p, _ := s.deploy("update")
	path := filepath.Join(s.Store().Folder(p.ID), "before.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gone", "damaged"} {
		damage := os.Remove(path)
		if name == "damaged" {
			damage = os.WriteFile(path, text[:len(text)/2], 0o600)
		}
		if damage != nil {
			t.Fatal(damage)
		}
		state := deploy.Fold(p, s.lines(p))
		o := (&world{s.Desk}).Undo(t.Context(), p, 1, state, func(deploy.Line) error { return nil })
		if !strings.Contains(o.Detail, "unknown") || o.Data["offer"] == "" || columns() != "id,note,paid" {
			t.Errorf("%s: %s %v", name, o.Detail, o.Data)
		}
		if o = (&world{s.Desk}).Do(t.Context(), p, 1, state, func(deploy.Line) error { return nil }); name == "gone" &&
			!o.Failed {
			t.Errorf("%s, resumed: %s", name, o.Detail)
		}
	}
	o := (&world{s.Desk}).Undo(t.Context(), p, 1, deploy.State{Data: map[string]string{}}, nil)
	if o.Data["offer"] == "" {
		t.Errorf("a structure that is there is compared, whatever the journal says: %s", o.Detail)
	}
	os.Remove(path)
	o = (&world{s.Desk}).Undo(t.Context(), p, 1, deploy.State{Data: map[string]string{}}, nil)
	if o.Failed || o.Data["offer"] != "" || !strings.Contains(o.Detail, "its command was not run") {
		t.Errorf("it was not run: %s %v", o.Detail, o.Data)
	}
}

func (s *shop) lines(p *deploy.Plan) []deploy.Line {
	s.t.Helper()
	lines, err := deploy.ReadJournal(s.Store().JournalPath(p.ID))
	if err != nil {
		s.t.Fatal(err)
	}
	return lines
}

// TestACopyThatIsGoneIsNotPutBack: a folder of packages whose copy is lost is not said to
// be as before.
func TestACopyThatIsGoneIsNotPutBack(t *testing.T) {
	s := newShop(t, nil)
	r := repo{dir: s.app}
	folder := filepath.Join(s.app, "node_modules")
	os.MkdirAll(folder, 0o755)
	write(t, filepath.Join(folder, "a"), "old", 0o600)
	put := func(ran bool) error { return r.putBack(t.Context(), "id", "install", "node_modules", ran) }
	if err := put(false); err != nil {
		t.Errorf("a step that did not run: %v", err)
	}
	if err := put(true); err == nil {
		t.Error("nothing was kept, and it is said to be put back")
	}
	if err := r.keep(t.Context(), "id", "install", "node_modules"); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "a"), "new", 0o600)
	for range 2 { // a second time after a crash
		if err := put(true); err != nil {
			t.Error(err)
		}
		if text, _ := os.ReadFile(filepath.Join(folder, "a")); string(text) != "old" {
			t.Errorf("put back: %s", text)
		}
	}
}
