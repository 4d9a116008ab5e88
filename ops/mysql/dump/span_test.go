package dump

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// keyKinds are keys that are not a single number: their columns, and their values for the
// row number n from 1 to 5000.
var keyKinds = map[string]struct{ columns, key, values string }{
	"uuid": {
		"a CHAR(36) CHARACTER SET ascii",
		"a",
		"INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(n,256),32),9,0,'-'),14,0,'-'),19,0,'-'),24,0,'-')",
	},
	"code": {"a VARCHAR(40) CHARACTER SET utf8mb4", "a", "CONCAT('SO2025', LPAD(n * 7, 10, '0'))"},
	"chinese": {
		"a VARCHAR(40) CHARACTER SET utf8mb4",
		"a",
		"CONCAT(CHAR(0x4e00 + n * 3 % 20000 USING ucs2), CHAR(0x4e00 + n USING ucs2))",
	},
	"any case": {
		"a VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
		"a",
		"CONCAT(IF(n % 2, UPPER(LEFT(SHA2(n,256),32)), LEFT(SHA2(n,256),32)), IF(n % 3, '', 'ß'))",
	},
	"bytewise": {
		"a VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		"a",
		"CONCAT(IF(n % 2, UPPER(SUBSTR(LEFT(SHA2(n,256),32),1,6)), SUBSTR(LEFT(SHA2(n,256),32),1,6)), n)",
	},
	"latin": {
		"a VARCHAR(64) CHARACTER SET latin1 COLLATE latin1_german2_ci",
		"a",
		"CONCAT(IF(n % 2, 'ä', 'Z'), LEFT(SHA2(n,256),32))",
	},
	"gbk": {"a VARCHAR(64) CHARACTER SET gbk", "a", "CONCAT(SUBSTR(LEFT(SHA2(n,256),32),1,4), '客', n)"},
	"blanks": {
		"a VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
		"a",
		"CONCAT(' ', n % 10, REPEAT(' ', n % 5), n)",
	},
	"long stem": {"a VARCHAR(200) CHARACTER SET utf8mb4", "a", "CONCAT(REPEAT('/very/long', 12), '/', n)"},
	"binary":    {"a BINARY(16)", "a", "UNHEX(LEFT(SHA2(n,256),32))"},
	"varbinary": {"a VARBINARY(40)", "a", "UNHEX(CONCAT(LEFT(SHA2(n DIV 7,256),32), HEX(n)))"},
	"moment":    {"a DATETIME(3), b INT", "a, b", "TIMESTAMP('2025-01-01') + INTERVAL n * 86400000 MICROSECOND, n"},
	"day":       {"a DATE, b INT", "a, b", "DATE('2025-01-01') + INTERVAL n % 7 DAY, n"},
	"tenant":    {"a INT, b VARCHAR(40)", "a, b", "IF(n % 10, 7, n), LEFT(SHA2(n,256),32)"},
	"two texts": {
		"a VARCHAR(20), b VARCHAR(40), c INT",
		"a, b, c",
		"IF(n % 10, 'main', 'x'), IF(n % 3, 'y', LEFT(SHA2(n,256),32)), n",
	},
	"text first": {"a VARCHAR(20) CHARACTER SET utf8mb4, b BIGINT", "a, b", "ELT(1 + n % 3, 'A', 'é', '中'), -n * 1000"},
	"one text":   {"a VARCHAR(20), b INT", "a, b", "'one', n"},
}

// keyed creates a table of 5000 rows with such a key.
func keyed(t *testing.T, s *testdb.Server, db, name, columns, key, values string) {
	t.Helper()
	digits := "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT " +
		"6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	s.Exec(
		t,
		db,
		"SET NAMES utf8mb4",
		fmt.Sprintf("CREATE TABLE `%s` (%s, pad VARCHAR(100), PRIMARY KEY (%s)) ENGINE=InnoDB", name, columns, key),
		fmt.Sprintf(
			"INSERT INTO `%s` SELECT %s, REPEAT('x', 100) FROM (SELECT 1 + a.d + 10*b.d + 100*c.d + 1000*e.d AS n "+
				"FROM %s a, %s b, %s c, %s e) q WHERE n <= 5000",
			name,
			values,
			digits,
			digits,
			digits,
			digits,
		),
		"ANALYZE TABLE `"+name+"`",
	)
}

