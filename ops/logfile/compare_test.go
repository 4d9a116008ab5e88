package logfile

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
	logstore "opsdeck/ops/logs/store"
)

// fieldMix writes a typical mix: Nest text and JSON, Chinese, stack traces.
func fieldMix(b testing.TB, path string, lines int) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	defer w.Flush()
	r := rand.New(rand.NewPCG(7, 7))
	ctx := []string{
		"OrderService",
		"ArService",
		"TypeOrmModule",
		"ExceptionsHandler",
		"NestApplication",
		"AuditLogService",
		"HealthController",
		"RedisLockService",
		"CommissionService",
		"NotificationGateway",
	}
	msgs := []string{
		"Creating order for customer %d",
		"Order created successfully: %d",
		"Failed to create order for customer %d",
		"External API call failed: https://api.bank.example/v1/pay/%d",
		"Order %d is already fulfilled",
		"GET /orders/%d 200 took 143ms",
		"Payment applied to invoice %d",
		"Unable to connect to the database. Retrying (%d)...",
		"Unhandled exception in job %d",
		"查询审计日志 resourceId=%d",
		"客户 %d 信用额度不足",
		"cache miss key=orders:%d",
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range lines {
		at = at.Add(time.Duration(1+r.IntN(400)) * time.Millisecond)
		n := 1 + r.IntN(99999)
		m, c, l := fmt.Sprintf(msgs[r.IntN(len(msgs))], n), ctx[r.IntN(len(ctx))], "LOG"
		switch v := r.IntN(100); {
		case v < 4:
			l = "ERROR"
		case v < 12:
			l = "WARN"
		case v < 20:
			l = "DEBUG"
		}
		if i%3 == 0 {
			fmt.Fprintf(
				w,
				`{"timestamp": "%s", "level": "%s", "context": "%s", "message": "%s", "metadata": {"userId": %d, "orderId": %d}}`+"\n",
				at.Format("2006-01-02T15:04:05.000Z"),
				strings.Replace(l, "LOG", "INFO", 1),
				c,
				m,
				n%100,
				n,
			)
		} else {
			fmt.Fprintf(w, "[Nest] 12345  - %s     %s [%s] %s\n", at.Format("01/02/2006, 03:04:05 PM"), l, c, m)
		}
		if l == "ERROR" && i%5 == 0 {
			fmt.Fprintf(
				w,
				"Error: Connection timeout\n    at Pool.connect (/app/node_modules/mysql2/lib/pool.js:%d:13)\n    "+
					"at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n",
				n%900,
			)
		}
	}
}

// timed runs f and prints its duration.
func timed(b *testing.B, name string, f func() string) time.Duration {
	start := time.Now()
	got := f()
	d := time.Since(start)
	fmt.Fprintf(os.Stderr, "%-52s %8.3f s   %s\n", name, d.Seconds(), got)
	return d
}

// toolCPU is the CPU time of the command that tool ran last.
var toolCPU time.Duration

// tool runs a command whose output is counted in lines, or reports that it is not
// installed.
func tool(b *testing.B, path, name string, args ...string) (time.Duration, bool) {
	if _, err := exec.LookPath(name); err != nil {
		fmt.Fprintf(os.Stderr, "%-52s not installed\n", name)
		return 0, false
	}
	return timed(b, name+" "+strings.Join(args, " "), func() string {
		in, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer in.Close()
		cmd := exec.Command(name, args...)
		if cmd.Stdin = in; args[len(args)-1] == path {
			cmd.Stdin = nil
		}
		out, _ := cmd.Output()
		toolCPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if n := strings.Count(string(out), "\n"); n > 1 {
			return strconv.Itoa(n)
		}
		return strings.TrimSpace(string(out))
	}), true
}

