package load

import (
	"context"
	"os"
	"testing"
	"time"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
)

// BenchmarkLoadServer loads the backup OPSDECK_BENCH_FILE into the server at
// OPSDECK_BENCH_ADDR, or makes it first from the database OPSDECK_BENCH_FROM.
func BenchmarkLoadServer(b *testing.B) {
	addr, file := os.Getenv("OPSDECK_BENCH_ADDR"), os.Getenv("OPSDECK_BENCH_FILE")
	if addr == "" || file == "" {
		b.Skip("OPSDECK_BENCH_ADDR and OPSDECK_BENCH_FILE name no server and backup")
	}
	to := mysql.Target{Network: "tcp", Addr: addr, User: "root"}
	ctx := context.Background()
	if _, err := os.Stat(file); err != nil {
		if _, err := dump.Run(ctx, to, dump.Options{Databases: []string{os.Getenv("OPSDECK_BENCH_FROM")}},
			file); err != nil {
			b.Fatal(err)
		}
	}
	db, err := mysql.Open(ctx, to, "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for b.Loop() {
		b.StopTimer()
		if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS opsdeck_bench"); err != nil {
			b.Fatal(err)
		}
		src, err := Open(file)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		begin := time.Now()
		r, err := Run(ctx, to, src, Options{Schema: "opsdeck_bench", Definer: DefinerCurrent})
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%v for %d rows, %d bytes", time.Since(begin), r.Rows, r.RawBytes)
		src.Close()
	}
}
