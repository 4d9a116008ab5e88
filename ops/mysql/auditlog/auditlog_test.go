package auditlog

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/testdb"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// The two shapes of the field.
var shapes = map[string]string{
	"documented": `CREATE TABLE audit_logs (id INT AUTO_INCREMENT PRIMARY KEY, user_id INT NOT NULL, user_name VARCHAR(255), action VARCHAR(50) NOT NULL,
		resource_type VARCHAR(50) NOT NULL, resource_id INT NOT NULL, changes JSON, created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP)`,
	"current": `CREATE TABLE audit_logs (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NULL, action VARCHAR(50), resource_type VARCHAR(50), resource_id VARCHAR(100),
		old_value JSON, new_value JSON, ip_address VARCHAR(50), user_agent TEXT, api_path VARCHAR(255), request_body JSON, http_method VARCHAR(10),
		idempotency_key VARCHAR(100), response_data JSON, created_at TIMESTAMP(6) NULL,
		KEY (resource_type, resource_id), KEY (user_id, created_at), UNIQUE (idempotency_key))`,
}

var (
	actions   = []string{"CREATE", "UPDATE", "DELETE", "APPLY", "APPROVE", "REJECT"}
	resources = []string{"AR_PAYMENT", "AR_INVOICE", "ORDER", "CUSTOMER", "Order_X"}
	start     = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// fill puts in n rows; about one in fifty stands out of order, a few have no time.
func fill(t testing.TB, srv *testdb.Server, schema, shape string, n int, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	var b strings.Builder
	for i := range n {
		at := start.Add(time.Duration(i)*37*time.Second + time.Duration(rng.IntN(40_000))*time.Millisecond)
		when := "'" + at.Format("2006-01-02 15:04:05.000000") + "'"
		switch rng.IntN(150) {
		case 0:
			when = "NULL"
		case 1, 2:
			when = "'" + at.Add(-time.Duration(rng.IntN(2000))*time.Minute).Format("2006-01-02 15:04:05.000000") + "'"
		case 3:
			when = "'" + at.Add(time.Duration(rng.IntN(2000))*time.Minute).Format("2006-01-02 15:04:05.000000") + "'"
		}
		user := fmt.Sprint(1 + rng.IntN(6))
		if shape == "current" && rng.IntN(8) == 0 {
			user = "NULL"
		}
		action, resource := actions[rng.IntN(6)], resources[rng.IntN(5)]
		switch {
		case b.Len() == 0 && shape == "documented":
			b.WriteString(
				"INSERT INTO audit_logs (user_id, user_name, action, resource_type, resource_id, changes, " +
					"created_at) VALUES ",
			)
		case b.Len() == 0:
			b.WriteString(
				"INSERT INTO audit_logs (user_id, action, resource_type, resource_id, old_value, new_value, " +
					"ip_address, api_path, idempotency_key, created_at) VALUES ",
			)
		default:
			b.WriteString(", ")
		}
		status := []string{"NEW", "OLD", "50%_off", `a\"b`, "张三"}[rng.IntN(5)]
		if shape == "documented" {
			fmt.Fprintf(
				&b,
				`(%s, '用户%s', '%s', '%s', %d, '{"status": {"old": "X", "new": "%s"}}', %s)`,
				user,
				user,
				action,
				resource,
				rng.IntN(40),
				strings.ReplaceAll(status, `\`, `\\`),
				when,
			)
		} else {
			fmt.Fprintf(&b, `(%s, '%s', '%s', '%d', '{"status": "NEW", "n": 1}', '{"status": "%s", "n": 1}', '10.0.%d.7', '/api/x', 'k%d', %s)`,
				user, action, resource, rng.IntN(40), strings.ReplaceAll(status, `\`, `\\`), rng.IntN(4), i, when)
		}
		if b.Len() > 500_000 {
			srv.Exec(t, schema, "SET time_zone='+00:00'; "+b.String())
			b.Reset()
		}
	}
	if b.Len() > 0 {
		srv.Exec(t, schema, "SET time_zone='+00:00'; "+b.String())
	}
}

func target(srv *testdb.Server) mysql.Target {
	return mysql.Target{
		Network:  "tcp",
		Addr:     fmt.Sprintf("%s:%d", srv.Host, srv.Port),
		User:     srv.User,
		Password: srv.Password,
	}
}

func open(t testing.TB, srv *testdb.Server, schema string, change ...func(*Options)) *Source {
	t.Helper()
	db, err := mysql.Open(context.Background(), target(srv), schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	o := Options{
		Target:  target(srv),
		Schema:  schema,
		Table:   "audit_logs",
		MaxRows: 1 << 40,
		Timeout: 30 * time.Second,
		Clock:   clocktest.New(start.AddDate(0, 1, 0)),
	}
	for _, f := range change {
		f(&o)
	}
	s, err := Open(context.Background(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// each runs a test on both servers, and on TiDB where OPSDECK_TIDB names one.
func each(t *testing.T, test func(t *testing.T, srv *testdb.Server)) {
	testdb.Each(t, test)
	if os.Getenv("OPSDECK_TIDB") != "" {
		t.Run("tidb", func(t *testing.T) { test(t, testdb.TiDB(t)) })
	}
}

// eachShape runs a test on the servers with both shapes.
func eachShape(t *testing.T, test func(t *testing.T, srv *testdb.Server, schema, shape string)) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		for shape, ddl := range shapes {
			t.Run(shape, func(t *testing.T) {
				schema := srv.Schema(t)
				srv.Exec(t, schema, ddl)
				test(t, srv, schema, shape)
			})
		}
	})
}

// asked is a random query and the same condition in plain SQL.
type asked struct{ query, sql string }

func randomTerm(rng *rand.Rand, shape string) asked {
	not := rng.IntN(5) == 0
	var a asked
	user, action, resource, id := 1+rng.IntN(7), actions[rng.IntN(6)], resources[rng.IntN(5)], rng.IntN(42)
	switch rng.IntN(10) {
	case 0, 1:
		a = asked{fmt.Sprintf("user:%d", user), fmt.Sprintf("user_id = %d", user)}
	case 2:
		a = asked{fmt.Sprintf("user:%d,2", user), fmt.Sprintf("user_id IN (%d, 2)", user)}
	case 3:
		a = asked{"action:" + strings.ToLower(action), "action = '" + action + "'"}
	case 4:
		a = asked{
			fmt.Sprintf("resource:%s:%d", resource, id),
			fmt.Sprintf("(resource_type = '%s' AND resource_id = '%d')", resource, id),
		}
	case 5:
		a = asked{"resource:" + resource, "resource_type = '" + resource + "'"}
	case 6:
		a = asked{"type:ORDER*", "resource_type LIKE 'ORDER%'"}
	case 7:
		column, col2 := "changes", "changes"
		if shape == "current" {
			column, col2 = "new_value", "ip_address"
		}
		a = asked{
			`text~"50%_off"`,
			fmt.Sprintf(
				"(CAST(%s AS CHAR) LIKE '%%50\\%%\\_off%%' OR CAST(%s AS CHAR) LIKE '%%50\\%%\\_off%%')",
				column,
				col2,
			),
		}
	case 8:
		if shape == "current" {
			a = asked{"ip:10.0.2.*", "ip_address LIKE '10.0.2.%'"}
		} else {
			a = asked{"user:用户3", "user_name = '用户3'"}
		}
	default:
		if shape == "current" {
			a = asked{
				"changed:status",
				`NOT (JSON_UNQUOTE(JSON_EXTRACT(old_value, '$.status')) <=> JSON_UNQUOTE(JSON_EXTRACT(new_value, '$.status')))`,
			}
		} else {
			a = asked{"changed:status", "changes IS NOT NULL"}
		}
	}
	if not {
		a = asked{"-" + a.query, "COALESCE(" + a.sql + ", FALSE) = FALSE"}
	}
	return a
}

func randomQuery(rng *rand.Rand, shape string, n int) asked {
	var q, c []string
	for range rng.IntN(3) {
		a := randomTerm(rng, shape)
		q, c = append(q, a.query), append(c, a.sql)
	}
	from := start.Add(time.Duration(rng.IntN(n)) * 37 * time.Second)
	if rng.IntN(3) == 0 {
		q, c = append(
			q,
			"since:"+from.Format(time.RFC3339),
		), append(
			c,
			"created_at >= '"+from.Format("2006-01-02 15:04:05")+"'",
		)
	}
	if rng.IntN(3) == 0 {
		till := from.Add(time.Duration(1+rng.IntN(n)) * 30 * time.Second)
		q, c = append(
			q,
			"until:"+till.Format(time.RFC3339),
		), append(
			c,
			"created_at < '"+till.Format("2006-01-02 15:04:05")+"'",
		)
	}
	return asked{strings.Join(q, " "), strings.Join(append(c, "TRUE"), " AND ")}
}

func model(t testing.TB, db *sql.DB, cond string) []int64 {
	t.Helper()
	rows, err := db.Query("SELECT id FROM audit_logs WHERE " + cond + " ORDER BY created_at DESC, id DESC")
	if err != nil {
		t.Fatalf("%s: %v", cond, err)
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// utc is a pool whose sessions count time in UTC.
func utc(t testing.TB, srv *testdb.Server, schema string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", srv.DSN(schema)+"?time_zone=%27%2B00%3A00%27")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// readAll follows the pages of a query to its end.
func readAll(t testing.TB, s *Source, query string, limit int) (ids []int64, ways map[audit.Strategy]bool) {
	t.Helper()
	f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(query)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	ways = map[audit.Strategy]bool{}
	req := audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: limit}
	for {
		p, err := s.Page(context.Background(), req)
		if err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		ways[p.Strategy] = true
		for _, r := range p.Rows {
			ids = append(ids, r.ID)
		}
		if !p.More {
			return ids, ways
		}
		// Through the text of a cursor, as a person would.
		if req.Before, err = s.Layout().ParseCursor(s.Layout().Cursor(p.Next)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPagesEqualPlainSQLOnRandomFilters(t *testing.T) {
	eachShape(t, func(t *testing.T, srv *testdb.Server, schema, shape string) {
		n, queries := 1500, 20
		if os.Getenv("OPSDECK_SOAK") != "" {
			n, queries = 6000, 400
		}
		fill(t, srv, schema, shape, n, 1)
		s := open(t, srv, schema)
		s.order.zones.Size = 32
		db := utc(t, srv, schema)
		rng := rand.New(rand.NewPCG(5, 5))
		ways := map[audit.Strategy]bool{}
		for range queries {
			q := randomQuery(rng, shape, n)
			got, used := readAll(t, s, q.query, 60+rng.IntN(400))
			for w := range used {
				ways[w] = true
			}
			want := model(t, db, q.sql)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%q gives %d rows, plain SQL (%s) %d:\n%v\n%v", q.query, len(got), q.sql, len(want), got, want)
			}
		}
		if !ways[audit.ZoneOrder] || shape == "current" && (!ways[audit.UserOrder] || !ways[audit.Lookup]) {
			t.Fatalf("not every way was taken: %v", ways)
		}
	})
}
