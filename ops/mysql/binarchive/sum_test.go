package binarchive

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"opsdeck/ops/binlog"
)

// indexOf writes an index of an open file, and returns what appends frames to it.
func indexOf(t testing.TB, part, identity string) (grow func(n int)) {
	t.Helper()
	line := func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return append(text, '\n')
	}
	base := part[:len(part)-len(partSuffix)]
	head := binlog.Segment{FormatVersion: 1, Server: "s", File: "binlog.000001", Name: filepath.Base(base),
		Identity: identity, FromPos: 4, ToPos: 4, Open: true}
	if err := os.WriteFile(part, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(base+indexSuffix, line(head), 0o600); err != nil {
		t.Fatal(err)
	}
	at := uint64(4)
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func(n int) {
		f, err := os.OpenFile(base+indexSuffix, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var text []byte
		for range n {
			began = began.Add(time.Second)
			next := binlog.Frame{Offset: int64(at), Length: 100, RawBytes: 6000, From: at, To: at + 6000}
			next.FromTime, next.ToTime = began, began
			next.GTID = "6693afb0-ec76-11f1-aecc-02fc00000001:1-77"
			next.SHA256 = identity
			next.Transactions = 3
			next.Tables = []binlog.TableChange{{Schema: "shop", Table: "orders", Inserted: 3}}
			next.Tail = &binlog.Tail{From: at + 5000, Sum: "abc"}
			text = append(text, line(next)...)
			at += 6000
		}
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheTotalsOfAnOpenFileAreThoseOfItsIndex while it grows, with totals that are missing,
// damaged, or another index's.
func TestTheTotalsOfAnOpenFileAreThoseOfItsIndex(t *testing.T) {
	every := sumEvery
	sumEvery = 2000
	t.Cleanup(func() { sumEvery = every })
	part := filepath.Join(t.TempDir(), "binlog.000001.zst"+partSuffix)
	totals := part[:len(part)-len(partSuffix)] + sumSuffix
	same := func(when string) {
		t.Helper()
		want, _, err := readPart(part)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sumOf(part); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%+v\nwant\n%+v", when, err, got, want)
		}
	}
	grow := indexOf(t, part, "one")
	same("without a frame")
	for _, n := range []int{1, 30, 1, 0, 200, 3} {
		grow(n)
		same("grown")
		same("asked again")
	}
	kept, err := os.ReadFile(totals)
	if err != nil {
		t.Fatal("no totals are kept: ", err)
	}
	for name, text := range map[string]string{"damaged": "{", "empty": "", "of a later version": `{"format_version":99}`} {
		if err := os.WriteFile(totals, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		same(name)
	}
	grow = indexOf(t, part, "two") // the file was truncated and written again
	grow(2)
	if err := os.WriteFile(totals, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	same("totals of another index")
}

// BenchmarkAnOpenFileOfADay asks for the files of an archive whose open file has a frame for
// each half second of a day: 1 GB of log.
func BenchmarkAnOpenFileOfADay(b *testing.B) {
	dir := Folder{Dir: b.TempDir()}
	if err := os.MkdirAll(dir.server("s"), 0o700); err != nil {
		b.Fatal(err)
	}
	part := filepath.Join(dir.server("s"), "binlog.000001.zst"+partSuffix)
	grow := indexOf(b, part, "one")
	grow(172_800)
	ask := func() {
		all, err := dir.Segments("s")
		if err != nil || len(all) != 1 || all[0].Frames < 172_800 {
			b.Fatal(err, all)
		}
	}
	began := time.Now()
	ask()
	first := time.Since(began)
	for b.Loop() {
		grow(1)
		ask()
	}
	b.ReportMetric(float64(first.Milliseconds()), "first_ms")
}
