package replay

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
)

// compareTransactions is the number of transactions that the benchmark replays, twenty
// rows each.
const compareTransactions = 20_000

// TestCompareReplay compares the speed of the binlog replay with mysqlbinlog | mysql: the
// same log, interleaved runs, medians; both must give the same rows. OPSDECK_COMPARE
// scales the number of transactions. The output has the format of a Go benchmark.
func TestCompareReplay(t *testing.T) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		t.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	for _, flavour := range []string{"mariadb", "mysql"} {
		old, ours := raceReplay(t, flavour, max(10, int(scale*compareTransactions)))
		fmt.Printf("BenchmarkCompareReplay/%s\t1\t%.2f opsdeck_times\t%.2f mysqlbinlog_to_mysql_s\n",
			flavour, old.Seconds()/ours.Seconds(), old.Seconds())
	}
}

// raceReplay is the median time of each method for the given number of transactions.
func raceReplay(t *testing.T, flavour string, transactions int) (old, ours time.Duration) {
	const table = "CREATE TABLE goods (id INT PRIMARY KEY AUTO_INCREMENT, a INT, name VARCHAR(60), KEY (a)) ENGINE=InnoDB"
	s := testdb.Private(t, flavour)
	theirs := s.Schema(t)
	s.Exec(t, theirs, table)
	w := newWorld(t, s, table)
	var all []string
	for i := range transactions {
		all = append(all, insertTwenty(i), fmt.Sprintf("UPDATE goods SET a = a + 1 WHERE id = %d", 1+i*7%(i+1)))
		if len(all) >= 200 || i == transactions-1 {
			s.Exec(t, w.live, "SET SESSION binlog_format=ROW", strings.Join(all, ";"))
			all = nil
		}
	}
	end := now(t, s)
	if end.File != w.stand.File {
		t.Fatalf("the log goes on in %s: choose fewer transactions", end.File)
	}
	// The archive already exists, as it does with a follower.
	folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
	_, err := binarchive.Run(t.Context(),
		binarchive.Options{Target: target(s), Folder: folder, Who: lock.Holder{What: "a test"}})
	if err != nil {
		t.Fatal(err)
	}
	reached := w.logFrom(t, folder, nil).End()
	place := &reached
	var olds, own []time.Duration
	for range 3 {
		s.Exec(t, theirs, "TRUNCATE goods")
		began := time.Now()
		pipe, in := io.Pipe()
		tool := exec.Command(s.Tool(t, "mysqlbinlog"), arguments(s, w, theirs, end)...)
		tool.Stdout = in
		go func() { in.CloseWithError(tool.Run()) }()
		s.Client(t, "", pipe)
		olds = append(olds, time.Since(began))
		s.Exec(t, w.shadow, "DROP TABLE IF EXISTS "+Table, "TRUNCATE goods")
		began = time.Now()
		w.replay(t, w.logFrom(t, folder, place), binlog.Moment{Position: &end.Position})
		own = append(own, time.Since(began))
	}
	w.sameRows(t)
	slices.Sort(olds)
	slices.Sort(own)
	return olds[1], own[1]
}

// logFrom is an archive's log from the world's start to a position.
func (w *world) logFrom(t *testing.T, folder binarchive.Folder, end *binlog.Place) *changes.Run {
	t.Helper()
	open := func() (*changes.Source, error) {
		if end == nil {
			return changes.Open(t.Context(), folder, nil, target(w.s))
		}
		return changes.OpenUpTo(t.Context(), folder, nil, target(w.s), *end)
	}
	src, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	run, err := src.From(w.live, []binlog.Stand{w.stand})
	if err != nil {
		t.Fatal(err)
	}
	return run
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
