package auditlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
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
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(
			t,
			schema,
			"CREATE TABLE three (a INT, b TEXT, c DATE)",
			"CREATE TABLE textkey (id VARCHAR(36), action TEXT, created_at DATETIME, KEY (id))",
			"CREATE TABLE notime (id INT PRIMARY KEY, action TEXT, created_at VARCHAR(20))",
			shapes["current"],
		)
		for _, c := range []struct {
			change func(*Options)
			says   string
		}{
			{func(o *Options) { o.Table = "nope" }, "there is no table nope"},
			{func(o *Options) { o.Schema = "nope" }, "no "},
			{func(o *Options) { o.Table = "three" }, "no column for id, created_at, action among its 3 (a, b, c)"},
			{func(o *Options) { o.Table = "textkey" }, "cannot serve as the key"},
			{func(o *Options) { o.Table = "notime" }, "has the type varchar, not a time"},
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
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(
			t,
			schema,
			shapes["current"],
			"CREATE TABLE other (id INT)",
			"DROP USER IF EXISTS nobody@'%'",
			"CREATE USER nobody@'%' IDENTIFIED BY 'x'",
			"GRANT SELECT ON `"+schema+"`.other TO nobody@'%'",
		)
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
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(
			t,
			schema,
			`CREATE TABLE audit_logs (log_id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, operator_name VARCHAR(50), operation VARCHAR(20), entity_type VARCHAR(20),
			entity_id VARCHAR(20), details TEXT, weird VARCHAR(9), create_time DATETIME(3) NOT NULL, KEY (create_time))`,
			`INSERT INTO audit_logs (operator_name, operation, entity_type, entity_id, details, weird, create_time) VALUES
			('李四', 'UPDATE', 'ORDER', '1', '{"a": {"old": 1, "new": 2}}', 'w', '2026-01-01 00:00:00.123'), ('x', 'UPDATE', 'ORDER', '1', 'not json {', NULL, '2026-01-02')`,
		)
		s := open(t, srv, schema)
		p, err := s.Page(context.Background(), audit.PageRequest{Before: audit.Newest(), Limit: 10})
		if err != nil || len(p.Rows) != 2 || p.Strategy != audit.TimeOrder {
			t.Fatalf("%+v %v", p, err)
		}
		r := p.Rows[1]
		if r.User() != "李四" || r.Get(audit.Action) != "UPDATE" || audit.Brief(audit.Diff(&r), 1) != "a: 1 → 2" ||
			r.Extra[0].Text != "w" {
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

func TestNothingCanBeWritten(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		s := open(t, srv, schema)
		err := s.lane.with(context.Background(), func(ctx context.Context, q *session) error {
			return q.exec(ctx, "INSERT INTO audit_logs (action) VALUES ('x')")
		})
		if mysql.Number(err) != 1792 { // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
			t.Fatalf("got %v", err)
		}
	})
}

