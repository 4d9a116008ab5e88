package changes

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
)

// BenchmarkATableInEveryPart lists the transactions of a table that every part of the log has,
// and those of one of its rows, and reports the log's bytes by second of processor.
func BenchmarkATableInEveryPart(b *testing.B) {
	small := `CREATE PROCEDURE fill(n INT) BEGIN DECLARE i INT DEFAULT 0;
		WHILE i < n DO
			INSERT INTO a VALUES (NULL, i, 'shipped to the customer who ordered it', NOW());
			UPDATE a SET v = v + 1, w = CONCAT(w, i) WHERE i = LAST_INSERT_ID();
			SET i = i + 1;
		END WHILE; END`
	large := `CREATE PROCEDURE fill(n INT) BEGIN DECLARE i INT DEFAULT 0;
		INSERT INTO a VALUES (NULL, 0, 'shipped to the customer who ordered it', NOW());
		WHILE i < 14 DO INSERT INTO a SELECT NULL, v, w, at FROM a; SET i = i + 1; END WHILE;
		WHILE n > 0 DO UPDATE a SET v = v + 1; SET n = n - 1; END WHILE; END`
	for _, kind := range []struct {
		name, flavour, fill string
		n                   int
		args                []string
	}{
		{"small", "mariadb", small, 60_000, []string{"--binlog-annotate-row-events=ON"}},
		{"large", "mariadb", large, 30, nil},
		{"packed", "mariadb", large, 30, []string{"--log-bin-compress=ON"}},
		{"small_mysql", "mysql", small, 60_000, []string{"--binlog-rows-query-log-events=ON"}},
		{"packed_mysql", "mysql", large, 30, []string{"--binlog-transaction-compression=ON"}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			args := append([]string{"--sync-binlog=0", "--innodb-flush-log-at-trx-commit=0", "--binlog-format=ROW"},
				kind.args...)
			s := testdb.Private(b, kind.flavour, args...)
			in := s.Schema(b)
			s.Exec(b, in, "CREATE TABLE a (i INT AUTO_INCREMENT PRIMARY KEY, v INT, w VARCHAR(90), at DATETIME)",
				kind.fill, fmt.Sprintf("CALL fill(%d)", kind.n))
			folder := binarchive.Folder{Dir: filepath.Join(b.TempDir(), "binlog")}
			target := mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User,
				Password: s.Password}
			r, err := binarchive.Run(b.Context(), binarchive.Options{Target: target, Folder: folder})
			if err != nil {
				b.Fatal(err)
			}
			s.Stop(b)
			src, err := OpenArchive(folder, nil)
			if err != nil {
				b.Fatal(err)
			}
			q := Query{Query: binlog.Query{Filter: binlog.Filter{Schema: in, Table: in + ".a"}}}
			b.Run("table", func(b *testing.B) { list(b, src, q, r.Bytes) })
			q.Key = []string{"77"}
			b.Run("row", func(b *testing.B) { list(b, src, q, r.Bytes) })
		})
	}
}

// list lists what a query takes, of a log of so many bytes.
func list(b *testing.B, src *Source, q Query, size int64) {
	found := 0
	began := processor()
	for b.Loop() {
		if err := src.List(b.Context(), q, func(*binlog.Transaction) error { found++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)*float64(b.N)/(processor()-began).Seconds()/1e6, "MB/cpu-s")
	b.ReportMetric(float64(size)/1e6, "MB")
	b.ReportMetric(float64(found)/float64(b.N), "found")
}

// processor is the time that this process has had of the processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
