package load

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
)

// filled makes a schema with some megabytes in several tables.
func filled(t *testing.T, s *testdb.Server) string {
	t.Helper()
	return stuffed(t, s, 14)
}

// stuffed makes the same with texts that are shorter, or longer.
func stuffed(t *testing.T, s *testdb.Server, hashes int) string {
	t.Helper()
	name := s.Schema(t)
	digits := "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL " +
		"SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	from := fmt.Sprintf("FROM %[1]s a, %[1]s b, %[1]s c, %[1]s d", digits)
	number := "1+a.d+10*b.d+100*c.d+1000*d.d"
	s.Exec(
		t,
		name,
		"CREATE TABLE big (id BIGINT PRIMARY KEY AUTO_INCREMENT, no VARCHAR(40), text VARCHAR(900), raw "+
			"VARBINARY(40), UNIQUE KEY (no), KEY k (text(20), id)) ENGINE=InnoDB CHARACTER SET utf8mb4",
		"CREATE TABLE child (id INT PRIMARY KEY, big BIGINT, KEY (big), FOREIGN KEY (big) REFERENCES big (id)) "+
			"ENGINE=InnoDB",
		"CREATE TABLE aria (id INT PRIMARY KEY, t TEXT) ENGINE=MyISAM",
		"INSERT INTO big SELECT "+number+", CONCAT('n', "+number+"), REPEAT(SHA2("+number+",256), "+strconv.Itoa(
			hashes,
		)+"), UNHEX(SHA2("+number+",256)) "+from,
		"INSERT INTO child SELECT id, id FROM big WHERE id <= 5000",
		"INSERT INTO aria SELECT id, text FROM big WHERE id <= 2000",
		"CREATE VIEW v AS SELECT COUNT(*) n FROM big",
		"CREATE TRIGGER g BEFORE INSERT ON child FOR EACH ROW SET NEW.big = NEW.big + 0",
		"CREATE PROCEDURE p() SELECT 1",
	)
	return name
}

// TestHelperLoad is no test: it is the process that TestResumeAfterKill kills.
func TestHelperLoad(t *testing.T) {
	args := strings.Split(os.Getenv("OPSDECK_TEST_LOAD"), " ")
	if len(args) != 5 {
		t.Skip("only for TestResumeAfterKill")
	}
	src, err := Open(args[0])
	if err != nil {
		t.Fatal(err)
	}
	to := mysql.Target{Network: "tcp", Addr: args[1], User: args[2], Password: args[3]}
	o := Options{Schema: args[4], Definer: DefinerCurrent, From: os.Getenv("OPSDECK_TEST_FROM")}
	if tables := os.Getenv("OPSDECK_TEST_TABLES"); tables != "" {
		o.Tables = strings.Split(tables, ",")
	}
	if os.Getenv("OPSDECK_TEST_SMALL") != "" {
		inSmallParts(t)
	}
	if _, err := Run(context.Background(), to, src, o); err != nil {
		t.Fatal(err)
	}
	fmt.Println("LOADED")
}

func TestResumeAfterKill(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
		eachRound(t, func(r *rand.Rand) {
			schema := s.Schema(t)
			killed(t, s, r, src.Path, "", schema)
			mustVerify(t, s, src.Manifest, schema)
		})
	})
}

// eachRound runs a test of chance once, or OPSDECK_SOAK times.
func eachRound(t *testing.T, round func(*rand.Rand)) {
	t.Helper()
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_SOAK")); err == nil {
		rounds = max(rounds, n)
	}
	seed := testenv.Seed(t)
	r := rand.New(rand.NewPCG(seed, 2))
	for range rounds {
		round(r)
	}
}

