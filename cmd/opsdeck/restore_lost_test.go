package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// later is what people did after the backup: new rows in tables with and
// without a time column, a changed row, a new table, audit rows.
var later = []string{
	"INSERT INTO orders (customer_id, amount) VALUES (1, 77)",
	"INSERT INTO ar_invoices (total) VALUES (8), (9)", "INSERT INTO tags (name) VALUES ('a')",
	"UPDATE products SET price = 5.25 WHERE id = 1",
	"INSERT INTO products (name, weight, image) VALUES ('新品', 0.1, x'00ff27')",
	"CREATE TABLE made_later (id INT PRIMARY KEY, note VARCHAR(20)) DEFAULT CHARSET=utf8mb4",
	"INSERT INTO made_later VALUES (1, 'it''s\\n')",
	"INSERT INTO audit_logs (user_id, action, resource_type, resource_id) VALUES (7, 'CREATE', 'ORDER', '3'), (7, 'UPDATE', 'PRODUCT', '1'), (9, 'CREATE', 'ORDER', '4')",
}

// withHistory adds tables whose rows tell their age to a site.
func (s *site) withHistory() {
	s.db.Exec(s.t, s.live,
		"CREATE TABLE products (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40), price DECIMAL(8,2), weight FLOAT, image BLOB, twice DECIMAL(10,2) GENERATED ALWAYS AS (price * 2) STORED, created_at DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6), updated_at DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)) DEFAULT CHARSET=utf8mb4",
		"INSERT INTO products (name, price, weight, created_at, updated_at) VALUES ('豆腐', 3.5, 0.25, '2026-01-01', '2026-01-01')",
		"CREATE TABLE tags (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(9))",
		"CREATE TABLE audit_logs (id BIGINT PRIMARY KEY AUTO_INCREMENT, user_id BIGINT, action VARCHAR(50), resource_type VARCHAR(50), resource_id VARCHAR(100), created_at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))",
		"INSERT INTO audit_logs (user_id, action, resource_type, resource_id, created_at) VALUES (1, 'LOGIN', 'USER', '1', '2026-01-01')")
}

// What a restore loses is told before it, exported, and can be replayed after
// it: then nothing is lost.
func TestWhatARestoreLosesCanBeReplayed(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.withHistory()
		s.must("backup", "create")
		db.Exec(t, s.live, later...)
		before := s.dump()

		var told struct {
			Tables []struct {
				Table          string
				Newer, Changed int64
				Estimate       bool
				Vanishes       bool
			}
			Users, Resources, Unseen []string
		}
		if err := json.Unmarshal([]byte(s.must("restore", "lost", "--json").out), &told); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, x := range told.Tables {
			got[x.Table] = fmt.Sprint(x.Newer, x.Changed, x.Estimate, x.Vanishes)
		}
		want := map[string]string{"orders": "1 0 false false", "ar_invoices": "2 0 true false", "products": "1 1 false false", "made_later": "1 0 false true", "audit_logs": "3 0 false false", "tags": "1 0 true false"}
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(told.Users) != "[7 (2) 9 (1)]" || len(told.Resources) != 3 {
			t.Fatalf("told %v\nwant %v\n%v %v", got, want, told.Users, told.Resources)
		}

		if want := "[ar_invoices customers orders tags]"; fmt.Sprint(told.Unseen) != want {
			t.Errorf("changed rows cannot be seen in %v, want %s", told.Unseen, want)
		}

		dir := filepath.Join(s.dir, "lost")
		s.must("restore", "--confirm", s.live, "--export-lost", dir)
		files, _ := filepath.Glob(filepath.Join(dir, "*.sql"))
		if len(files) != 6 {
			t.Fatalf("exported %v", files)
		}
		if report := s.must("restore", "report").out; !strings.Contains(report, "lost.json") {
			t.Errorf("the report names no export:\n%s", report)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			db.Client(t, s.live, bytes.NewReader(text))
		}
		sameDump(t, before, s.dump())
		if o := s.run("restore", "lost", "--export", dir); o.code != 64 || !strings.Contains(o.err, "is not empty") {
			t.Fatalf("into a folder in use: exit %d\n%s", o.code, o.err)
		}
	})
}
