package load

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/dump"
)

// way is one way to restore; it works on the database copy, which is absent.
type way struct {
	name string
	cmd  func() *osexec.Cmd
}

// heat is what one run took.
type heat struct {
	wall, cpu time.Duration // cpu: of the client side and the server
	peak      int64         // bytes of the largest process of the client side
}

// BenchmarkCompareRestore races the native restore against the old ways on the
// field's database: same server, same data, interleaved, medians. OPSDECK_COMPARE
// is the share of its 6.55 million rows (1.1 GB): 1 is all, 0.1 fits into CI.
func BenchmarkCompareRestore(b *testing.B) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		b.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	s := testdb.Private(b, "mariadb")
	const db = "copy" // the old way restores to where its text says
	field(b, s, db, scale)
	dir := b.TempDir()
	old, own := filepath.Join(dir, "old.sql.gz"), filepath.Join(dir, "own.sql.gz")
	options := s.OptionsFile(b)
	client := func(tool string) string {
		return fmt.Sprintf("'%s' --defaults-file='%s' --socket='%s'", s.Tool(b, tool), options, s.Socket)
	}
	must(b, shell(fmt.Sprintf("%s --single-transaction --routines --triggers --events --databases %s | gzip -1 > '%s'", client("mysqldump"), db, old))())
	if _, err := dump.Run(b.Context(), target(s), dump.Options{Databases: []string{db}}, own); err != nil {
		b.Fatal(err)
	}
	native := func(path string, tables ...string) func() *osexec.Cmd {
		return func() *osexec.Cmd {
			cmd := osexec.Command(os.Args[0], "-test.run=^TestHelperLoad$")
			to := target(s)
			cmd.Env = append(os.Environ(), "OPSDECK_TEST_LOAD="+strings.Join([]string{path, to.Addr, to.User, to.Password, db}, " "),
				"OPSDECK_TEST_FROM="+db, "OPSDECK_TEST_TABLES="+strings.Join(tables, ","))
			return cmd
		}
	}
	ways := []way{
		{"zcat | mysql", shell(fmt.Sprintf("zcat '%s' | %s", old, client("mysql")))},
		{"opsdeck", native(own)},
		{"opsdeck, old file", native(old)},
		{"opsdeck, one table", native(own, "customers")},
	}
	if loader, err := osexec.LookPath("myloader"); err == nil {
		parts := filepath.Join(dir, "parts")
		must(b, shell(fmt.Sprintf("mydumper --defaults-file='%s' -S '%s' -B %s -c -t 2 -o '%s'", options, s.Socket, db, parts))())
		ways = append(ways, way{"myloader", shell(fmt.Sprintf("'%s' --defaults-file='%s' -S '%s' -B %s -t 2 -o -d '%s'", loader, options, s.Socket, db, parts))})
	}
	race(b, s, ways, db)
}

func shell(script string) func() *osexec.Cmd {
	return func() *osexec.Cmd { return osexec.Command("bash", "-c", "set -o pipefail; "+script) }
}

func must(b *testing.B, cmd *osexec.Cmd) {
	b.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}

const heats = 3

func race(b *testing.B, s *testdb.Server, ways []way, db string) {
	times := map[string][]heat{}
	for range heats {
		for _, w := range ways {
			s.Exec(b, "", "DROP DATABASE IF EXISTS "+db)
			server, began := serverCPU(s.PID()), time.Now()
			cmd := w.cmd()
			must(b, cmd)
			h := heat{wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() + serverCPU(s.PID()) - server}
			if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				h.peak = usage.Maxrss << 10
			}
			times[w.name] = append(times[w.name], h)
		}
	}
	old := median(times["zcat | mysql"])
	fmt.Printf("\n%-22s %9s %7s %9s %9s\n", "restore", "wall", "ratio", "CPU", "peak")
	for _, w := range ways {
		h := median(times[w.name])
		fmt.Printf("%-22s %8.1fs %6.2fx %8.1fs %6d MB\n", w.name, h.wall.Seconds(), old.wall.Seconds()/h.wall.Seconds(), h.cpu.Seconds(), h.peak>>20)
		b.ReportMetric(old.wall.Seconds()/h.wall.Seconds(), strings.NewReplacer(" ", "_", "|", "to", ",", "").Replace(w.name)+"_times")
	}
}

// median is the heat of the middle time; the other numbers hardly vary.
func median(heats []heat) heat {
	sorted := slices.SortedFunc(slices.Values(heats), func(a, b heat) int { return int(a.wall - b.wall) })
	return sorted[len(sorted)/2]
}

// serverCPU is what a process has used so far, from /proc; 0 where there is none.
func serverCPU(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// field makes the field's database, with so much of its rows.
func field(b *testing.B, s *testdb.Server, db string, scale float64) {
	b.Helper()
	s.Exec(b, "", "CREATE DATABASE "+db+" CHARACTER SET utf8mb4")
	data, err := os.ReadFile("../../../testdata/field.sql")
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{3000000, 2000000, 1000000, 500000, 50000} {
		data = []byte(strings.ReplaceAll(string(data), fmt.Sprintf("seq_1_to_%d;", n), fmt.Sprintf("seq_1_to_%d;", max(1, int(float64(n)*scale)))))
	}
	s.Client(b, db, strings.NewReader(string(data)))
}