func TestWhatIsAskedIsNeverSQL(t *testing.T) {
	eachShape(t, func(t *testing.T, srv *testdb.Server, schema, shape string) {
		fill(t, srv, schema, shape, 300, 10)
		nasty := []string{
			`'; DROP TABLE audit_logs; -- `,
			`" OR "1"="1`,
			"`",
			`\`,
			`\\' OR 1=1 -- `,
			`%`,
			`_`,
			`!`,
			`*/ OR 1 /*`,
			"\x00",
			"？",
			"$.x",
			`"]`,
			"x' UNION SELECT 1",
		}
		for i, text := range nasty {
			srv.Open(t, schema).
				Exec("INSERT INTO audit_logs (user_id, action, resource_type, resource_id, created_at) VALUES (1, "+
					"?, 'N', ?, NOW())", text, fmt.Sprint(i))
		}
		s := open(t, srv, schema)
		for _, text := range nasty {
			for _, key := range []string{"action:", "resource:", "text:", "changed:", ""} {
				got, _ := readAll(t, s, key+audit.Quote(text), 1000)
				if want := map[string]int{"action:": 1, "resource:": 0}; key == "action:" && len(got) != want[key] ||
					key == "resource:" && len(got) != 0 {
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
		if err := utc(t, srv, schema).QueryRow("SELECT COUNT(*) FROM audit_logs").Scan(&n); err != nil ||
			n != 300+len(nasty) {
			t.Fatalf("%d rows are left: %v", n, err)
		}
	})
}

func TestAPageSurvivesALostConnection(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 300, 11)
		s := open(t, srv, schema)
		admin := utc(t, srv, "")
		for range 3 {
			if s.lane.conn != nil {
				if _, err := admin.Exec(fmt.Sprintf("KILL %d", s.lane.conn.id)); err != nil {
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
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(t, schema, shapes["current"])
		fill(t, srv, schema, "current", 6000, 12)
		dir := t.TempDir()
		keep := func(o *Options) { o.StateDir = dir }
		if err := open(t, srv, schema, keep).Prove(context.Background(), 0, nil); err != nil {
			t.Fatal(err)
		}
		// Later: a row from the past, one from the future, rows gone, one with no time.
		srv.Exec(
			t,
			schema,
			`SET time_zone='+00:00'; INSERT INTO audit_logs (action, resource_type, created_at) VALUES ('PAST', 'X', '2026-01-01 03:04:05'), ('FUTURE', 'X', '2030-01-01'), ('NOTIME', 'X', NULL)`,
			"DELETE FROM audit_logs WHERE id BETWEEN 100 AND 1500",
		)
		s := open(t, srv, schema, keep)
		db := utc(t, srv, schema)
		before := s.order.zones
		got, _ := readAll(t, s, "", 500)
		if want := model(t, db, "TRUE"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		if s.order.zones == before {
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
		s.order.zones.Size = 64
		db := utc(t, srv, schema)
		for _, q := range []asked{{"", "TRUE"}, {"on:2026-01-01", "created_at >= '2026-01-01' AND created_at < " +
			"'2026-01-02'"}, {"user:2", "user_id = 2"}} {
			f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(q.query)
			if err != nil {
				t.Fatal(err)
			}
			st, err := s.Stats(context.Background(), audit.StatsRequest{Filter: f, Zone: time.UTC}, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			for column, counts := range map[string][]audit.Count{"action": st.ByAction, "resource_type": st.ByResource,
				"COALESCE(user_id, '')": st.ByUser} {
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
	srv.Exec(
		t,
		schema,
		`SET time_zone='+00:00'; INSERT INTO audit_logs (id, action, resource_type, created_at) SELECT seq, 'X', 'Y', TIMESTAMP('2026-01-01') + INTERVAL seq SECOND FROM seq_1_to_4000 WHERE seq <> 3500`,
	)
	now := clocktest.New(start.Add(2 * time.Hour))
	s := open(t, srv, schema, func(o *Options) { o.Clock = now })
	if got, _ := readAll(t, s, "", 1000); len(got) != 3999 {
		t.Fatalf("%d rows", len(got))
	}
	srv.Exec(
		t,
		schema,
		`SET time_zone='+00:00'; INSERT INTO audit_logs (id, action, resource_type, created_at) VALUES (3500, 'LATE', 'Y', '2026-01-01 01:59:59')`,
	)
	now.Advance(time.Minute)
	if got, _ := readAll(t, s, "", 10); got[0] != 3500 || len(got) != 4000 {
		t.Fatalf("the newest of %d is %d", len(got), got[0])
	}
}

// A server that knows no time limit, or does not obey it: we end the query there.

// What the server would sort is asked for by its own estimate, whatever form

// it explains queries in unless told.

// Where ids do not follow time and no index helps, a page is a scan: asked for

// first, then exact, with its progress told.

func TestTheCaseOfLettersIsNoMatterWhateverTheCollation(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(
			t,
			schema,
			shapes["current"]+" COLLATE utf8mb4_bin",
			`INSERT INTO audit_logs (action, resource_type, resource_id, new_value, created_at) VALUES
			('update', 'Order_X', '1', '{"note": "Geändert Von Li"}', '2026-01-01'), ('UPDATE', 'ORDER', '1', '{"note": "x"}', '2026-01-02'), ('DELETE', 'CUSTOMER', '1', '{"note": "LI"}', '2026-01-03')`,
		)
		s := open(t, srv, schema)
		for query, want := range map[string]string{"type:order*": "[2 1]", "action:update": "[2 1]", "text~von": "[1]",
			"text:li": "[3 1]", "resource:order_x:1": "[]"} {
			if got, _ := readAll(t, s, query, 10); fmt.Sprint(got) != want {
				t.Errorf("%s gives %v, not %s", query, got, want)
			}
		}
		if values, err := s.Values(context.Background(), audit.Action, "dEl", 5); err != nil || len(values) != 1 ||
			values[0].Value != "DELETE" {
			t.Errorf("completion offers %v, %v", values, err)
		}
	})
}