// BenchmarkCompareLogSearch searches the typical mix with opsdeck's engine and with fzf,
// grep and ripgrep in one run, and prints the ratios. It needs OPSDECK_COMPARE=1;
// OPSDECK_COMPARE_LINES is the number of lines.
func BenchmarkCompareLogSearch(b *testing.B) {
	if os.Getenv("OPSDECK_COMPARE") == "" {
		b.Skip("set OPSDECK_COMPARE=1")
	}
	lines := 5_000_000
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_COMPARE_LINES")); err == nil {
		lines = n
	}
	path := filepath.Join(b.TempDir(), "field.log")
	fieldMix(b, path, lines)
	info, _ := os.Stat(path)
	fmt.Fprintf(os.Stderr, "%d MB, %d CPUs\n", info.Size()>>20, runtime.GOMAXPROCS(0))
	count := func(name string, term func(q *query.Query)) time.Duration {
		best := time.Hour
		for range 3 {
			q := &query.Query{}
			term(q)
			best = min(best, timed(b, "opsdeck, cold: "+name, func() string {
				n, err := (&index.Scan{Query: q}).Count(context.Background(), Group([]string{path}))
				return fmt.Sprint(n, " ", errText(err))
			}))
		}
		return best
	}
	literal := count("'Connection timeout'", func(q *query.Query) {
		q.Groups = [][]query.Term{{query.ExactTerm("Connection timeout")}}
	})
	fuzzy := count("ordfail", func(q *query.Query) { *q = *parsed("ordfail") })
	ratio := func(name string, theirs time.Duration, ok bool, ours time.Duration) {
		if ok {
			fmt.Fprintf(os.Stderr, "  → %s takes %.2f times as long\n", name, theirs.Seconds()/ours.Seconds())
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), strings.ReplaceAll(name, " ", "_")+"_ratio")
		}
	}
	d, ok := tool(b, path, "grep", "-cF", "Connection timeout")
	ratio("grep literal", d, ok, literal)
	d, ok = tool(b, path, "rg", "-c", "Connection timeout", path)
	ratio("ripgrep literal", d, ok, literal)
	if ok { // what another program on the machine does not change
		cpu := cpuTime()
		count("'Connection timeout', CPU of three", func(q *query.Query) {
			q.Groups = [][]query.Term{{query.ExactTerm("Connection timeout")}}
		})
		ratio("ripgrep literal CPU", toolCPU, ok, (cpuTime()-cpu)/3)
	}
	d, ok = tool(b, path, "rg", "-F", "Connection timeout", path)
	ratio("ripgrep lines", d, ok, linesFound(b, path, "Connection timeout"))
	fzf, ok := tool(b, path, "fzf", "--filter", "ordfail")
	ratio("fzf fuzzy, cold", fzf, ok, fuzzy)
	indexed := compareStore(b, path, info.Size())
	ratio("fzf fuzzy, indexed", fzf, ok, indexed)
	d, ok = tool(b, path, "lnav", "-n", "-N", "-c", ":filter-in Connection timeout", path)
	ratio("lnav filter", d, ok, literal)
}

// linesFound is the best time of three in which the lines with a word are found and read.
func linesFound(b *testing.B, path, word string) time.Duration {
	best := time.Hour
	for range 3 {
		best = min(best, timed(b, "opsdeck, cold: the lines of '"+word+"'", func() string {
			size := 0
			scan := index.Scan{
				Query:      &query.Query{Groups: [][]query.Term{{query.ExactTerm(word)}}},
				Unnumbered: true,
			}
			err := scan.Each(context.Background(), Group([]string{path}), func(h *index.Hit) error {
				text, err := h.Text()
				size += len(text)
				return err
			})
			return fmt.Sprint(size, " bytes ", errText(err))
		}))
	}
	return best
}

func parsed(words string) *query.Query {
	q, _ := query.ParseQuery(words, time.Now())
	return q
}

func errText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// compareStore measures the console's engine: first screen, index, queries.
func compareStore(b *testing.B, path string, size int64) (fuzzy time.Duration) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store := logstore.NewStore(time.UTC, time.Now)
	defer store.Close()
	start := time.Now()
	text, err := NewFile(path).Open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	store.Add(path, path, text, false, false)
	for len(store.Window(logstore.Place{}, 50, 0).Rows) < 50 {
		<-store.Changed()
	}
	first := time.Since(start)
	fmt.Fprintf(os.Stderr, "%-52s %8.3f s\n", "opsdeck: first screen", first.Seconds())
	b.ReportMetric(float64(first.Microseconds())/1000, "first_screen_ms")
	cpu := cpuTime()
	rest(store)
	d := time.Since(start)
	st := store.Stats()
	fmt.Fprintf(
		os.Stderr,
		"%-52s %8.3f s   %.0f MB/s, %.0f MB/s a core by the CPU's time\n",
		"opsdeck: whole index",
		d.Seconds(),
		float64(size)/d.Seconds()/1e6,
		float64(size)/(cpuTime()-cpu).Seconds()/1e6,
	)
	runtime.GC()
	runtime.ReadMemStats(&after)
	memory := float64(after.HeapAlloc-before.HeapAlloc) / float64(st.Lines)
	fmt.Fprintf(os.Stderr, "%-52s %.1f bytes a line\n", "opsdeck: memory", memory)
	b.ReportMetric(memory, "bytes_a_line")
	ask := func(words string) time.Duration {
		return timed(b, "opsdeck, indexed: "+words, func() string {
			store.SetQuery(parsed(words), true)
			rest(store)
			st := store.Stats()
			return fmt.Sprintf("%d hits, the first after %v", st.Hits, st.FirstHits.Round(100*time.Microsecond))
		})
	}
	fuzzy = ask("ordfail")
	ask("connection timeout")
	ask("'Connection\\ timeout")
	ask("order 549")
	ask("order 5493")
	ask("level:error took>150")
	ask("/customer 5\\d+7$/")
	return fuzzy
}

// cpuTime is the CPU time that this program has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rest waits until the store is idle.
func rest(store *logstore.Store) {
	for {
		if st := store.Stats(); st.Done == st.Bytes && !st.Pending {
			return
		}
		select {
		case <-store.Changed():
		case <-time.After(time.Millisecond):
		}
	}
}
