package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
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

// shopDump is a schema with what makes a foreign load hard to resume, and its
// mysqldump: tables that get their keys late, one of an engine without transactions,
// one whose rows lie in the order they came, views over views. They go in in small
// parts, so that there are many with little text.
func shopDump(t *testing.T, s *testdb.Server) (schema string, text []byte) {
	t.Helper()
	inSmallParts(t)
	schema = stuffed(t, s, 1)
	s.Exec(
		t,
		schema,
		"CREATE TABLE heap (a INT, b VARCHAR(40), KEY (a)) ENGINE=InnoDB",
		"INSERT INTO heap SELECT 10000 - id, no FROM big WHERE id % 3 = 0",
		"CREATE VIEW a_first AS SELECT n + 1 AS n FROM v",
		"CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN (SELECT COUNT(*) FROM heap)",
		"CREATE TRIGGER g2 AFTER DELETE ON heap FOR EACH ROW SET @x = 1",
	)
	return schema, s.Dump(t, "--routines", "--triggers", "--events", "--net-buffer-length=20000", "--databases", schema)
}

// inSmallParts commits the rows of foreign dumps in batches of 100 KB, and gives every
// table its keys behind its rows.
func inSmallParts(t *testing.T) {
	deferAll(t)
	was := batchBytes
	batchBytes = 100_000
	t.Cleanup(func() { batchBytes = was })
}

// sameAs fails unless mysqldump says the same of two schemas, whoever made the objects.
func sameAs(t *testing.T, s *testdb.Server, copied, from string) {
	t.Helper()
	account := strings.NewReplacer("`root`@`127.0.0.1`", "`root`@`localhost`")
	want, got := account.Replace(dumped(t, s, from)), account.Replace(dumped(t, s, copied))
	if got != want {
		t.Errorf("the copy differs: %.2000s", difference(want, got))
	}
}

func TestForeignLoadIsResumedAfterAKill(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from, text := shopDump(t, s)
		src := source(t, text)
		eachRound(t, func(r *rand.Rand) {
			to := s.Schema(t)
			killed(t, s, r, src.Path, from, to)
			sameAs(t, s, to, from)
		})
	})
}

// Broken off at every single definition and every batch of rows, and resumed.
func TestForeignLoadIsResumedFromAnywhere(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from, text := shopDump(t, s)
		sameAs(t, s, resumedFromAnywhere(t, s, source(t, text), from), from)
	})
}

// breaker breaks a load off around its sixth line in the journal: just before the
// server has it, or at the statement behind it.
type breaker struct {
	mu     sync.Mutex
	lines  int
	behind bool
	stop   func()
}

var journalLine = regexp.MustCompile("^(INSERT|REPLACE) INTO `" + ProgressTable + "`")

func (b *breaker) at(statement string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	isLine := journalLine.MatchString(statement)
	if isLine {
		b.lines++
	}
	if b.lines == 6 && !b.behind || b.lines >= 6 && !isLine {
		b.stop()
	}
}

// resumedFromAnywhere loads a dump that is broken off every few lines of its journal.
func resumedFromAnywhere(t *testing.T, s *testdb.Server, src *Source, from string) (to string) {
	t.Helper()
	to = s.Schema(t)
	o := Options{Schema: to, From: from, Definer: DefinerKeep, Events: true, Jobs: 2}
	tries := 0
	for done := false; !done; tries++ {
		ctx, cancel := context.WithCancel(t.Context())
		b := &breaker{behind: tries%2 == 1, stop: cancel}
		through := target(s)
		through.Addr, through.NoTLS = s.Tap(t, b.at), true
		r, err := Run(ctx, through, src, o)
		done = err == nil
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if done && tries > 3 && !r.Resumed {
			t.Error("the last run began anew")
		}
		cancel()
	}
	t.Logf("%d tries", tries)
	if tries < 8 {
		t.Errorf("only %d tries", tries)
	}
	return to
}

