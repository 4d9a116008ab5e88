package dump

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
)

// through is the server behind a proxy that passes nothing more once stall is called.
func through(t *testing.T, s *testdb.Server) (user mysql.Target, stall func()) {
	var stalled atomic.Bool
	user = tcp(s)
	server := user.Addr
	over := t.Context().Done()
	pass := func(to, from net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			if stalled.Load() {
				<-over
			}
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				to.Close()
				return
			}
		}
	}
	user.Addr = testdb.Listen(t, func(in net.Conn) {
		out, err := net.Dial("tcp", server)
		if err != nil {
			in.Close()
			return
		}
		t.Cleanup(func() { out.Close() })
		go pass(out, in)
		go pass(in, out)
	}).String()
	return user, func() { stalled.Store(true) }
}

// A connection that stalls in the middle of a dump ends it with a message, and leaves no
// files.
func TestAStalledLineEndsTheDump(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db, dir := s.Schema(t), t.TempDir()
		fill(t, s, db, "a", 20000)
		allTold(t)
		user, stall := through(t, s)
		user.StallAfter = 300 * time.Millisecond
		o := Options{Databases: []string{db}, Report: func(p ops.Progress) {
			if p.Rows > 0 {
				stall()
			}
		}}
		_, err := Run(timeout(t, time.Minute), user, o, dir+"/a.sql.gz")
		if err == nil ||
			!strings.Contains(err.Error(), "stalled") && !strings.Contains(err.Error(), "cannot be reached") {
			t.Errorf("%v", err)
		}
		nothingLeft(t, dir)
	})
}

// A query that takes longer than the limit for a silent connection is waited for.
func TestASlowQueryIsNoStalledLine(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
		user, _ := through(t, s)
		user.StallAfter = 100 * time.Millisecond
		m, err := Run(
			t.Context(),
			user,
			Options{Databases: []string{db}, Tables: []string{"a"}, Where: "SLEEP(1) = 0"},
			t.TempDir()+"/a.sql.gz",
		)
		if err != nil || m.Tables[0].Rows != 1 {
			t.Errorf("%v", err)
		}
	})
}
