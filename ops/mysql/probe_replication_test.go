package mysql

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// pair is a source and a replica of it, both real.
type pair struct{ source, replica *testdb.Server }

func replicate(t *testing.T, flavour string) pair {
	t.Helper()
	p := pair{testdb.Private(t, flavour), testdb.Private(t, flavour, "--server-id=2", "--read-only=1")}
	from, start := "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%d, SOURCE_USER='root', "+
		"SOURCE_PASSWORD='%s', SOURCE_LOG_FILE='%s', SOURCE_LOG_POS=%d, "+
		"SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=1000, GET_SOURCE_PUBLIC_KEY=1", "START REPLICA"
	if flavour == "mariadb" {
		start = "START SLAVE"
		from = "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='root', MASTER_PASSWORD='%s', " +
			"MASTER_LOG_FILE='%s', MASTER_LOG_POS=%d, MASTER_CONNECT_RETRY=1"
	}
	at := p.source.LogPosition(t)
	p.replica.Exec(t, "", fmt.Sprintf(from, p.source.Port, p.source.Password, at.File, at.Pos), start)
	return p
}

// until looks at the replica until the look is as wanted.
func (p pair) until(t *testing.T, what string, wanted func(health.Result) bool) health.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	probe := Probe{Target: targetOf(p.replica), Lag: time.Second}.Health()
	for {
		r := probe(ctx)
		if wanted(r) {
			return r
		}
		if ctx.Err() != nil {
			t.Fatalf("%s never came: %s: %s; %v", what, r.State, r.Detail, r.Fields)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func says(state ops.State, words ...string) func(health.Result) bool {
	return func(r health.Result) bool {
		for _, w := range words {
			if !strings.Contains(r.Detail.String(), w) {
				return false
			}
		}
		return r.State == state
	}
}

func TestReplicationIsFollowedOnARealReplica(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) { followReplication(t, replicate(t, flavour), flavour) })
	}
}

func followReplication(t *testing.T, p pair, flavour string) {
	p.source.Exec(
		t,
		"",
		"CREATE DATABASE shop",
		"CREATE TABLE shop.t (id INT PRIMARY KEY)",
		"INSERT INTO shop.t VALUES (1)",
	)
	r := p.until(t, "a replica in step", func(r health.Result) bool {
		return r.State == ops.StateOK && r.Field("replication_lag_ms") == int64(0) && p.rows(t) == 1
	})
	if r.Field("replication") != "Yes/Yes" || r.Field("read_only") != true ||
		!strings.Contains(r.Detail.String(), "replica of 127.0.0.1") {
		t.Fatalf("%v", r.Fields)
	}

	lock, err := p.replica.Open(t, "").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "LOCK TABLES shop.t READ"); err != nil {
		t.Fatal(err)
	}
	p.source.Exec(t, "", "INSERT INTO shop.t VALUES (2)")
	p.until(t, "lag", says(ops.StateWarning, "replication lag", "limit"))
	if _, err := lock.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	p.until(t, "caught up", says(ops.StateOK))

	stop, start := "STOP REPLICA", "START REPLICA"
	if flavour == "mariadb" {
		stop, start = "STOP SLAVE", "START SLAVE"
	}
	p.replica.Exec(t, "", stop)
	if r := p.until(t, "stopped", says(ops.StateCritical)); r.Detail.String() != "replication has stopped" {
		t.Fatalf("stopped on purpose: %s", r.Detail)
	}
	p.replica.Exec(t, "", start)
	p.until(t, "started", says(ops.StateOK))

	p.source.Stop(t)
	p.until(t, "no source", says(ops.StateCritical, "cannot connect to its source", "127.0.0.1"))
	p.source.Start(t)
	p.until(t, "source back", says(ops.StateOK))

	p.replica.Exec(t, "", "INSERT INTO shop.t VALUES (3)")
	p.source.Exec(t, "", "INSERT INTO shop.t VALUES (3)")
	if r := p.until(t, "broken", says(ops.StateCritical, "replication has stopped", "shop.t")); r.Field(
		"replication_lag_ms",
	) != nil {
		t.Fatalf("a lag of %v, though nothing is applied", r.Field("replication_lag_ms"))
	}
}

// rows counts the rows that have come to the replica.
func (p pair) rows(t *testing.T) int {
	var n int
	p.replica.Open(t, "").QueryRow("SELECT COUNT(*) FROM shop.t").Scan(&n)
	return n
}
