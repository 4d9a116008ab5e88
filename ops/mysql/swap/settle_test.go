package swap_test

import (
	"context"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// TestAHalfExchangeIsTakenBackAndCanGoOn makes the swap fail after its RENAME: the old
// state comes back, the load is kept, and a later try restores the backup.
func TestAHalfExchangeIsTakenBackAndCanGoOn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		db.Exec(t, f.live, damage...)
		damaged := f.dump()
		p := f.plan(restore.Swap)
		f.loadAndVerify(p)
		db.Exec(
			t,
			p.Shadow,
			"CREATE TABLE passing (id INT)",
			"CREATE VIEW on_it AS SELECT * FROM passing",
			"DROP TABLE passing",
		)
		if _, err := f.server.Exchange.Swap(ctx, p, f.folder, nil); err == nil {
			t.Fatal("the exchange did not fail")
		}
		if _, err := f.server.Exchange.Settle(ctx, p, f.folder); err != nil {
			t.Fatal(err)
		}
		same(t, damaged, f.dump())
		for range 2 {
			if _, err := f.server.Exchange.Settle(ctx, p, f.folder); err != nil {
				t.Fatal(err)
			}
		}
		now, err := f.server.Surveyor.Present(ctx, p, nil)
		if err != nil || !now.SchemaThere || now.State("later") != "rows" || now.State("log") != "missing" {
			t.Fatalf("%+v, %v", now, err)
		}
	})
}

// TestAnAbsentSchemaIsMadeAndTakenBack swaps into a database that does not exist, and
// back.
func TestAnAbsentSchemaIsMadeAndTakenBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		ctx := context.Background()
		f := newField(t, db)
		db.Exec(t, "", "DROP DATABASE `"+f.live+"`")
		defer db.Exec(t, "", "CREATE DATABASE IF NOT EXISTS `"+f.live+"`")
		p := f.plan(restore.Swap)
		f.loadAndVerify(p)
		if now, err := f.server.Surveyor.Present(ctx, p, nil); err != nil || now.SchemaThere {
			t.Fatalf("%+v, %v", now, err)
		}
		if _, err := f.server.Exchange.Swap(ctx, p, f.folder, nil); err != nil {
			t.Fatal(err)
		}
		same(t, f.good, f.dump())
		if _, err := f.server.Exchange.Settle(ctx, p, f.folder); err != nil {
			t.Fatal(err)
		}
		if now, err := f.server.Surveyor.Present(ctx, p, nil); err != nil || now.SchemaThere {
			t.Fatalf("%+v, %v", now, err)
		}
		if _, err := f.server.Exchange.Swap(ctx, p, f.folder, nil); err != nil {
			t.Fatal(err)
		}
		same(t, f.good, f.dump())
	})
}
