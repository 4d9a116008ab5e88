package dump

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
)

// during runs a deliberately slow dump and calls do once rows are being read; the reads
// wait for do to end. It returns the dump's error; no file may be left.
func during(t *testing.T, to mysql.Target, db string, act func()) error {
	t.Helper()
	return duringWith(t, to, Options{Databases: []string{db}}, act)
}

func duringWith(t *testing.T, to mysql.Target, o Options, act func()) error {
	t.Helper()
	allTold(t)
	var once sync.Once
	dir := t.TempDir()
	report := func(p ops.Progress) {
		if p.Phase == "rows" && p.Rows > 0 {
			once.Do(act)
		}
	}
	_, err := Run(timeout(t, 4*time.Minute), to, slow(o, report), dir+"/a.sql.gz")
	if err == nil {
		t.Error("a dump that was disturbed passed for a good one")
	}
	nothingLeft(t, dir)
	return err
}

func slow(o Options, report func(ops.Progress)) Options {
	o.BytesRate, o.Report = 4<<20, report
	return o
}

// rowsBegin is the start of a query for rows.
const rowsBegin = "SELECT /*!40001"

// killReaders kills sessions that read rows, by KILL QUERY or KILL CONNECTION.
func killReaders(t *testing.T, pool *sql.DB, how string) {
	for range 50 {
		rows, err := pool.Query("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '" + rowsBegin + "%'")
		if err != nil {
			t.Error(err)
			return
		}
		var ids []int64
		for rows.Next() {
			var id int64
			rows.Scan(&id)
			ids = append(ids, id)
		}
		rows.Close()
		for _, id := range ids {
			pool.Exec(fmt.Sprintf("KILL %s %d", how, id))
		}
		if len(ids) > 0 {
			return
		}
	}
	t.Error("no reader was seen")
}

func TestKilledQueryIsNeverACompleteDump(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 20000)
		pool := s.Open(t, "")
		for _, how := range []string{"QUERY", "CONNECTION"} {
			for _, to := range []mysql.Target{target(s), tcp(s)} {
				err := during(t, to, db, func() { killReaders(t, pool, how) })
				if ops.CodeOf(err) != ops.Failed && ops.CodeOf(err) != ops.Busy {
					t.Errorf("KILL %s: %v", how, err)
				}
			}
		}
	})
}

// In each phase all of the dump's connections or their queries are killed. The result is a
// complete dump, if the connections were no longer needed, or none.
func TestKillsInAnyPhaseLeaveAWholeDumpOrNone(t *testing.T) {
	allTold(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 4000)
		s.Exec(
			t,
			db,
			"CREATE VIEW v AS SELECT 1",
			"CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW SET NEW.id = NEW.id",
			"CREATE PROCEDURE p() SELECT 1",
		)
		user := account(t, s, "GRANT ALL ON *.* TO")
		pool := s.Open(t, "")
		for _, how := range []string{"QUERY", "CONNECTION"} {
			for _, phase := range []string{"ddl", "rows", "verify"} {
				for after := range 3 { // number of progress reports into the phase
					seen := 0
					report := func(p ops.Progress) {
						if p.Phase == phase {
							if seen++; seen == after+1 {
								killUser(t, pool, user.User, how)
							}
						}
					}
					dir := t.TempDir()
					m, err := Run(
						timeout(t, 4*time.Minute),
						user,
						slow(Options{Databases: []string{db}}, report),
						dir+"/a.sql.gz",
					)
					if err == nil {
						proved(t, dir+"/a.sql.gz", m)
						// Every connection is needed until the definitions are checked at the end.
						if needed := phase != "verify" || after == 0; how == "CONNECTION" && seen > after && needed {
							t.Errorf("KILL %s in %s, %d: the dump did not feel it", how, phase, after)
						}
						continue
					}
					if code := ops.CodeOf(err); code != ops.Failed && code != ops.Busy {
						t.Errorf("KILL %s in %s: code %d: %v", how, phase, code, err)
					}
					nothingLeft(t, dir)
				}
			}
		}
	})
}

