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
const (
	compareTransactions = 20_000
	bulkTransactions    = 200
)

// TestCompareReplay compares the speed of the binlog replay with mysqlbinlog | mysql: the
// same log, interleaved runs, medians; both must give the same rows. OPSDECK_COMPARE
// scales the number of transactions. The output has the format of a Go benchmark.
func TestCompareReplay(t *testing.T) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		t.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	for _, flavour := range []string{"mariadb", "mysql"} {
		for _, size := range []string{"small", "bulk"} {
			old, ours, bytes := raceReplay(t, flavour, raceOf(size, scale))
			fmt.Printf("BenchmarkCompareReplay/%s_%s\t1\t%.2f opsdeck_times\t%.2f mysqlbinlog_to_mysql_s\t%.0f MB/s\n",
				flavour, size, old.Seconds()/ours.Seconds(), old.Seconds(), float64(bytes)/1e6/ours.Seconds())
		}
	}
}

// raceOf are the statements of a race, at most a few hundred in each text: many small transactions, or
// few with thousands of rows.
func raceOf(size string, scale float64) (texts []string) {
	var all []string
	add := func(q string) {
		if all = append(all, q); len(all) >= 200 || len(q) > 1<<17 {
			texts, all = append(texts, strings.Join(all, ";")), nil
		}
	}
	if size == "bulk" {
		for i := range max(2, int(scale*bulkTransactions)) {
			add(insertRows(i, 5000))
			add(fmt.Sprintf("UPDATE goods SET a = a + 1 WHERE id > %d", i*2500))
			if i%4 == 3 {
				add("DELETE FROM goods WHERE id % 5 = 1")
			}
		}
	} else {
		for i := range max(10, int(scale*compareTransactions)) {
			add(insertRows(i, 20))
			add(fmt.Sprintf("UPDATE goods SET a = a + 1 WHERE id = %d", 1+i*7%(i+1)))
		}
	}
	if len(all) > 0 {
		texts = append(texts, strings.Join(all, ";"))
	}
	return texts
}

// raceReplay is the median time of each method for the given statements, and the size of their log.
func raceReplay(t *testing.T, flavour string, texts []string) (old, ours time.Duration, size uint64) {
	const table = "CREATE TABLE goods (id INT PRIMARY KEY AUTO_INCREMENT, a INT, name VARCHAR(60), KEY (a)) ENGINE=InnoDB"
	s := testdb.Private(t, flavour)
	theirs := s.Schema(t)
	s.Exec(t, theirs, table)
	w := newWorld(t, s, table)
	for _, text := range texts {
		s.Exec(t, w.live, "SET SESSION binlog_format=ROW", text)
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
	return olds[1], own[1], end.Pos - w.stand.Pos
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
	run, err := src.From(w.live, []binlog.BackupPosition{w.stand})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func insertTwenty(i int) string { return insertRows(i, 20) }

func insertRows(i, rows int) string {
	var q strings.Builder
	q.WriteString("INSERT INTO goods (a, name) VALUES ")
	for n := range rows {
		if n > 0 {
			q.WriteByte(',')
		}
		fmt.Fprintf(&q, "(%d, 'article %d of order %d')", i*rows+n, n, i)
	}
	return q.String()
}