func TestRowsOfAForeignDumpThatAreInAreNotLoadedTwice(t *testing.T) {
	allTold(t)
	s := testdb.MariaDB(t)
	from, text := shopDump(t, s)
	src := source(t, text)
	o := Options{Schema: s.Schema(t), From: from, Definer: DefinerKeep, Jobs: 1}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := o
	first.Report = func(p ops.Progress) {
		if p.Phase == "rows" && p.Rows > 6000 {
			cancel()
		}
	}
	if _, err := Run(ctx, target(s), src, first); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	// A row that goes missing behind the back of a finished batch stays missing.
	s.Exec(t, o.Schema, "DELETE FROM big WHERE id = 1")
	r := mustRun(t, s, src, o)
	var n int
	if err := s.Open(t, o.Schema).QueryRow("SELECT COUNT(*) FROM big").Scan(&n); err != nil || n != 9999 || !r.Resumed {
		t.Errorf("%d rows, resumed %v, %v", n, r.Resumed, err)
	}
	for _, table := range r.Tables {
		if table.Name == "big" && table.Rows != 10000 {
			t.Errorf("the report has %d rows", table.Rows)
		}
	}
	if _, err := Run(t.Context(), target(s), src, o); err == nil {
		t.Error("a load over a finished one was taken")
	}
}

func TestAnotherDumpDoesNotResumeALoad(t *testing.T) {
	allTold(t)
	s := testdb.MariaDB(t)
	from, text := shopDump(t, s)
	o := Options{Schema: s.Schema(t), From: from, Definer: DefinerKeep}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := o
	first.Report = func(p ops.Progress) {
		if p.Phase == "rows" && p.Rows > 0 {
			cancel()
		}
	}
	if _, err := Run(ctx, target(s), source(t, text), first); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), target(s), source(t, append(text, "\n-- another\n"...)), o); err == nil ||
		!strings.Contains(err.Error(), "another, unfinished load") {
		t.Errorf("%v", err)
	}
}

// smallBatches makes each batch hold few statements.
func smallBatches(t *testing.T) {
	was := batchBytes
	batchBytes = 100
	t.Cleanup(func() { batchBytes = was })
}

// Rows whose counter the server counts keep the numbers that one connection would
// give them, however many there are.
func TestRowsThatTheServerNumbersKeepTheirOrder(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		smallBatches(t)
		var text strings.Builder
		text.WriteString(
			"CREATE TABLE n (id INT NOT NULL AUTO_INCREMENT, v INT, PRIMARY KEY (id)) ENGINE=InnoDB;\nCREATE TABLE " +
				"m (id INT NOT NULL AUTO_INCREMENT, v INT, PRIMARY KEY (id)) ENGINE=InnoDB;\n",
		)
		for i := range 300 {
			fmt.Fprintf(&text, "INSERT INTO n VALUES (NULL,%d),(NULL,%d);\n", 2*i+1, 2*i+2)
		}
		for i := range 300 {
			fmt.Fprintf(&text, "INSERT INTO m (v) VALUES (%d);\n", i+1)
		}
		text.WriteString("CREATE TABLE h (v INT) ENGINE=InnoDB;\n") // no key: they lie as they came
		for i := range 300 {
			fmt.Fprintf(&text, "INSERT INTO h VALUES (%d);\n", i)
		}
		to := s.Schema(t)
		r := mustRun(t, s, source(t, []byte(text.String())), Options{Schema: to, Jobs: 4})
		heap := dumped(t, s, to)
		for i := range 299 {
			if strings.Index(
				heap,
				fmt.Sprintf("`h` VALUES (%d);", i),
			) > strings.Index(
				heap,
				fmt.Sprintf("`h` VALUES (%d);", i+1),
			) {
				t.Errorf("row %d lies behind the next", i)
			}
		}
		var wrong int
		if err := s.Open(t, to).QueryRow("SELECT (SELECT COUNT(*) FROM n WHERE id <> v) + (SELECT COUNT(*) FROM m " +
			"WHERE id <> v)").Scan(&wrong); err != nil ||
			wrong != 0 ||
			r.Rows != 1200 {
			t.Errorf("%d rows have another number, of %d (%v)", wrong, r.Rows, err)
		}
	})
}

