package auditlog

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/audit"
)

const (
	compareRows    = 2_000_000
	comparePlanted = 300    // of them out of order by up to weeks
	mixedQueries   = 10_000 // for the percentiles
)

// BenchmarkCompareAudit answers the questions of the field on two million rows
// with the field's indexes, and the back end's own statements (ORDER BY
// created_at, LIMIT and OFFSET, COUNT) in the same run; both must give the same
// rows. It prints milliseconds and how many times faster the answer came.
func BenchmarkCompareAudit(b *testing.B) {
	if os.Getenv("OPSDECK_COMPARE") == "" {
		b.Skip("set OPSDECK_COMPARE=1; it loads two million rows")
	}
	for name, server := range map[string]func(testing.TB) *testdb.Server{"mysql": testdb.MySQL,
		"mariadb": testdb.MariaDB} {
		b.Run(name, func(b *testing.B) { compareOn(b, server(b)) })
	}
}

func compareOn(b *testing.B, srv *testdb.Server) {
	schema := srv.Schema(b)
	n := scaled()
	loadBig(b, srv, schema, n)
	s := open(b, srv, schema)
	begun := time.Now()
	if err := s.Prove(context.Background(), 0, nil); err != nil {
		b.Fatal(err)
	}
	proof := time.Since(begun)
	b.Run("order proved once", func(b *testing.B) {
		b.ReportMetric(proof.Seconds(), "s")
		b.ReportMetric(float64(n)/proof.Seconds(), "rows/s")
	})
	theirs := utc(b, srv, schema)
	for _, q := range questions() {
		b.Run(q.name, func(b *testing.B) { compareOne(b, s, theirs, q) })
	}
	b.Run("stats of 7 days", func(b *testing.B) { compareStats(b, s, theirs) })
	b.Run("10,000 mixed", func(b *testing.B) { mixed(b, s) })
	compareArchive(b, s, n)
}

