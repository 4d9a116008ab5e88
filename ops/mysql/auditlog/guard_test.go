package auditlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

func openErr(t *testing.T, srv *testdb.Server, schema string, change func(*Options)) error {
	t.Helper()
	db, err := mysql.Open(context.Background(), target(srv), "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	o := Options{Target: target(srv), Schema: schema, Table: "audit_logs"}
	change(&o)
	s, err := Open(context.Background(), db, o)
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	return err
}

func TestWhatIsNoAuditTableIsSaidClearly(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, "CREATE TABLE three (a INT, b TEXT, c DATE)", "CREATE TABLE textkey (id VARCHAR(36), action TEXT, created_at DATETIME, KEY (id))",
			"CREATE TABLE notime (id INT PRIMARY KEY, action TEXT, created_at VARCHAR(20))", shapes["current"])
		for _, c := range []struct {
			change func(*Options)
			says   string
		}{
			{func(o *Options) { o.Table = "nope" }, "there is no table nope"},
			{func(o *Options) { o.Schema = "nope" }, "no "},
			{func(o *Options) { o.Table = "three" }, "no column for id, created_at, action among its 3 (a, b, c)"},
			{func(o *Options) { o.Table = "textkey" }, "cannot serve as the key"},
			{func(o *Options) { o.Table = "notime" }, "is of type varchar, not a time"},
			{func(o *Options) { o.Columns = map[string]string{"user": "x"} }, "field \"user\" that does not exist"},
			{func(o *Options) { o.Columns = map[string]string{"user_id": "x"} }, "no column \"x\""},
		} {
			err := openErr(t, srv, schema, c.change)
			if ops.CodeOf(err) != ops.Config || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q, got %d %v", c.says, ops.CodeOf(err), err)
			}
		}
	})
}

func TestAUserWithoutRightsIsToldWhichOneIsMissing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"], "CREATE TABLE other (id INT)", "DROP USER IF EXISTS nobody@'%'", "CREATE USER nobody@'%' IDENTIFIED BY 'x'",
			"GRANT SELECT ON `"+schema+"`.other TO nobody@'%'")
		to := target(srv)
		to.User, to.Password = "nobody", "x"
		db, err := mysql.Open(context.Background(), to, "")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		_, err = Open(context.Background(), db, Options{Target: to, Schema: schema, Table: "audit_logs"})
		var e *ops.Error
		if !errors.As(err, &e) || e.Code != ops.Config || !strings.Contains(e.Hint.String(), "GRANT SELECT") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestColumnsOfNearShapesAreFound(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, `CREATE TABLE audit_logs (log_id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, operator_name VARCHAR(50), operation VARCHAR(20), entity_type VARCHAR(20),
			entity_id VARCHAR(20), details TEXT, weird VARCHAR(9), create_time DATETIME(3) NOT NULL, KEY (create_time))`,
			`INSERT INTO audit_logs (operator_name, operation, entity_type, entity_id, details, weird, create_time) VALUES
			('李四', 'UPDATE', 'ORDER', '1', '{"a": {"old": 1, "new": 2}}', 'w', '2026-01-01 00:00:00.123'), ('x', 'UPDATE', 'ORDER', '1', 'not json {', NULL, '2026-01-02')`)
		s := open(t, srv, schema)
		p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 10})
		if err != nil || len(p.Rows) != 2 || p.Strategy != audit.TimeOrder {
			t.Fatalf("%+v %v", p, err)
		}
		r := p.Rows[1]
		if r.User() != "李四" || r.Get(audit.Action) != "UPDATE" || audit.Brief(audit.Diff(&r), 1) != "a: 1 → 2" || r.Extra[0].Text != "w" {
			t.Fatalf("%+v", r)
		}
		if got := audit.Diff(&p.Rows[0]); len(got) != 1 || audit.Plain(got[0].New) != "not json {" {
			t.Fatalf("%+v", got)
		}
		// A condition on JSON passes over text that is none.
		if got, _ := readAll(t, s, "changed:a", 10); len(got) != 1 {
			t.Fatalf("changed:a gives %v", got)
		}
	})
}

