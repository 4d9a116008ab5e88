package rewind

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
)

// randomTables are tables whose keys refer to one another, with columns of many types.
var randomTables = []string{
	`CREATE TABLE a (id INT PRIMARY KEY, u INT UNIQUE, v VARCHAR(20), w DECIMAL(12,3), f FLOAT, d DOUBLE, b BIT(9),
		e ENUM('x','','z'), s SET('p','q','r'), t TIMESTAMP(3) NULL, dt DATETIME(6), da DATE, ti TIME(2), y YEAR,
		bl VARBINARY(20), bi BINARY(4), txt TEXT CHARACTER SET latin1, g GEOMETRY,
		st INT GENERATED ALWAYS AS (id + 1) STORED, vi INT GENERATED ALWAYS AS (u * 2) VIRTUAL)`,
	`CREATE TABLE c (id INT PRIMARY KEY, a INT, n INT, UNIQUE (a, n), FOREIGN KEY (a) REFERENCES a (id))`,
	`CREATE TABLE k (x VARCHAR(10), y INT, v INT, PRIMARY KEY (x, y), UNIQUE (v)) CHARSET utf8mb4`,
	`CREATE TABLE s (id INT PRIMARY KEY, up INT, v INT, FOREIGN KEY (up) REFERENCES s (id))`,
	`CREATE TABLE z (f FLOAT, t TIMESTAMP(2) NOT NULL, v VARCHAR(9), PRIMARY KEY (f, t))`,
	`CREATE TABLE h (v INT, w VARCHAR(9), n DECIMAL(6,2), f FLOAT, d DOUBLE, bi BINARY(4), bl VARBINARY(9), b BIT(9), t DATETIME(6),
		e ENUM('x','y'), txt TEXT CHARACTER SET latin1, g INT GENERATED ALWAYS AS (v + 1) VIRTUAL, KEY (v)) CHARSET utf8mb4`,
	`CREATE TABLE q (x INT NOT NULL, y VARCHAR(5) NOT NULL, v INT, UNIQUE (x, y)) CHARSET utf8mb4`,
	`CREATE TABLE j (id INT PRIMARY KEY, doc JSON, big TEXT)`,
}

// loggedAs are settings under which the server logs a transaction in other ways.
func loggedAs(flavour string) []string {
	if flavour == "mariadb" {
		return []string{"SET GLOBAL log_bin_compress = 0", "SET GLOBAL log_bin_compress = 1, GLOBAL log_bin_compress_min_len = 10"}
	}
	return []string{
		"SET SESSION binlog_row_value_options = '', binlog_transaction_compression = 0",
		"SET SESSION binlog_row_value_options = PARTIAL_JSON, binlog_transaction_compression = 0",
		"SET SESSION binlog_row_value_options = PARTIAL_JSON, binlog_transaction_compression = 1",
	}
}

// randomRounds is how many transactions are taken back; OPSDECK_ROUNDS asks for more.
func randomRounds() int {
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_ROUNDS")); err == nil {
		return n
	}
	return 8
}

