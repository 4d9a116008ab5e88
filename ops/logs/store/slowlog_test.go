package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// slowLogs are entries as MySQL 9 and MariaDB 11.8 write them: MariaDB says the time only
// where the second is another, and calls the schema and the thread by name.
const slowLogs = `/usr/sbin/mysqld, Version: 9.1.0 (MySQL Community Server - GPL). started with:
Tcp port: 3306  Unix socket: /var/run/mysqld/mysqld.sock
Time                 Id Command    Argument
# Time: 2026-01-29T12:00:00.678222Z
# User@Host: app[app] @ localhost []  Id:     2
# Query_time: 2.511853  Lock_time: 0.011542 Rows_sent: 268  Rows_examined: 1268
use sales;
SET timestamp=1769688000;
SELECT *
  FROM orders WHERE took = 'took 9999ms' AND x=1;
# Time: 260129 12:00:05
# User@Host: root[root] @ db-1 [10.0.0.7]
# Thread_id: 33  Schema: sales  QC_hit: No
# Query_time: 0.250117  Lock_time: 0.000117  Rows_sent: 1  Rows_examined: 9
# Rows_affected: 0  Bytes_sent: 69
SET timestamp=1769688005;
SELECT 2;
# User@Host: app[app] @  [10.0.0.9]
# Thread_id: 34  Schema: sales  QC_hit: No
# Query_time: 12.000000  Lock_time: 0.000117  Rows_sent: 1  Rows_examined: 9
SET timestamp=1769688005;
UPDATE orders SET note = 'at night';
`

func field(e *logs.Event, name string) string {
	v, _ := e.Field(name)
	return v
}

func slowAsked(t *testing.T, text string) (got []logs.Event) {
	t.Helper()
	q, err := query.ParseQuery(text, testNow)
	if err != nil {
		t.Fatal(err)
	}
	s := index.Scan{Query: q, Zone: time.UTC, Now: testNow}
	p := line.NewParser(time.UTC, testNow)
	err = s.Each(context.Background(), []logs.Source{memSource(slowLogs)}, func(h *index.Hit) error {
		e, err := s.WholeEvent(p, h)
		if got = append(got, e); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestASlowLogIsEvents(t *testing.T) {
	var got []string
	for _, e := range slowAsked(t, "context:slow*") {
		got = append(got, strings.Join([]string{
			e.Time.UTC().Format("15:04:05"), field(&e, "user"), field(&e, "host"), field(&e, "schema"),
			field(&e, "query_time_ms"), field(&e, "lock_time_ms"), field(&e, "rows_examined"), e.Message,
		}, " | "))
	}
	want := []string{
		"12:00:00 | app | localhost | sales | 2511.853 | 11.542 | 1268 | SELECT * FROM orders WHERE took = 'took 9999ms' AND x=1;",
		"12:00:05 | root | db-1 | sales | 250.117 | 0.117 | 9 | SELECT 2;",
		"12:00:05 | app | 10.0.0.9 | sales | 12000 | 0.117 | 9 | UPDATE orders SET note = 'at night';",
	}
	if len(got) != 3 {
		t.Fatalf("%d entries:\n%s", len(got), strings.Join(got, "\n"))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got\n%s\nwant\n%s", got[i], want[i])
		}
	}
}

func TestSlowEntriesAreFoundByTimeAndField(t *testing.T) {
	for query, want := range map[string]int{
		"took>200": 3, "took>10000": 1, "is:slow": 2, "field.user=app": 2, "field.user=root": 1,
		"field.rows_examined>1000": 1, "field.schema=sales": 3, "field.query_time_ms>=12000": 1,
	} {
		if got := slowAsked(t, query); len(got) != want {
			t.Errorf("%s: %d entries, want %d", query, len(got), want)
		}
	}
}

func TestAFollowedSlowLogIsTheSameEvents(t *testing.T) {
	var live []logs.Event
	q, _ := query.ParseQuery("context:slow*", testNow)
	l := NewLive(q, "slow.log", 0, line.NewParser(time.UTC, testNow), func(e logs.Event) { live = append(live, e) })
	for _, text := range strings.SplitAfter(slowLogs, "\n") {
		l.Read(strings.NewReader(text), 0, int64(len(text)), nil)
	}
	l.Quiet(0)
	old := slowAsked(t, "context:slow*")
	if len(live) != len(old) {
		t.Fatalf("%d followed, %d there", len(live), len(old))
	}
	for i := range old {
		if a, b := fmt.Sprint(live[i].Message, live[i].Fields), fmt.Sprint(old[i].Message, old[i].Fields); a != b {
			t.Errorf("followed %s\nthere %s", a, b)
		}
	}
}

func TestTimesTakenAreReadInTheirOwnUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"took 1234ms":     1234,
		"took 1.2s, took": 1200,
		"# Query_time: 2.511853  Lock_time: 0.011542":                          2511,
		`10.0.0.1 - - [x] "GET / HTTP/1.1" 200 1 "-" "-" rt=1.500 uct="0.000"`: 1500,
		`status=200 request_time=0.250 upstream`:                               250,
		`{"status":"200","request_time":"3.100"}`:                              3100,
		`{"status":200,"request_time": 0.004}`:                                 4,
		"GET /orders 200 1512.3 ms - 15":                                       1512,
		"start=1 rt=none":                                                      -1,
		"waited 12 ms - done":                                                  12,
		"nothing of the kind":                                                  -1,
		"request_time=":                                                        -1,
	} {
		if got := line.Took([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
