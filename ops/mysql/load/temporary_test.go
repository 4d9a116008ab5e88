package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// temporaryDump is a dump in which temporary tables come and go among others, one of
// them under the name of a table that is there, and its copy by the plain client.
func temporaryDump(t *testing.T, s *testdb.Server) (schema string, text []byte) {
	t.Helper()
	var b strings.Builder
	b.WriteString("SET NAMES utf8mb4;\n")
	for i := range 12 {
		fmt.Fprintf(
			&b,
			"CREATE TABLE t%d (id INT NOT NULL, v VARCHAR(20), PRIMARY KEY (id), KEY (v)) ENGINE=InnoDB;\n",
			i,
		)
		if i%3 == 0 {
			fmt.Fprintf(
				&b,
				"CREATE TEMPORARY TABLE scratch (id INT NOT NULL, v VARCHAR(20), PRIMARY KEY (id));\nINSERT INTO "+
					"scratch VALUES (1,'passing'),(2,'by');\n",
			)
		}
		if i%3 == 1 { // hides the one that was just made
			fmt.Fprintf(
				&b,
				"CREATE TEMPORARY TABLE t%[1]d (id INT NOT NULL, v VARCHAR(20));\nINSERT INTO t%[1]d VALUES "+
					"(7,'hidden');\nDROP TEMPORARY TABLE t%[1]d;\n",
				i,
			)
		}
		for j := range 40 {
			fmt.Fprintf(&b, "INSERT INTO t%d VALUES (%d,'客户 %d'),(%d,NULL);\n", i, 2*j, j, 2*j+1)
		}
		if i%3 == 2 {
			b.WriteString("INSERT INTO scratch VALUES (3,'on');\nDROP TABLE scratch;\n")
		}
	}
	b.WriteString("CREATE TEMPORARY TABLE t3 (id INT);\nINSERT INTO t3 VALUES (1);\n") // ends with the session
	schema = s.Schema(t)
	s.Client(t, schema, strings.NewReader(b.String()))
	return schema, []byte(b.String())
}

func TestTemporaryTablesOfADumpPassBy(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		smallBatches(t)
		deferAll(t)
		from, text := temporaryDump(t, s)
		sameAs(t, s, resumedFromAnywhere(t, s, source(t, text), ""), from)
	})
}

func TestALoadWithTemporaryTablesIsResumedAfterAKill(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from, text := temporaryDump(t, s)
		src := source(t, text)
		eachRound(t, func(r *rand.Rand) {
			to := s.Schema(t)
			killed(t, s, r, src.Path, "", to)
			sameAs(t, s, to, from)
		})
	})
}
