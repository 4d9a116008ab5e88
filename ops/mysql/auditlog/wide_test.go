package auditlog

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/audit"
)

// TestOneWideRowHidesNoOther holds a row whose JSON does not fit into the server's
// sort memory (error 1038 of MySQL), in tables of each kind of key.
func TestOneWideRowHidesNoOther(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		t.Run("current", func(t *testing.T) {
			schema := srv.Schema(t)
			srv.Exec(t, schema, shapes["current"])
			fill(t, srv, schema, "current", 300, 5)
			srv.Exec(
				t,
				schema,
				"SET time_zone='+00:00'; INSERT INTO audit_logs (user_id, action, resource_type, resource_id, "+
					"response_data, created_at) "+
					"VALUES (5, 'UPDATE', 'Product', '42', JSON_OBJECT('k', REPEAT('x', 3000000), 'mark', "+
					"'needle'), '2026-01-02 00:00:00'), "+
					"(5, 'UPDATE', 'Product', '42', '{}', '2026-01-03 00:00:00')",
			)
			wideIsRead(t, open(t, srv, schema), "user:5 text:needle", "type:Product", "text:needle", "")
			s := open(t, srv, schema)
			trace, err := s.Trace(t.Context(), "Product", "42", true, nil)
			if err != nil || len(trace.Timeline) != 2 || len(trace.Timeline[0].Get(audit.Response)) < 3_000_000 {
				t.Fatalf("trace: %d rows, %v", len(trace.Timeline), err)
			}
			theOldestHaveRoom(t, s)
			out, err := s.Export(t.Context(), Export{Format: audit.JSONL, Path: filepath.Join(t.TempDir(), "x.jsonl")})
			if err != nil || out.Rows != 302 {
				t.Fatalf("export: %d rows, %v", out.Rows, err)
			}
		})
		for name := range keyed {
			t.Run(name, func(t *testing.T) {
				schema := srv.Schema(t)
				fillKeyed(t, srv, schema, name, 60)
				srv.Exec(
					t,
					schema,
					"UPDATE audit_logs SET new_value = JSON_OBJECT('k', REPEAT('x', 3000000)) WHERE resource_id IN "+
						"('7', '8')",
				)
				wideIsRead(t, open(t, srv, schema), "", "text:xxxx", "action:UPDATE")
			})
		}
	})
}

// theOldestHaveRoom reads a life that is larger than what may be held at once.
func theOldestHaveRoom(t *testing.T, s *Source) {
	t.Helper()
	f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse("resource:Product:42")
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[int64]int{1: 1, 4_000_000: 2} {
		r := *s.r
		r.room = &room{left: left}
		err := s.lane.with(t.Context(), func(ctx context.Context, q *session) error {
			rows, err := r.life(ctx, q, f, true, nil)
			if len(rows) != want || r.room.full != (want < 2) || len(rows[0].Get(audit.Response)) < 3_000_000 {
				t.Errorf("room for %d bytes: %d rows, full %v", left, len(rows), r.room.full)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wideIsRead pages through each query and compares with the same of a server that
// is given sort memory enough.
func wideIsRead(t *testing.T, s *Source, queries ...string) {
	t.Helper()
	for _, query := range queries {
		f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(query)
		if err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		req := audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: 7, Leave: true}
		var got []string
		for {
			p, err := s.Page(t.Context(), req)
			if err != nil {
				t.Fatalf("%q: %v", query, err)
			}
			for _, r := range p.Rows {
				got = append(got, fmt.Sprint(r.ID, r.Key, r.At))
			}
			if !p.More {
				break
			}
			req.Before = p.Next
		}
		w := s.r.filter(req.Filter)
		var want []string
		err = s.lane.with(t.Context(), func(ctx context.Context, q *session) error {
			if _, err := q.conn.ExecContext(ctx, "SET SESSION sort_buffer_size = 268435456"); err != nil {
				return err
			}
			rows, err := s.r.fetch(ctx, q, s.r.selectRows("", w, s.r.orderBy(" DESC"), 10_000), w.args)
			for _, r := range rows {
				want = append(want, fmt.Sprint(r.ID, r.Key, r.At))
			}
			_, _ = q.conn.ExecContext(ctx, "SET SESSION sort_buffer_size = DEFAULT")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q: %d rows, want %d in order", query, len(got), len(want))
		}
	}
}

func TestATraceFindsAResourceUnderAllItsNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(
			t,
			schema,
			shapes["current"],
			"INSERT INTO audit_logs (action, resource_type, resource_id, created_at) VALUES "+
				"('CREATE', 'AR_PAYMENT', '1', '2026-01-01'), ('UPDATE', 'payments', '1', '2026-01-02'), ('UPDATE', "+
				"'payments', '2', '2026-01-03')",
		)
		s := open(t, srv, schema, func(o *Options) { o.Aliases = audit.Aliases{"AR_PAYMENT": {"payments"}} })
		for _, name := range []string{"AR_PAYMENT", "payments"} {
			trace, err := s.Trace(t.Context(), name, "1", true, nil)
			if err != nil || len(trace.Timeline) != 2 || trace.Type != name {
				t.Errorf("%s: %d rows, %v", name, len(trace.Timeline), err)
			}
		}
	})
}
