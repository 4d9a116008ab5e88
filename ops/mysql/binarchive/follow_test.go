package binarchive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

func target(s *testdb.Server) mysql.Target {
	return mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password}
}

func optionsFor(t testing.TB, s *testdb.Server) Options {
	return Options{
		Target: target(s),
		Folder: Folder{Dir: filepath.Join(t.TempDir(), "binlog")},
		Who:    lock.Holder{User: "li", What: "backup binlog fetch"},
	}
}

func fetch(t testing.TB, o Options) Result {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func segments(t testing.TB, o Options) []*binlog.Segment {
	t.Helper()
	ids, err := o.Folder.Servers()
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	all, err := o.Folder.Segments(ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unpacked is the content of the log file in a segment.
func unpacked(t testing.TB, o Options, s *binlog.Segment) []byte {
	t.Helper()
	r, err := o.Folder.Open(s, o.Keys)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(&frames{r: r})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// onDisk is a log file of the server, as a clean shutdown would leave it.
func onDisk(t testing.TB, s *testdb.Server, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.DataDir(), file))
	if err != nil {
		t.Fatal(err)
	}
	data[4+17] &^= 1 // in use
	return data
}

func sameAsServer(t testing.TB, s *testdb.Server, o Options) {
	t.Helper()
	for _, seg := range segments(t, o) {
		got, want := unpacked(t, o, seg), onDisk(t, s, seg.File)
		// MariaDB writes a checkpoint event some time after a rotation.
		grew := seg.Open && s.Flavour == "mariadb" && bytes.HasPrefix(want, got) && len(want) < len(got)+100
		if !bytes.Equal(got, want) && !grew {
			t.Fatalf("%s: %d bytes in the archive, %d on the server, or others", seg.File, len(got), len(want))
		}
		c := o.Folder.Verify(t.Context(), seg, o.Keys, nil)
		if c.Err != nil || c.Sealed || c.Events == 0 {
			t.Fatalf("%s: %+v", seg.File, c)
		}
	}
}

func workload(t testing.TB, s *testdb.Server, schema string, from, to int) {
	t.Helper()
	var text []string
	for i := from; i < to; i++ {
		text = append(text, fmt.Sprintf("INSERT INTO w VALUES (%d, REPEAT('x', %d))", i, i*37%9000))
	}
	s.Exec(
		t,
		schema,
		append(
			[]string{"CREATE TABLE IF NOT EXISTS w (id INT PRIMARY KEY, v TEXT)", "SET SESSION binlog_format=ROW"},
			text...)...)
}

var private = map[string][]string{
	"mysql":   {"--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--binlog-transaction-compression=ON"},
	"mariadb": {"--log-bin-compress=ON", "--log-bin-compress-min-len=10", "--binlog-format=ROW"},
}

func TestTheArchiveIsTheServersLogByteForByte(t *testing.T) {
	for flavour, args := range private {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour, args...)
			o := optionsFor(t, s)
			db := s.Schema(t)
			workload(t, s, db, 0, 50)
			s.Exec(t, "", "FLUSH BINARY LOGS")
			workload(t, s, db, 50, 80)
			fetch(t, o) // the file that is being written is fetched too
			sameAsServer(t, s, o)
			// MariaDB writes a checkpoint event some time after a rotation.
			for again, tries := fetch(t, o), 0; again.Bytes != 0; again, tries = fetch(t, o), tries+1 {
				if sameAsServer(t, s, o); tries == 5 {
					t.Fatalf("%d bytes twice", again.Bytes)
				}
			}
			workload(t, s, db, 80, 100)
			fetch(t, o)
			s.Stop(t)
			s.Start(t)
			workload(t, s, db, 100, 110)
			s.Kill()
			s.Start(t)
			workload(t, s, db, 110, 120)
			fetch(t, o)
			sameAsServer(t, s, o)
			all := segments(t, o)
			spans, gaps := binlog.Spans(all)
			if len(spans) != 1 || len(gaps) != 0 {
				t.Fatalf("%d spans, gaps %+v", len(spans), gaps)
			}
			withoutTheRight(t, s, len(all))
			rows := int64(0)
			for _, seg := range all {
				eachFrame(t, o, seg, func(f binlog.Frame) {
					for _, c := range f.Tables {
						rows += c.Inserted
					}
					if f.Unread != "" {
						t.Error(f.Unread)
					}
				})
			}
			if rows != 120 {
				t.Fatalf("the index counts %d rows", rows)
			}
			info, err := os.Stat(filepath.Join(o.Folder.Dir, all[0].Server, all[0].Name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Fatal(info, err)
			}
		})
	}
}

