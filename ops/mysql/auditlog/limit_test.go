package auditlog

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

func TestACancelledQueryEndsOnTheServer(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 200, 8)
		s := open(t, srv, schema)
		ctx, cancel := context.WithCancel(context.Background())
		failed := make(chan error, 1)
		go func() {
			failed <- s.lane.with(ctx, func(ctx context.Context, q *session) error {
				_, err := s.r.fetch(ctx, q, "SELECT "+s.r.list()+", 'slow~mark' x FROM audit_logs WHERE SLEEP(1) = 0",
					nil)
				return err
			})
		}()
		await(t, "the query to run", func() bool { return running(t, srv, "slow~mark") == 1 })
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		await(t, "the query to be gone", func() bool { return running(t, srv, "slow~mark") == 0 })
		if _, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 1}); err != nil {
			t.Fatalf("the next query: %v", err)
		}
	})
}

// A server that is slow to let anybody in ends the query all the same, though whoever
// asked is long gone.
func TestAKillThatIsSlowToArriveEndsTheQuery(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 200, 8)
		to := target(srv)
		var busy atomic.Bool
		free := make(chan struct{})
		to.Addr = testdb.Listen(t, func(c net.Conn) {
			if busy.Load() {
				<-free
			}
			up, err := net.Dial("tcp", target(srv).Addr)
			if err != nil {
				return
			}
			go func() {
				io.Copy(up, c)
				up.Close()
			}()
			io.Copy(c, up)
		}).String()
		db, err := mysql.Open(context.Background(), to, schema)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxIdleConns(-1)
		s, err := Open(context.Background(), db, Options{Target: to, Schema: schema, Table: "audit_logs"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx, cancel := context.WithCancel(context.Background())
		failed := make(chan error, 1)
		go func() {
			failed <- s.lane.with(ctx, func(ctx context.Context, q *session) error {
				_, err := s.r.fetch(ctx, q, "SELECT "+s.r.list()+", 'slow~kill' x FROM audit_logs WHERE SLEEP(5) = 0",
					nil)
				return err
			})
		}()
		await(t, "the query to run", func() bool { return running(t, srv, "slow~kill") == 1 })
		busy.Store(true)
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if running(t, srv, "slow~kill") != 1 {
			t.Fatal("it was killed by somebody else")
		}
		close(free)
		await(t, "the query to be gone", func() bool { return running(t, srv, "slow~kill") == 0 })
	})
}

// running is how many queries run that hold a text.
func running(t *testing.T, srv *testdb.Server, mark string) (n int) {
	t.Helper()
	db := utc(t, srv, "")
	defer db.Close()
	if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%" + mark +
		"%' AND INFO NOT LIKE '%PROCESSLIST%'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestTheServerEndsAQueryAtItsTimeLimit(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 500, 8)
		s := open(t, srv, schema, func(o *Options) { o.Timeout = 200 * time.Millisecond })
		if s.r.can.limit == "" || srv.Flavour != "tidb" && len(s.Notes()) != 0 {
			t.Fatalf("a real server lacks something: %v", s.Notes())
		}
		// Half a million rows of a join, each hashed: seconds of work.
		err := s.lane.with(context.Background(), func(ctx context.Context, q *session) error {
			rows, err := q.query(
				ctx,
				"SELECT COUNT(*) FROM audit_logs a, audit_logs b, audit_logs c WHERE SHA2(CONCAT(a.id, b.id, c.id), "+
					"512) = 'x'",
			)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
			}
			return rows.Err()
		})
		if !overTime(err) && !errors.Is(err, errOverTime) {
			t.Fatalf("got %v", err)
		}
	})
}

// The time limit is that of queries for rows: a server too slow for it is looked at
// all the same.
func TestAShortTimeLimitIsNoneForTheFirstLook(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 500, 8)
		for range 5 {
			s := open(t, srv, schema, func(o *Options) { o.Timeout = time.Millisecond })
			if s.r.can.limit == "" || srv.Flavour != "tidb" && len(s.Notes()) != 0 {
				t.Fatalf("something was not found: %v", s.Notes())
			}
			err := s.lane.with(context.Background(), func(ctx context.Context, q *session) error {
				_, err := s.r.fetch(ctx, q, "SELECT "+s.r.list()+" FROM audit_logs WHERE SLEEP(1) = 0", nil)
				return err
			})
			if !overTime(err) && !errors.Is(err, errOverTime) {
				t.Fatalf("the query itself: %v", err)
			}
		}
	})
}

func TestAQueryIsKilledWhereTheServerKnowsNoLimit(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 200, 8)
		s := open(t, srv, schema, func(o *Options) { o.Timeout = 300 * time.Millisecond })
		s.r.can.limit = ""
		begun := time.Now()
		err := s.lane.asked(s.lane.with(context.Background(), func(ctx context.Context, q *session) error {
			q.hint = ""
			_ = q.exec(ctx, "SET SESSION max_statement_time = 0")
			_, err := s.r.fetch(ctx, q, "SELECT "+s.r.list()+", 'late~mark' x FROM audit_logs WHERE SLEEP(1) = 0", nil)
			return err
		}))
		if ops.CodeOf(err) != ops.Failed || !strings.Contains(err.Error(), "and was killed") ||
			time.Since(begun) > 2*time.Minute { // of 200 s
			t.Fatalf("after %s: %v", time.Since(begun), err)
		}
		await(t, "the query to be gone", func() bool { return running(t, srv, "late~mark") == 0 })
		s.r.opt.Timeout = time.Minute // which the next has, however slow the machine
		if _, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 1}); err != nil {
			t.Fatalf("the next query: %v", err)
		}
	})
}
