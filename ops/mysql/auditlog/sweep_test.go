package auditlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// sweeping has a table of some hundred rows swept in small strides.
func sweeping(o *Options) { o.MaxRows = 100 }

// sweptKeys reads all pages of a query with leave, and how far each was said to be.
func sweptKeys(t *testing.T, s *Source, query string, limit int) (keys []string, told []audit.Looked) {
	t.Helper()
	f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	req := audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: limit}
	var much *audit.TooMuchError
	if _, err := s.Page(context.Background(), req); !errors.As(err, &much) {
		t.Fatalf("%q was not asked for first: %v", query, err)
	}
	req.Leave, req.Seen = true, func(n audit.Looked) { told = append(told, n) }
	for {
		p, err := s.Page(context.Background(), req)
		if err != nil || p.Strategy != audit.SortTable {
			t.Fatalf("%q: %v %v", query, p.Strategy, err)
		}
		for _, r := range p.Rows {
			keys = append(keys, r.Key)
		}
		if !p.More {
			return keys, told
		}
		if req.Before, err = s.Layout().ParseCursor(s.Layout().Cursor(p.Next)); err != nil {
			t.Fatal(err)
		}
	}
}

// No integer leads to the rows, and no index on time: each page goes through
// the table by its key, in whatever order times stand there.
func TestATableThatNothingOrdersIsSweptByItsKey(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		for _, name := range []string{"char without an index on time", "uuid+time"} {
			t.Run(name, func(t *testing.T) {
				schema := srv.Schema(t)
				fillKeyed(t, srv, schema, name, 700)
				srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
				s, db := open(t, srv, schema, sweeping), utc(t, srv, schema)
				s.r.sweepRows = 90
				for _, q := range []asked{{"", "TRUE"}, {"-user:2", "user_id <> 2"},
					{"since:2026-01-01T00:05:00Z until:2026-01-01T00:30:00Z", "created_at >= '2026-01-01 00:05:00' " +
						"AND created_at < '2026-01-01 00:30:00'"},
					{"action:DELETE until:2026-01-01T00:20:00Z", "action = 'DELETE' AND created_at < '2026-01-01 " +
						"00:20:00'"}} {
					got, told := sweptKeys(t, s, q.query, 60)
					if want := keysByPlainSQL(t, db, name, q.sql); !slices.Equal(got, want) {
						t.Fatalf("%q gives %d rows, plain SQL %d:\n%q\n%q", q.query, len(got), len(want), got, want)
					}
					if len(told) < 8 || told[0].Rows != 90 || told[0].Of < 300 || told[7].Rows < told[7].Of {
						t.Fatalf("%q: said to be at %+v", q.query, told)
					}
				}
			})
		}
	})
}

func TestASweepEndsWhenItIsCancelled(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		fillKeyed(t, srv, schema, "char without an index on time", 400)
		srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
		s := open(t, srv, schema, sweeping)
		s.r.sweepRows = 20
		ctx, cancel := context.WithCancel(context.Background())
		told := 0
		req := audit.PageRequest{Before: audit.Newest(), Limit: 10, Leave: true, Seen: func(audit.Looked) {
			if told++; told == 2 {
				cancel()
			}
		}}
		if _, err := s.Page(ctx, req); !errors.Is(err, context.Canceled) || told != 2 {
			t.Fatalf("told %d times: %v", told, err)
		}
		if p, err := s.Page(context.Background(), req); err != nil || len(p.Rows) != 10 {
			t.Fatalf("the next page: %d rows, %v", len(p.Rows), err)
		}
	})
}

// The documented shape has no index on resources either.
func TestALifeThatNoIndexLeadsToIsSwept(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["documented"])
		fill(t, srv, schema, "documented", 3000, 17)
		srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
		s, db := open(t, srv, schema, sweeping), utc(t, srv, schema)
		s.r.sweepRows = 500
		var much *audit.TooMuchError
		if _, err := s.Trace(context.Background(), "ORDER", "7", false, nil); !errors.As(err, &much) {
			t.Fatalf("not asked for first: %v", err)
		}
		told := 0
		life, err := s.Trace(context.Background(), "ORDER", "7", true, func(p ops.Progress) { told++ })
		want := model(t, db, "resource_type = 'ORDER' AND resource_id = 7")
		slices.Reverse(want)
		if err != nil || len(want) == 0 || fmt.Sprint(ids(life.Timeline)) != fmt.Sprint(want) || told < 6 {
			t.Fatalf("told %d times, %v:\n%v\n%v", told, err, ids(life.Timeline), want)
		}
	})
}
