package load

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/dump"
)

// way is one way to restore; it works on the database copy, which is absent.
type way struct {
	name string
	cmd  func() *osexec.Cmd
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
	s.Exec(b, "", "CREATE DATABASE "+db+" CHARACTER SET utf8mb4")
	s.Field(b, db, "../../..", scale)
	dir := b.TempDir()
	old, own := filepath.Join(dir, "old.sql.gz"), filepath.Join(dir, "own.sql.gz")
	options := s.OptionsFile(b)
	client := func(tool string) string {
		return fmt.Sprintf("'%s' --defaults-file='%s' --socket='%s'", s.Tool(b, tool), options, s.Socket)
	}
	must(
		b,
		shell(
			fmt.Sprintf(
				"%s --single-transaction --routines --triggers --events --databases %s | gzip -1 > '%s'",
				client("mysqldump"),
				db,
				old,
			),
		)(),
	)
	if _, err := dump.Run(b.Context(), target(s), dump.Options{Databases: []string{db}}, own); err != nil {
		b.Fatal(err)
	}
	native := func(path string, tables ...string) func() *osexec.Cmd {
		return func() *osexec.Cmd {
			cmd := osexec.Command(os.Args[0], "-test.run=^TestHelperLoad$")
			to := target(s)
			cmd.Env = append(
				os.Environ(),
				"OPSDECK_TEST_LOAD="+strings.Join([]string{path, to.Addr, to.User, to.Password, db}, " "),
				"OPSDECK_TEST_FROM="+db,
				"OPSDECK_TEST_TABLES="+strings.Join(tables, ","),
			)
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
		must(
			b,
			shell(
				fmt.Sprintf(
					"mydumper --defaults-file='%s' -S '%s' -B %s -c -t 2 -o '%s'",
					options,
					s.Socket,
					db,
					parts,
				),
			)(),
		)
		ways = append(
			ways,
			way{
				"myloader",
				shell(
					fmt.Sprintf(
						"'%s' --defaults-file='%s' -S '%s' -B %s -t 2 -o -d '%s'",
						loader,
						options,
						s.Socket,
						db,
						parts,
					),
				),
			},
		)
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
	times := map[string][]testdb.Usage{}
	for range heats {
		for _, w := range ways {
			s.Exec(b, "", "DROP DATABASE IF EXISTS "+db)
			times[w.name] = append(times[w.name], s.Measure(b, w.cmd()))
		}
	}
	old := median(times["zcat | mysql"])
	fmt.Printf("\n%-22s %9s %7s %9s %9s\n", "restore", "wall", "ratio", "CPU", "peak")
	for _, w := range ways {
		h := median(times[w.name])
		fmt.Printf(
			"%-22s %8.1fs %6.2fx %8.1fs %6d MB\n",
			w.name,
			h.Wall.Seconds(),
			old.Wall.Seconds()/h.Wall.Seconds(),
			h.CPU.Seconds(),
			h.Peak>>20,
		)
		b.ReportMetric(
			old.Wall.Seconds()/h.Wall.Seconds(),
			strings.NewReplacer(" ", "_", "|", "to", ",", "").Replace(w.name)+"_times",
		)
	}
}

// median is the heat of the middle time; the other numbers hardly vary.
func median(heats []testdb.Usage) testdb.Usage {
	sorted := slices.SortedFunc(slices.Values(heats), func(a, b testdb.Usage) int { return int(a.Wall - b.Wall) })
	return sorted[len(sorted)/2]
}
