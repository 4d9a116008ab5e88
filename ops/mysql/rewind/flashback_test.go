package rewind

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
)

// TestFlashbackComesToTheSame takes spans of random transactions back, and has MariaDB's
// mariadb-binlog --flashback take them back on a copy: both must come to the rows from before.
// Where flashback fails, on rows without a key, FLOAT keys and rows that refer to one another,
// the rewind alone is judged.
func TestFlashbackComesToTheSame(t *testing.T) {
	s := testdb.MariaDB(t)
	m := rand.New(rand.NewPCG(testenv.Seed(t), 2))
	db := s.Schema(t)
	s.Exec(t, db, append([]string{"SET SESSION sql_mode = ''"}, randomTables...)...)
	s.Exec(t, db, "CREATE TABLE gi (v INT, w VARCHAR(9))")
	c := connection(t, s, db)
	run := func(q string) bool {
		_, err := c.ExecContext(t.Context(), q)
		return err == nil
	}
	run("SET SESSION sql_mode='', binlog_format=ROW, time_zone='+03:00'")
	compared := 0
	for range randomRounds() {
		s.Exec(t, "", "FLUSH BINARY LOGS")
		before := contents(t, s, db)
		var did []string
		for range 1 + m.IntN(4) {
			run("BEGIN")
			for range 1 + m.IntN(6) {
				if q := randomStatement(m); run(q) {
					did = append(did, q)
				}
			}
			run("COMMIT")
		}
		after := contents(t, s, db)
		if after == before {
			continue
		}
		src, all := spanOf(t, s, db)
		theirs, err := flashback(t, s, db, all)
		switch {
		case err != nil:
			t.Logf("flashback: %v", err)
		case theirs != before:
			t.Errorf("flashback does not come back: %s\n%s\nwant\n%s", strings.Join(did, ";\n"), theirs, before)
		default:
			compared++
		}
		var ids []string
		for _, txn := range all {
			ids = append(ids, txn.ID)
		}
		conn := connection(t, s, db)
		p, err := Make(t.Context(), src, conn, db, Request{Txns: ids})
		taken(t, conn, p, err, did)
		if got := contents(t, s, db); got != before {
			t.Fatalf("%s\n%s\nwant\n%s\nflashback\n%s", strings.Join(did, ";\n"), got, before, theirs)
		}
		src.Close()
		conn.Close()
	}
	if compared == 0 {
		t.Error("flashback came back in no round")
	}
}

// spanOf is the log of the current file with all transactions of a schema, in order.
func spanOf(t *testing.T, s *testdb.Server, db string) (*changes.Source, []*binlog.Transaction) {
	t.Helper()
	src, _ := newest(t, s, db)
	var all []*binlog.Transaction
	query := changes.Query{Query: binlog.Query{Filter: binlog.Filter{Schema: db}}}
	err := src.List(t.Context(), query, func(txn *binlog.Transaction) error {
		if len(all) == 0 || txn.File == all[0].File {
			all = append(all, txn)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return src, all
}

// flashback has the server's own tool take transactions back on a copy of a schema, and
// returns the copy's rows.
func flashback(t *testing.T, s *testdb.Server, db string, all []*binlog.Transaction) (string, error) {
	t.Helper()
	copied := s.Schema(t)
	s.Client(t, copied, bytes.NewReader(s.Dump(t, "--skip-triggers", db)))
	back := exec.CommandContext(t.Context(), s.Tool(t, "mysqlbinlog"), "--no-defaults", "--flashback",
		"--rewrite-db="+db+"->"+copied, "--database="+db, fmt.Sprintf("--start-position=%d", all[0].Pos),
		fmt.Sprintf("--stop-position=%d", all[len(all)-1].End), filepath.Join(s.DataDir(), all[0].File))
	script, err := back.Output()
	if err != nil {
		t.Fatalf("mariadb-binlog: %v", err)
	}
	client := exec.CommandContext(t.Context(), s.Tool(t, "mysql"), "--defaults-file="+s.OptionsFile(t))
	client.Stdin = bytes.NewReader(script)
	if out, err := client.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return contents(t, s, copied), nil
}