// withoutTheRight archives the log from the server's files, as a user who may not receive it.
func withoutTheRight(t *testing.T, s *testdb.Server, files int) {
	t.Helper()
	monitor := "REPLICATION CLIENT"
	if s.Flavour == "mariadb" {
		monitor = "BINLOG MONITOR"
	}
	s.Exec(t, "", "CREATE USER noreplica@'%' IDENTIFIED BY 'secret'", "GRANT "+monitor+" ON *.* TO noreplica@'%'")
	o := optionsFor(t, s)
	o.Target.User, o.Target.Password = "noreplica", "secret"
	told := ""
	o.Tell = func(n Note) {
		if n.Files != nil {
			told = n.Files.String()
		}
	}
	fetch(t, o)
	s.Exec(t, "", "FLUSH BINARY LOGS")
	fetch(t, o)
	sameAsServer(t, s, o)
	all := segments(t, o)
	spans, gaps := binlog.Spans(all)
	if told != filepath.Clean(s.DataDir()) || len(spans) != 1 || len(gaps) != 0 || len(all) != files+1 {
		t.Fatalf("from %q: %d files of %d in %d spans, gaps %+v", told, len(all), files+1, len(spans), gaps)
	}
}

func eachFrame(t testing.TB, o Options, s *binlog.Segment, do func(binlog.Frame)) {
	t.Helper()
	r, err := o.Folder.Open(s, o.Keys)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, f := range r.Frames() {
		do(f)
	}
}

func TestWhatTheServerPurgedOrBeganAgainIsAGap(t *testing.T) {
	testdbEach(t, func(t *testing.T, s *testdb.Server) {
		o := optionsFor(t, s)
		db := s.Schema(t)
		workload(t, s, db, 0, 5)
		fetch(t, o)
		s.Exec(t, "", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
		server, err := format.Ask(t.Context(), o.Target)
		if err != nil {
			t.Fatal(err)
		}
		for len(server.Logs) > 1 { // MariaDB keeps a log that recovery needs for a moment
			s.Exec(t, "", "PURGE BINARY LOGS TO '"+server.Now.File+"'")
			if server, err = format.Ask(t.Context(), o.Target); err != nil {
				t.Fatal(err)
			}
		}
		var told []binlog.Gap
		o.Tell = func(n Note) {
			if n.Gap != nil {
				told = append(told, *n.Gap)
			}
		}
		fetch(t, o)
		if len(told) != 1 || told[0].Reason != binlog.Cut {
			t.Fatalf("told %+v", told)
		}
		reset := "RESET MASTER"
		if s.Flavour == "mysql" {
			reset = "RESET BINARY LOGS AND GTIDS"
		}
		s.Exec(t, "", reset)
		workload(t, s, db, 5, 400) // longer than the file of that name was
		fetch(t, o)
		s.Exec(t, "", reset)
		workload(t, s, db, 400, 402)
		s.Exec(t, "", "FLUSH BINARY LOGS")
		fetch(t, o)
		spans, gaps := binlog.Spans(segments(t, o))
		if len(spans) != 4 || len(gaps) != 3 || gaps[1].Reason != binlog.Reset || gaps[2].Reason != binlog.Reset {
			t.Fatalf("%d spans, gaps %+v", len(spans), gaps)
		}
		for _, seg := range segments(t, o) {
			if c := o.Folder.Verify(t.Context(), seg, nil, nil); c.Err != nil {
				t.Fatal(c.Err)
			}
		}
	})
}

// testdbEach gives each flavour a server of its own, because the test resets the logs.
func testdbEach(t *testing.T, test func(*testing.T, *testdb.Server)) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			test(t, testdb.Private(t, flavour))
		})
	}
}

