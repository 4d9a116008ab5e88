package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
)

// lossy are rows that a server cannot take as they are.
const lossyTable = "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(3) CHARACTER SET utf8mb4, d DATE, n TINYINT, e " +
	"ENUM('a','b'));\n"

var lossy = []string{
	"INSERT INTO t VALUES (1,'toolong',NULL,1,'a')", "INSERT INTO t VALUES (1,'x','2024-02-31',1,'a')", "INSERT INTO t VALUES (1,'x',NULL,300,'a')",
	"INSERT INTO t VALUES (1,'x',NULL,1,'zz')", "INSERT INTO t VALUES (1,'\xd5\xc5',NULL,1,'a')", "INSERT INTO t VALUES (1,'x','0000-00-00',1,'a')",
}

// A load stops where the server's own client would: only the dump's own mode makes
// values fit, and then what the server did is told.
func TestValuesAreNotChangedInSilence(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		schema := s.Schema(t)
		head := "SET NAMES utf8mb4;\n" + lossyTable + "INSERT INTO t VALUES (0,'ok','2024-02-29',-128,'b');\n"
		for _, q := range lossy {
			s.Exec(t, "", "DROP DATABASE "+schema)
			_, err := Run(context.Background(), target(s), source(t, []byte(head+q+";\n")), Options{Schema: schema})
			if strings.Contains(q, "0000") && s.Flavour == "mariadb" { // its default mode takes them
				if err != nil {
					t.Errorf("%s: %v", q, err)
				}
			} else if err == nil || !strings.Contains(fmt.Sprint(errors.Unwrap(err), err), "line 4") {
				t.Errorf("%s under the server's mode: %v", q, err)
			}
		}
		s.Exec(t, "", "DROP DATABASE "+schema)
		text := "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n" + head
		for i, q := range lossy {
			text += strings.Replace(q, "(1", fmt.Sprintf("(%d", i+1), 1) + ";\n"
		}
		text += "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n" // a dump that keeps the mode says so at its end
		r := mustRun(t, s, source(t, []byte(text)), Options{Schema: schema})
		told := ""
		for _, n := range r.Notes {
			if n.Kind == backup.NoteWarning && n.Object == "t" {
				told += n.Detail
			}
		}
		if n := 0; !strings.Contains(told, "first at line 5") ||
			!strings.Contains(told, "Data too long for column 'v'") &&
				!strings.Contains(told, "Data truncated for column 'v'") ||
			func() bool { fmt.Sscan(told, &n); return n < 5 }() {
			t.Errorf("under the dump's mode: told %q", told)
		}
		if r.Rows != int64(len(lossy))+1 {
			t.Errorf("%d rows", r.Rows)
		}
	})
}

// What a dump holds for a replica, or for the whole server, is left out and noted.
func TestADumpsServerWidePartsAreLeftOut(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		before := s.Open(t, "")
		var was, is string
		ask := "SELECT CONCAT(@@GLOBAL.innodb_stats_persistent, @@GLOBAL.max_allowed_packet)"
		if err := before.QueryRow(ask).Scan(&was); err != nil {
			t.Fatal(err)
		}
		text := "/*!50606 SET @OLD_INNODB_STATS_AUTO_RECALC=1 */;\n/*!50606 SET GLOBAL INNODB_STATS_AUTO_RECALC=OFF " +
			"*/;\nSET GLOBAL innodb_stats_persistent = 0;\n" +
			"STOP SLAVE;\nCHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD='hush', MASTER_LOG_FILE='b.1', " +
			"MASTER_LOG_POS=4;\n" +
			"CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='b.1', SOURCE_LOG_POS=4;\nSET GLOBAL " +
			"gtid_slave_pos='0-1-2';\n" +
			"SET @OLD_AUTOCOMMIT=@@AUTOCOMMIT, @@AUTOCOMMIT=0;\nCREATE TABLE t (a INT);\nINSERT INTO t VALUES " +
			"(1),(2);\nCOMMIT;\n" +
			"SET AUTOCOMMIT=0, @x = 1, sql_mode = '';\nSET AUTOCOMMIT=@OLD_AUTOCOMMIT;\nFLUSH PRIVILEGES;\n/*! " +
			"FLUSH PRIVILEGES */;\nSTART SLAVE;\nSTART REPLICA;\n" +
			"/*!50606 SET GLOBAL INNODB_STATS_AUTO_RECALC=@OLD_INNODB_STATS_AUTO_RECALC */;\n"
		r := mustRun(t, s, source(t, []byte(text)), Options{Schema: s.Schema(t)})
		notes := fmt.Sprint(r.Notes)
		if r.Rows != 2 || strings.Contains(notes, "hush") || !strings.Contains(notes, "CHANGE MASTER") ||
			!strings.Contains(notes, "gtid_slave_pos") {
			t.Errorf("%d rows, notes %s", r.Rows, notes)
		}
		if err := before.QueryRow(ask).Scan(&is); err != nil || is != was {
			t.Errorf("the server's settings were %s and are %s (%v)", was, is, err)
		}
	})
}
