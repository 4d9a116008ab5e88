package swap

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/restore"
)

// TestOurOwnFollowerIsNoReplica: the archive's reader is in the server's list of replicas
// and does not count, but another reader does.
func TestOurOwnFollowerIsNoReplica(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Open(t, "")
		var f Facts
		count := func() int {
			out := restore.ServerState{}
			f.replication(t.Context(), db, &out)
			return out.Replicas
		}
		before := count()
		addr := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
		to := mysql.Target{Network: "tcp", Addr: addr, User: s.User, Password: s.Password}
		server, err := format.Ask(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream, err := format.Dump(ctx, to, server.Now.File, 4, 0xb0001234, true)
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		if _, err := stream.Next(ctx); err != nil {
			t.Fatal(err)
		}
		for dumps := 0; dumps == 0; time.Sleep(10 * time.Millisecond) { // until the server lists it
			row := db.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'")
			if err := row.Scan(&dumps); err != nil {
				t.Fatal(err)
			}
		}
		if now := count(); now != before {
			t.Errorf("%d replicas, were %d", now, before)
		}
	})
}
