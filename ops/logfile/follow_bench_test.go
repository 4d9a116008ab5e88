package logfile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCompareFollow makes the program follow a log that grows by 100,000 lines a
// second, with a filter. It compares what is printed with a search of the same file
// afterwards, and measures the CPU time. It needs OPSDECK_COMPARE=1;
// OPSDECK_FOLLOW_SECONDS is the duration.
func BenchmarkCompareFollow(b *testing.B) {
	if os.Getenv("OPSDECK_COMPARE") == "" {
		b.Skip("set OPSDECK_COMPARE=1")
	}
	seconds := 10
	fmt.Sscan(os.Getenv("OPSDECK_FOLLOW_SECONDS"), &seconds)
	dir := b.TempDir()
	program, mix, path := filepath.Join(dir, "opsdeck"), filepath.Join(dir, "mix"), filepath.Join(dir, "live.log")
	if out, err := exec.Command("go", "build", "-o", program, "opsdeck/cmd/opsdeck").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	fieldMix(b, mix, 250_000)
	text, err := os.ReadFile(mix)
	if err != nil {
		b.Fatal(err)
	}
	live, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer live.Close()
	search := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, append([]string{"logs", "--source", path, "--json"}, args...)...)
		cmd.Env = append(
			os.Environ(),
			"XDG_STATE_HOME="+filepath.Join(dir, "state"),
			"XDG_CONFIG_HOME="+filepath.Join(dir, "config"),
		)
		return cmd
	}
	printed := filepath.Join(dir, "printed")
	out, err := os.Create(printed)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	follow := search("-f", "ordfail")
	follow.Stdout = out
	if err := follow.Start(); err != nil {
		b.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	began := time.Now()
	lines := write100k(b, live, bytes.SplitAfter(text, []byte("\n")), seconds)
	rate := float64(lines) / time.Since(began).Seconds()
	want, _ := search("--count", "ordfail").Output()
	var hits, got int
	fmt.Sscanf(string(want), `{"count":%d}`, &hits)
	for end := time.Now().Add(time.Minute); got != hits && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		now, _ := os.ReadFile(printed)
		got = bytes.Count(now, []byte("\n"))
	}
	took := time.Since(began)
	follow.Process.Signal(syscall.SIGINT)
	follow.Wait()
	used := follow.ProcessState.SystemTime() + follow.ProcessState.UserTime()
	rss := follow.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
	fmt.Fprintf(
		os.Stderr,
		"opsdeck logs -f ordfail at %.0f lines/s on %d CPUs: %d lines, %d of %d hits printed within %.1f s, %.2f s "+
			"of CPU (%.2f cores), %d MB\n",
		rate,
		runtime.NumCPU(),
		lines,
		got,
		hits,
		took.Seconds(),
		used.Seconds(),
		used.Seconds()/float64(seconds),
		rss,
	)
	if got != hits || hits == 0 {
		b.Errorf("%d hits printed of %d", got, hits)
	}
	b.ReportMetric(used.Seconds()/float64(seconds), "cores")
}

// write100k appends 100,000 lines a second, in fifty pieces a second.
func write100k(b *testing.B, f *os.File, mix [][]byte, seconds int) (lines int) {
	const piece = 2000
	tick := time.NewTicker(time.Second / 50)
	defer tick.Stop()
	for range seconds * 50 {
		at := lines % (len(mix) - piece)
		if _, err := f.Write(bytes.Join(mix[at:at+piece], nil)); err != nil {
			b.Fatal(err)
		}
		lines += piece
		<-tick.C
	}
	return lines
}