func TestACancelledQueryEndsOnTheServer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 200, 8)
		s := open(t, srv, schema)
		db := utc(t, srv, schema)
		running := func() (n int) {
			if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%slow~mark%' AND INFO NOT LIKE '%PROCESSLIST%'").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		ctx, cancel := context.WithCancel(context.Background())
		failed := make(chan error, 1)
		go func() {
			failed <- s.with(ctx, func(ctx context.Context, q *session) error {
				_, err := s.fetch(ctx, q, "SELECT "+s.list()+", 'slow~mark' x FROM audit_logs WHERE SLEEP(1) = 0", nil)
				return err
			})
		}()
		await(t, "the query to run", func() bool { return running() == 1 })
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		await(t, "the query to be gone", func() bool { return running() == 0 })
		if _, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 1}); err != nil {
			t.Fatalf("the next query: %v", err)
		}
	})
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestTheServerEndsAQueryAtItsTimeLimit(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 500, 8)
		s := open(t, srv, schema, func(o *Options) { o.Timeout = 200 * time.Millisecond })
		if len(s.Notes()) != 0 {
			t.Fatalf("a real server lacks something: %v", s.Notes())
		}
		// Half a million rows of a join, each hashed: seconds of work.
		err := s.with(context.Background(), func(ctx context.Context, q *session) error {
			rows, err := q.query(ctx, "SELECT COUNT(*) FROM audit_logs a, audit_logs b, audit_logs c WHERE SHA2(CONCAT(a.id, b.id, c.id), 512) = 'x'")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
			}
			return rows.Err()
		})
		if n := mysql.Number(err); n != errQueryTimeout && n != errStatementTimeout {
			t.Fatalf("got %v", err)
		}
	})
}

func TestNothingCanBeWritten(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		s := open(t, srv, schema)
		err := s.with(context.Background(), func(ctx context.Context, q *session) error {
			return q.exec(ctx, "INSERT INTO audit_logs (action) VALUES ('x')")
		})
		if mysql.Number(err) != 1792 { // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
			t.Fatalf("got %v", err)
		}
	})
}

func TestALargeReadIsAskedForFirst(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 3000, 9)
		srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
		s := open(t, srv, schema, func(o *Options) { o.MaxRows = 100 })
		f := audit.Filter{Terms: []audit.Term{{Op: audit.Is, Field: audit.Action, Any: []audit.Match{audit.Exactly("DELETE")}}}}
		var much *audit.TooMuchError
		_, err := s.Stats(context.Background(), audit.StatsRequest{Filter: f}, false, nil)
		if !errors.As(err, &much) || much.Estimate.Rows < 2000 || much.Estimate.Key != "PRIMARY" || !strings.Contains(much.Index, "(`action`, `created_at`)") {
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
	s.rows = 1_000_000_000 // as a huge table's statistics would say
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

func TestWhatIsAskedIsNeverSQL(t *testing.T) {
	eachShape(t, func(t *testing.T, srv *testdb.Server, schema, shape string) {
		fill(t, srv, schema, shape, 300, 10)
		nasty := []string{`'; DROP TABLE audit_logs; -- `, `" OR "1"="1`, "`", `\`, `\\' OR 1=1 -- `, `%`, `_`, `!`, `*/ OR 1 /*`, "\x00", "？", "$.x", `"]`, "x' UNION SELECT 1"}
		for i, text := range nasty {
			srv.Open(t, schema).Exec("INSERT INTO audit_logs (user_id, action, resource_type, resource_id, created_at) VALUES (1, ?, 'N', ?, NOW())", text, fmt.Sprint(i))
		}
		s := open(t, srv, schema)
		for _, text := range nasty {
			for _, key := range []string{"action:", "resource:", "text:", "changed:", ""} {
				got, _ := readAll(t, s, key+audit.Quote(text), 1000)
				if want := map[string]int{"action:": 1, "resource:": 0}; key == "action:" && len(got) != want[key] || key == "resource:" && len(got) != 0 {
					t.Errorf("%s%q gives %d rows", key, text, len(got))
				}
				if key == "text:" && len(got) == 0 {
					t.Errorf("text %q finds nothing", text)
				}
				if key == "text:" && text == "%" && len(got) > 100+1 {
					t.Errorf("%q is a wildcard: %d rows", text, len(got))
				}
			}
		}
		var n int
		if err := utc(t, srv, schema).QueryRow("SELECT COUNT(*) FROM audit_logs").Scan(&n); err != nil || n != 300+len(nasty) {
			t.Fatalf("%d rows are left: %v", n, err)
		}
	})
}

func TestAPageSurvivesALostConnection(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 300, 11)
		s := open(t, srv, schema)
		admin := utc(t, srv, "")
		for range 3 {
			if s.conn != nil {
				if _, err := admin.Exec(fmt.Sprintf("KILL %d", s.conn.id)); err != nil {
					t.Fatal(err)
				}
			}
			p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 10})
			if err != nil || len(p.Rows) != 10 {
				t.Fatalf("%d rows, %v", len(p.Rows), err)
			}
		}
	})
}

