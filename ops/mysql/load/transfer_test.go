package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/dump"
)

// Accounts and what they hold in all.
const (
	accounts = 400
	holding  = 1000
)

// transfers move amounts between rows of two tables until the test ends. No committed
// state has another total. more waits until amounts have moved.
func transfers(t *testing.T, s *testdb.Server) (schema string, more func(), stop func() (moved int)) {
	t.Helper()
	schema = s.Schema(t)
	var rows strings.Builder
	for i := range accounts / 2 {
		fmt.Fprintf(&rows, ",(%d,%d)", i, holding)
	}
	for _, table := range []string{"debit", "credit"} {
		s.Exec(
			t,
			schema,
			"CREATE TABLE "+table+" (id INT PRIMARY KEY, amount INT NOT NULL, KEY (amount)) ENGINE=InnoDB",
			"INSERT INTO "+table+" VALUES "+rows.String()[1:],
		)
	}
	db := s.Open(t, schema)
	ctx, cancel := context.WithCancel(context.Background())
	var hands sync.WaitGroup
	var moved atomic.Int64
	for range 3 {
		hands.Go(func() {
			for ctx.Err() == nil {
				tx, err := db.BeginTx(ctx, nil)
				if err != nil {
					continue
				}
				n := 1 + rand.IntN(100)
				_, one := tx.Exec("UPDATE debit SET amount = amount - ? WHERE id = ?", n, rand.IntN(accounts/2))
				_, two := tx.Exec("UPDATE credit SET amount = amount + ? WHERE id = ?", n, rand.IntN(accounts/2))
				if one != nil || two != nil || tx.Commit() != nil {
					tx.Rollback()
					continue
				}
				moved.Add(1)
			}
		})
	}
	more = func() {
		for from, end := moved.Load(), time.Now().Add(2*time.Minute); moved.Load() < from+
			3; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the transfers stand still")
			}
		}
	}
	return schema, more, func() int {
		cancel()
		hands.Wait()
		return int(moved.Load())
	}
}

// Every restored copy of tables that are written to all the time holds the same
// total, and is what its manifest says: a handful of times, hundreds in a soak.
func TestEveryRestoredCopyHasTheSameTotal(t *testing.T) {
	rounds := 4
	if os.Getenv("OPSDECK_SOAK") != "" {
		rounds = 400
	}
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from, more, stop := transfers(t, s)
		db := s.Open(t, "")
		sums, ways := map[string]bool{}, map[string]int{}
		for i := range rounds {
			more()
			path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.sql.gz", i))
			m, err := dump.Run(t.Context(), target(s), dump.Options{Databases: []string{from}}, path)
			if err != nil {
				t.Fatal(err)
			}
			ways[m.Consistency]++
			src, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			to := fmt.Sprintf("%s_copy", from)
			mustRun(t, s, src, Options{Schema: to, From: from})
			src.Close()
			mustVerify(t, s, m, to)
			var total, rows int
			if err := db.QueryRow(fmt.Sprintf("SELECT SUM(amount), COUNT(*) FROM (SELECT amount FROM %[1]s.debit "+
				"UNION ALL SELECT amount FROM %[1]s.credit) a", to)).Scan(&total, &rows); err != nil {
				t.Fatal(err)
			}
			if total != accounts*holding || rows != accounts {
				t.Fatalf("round %d, by %s: %d in %d rows", i, m.Consistency, total, rows)
			}
			sums[m.Tables[0].Checksum+m.Tables[1].Checksum] = true
			s.Exec(t, "", "DROP DATABASE "+to)
			os.Remove(path)
		}
		moved := stop()
		t.Logf("%d copies, %d of them different, %d transfers meanwhile, %v", rounds, len(sums), moved, ways)
		if len(sums) < 2 || moved == 0 {
			t.Errorf("nothing moved: %d different copies, %d transfers", len(sums), moved)
		}
	})
}
