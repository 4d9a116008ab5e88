package mysql

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestAStalledLineEndsEverySession has the driver's own sessions, which audit, drill and
// rescue use, wait on a line that passes nothing more: for an answer, and for room. One
// that takes no new connections is as dead as one on which only this session hangs.
func TestAStalledLineEndsEverySession(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for what, query := range map[string]string{"an answer": "SELECT 1",
			"room": "SELECT LENGTH('" + strings.Repeat("x", 40<<20) + "')"} {
			for _, unanswered := range []bool{true, false} {
				if unanswered && (s.Flavour == "mysql" || what == "room") { // it takes seconds
					continue
				}
				line := s.Line(t)
				target := targetOf(s)
				target.Addr, target.StallAfter = net.JoinHostPort(line.Host, strconv.Itoa(line.Port)),
					300*time.Millisecond
				db, err := Open(t.Context(), target, "")
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				line.Set(testdb.Stall, unanswered, 0)
				_, err = db.ExecContext(t.Context(), query)
				if err = Explain(err, target); err == nil ||
					!strings.Contains(err.Error(), "no data came from the server") ||
					unanswered != strings.Contains(err.Error(), "does not respond to a new connection") {
					t.Errorf("waiting for %s, unanswered %v: %v", what, unanswered, err)
				}
			}
		}
	})
}

// TestABusyServerIsNoStalledLine: a statement that takes long, and a result that the
// client takes long to read, are waited for.
func TestABusyServerIsNoStalledLine(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		target := targetOf(s)
		target.StallAfter = 50 * time.Millisecond
		db, err := Open(t.Context(), target, "")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "DO SLEEP(1)"); err != nil {
			t.Error(err)
		}
	})
}

// TestAWriteInPartsIsWatchedAsOne is for who tries a write again and again by a deadline
// of its own.
func TestAWriteInPartsIsWatchedAsOne(t *testing.T) {
	over := t.Context().Done()
	addr := testdb.Listen(t, func(in net.Conn) { <-over; in.Close() }).String()
	c, err := Target{StallAfter: 300 * time.Millisecond, unknown: true}.DialLine(t.Context(), "tcp", addr)
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

// TestADeafAddressIsHeardAgain: after a line was found stalled, others to the same address
// wait a second at most, until a connection is greeted again.
func TestADeafAddressIsHeardAgain(t *testing.T) {
	s := testdb.MariaDB(t)
	line := s.Line(t)
	target := targetOf(s)
	target.Addr, target.StallAfter = net.JoinHostPort(line.Host, strconv.Itoa(line.Port)), 300*time.Millisecond
	db, err := Open(t.Context(), target, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if target.Unanswered() {
		t.Error("a line that passes is called unanswered")
	}
	line.Set(testdb.Stall, true, 0)
	if _, err := db.ExecContext(t.Context(), "DO 1"); err == nil || !target.Unanswered() {
		t.Errorf("%v, unanswered %v", err, target.Unanswered())
	}
	line.Set(testdb.Pass, false, 0)
	if _, err := db.ExecContext(t.Context(), "DO 1"); err != nil || target.Unanswered() {
		t.Errorf("%v, unanswered %v", err, target.Unanswered())
	}
}
