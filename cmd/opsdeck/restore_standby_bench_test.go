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
// confirmation until the service is ready, with a standby and without, for a sixth of the
// size and for all of it. OPSDECK_COMPARE is the share of the field's 1.1 GB.
func BenchmarkCompareStandby(b *testing.B) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		b.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	db := testdb.Private(b, "mariadb") // the field's data are made by its sequences
	for _, share := range []float64{scale / 6, scale} {
		warm, cold := raceStandby(b, db, share)
		size := fmt.Sprintf("%.0f_MB", share*1100)
		b.ReportMetric(warm.Seconds(), "standby_"+size+"_s")
		b.ReportMetric(cold.Seconds(), "backup_"+size+"_s")
	}
}

// raceStandby is how long the service was away with a standby, and with a load.
func raceStandby(b *testing.B, db *testdb.Server, share float64) (warm, cold time.Duration) {
	s := newSite(b, db)
	db.Exec(b, "", "DROP DATABASE "+s.live, "CREATE DATABASE "+s.live+" CHARACTER SET utf8mb4")
	db.Field(b, s.live, "../..", share)
	s.amend("restore: {", "restore: {standby: true, standby_delay: 0s, standby_threads: 0, ")
	s.must("backup", "create")
	s.must("backup", "binlog", "fetch")
	begin := time.Now()
	s.must("restore", "standby", "run")
	s.must("backup", "binlog", "fetch")
	s.must("backup", "create")
	s.must("backup", "binlog", "fetch")
	s.must("restore", "standby", "run") // past what its load wrote to the log, and compared with a night's backup
	fmt.Printf("\nrestore to the moment before an accident, %.0f MB; the standby was built in %.0f s\n",
		share*1100, time.Since(begin).Seconds())
	s.damageField()
	s.must("backup", "binlog", "fetch")
	id := s.newestID("customers")
	for _, name := range []string{"with standby", "without"} {
		s.must("restore", "--before", id, "--confirm", s.live)
		r := s.account()
		took, stages := r.untilReady(), r.stages()
		fmt.Printf("%-14s %8.2fs until the service is ready, %.2fs in all\n", name, took.Seconds(),
			float64(r.TookMS)/1000)
		for _, stage := range slices.Sorted(maps.Keys(stages)) {
			fmt.Printf("  %-12s %8.2fs\n", stage, stages[stage].Seconds())
		}
		if name == "without" {
			return warm, took
		}
		warm = took
		s.must("restore", "undo", "--confirm", s.live)
		s.must("restore", "drop-old", "--accept-missing", "ar_invoices", "--confirm", s.live)
	}
	return warm, cold
}

// untilReady is the time from the confirmation until the service was ready.
func (a account) untilReady() time.Duration {
	for _, m := range a.Timeline {
		if m.Stage == "readying" {
			return m.End.Sub(a.Timeline[0].Begin)
		}
	}
	return 0
}
