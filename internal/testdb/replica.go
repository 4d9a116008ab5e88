package testdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var serverID atomic.Int64

// Replica starts a replica of a private server, from where the source's log is now,
// with further arguments for the server program. It ends with the test.
func (s *Server) Replica(t testing.TB, args ...string) *Server {
	t.Helper()
	id := fmt.Sprintf("--server-id=%d", 100+serverID.Add(1))
	r := Private(t, s.Flavour, append([]string{id}, args...)...)
	from := "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%d, SOURCE_USER='%s', " +
		"SOURCE_PASSWORD='%s', SOURCE_LOG_FILE='%s', " +
		"SOURCE_LOG_POS=%d, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=1000, GET_SOURCE_PUBLIC_KEY=1"
	start := "START REPLICA"
	if s.Flavour == "mariadb" {
		start = "START SLAVE"
		from = "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='%s', MASTER_PASSWORD='%s', " +
			"MASTER_LOG_FILE='%s', " +
			"MASTER_LOG_POS=%d, MASTER_CONNECT_RETRY=1"
	}
	at := s.LogPosition(t)
	r.Exec(t, "", fmt.Sprintf(from, s.Port, s.User, s.Password, at.File, at.Pos), start)
	return r
}

// LogPosition is a position in a server's binlog. GTID is the set of all transactions up to exactly
// there, in the server's notation; empty without GTIDs.
type LogPosition struct {
	File string
	Pos  uint64
	GTID string
}

// LogPosition is the current end of the server's binlog, also while others write.
func (s *Server) LogPosition(t testing.TB) LogPosition {
	t.Helper()
	db := s.Open(t, "")
	at := s.logPosition(t, db)
	if s.Flavour != "mariadb" {
		return at // MySQL tells both at once
	}
	for {
		var set string
		if err := db.QueryRow("SELECT @@GLOBAL.gtid_binlog_pos").Scan(&set); err != nil {
			t.Fatal(err)
		}
		now := s.logPosition(t, db)
		if at == now {
			at.GTID = set
			return at
		}
		at = now
	}
}

func (s *Server) logPosition(t testing.TB, db *sql.DB) (at LogPosition) {
	t.Helper()
	status := "SHOW BINARY LOG STATUS"
	if s.Flavour == "mariadb" {
		status = "SHOW MASTER STATUS"
	}
	rows, err := db.Query(status)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		t.Fatalf("%s: no row (%v)", status, err)
	}
	values := make([]any, len(names))
	for i := range values {
		values[i] = new(any)
	}
	values[0], values[1] = &at.File, &at.Pos
	if s.Flavour != "mariadb" {
		values[4] = &at.GTID
	}
	if err := rows.Scan(values...); err != nil {
		t.Fatal(err)
	}
	at.GTID = strings.ReplaceAll(at.GTID, "\n", "")
	return at
}

// Await waits until a query gives a value.
func (s *Server) Await(t testing.TB, query, want string) {
	t.Helper()
	pool := s.Open(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), toolTimeout)
	defer cancel()
	for got := ""; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		err := pool.QueryRowContext(ctx, query).Scan(&got)
		if err == nil && got == want {
			return
		}
	}
	t.Fatalf("%s never gave %s", query, want)
}
