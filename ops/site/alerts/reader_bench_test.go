package alerts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/config"
)

// A whole `opsdeck watch` was measured for 70 minutes on 29 November 2026 (2 cores,
// linux/amd64): all checks of a service with a real MariaDB and Redis, 1,000 lines a second of
// Nest text and JSON in a file that is rotated at 50 MB, a critical line every 30 s, alerts to
// a webhook. Resident at most 41.4 MB, 40 MB at the end, no growth after the first 12 minutes;
// 2.2 % of a core. The machine was busy with other work (load 13 to 20).

// BenchmarkMatchingLines writes 10,000 lines a second that a rule matches, as a service
// does, a hundred at a time, and reports the share of a core that reading them costs. The
// writer's own share is in it.
func BenchmarkMatchingLines(b *testing.B) {
	const rate, burst = 10_000, 100
	path := filepath.Join(b.TempDir(), "app.log")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	conf := config.Service{Name: "q", Logs: config.LogSources{{Path: path}}}
	rules, err := rulesOf(conf, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	r := newReader(conf, rules.logs, nil, false)
	r.now, r.wake = time.Now, func() {}
	r.warn = func(name string, err error) { b.Errorf("%s: %v", name, err) }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		r.run(ctx)
		close(ended)
	}()
	for !r.isRunning() {
		time.Sleep(time.Millisecond)
	}
	var text []byte
	for i := range burst {
		text = fmt.Appendf(text, "[Nest] 7  - 01/29/2026, 12:00:00 PM   ERROR [Pay] External API call failed %d\n", i)
	}
	b.ResetTimer()
	began, cpu := time.Now(), cpuTime(b)
	written, seen := 0, int64(0)
	for written < b.N {
		if _, err := f.Write(text); err != nil {
			b.Fatal(err)
		}
		written += burst
		time.Sleep(time.Until(began.Add(time.Duration(written) * time.Second / rate)))
	}
	for late := time.Now().Add(time.Minute); seen < int64(written) && time.Now().Before(late); {
		got, _ := r.collect()
		for _, h := range got {
			seen += h.n
		}
		time.Sleep(time.Millisecond)
	}
	share := (cpuTime(b) - cpu).Seconds() / time.Since(began).Seconds()
	b.ReportMetric(100*share, "%core")
	if seen != int64(written) {
		b.Errorf("%d of %d lines were seen", seen, written)
	}
	stop()
	<-ended
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
