package replay

import (
	"bytes"
	"os/exec"
	"strconv"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// After a replay a table continues after every number that the log has: no row gets the number of
// one that went. The log lacks numbers that the server reserved and no row got (of a transaction
// that was rolled back, of INSERT … SELECT and CREATE TABLE … SELECT, of rows that were there
// already): as after mysqlbinlog, the copy gives these out again.
func TestTheNextNumberIsAfterEveryNumberInTheLog(t *testing.T) {
	const columns = " (id INT AUTO_INCREMENT PRIMARY KEY, k INT UNIQUE, v INT)"
	statements := "SET SESSION binlog_format=STATEMENT"
	rows := "SET SESSION binlog_format=ROW"
	cases := []struct {
		table     string // its k and v are 1 and 2 of two rows before the work
		work      []string
		live, now string
	}{
		{"replaced", []string{"REPLACE INTO replaced (k, v) VALUES (1, 9)", "REPLACE INTO replaced (k, v) VALUES (2, 9)"},
			"5", "5"},
		{"replaced_s", []string{statements, "REPLACE INTO replaced_s (k, v) VALUES (1, 9)", rows}, "4", "4"},
		{"moved", []string{"UPDATE moved SET id = 10 WHERE id = 1"}, "11", "11"},
		{"moved_s", []string{statements, "UPDATE moved_s SET id = 10 WHERE id = 1", rows}, "11", "11"},
		{"went", []string{"INSERT INTO went (k) VALUES (9)", "DELETE FROM went WHERE k = 9"}, "4", "4"},
		{"altered", []string{"INSERT INTO altered (k) VALUES (9)", "DELETE FROM altered WHERE k = 9",
			"ALTER TABLE altered ADD w INT, ALGORITHM=COPY"}, "4", "4"},
		{"given", []string{"ALTER TABLE given AUTO_INCREMENT = 50"}, "50", "50"},
		{"emptied", []string{"INSERT INTO emptied (k) VALUES (9)", "TRUNCATE emptied"}, "1", "1"},
		{"negative", []string{"DELETE FROM negative", "INSERT INTO negative VALUES (-5, 5, 5)"}, "3", "3"},
		{"big", []string{"ALTER TABLE big MODIFY id BIGINT UNSIGNED AUTO_INCREMENT",
			"INSERT INTO big VALUES (9223372036854775810, 9, 9)", "DELETE FROM big WHERE k = 9"},
			"9223372036854775811", "9223372036854775811"},
		// Numbers that the log lacks.
		{"selected", []string{"INSERT INTO selected (k, v) SELECT k + 2, v FROM went"}, "6", "5"},
		{"ignored", []string{"INSERT IGNORE INTO ignored (k) VALUES (1), (3), (2)"}, "6", "4"},
		{"doubled", []string{"INSERT INTO doubled (k) VALUES (1), (3), (2) ON DUPLICATE KEY UPDATE v = 7"}, "6", "4"},
		{"undone", []string{"BEGIN", "INSERT INTO undone (k) VALUES (9)", "ROLLBACK"}, "4", "3"},
		{"stepped", []string{"SET auto_increment_increment=10", "INSERT INTO stepped (k) VALUES (8), (9)",
			"SET auto_increment_increment=1"}, "31", "22"},
		{"made", []string{"DROP TABLE made", "CREATE TABLE made" + columns + " SELECT k, v FROM went"}, "4", "3"},
	}
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		var setup, work []string
		for _, c := range cases {
			setup = append(setup, "CREATE TABLE "+c.table+columns, "INSERT INTO "+c.table+" VALUES (1, 1, 1), (2, 2, 2)")
			work = append(work, c.work...)
		}
		theirs := s.Schema(t)
		s.Exec(t, theirs, setup...)
		s.Exec(t, "", "FLUSH BINARY LOGS")
		w := newWorld(t, s, setup...)
		w.work(t, work...)
		end := now(t, s)
		w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
		var text []byte
		if end.File == w.stand.File { // else the server rotated its log meanwhile
			var err error
			text, err = exec.Command(s.Tool(t, "mysqlbinlog"), arguments(s, w, theirs, end)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			s.Client(t, "", bytes.NewReader(text))
		}
		for _, c := range cases {
			live, ours, tools := nextNumber(t, s, w.live, c.table), nextNumber(t, s, w.shadow, c.table), c.now
			if text != nil {
				tools = nextNumber(t, s, theirs, c.table)
			}
			if c.table == "made" && s.Flavour == "mariadb" && live == c.now {
				live = c.live // MariaDB reserves none here
			}
			if live != c.live || ours != c.now || tools != c.now {
				t.Errorf("%s: live %s (want %s), replayed %s (want %s), by the server's tool %s", c.table, live, c.live, ours,
					c.now, tools)
			}
		}
		w.sameRows(t)
	})
}

// nextNumber is the AUTO_INCREMENT value that a table's next row would get.
func nextNumber(t *testing.T, s *testdb.Server, in, table string) string {
	t.Helper()
	var name, text string
	if err := s.Open(t, in).QueryRow("SHOW CREATE TABLE "+table).Scan(&name, &text); err != nil {
		t.Fatal(err)
	}
	at := uint64(1)
	if found := counterOf.FindStringSubmatch(text); found != nil {
		at, _ = strconv.ParseUint(found[1], 10, 64)
	}
	return strconv.FormatUint(at, 10)
}
