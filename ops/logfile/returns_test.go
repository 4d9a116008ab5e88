package logfile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// TestLinesThatEndWithAReturn: in a log without \n each \r ends a line; where there is a \n, a \r
// within a line stays in it, as a progress bar's, and \r\r\n is one line break.
func TestLinesThatEndWithAReturn(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-30 10:00:00 INFO one\r2026-11-30 10:00:01 ERROR two\r2026-11-30 10:00:02 WARN three"://
		"1 INFO one;2 ERROR two;3 WARN three;",
		"10%\r20%\r100%\r": "1 UNKNOWN 10%;2 UNKNOWN 20%;3 UNKNOWN 100%;",
		"2026-11-30 10:00:00 INFO got 10%\r20%\r100%\n2026-11-30 10:00:01 ERROR two\n"://
		"1 INFO got 10%\r20%\r100%;2 ERROR two;",
		"2026-11-30 10:00:00 INFO one\r\r\n2026-11-30 10:00:01 ERROR two\r\r\n": "1 INFO one;2 ERROR two;",
		"2026-11-30 10:00:00 INFO one\r\n2026-11-30 10:00:01 ERROR two\r\n":     "1 INFO one;2 ERROR two;",
	} {
		path := filepath.Join(t.TempDir(), "app.log")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		scan := index.Scan{Query: &query.Query{}}
		var got strings.Builder
		err := scan.Each(context.Background(), Group([]string{path}), func(h *index.Hit) error {
			e, err := scan.Event(line.NewParser(scan.Zone, scan.Now), h)
			got.WriteString(string('0'+rune(e.Line)) + " " + e.Level.String() + " " + e.Message + ";")
			return err
		})
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v; want %q", text, got.String(), err, want)
		}
	}
}

// TestLinesThatEndWithAReturnAreFollowed: a log that was there, one that is still empty, one
// whose first line is not complete, and one that breaks its lines otherwise later on.
func TestLinesThatEndWithAReturnAreFollowed(t *testing.T) {
	t.Parallel()
	line := func(i int) string { return fmt.Sprintf("2026-11-30 10:00:0%d INFO line %d", i, i) }
	for name, begin := range map[string]string{
		"there": line(0) + "\r" + line(1) + "\r",
		"empty": "",
		"half":  line(0),
	} {
		path := write(t, "a.log", []byte(begin))
		store := fed(t, path)
		written := begin
		for i := strings.Count(begin, "\r"); i < 6; i++ {
			whole := strings.TrimPrefix(line(i), written[strings.LastIndexByte(written, '\r')+1:])
			for _, piece := range []string{whole[:len(whole)/2], whole[len(whole)/2:] + "\r"} {
				appendTo(t, path, []byte(piece))
				written += piece
			}
			until(t, name, func() bool { rest(store); return len(rawsOf(store)) == i+1 })
		}
		appendTo(t, path, []byte(line(6)+"\n"+line(7)+"\r\n"))
		want := []string{}
		for i := range 8 {
			want = append(want, line(i))
		}
		until(t, name+": the lines", func() bool { rest(store); return slices.Equal(rawsOf(store), want) })
	}
}

// TestLinesThatEndWithAReturnAreReadPackedAndPiped: from a compressed file, and from a pipe
// before it ends.
func TestLinesThatEndWithAReturnAreReadPackedAndPiped(t *testing.T) {
	const text = "2026-11-30 10:00:00 INFO one\r2026-11-30 10:00:01 ERROR two\r2026-11-30 10:00:02 WARN three\r"
	raws, warned := find(t, "level:error", write(t, "a.log.gz", gzipped(t, text)))
	if len(raws) != 1 || !strings.HasSuffix(raws[0], "ERROR two") || len(warned) > 0 {
		t.Errorf("compressed: %q, %v", raws, warned)
	}
	var out strings.Builder
	d := &decoder{w: &out}
	for i := range len(text) {
		if _, err := d.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
		if at := strings.Count(text[:i], "\r"); strings.Count(out.String(), "\n") != at {
			t.Fatalf("after %q: %q", text[:i+1], out.String())
		}
	}
	if err := d.Close(); err != nil || out.String() != strings.ReplaceAll(text, "\r", "\n") {
		t.Errorf("%q, %v", out.String(), err)
	}
}
