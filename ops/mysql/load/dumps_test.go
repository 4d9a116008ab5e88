package load

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"opsdeck/internal/testdb"
)

var dumps = map[string]string{
	"mysqldump57.sql": "MySQL dump",
	"phpmyadmin.sql":  "phpMyAdmin SQL Dump",
	"mariadb11.sql":   "MariaDB dump",
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../testdata/dumps", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDumpsOfOtherToolsAreLoaded(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name := range dumps {
			schema := s.Schema(t)
			r := mustRun(
				t,
				s,
				source(t, fixture(t, name)),
				Options{Schema: schema, From: "qianzhang_sales", Definer: DefinerCurrent},
			)
			if r.Rows != 2 || len(r.Tables) != 1 || r.Objects < 3 {
				t.Errorf("%s: %+v", name, r)
			}
			db := s.Open(t, schema)
			var id int
			var text string
			if err := db.QueryRow("SELECT id, CONCAT_WS('|', name, note) FROM customers WHERE id IN (SELECT id FROM "+
				"v) ORDER BY id LIMIT 1").Scan(&id, &text); err != nil ||
				text != `千张|it's; USE mysql; -- \` {
				t.Errorf("%s: %q %v", name, text, err)
			}
			if _, err := db.Exec("INSERT INTO customers (name) VALUES ('new')"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := db.QueryRow("SELECT id, name FROM customers ORDER BY id DESC LIMIT 1").Scan(&id, &text); err != nil ||
				id != 3 ||
				text != "NEW" {
				t.Errorf("%s: trigger and counter: %d %q %v", name, id, text, err)
			}
		}
	})
}

func TestInspectTellsWhatIsInADump(t *testing.T) {
	for name, tool := range dumps {
		c, err := Inspect(context.Background(), source(t, fixture(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		if c.Tool != tool || !c.Complete || c.Database != "qianzhang_sales" || len(c.Definers) != 1 ||
			c.Definers[0] != "root@localhost" {
			t.Errorf("%s: %+v", name, c)
		}
		schema := c.Schemas[len(c.Schemas)-1]
		if len(schema.Tables) != 1 || schema.Tables[0].Name != "customers" || schema.Tables[0].Rows != 2 ||
			len(schema.Objects) != 3 {
			t.Errorf("%s: %+v", name, schema)
		}
		cut := fixture(t, name)
		if c, err = Inspect(context.Background(), source(t, cut[:len(cut)-300])); err == nil && c.Complete {
			t.Errorf("%s: cut, and called complete", name)
		}
	}
	c, err := Inspect(context.Background(), source(t, fixture(t, "mysqldump57.sql")))
	if err != nil || len(c.Outside) != 1 || !strings.Contains(c.Outside[0], "GTID_PURGED") || c.Completed.Hour() != 2 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestEveryCompressionIsKnownByItsFirstBytes(t *testing.T) {
	text := fixture(t, "mariadb11.sql")
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"x.sql": text, "x.sql.zst": enc.EncodeAll(text, nil)} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if c, err := Inspect(context.Background(), src); err != nil || !c.Complete || c.RawBytes != int64(len(text)) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
	}
}
