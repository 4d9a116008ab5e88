package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// oldRunbook is the old way, as the field's page says it: stop, back up the damage,
// load, count the key tables, start, wait for ready.
const oldRunbook = `set -euo pipefail
rm -f UP
DUMP --single-transaction --routines --triggers --events --databases DB | gzip > EMERGENCY
zcat BACKUP | CLIENT
CLIENT -N -e "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'DB'; SELECT COUNT(*) FROM DB.customers; SELECT COUNT(*) FROM DB.orders; SELECT COUNT(*) FROM DB.ar_invoices"
touch UP
until curl -fsS HEALTH/health/ready; do sleep 0.2; done`

// BenchmarkCompareRecovery races the whole way from the confirmation until the
// service is ready again against the old runbook, done by a script: the same
// server, the same damage, interleaved. OPSDECK_COMPARE is the share of the
// field's 1.1 GB.
func BenchmarkCompareRecovery(b *testing.B) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		b.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	db := testdb.Private(b, "mariadb")
	s := newSite(b, db)
	db.Exec(b, "", "DROP DATABASE "+s.live, "CREATE DATABASE "+s.live+" CHARACTER SET utf8mb4")
	db.Field(b, s.live, "../..", scale)
	s.must("backup", "create")
	old := filepath.Join(s.dir, "old.sql.gz")
	options := db.OptionsFile(b)
	client := func(tool string) string { return "'" + db.Tool(b, tool) + "' --defaults-file='" + options + "'" }
	script := strings.NewReplacer("UP", filepath.Join(s.dir, "up"), "DUMP", client("mysqldump"), "CLIENT",
		client("mysql"), "EMERGENCY", filepath.Join(s.dir, "emergency.sql.gz"),
		"BACKUP", old, "HEALTH", s.health.URL, "DB", s.live).
		Replace(oldRunbook)
	s.bash(
		client(
			"mysqldump",
		) + " --single-transaction --routines --triggers --events --databases " + s.live + " | gzip > " + old,
	)

	times := map[string][]time.Duration{}
	var swaps, downs []float64
	var confirmed []time.Duration        // of the swaps, by their journals
	stages := map[string]time.Duration{} // of the last swap
	const rounds = 3
	for range rounds {
		s.damageField()
		begin := time.Now()
		s.bash(script)
		times["old runbook"] = append(times["old runbook"], time.Since(begin))
		for _, mode := range []string{"swap", "in-place"} {
			s.damageField()
			begin = time.Now()
			s.must("restore", "--confirm", s.live, "--mode", mode)
			times[mode] = append(times[mode], time.Since(begin))
			if mode == "swap" {
				r := s.account()
				swaps, downs = append(swaps, r.SwapMS), append(downs, r.DownMS)
				stages = r.stages()
				confirmed = append(confirmed, time.Duration(r.TookMS)*time.Millisecond)
				s.must("restore", "drop-old", "--confirm", s.live)
			}
		}
	}
	middle := func(all []time.Duration) time.Duration { return slices.Sorted(slices.Values(all))[len(all)/2] }
	base := middle(times["old runbook"])
	fmt.Printf(
		"\n%-14s %9s %7s   (from the confirmation until ready, %.0f %% of 1.1 GB)\n",
		"recovery",
		"wall",
		"ratio",
		scale*100,
	)
	for _, name := range []string{"old runbook", "swap", "in-place"} {
		wall := middle(times[name])
		fmt.Printf("%-14s %8.1fs %6.2fx\n", name, wall.Seconds(), base.Seconds()/wall.Seconds())
		b.ReportMetric(base.Seconds()/wall.Seconds(), strings.ReplaceAll(name, " ", "_")+"_times")
	}
	fmt.Printf(
		"%-14s %8.1fs %6.2fx   (without the look before the confirmation; the last one's stages:)\n",
		"swap alone",
		middle(confirmed).Seconds(),
		base.Seconds()/middle(confirmed).Seconds(),
	)
	b.ReportMetric(base.Seconds()/middle(confirmed).Seconds(), "confirmed_swap_times")
	for _, name := range slices.Sorted(maps.Keys(stages)) {
		fmt.Printf("  %-12s %8.2fs\n", name, stages[name].Seconds())
	}
	stall := s.stallUnderReader()
	fmt.Printf(
		"%-14s RENAME %.1f ms, service down for %.1f s at most; a reader of the service that stays up waited %.1f "+
			"ms at most\n",
		"swap",
		slices.Max(swaps),
		slices.Max(downs)/1000,
		float64(stall.Microseconds())/1000,
	)
	b.ReportMetric(slices.Max(swaps), "rename_ms")
	b.ReportMetric(float64(stall.Milliseconds()), "stall_ms")
}

// damageField is what went wrong: rows lost, a table gone.
func (s *realSite) damageField() {
	s.db.Exec(
		s.t,
		s.live,
		inRows(
			"DELETE FROM customers WHERE id % 2 = 0",
			"UPDATE orders SET status = 'X' WHERE id % 3 = 0",
			"DROP TABLE IF EXISTS ar_invoices",
		)...,
	)
}

func (s *realSite) bash(script string) {
	s.t.Helper()
	if out, err := exec.Command("bash", "-c", "set -o pipefail; "+script).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// account is what the race reads of a report.
type account struct {
	TookMS   int64          `json:"took_ms"`
	SwapMS   float64        `json:"swap_ms"`
	DownMS   float64        `json:"down_ms"`
	Timeline []restore.Mark `json:"timeline"`
}

// stages are how long each took.
func (a account) stages() map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, m := range a.Timeline {
		if m.End.After(m.Begin) {
			out[string(m.Stage)] += m.End.Sub(m.Begin)
		}
	}
	return out
}

func (s *realSite) account() (r account) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.must("restore", "report", "--json").out), &r); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// stallUnderReader restores while the service stays up and only reads, and
// returns the longest that one of its queries took.
func (s *realSite) stallUnderReader() time.Duration {
	s.damageField()
	stop, longest := make(chan struct{}), make(chan time.Duration)
	pool := s.db.Open(s.t, s.live)
	go func() { longest <- slowest(s.t, pool, stop) }()
	s.must("restore", "--confirm", s.live, "--keep-running")
	close(stop)
	return <-longest
}

// slowest reads by key until stop, and returns the longest that a read took.
func slowest(t testing.TB, pool *sql.DB, stop chan struct{}) (longest time.Duration) {
	for {
		select {
		case <-stop:
			return longest
		default:
		}
		begin := time.Now()
		if err := pool.QueryRow("SELECT c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE " +
			"o.id = 1").Scan(new(sql.NullString)); err != nil {
			t.Errorf("a reader failed: %v", err)
		}
		longest = max(longest, time.Since(begin))
		time.Sleep(time.Millisecond)
	}
}
