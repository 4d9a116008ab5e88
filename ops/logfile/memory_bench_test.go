package logfile

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/query"
	logstore "opsdeck/ops/logs/store"
)

// BenchmarkCompareMemory measures what an open log of 600 MB keeps in memory, as the console
// opens it: indexed, with a query that finds a fifth of it, and with two kept filters beside
// it. It needs OPSDECK_COMPARE=1; OPSDECK_COMPARE_LINES is the number of lines.
func BenchmarkCompareMemory(b *testing.B) {
	if os.Getenv("OPSDECK_COMPARE") == "" {
		b.Skip("set OPSDECK_COMPARE=1")
	}
	lines := 4_700_000
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_COMPARE_LINES")); err == nil {
		lines = n
	}
	path := filepath.Join(b.TempDir(), "a.log")
	fieldMix(b, path, lines)
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the console has it
	debug.FreeOSMemory()
	before := anonymous(b)
	store := logstore.NewStore(time.UTC, time.Now)
	defer store.Close()
	text, err := NewFile(path).Open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(text.Size())/1e6, "MB_log")
	b.ReportMetric(0, "ns/op")
	store.Add(path, path, text, false, false)
	rest(store)
	b.ReportMetric(settled(b)-before, "MB_indexed")
	store.SetQuery(parsed("level:warn+"), true)
	rest(store)
	b.ReportMetric(settled(b)-before, "MB_with_query")
	if n := store.Stats().Hits; n == 0 {
		b.Fatal("no hits")
	}
	q := parsed("level:warn+")
	q.Any = []*query.Query{parsed("order").Events(), parsed("customer").Events()}
	store.SetQuery(q, true)
	rest(store)
	b.ReportMetric(settled(b)-before, "MB_with_two_filters")
	if n := store.Stats().Hits; n == 0 {
		b.Fatal("no hits of the filters")
	}
}

// settled is the memory of this process once it no longer shrinks: the store gives back what
// is free when it has nothing to do.
func settled(b *testing.B) float64 {
	least := anonymous(b)
	for since := time.Now(); time.Since(since) < 2*time.Second; time.Sleep(50 * time.Millisecond) {
		if now := anonymous(b); now < least-0.5 {
			least, since = now, time.Now()
		}
	}
	return least
}

// anonymous is this process's resident memory without its files, in MB.
func anonymous(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1e3
}
