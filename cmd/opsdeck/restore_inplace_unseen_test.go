package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"opsdeck/internal/testdb"
)

// TestWritesThatNothingCountsStopALoadInPlace: a row that reaches an Aria table without
// the binlog, after the emergency backup and before the load drops the table, is found in the
// rows. The run stops; taken up again, it backs the row up, and an undo brings it back.
func TestWritesThatNothingCountsStopALoadInPlace(t *testing.T) {
	t.Parallel()
	db := testdb.Private(t, "mariadb") // of its own: others write to a shared one
	s := newSite(t, db)
	db.Exec(t, s.live, "CREATE TABLE tickets (id INT PRIMARY KEY) ENGINE=Aria", "INSERT INTO tickets VALUES (1)")
	s.must("backup", "create")
	s.must("restore", "--mode", "in-place", "--confirm", s.live)
	earlier := len(s.emergencies())
	var written atomic.Bool
	direct := db.Open(t, "")
	tap := db.Tap(t, func(statement string) {
		if !strings.HasPrefix(statement, "LOCK TABLES `"+s.live+"`") || len(s.emergencies()) == earlier ||
			written.Swap(true) {
			return
		}
		c, err := direct.Conn(context.Background())
		if err == nil {
			_, err = c.ExecContext(context.Background(), "SET SESSION sql_log_bin = 0")
		}
		if err == nil {
			_, err = c.ExecContext(context.Background(), "INSERT INTO `"+s.live+"`.tickets VALUES (77)")
		}
		if err == nil {
			_, err = c.ExecContext(context.Background(), "SET SESSION sql_log_bin = 1")
		}
		if err != nil {
			t.Error(err)
		}
		c.Close()
	})
	_, port, err := net.SplitHostPort(tap)
	if err != nil {
		t.Fatal(err)
	}
	s.amend(fmt.Sprintf("port: %d", db.Port), "port: "+port)
	o := s.run("restore", "--mode", "in-place", "--confirm", s.live)
	if !written.Load() {
		t.Fatal("nothing was written", o.err)
	}
	tells(t, o.err, "was written to after its emergency backup", "without the binlog: ", "tickets")
	tickets := func() (n int) {
		t.Helper()
		if err := direct.QueryRow("SELECT COUNT(*) FROM `" + s.live + "`.tickets WHERE id = 77").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if o.code != 1 || tickets() != 1 {
		t.Fatalf("exit %d, %d tickets: %s", o.code, tickets(), o.err)
	}
	s.must("restore", "--mode", "in-place", "--confirm", s.live)
	if tickets() != 0 {
		t.Error("the backup was not restored")
	}
	s.must("restore", "undo", "--confirm", s.live)
	if tickets() != 1 {
		t.Error("the ticket is lost")
	}
}

// TestSequencesGoOnOverARestoreInPlaceAndItsUndo: no number is given out twice, whichever way a
// sequence counts; one that cycles is as in the backup.
func TestSequencesGoOnOverARestoreInPlaceAndItsUndo(t *testing.T) {
	t.Parallel()
	db := testdb.MariaDB(t)
	s := newSite(t, db)
	db.Exec(t, s.live, "CREATE SEQUENCE up NOCACHE", "CREATE SEQUENCE down INCREMENT -1 START WITH -1 NOCACHE",
		"CREATE SEQUENCE turns MAXVALUE 5 CYCLE NOCACHE", "CREATE TABLE n (v BIGINT)")
	draw := func(name string) (v int64) {
		t.Helper()
		if err := db.Open(t, s.live).QueryRow("SELECT NEXTVAL(`" + name + "`)").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	draws := func(up, down, turns int64) {
		t.Helper()
		if u, d, c := draw("up"), draw("down"), draw("turns"); u != up || d != down || c != turns {
			t.Errorf("the next numbers are %d, %d, %d, want %d, %d, %d", u, d, c, up, down, turns)
		}
	}
	draws(1, -1, 1)
	s.must("backup", "create")
	draws(2, -2, 2)
	draws(3, -3, 3)
	tells(t, s.must("restore", "--plan").out, "the sequence up is at 4 now and at 2 in the backup: no number is given "+
		"out again", "the sequence turns is at 4 now and at 2 in the backup: numbers may be given out again")
	s.must("restore", "--mode", "in-place", "--confirm", s.live)
	draws(4, -4, 2)
	s.must("restore", "undo", "--confirm", s.live)
	draws(5, -5, 4)
}