// killUser kills a user's connections or their queries.
func killUser(t *testing.T, pool *sql.DB, user, how string) {
	rows, err := pool.Query("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ?", user)
	if err != nil {
		t.Error(err)
		return
	}
	var ids []int64
	for rows.Next() {
		var id int64
		rows.Scan(&id)
		ids = append(ids, id)
	}
	rows.Close()
	for _, id := range ids {
		pool.Exec(fmt.Sprintf("KILL %s %d", how, id))
	}
}

// MySQL blocks DDL while a dump runs, if the user has the privilege.
func TestDefinitionsWaitForTheDumpWhereTheUserMayHoldThem(t *testing.T) {
	allTold(t)
	s := testdb.MySQL(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 8000)
	s.Exec(t, db, "CREATE TABLE z (id INT)")
	pool := s.Open(t, db)
	var once sync.Once
	altered := make(chan error, 1)
	report := func(p ops.Progress) {
		if p.Phase == "rows" && p.Rows > 0 {
			once.Do(func() {
				go func() {
					_, err := pool.Exec("ALTER TABLE z ADD COLUMN n INT")
					altered <- err
				}()
			})
		}
	}
	path := t.TempDir() + "/a.sql.gz"
	m, err := Run(timeout(t, 4*time.Minute), target(s), slow(Options{Databases: []string{db}}, report), path)
	if err != nil {
		t.Fatal(err)
	}
	proved(t, path, m)
	if err := <-altered; err != nil {
		t.Error(err)
	}
	if sql := text(t, path, m); strings.Contains(string(sql), "`n` int") {
		t.Error("the dump holds the new definition")
	}
}

func TestServerKilledMidwayLeavesNothing(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			s := testdb.Private(t, flavour)
			db := s.Schema(t)
			fill(t, s, db, "a", 20000)
			if err := during(t, target(s), db, s.Kill); ops.CodeOf(err) != ops.Busy {
				t.Errorf("code %d: %v", ops.CodeOf(err), err)
			}
		})
	}
}

// proxy passes bytes between a client and the server until it is told to cut or stall. It
// ends with the test, before the test's databases are dropped: for the server, the session
// of a stalled connection is alive and holds the tables.
type proxy struct {
	net.Listener
	cut, stall chan struct{}
	over       chan struct{} // closed at the end

	mu   sync.Mutex
	open []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, cut: make(chan struct{}), stall: make(chan struct{}), over: make(chan struct{})}
	t.Cleanup(p.hangUp)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				return
			}
			p.mu.Lock()
			p.open = append(p.open, c, up)
			p.mu.Unlock()
			go p.pipe(up, c)
			go p.pipe(c, up)
		}
	}()
	return p
}

func (p *proxy) hangUp() {
	p.Close()
	close(p.over)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		c.Close()
	}
}

func (p *proxy) pipe(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		select {
		case <-p.cut:
			return
		case <-p.stall:
			<-p.over
			return
		default:
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func TestCutLineLeavesNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 20000)
		p := newProxy(t, tcp(s).Addr)
		to := tcp(s)
		to.Addr = p.Addr().String()
		if err := during(t, to, db, func() { close(p.cut) }); ops.CodeOf(err) != ops.Busy {
			t.Errorf("code %d: %v", ops.CodeOf(err), err)
		}
	})
}

func TestInterruptOnAStalledLineEndsAtOnce(t *testing.T) {
	allTold(t)
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 20000)
	p := newProxy(t, tcp(s).Addr)
	to := tcp(s)
	to.Addr = p.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var once sync.Once
	dir := t.TempDir()
	_, err := Run(ctx, to, Options{Databases: []string{db}, BytesRate: 4 << 20, Report: func(r ops.Progress) {
		if r.Rows > 0 {
			once.Do(func() { close(p.stall); cancel() })
		}
	}}, dir+"/a.sql.gz")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	nothingLeft(t, dir)
}

