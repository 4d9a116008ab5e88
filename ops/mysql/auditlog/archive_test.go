package auditlog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/load"
)

// old puts rows of last year before those that fill makes, some between them.
func old(t testing.TB, srv *testdb.Server, schema string, n int) {
	t.Helper()
	for i := range n {
		at := time.Date(2025, 12, 31, 23, 59, 59, 999999000, time.UTC).Add(-time.Duration(i) * time.Hour)
		srv.Exec(
			t,
			schema,
			fmt.Sprintf(
				`SET time_zone='+00:00'; INSERT INTO audit_logs (user_id, action, resource_type, resource_id, created_at)
			VALUES (1, 'OLD', '张三 \\ ''x''\n', '%d', '%s')`,
				i,
				at.Format("2006-01-02 15:04:05.000000"),
			),
		)
	}
}

func plan(t testing.TB, s *Source, dir string) YearPlan {
	t.Helper()
	p, err := s.Years().Plan(context.Background(), 2025, time.UTC, dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestScratchNamesOfTwoArchivesDiffer(t *testing.T) {
	if a, b := scratchName("shop_a", "b"), scratchName("shop", "a_b"); a == b {
		t.Errorf("both are %s", a)
	}
}

func TestAYearIsArchivedDeletedAndLoadedAgain(t *testing.T) {
	eachShape(t, func(t *testing.T, srv *testdb.Server, schema, shape string) {
		fill(t, srv, schema, shape, 2500, 7)
		old(t, srv, schema, 30) // with higher ids than the rows of this year
		s := open(t, srv, schema)
		s.order.zones.Size = 128
		db := utc(t, srv, schema)
		const cond = "created_at >= '2025-01-01' AND created_at < '2026-01-01'"
		want := model(t, db, cond)
		left := model(t, db, "NOT ("+cond+") OR created_at IS NULL")
		dir := t.TempDir()
		p := plan(t, s, dir)
		if p.Rows != int64(len(want)) || p.File != filepath.Join(dir, "audit_logs_2025.sql.gz") {
			t.Fatalf("planned %+v, the year has %d rows", p, len(want))
		}
		made, err := s.Years().Make(context.Background(), p, "test", nil)
		if err != nil || !made.Made || made.Rows != int64(len(want)) {
			t.Fatalf("%+v %v", made, err)
		}
		var inside []int64
		_, page, err := s.Years().archive(p.File).
			Page(context.Background(), func(l *audit.Layout) (audit.Filter, audit.Pos, error) {
				return audit.Filter{}, audit.Newest(), nil
			}, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		inside = ids(page.Rows)
		if fmt.Sprint(inside) != fmt.Sprint(want) {
			t.Fatalf("the archive lists %v, the table had %v", inside, want)
		}
		// A row that changed after it was archived stays, and is told.
		srv.Exec(t, schema, fmt.Sprintf("UPDATE audit_logs SET action = 'CHANGED' WHERE id = %d", want[0]))
		d, err := s.Years().Delete(context.Background(), p.File, 0, nil)
		if err != nil || d.Rows != int64(len(want)-1) || d.Differs != 1 {
			t.Fatalf("%+v %v", d, err)
		}
		if got := model(t, db, "TRUE"); len(got) != len(left)+1 {
			t.Fatalf("%d rows are left, want %d", len(got), len(left)+1)
		}
		// Again: it passes over what is gone.
		if d, err = s.Years().Delete(context.Background(), p.File, 0, nil); err != nil || d.Rows != 0 ||
			d.Gone != int64(len(want)-1) {
			t.Fatalf("%+v %v", d, err)
		}
		n, err := s.Years().Load(context.Background(), LoadArchive{Path: p.File, As: "audit_logs_2025"})
		if err != nil || n != int64(len(want)) {
			t.Fatalf("%d %v", n, err)
		}
		var back int64
		if err := db.QueryRow("SELECT COUNT(*) FROM audit_logs_2025").Scan(&back); err != nil || back != n {
			t.Fatalf("%d rows beside the table: %v", back, err)
		}
		if _, err := s.Years().Load(context.Background(), LoadArchive{Path: p.File, As: "audit_logs_2025"}); ops.CodeOf(
			err,
		) != ops.Usage {
			t.Fatalf("a taken name gave %v", err)
		}
	})
}

func TestNothingIsDeletedForAnUnsoundArchive(t *testing.T) {
	srv := testdb.MySQL(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	old(t, srv, schema, 20)
	s := open(t, srv, schema)
	p := plan(t, s, t.TempDir())
	if _, err := s.Years().Make(context.Background(), p, "test", nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(p.File)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(p.File, data, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Exists = true
	if _, err := s.Years().Make(context.Background(), p, "test", nil); err == nil {
		t.Fatal("a flipped bit passed")
	}
}

// TestADeletionThatReachesOtherTablesIsRefused: a foreign key deletes their rows with it.
func TestADeletionThatReachesOtherTablesIsRefused(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		other := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"], "CREATE TRIGGER told AFTER DELETE ON audit_logs FOR EACH ROW SET @n = 1")
		old(t, srv, schema, 1)
		srv.Exec(t, other, "CREATE TABLE att (id INT PRIMARY KEY, aid BIGINT, FOREIGN KEY (aid) REFERENCES "+
			schema+".audit_logs (id) ON DELETE CASCADE)")
		y := open(t, srv, schema).Years()
		triggers, err := y.Beside(t.Context())
		if err != nil || len(triggers) != 1 || triggers[0] != "told" {
			t.Fatalf("%v, %v", triggers, err)
		}
		srv.Exec(t, other, "INSERT INTO att SELECT 1, MIN(id) FROM "+schema+".audit_logs")
		if _, err := y.Beside(t.Context()); err == nil || !strings.Contains(err.Error(), other+".att") {
			t.Errorf("%v", err)
		}
	})
}

func TestABrokenDeletionGoesOnExactly(t *testing.T) {
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	srv.Exec(
		t,
		schema,
		`SET time_zone='+00:00'; INSERT INTO audit_logs (action, resource_type, created_at) SELECT 'X', 'Y', TIMESTAMP('2025-06-01') + INTERVAL seq SECOND FROM seq_1_to_3000`,
	)
	s := open(t, srv, schema)
	p := plan(t, s, t.TempDir())
	if _, err := s.Years().Make(context.Background(), p, "test", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	first, err := s.Years().Delete(ctx, p.File, 0, func(r ops.Progress) {
		if r.Done >= 1000 {
			cancel()
		}
	})
	if err == nil || first.Rows != 1000 {
		t.Fatalf("%+v %v", first, err)
	}
	second, err := s.Years().Delete(context.Background(), p.File, 0, nil)
	if err != nil || second.Rows != 2000 || second.Gone != 1000 {
		t.Fatalf("%+v %v", second, err)
	}
}

// A load that was broken off at any place goes on there; what stands in the scratch schema is
// verified, and nothing of it stays.
func TestABrokenLoadOfAnArchiveGoesOn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(
			t,
			schema,
			shapes["current"],
			"CREATE TRIGGER audit_bi BEFORE INSERT ON audit_logs FOR EACH ROW SET NEW.http_method = "+
				"COALESCE(NEW.http_method, 'X')",
		)
		old(t, srv, schema, 25)
		s := open(t, srv, schema)
		p := plan(t, s, t.TempDir())
		if _, err := s.Years().Make(context.Background(), p, "test", nil); err != nil {
			t.Fatal(err)
		}
		src, err := load.Open(p.File)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		scratch := scratchName(schema, "audit_old")
		if _, err := load.Run(context.Background(), target(srv), src,
			load.Options{Schema: scratch, Tables: []string{"audit_logs"}}); err != nil {
			t.Fatal(err)
		}
		// Broken off while the rows are copied beside the live table.
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, err = s.Years().Load(ctx, LoadArchive{Path: p.File, As: "audit_old", batch: 10,
			Report: func(r ops.Progress) {
				if r.Phase == "copy" {
					cancel()
				}
			}})
		var begun int
		if e := utc(t, srv, schema).QueryRow("SELECT COUNT(*) FROM " + scratchName("loading", "audit_old")).
			Scan(&begun); e != nil || err == nil || begun != 10 {
			t.Fatalf("%d rows were copied: %v %v", begun, err, e)
		}
		whole := LoadArchive{Path: p.File, As: "audit_old", batch: 10}
		if n, err := s.Years().Load(context.Background(), whole); err != nil || n != 25 {
			t.Fatalf("%d %v", n, err)
		}
		left := func() (n int) {
			query := "SELECT (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?) + " +
				"(SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = ?)"
			err := utc(t, srv, "").QueryRow(query, scratch, scratchName("loading", "audit_old")).Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if left() != 0 {
			t.Fatal("the scratch schema or the temporary table is left")
		}
		// Broken off before the scratch schema is dropped.
		if _, err := load.Run(context.Background(), target(srv), src,
			load.Options{Schema: scratch, Tables: []string{"audit_logs"}}); err != nil {
			t.Fatal(err)
		}
		again := LoadArchive{Path: p.File, As: "audit_old"}
		if n, err := s.Years().Load(context.Background(), again); err != nil || n != 25 || left() != 0 {
			t.Fatalf("%d %v, %d left", n, err, left())
		}
		if _, err := s.Years().Load(context.Background(), again); ops.CodeOf(err) != ops.Usage {
			t.Fatalf("a taken name gave %v", err)
		}
		// One that holds other rows is not taken.
		strange := scratchName(schema, "audit_x")
		srv.Exec(
			t,
			"",
			"CREATE DATABASE "+strange,
			"CREATE TABLE "+strange+".audit_logs LIKE "+schema+".audit_logs",
		)
		defer srv.Exec(t, "", "DROP DATABASE "+strange)
		if _, err := s.Years().Load(context.Background(), LoadArchive{Path: p.File, As: "audit_x"}); err == nil ||
			!strings.Contains(err.Error(), "do not match the archive") {
			t.Fatalf("got %v", err)
		}
	})
}

// A row that another transaction changes while it is about to be deleted stays.
func TestARowThatChangesMeanwhileIsNotDeleted(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		old(t, srv, schema, 30)
		s := open(t, srv, schema)
		p := plan(t, s, t.TempDir())
		if _, err := s.Years().Make(context.Background(), p, "test", nil); err != nil {
			t.Fatal(err)
		}
		db := utc(t, srv, schema)
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE audit_logs SET action = 'CHANGED' WHERE id = 7"); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(300 * time.Millisecond)
			_ = tx.Commit()
		}()
		d, err := s.Years().Delete(context.Background(), p.File, 0, nil)
		if err != nil || d.Rows != 29 || d.Differs != 1 || fmt.Sprint(model(t, db, "TRUE")) != "[7]" {
			t.Fatalf("%+v %v", d, err)
		}
	})
}
