package load

import (
	"os"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

func TestMysqldumpOfTheZooComesBackAsItWas(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from := zoo(t, s)
		// mysqldump itself loses -0 and impossible dates, whoever reads its text.
		s.Exec(t, from, "DELETE FROM floats WHERE id = 7", "DELETE FROM times WHERE id = 3")
		want := dumped(t, s, from)
		for _, args := range [][]string{{"--databases", from}, {"--hex-blob", "--skip-extended-insert", "--complete-insert", from}} {
			text := s.Dump(t, append([]string{"--routines", "--triggers", "--events"}, args...)...)
			to := s.Schema(t)
			r := mustRun(t, s, source(t, text), Options{Schema: to, From: from, Events: true, Definer: DefinerKeep})
			if got := dumped(t, s, to); got != want {
				t.Errorf("%v: the copy differs: %s", args, difference(want, got))
			}
			for _, n := range r.Notes {
				t.Logf("%+v", n)
			}
		}
	})
}

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
