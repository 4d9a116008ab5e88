package auditlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/audit"
)

func TestALargeReadIsAskedForFirst(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 3000, 9)
		srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
		s := open(t, srv, schema, func(o *Options) { o.MaxRows = 100 })
		f := audit.Filter{
			Terms: []audit.Term{{Op: audit.Is, Field: audit.Action, Any: []audit.Match{audit.Exactly("DELETE")}}},
		}
		var much *audit.TooMuchError
		_, err := s.Stats(context.Background(), audit.StatsRequest{Filter: f}, false, nil)
		if !errors.As(err, &much) || much.Estimate.Rows < 2000 || much.Estimate.Key != "PRIMARY" ||
			!strings.Contains(much.Index, "(`action`, `created_at`)") {
			t.Fatalf("got %+v", err)
		}
		if _, err = s.Stats(context.Background(), audit.StatsRequest{Filter: f}, true, nil); err != nil {
			t.Fatal(err)
		}
		// A search that finds little stops there, and goes on from its cursor.
		f.Terms[0].Any[0] = audit.Exactly("NEVER")
		req := audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: 10}
		pages := 0
		for {
			p, err := s.Page(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			if pages++; !p.More {
				break
			}
			if !p.Partial || len(p.Rows) > 0 {
				t.Fatalf("%+v", p)
			}
			req.Before = p.Next
		}
		if pages < 2 {
			t.Fatal("the bound was never met")
		}
	})
}

func TestABillionRowsAreAskedForBeforeTheirOrderIsLearnt(t *testing.T) {
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	fill(t, srv, schema, "current", 50, 9)
	s := open(t, srv, schema)
	s.r.rows = 1_000_000_000 // as a huge table's statistics would say
	_, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 10})
	var unproved *audit.UnprovedError
	if !errors.As(err, &unproved) || unproved.Rows != 1_000_000_000 {
		t.Fatalf("got %v", err)
	}
	p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 10, Unproved: true})
	if err != nil || !p.Unproved || len(p.Rows) != 10 {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestAConditionThatCannotBeTrueGivesNothing(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		s := open(t, srv, schema, func(o *Options) { o.MaxRows = 10 })
		for _, q := range []string{"id:5 id:6", "resource:ORDER:1 resource:ORDER:2", "user:1 user:2"} {
			if got, _ := readAll(t, s, q, 10); len(got) != 0 || s.r.can.explain == "" {
				t.Errorf("%s gives %v, notes %v", q, got, s.Notes())
			}
		}
	})
}

func TestWhatWouldBeSortedIsAskedForFirst(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		fillKeyed(t, srv, schema, "char without an index on time", 400)
		srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
		s := open(t, srv, schema, func(o *Options) { o.MaxRows = 100 })
		req := audit.PageRequest{Before: audit.Newest(), Limit: 10}
		_, err := s.Page(context.Background(), req)
		var much *audit.TooMuchError
		if !errors.As(err, &much) || much.Estimate.Rows < 200 || much.Estimate.Key != "" || !much.Estimate.Sorts ||
			much.Index != "ALTER TABLE `audit_logs` ADD INDEX (`created_at`)" {
			t.Fatalf("got %+v", err)
		}
		req.Leave = true
		if p, err := s.Page(context.Background(), req); err != nil || len(p.Rows) != 10 {
			t.Fatalf("%d rows: %v", len(p.Rows), err)
		}
	})
}

func TestATableWithoutOrderIsScannedWithProgress(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 5000, 14)
		srv.Exec(
			t,
			schema,
			"SET time_zone='+00:00'; UPDATE audit_logs SET created_at = TIMESTAMP('2026-01-01') + INTERVAL id * "+
				"7919 % 100003 SECOND WHERE created_at IS NOT NULL",
		)
		s, db := open(t, srv, schema, func(o *Options) { o.MaxRows = 1000 }), utc(t, srv, schema)
		s.order.zones.Size = 512
		req := audit.PageRequest{Before: audit.Newest(), Limit: 40}
		var much *audit.TooMuchError
		if _, err := s.Page(context.Background(), req); !errors.As(err, &much) || much.Estimate.Rows < 4000 {
			t.Fatalf("got %v", err)
		}
		told := 0
		req.Leave, req.Seen = true, func(audit.Looked) { told++ }
		var got []int64
		for range 3 {
			p, err := s.Page(context.Background(), req)
			if err != nil || p.Strategy != audit.ZoneOrder {
				t.Fatalf("%v %v", p.Strategy, err)
			}
			got, req.Before = append(got, ids(p.Rows)...), p.Next
		}
		if want := model(t, db, "TRUE")[:120]; fmt.Sprint(got) != fmt.Sprint(want) || told < 9 {
			t.Fatalf("told %d times:\n%v\n%v", told, got, want)
		}
	})
}