// killed loads a file in a process that is killed with -9 at random moments, four
// times, and begun again until it is through.
func killed(t *testing.T, s *testdb.Server, r *rand.Rand, path, from, schema string) {
	t.Helper()
	to := target(s)
	for kills, end := 0, time.Now().Add(10*time.Minute); ; kills++ {
		cmd := osexec.Command(os.Args[0], "-test.run=^TestHelperLoad$")
		cmd.Env = append(
			os.Environ(),
			"OPSDECK_TEST_LOAD="+strings.Join([]string{path, to.Addr, to.User, to.Password, schema}, " "),
			"OPSDECK_TEST_FROM="+from,
			"OPSDECK_TEST_SMALL=1",
		)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if kills < 4 {
			timer := time.AfterFunc(
				time.Duration(r.Int64N(int64(1500*time.Millisecond))),
				func() { cmd.Process.Kill() },
			)
			defer timer.Stop()
		}
		err := cmd.Wait()
		switch said := out.String(); {
		case strings.Contains(said, "LOADED"):
			return
		case strings.Contains(said, "already has the") && kills > 0:
			return // the one before was killed behind its last statement; the caller proves the copy
		case strings.Contains(said, "another load is working on") && kills > 0 && time.Now().Before(end):
			// the server has not yet noticed the end of the one before
		case err != nil && strings.Contains(said, "FAIL"):
			t.Fatalf("after %d kills: %s", kills, said)
		}
	}
}

// finishedChunk is a chunk of the table big that the load has noted as done, or nil.
func finishedChunk(db *sql.DB, src *Source) *backup.Member {
	rows, err := db.Query("SELECT member FROM " + ProgressTable + " WHERE kind = 'rows'")
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var member int
		if rows.Scan(&member) == nil && src.Manifest.Members[member].Object == "big" {
			return &src.Manifest.Members[member]
		}
	}
	return nil
}

func TestAFinishedChunkIsNotLoadedTwice(t *testing.T) {
	allTold(t)
	s := testdb.MariaDB(t)
	src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
	o := Options{Schema: s.Schema(t), Definer: DefinerCurrent, Jobs: 1, Commit: 1}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	db := s.Open(t, o.Schema)
	first := o
	first.Report = func(ops.Progress) {
		if finishedChunk(db, src) != nil {
			cancel()
		}
	}
	if _, err := Run(ctx, target(s), src, first); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	chunk := finishedChunk(db, src)
	if chunk == nil {
		t.Fatal("no chunk of the table was done when it was broken off")
	}
	// A row that goes missing behind the back of a finished chunk stays missing.
	from := "TRUE"
	if chunk.KeyFrom != "" {
		from = "id >= " + chunk.KeyFrom
	}
	s.Exec(t, o.Schema, "DELETE FROM big WHERE "+from+" ORDER BY id LIMIT 1")
	if r := mustRun(t, s, src, o); !r.Resumed {
		t.Error("the second run began anew")
	}
	v, err := Verify(context.Background(), target(s), src.Manifest, VerifyOptions{Schema: o.Schema})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range v.Tables {
		if missing := d.WantRows - d.Rows; d.Name == "big" && missing != 1 ||
			d.Name != "big" && d.State != backup.Same {
			t.Errorf("%+v", d)
		}
	}
	if _, err := Run(context.Background(), target(s), src, o); err == nil {
		t.Error("a load over a finished one was taken")
	}
}

func TestOneTableComesAlone(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
		schema := s.Schema(t)
		r := mustRun(t, s, src, Options{Schema: schema, Tables: []string{"child"}, Definer: DefinerCurrent})
		if len(r.Tables) != 1 || r.Rows != 5000 || r.Objects != 1 {
			t.Errorf("%+v", r)
		}
		v, err := Verify(
			context.Background(),
			target(s),
			src.Manifest,
			VerifyOptions{Schema: schema, Tables: []string{"child"}},
		)
		if err != nil || !v.Good || len(v.Tables) != 1 || len(v.Objects) != 1 {
			t.Errorf("%+v %v", v, err)
		}
		// The rest of the file is not read: it may be gone.
		cut := *src
		for _, m := range src.Manifest.Members {
			if m.Object == "child" || m.Object == "g" || m.Kind == backup.MemberHeader ||
				m.Kind == backup.MemberDatabase {
				continue
			}
			cut.file = hole{cut.file, m.Offset, m.Offset + m.Length}
		}
		mustRun(t, s, &cut, Options{Schema: s.Schema(t), Tables: []string{"child"}, Definer: DefinerCurrent})
	})
}
