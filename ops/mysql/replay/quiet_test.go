package replay

import (
	"fmt"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// A server that logs the statements' text would log each BINLOG statement once per table
// in it: a replay of 10 MB once wrote 1 GB of log, and pushed the backup's position beyond
// the limit for reading from a server.
func TestTheServersOwnLogGrowsByWhatIsReplayed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE goods (id INT PRIMARY KEY AUTO_INCREMENT, a INT, name VARCHAR(60))",
			"CREATE TABLE items (id INT PRIMARY KEY AUTO_INCREMENT, a INT)")
		if s.Flavour == "mysql" {
			s.Exec(t, "", "SET GLOBAL binlog_rows_query_log_events = ON")
			t.Cleanup(func() { s.Exec(t, "", "SET GLOBAL binlog_rows_query_log_events = OFF") })
		}
		for i := range 100 {
			w.work(t, "BEGIN", insertTwenty(i), fmt.Sprintf("INSERT INTO items (a) VALUES (%d)", i), "COMMIT")
		}
		end := now(t, s)
		w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
		w.same(t)
		after := now(t, s)
		if was, more := end.Pos-w.stand.Pos, after.Pos-end.Pos; after.File != end.File || more > 2*was {
			t.Errorf("the replay of %d bytes wrote %d", was, more)
		}
		var texts []string
		rows, err := s.Open(t, "").Query(fmt.Sprintf("SHOW BINLOG EVENTS IN '%s' FROM %d", end.File, end.Pos))
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var file, kind, info string
			var pos, server, next uint64
			if err := rows.Scan(&file, &pos, &kind, &server, &next, &info); err != nil {
				t.Fatal(err)
			}
			if kind == "Annotate_rows" || kind == "Rows_query" {
				texts = append(texts, info[:min(len(info), 100)])
			}
		}
		if len(texts) > 1 { // the note that the replay begins
			t.Errorf("the texts of statements are logged: %q", texts)
		}
	})
}
