package main

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"opsdeck/internal/testdb"
)

// TestABackupsPositionIsItsSnapshots: rows are written while the backup is made. The backup
// and the log from its position have each row once.
func TestABackupsPositionIsItsSnapshots(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE TABLE busy (id INT PRIMARY KEY AUTO_INCREMENT, w INT, n INT) ENGINE=InnoDB")
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for w := range 3 {
			writers.Go(func() {
				pool := db.Open(t, s.live)
				for n := 0; ctx.Err() == nil; n++ {
					_, err := pool.Exec(fmt.Sprintf("INSERT INTO busy (w, n) VALUES (%d, %d)", w, n))
					if err == nil && n%3 == 2 {
						_, err = pool.Exec(fmt.Sprintf("UPDATE busy SET n = -n WHERE w = %d ORDER BY id DESC LIMIT 2",
							w))
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		s.must("backup", "create")
		stop()
		writers.Wait()
		into := s.live + "_to"
		t.Cleanup(func() { db.Exec(t, "", "DROP DATABASE IF EXISTS `"+into+"`") })
		s.must("restore", "--until", "now", "--to", into, "--confirm", into)
		if want, got := s.checksum(s.live, "busy"), s.checksum(into, "busy"); want != got || want == 0 {
			t.Errorf("checksum %d, restored %d", want, got)
		}
	})
}
