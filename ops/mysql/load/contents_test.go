package load_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
)

// TestInspectCountsWhatADumpLeaves: rows before a DROP, TRUNCATE or DELETE are gone,
// temporary tables too, and REPLACE, IGNORE and SELECT leave an unknown number.
func TestInspectCountsWhatADumpLeaves(t *testing.T) {
	dump := `
DROP TABLE IF EXISTS twice; CREATE TABLE twice (a INT); INSERT INTO twice VALUES (1),(2);
DROP TABLE IF EXISTS twice, other; CREATE TABLE twice (a INT); INSERT INTO twice VALUES (3);
CREATE TABLE cut (a INT); INSERT INTO cut VALUES (1); TRUNCATE TABLE cut; INSERT INTO cut VALUES (1),(2);
CREATE TABLE emptied (a INT); INSERT INTO emptied VALUES (1); DELETE FROM emptied;
CREATE TEMPORARY TABLE tmp (a INT); INSERT INTO tmp VALUES (1); DROP TEMPORARY TABLE tmp;
CREATE TABLE again (a INT PRIMARY KEY); REPLACE INTO again VALUES (1),(1);
CREATE TABLE maybe (a INT PRIMARY KEY); INSERT IGNORE INTO maybe VALUES (1),(1);
CREATE TABLE upsert (a INT PRIMARY KEY); INSERT INTO upsert VALUES (1) ON DUPLICATE KEY UPDATE a = 1;
CREATE TABLE plain (a INT, b TEXT); INSERT INTO plain (a, b) VALUES (1, 'x;(),(2'), (2, _binary 0x31);
`
	got, err := load.InspectText(context.Background(), strings.NewReader(dump))
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		name    string
		rows    int64
		inexact bool
	}
	want := []row{{"twice", 1, false}, {"cut", 2, false}, {"emptied", 0, false}, {"again", 2, true},
		{"maybe", 2, true}, {"upsert", 1, true}, {"plain", 2, false}}
	var have []row
	for _, x := range load.HeldTables(got, "") {
		have = append(have, row{x.Name, x.Rows, x.Inexact})
	}
	if !slices.Equal(have, want) {
		t.Errorf("got  %v\nwant %v", have, want)
	}
}

// TestHeldTablesAreOfOneDatabase: what comes before any USE belongs to it too.
func TestHeldTablesAreOfOneDatabase(t *testing.T) {
	c := &backup.DumpContents{Schemas: []backup.DumpSchema{
		{Tables: []backup.DumpTable{{Name: "a", Rows: 1}}},
		{Name: "shop", Tables: []backup.DumpTable{{Name: "a", Rows: 2}, {Name: "b", Rows: 3}}},
		{Name: "other", Tables: []backup.DumpTable{{Name: "c", Rows: 4}}},
	}}
	want := []backup.DumpTable{{Name: "a", Rows: 3}, {Name: "b", Rows: 3}}
	if got := load.HeldTables(c, "shop"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := load.HeldTables(c, ""); len(got) != 3 {
		t.Errorf("of all: %v", got)
	}
}
