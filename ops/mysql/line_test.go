package mysql

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestAStalledLineEndsEverySession has the driver's own sessions, which audit, drill and
// rescue use, wait on a line that passes nothing more: for an answer, and for room.
func TestAStalledLineEndsEverySession(t *testing.T) {
	defer SetQuiet(300 * time.Millisecond)()
	s := testdb.MariaDB(t)
	for what, query := range map[string]string{"an answer": "SELECT 1", "room": "SELECT LENGTH('" + strings.Repeat("x", 40<<20) + "')"} {
		target := targetOf(s)
		server := target.Addr
		var stalled atomic.Bool
		over := t.Context().Done()
		pass := func(to, from net.Conn) {
			defer to.Close()
			buf := make([]byte, 4096)
			for {
				n, err := from.Read(buf)
				if stalled.Load() {
					<-over
				}
				if err != nil {
					return
				}
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
		}
		target.Addr = testdb.Listen(t, func(in net.Conn) {
			out, err := net.Dial("tcp", server)
			if err != nil {
				in.Close()
				return
			}
			t.Cleanup(func() { out.Close() })
			go pass(out, in)
			go pass(in, out)
		}).String()
		db, err := Open(t.Context(), target, "")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		stalled.Store(true)
		_, err = db.ExecContext(t.Context(), query)
		if err = Explain(err, target); err == nil || !strings.Contains(err.Error(), "nothing came from the server") {
			t.Errorf("waiting for %s: %v", what, err)
		}
	}
}

// TestAWriteInPartsIsWatchedAsOne is for who tries a write again and again by a deadline
// of its own.
func TestAWriteInPartsIsWatchedAsOne(t *testing.T) {
	defer SetQuiet(300 * time.Millisecond)()
	over := t.Context().Done()
	addr := testdb.Listen(t, func(in net.Conn) { <-over; in.Close() }).String()
	c, err := dialLine(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for err == nil || isTimeout(err) {
		c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		_, err = c.Write(make([]byte, 1<<20))
	}
	if !strings.Contains(err.Error(), "stalled") {
		t.Error(err)
	}
}
