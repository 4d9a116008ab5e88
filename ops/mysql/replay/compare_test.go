package replay

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// compareTransactions is how many the race replays, of twenty rows each.
const compareTransactions = 20_000

// TestCompareReplay races the replay of the binary log against the servers' own way,
// mysqlbinlog | mysql: the same log, interleaved, medians; both come to the same rows.
// OPSDECK_COMPARE is the share of the transactions. It prints as a benchmark does.
func TestCompareReplay(t *testing.T) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		t.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	const table = "CREATE TABLE goods (id INT PRIMARY KEY AUTO_INCREMENT, a INT, name VARCHAR(60), KEY (a)) ENGINE=InnoDB"
	s := testdb.Private(t, "mariadb")
	theirs := s.Schema(t)
	s.Exec(t, theirs, table)
	w := newWorld(t, s, table)
	for i := range max(10, int(scale*compareTransactions)) {
		w.work(t, insertTwenty(i), fmt.Sprintf("UPDATE goods SET a = a + 1 WHERE id = %d", 1+i*7%(i+1)))
	}
	end := now(t, s)
	tool := exec.Command(s.Tool(t, "mysqlbinlog"), arguments(s, w, theirs, end)...).Args
	var ours, old []time.Duration
	for range 3 {
		s.Exec(t, theirs, "TRUNCATE goods")
		began := time.Now()
		text, err := exec.Command(tool[0], tool[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		s.Client(t, "", bytes.NewReader(text))
		old = append(old, time.Since(began))
		s.Exec(t, w.shadow, "DROP TABLE IF EXISTS "+Table, "TRUNCATE goods")
		began = time.Now()
		w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
		ours = append(ours, time.Since(began))
	}
	w.sameRows(t)
	slices.Sort(ours)
	slices.Sort(old)
	fmt.Printf("BenchmarkCompareReplay\t1\t%.2f opsdeck_times\t%.2f mysqlbinlog_to_mysql_s\n",
		old[1].Seconds()/ours[1].Seconds(), old[1].Seconds())
}

func insertTwenty(i int) string {
	q := "INSERT INTO goods (a, name) VALUES "
	for n := range 20 {
		if n > 0 {
			q += ","
		}
		q += fmt.Sprintf("(%d, 'article %d of order %d')", i*20+n, n, i)
	}
	return q
}
