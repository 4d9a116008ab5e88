package main

import (
	"encoding/json"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

func TestRescueOfATable(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "ALTER TABLE customers ADD api_token VARCHAR(20) DEFAULT 'hush'")
		good := s.dump()
		s.must("backup", "create")
		db.Exec(t, s.live, "UPDATE customers SET name = '坏\x1b[31m' WHERE id = 2", "DELETE FROM orders WHERE id = 1", "UPDATE orders SET amount = 7 WHERE id = 2", "UPDATE customers SET api_token = 'other' WHERE id = 1")
		damaged := s.dump()

		o := s.must("restore", "rescue", "--table", "customers")
		for _, want := range []string{"0 missing now, 2 changed", "李四 → 坏", "api_token: ••••••"} {
			if !strings.Contains(o.out, want) {
				t.Errorf("no %q in\n%s", want, o.out)
			}
		}
		if strings.Contains(o.out, "\x1b") || strings.Contains(o.out, "hush") {
			t.Errorf("unsafe: %q", o.out)
		}
		var doc rescueJSON
		if err := json.Unmarshal([]byte(s.must("restore", "rescue", "--table", "orders", "--json", "--merge", "all", "--dry-run").out), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Missing != 1 || doc.Changed != 1 || doc.WouldMerge == nil || *doc.WouldMerge != (rescueMerged{1, 1}) || doc.Merged != nil || len(doc.Rows) != 2 ||
			*doc.Rows[1].Columns[0].Backup != "99.00" || *doc.Rows[1].Columns[0].Live != "7.00" {
			t.Errorf("%+v", doc)
		}
		for _, c := range []struct {
			args []string
			code int
		}{
			{[]string{"--merge", "all"}, 64},
			{[]string{"--merge", "all", "--confirm", "other"}, 64},
			{[]string{"--merge", "all", "--confirm", s.live, "--read-only"}, 64},
			{[]string{"--merge", "keys", "--keys", "99", "--confirm", s.live}, 64},
		} {
			if o := s.run(append([]string{"restore", "rescue", "--table", "orders"}, c.args...)...); o.code != c.code {
				t.Errorf("%v: exit %d\n%s", c.args, o.code, o.err)
			}
		}
		sameDump(t, damaged, s.dump())

		s.must("restore", "rescue", "--table", "customers", "--merge", "changed", "--confirm", s.live)
		o = s.must("restore", "rescue", "--table", "orders", "--merge", "keys", "--keys", "1,2", "--confirm", s.live, "--json")
		if err := json.Unmarshal([]byte(o.out), &doc); err != nil || doc.Merged == nil || *doc.Merged != (rescueMerged{1, 1}) {
			t.Errorf("%v %s", err, o.out)
		}
		sameDump(t, good, s.dump())
		if o := s.must("operations"); strings.Count(o.out, "restore.rescue.merge") < 4 {
			t.Errorf("not on record:\n%s", o.out)
		}
		if o := s.must("restore", "rescue", "--table", "orders", "--keep-scratch", "--json"); json.Unmarshal([]byte(o.out), &doc) != nil || !doc.ScratchKept {
			t.Errorf("%s", o.out)
		}
		if got := db.Dump(t, "--compact", doc.Scratch, "orders"); !strings.Contains(string(got), "99.00") {
			t.Errorf("the kept copy: %s", got)
		}
		db.Exec(t, "", "DROP DATABASE `"+doc.Scratch+"`")
	})
}
