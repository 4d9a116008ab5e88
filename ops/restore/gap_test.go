package restore_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

var planned = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

func looked() *restore.Assessment {
	return &restore.Assessment{
		At: planned, Server: restore.ServerState{Address: "127.0.0.1:3306", Flavour: "mysql", Version: "9.0", Identity: "uuid", User: "root"},
		Tables: []restore.TableState{
			{Name: "orders", Exists: true, InBackup: true, Rows: 2, BackupRows: 3},
			{Name: "later", Exists: true},
		},
		Disk: restore.Disk{Known: true, Free: 1 << 40, SaveFree: 1 << 40},
	}
}

// TestOneWhoGoesWithoutTheEmergencyBackupNeedsNoSpaceForIt: else no restore is possible while the
// backup folder is full.
func TestOneWhoGoesWithoutTheEmergencyBackupNeedsNoSpaceForIt(t *testing.T) {
	for name, c := range map[string]struct {
		unsaved bool
		fetch   int64
		blocks  bool
	}{
		"as always":          {blocks: true},
		"without it":         {unsaved: true},
		"something to fetch": {unsaved: true, fetch: 50 << 10, blocks: true},
	} {
		a := looked()
		a.Disk.SaveFree, a.Disk.NeedSave, a.Disk.NeedFetch = 40<<10, 69<<10, c.fetch
		choice := restore.Choice{Unsaved: c.unsaved}
		p := restore.Draft("r", planned, choice, restore.Settings{}, full(1000, 500), "shop", a)
		told, blocks := false, false
		for _, f := range p.Findings {
			if strings.HasPrefix(f.What.String(), "no space for the") {
				told, blocks = true, f.Blocks
			}
		}
		if !told || blocks != c.blocks {
			t.Errorf("%s: told %v, blocks %v", name, told, blocks)
		}
	}
}

// TestWhatWouldVanishOrShrinkStopsThePlan judges backups with less than the live database,
// in both modes.
func TestWhatWouldVanishOrShrinkStopsThePlan(t *testing.T) {
	for name, c := range map[string]struct {
		src    restore.Source
		tables []string
		accept []string
		want   string // tables that stop the plan
	}{
		"an archive without manifest": {src: restore.Source{Inspected: true,
			Contents: []restore.SourceTable{{Name: "audit_logs", Rows: 900}}}, want: "orders customers"},
		"all accepted": {src: restore.Source{Inspected: true,
			Contents: []restore.SourceTable{{Name: "audit_logs", Rows: 900}}}, accept: []string{"orders", "customers"}},
		"some accepted": {src: restore.Source{Inspected: true,
			Contents: []restore.SourceTable{{Name: "audit_logs", Rows: 900}}}, accept: []string{"orders"},
			want: "customers"},
		"nobody knows what it holds": {src: restore.Source{Untold: restore.RawNote("torn")}, want: "?"},
		"far fewer rows":             {src: full(1000, 9), want: "orders"},
		"definitions only":           {src: noData(), want: "audit_logs orders customers"},
		"filtered rows":              {src: filtered(), tables: []string{"orders"}, want: "orders"},
		"filtered rows, accepted":    {src: filtered(), accept: []string{"orders"}, tables: []string{"orders"}},
		"an empty key table":         {src: full(0, 500), want: "customers"},
		"as good as the live one":    {src: full(1000, 500)},
	} {
		for _, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				a := looked()
				a.Tables = []restore.TableState{
					{Name: "audit_logs", Exists: true, Rows: 1000},
					{Name: "orders", Exists: true, Rows: 600},
					{Name: "customers", Exists: true, Rows: 3},
					{Name: "drafts", Exists: true}, // empty: it cannot shrink
				}
				if c.src.Manifest {
					c.src.Tables = append(slices.Clone(c.src.Tables),
						restore.SourceTable{Name: "drafts", Checksum: "0"})
				} else {
					c.src.Contents = append(slices.Clone(c.src.Contents), restore.SourceTable{Name: "drafts"})
				}
				c.src.State, c.src.Consistent = "good", true
				p := restore.Draft(
					"20260129-120000-0001",
					planned,
					restore.Choice{Mode: mode, Tables: c.tables, Accept: c.accept},
					restore.Settings{Verify: restore.Checks{KeyTables: []string{"customers"}}},
					c.src,
					"sales",
					a,
				)
				var stops []string
				for _, g := range p.OpenGaps() {
					stops = append(stops, g.Table)
				}
				if c.want != "?" && strings.Join(stops, " ") != c.want {
					t.Errorf("stopped by %q, want %q", stops, c.want)
				}
				if p.Blocked() != (c.want != "") {
					t.Errorf("blocked %v: %+v", p.Blocked(), p.Findings)
				}
			})
		}
	}
}

func full(customers, orders int64) restore.Source {
	return restore.Source{
		Manifest: true,
		Tables: []restore.SourceTable{
			{Name: "audit_logs", Rows: 900, Checksum: "a"},
			{Name: "orders", Rows: orders, Checksum: "b"},
			{Name: "customers", Rows: customers, Checksum: "c"},
		},
	}
}

func filtered() restore.Source {
	return restore.Source{
		Manifest: true,
		Partial:  true,
		Where:    "id<599",
		Tables:   []restore.SourceTable{{Name: "orders", Rows: 598, Checksum: "b"}},
	}
}

func noData() restore.Source {
	return restore.Source{
		Manifest: true,
		NoData:   true,
		Partial:  true,
		Tables:   []restore.SourceTable{{Name: "audit_logs"}, {Name: "orders"}, {Name: "customers"}},
	}
}

// TestANoteKeepsItsNumbers renders a sentence with %d after it was stored in a journal.
func TestANoteKeepsItsNumbers(t *testing.T) {
	note := restore.N(lang.M("%d of %s", 180412, restore.N(lang.M("step %d", restore.Step(3)))))
	text, err := json.Marshal(note)
	if err != nil {
		t.Fatal(err)
	}
	var back restore.Note
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for _, n := range []restore.Note{note, back} {
		if got := n.Msg.String(); got != "180412 of step 3" {
			t.Errorf("%q", got)
		}
	}
}
