package dump

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/schema"
)

// smallChunks makes tables of a few KB split into chunks.
func smallChunks(t *testing.T, size int64) {
	was := chunkBytes
	chunkBytes = size
	t.Cleanup(func() { chunkBytes = was })
}

// Keys of all distributions: gaps, negative values, both limits of the type, a unique
// first column of a composite key. Each row is in exactly one chunk.
func TestChunksHoldEveryRowOnce(t *testing.T) {
	smallChunks(t, 16<<10)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		for name, keys := range map[string]struct{ kind, expr string }{
			"negative": {"INT", "n - 2500"},
			"ends":     {"BIGINT", "CASE WHEN n % 2 THEN -9223372036854775808 + n ELSE 9223372036854775807 - n END"},
			"unsigned": {"BIGINT UNSIGNED", "CASE WHEN n % 2 THEN n ELSE 18446744073709551615 - n END"},
			"clumps":   {"INT UNSIGNED", "(n DIV 100) * 10000000 + n % 100"},
			"outlier":  {"BIGINT", "CASE WHEN n = 1 THEN 9000000000000000000 ELSE n END"},
		} {
			t.Run(name, func(t *testing.T) {
				numbers(t, s, db, name, keys.kind, keys.expr)
				path, m := dumped(t, s, Options{Databases: []string{db}, Tables: []string{name}})
				proved(t, path, m)
				members := 0
				for _, member := range m.Members {
					if member.Object == name && member.Rows > 0 {
						members++
					}
				}
				if m.Tables[0].Rows != 5000 || members < 3 {
					t.Errorf("%d rows in %d members", m.Tables[0].Rows, members)
				}
				seen := map[string]bool{}
				for row := range strings.Lines(string(text(t, path, m))) {
					if !strings.HasPrefix(row, "(") {
						continue
					}
					key, _, _ := strings.Cut(row, ",")
					if seen[key] {
						t.Fatalf("row %.30s is there twice", row)
					}
					seen[key] = true
				}
				if len(seen) != 5000 {
					t.Errorf("%d keys", len(seen))
				}
			})
		}
	})
}

// numbers creates a table of 5000 rows whose key is an expression over n from 1.
func numbers(t *testing.T, s *testdb.Server, db, name, kind, expr string) {
	t.Helper()
	digits := "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT " +
		"6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	s.Exec(
		t,
		db,
		fmt.Sprintf("CREATE TABLE `%s` (id %s PRIMARY KEY, pad VARCHAR(100))", name, kind),
		fmt.Sprintf(
			"INSERT INTO `%s` SELECT %s, REPEAT('x', 100) FROM (SELECT 1 + a.d + 10*b.d + 100*c.d + 1000*e.d AS n "+
				"FROM %s a, %s b, %s c, %s e) q WHERE n <= 5000",
			name,
			expr,
			digits,
			digits,
			digits,
			digits,
		),
		"ANALYZE TABLE `"+name+"`",
	)
}

func TestBoundsOfChunksMeet(t *testing.T) {
	s := testdb.MariaDB(t)
	smallChunks(t, 16<<10)
	db := s.Schema(t)
	numbers(t, s, db, "n", "INT", "n * 3 - 7000")
	pool := s.Open(t, db)
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tables, err := schema.Tables(t.Context(), c, db)
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := planChunks(t.Context(), c, &table{Table: tables[0]})
	if err != nil {
		t.Fatal(err)
	}
	at := ""
	for i, part := range chunks {
		if part.from != at || (part.to == "") != (i == len(chunks)-1) {
			t.Errorf("chunk %d of %d is [%s, %s)", i, len(chunks), part.from, part.to)
		}
		at = part.to
	}
	if len(chunks) < 10 {
		t.Errorf("%d chunks", len(chunks))
	}
}

// Members and statements stay small, unless a single row is large.
func TestMembersAndStatementsAreBounded(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB)", "SET GLOBAL max_allowed_packet = 67108864")
	s.Exec(t, db, "INSERT INTO big VALUES (1, 'a'), (2, REPEAT('b', 6000000)), (3, 'c')",
		"INSERT INTO big SELECT seq, REPEAT('d', 20000) FROM seq_10_to_410")
	path, m := dumped(t, s, Options{Databases: []string{db}})
	proved(t, path, m)
	large := 0
	for _, member := range m.Members {
		if member.RawLength > memberBytes+statementBytes {
			large++
			if member.Rows != 1 {
				t.Errorf("a member of %d bytes holds %d rows", member.RawLength, member.Rows)
			}
		}
	}
	if large != 1 {
		t.Errorf("%d members beyond the bound", large)
	}
	for statement := range strings.SplitSeq(string(text(t, path, m)), ";\n") {
		if len(statement) > statementBytes+1024 && strings.Count(statement, "\n(") != 1 {
			t.Errorf("a statement of %d bytes with several rows", len(statement))
		}
	}
}
