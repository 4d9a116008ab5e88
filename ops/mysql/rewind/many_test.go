package rewind

import (
	"bytes"
	"cmp"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// manyRows is how many rows the accident deletes; OPSDECK_ROWS asks for more.
func manyRows() int {
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_ROWS")); err == nil {
		return n
	}
	return 3000
}

// TestManyRowsAreTakenBack deletes all rows of a table, takes that back, and takes the
// taking back back. With OPSDECK_ROWS=1000000 it measures.
func TestManyRowsAreTakenBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		n := manyRows()
		db := s.Schema(t)
		fill := "INSERT INTO orders SELECT seq.n, CONCAT('customer ', seq.n % 977), seq.n / 100, '2026-01-01' + " +
			"INTERVAL seq.n SECOND, seq.n % 7, REPEAT('x', seq.n % 60) FROM (SELECT a.d + 10*b.d + 100*c.d + " +
			"1000*e.d + 10000*f.d + 100000*g.d AS n FROM d a, d b, d c, d e, d f, d g) seq WHERE seq.n < "
		s.Exec(t, db,
			"SET SESSION binlog_format=ROW",
			"CREATE TABLE d (d INT PRIMARY KEY)", "INSERT INTO d VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
			"CREATE TABLE orders (id BIGINT PRIMARY KEY, customer VARCHAR(60), amount DECIMAL(12,2), at DATETIME, "+
				"state TINYINT, note VARCHAR(200)) DEFAULT CHARSET utf8mb4",
			fill+strconv.Itoa(n),
		)
		whole := sum(t, s, db)
		src, id := deleted(t, s, db)
		took := time.Now()
		step := func(what string) {
			t.Logf("%s: %s", what,
				time.Since(took).Round(time.Millisecond))
			took = time.Now()
		}
		c := connection(t, s, db)
		p, err := Make(t.Context(), src, c, db, Request{Txns: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		step("plan")
		if p.Len() != n || p.Conflicts() != 0 {
			t.Fatalf("%d rows, %d conflicts", p.Len(), p.Conflicts())
		}
		hash, err := p.Hash()
		if err != nil {
			t.Fatal(err)
		}
		step("hash")
		var kept bytes.Buffer
		done, err := p.Run(t.Context(), c, "", func(n int, changes Changes) error {
			return WriteInverse(&kept, n, changes)
		})
		if err != nil || done.Rows != int64(n) {
			t.Fatalf("%+v, %v", done.Rows, err)
		}
		step("run")
		if got := sum(t, s, db); got != whole || hash == "" {
			t.Fatalf("the table is %s, was %s", got, whole)
		}
		undo := func(take func(binlog.NetRow) error) error { return ReadInverse(bytes.NewReader(kept.Bytes()), take) }
		back, err := Back(t.Context(), c, db, "x", undo, p.Shape(), Place{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := back.Run(t.Context(), c, "", forget); err != nil {
			t.Fatal(err)
		}
		step("back")
		if got := sum(t, s, db); got == whole {
			t.Fatalf("the table is %s", got)
		}
	})
}

// sum is a table's checksum by the server's word.
func sum(t *testing.T, s *testdb.Server, db string) string {
	t.Helper()
	var table, sum string
	if err := s.Open(t, db).QueryRow("CHECKSUM TABLE orders").Scan(&table, &sum); err != nil {
		t.Fatal(err)
	}
	return sum
}

// deleted deletes all rows, and finds the transaction.
func deleted(t *testing.T, s *testdb.Server, db string) (*changes.Source, string) {
	t.Helper()
	s.Exec(t, "", "FLUSH BINARY LOGS")
	s.Exec(t, db, "SET SESSION binlog_format=ROW", "DELETE FROM orders")
	to := mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password}
	src, err := changes.Open(t.Context(), binarchive.Folder{Dir: t.TempDir()}, nil, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	id := ""
	err = src.List(t.Context(),
		changes.Query{Query: binlog.Query{Filter: binlog.Filter{Schema: db, Table: "orders", Kind: binlog.Delete}}},
		func(txn *binlog.Transaction) error { id = cmp.Or(id, txn.ID); return nil }) // the newest comes first
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	return src, id
}

func connection(t *testing.T, s *testdb.Server, db string) *sql.Conn {
	t.Helper()
	c, err := s.Open(t, db).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
