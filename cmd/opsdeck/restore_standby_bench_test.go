package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// BenchmarkCompareStandby measures a restore to the moment before an accident, from the
// confirmation until the service is ready, with a standby and without. OPSDECK_COMPARE is
// the share of the field's 1.1 GB.
func BenchmarkCompareStandby(b *testing.B) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		b.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	for _, flavour := range []string{"mariadb"} { // the field's data are made by its sequences
		db := testdb.Private(b, flavour)
		s := newSite(b, db)
		db.Exec(b, "", "DROP DATABASE "+s.live, "CREATE DATABASE "+s.live+" CHARACTER SET utf8mb4")
		db.Field(b, s.live, "../..", scale)
		s.amend("restore: {", "restore: {standby: true, standby_delay: 0s, standby_threads: 0, ")
		s.must("backup", "create")
		s.must("backup", "binlog", "fetch")
		begin := time.Now()
		s.must("restore", "standby", "run")
		s.must("backup", "binlog", "fetch")
		s.must("restore", "standby", "run") // past what its load wrote to the log
		fmt.Printf("\n%s: restore to the moment before an accident, %.0f %% of 1.1 GB; the standby was built in %.0f s\n",
			flavour, scale*100, time.Since(begin).Seconds())
		s.damageField()
		s.must("backup", "binlog", "fetch")
		id := s.newestID("orders")
		for _, name := range []string{"with standby", "without"} {
			s.must("restore", "--before", id, "--confirm", s.live)
			r := s.account()
			fmt.Printf("%-14s %8.1fs\n", name, float64(r.TookMS)/1000)
			stages := r.stages()
			for _, stage := range slices.Sorted(maps.Keys(stages)) {
				fmt.Printf("  %-12s %8.2fs\n", stage, stages[stage].Seconds())
			}
			s.must("restore", "undo", "--confirm", s.live)
			s.must("restore", "drop-old", "--confirm", s.live)
		}
	}
}
