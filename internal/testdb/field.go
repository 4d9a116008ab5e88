package testdb

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Field loads the field's tables from testdata/field.sql into a schema that is
// there. Scale is the share of its 6.55 million rows (1.1 GB); root leads to the
// top of the project.
func (s *Server) Field(t testing.TB, schema, root string, scale float64) {
	t.Helper()
	data, err := os.ReadFile(root + "/testdata/field.sql")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, n := range []int{3000000, 2000000, 1000000, 500000, 50000} {
		text = strings.ReplaceAll(
			text,
			fmt.Sprintf("seq_1_to_%d;", n),
			fmt.Sprintf("seq_1_to_%d;", max(1, int(float64(n)*scale))),
		)
	}
	s.Client(t, schema, strings.NewReader(text))
}