func TestChunksByAnyKeyHoldEveryRowOnce(t *testing.T) {
	smallChunks(t, 64<<10)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		for name, k := range keyKinds {
			t.Run(name, func(t *testing.T) {
				keyed(t, s, db, name, k.columns, k.key, k.values)
				if n := together(t, s, db, name); n < 4 {
					t.Errorf("only %d chunks", n)
				}
			})
		}
	})
}

// together reads a table as a whole and chunk by chunk: both must give the same rows.
func together(t *testing.T, s *testdb.Server, db, name string) int {
	t.Helper()
	ctx := context.Background()
	pool, err := rowread.Open(ctx, target(s), db)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c, err := connect(ctx, pool, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tables, err := schema.Tables(ctx, c, db)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range tables {
		if found.Name != name {
			continue
		}
		whole, want, err := checksum.Table(ctx, c, found, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		chunks, err := planChunks(ctx, c, &table{Table: found})
		if err != nil {
			t.Fatal(err)
		}
		var rows, most int64
		var got checksum.Sum
		for i := range chunks {
			n, sum := readPart(t, c, &chunks[i])
			rows, most = rows+n, max(most, n)
			got.Add(sum)
		}
		if rows != whole || got != want {
			for i := range chunks {
				t.Logf("%d: %s", i, chunks[i].condition())
			}
			t.Fatalf("%d rows in %d chunks, the table has %d", rows, len(chunks), whole)
		}
		t.Logf("%d chunks, the largest of %d rows", len(chunks), most)
		return len(chunks)
	}
	t.Fatalf("no table %s", name)
	return 0
}

func readPart(t *testing.T, c *sql.Conn, part *chunk) (rows int64, sum checksum.Sum) {
	t.Helper()
	s, err := rowread.Query(context.Background(), c, part.columns, part.rest())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var last []byte
	for s.Next() {
		if bytes.Equal(s.Row(), last) {
			t.Fatal("a row twice")
		}
		last = append(last[:0], s.Row()...)
		sum.Add(checksum.Row(s.Row()))
		rows++
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return rows, sum
}

// Random texts over a small, awkward alphabet, in the collations with the most unusual
// order. The seed is printed.
func TestChunksByRandomTextsHoldEveryRowOnce(t *testing.T) {
	smallChunks(t, 32<<10)
	seed := testenv.Seed(t)
	collations := []string{
		"utf8mb4_bin",
		"utf8mb4_general_ci",
		"utf8mb4_unicode_520_ci",
		"utf8mb4_czech_ci",
		"latin1_swedish_ci",
		"gbk_chinese_ci",
		"utf8mb4_spanish2_ci",
	}
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		r := rand.New(rand.NewPCG(seed, 5))
		db := s.Schema(t)
		for i := range soak(4, 100) {
			collation := collations[r.IntN(len(collations))]
			name := fmt.Sprintf("t%d", i)
			s.Exec(
				t,
				db,
				"SET sql_mode = ''",
				fmt.Sprintf(
					"CREATE TABLE %s (a VARCHAR(30) CHARACTER SET %s COLLATE %s, b INT, pad VARCHAR(100), PRIMARY "+
						"KEY (a, b)) ENGINE=InnoDB",
					name,
					collation[:strings.IndexByte(collation, '_')],
					collation,
				),
			)
			alphabet := []rune("aAbBzZ0159 -_.äÄßéñçlhLL中文字😀")
			alphabet = alphabet[r.IntN(6) : len(alphabet)-r.IntN(6)]
			for range 10 {
				var values []string
				for n := range 300 {
					var text strings.Builder
					text.WriteString([]string{"", "", "stem", "中"}[r.IntN(4)])
					for range r.IntN(8) {
						text.WriteRune(alphabet[r.IntN(len(alphabet))])
					}
					values = append(values, fmt.Sprintf("(%s,%d,REPEAT('x',100))", schema.String(text.String()), n))
				}
				s.Exec(
					t,
					db,
					"SET sql_mode = ''",
					"SET NAMES utf8mb4",
					"INSERT IGNORE INTO "+name+" VALUES "+strings.Join(values, ","),
				)
			}
			s.Exec(t, db, "ANALYZE TABLE "+name)
			together(t, s, db, name)
		}
	})
}
