package dump

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// contender is one method to back up the database to a path.
type contender struct {
	name string
	cmd  func(path string) *exec.Cmd
}

// heat is the time of one run and the size of its output.
type heat struct {
	testdb.Usage
	size int64
}

// BenchmarkCompareDump compares the native dump with the usual tools on the reference
// database: same server, same data, interleaved runs, medians. OPSDECK_COMPARE is the
// share of its 6.55 million rows (1.1 GB): 1 is all, 0.1 fits into CI.
func BenchmarkCompareDump(b *testing.B) {
	scale, err := strconv.ParseFloat(os.Getenv("OPSDECK_COMPARE"), 64)
	if err != nil || scale <= 0 {
		b.Skip("set OPSDECK_COMPARE, for `make compare`")
	}
	s := testdb.Private(b, "mariadb")
	db := s.Schema(b)
	s.Field(b, db, "../../..", scale)
	options := s.OptionsFile(b)
	if err := os.WriteFile(options, fmt.Appendf(nil, "[client]\nuser=%s\npassword=%s\nsocket=%s\n", s.User, s.Password, s.Socket), 0o600); err != nil {
		b.Fatal(err)
	}
	dump := fmt.Sprintf(
		"'%s' --defaults-file='%s' --single-transaction --routines --triggers --events --databases '%s'",
		s.Tool(b, "mysqldump"),
		options,
		db,
	)
	shell := func(script string) func(string) *exec.Cmd {
		return func(path string) *exec.Cmd {
			return exec.Command("bash", "-c", "set -o pipefail; "+strings.ReplaceAll(script, "OUT", "'"+path+"'"))
		}
	}
	native := func(compress string) func(string) *exec.Cmd {
		return func(path string) *exec.Cmd {
			cmd := exec.Command(os.Args[0], "-test.run=^TestHelperDump$")
			cmd.Env = append(
				os.Environ(),
				"OPSDECK_TEST_DUMP="+strings.Join([]string{s.Socket, s.User, s.Password, db, path, compress}, "\x1f"),
			)
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
		contenders = append(
			contenders,
			contender{
				"mydumper -c",
				shell(fmt.Sprintf("'%s' --defaults-file='%s' -B '%s' -c -t 2 -o OUT", path, options, db)),
			},
		)
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
		fmt.Printf(
			"%-22s %8.1fs %6.2fx %8.1fs %6d MB %6.2fx %6d MB\n",
			c.name,
			h.Wall.Seconds(),
			old.Wall.Seconds()/h.Wall.Seconds(),
			h.CPU.Seconds(),
			h.size>>20,
			float64(h.size)/float64(old.size),
			h.Peak>>20,
		)
		b.ReportMetric(
			old.Wall.Seconds()/h.Wall.Seconds(),
			strings.NewReplacer(" ", "_", "|", "to").Replace(c.name)+"_times",
		)
	}
}

// median is the heat with the median time; the other figures hardly vary.
func median(heats []heat) heat {
	sorted := slices.SortedFunc(slices.Values(heats), func(a, b heat) int { return int(a.Wall - b.Wall) })
	return sorted[len(sorted)/2]
}

func run(b *testing.B, s *testdb.Server, c contender) heat {
	b.Helper()
	dir := b.TempDir()
	path := filepath.Join(dir, "out")
	defer os.RemoveAll(dir)
	cmd := c.cmd(path)
	cmd.Stderr = os.Stderr
	h := heat{Usage: s.Measure(b, cmd)}
	filepath.Walk(path, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			h.size += info.Size()
		}
		return nil
	})
	return h
}