// TestRandomTransactionsAreTakenBack makes transactions of random statements, takes each
// back, and takes that back. The dump program tells whether the rows are the same.
func TestRandomTransactionsAreTakenBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		m := rand.New(rand.NewPCG(testenv.Seed(t), 1))
		db := s.Schema(t)
		s.Exec(t, db, append([]string{"SET SESSION sql_mode = ''"}, randomTables...)...)
		if s.Flavour == "mysql" {
			s.Exec(t, db, "SET SESSION sql_generate_invisible_primary_key = 1", "CREATE TABLE gi (v INT, w VARCHAR(9))")
		} else {
			s.Exec(t, db, "CREATE TABLE gi (v INT, w VARCHAR(9))")
			t.Cleanup(func() { s.Exec(t, "", "SET GLOBAL log_bin_compress = 0, GLOBAL log_bin_compress_min_len = 256") })
		}
		c := connection(t, s, db)
		exec := func(q string) bool {
			_, err := c.ExecContext(t.Context(), q)
			return err == nil
		}
		exec("SET SESSION sql_mode='', binlog_format=ROW, time_zone='+03:00'")
		for range randomRounds() {
			s.Exec(t, "", "FLUSH BINARY LOGS")
			before := contents(t, s, db)
			as := loggedAs(s.Flavour)
			if q := as[m.IntN(len(as))]; !exec(q) {
				t.Fatal(q)
			}
			alters := m.IntN(3) == 0 // a column is added since
			exec("BEGIN")
			var did []string
			for range 1 + m.IntN(14) {
				if q := randomStatement(m); exec(q) {
					did = append(did, q)
				}
			}
			exec("COMMIT")
			after := contents(t, s, db)
			if after == before {
				continue
			}
			column := func(change string) {
				if alters {
					s.Exec(t, db, "ALTER TABLE k "+change, "ALTER TABLE a "+change)
				}
			}
			src, id := newest(t, s, db)
			if alters {
				column("ADD COLUMN since INT DEFAULT 3 FIRST")
				src.Close()
				src, _ = newest(t, s, db) // with the ALTER
			}
			conn := connection(t, s, db)
			p, err := Make(t.Context(), src, conn, db, Request{Txns: []string{id}})
			kept := taken(t, conn, p, err, did)
			column("DROP COLUMN since")
			if got := contents(t, s, db); got != before {
				t.Fatalf("%s\n%s\nwant\n%s\nwas\n%s", strings.Join(did, ";\n"), got, before, after)
			}
			column("ADD COLUMN since INT DEFAULT 4 FIRST")
			undo := func(take func(binlog.NetRow) error) error { return ReadInverse(bytes.NewReader(kept), take) }
			p, err = Back(t.Context(), conn, db, "x", undo, nil, Place{})
			taken(t, conn, p, err, did)
			column("DROP COLUMN since")
			if got := contents(t, s, db); got != after {
				t.Fatalf("%s, undone:\n%s\nwant\n%s", strings.Join(did, ";\n"), got, after)
			}
			src.Close()
			conn.Close()
		}
	})
}

// taken carries a plan out, and returns what takes it back.
func taken(t *testing.T, conn *sql.Conn, p *Plan, err error, did []string) []byte {
	t.Helper()
	if err != nil || p.Conflicts() != 0 {
		t.Fatalf("%s: %v, %+v", strings.Join(did, ";\n"), err, p)
	}
	defer p.Close()
	var kept bytes.Buffer
	_, err = p.Run(t.Context(), conn, "", func(n int, changes Changes) error {
		return WriteInverse(&kept, n, changes)
	})
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(did, ";\n"), err)
	}
	return kept.Bytes()
}