// TestRowsThatMeetOthersOfAKeyLoadAsTheClientLoadsThem: Adminer's INSERT+UPDATE, REPLACE and
// INSERT IGNORE change, replace or leave out rows in the order of the dump, also by a unique
// key that would be added late. What is left out is told.
func TestRowsThatMeetOthersOfAKeyLoadAsTheClientLoadsThem(t *testing.T) {
	smallBatches(t)
	deferAll(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		var text strings.Builder
		for table, form := range map[string][2]string{
			"adminer": {"INSERT INTO", "\nON DUPLICATE KEY UPDATE `id` = VALUES(`id`), `u` = VALUES(`u`), `v` = VALUES(`v`)"},
			"fresh":   {"INSERT INTO", "\nON DUPLICATE KEY UPDATE `id` = VALUES(`id`), `u` = VALUES(`u`), `v` = VALUES(`v`)"},
			"again":   {"REPLACE INTO", ""},
			"keep":    {"INSERT IGNORE INTO", ""},
		} {
			fmt.Fprintf(&text, "DROP TABLE IF EXISTS `%s`;\nCREATE TABLE `%[1]s` (id INT NOT NULL, u INT, v VARCHAR(9), "+
				"PRIMARY KEY (id), UNIQUE KEY u (u), KEY v (v)) ENGINE=InnoDB;\n", table)
			for i := range 60 {
				id, u := i%40, 100+i
				if table == "fresh" {
					id = i
				} else if i%7 == 3 && i < 40 {
					u-- // the row before has it
				}
				fmt.Fprintf(&text, "%s `%s` (`id`, `u`, `v`) VALUES\n(%d,\t%d,\t'%d'),\n(%d,\tNULL,\t'x')%s;\n",
					form[0], table, id, u, i, 1000+i, form[1])
			}
			fmt.Fprintf(&text, "ANALYZE TABLE `%s`;\n", table)
		}
		want, got := s.Schema(t), s.Schema(t)
		s.Client(t, want, strings.NewReader(text.String()))
		r := mustRun(t, s, source(t, []byte(text.String())), Options{Schema: got, Jobs: 4})
		sameAs(t, s, got, want)
		for _, n := range r.Notes {
			lost := n.Object == "keep" && strings.Contains(n.Detail, "left rows out")
			if n.Kind == backup.NoteWarning && !lost {
				t.Errorf("%+v", n)
			}
		}
		if !strings.Contains(fmt.Sprint(r.Notes), "left rows out") {
			t.Errorf("nothing is told of the rows that INSERT IGNORE leaves out: %+v", r.Notes)
		}
		held, err := InspectText(t.Context(), strings.NewReader(text.String()))
		if err != nil || len(held.Outside) > 0 {
			t.Fatalf("%+v %v", held, err)
		}
		verdicts, err := CompareHeld(t.Context(), s.Open(t, ""), got, HeldTables(held, ""), nil)
		for _, v := range verdicts {
			state := backup.Unchecked
			if v.Name == "fresh" {
				state = backup.Same
			}
			if v.State != state || v.WantRows != 120 {
				t.Errorf("%+v %v", v, err)
			}
		}
	})
}

// With foreign keys checked, a row needs the one it points to before it.
func TestRowsUnderCheckedForeignKeysKeepTheirOrder(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		smallBatches(t)
		var text strings.Builder
		text.WriteString(
			"SET foreign_key_checks = 1;\nCREATE TABLE n (id INT NOT NULL, up INT, PRIMARY KEY (id), FOREIGN KEY " +
				"(up) REFERENCES n (id)) ENGINE=InnoDB;\nINSERT INTO n VALUES (1,NULL);\n",
		)
		for i := range 300 {
			fmt.Fprintf(&text, "INSERT INTO n VALUES (%d,%d);\n", i+2, i+1)
		}
		mustRun(t, s, source(t, []byte(text.String())), Options{Schema: s.Schema(t), Jobs: 4})
	})
}

// TestADumpOfAllWithAccountsLoadsOneSchema: mariadb-dump --system=all writes accounts and
// rights among the databases. They are left out, and that is told.
func TestADumpOfAllWithAccountsLoadsOneSchema(t *testing.T) {
	s := testdb.MariaDB(t)
	from := s.Schema(t)
	s.Exec(t, from, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
	text := s.Dump(t, "--system=all", "--databases", from, "mysql")
	to := s.Schema(t)
	r := mustRun(t, s, source(t, text), Options{Schema: to, From: from, SkipOthers: true})
	if r.Rows != 2 {
		t.Errorf("%d rows", r.Rows)
	}
	var told []string
	for _, n := range r.Notes {
		if n.Kind == backup.NoteLeftOut {
			told = append(told, n.Object)
		}
	}
	slices.Sort(told)
	if want := []string{"accounts, rights, plugins and servers", "database mysql"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q: %+v", told, want, r.Notes)
	}
	if _, err := Run(t.Context(), target(s), source(t, text), Options{Schema: s.Schema(t), From: from}); err == nil {
		t.Error("taken for a dump of one database")
	}
}
