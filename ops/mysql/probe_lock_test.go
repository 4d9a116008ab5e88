package mysql

import (
	"context"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
)

// TestProbeFindsWaitsForMetadataAndGlobalLocks: a table that somebody has locked, and a
// server that somebody holds still, serve nobody. No list of transactions tells.
func TestProbeFindsWaitsForMetadataAndGlobalLocks(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, s *testdb.Server) {
		schema := s.Schema(t)
		s.Exec(t, schema, "CREATE TABLE t (id INT PRIMARY KEY)")
		db := s.Open(t, schema)
		hold, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Close()
		if _, err := hold.ExecContext(t.Context(), "LOCK TABLES t WRITE"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(ended)
			db.ExecContext(ctx, "INSERT INTO t VALUES (1)")
		}()
		defer func() { cancel(); <-ended }()
		const says = "metadata or global locks"
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			r := lookOnce(t, Probe{Target: targetOf(s), Threads: 0.99, Transaction: time.Hour})
			found := r.State == ops.StateWarning && strings.Contains(r.Detail.String(), says)
			if n, _ := r.Field("metadata_lock_waits").(int64); found && n > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %s; waits %v", r.State, r.Detail, r.Field("metadata_lock_waits"))
			}
		}
	})
}