func randomStatement(m *rand.Rand) string {
	n := func() int { return m.IntN(12) }
	text := func() string { return []string{"''", "'a'", "'A'", "'é '", "'甲'", "NULL", "'b'"}[m.IntN(7)] }
	key := func() string { return []string{"'a'", "'A'", "'b'", "'é'", "'e'"}[m.IntN(5)] }
	row := func() string {
		return fmt.Sprintf("(%d,%d,%s,%d.%d,%d/7e0,%d/7e0,%d,%d,%d,'%s','%s','%s',%s,%d,%s,%s,%s,%s)", n(), n(), text(),
			n()-5, n(), n(), n()-6, m.IntN(512), 1+m.IntN(3), m.IntN(8),
			[]string{"2026-01-29 10:00:00.123", "0000-00-00 00:00:00", "2038-01-01 00:00:00"}[m.IntN(3)],
			[]string{"2026-01-29 10:00:00.123456", "0000-00-00", "9999-12-31 23:59:59.999999", "2026-00-00"}[m.IntN(4)],
			[]string{"2000-02-29", "0000-00-00", "2026-02-31"}[m.IntN(3)],
			[]string{"'-838:59:59'", "'10:00:00.25'", "0"}[m.IntN(3)], []int{0, 1901, 2155}[m.IntN(3)],
			[]string{"x'00ff'", "''", "NULL"}[m.IntN(3)], []string{"x'0100'", "''", "NULL"}[m.IntN(3)],
			[]string{"'é'", "_latin1 x'ff80'", "NULL"}[m.IntN(3)],
			[]string{"POINT(1,2)", "ST_GeomFromText('LINESTRING(0 0,1 1)')", "NULL"}[m.IntN(3)])
	}
	into := " a (id,u,v,w,f,d,b,e,s,t,dt,da,ti,y,bl,bi,txt,g) VALUES " + row()
	bare := func() string {
		return fmt.Sprintf("(%d,%s,%d.5,%d/7e0,%d/3e0,%s,%s,%d,'%s',%d,%s)", n()%3, text(), n()%2, n()%2, n()%2,
			[]string{"x'0100'", "''", "NULL"}[m.IntN(3)], []string{"x'00ff'", "''", "NULL"}[m.IntN(3)], n()%2,
			[]string{"2026-01-29 10:00:00.123456", "0000-00-00"}[m.IntN(2)], 1+m.IntN(2),
			[]string{"'é'", "_latin1 x'ff80'", "NULL", "'  '", "''"}[m.IntN(5)])
	}
	switch m.IntN(34) {
	case 22, 23:
		return "INSERT INTO h (v,w,n,f,d,bi,bl,b,t,e,txt) VALUES " + bare() + "," + bare()
	case 24:
		return "INSERT INTO h (v,w) VALUES (1,'same'),(1,'same'),(1,'same')"
	case 25:
		return fmt.Sprintf("DELETE FROM h WHERE v = %d LIMIT %d", n()%3, 1+n())
	case 26:
		return fmt.Sprintf("UPDATE h SET w = %s WHERE v = %d LIMIT %d", text(), n()%3, 1+n())
	case 27:
		return fmt.Sprintf("REPLACE INTO q VALUES (%d,%s,%d),(%d,%s,%d)", n()%3, key(), n(), n()%3, key(), n())
	case 28:
		return fmt.Sprintf("UPDATE IGNORE q SET x = x + 1, v = %d ORDER BY x DESC", n())
	case 29:
		return fmt.Sprintf("DELETE FROM q WHERE x = %d", n()%3)
	case 30:
		return fmt.Sprintf(`REPLACE INTO j VALUES (%d, '{"a": %d, "b": {"c": [1, "甲", null]}, "long": "%s"}', 'x')`, n(), n(),
			strings.Repeat("z", 200))
	case 31:
		return fmt.Sprintf("UPDATE j SET doc = JSON_SET(doc, '$.a', %d), big = 'y' WHERE id > %d", n(), n())
	case 32:
		return fmt.Sprintf("UPDATE j SET doc = JSON_REMOVE(JSON_SET(doc, '$.b.c[0]', '%d'), '$.a') WHERE id < %d", n(), n())
	case 33:
		return fmt.Sprintf("INSERT INTO gi (v, w) VALUES (%d, %s), (1, 'same')", n(), text())
	case 0, 1, 2:
		return "INSERT IGNORE INTO" + into + "," + row() + "," + row()
	case 3:
		return "REPLACE INTO" + into
	case 4:
		return "INSERT INTO" + into + fmt.Sprintf(" ON DUPLICATE KEY UPDATE id = id + 20, v = %s", text())
	case 5:
		return fmt.Sprintf("UPDATE a SET u = u + 1 ORDER BY u DESC LIMIT %d", n())
	case 6:
		return fmt.Sprintf("UPDATE IGNORE a SET id = id - %d, v = %s", n(), text())
	case 7:
		return fmt.Sprintf("DELETE FROM a WHERE id %% 3 = %d", m.IntN(3))
	case 8:
		return fmt.Sprintf("INSERT INTO c VALUES (%d,%d,%d)", n(), n(), n())
	case 9:
		return fmt.Sprintf("UPDATE IGNORE c SET a = %d, n = n + 1 WHERE id > %d", n(), n())
	case 10:
		return fmt.Sprintf("DELETE FROM c WHERE id > %d", n())
	case 11, 12:
		return fmt.Sprintf("INSERT IGNORE INTO k VALUES (%s,%d,%d),(%s,%d,%d)", key(), n()%3, n(), key(), n()%3, n())
	case 13:
		return fmt.Sprintf("REPLACE INTO k VALUES (%s,%d,%d)", key(), n()%3, n())
	case 14:
		return fmt.Sprintf("UPDATE IGNORE k SET x = %s, v = v + 1 WHERE y = %d", key(), n()%3)
	case 15:
		return "UPDATE k SET v = -v - 1 ORDER BY v"
	case 16:
		return fmt.Sprintf("DELETE FROM k WHERE x = %s", key())
	case 17:
		return fmt.Sprintf("INSERT IGNORE INTO s VALUES (%d,NULL,1),(%d,%d,2)", n(), n(), n())
	case 18:
		return fmt.Sprintf("UPDATE IGNORE s SET up = %d, v = v + 1 WHERE id <> %d", n(), n())
	case 19:
		return fmt.Sprintf("DELETE IGNORE FROM s WHERE id > %d", n())
	case 20:
		return fmt.Sprintf("REPLACE INTO z VALUES (%d/10, '2026-01-29 10:00:0%d.25', %s)", n(), n()%3, text())
	}
	return fmt.Sprintf("UPDATE IGNORE z SET f = f + 0.1, v = %s WHERE f > %d/10", text(), n())
}