func TestAFollowerKeepsWithinASecondAndIsTheOnlyOne(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		o := optionsFor(t, s)
		o.Follow = true
		synced := make(chan time.Time, 1000)
		o.Tell = func(n Note) {
			if !n.Synced.IsZero() {
				synced <- n.Synced
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() {
			_, err := Run(ctx, o)
			ended <- err
		}()
		<-synced
		_, err := Run(t.Context(), o)
		var held *lock.HeldError
		if !errors.As(err, &held) || held.Holder.What != o.Who.What {
			t.Fatalf("a second one: %v", err)
		}
		db := s.Schema(t)
		workload(t, s, db, 0, 3)
		server, err := format.Ask(t.Context(), o.Target)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(2 * time.Minute); ; {
			all := segments(t, o)
			if last := all[len(all)-1]; last.File == server.Now.File && last.ToPos >= server.Now.Pos {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the follower does not keep up")
			}
			time.Sleep(20 * time.Millisecond)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

func TestAnEncryptedArchiveOpensWithItsKeyAlone(t *testing.T) {
	s := testdb.MySQL(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	o := optionsFor(t, s)
	o.Recipients = []string{key.Recipient().String()}
	db := s.Schema(t)
	workload(t, s, db, 0, 3)
	fetch(t, o)
	workload(t, s, db, 3, 6) // continues without the key
	fetch(t, o)
	all := segments(t, o)
	last := all[len(all)-1]
	if c := o.Folder.Verify(t.Context(), last, nil, nil); c.Err != nil || !c.Sealed {
		t.Fatalf("without the key: %+v", c)
	}
	o.Keys = []age.Identity{key}
	sameAsServer(t, s, o)
	data, _ := os.ReadFile(filepath.Join(o.Folder.Dir, last.Server, last.Name+partSuffix))
	if !bytes.HasPrefix(data, []byte("age-encryption.org")) {
		t.Fatal("the part is not encrypted")
	}
}

func TestDamageIsFound(t *testing.T) {
	s := testdb.MariaDB(t)
	o := optionsFor(t, s)
	workload(t, s, s.Schema(t), 0, 30)
	s.Exec(t, "", "FLUSH BINARY LOGS")
	fetch(t, o)
	all := segments(t, o)
	seg := all[len(all)-2]
	path := filepath.Join(o.Folder.Dir, seg.Server, seg.Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(path + indexSuffix)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(index), "\n")
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 4
	for name, damage := range map[string]func(){
		"a bit":           func() { os.WriteFile(path, flipped, 0o600) },
		"the end":         func() { os.WriteFile(path, whole[:len(whole)-1], 0o600) },
		"more":            func() { os.WriteFile(path, append(bytes.Clone(whole), 0), 0o600) },
		"gone":            func() { os.Remove(path + indexSuffix) },
		"an index's line": func() { os.WriteFile(path+indexSuffix, []byte(strings.Join(lines[:1], "")), 0o600) },
	} {
		damage()
		if c := o.Folder.Verify(t.Context(), seg, nil, nil); c.Err == nil {
			t.Errorf("%s: nothing is found", name)
		}
		os.WriteFile(path, whole, 0o600)
		os.WriteFile(path+indexSuffix, index, 0o600)
	}
	if c := o.Folder.Verify(t.Context(), seg, nil, nil); c.Err != nil {
		t.Fatal(c.Err)
	}
}

// TestTwoServersAreArchivedIntoOneFolderAtOnce: two services may share one backup folder.
// A second follower of the same server is refused, also if the first is a program of an
// earlier version, which locked all servers.
func TestTwoServersAreArchivedIntoOneFolderAtOnce(t *testing.T) {
	my, maria := testdb.MySQL(t), testdb.MariaDB(t)
	o := optionsFor(t, my)
	o.Follow = true
	synced := make(chan struct{})
	var once sync.Once
	o.Tell = func(n Note) {
		if !n.Synced.IsZero() {
			once.Do(func() { close(synced) })
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, o)
		ended <- err
	}()
	workload(t, my, my.Schema(t), 0, 10)
	select {
	case <-synced:
	case err := <-ended:
		t.Fatal(err)
	}
	other := o
	other.Target, other.Follow, other.Tell = target(maria), false, nil
	fetch(t, other)
	for server, want := range map[*testdb.Server]bool{my: true, maria: false} {
		held, err := o.Folder.Following(ask(t, server).ID)
		if err != nil || held != want {
			t.Errorf("%s is followed: %v %v", server.Flavour, held, err)
		}
	}
	second := o
	second.Follow, second.Tell = false, nil
	var held *lock.HeldError
	if _, err := Run(t.Context(), second); !errors.As(err, &held) {
		t.Errorf("a second writer of the same log: %v", err)
	}
	cancel()
	<-ended
	former, err := lock.Take(o.Folder.LockPath(""), lock.Holder{What: "an earlier version"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), second); !errors.As(err, &held) || held.Holder.What != "an earlier version" {
		t.Errorf("beside an earlier version: %v", err)
	}
	former.Release()
	fetch(t, second)
}