func TestRowsOutOfOrderAreFoundAfterTheProofWasSaved(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 6000, 12)
		dir := t.TempDir()
		keep := func(o *Options) { o.StateDir = dir }
		if err := open(t, srv, schema, keep).Prove(context.Background(), 0, nil); err != nil {
			t.Fatal(err)
		}
		// Later: a row from the past, one from the future, rows gone, one with no time.
		srv.Exec(t, schema, `SET time_zone='+00:00'; INSERT INTO audit_logs (action, resource_type, created_at) VALUES ('PAST', 'X', '2026-01-01 03:04:05'), ('FUTURE', 'X', '2030-01-01'), ('NOTIME', 'X', NULL)`,
			"DELETE FROM audit_logs WHERE id BETWEEN 100 AND 1500")
		s := open(t, srv, schema, keep)
		db := utc(t, srv, schema)
		before := s.zones
		got, _ := readAll(t, s, "", 500)
		if want := model(t, db, "TRUE"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		if s.zones == before {
			t.Fatal("the saved proof was not taken up")
		}
		got, _ = readAll(t, s, "on:2026-01-01 action:PAST", 10)
		if len(got) != 1 {
			t.Fatalf("the row from the past: %v", got)
		}
		// A changed row breaks the proof; the answer is right all the same.
		srv.Exec(t, schema, "UPDATE audit_logs SET created_at = '2031-01-01' WHERE id = 5990")
		if got, _ = readAll(t, s, "", 500); got[0] != 5990 && !contains(got[:2], 5990) {
			p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 30})
			t.Fatalf("the changed row is not found: %v %v", ids(p.Rows), err)
		}
	})
}

func contains(all []int64, id int64) bool {
	for _, x := range all {
		if x == id {
			return true
		}
	}
	return false
}

func TestStatsEqualPlainSQL(t *testing.T) {
	eachShape(t, func(t *testing.T, srv *testdb.Server, schema, shape string) {
		fill(t, srv, schema, shape, 1500, 13)
		s := open(t, srv, schema)
		s.zones.Size = 64
		db := utc(t, srv, schema)
		for _, q := range []asked{{"", "TRUE"}, {"on:2026-01-01", "created_at >= '2026-01-01' AND created_at < '2026-01-02'"}, {"user:2", "user_id = 2"}} {
			f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(q.query)
			if err != nil {
				t.Fatal(err)
			}
			st, err := s.Stats(context.Background(), audit.StatsRequest{Filter: f, Zone: time.UTC}, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			for column, counts := range map[string][]audit.Count{"action": st.ByAction, "resource_type": st.ByResource, "COALESCE(user_id, '')": st.ByUser} {
				if got, want := fmt.Sprint(tally(counts)), fmt.Sprint(groups(t, db, column, q.sql)); got != want {
					t.Errorf("%q by %s: %s, want %s", q.query, column, got, want)
				}
			}
			var hours int64
			for _, h := range st.ByHour {
				hours += h.Rows
			}
			if want := int64(len(model(t, db, q.sql+" AND created_at IS NOT NULL"))); hours != want {
				t.Errorf("%q: %d rows have an hour, want %d", q.query, hours, want)
			}
		}
	})
}

func tally(counts []audit.Count) map[string]int64 {
	out := map[string]int64{}
	for _, c := range counts {
		out[c.Value] = c.Rows
	}
	return out
}

func groups(t *testing.T, db *sql.DB, column, cond string) map[string]int64 {
	t.Helper()
	rows, err := db.Query("SELECT " + column + ", COUNT(*) FROM audit_logs WHERE " + cond + " GROUP BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var v string
		var n int64
		if err := rows.Scan(&v, &n); err != nil {
			t.Fatal(err)
		}
		out[v] = n
	}
	return out
}

func TestARowCommittedLateIsFoundInALongSession(t *testing.T) {
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, shapes["current"])
	srv.Exec(t, schema, `SET time_zone='+00:00'; INSERT INTO audit_logs (id, action, resource_type, created_at) SELECT seq, 'X', 'Y', TIMESTAMP('2026-01-01') + INTERVAL seq SECOND FROM seq_1_to_4000 WHERE seq <> 3500`)
	now := clock.NewFake(start.Add(2 * time.Hour))
	s := open(t, srv, schema, func(o *Options) { o.Clock = now })
	if got, _ := readAll(t, s, "", 1000); len(got) != 3999 {
		t.Fatalf("%d rows", len(got))
	}
	srv.Exec(t, schema, `SET time_zone='+00:00'; INSERT INTO audit_logs (id, action, resource_type, created_at) VALUES (3500, 'LATE', 'Y', '2026-01-01 01:59:59')`)
	now.Advance(time.Minute)
	if got, _ := readAll(t, s, "", 10); got[0] != 3500 || len(got) != 4000 {
		t.Fatalf("the newest of %d is %d", len(got), got[0])
	}
}

