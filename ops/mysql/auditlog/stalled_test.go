package auditlog

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

// TestAStalledLineIsNoSlowQuery: a line that passes nothing more is named, also where the
// time limit of queries ends before the line is looked at.
func TestAStalledLineIsNoSlowQuery(t *testing.T) {
	t.Parallel()
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	fill(t, srv, schema, "current", 50, 8)
	line := srv.Line(t)
	through := target(srv)
	through.Network = "tcp"
	through.Addr = net.JoinHostPort(line.Host, strconv.Itoa(line.Port))
	ctx := context.Background()
	db, err := mysql.Open(ctx, through, schema)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := Open(ctx, db, Options{
		Target:  through,
		Schema:  schema,
		Table:   "audit_logs",
		MaxRows: 1 << 40,
		Timeout: 5 * time.Second,
		Clock:   clocktest.New(start.AddDate(0, 1, 0)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	page := func() error {
		_, err := s.Page(ctx, audit.PageRequest{Before: audit.Newest(), Limit: 5})
		return err
	}
	if err := page(); err != nil {
		t.Fatal(err)
	}
	line.Set(testdb.Stall, true, 0)
	if err := page(); ops.CodeOf(err) != ops.Busy || !strings.Contains(err.Error(), "the connection is stalled") {
		t.Errorf("code %d: %v", ops.CodeOf(err), err)
	}
}
