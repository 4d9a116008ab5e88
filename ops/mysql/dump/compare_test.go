package dump

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// contender is one way to make a backup of the database into a path.
type contender struct {
	name string
	cmd  func(path string) *exec.Cmd
}

// heat is what one run took.
type heat struct {
	wall, cpu time.Duration // cpu: of the client side and the server
	size      int64
	peak      int64 // bytes of the largest process of the client side
}

// BenchmarkCompareDump races the native dump against the old ways on the field's
// database: same server, same data, interleaved, medians. OPSDECK_COMPARE is
// the share of its 6.55 million rows (1.1 GB): 1 is all, 0.1 fits into CI.
func BenchmarkCompareDump(b *testing.B) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		b.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	s := testdb.Private(b, "mariadb")
	db := field(b, s, scale)
	options := s.OptionsFile(b)
	if err := os.WriteFile(options, fmt.Appendf(nil, "[client]\nuser=%s\npassword=%s\nsocket=%s\n", s.User, s.Password, s.Socket), 0o600); err != nil {
		b.Fatal(err)
	}
	dump := fmt.Sprintf("'%s' --defaults-file='%s' --single-transaction --routines --triggers --events --databases '%s'", s.Tool(b, "mysqldump"), options, db)
	shell := func(script string) func(string) *exec.Cmd {
		return func(path string) *exec.Cmd {
			return exec.Command("bash", "-c", "set -o pipefail; "+strings.ReplaceAll(script, "OUT", "'"+path+"'"))
		}
	}
	native := func(compress string) func(string) *exec.Cmd {
		return func(path string) *exec.Cmd {
			cmd := exec.Command(os.Args[0], "-test.run=^TestHelperDump$")
			cmd.Env = append(os.Environ(), "OPSDECK_TEST_DUMP="+strings.Join([]string{s.Socket, s.User, s.Password, db, path, compress}, "\x1f"))
			return cmd
		}
	}
	contenders := []contender{
		{"mysqldump | gzip", shell(dump + " | gzip > OUT")},
		{"mysqldump | zstd -T2", shell(dump + " | zstd -q -T2 > OUT")},
		{"opsdeck (gzip)", native("gzip")},
		{"opsdeck (zstd)", native("zstd")},
	}
	if path, err := exec.LookPath("mydumper"); err == nil {
		contenders = append(contenders, contender{"mydumper -c", shell(fmt.Sprintf("'%s' --defaults-file='%s' -B '%s' -c -t 2 -o OUT", path, options, db))})
	}
	race(b, s, contenders)
}

const heats = 3

func race(b *testing.B, s *testdb.Server, contenders []contender) {
	times := map[string][]heat{}
	for range heats {
		for _, c := range contenders {
			times[c.name] = append(times[c.name], run(b, s, c))
		}
	}
	old := median(times["mysqldump | gzip"])
	fmt.Printf("\n%-22s %9s %7s %9s %10s %7s %9s\n", "dump", "wall", "ratio", "CPU", "size", "ratio", "peak")
	for _, c := range contenders {
		h := median(times[c.name])
		fmt.Printf("%-22s %8.1fs %6.2fx %8.1fs %6d MB %6.2fx %6d MB\n", c.name, h.wall.Seconds(), old.wall.Seconds()/h.wall.Seconds(), h.cpu.Seconds(),
			h.size>>20, float64(h.size)/float64(old.size), h.peak>>20)
		b.ReportMetric(old.wall.Seconds()/h.wall.Seconds(), strings.NewReplacer(" ", "_", "|", "to").Replace(c.name)+"_times")
	}
}

// median is the heat of the middle time; the other numbers hardly vary.
func median(heats []heat) heat {
	sorted := slices.SortedFunc(slices.Values(heats), func(a, b heat) int { return int(a.wall - b.wall) })
	return sorted[len(sorted)/2]
}

func run(b *testing.B, s *testdb.Server, c contender) heat {
	b.Helper()
	dir := b.TempDir()
	path := filepath.Join(dir, "out")
	defer os.RemoveAll(dir)
	cmd := c.cmd(path)
	cmd.Stderr = os.Stderr
	server, began := serverCPU(s.PID()), time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v", c.name, err)
	}
	h := heat{wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() + serverCPU(s.PID()) - server}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		h.peak = usage.Maxrss << 10
	}
	filepath.Walk(path, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			h.size += info.Size()
		}
		return nil
	})
	return h
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
func field(b *testing.B, s *testdb.Server, scale float64) string {
	b.Helper()
	db := s.Schema(b)
	data, err := os.ReadFile("../../../testdata/field.sql")
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{3000000, 2000000, 1000000, 500000, 50000} {
		data = []byte(strings.ReplaceAll(string(data), fmt.Sprintf("seq_1_to_%d;", n), fmt.Sprintf("seq_1_to_%d;", max(1, int(float64(n)*scale)))))
	}
	s.Client(b, db, strings.NewReader(string(data)))
	return db
}
