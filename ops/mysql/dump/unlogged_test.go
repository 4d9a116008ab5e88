package dump

import (
	"context"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
)

// unlogged are writers whose commits are not in the dumped server's binlog.
type unlogged struct {
	name    string
	dumped  *testdb.Server
	written *testdb.Server
	db      string
	session string
}

// unloggedWorld is three servers of a flavour with each of these settings: a source that
// logs one database only, its replica that does not log what it applies and ignores one
// database, and a server without a binlog.
func unloggedWorld(t *testing.T, flavour string) []unlogged {
	var gtid []string
	if flavour == "mysql" {
		gtid = []string{"--gtid-mode=ON", "--enforce-gtid-consistency=ON"}
	}
	source := testdb.Private(t, flavour, append(gtid, "--binlog-do-db=logged")...)
	replica := source.Replica(t, append(gtid, "--log-slave-updates=0", "--binlog-ignore-db=ignored")...)
	without := testdb.Private(t, flavour, "--skip-log-bin")
	source.Exec(t, "", "CREATE DATABASE logged", "CREATE DATABASE unlogged")
	without.Exec(t, "", "CREATE DATABASE bank")
	replica.Exec(t, "", "CREATE DATABASE ignored", "CREATE DATABASE mute")
	replica.Await(t, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'logged'", "1")
	return []unlogged{
		{"replica-without-own-log", replica, source, "logged", ""},
		{"binlog-do-db", source, source, "unlogged", ""},
		{"binlog-ignore-db", replica, replica, "ignored", ""},
		{"sql-log-bin-off", replica, replica, "mute", "sql_log_bin=0"},
		{"no-log", without, without, "bank", ""},
	}
}

// Every method gives a consistent total under load if the writes are not logged; a method
// without a lock would not.
func TestEveryWayReadsOneMomentOfUnloggedWrites(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			all := unloggedWorld(t, flavour)
			for _, u := range all {
				t.Run(u.name, u.keepsTheTotal)
			}
			t.Run("source", all[0].namesItsSource)
			t.Run("left out", func(t *testing.T) { leftOutOf(t, flavour, all) })
		})
	}
}

// leftOutOf compares what each server says that its log lacks.
func leftOutOf(t *testing.T, flavour string, all []unlogged) {
	applied := map[string]string{"mysql": "log_replica_updates=OFF", "mariadb": "log_slave_updates=OFF"}[flavour]
	source, replica := all[1].dumped, all[0].dumped
	for _, c := range []struct {
		of       *testdb.Server
		db, want string
	}{
		{source, "logged", ""},
		{source, "unlogged", "binlog-do-db=logged"},
		{replica, "logged", applied},
		{replica, "mute", applied},
	} {
		out, err := mysql.LeftOut(t.Context(), c.of.Open(t, ""))
		if got := out.Setting(c.db); err != nil || got != c.want {
			t.Errorf("%s: %q, not %q: %v", c.db, got, c.want, err)
		}
	}
}

func (u unlogged) keepsTheTotal(t *testing.T) {
	busy := writers(t, u.written, u.db, u.session)
	defer busy.stop()
	busy.rest.Store(int64(2 * time.Millisecond))
	u.dumped.Await(t, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+u.db+"'", "2")
	u.dumped.Await(t, "SELECT COUNT(*) FROM "+u.db+".right_side", "200")
	names := []string{"backup-stage", "ftwrl", "lock-tables", "single-connection"}
	if u.dumped.Flavour == "mysql" {
		names = names[1:]
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			only(t, name)
			for range soak(2, 100) {
				u.dump(t, name)
			}
		})
	}
	t.Run("the load tears what no lock holds", func(t *testing.T) {
		only(t)
		ways = append(ways, struct {
			name string
			open func(*snapshotter, context.Context) error
		}{"none", withoutLock})
		for range 50 {
			path, m := dumped(t, u.dumped, Options{Databases: []string{u.db}, Jobs: 2})
			if total(text(t, path, m)) != 400*1000 {
				return
			}
		}
		t.Error("no dump was torn: the test shows nothing")
	})
}

func (u unlogged) dump(t *testing.T, name string) {
	t.Helper()
	path, m := dumped(t, u.dumped, Options{Databases: []string{u.db}, Jobs: 2, LockWait: time.Minute})
	if got := total(text(t, path, m)); got != 400*1000 {
		t.Errorf("by %s: the total is %d", m.Consistency, got)
	}
	if m.Consistency != name || !m.Consistent {
		t.Errorf("by %s, consistent %v", m.Consistency, m.Consistent)
	}
}

// withoutLock opens snapshots one after the other, with time for commits between them.
func withoutLock(s *snapshotter, ctx context.Context) error {
	for _, c := range s.conns {
		if err := execute(ctx, c, "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SAVEPOINT "+savepoint); err != nil {
			return err
		}
		if err := wait(ctx, 30*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
