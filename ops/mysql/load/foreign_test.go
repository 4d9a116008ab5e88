package load

import (
	"os"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

func TestForeignDumpComesBackAsItWas(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from := s.Schema(t)
		script, err := os.ReadFile("testdata/shop.sql")
		if err != nil {
			t.Fatal(err)
		}
		s.Client(t, from, strings.NewReader(string(script)))
		to := s.Schema(t)
		text := s.Dump(t, "--routines", "--triggers", "--events", "--databases", from)
		mustRun(t, s, source(t, text), Options{Schema: to, From: from, Events: true})
		if want, got := dumped(t, s, from), dumped(t, s, to); got != want {
			t.Errorf("the copy differs\n%s\n------\n%s", want, got)
		}
	})
}