func TestChangedDefinitionFailsTheDump(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name, ddl := range map[string]string{
			"column": "ALTER TABLE z ADD COLUMN n INT", "dropped": "DROP TABLE z", "view": "CREATE OR REPLACE VIEW v AS SELECT 2",
			"trigger": "CREATE OR REPLACE TRIGGER tr BEFORE INSERT ON z FOR EACH ROW SET NEW.id = 2",
		} {
			if s.Flavour == "mysql" && name == "trigger" {
				ddl = "DROP TRIGGER tr"
			}
			t.Run(name, func(t *testing.T) {
				db := s.Schema(t)
				fill(t, s, db, "a", 6000)
				s.Exec(
					t,
					db,
					"CREATE TABLE z (id INT)",
					"INSERT INTO z VALUES (1)",
					"CREATE VIEW v AS SELECT 1",
					"CREATE TRIGGER tr BEFORE INSERT ON z FOR EACH ROW SET NEW.id = 1",
				)
				// A user without BACKUP_ADMIN, who cannot block DDL.
				user := account(t, s, "GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER, PROCESS ON *.* TO")
				pool := s.Open(t, db)
				// With one connection, z is read after a.
				err := duringWith(t, user, Options{Databases: []string{db}, Jobs: 1}, func() {
					if _, err := pool.Exec(ddl); err != nil {
						t.Error(err)
					}
				})
				if err != nil && !strings.Contains(err.Error(), "definition") {
					t.Errorf("%v", err)
				}
			})
		}
	})
}

func TestFullDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "none", dir).Run(); err != nil {
		t.Skipf("a small tmpfs cannot be mounted: %v", err)
	}
	defer exec.Command("umount", dir).Run()
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 20000)
	_, err := Run(t.Context(), target(s), Options{Databases: []string{db}}, dir+"/a.sql.gz")
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	nothingLeft(t, dir)
}

// A table lock that is not released ends the dump in time, with a message.
func TestALockThatIsNotGivenUpIsTold(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		fill(t, s, db, "a", 500)
		holder, err := s.Open(t, db).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		if err := execute(t.Context(), holder, "LOCK TABLES a WRITE"); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		_, err = Run(
			timeout(t, 4*time.Minute),
			target(s),
			Options{Databases: []string{db}, LockWait: time.Second},
			dir+"/a.sql.gz",
		)
		if ops.CodeOf(err) != ops.Busy || !strings.Contains(err.Error(), "another session held a lock") {
			t.Errorf("code %d: %v", ops.CodeOf(err), err)
		}
		nothingLeft(t, dir)
	})
}

// TestKilledProcessLeavesNoFinalName runs the test binary as the dump process and kills it
// at random moments.
func TestKilledProcessLeavesNoFinalName(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	fill(t, s, db, "a", 5000)
	began := time.Now()
	dumped(t, s, Options{Databases: []string{db}})
	whole := time.Since(began)
	kept := 0
	for i := range soak(20, 100) {
		path := filepath.Join(t.TempDir(), "a.sql.gz")
		cmd := exec.Command(os.Args[0], "-test.run=^TestHelperDump$")
		cmd.Env = append(
			os.Environ(),
			"OPSDECK_TEST_DUMP="+strings.Join([]string{s.Socket, s.User, s.Password, db, path}, "\x1f"),
		)
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(out, make([]byte, 1)) // it is about to start
		time.Sleep(time.Duration(i) * 2 * whole / time.Duration(soak(20, 100)))
		cmd.Process.Kill()
		cmd.Wait()
		if _, err := os.Stat(path); err != nil {
			continue
		}
		kept++
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if sql := unpack(t, data, &backup.Manifest{}); !strings.HasSuffix(string(sql), trailer) {
			t.Fatal("a file under its final name is incomplete")
		}
	}
	t.Logf("%d of the killed dumps had just ended", kept)
}

// TestHelperDump is a dump in a separate process, for killing or measuring.
func TestHelperDump(t *testing.T) {
	args := strings.Split(os.Getenv("OPSDECK_TEST_DUMP"), "\x1f")
	if len(args) < 5 {
		t.Skip("a helper of other tests")
	}
	fmt.Print(".")
	to := mysql.Target{Network: "unix", Addr: args[0], User: args[1], Password: args[2]}
	o := Options{Databases: []string{args[3]}}
	if len(args) > 5 {
		o.Compress = args[5]
	}
	if _, err := Run(context.Background(), to, o, args[4]); err != nil {
		t.Fatal(err)
	}
}
