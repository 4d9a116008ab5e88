package binarchive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

// followEnv makes this test program a follower; its value is the follower's configuration.
const followEnv = "OPSDECK_TEST_FOLLOWER"

// followed is the configuration of the follower's process; the connection is without TLS.
type followed struct {
	Network, Addr, User, Password string
	Dir                           string
}

// followIfAsked runs the follower's process; it does not return in that process.
func followIfAsked() {
	text := os.Getenv(followEnv)
	if text == "" {
		return
	}
	var f followed
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		os.Exit(64)
	}
	_, err := Run(context.Background(), Options{
		Target: mysql.Target{Network: f.Network, Addr: f.Addr, User: f.User, Password: f.Password},
		Folder: Folder{Dir: f.Dir},
		Who:    lock.Holder{What: "a follower to be killed"},
		Follow: true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "follower:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestAFollowerKilledAtAnyMomentLosesNothing kills a follower repeatedly while the server
// writes and rotates; OPSDECK_ROUNDS sets more than the default ten rounds.
func TestAFollowerKilledAtAnyMomentLosesNothing(t *testing.T) {
	times := 10
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_ROUNDS")); err == nil {
		times = n
	}
	testdbEach(t, func(t *testing.T, s *testdb.Server) {
		o := optionsFor(t, s)
		db := s.Schema(t)
		asked, err := json.Marshal(followed{o.Target.Network, o.Target.Addr, o.Target.User, o.Target.Password,
			o.Folder.Dir})
		if err != nil {
			t.Fatal(err)
		}
		seed := testenv.Seed(t)
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range times {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), followEnv+"="+string(asked))
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			workload(t, s, db, i*10, i*10+5)
			if r.IntN(2) == 0 {
				s.Exec(t, "", "FLUSH BINARY LOGS")
			}
			workload(t, s, db, i*10+5, i*10+10)
			select {
			case err := <-ended:
				t.Fatalf("the archiving process ended by itself: %v", err)
			case <-time.After(time.Duration(r.IntN(300)) * time.Millisecond):
			}
			cmd.Process.Kill()
			<-ended
		}
		fetchWhole(t, s, o)
		spans, gaps := binlog.Spans(segments(t, o))
		if len(spans) != 1 || len(gaps) != 0 {
			t.Fatalf("%d spans, gaps %+v", len(spans), gaps)
		}
	})
}

// fetchWhole fetches and compares with the server's files, byte for byte. MariaDB may
// write a checkpoint to its newest file at any time, so of that file the archive must hold
// at least what was there before.
func fetchWhole(t *testing.T, s *testdb.Server, o Options) {
	t.Helper()
	before, err := format.Ask(t.Context(), o.Target)
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, o)
	for _, seg := range segments(t, o) {
		got, want := unpacked(t, o, seg), onDisk(t, s, seg.File)
		newest := seg.File == before.Now.File
		if !newest && !bytes.Equal(got, want) || !bytes.HasPrefix(want, got) {
			t.Fatalf("%s: %d bytes in the archive, %d on the server, or others", seg.File, len(got), len(want))
		}
		if newest && uint64(len(got)) < before.Now.Pos {
			t.Fatalf("%s: %d bytes in the archive of %d", seg.File, len(got), before.Now.Pos)
		}
		if c := o.Folder.Verify(t.Context(), seg, o.Keys, nil); c.Err != nil {
			t.Fatalf("%s: %v", seg.File, c.Err)
		}
	}
}

// TestAPartThatACrashLeftWithoutItsIndexIsBegunAgain: the crash came after the part was
// created and before its index was.
func TestAPartThatACrashLeftWithoutItsIndexIsBegunAgain(t *testing.T) {
	s := testdb.Private(t, "mariadb")
	o := optionsFor(t, s)
	db := s.Schema(t)
	workload(t, s, db, 0, 5)
	fetch(t, o)
	s.Exec(t, "", "FLUSH BINARY LOGS")
	server, err := format.Ask(t.Context(), o.Target)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(o.Folder.Dir, server.ID, binlog.SegmentName(server.Now.File, 0, false)+partSuffix)
	if err := os.WriteFile(left, []byte("half a frame"), 0o600); err != nil {
		t.Fatal(err)
	}
	fetchWhole(t, s, o)
}

// TestAFullDiskIsSaidAndNothingIsMissingAfterwards archives to a disk of one megabyte.
func TestAFullDiskIsSaidAndNothingIsMissingAfterwards(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("no small disk can be mounted here: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	s := testdb.Private(t, "mysql")
	o := optionsFor(t, s)
	o.Folder = Folder{Dir: filepath.Join(dir, "binlog")}
	db := s.Schema(t)
	fetch(t, o)
	s.Exec(t, db, "CREATE TABLE r (id INT PRIMARY KEY AUTO_INCREMENT, v VARBINARY(60000))", "SET SESSION binlog_format=ROW",
		"INSERT INTO r (v) SELECT RANDOM_BYTES(1024) FROM information_schema.COLLATIONS")
	for range 8 {
		s.Exec(t, db, "INSERT INTO r (v) SELECT CONCAT(RANDOM_BYTES(1000), RANDOM_BYTES(1000)) FROM r LIMIT 200", "FLUSH BINARY LOGS")
	}
	for range 2 { // the disk is still full at the second try
		_, err := Run(t.Context(), o)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("a full disk: %v", err)
		}
		for _, seg := range segments(t, o) {
			if c := o.Folder.Verify(t.Context(), seg, nil, nil); c.Err != nil {
				t.Fatalf("what was kept is incomplete: %v", c.Err)
			}
		}
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	fetch(t, o)
	sameAsServer(t, s, o)
	if spans, gaps := binlog.Spans(segments(t, o)); len(spans) != 1 || len(gaps) != 0 {
		t.Fatalf("%d spans, gaps %+v", len(spans), gaps)
	}
}

// TestAServerThatBecomesAnotherIsArchivedBesideTheFirst brings a server back with another
// UUID, as after a failover, and with files of the same names.
func TestAServerThatBecomesAnotherIsArchivedBesideTheFirst(t *testing.T) {
	s := testdb.Private(t, "mysql")
	o := optionsFor(t, s)
	db := s.Schema(t)
	workload(t, s, db, 0, 20)
	fetch(t, o)
	first := segments(t, o)
	s.Stop(t)
	if err := os.Remove(filepath.Join(s.DataDir(), "auto.cnf")); err != nil {
		t.Fatal(err)
	}
	s.Start(t)
	workload(t, s, db, 20, 40)
	fetch(t, o)
	server, err := format.Ask(t.Context(), o.Target)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := o.Folder.Servers()
	if err != nil || len(ids) != 2 || server.ID == first[0].Server {
		t.Fatalf("servers %v, now %s: %v", ids, server.ID, err)
	}
	again, err := o.Folder.Segments(first[0].Server)
	if err != nil || len(again) != len(first) || again[0].ToPos != first[0].ToPos {
		t.Fatalf("the first server's archive changed: %+v, %v", again, err)
	}
	now, err := o.Folder.Segments(server.ID)
	if err != nil {
		t.Fatal(err)
	}
	spans, gaps := binlog.Spans(now)
	if len(spans) != 1 || len(gaps) != 0 || spans[0].ToFile != server.Now.File || spans[0].ToPos != server.Now.Pos {
		t.Fatalf("%+v, gaps %+v, the server is at %+v", spans, gaps, server.Now)
	}
}
