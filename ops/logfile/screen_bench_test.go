package logfile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	logstore "opsdeck/ops/logs/store"
)

// screen is the number of rows that a console shows.
const screen = 50

// BenchmarkFirstScreen measures the time from opening a log to its newest rows, for sizes
// from 1 kB to 10 GB (sparse files, so the disk does not fill up); OPSDECK_BIG_LOG names a
// further file.
func BenchmarkFirstScreen(b *testing.B) {
	dir := b.TempDir()
	sizes := []struct {
		name  string
		lines int
	}{{"1kB", 8}, {"1MB", 8_000}, {"130MB", 1_000_000}}
	for _, s := range sizes {
		path := filepath.Join(dir, s.name)
		fieldMix(b, path, s.lines)
		b.Run(s.name, func(b *testing.B) { firstScreens(b, path, min(screen, s.lines*3/4)) })
	}
	b.Run("10GB", func(b *testing.B) { firstScreens(b, hollow(b, filepath.Join(dir, "1MB"), 10<<30), screen) })
	if big := os.Getenv("OPSDECK_BIG_LOG"); big != "" {
		b.Run("big", func(b *testing.B) { firstScreens(b, big, screen) })
	}
}

// hollow makes a sparse log of a size with the text at its start and at its end.
func hollow(b *testing.B, text string, size int64) string {
	lines, err := os.ReadFile(text)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "hollow.log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int64{0, size - int64(len(lines))} {
		if _, err := f.WriteAt(lines, at); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

func firstScreens(b *testing.B, path string, rows int) {
	for b.Loop() {
		store := logstore.NewStore(time.UTC, time.Now)
		text, err := NewFile(path).Open(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		store.Add(path, path, text, true, false)
		for len(store.Window(logstore.Place{}, rows, 0).Rows) < rows {
			<-store.Changed()
		}
		b.StopTimer()
		store.Close()
		b.StartTimer()
	}
}

// BenchmarkScroll measures a step through a million hits, at any position: the work for
// one frame of the console.
func BenchmarkScroll(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.log")
	fieldMix(b, path, 1_500_000)
	store := logstore.NewStore(time.UTC, time.Now)
	defer store.Close()
	text, err := NewFile(path).Open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	store.Add(path, path, text, false, false)
	store.SetQuery(parsed("er"), true)
	rest(store)
	if n := store.Stats().Hits; n < 1_000_000 {
		b.Fatalf("%d hits", n)
	}
	for _, around := range []int{0, 3} {
		store.SetAround(around)
		for _, step := range []int{1, screen} {
			b.Run(fmt.Sprintf("%d_around_%d", step, around), func(b *testing.B) {
				at, down, worst := logstore.Place{Top: true}, true, time.Duration(0)
				for b.Loop() {
					began := time.Now()
					w := store.Window(at, screen, screen)
					worst = max(worst, time.Since(began))
					if len(w.Rows)-w.Above < screen || w.Above == 0 && !down {
						down = !down
					}
					at = logstore.Place{Row: w.Rows[min(w.Above, len(w.Rows)-1)].ID, Skip: step}
					if !down {
						at.Skip = -step
					}
				}
				b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
			})
		}
	}
}

// BenchmarkIndex builds the index of the typical mix as the console does: reading, lines,
// shapes, times. The rate is by CPU time, summed over all cores, so other load on the
// machine does not count.
func BenchmarkIndex(b *testing.B) {
	path := filepath.Join(b.TempDir(), "field.log")
	fieldMix(b, path, 1_500_000)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	before := cpuTime()
	for b.Loop() {
		store := logstore.NewStore(time.UTC, time.Now)
		text, err := NewFile(path).Open(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		store.Add(path, path, text, false, false)
		rest(store)
		store.Close()
	}
	b.ReportMetric(float64(info.Size())*float64(b.N)/1e6/(cpuTime()-before).Seconds(), "MB/s-a-core")
}

// BenchmarkKeystroke types a word letter by letter over more than a million hits: from
// each letter to a screen of results, and until everything is counted.
func BenchmarkKeystroke(b *testing.B) {
	path := filepath.Join(b.TempDir(), "field.log")
	fieldMix(b, path, 1_500_000)
	store := logstore.NewStore(time.UTC, time.Now)
	defer store.Close()
	text, err := NewFile(path).Open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	store.Add(path, path, text, false, false)
	rest(store)
	const word = "order"
	var sum, worst, worstAll time.Duration
	for b.Loop() {
		for n := 1; n <= len(word); n++ {
			start := time.Now()
			store.SetQuery(parsed(word[:n]), true)
			for len(store.Window(logstore.Place{}, screen, 0).Rows) < screen {
				<-store.Changed()
			}
			took := time.Since(start)
			sum, worst = sum+took, max(worst, took)
			rest(store)
			worstAll = max(worstAll, time.Since(start))
		}
		store.SetQuery(parsed(""), true)
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms-to-a-screen")
	b.ReportMetric(float64(worstAll.Microseconds())/1000, "worst-ms-to-all")
	b.ReportMetric(float64(sum.Microseconds())/1000/float64(b.N*len(word)), "ms-to-a-screen")
}
