package main

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// executed is the set of all transactions of the server.
func executed(t *testing.T, db *testdb.Server) (set string) {
	t.Helper()
	ask := "SELECT @@GLOBAL.gtid_executed"
	if db.Flavour == "mariadb" {
		ask = "SELECT @@GLOBAL.gtid_binlog_pos"
	}
	if err := db.Open(t, "").QueryRow(ask).Scan(&set); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(set, "\n", "")
}

// earlier are sets, of GTIDs that are not the server's newest, that lie before a set.
func earlier(t *testing.T, set string) []string {
	t.Helper()
	if id, last, mysql := strings.Cut(set, ":"); mysql {
		if !strings.HasPrefix(last, "1-") || strings.ContainsAny(last, ",:") {
			t.Fatalf("the server has more than its own transactions: %s", set)
		}
		return []string{id + ":1-2", id + ":2"}
	}
	return []string{"0-1-2", "0-2-2"} // of the second there is no transaction
}

// neverDone is a set that holds all of one, and transactions that are nowhere.
func neverDone(set string) string {
	if strings.Contains(set, ":") {
		return set + ",00000000-0000-0000-0000-000000000001:1-5"
	}
	var domain, server, seq int
	fmt.Sscanf(set, "%d-%d-%d", &domain, &server, &seq)
	return fmt.Sprintf("%d-%d-%d", domain, server+1, seq)
}

// A set of GTIDs from before the newest backup is reached from an older one: the newest
// has the accident in it. Where none is old enough it is refused.
func TestRestoreToGTIDsFromBeforeTheNewestBackup(t *testing.T) {
	for flavour, extra := range map[string][]string{
		"mysql":   {"--gtid-mode=ON", "--enforce-gtid-consistency=ON"},
		"mariadb": nil,
	} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			db := testdb.Private(t, flavour, extra...)
			s := newSite(t, db)
			s.must("backup", "create")
			db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('kept')")...)
			good, wanted := s.dump(), executed(t, db)
			db.Exec(t, s.live, inRows("DELETE FROM orders")...)
			newest := s.backupMade(t)
			held := executed(t, db)

			refused := func(want string, args ...string) {
				t.Helper()
				o := s.run(append([]string{"restore", "--plan", "--until"}, args...)...)
				if o.code == 0 || !strings.Contains(o.err, want) {
					t.Errorf("%v: exit %d, want %q\n%s\n%s", args, o.code, want, o.out, o.err)
				}
			}
			for _, set := range earlier(t, held) {
				refused("is before the backup", set)
				refused("it can reach", set)
			}
			refused("is before the backup "+newest, wanted, "--from", newest)
			refused("does not reach", neverDone(held))

			if o := s.must("restore", "--plan", "--until", held); !strings.Contains(o.out, "no transactions between") {
				t.Errorf("all that the newest backup holds:\n%s", o.out)
			}
			if db.Flavour == "mysql" {
				s.oneGTIDAlone(t, newest)
			}
			s.notNamed(t)
			s.must("restore", "--until", wanted, "--confirm", s.live, "--json")
			sameDump(t, good, s.dump())
		})
	}
}

// notNamed asks for a set that leaves out a transaction before its end, of another MySQL
// tag or MariaDB domain: it is refused, and the set that is advised is planned, which
// writes nothing to the server's log.
func (s *realSite) notNamed(t *testing.T) {
	t.Helper()
	held := executed(t, s.db)
	insert := inRows("INSERT INTO customers (name) VALUES ('unnamed')")
	if s.db.Flavour == "mariadb" {
		insert = append([]string{"SET SESSION gtid_domain_id = 7"}, insert...)
	}
	s.db.Exec(t, s.live, insert...)
	s.db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('wanted')")...)
	set := executed(t, s.db)
	want := ""
	if s.db.Flavour == "mariadb" {
		for _, id := range strings.Split(set, ",") {
			if strings.HasPrefix(id, "0-") {
				want = id
			}
		}
	} else {
		id, _, _ := strings.Cut(set, ":")
		want = held + "," + id + ":" + set[strings.LastIndex(set, "-")+1:]
	}
	o := s.run("restore", "--plan", "--until", want)
	if o.code == 0 || !strings.Contains(o.err, "come before its end in the binlog") {
		t.Errorf("%s: exit %d\n%s\n%s", want, o.code, o.out, o.err)
	}
	_, next, _ := strings.Cut(o.err, "name them: --until ")
	next, _, _ = strings.Cut(strings.TrimSpace(next), "\n")
	o = s.must("restore", "--plan", "--until", next)
	if !strings.Contains(o.out, "the log has nothing later") {
		t.Errorf("the set that is advised, %s:\n%s", next, o.out)
	}
	if now := executed(t, s.db); now != set {
		t.Errorf("a plan wrote to the log: %s, was %s", now, set)
	}
}

// oneGTIDAlone is a set of one transaction after the newest backup, whose own are not in
// it: the set that is advised instead reaches it.
func (s *realSite) oneGTIDAlone(t *testing.T, newest string) {
	t.Helper()
	s.db.Exec(t, s.live, inRows("INSERT INTO customers (name) VALUES ('later')")...)
	set := executed(t, s.db)
	id, _, _ := strings.Cut(set, ":")
	o := s.run("restore", "--plan", "--until", id+":"+set[strings.LastIndex(set, "-")+1:])
	if o.code == 0 || !strings.Contains(o.err, newest+" contains transactions that are not in") {
		t.Errorf("one transaction: exit %d\n%s\n%s", o.code, o.out, o.err)
	}
	_, next, _ := strings.Cut(o.err, "name them too: --until ")
	next, _, _ = strings.Cut(next, ";")
	o = s.must("restore", "--plan", "--until", next)
	if !strings.Contains(o.out, newest) || !strings.Contains(o.out, "the log has nothing later") {
		t.Errorf("the set that is advised, %s:\n%s", next, o.out)
	}
}