// A server that knows no time limit, or does not obey it: we end the query there.
func TestAQueryIsKilledWhereTheServerKnowsNoLimit(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 200, 8)
		s := open(t, srv, schema, func(o *Options) { o.Timeout = 300 * time.Millisecond })
		s.ability.limit = ""
		begun := time.Now()
		err := s.asked(s.with(context.Background(), func(ctx context.Context, q *session) error {
			q.hint = ""
			_ = q.exec(ctx, "SET SESSION max_statement_time = 0")
			_, err := s.fetch(ctx, q, "SELECT "+s.list()+", 'late~mark' x FROM audit_logs WHERE SLEEP(1) = 0", nil)
			return err
		}))
		if ops.CodeOf(err) != ops.Failed || !strings.Contains(err.Error(), "and was killed") || time.Since(begun) > 10*time.Second {
			t.Fatalf("after %s: %v", time.Since(begun), err)
		}
		db := utc(t, srv, schema)
		await(t, "the query to be gone", func() bool {
			var n int
			if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%late~mark%' AND INFO NOT LIKE '%PROCESSLIST%'").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n == 0
		})
		if _, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 1}); err != nil {
			t.Fatalf("the next query: %v", err)
		}
	})
}

func TestAConditionThatCannotBeTrueGivesNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		s := open(t, srv, schema, func(o *Options) { o.MaxRows = 10 })
		for _, q := range []string{"id:5 id:6", "resource:ORDER:1 resource:ORDER:2", "user:1 user:2"} {
			if got, _ := readAll(t, s, q, 10); len(got) != 0 || len(s.Notes()) != 0 {
				t.Errorf("%s gives %v, notes %v", q, got, s.Notes())
			}
		}
	})
}

// What the server would sort is asked for by its own estimate, whatever form
// it explains queries in unless told.
func TestWhatWouldBeSortedIsAskedForFirst(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		fillKeyed(t, srv, schema, "char without an index on time", 400)
		srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
		s := open(t, srv, schema, func(o *Options) { o.MaxRows = 100 })
		req := audit.PageRequest{Before: audit.Newest(), Limit: 10}
		_, err := s.Page(context.Background(), req)
		var much *audit.TooMuchError
		if !errors.As(err, &much) || much.Estimate.Rows < 200 || much.Estimate.Key != "" || !much.Estimate.Sorts || much.Index != "ALTER TABLE `audit_logs` ADD INDEX (`created_at`)" {
			t.Fatalf("got %+v", err)
		}
		req.Leave = true
		if p, err := s.Page(context.Background(), req); err != nil || len(p.Rows) != 10 {
			t.Fatalf("%d rows: %v", len(p.Rows), err)
		}
	})
}

// Where ids do not follow time and no index helps, a page is a scan: asked for
// first, then exact, with its progress told.
func TestATableWithoutOrderIsScannedWithProgress(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 5000, 14)
		srv.Exec(t, schema, "SET time_zone='+00:00'; UPDATE audit_logs SET created_at = TIMESTAMP('2026-01-01') + INTERVAL (id * 7919) % 100003 SECOND WHERE created_at IS NOT NULL")
		s, db := open(t, srv, schema, func(o *Options) { o.MaxRows = 1000 }), utc(t, srv, schema)
		s.zones.Size = 512
		req := audit.PageRequest{Before: audit.Newest(), Limit: 40}
		var much *audit.TooMuchError
		if _, err := s.Page(context.Background(), req); !errors.As(err, &much) || much.Estimate.Rows < 4000 {
			t.Fatalf("got %v", err)
		}
		told := 0
		req.Leave, req.Seen = true, func(int64, audit.Stamp) { told++ }
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
