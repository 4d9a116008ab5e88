package auditlog

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// eachPrivate runs a test on a server of each kind that it may kill.
func eachPrivate(t *testing.T, test func(t *testing.T, srv *testdb.Server)) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) { test(t, testdb.Private(t, flavour)) })
	}
}

// saysUnreachable checks what a person and a script are told of a dead server.
func saysUnreachable(t *testing.T, err error, hint string) {
	t.Helper()
	var o *ops.Error
	if ops.CodeOf(err) != ops.Busy || !strings.Contains(err.Error(), "cannot be reached") {
		t.Fatalf("code %d: %v", ops.CodeOf(err), err)
	}
	if errors.As(err, &o); hint != "" && !strings.Contains(o.Hint.String(), hint) {
		t.Fatalf("hint %q", o.Hint.String())
	}
}

// A server that is killed (-9) in the middle of a page, an export and a
// deletion: each says so, and goes on exactly once it is back.
func TestAKilledServerCostsNoRow(t *testing.T) {
	eachPrivate(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 9000, 31)
		s := open(t, srv, schema)
		killedDuringAPage(t, srv, s)
		killedDuringAnExport(t, srv, s)
		killedDuringADeletion(t, srv, schema, s)
	})
}

func killedDuringAPage(t *testing.T, srv *testdb.Server, s *Source) {
	failed := make(chan error, 1)
	go func() {
		failed <- s.lane.asked(s.lane.with(context.Background(), func(ctx context.Context, q *session) error {
			_, err := s.r.fetch(ctx, q, "SELECT "+s.r.list()+" FROM audit_logs WHERE SLEEP(0.5) = 0", nil)
			return err
		}))
	}()
	await(t, "the page to be read", func() bool { return running(t, srv, "SLEEP(0.5)") == 1 })
	srv.Kill()
	select {
	case err := <-failed:
		saysUnreachable(t, err, "")
	case <-time.After(2 * time.Minute):
		t.Fatal("the page still waits for a dead server")
	}
	srv.Start(t)
	p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 10})
	if err != nil || len(p.Rows) != 10 {
		t.Fatalf("%d rows, %v", len(p.Rows), err)
	}
}

func killedDuringAnExport(t *testing.T, srv *testdb.Server, s *Source) {
	dir := t.TempDir()
	e := Export{Format: audit.CSV, Path: filepath.Join(dir, "x.csv")}
	chunks := 0
	e.Report = func(ops.Progress) {
		if chunks++; chunks == 2 {
			srv.Kill()
		}
	}
	_, err := s.Export(context.Background(), e)
	saysUnreachable(t, err, "the same command continues from there")
	if _, err := os.Stat(e.Path); err == nil {
		t.Fatal("a half export has its final name")
	}
	srv.Start(t)
	e.Report = nil
	got, err := s.Export(context.Background(), e)
	if err != nil || !got.Resumed || got.Rows != 9000 {
		t.Fatalf("%+v %v", got, err)
	}
	whole := e
	whole.Path = filepath.Join(dir, "whole.csv")
	if _, err := s.Export(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(e.Path)
	b, _ := os.ReadFile(whole.Path)
	if !bytes.Equal(a, b) {
		t.Fatalf("%d bytes in two pieces, %d in one", len(a), len(b))
	}
}

func killedDuringADeletion(t *testing.T, srv *testdb.Server, schema string, s *Source) {
	s.r.opt.Clock = clocktest.New(start.AddDate(1, 0, 0))
	db := utc(t, srv, schema)
	want := len(model(t, db, "created_at >= '2026-01-01' AND created_at < '2027-01-01'"))
	left := len(model(t, db, "TRUE")) - want
	p, err := s.Years().Plan(context.Background(), 2026, time.UTC, t.TempDir())
	if err != nil || p.Rows != int64(want) {
		t.Fatalf("%+v %v, want %d", p, err, want)
	}
	if _, err := s.Years().Make(context.Background(), p, "test", nil); err != nil {
		t.Fatal(err)
	}
	first, err := s.Years().Delete(context.Background(), p.File, 0, func(r ops.Progress) {
		if r.Done >= 2000 {
			srv.Kill()
		}
	})
	saysUnreachable(t, err, "")
	srv.Start(t)
	second, err := s.Years().Delete(context.Background(), p.File, 0, nil)
	if err != nil || first.Rows != 2000 || first.Rows+second.Rows != int64(want) || second.Gone != first.Rows ||
		second.Differs != 0 {
		t.Fatalf("%+v then %+v %v, want %d", first, second, err, want)
	}
	if got := len(model(t, utc(t, srv, schema), "TRUE")); got != left {
		t.Fatalf("%d rows are left, want %d", got, left)
	}
}
