package rowread_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func conn(
	t *testing.T,
	s *testdb.Server,
	db string,
	open func(context.Context, mysql.Target, string) (*sql.DB, error),
) *sql.Conn {
	t.Helper()
	pool, err := open(
		t.Context(),
		mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password},
		db,
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := checksum.Session(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func plain(ctx context.Context, t mysql.Target, db string) (*sql.DB, error) {
	return mysql.Open(ctx, t, db) // the driver's own connections, with TLS where offered
}

// The fast way off the wire and the plain way through database/sql give the
// same bytes for every kind of column.
func TestBothWaysReadTheSameBytes(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		for _, name := range []string{"common.sql", s.Flavour + ".sql"} {
			data, err := os.ReadFile("../../../testdata/zoo/" + name)
			if err != nil {
				t.Fatal(err)
			}
			s.Client(t, db, bytes.NewReader(data))
		}
		fast, slow := conn(t, s, db, rowread.Open), conn(t, s, db, plain)
		tables, err := schema.Tables(t.Context(), fast, db)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, table := range tables {
			a := read(t, fast, table)
			b := read(t, slow, table)
			if len(a) != len(b) {
				t.Errorf("%s: %d rows fast, %d rows plain", table.Name, len(a), len(b))
				continue
			}
			for i := range a {
				if !bytes.Equal(a[i], b[i]) {
					t.Errorf("%s, row %d:\nfast  %.300q\nplain %.300q", table.Name, i, a[i], b[i])
				}
			}
			rows += len(a)
		}
		if rows < 80 {
			t.Errorf("only %d rows", rows)
		}
	})
}

func read(t *testing.T, c *sql.Conn, table *schema.Table) (rows [][]byte) {
	t.Helper()
	s, err := rowread.Query(t.Context(), c, table.Stored(true), "FROM "+table.From(true))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Next() {
		rows = append(rows, bytes.Clone(s.Row()))
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return rows
}

// A row that is longer than one packet, and a connection that goes on after it.
func TestRowsBeyondOnePacketAreWhole(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, "", "SET GLOBAL max_allowed_packet = 268435456")
	s.Exec(t, db, "CREATE TABLE giant (id INT PRIMARY KEY, b LONGBLOB)")
	sizes := []int{1<<24 - 10, 1<<24 - 2, 1<<24 - 1, 1 << 24, 40 << 20, 3}
	for i, n := range sizes {
		s.Exec(t, db, fmt.Sprintf("INSERT INTO giant VALUES (%d, REPEAT('%c', %d))", i, 'a'+i, n))
	}
	c := conn(t, s, db, rowread.Open)
	tables, err := schema.Tables(t.Context(), c, db)
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, c, tables[0])
	for i, n := range sizes {
		_, rest, _, _ := rowread.Value(got[i])
		text, rest, _, ok := rowread.Value(rest)
		if !ok || len(rest) != 0 || len(text) != n || bytes.Count(text, []byte{byte('a' + i)}) != n {
			t.Errorf("row %d: %d bytes, want %d", i, len(text), n)
		}
	}
	if one, err := schema.One(t.Context(), c, "SELECT 1"); one != "1" || err != nil {
		t.Errorf("the connection afterwards: %q, %v", one, err)
	}
}

func TestServersErrorsAndInterruptsComeThrough(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		columns := []schema.Column{{Name: "a"}}
		c := conn(t, s, db, rowread.Open)
		if _, err := rowread.Query(t.Context(), c, columns, "FROM absent"); mysql.Number(err) != mysql.ErrNoSuchTable {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := rowread.Query(
			ctx,
			c,
			columns,
			"FROM (WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 900) SELECT a + 0 * "+
				"SLEEP(0) AS a FROM n) q",
		)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		for stream.Next() {
		}
		stream.Close()
		if err := stream.Err(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// A line that is dead without a word ends the read, though nobody interrupts it.
func TestASilentLineIsGivenUp(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		c := conn(t, s, s.Schema(t), rowread.Open)
		defer rowread.SetStallLimit(300 * time.Millisecond)()
		began := time.Now()
		stream, err := rowread.Query(t.Context(), c, []schema.Column{{Name: "a"}}, "FROM (SELECT SLEEP(600) AS a) q")
		if err == nil {
			for stream.Next() {
			}
			err = stream.Err()
			stream.Close()
		}
		if !mysql.Lost(err) || time.Since(began) > 2*time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// stuck writes more than a line's buffers hold to who reads nothing yet, and tells how
// that ended.
func stuck(t *testing.T, serve func(net.Conn)) (written chan error) {
	t.Helper()
	c, err := net.Dial("tcp", testdb.Listen(t, serve).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	written = make(chan error, 1)
	go func() {
		_, err := rowread.Wire(c).Write(make([]byte, 256<<20))
		written <- err
	}()
	return written
}

// A server that closes a line on which it reads nothing any more is heard of.
func TestAWriteEndsWhenTheServerHangsUp(t *testing.T) {
	defer rowread.SetLookEvery(100 * time.Millisecond)()
	written := stuck(t, func(c net.Conn) { c.(*net.TCPConn).CloseWrite() })
	select {
	case err := <-written:
		if err == nil {
			t.Error("it was written to nobody")
		}
	case <-time.After(2 * time.Minute):
		t.Error("it is stuck")
	}
}

func TestAWriteWaitsForAServerThatIsBusy(t *testing.T) {
	defer rowread.SetLookEvery(20 * time.Millisecond)()
	got := make(chan int64, 1)
	written := stuck(t, func(c net.Conn) {
		time.Sleep(300 * time.Millisecond) // many looks
		n, _ := io.CopyN(io.Discard, c, 256<<20)
		got <- n
	})
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != 256<<20 {
		t.Errorf("%d bytes came", n)
	}
}

func FuzzValue(f *testing.F) {
	f.Add([]byte{3, 'a', 'b', 'c', 0xfb, 0xfc, 1, 0, 'x'})
	f.Fuzz(func(t *testing.T, row []byte) {
		for rest := row; ; {
			text, next, _, ok := rowread.Value(rest)
			if !ok {
				return
			}
			if len(text)+len(next) >= len(rest) {
				t.Fatalf("%x: a value longer than its row", row)
			}
			rest = next
		}
	})
}