// compareArchive lists an archive of all rows: what is read of it the first
// time, and pages then; zcat through the whole file stands beside them.
func compareArchive(b *testing.B, s *Source, n int) {
	s.r.opt.StateDir = b.TempDir()
	p, err := s.Years().Plan(context.Background(), 2025, time.UTC, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	made, err := s.Years().Make(context.Background(), p, "bench", nil)
	if err != nil || made.Rows < int64(n-comparePlanted) {
		b.Fatalf("%+v %v", made, err)
	}
	begun := time.Now()
	if err := exec.Command("sh", "-c", "zcat "+p.File+" >/dev/null").Run(); err != nil {
		b.Fatal(err)
	}
	zcat := time.Since(begun)
	a := s.Years().archive(p.File)
	for _, q := range []struct {
		name, query string
		fresh       bool
		times       int
	}{{"archive, index made", "", true, 1}, {"archive, newest page", "", false, 5},
		{"archive, a past day", "on:2025-08-20", false, 5}, {"archive, one resource", "resource:ORDER:456", false, 1}} {
		b.Run(q.name, func(b *testing.B) {
			if q.fresh {
				a.StateDir = ""
				defer func() { a.StateDir = s.r.opt.StateDir }()
			}
			took, got := timed(q.times, func() []int64 { return pageOf(b, a, q.query) })
			if len(got) == 0 {
				b.Fatal("nothing found")
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(took), "ms")
			b.ReportMetric(ms(zcat), "zcat-ms")
		})
	}
}

func pageOf(b *testing.B, a Archive, query string) []int64 {
	_, p, err := a.Page(context.Background(), func(l *audit.Layout) (audit.Filter, audit.Pos, error) {
		f, err := audit.Syntax{Layout: l, Now: start, Zone: time.UTC}.Parse(query)
		return f, audit.Newest(), err
	}, 100)
	if err != nil {
		b.Fatal(err)
	}
	return ids(p.Rows)
}

// scaled is how many rows OPSDECK_COMPARE asks for: 0.1 is a tenth of them.
func scaled() int {
	share, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || share <= 0 || share > 1 {
		share = 1
	}
	return max(1, int(share*compareRows)/100_000) * 100_000
}

// loadBig makes n rows as the field's service would, over ninety days, and
// plants some that are out of order.
func loadBig(t testing.TB, srv *testdb.Server, schema string, n int) {
	t.Helper()
	srv.Exec(
		t,
		schema,
		shapes["current"],
		"CREATE TABLE d (n INT)",
		"INSERT INTO d VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
	)
	for from := 0; from < n; from += 100_000 {
		srv.Exec(
			t,
			schema,
			fmt.Sprintf(
				`SET time_zone='+00:00', sql_log_bin=0; INSERT INTO audit_logs (id, user_id, action, resource_type, resource_id, old_value, new_value, ip_address, user_agent, api_path, request_body, http_method, idempotency_key, created_at)
			SELECT s, 1 + s * 7919 %% 100, ELT(1 + s * 31 %% 6, 'CREATE','UPDATE','DELETE','APPLY','APPROVE','REJECT'), ELT(1 + s * 17 %% 5, 'AR_PAYMENT','AR_INVOICE','AR_APPLY','ORDER','CUSTOMER'), 1 + s * 104729 %% 10007,
			JSON_OBJECT('status', 'OLD', 'n', s), JSON_OBJECT('status', 'NEW', 'n', s, 'note', LEFT(SHA2(s, 256), 40)), CONCAT('10.0.', s %% 255, '.', s %% 251), 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537.36',
			CONCAT('/api/orders/', s), JSON_OBJECT('a', s, 'token', '***'), 'POST', CONCAT('k', s), TIMESTAMP('2025-08-01') + INTERVAL FLOOR(s * %g) SECOND
			FROM (SELECT %d + a.n*10000 + b.n*1000 + c.n*100 + e.n*10 + f.n AS s FROM d a, d b, d c, d e, d f ORDER BY s) x`,
				3.9*compareRows/float64(n),
				from+1,
			),
		)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range comparePlanted {
		id := 1 + rng.IntN(n)
		srv.Exec(
			t,
			schema,
			fmt.Sprintf(
				"SET sql_log_bin=0; UPDATE audit_logs SET created_at = created_at + INTERVAL %d SECOND + INTERVAL "+
					"%d MICROSECOND WHERE id = %d",
				rng.IntN(4_000_000)-2_000_000,
				1+i,
				id,
			),
		)
	}
	srv.Exec(t, schema, "ANALYZE TABLE audit_logs")
}

// question is one that people ask, as our query and as the back end's statements.
type question struct {
	name   string
	query  string
	limit  int
	skip   int // pages before this one
	where  string
	count  bool
	traced bool
}

func questions() []question {
	return []question{
		{name: "newest page", limit: 20, where: "TRUE", count: true},
		{name: "a user's page", query: "user:42", limit: 20, where: "user_id = 42", count: true},
		{
			name:  "24 hours",
			query: "since:2025-10-28T00:00:00Z until:2025-10-29T00:00:00Z",
			limit: 20,
			where: "created_at >= '2025-10-28' AND created_at < '2025-10-29'",
			count: true,
		},
		{name: "page 1,000", limit: 100, skip: 999, where: "TRUE", count: true},
		{
			name:  "a past range",
			query: "since:2025-08-20T00:00:00Z until:2025-08-23T00:00:00Z",
			limit: 100,
			where: "created_at >= '2025-08-20' AND created_at < '2025-08-23'",
			count: true,
		},
		{name: "trace", where: "resource_type = 'ORDER' AND resource_id = '456'", traced: true},
	}
}

func compareOne(b *testing.B, s *Source, theirs *sql.DB, q question) {
	ours, got := timed(25, func() []int64 { return ask(b, s, q) })
	slow, want := timed(1, func() []int64 { return askThem(b, theirs, q) })
	if !slices.Equal(got, want) {
		b.Fatalf("%s: not the same rows:\n%v\n%v", q.name, got, want)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(ours), "ms")
	b.ReportMetric(ms(slow), "backend-ms")
	b.ReportMetric(ms(slow)/ms(ours), "times-faster")
}

// timed runs f n times and gives the median duration and the last result.
func timed(n int, f func() []int64) (time.Duration, []int64) {
	var all []time.Duration
	var out []int64
	for range n {
		begun := time.Now()
		out = f()
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	return all[len(all)/2], out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

var deep = map[string]audit.Pos{} // where a deep page begins, found once

func ask(b *testing.B, s *Source, q question) []int64 {
	ctx := context.Background()
	if q.traced {
		t, err := s.Trace(ctx, "ORDER", "456", true, nil)
		if err != nil {
			b.Fatal(err)
		}
		return ids(t.Timeline)
	}
	f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(q.query)
	if err != nil {
		b.Fatal(err)
	}
	req := audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: q.limit}
	if q.skip > 0 {
		req.Before = skipTo(b, s, q)
	}
	p, err := s.Page(ctx, req)
	if err != nil {
		b.Fatal(err)
	}
	return ids(p.Rows)
}

// skipTo pages forward once, as a person would have; what is timed is the page.
func skipTo(b *testing.B, s *Source, q question) audit.Pos {
	key := s.r.name() + q.name
	if at, ok := deep[key]; ok {
		return at
	}
	at := audit.Newest()
	for range q.skip {
		p, err := s.Page(context.Background(), audit.PageRequest{Before: at, Limit: q.limit})
		if err != nil {
			b.Fatal(err)
		}
		at = p.Next
	}
	deep[key] = at
	return at
}

func ids(rows []audit.Row) []int64 {
	out := make([]int64, len(rows))
	for i := range rows {
		out[i] = rows[i].ID
	}
	return out
}

// askThem sends what the back end sends: the page, and how many there are.
func askThem(b *testing.B, db *sql.DB, q question) []int64 {
	order := fmt.Sprintf("created_at DESC, id DESC LIMIT %d OFFSET %d", q.limit, q.skip*q.limit)
	if q.traced {
		order = "created_at, id"
	}
	rows, err := db.Query("SELECT * FROM audit_logs WHERE " + q.where + " ORDER BY " + order)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	raw, dest := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range raw {
		dest[i] = &raw[i]
	}
	var id int64
	dest[0] = &id
	var out []int64
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			b.Fatal(err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	var n int64
	if q.count {
		if err := db.QueryRow("SELECT COUNT(*) FROM audit_logs WHERE " + q.where).Scan(&n); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

func compareStats(b *testing.B, s *Source, theirs *sql.DB) {
	f, err := audit.Syntax{
		Layout: s.Layout(),
		Now:    start,
		Zone:   time.UTC,
	}.Parse(
		"since:2025-10-20T00:00:00Z until:2025-10-27T00:00:00Z",
	)
	if err != nil {
		b.Fatal(err)
	}
	const where = " FROM audit_logs WHERE created_at >= '2025-10-20' AND created_at < '2025-10-27'"
	ours, got := timed(3, func() []int64 {
		st, err := s.Stats(context.Background(), audit.StatsRequest{Filter: f}, true, nil)
		if err != nil {
			b.Fatal(err)
		}
		return []int64{st.Rows}
	})
	slow, want := timed(1, func() []int64 {
		var n int64
		for _, group := range []string{"action", "resource_type", "user_id", "DATE_FORMAT(created_at, '%Y-%m-%d %H')"} {
			rows, err := theirs.Query("SELECT " + group + ", COUNT(*)" + where + " GROUP BY 1")
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
			}
			if err := rows.Close(); err != nil {
				b.Fatal(err)
			}
		}
		if err := theirs.QueryRow("SELECT COUNT(*)" + where).Scan(&n); err != nil {
			b.Fatal(err)
		}
		return []int64{n}
	})
	if !slices.Equal(got, want) {
		b.Fatalf("counted %v, they %v", got, want)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(ours), "ms")
	b.ReportMetric(ms(slow), "backend-ms")
	b.ReportMetric(ms(slow)/ms(ours), "times-faster")
}

// mixed asks random questions of all kinds, one after the other.
func mixed(b *testing.B, s *Source) {
	rng := rand.New(rand.NewPCG(9, 9))
	var all []time.Duration
	for range mixedQueries {
		q := question{limit: 20}
		from := time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.IntN(80*24)) * time.Hour)
		span := fmt.Sprintf("since:%s until:%s", from.Format(time.RFC3339), from.Add(24*time.Hour).Format(time.RFC3339))
		switch rng.IntN(6) {
		case 0:
		case 1:
			q.query = fmt.Sprintf("user:%d", 1+rng.IntN(100))
		case 2:
			q.query = fmt.Sprintf("resource:ORDER:%d", 1+rng.IntN(10_000))
		case 3:
			q.query = span
		case 4:
			q.query = "action:DELETE " + span
		case 5:
			q.query = fmt.Sprintf("user:%d %s", 1+rng.IntN(100), span)
		}
		begun := time.Now()
		ask(b, s, q)
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(all[len(all)/2]), "p50-ms")
	b.ReportMetric(ms(all[len(all)*95/100]), "p95-ms")
	b.ReportMetric(ms(all[len(all)*99/100]), "p99-ms")
	b.ReportMetric(ms(all[len(all)-1]), "max-ms")
}
