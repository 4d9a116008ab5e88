package binlog

import (
	"strings"
	"testing"
	"time"

	_ "opsdeck/internal/testenv"
)

const uuid = "00000000-0000-0000-0000-00000000000a"

func TestGTIDsAreReadAndJoined(t *testing.T) {
	for text, want := range map[string]string{
		uuid + ":1-5:6:9":               uuid + ":1-6:9",
		uuid + ":3," + uuid + ":1-2":    uuid + ":1-3",
		uuid + ":1:tag:5-7":             uuid + ":1:tag:5-7",
		strings.ToUpper(uuid) + ":1-2 ": uuid + ":1-2",
		"0-1-100,3-2-7":                 "0-1-100,3-2-7",
		"":                              "",
	} {
		got, err := ParseGTIDs(text)
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v", text, got.String(), err)
		}
	}
	for _, text := range []string{"x", uuid, uuid + ":0", uuid + ":a-b", "1-2", "1-2-x"} {
		if got, err := ParseGTIDs(text); err == nil {
			t.Errorf("%q is %q", text, got.String())
		}
	}
	a, _ := ParseGTIDs(uuid + ":1-5:8-10")
	for text, want := range map[string]bool{uuid + ":2-4": true, uuid + ":4-8": false, uuid + ":9": true, uuid +
		":t:1": false} {
		b, _ := ParseGTIDs(text)
		if a.Contains(b) != want {
			t.Errorf("contains %s: %v", text, !want)
		}
	}
}

func segment(file string, next string, hour int) *Segment {
	at := time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC)
	return &Segment{
		File:      file,
		Next:      next,
		FromPos:   4,
		ToPos:     100,
		FromTime:  at,
		ToTime:    at.Add(50 * time.Minute),
		SizeBytes: 10,
	}
}

func TestGapsAreFoundAndNothingIsRetiredOutOfOrder(t *testing.T) {
	a, b, c := segment("b.000001", "b.000002", 1), segment("b.000002", "b.000003", 2), segment("b.000004", "", 4)
	c.Open = true
	spans, gaps := Spans([]*Segment{a, b, c})
	if len(spans) != 2 || spans[0].Files != 2 || len(gaps) != 1 || gaps[0].Reason != Missing ||
		gaps[0].FromFile != "b.000002" {
		t.Fatalf("%+v\n%+v", spans, gaps)
	}
	backup := time.Date(2026, 1, 1, 3, 55, 0, 0, time.UTC)
	if gone := Retire([]*Segment{a, b, c}, backup, nil); len(gone) != 2 {
		t.Errorf("%d retired, want 2", len(gone))
	}
	if gone := Retire([]*Segment{a, b, c}, backup, &Position{File: "b.000001"}); len(gone) != 0 {
		t.Error("the file in which the backup stands is retired")
	}
	if gone := Retire([]*Segment{a, b, c}, time.Time{}, nil); gone != nil {
		t.Error("without a backup something is retired")
	}
	a.ToTime = time.Time{}
	if gone := Retire([]*Segment{a, b, c}, backup, nil); gone != nil {
		t.Error("a gap would be made")
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	for _, sql := range []string{
		"CREATE USER 'a'@'%' IDENTIFIED BY 'Gehe1m'", "CREATE USER a IDENTIFIED WITH 'caching_sha2_password' AS " +
			"'Gehe1m'",
		"ALTER USER a IDENTIFIED BY \"Gehe1m\" REPLACE 'Gehe1m2'", "SET PASSWORD FOR a = PASSWORD('Gehe1m')",
		"GRANT ALL ON *.* TO a IDENTIFIED BY PASSWORD '*Gehe1m'",
		"CHANGE MASTER TO MASTER_USER='r', MASTER_PASSWORD='Gehe1m'", "CREATE SERVER s FOREIGN DATA WRAPPER mysql " +
			"OPTIONS (USER 'u', PASSWORD 'Gehe1m')",
		"/* x */ create or replace user a identified via mysql_native_password using 'Gehe1m'",
	} {
		if got := Hide(sql); strings.Contains(got, "Gehe1m") {
			t.Errorf("%s", got)
		}
	}
	for _, sql := range []string{"UPDATE users SET name='x' WHERE id=1", "ALTER TABLE t ADD password VARCHAR(50) " +
		"NOT NULL"} {
		if got := Hide(sql); got != sql {
			t.Errorf("%q becomes %q", sql, got)
		}
	}
}

func TestNetIsWhatBecameOfEachRow(t *testing.T) {
	table := &Table{Name: "t"}
	row := func(id, v string) []Value { return []Value{{Text: []byte(id)}, {Text: []byte(v)}} }
	var n Net
	for _, c := range []RowChange{
		{Table: table, After: row("1", "a")}, {Table: table, Before: row("1", "a"), After: row("1", "b")}, // inserted
		{Table: table, Before: row("2", "a"), After: row("3", "a")},
		{Table: table, Before: row("3", "a"), After: row("3", "c")},                 // moved
		{Table: table, After: row("4", "a")}, {Table: table, Before: row("4", "a")}, // inserted and deleted again
		{Table: table, Before: row("5", "a")}, {Table: table, After: row("5", "z")}, // replaced
		{Table: table, Before: row("6", "a")}, // deleted
	} {
		if err := n.Add(c, []int{0}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]Verb{}
	for _, r := range n.Rows() {
		image := r.After
		if image == nil {
			image = r.Before
		}
		got[string(image[0].Text)] = r.Undo()
	}
	want := map[string]Verb{"1": Delete, "3": Update, "5": Update, "6": Insert}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s, want %s", k, got[k], v)
		}
	}
	if err := n.Add(RowChange{Table: table, After: row("1", "a")}, nil); err == nil {
		t.Error("a table without a key is taken")
	}
}
