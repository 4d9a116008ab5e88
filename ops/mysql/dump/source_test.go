package dump

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// namesItsSource dumps a replica that applies one transaction per row, by every method:
// the manifest has the position in the source's log after the last row of the dump.
func (u unlogged) namesItsSource(t *testing.T) {
	source := u.written
	source.Exec(t, u.db, "CREATE TABLE ledger (id INT PRIMARY KEY)")
	stop := ledger(t, source, u.db)
	defer stop()
	u.dumped.Await(t, "SELECT COUNT(*) > 5 FROM "+u.db+".ledger", "1")
	full := target(u.dumped)
	field := account(t, u.dumped, "GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON *.* TO")
	for _, name := range []string{"backup-stage", "ftwrl", "lock-tables", "single-connection", "field"} {
		if u.dumped.Flavour == "mysql" && name == "backup-stage" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			user := full
			if name == "field" {
				user, name = field, "lock-tables"
			}
			only(t, name)
			path := t.TempDir() + "/a.sql.gz"
			m, err := Run(t.Context(), user, Options{Databases: []string{u.db}, Jobs: 2, LockWait: time.Minute}, path)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Sources) != 1 || m.Position.File != "" {
				t.Fatalf("by %s: sources %+v, position %+v, %q", m.Consistency, m.Sources, m.Position, m.Warnings)
			}
			u.placedAfter(t, m.Sources[0], lastRow(text(t, path, m)))
			if user == full && (m.Sources[0].Host != "127.0.0.1" || m.Sources[0].Port != source.Port) {
				t.Errorf("%+v", m.Sources[0])
			}
			if id := serverID(t, source); user == full && m.Sources[0].Server != id {
				t.Errorf("the source is %s, the manifest says %+v", id, m.Sources[0])
			}
		})
	}
}

// serverID is a server's id in the binlog archive.
func serverID(t *testing.T, s *testdb.Server) (id string) {
	t.Helper()
	ask := "SELECT @@GLOBAL.server_uuid"
	if s.Flavour == "mariadb" {
		ask = "SELECT CONCAT('id-', @@GLOBAL.server_id)"
	}
	if err := s.Open(t, "").QueryRow(ask).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// The manifest names the server of its binlog position and the time by that server's
// clock: a file of the same name may belong to another server or another log.
func TestAManifestNamesTheServerOfItsLog(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "CREATE TABLE a (i INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
		before := time.Now()
		m, err := Run(t.Context(), target(s), Options{Databases: []string{db}, Jobs: 2}, t.TempDir()+"/a.sql.gz")
		if err != nil {
			t.Fatal(err)
		}
		p := m.Position
		if p.File == "" || p.Server != serverID(t, s) {
			t.Errorf("the server is %s, the manifest says %+v", serverID(t, s), p)
		}
		if p.ClockFrom.Before(before.Truncate(time.Microsecond)) || p.ClockTo.Before(p.ClockFrom) ||
			p.ClockTo.After(time.Now()) {
			t.Errorf("read between %s and %s: %+v", before, time.Now(), p)
		}
	})
}

// ledger inserts rows 1, 2, 3, … each in its own transaction, in plain SQL.
func ledger(t *testing.T, s *testdb.Server, db string) (stop func()) {
	t.Helper()
	pool := s.Open(t, db+"?binlog_format=STATEMENT")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for id := 1; ctx.Err() == nil; id++ {
			pool.Exec(fmt.Sprintf("INSERT INTO ledger VALUES (%d)", id))
			wait(ctx, time.Millisecond)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

var (
	ledgerRows = regexp.MustCompile("(?s)INSERT INTO `ledger` \\(`id`\\) VALUES\n(.*?);\n")
	oneRow     = regexp.MustCompile(`\((\d+)\)`)
	ledgerPut  = regexp.MustCompile(`INSERT INTO ledger VALUES \((\d+)\)`)
	gtidOf     = regexp.MustCompile(`(?:GTID (\d+-\d+-\d+))|(?:GTID_NEXT= '([0-9a-f-]+):(\d+)')`)
)

func lastRow(sql []byte) (last int) {
	for _, part := range ledgerRows.FindAllSubmatch(sql, -1) {
		for _, r := range oneRow.FindAllSubmatch(part[1], -1) {
			n, _ := strconv.Atoi(string(r[1]))
			last = max(last, n)
		}
	}
	return last
}

// placedAfter reads from the source's own log the transactions before and after the
// position.
func (u unlogged) placedAfter(t *testing.T, at backup.Source, last int) {
	t.Helper()
	if last == 0 || at.GTID == "" && at.File == "" {
		t.Fatalf("row %d at %+v", last, at)
	}
	gtid, next, nextPos := "", 0, uint64(0)
	for _, e := range u.events(t) {
		if m := gtidOf.FindStringSubmatch(e.info); m != nil {
			gtid = m[1] + m[2] + strings.Repeat("-", min(1, len(m[2]))) + m[3]
		}
		m := ledgerPut.FindStringSubmatch(e.info)
		if m == nil {
			continue
		}
		id, _ := strconv.Atoi(m[1])
		if id == last && at.GTID != "" && !holds(at.GTID, gtid) {
			t.Errorf("row %d is GTID %s, the manifest says %s", last, gtid, at.GTID)
		}
		if id == last+1 && at.GTID != "" && holds(at.GTID, gtid) {
			t.Errorf("row %d, which the dump lacks, is GTID %s, the manifest says %s", id, gtid, at.GTID)
		}
		if e.pos >= at.Pos && next == 0 {
			next, nextPos = id, e.pos
		}
	}
	if at.File != "" && next != last+1 {
		t.Errorf("the dump ends with row %d; after %s:%d comes row %d at %d", last, at.File, at.Pos, next, nextPos)
	}
	t.Logf("row %d at %+v", last, at)
}

// holds reports whether a position includes a GTID, in the part of the same server.
func holds(position, gtid string) bool {
	number := func(s string) int {
		n, _ := strconv.Atoi(s[strings.LastIndexAny(s, "-:")+1:])
		return n
	}
	for part := range strings.SplitSeq(position, ",") {
		if from, _, _ := strings.Cut(part, ":"); from == part || strings.HasPrefix(gtid, from+"-") {
			return number(part) >= number(gtid)
		}
	}
	return false
}

type event struct {
	pos  uint64
	info string
}

// events are the events of the source's only binlog file.
func (u unlogged) events(t *testing.T) (all []event) {
	t.Helper()
	rows, err := u.written.Open(t, "").Query("SHOW BINLOG EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	found, err := schema.ByName(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found {
		pos, _ := strconv.ParseUint(r["pos"], 10, 64)
		all = append(all, event{pos, r["info"]})
	}
	return all
}
