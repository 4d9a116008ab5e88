package index

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "opsdeck/internal/testenv" // no test sees this machine's own folders
	"opsdeck/ops/logs/line"
)

var testNow = time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC)

// differs tells where the index of a text says another level or time than its lines do,
// each read alone.
func differs(t *testing.T, text string) (out []string) {
	t.Helper()
	b := NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), true)
	blk, err := b.Build(strings.NewReader(text), 0, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	alone := line.NewParser(time.UTC, testNow)
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if i == blk.Starts.Len() {
			break
		}
		e, ms, kind := alone.ParseMS([]byte(strings.TrimSuffix(l, "\r")))
		s := b.Shape(blk.Shapes.At(i))
		switch {
		case s.Level != e.Level:
			out = append(out, s.Level.String()+" for "+e.Level.String()+": "+l)
		case s.Kind != kind:
			out = append(out, "another kind: "+l)
		case kind == line.KindHead && ms != line.Unset && blk.Times.At(i) != ms:
			out = append(out, "another time: "+l)
		}
	}
	return out
}

// TestLinesThatDifferInNumbersHaveTheirOwnLevel: levels that come from a status or a
// priority, in lines that are alike but for numbers. The index has to say of each line
// what the line says.
func TestLinesThatDifferInNumbersHaveTheirOwnLevel(t *testing.T) {
	got := differs(t, strings.Join([]string{
		`10.0.0.1 - - [29/Jan/2026:12:00:00 +0800] "GET / HTTP/1.1" 200 157`,
		`10.0.0.1 - - [29/Jan/2026:12:00:01 +0800] "GET / HTTP/1.1" 502 157`,
		`10.0.0.1 - - [29/Jan/2026:12:00:02 +0800] "GET / HTTP/1.1" 404 157`,
		`10.0.0.1 - - [29/Jan/2026:12:00:03 +0800] "GET / HTTP/1.1" 204 157`,
		`<34>Jan 11 22:14:15 host su: text`,
		`<38>Jan 11 22:14:15 host su: text`,
		`<36>Jan 11 22:14:15 host su: text`,
		`{"severity":3,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"severity":6,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"PRIORITY":"3","time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"PRIORITY":"6","time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"lvl":30,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"lvl":50,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"level":"30","time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"level":"50","time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"level" :30,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"level" :50,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"level":30,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"level":50,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"severityNumber":9,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"severityNumber":17,"time":"2026-01-01T00:00:00Z","msg":"x"}`,
		`{"log":"{\"level\":30,\"msg\":\"x\"}\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}`,
		`{"log":"{\"level\":50,\"msg\":\"x\"}\n","stream":"stdout","time":"2026-01-01T00:00:01Z"}`,
		`GET /orders 200 12.3 ms - 15`,
		`GET /orders 500 12.3 ms - 15`,
		`GET /orders 404 12.3 ms - 15`,
	}, "\n"))
	for _, d := range got {
		t.Error(d)
	}
}

// TestIndexAgreesWithLinesReadAlone goes through whole logs of a folder, each named in
// OPSDECK_SAMPLES: samples that others publish and that are not ours to hand on.
func TestIndexAgreesWithLinesReadAlone(t *testing.T) {
	dir := os.Getenv("OPSDECK_SAMPLES")
	if dir == "" {
		t.Skip("OPSDECK_SAMPLES names no folder")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := differs(t, string(text)); len(text) > 0 && len(got) > 0 {
			t.Errorf("%s: %d lines, the first: %s", filepath.Base(f), len(got), got[0])
		}
	}
}

// TestAColumnOfLevelsInSmallLetters: winston's lines "time level text" have a level that a
// sentence could begin with as well. A text in which each line has one is read so; the
// same line in another text is not.
func TestAColumnOfLevelsInSmallLetters(t *testing.T) {
	bare, err := os.ReadFile("../line/testdata/winston-printf-bare.log")
	if err != nil {
		t.Fatal(err)
	}
	prose := "2026-01-29T12:00:00Z started\n2026-01-29T12:00:01Z error rate is low\n2026-01-29T12:00:02Z done\n" +
		"2026-01-29T12:00:02Z error payment failed\n"
	b := NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
	for range 2 { // one table for both, in turn
		for text, want := range map[string]string{
			string(bare): "ERROR WARN INFO INFO VERBOSE DEBUG VERBOSE",
			prose:        "UNKNOWN UNKNOWN UNKNOWN UNKNOWN",
		} {
			r := strings.NewReader(text)
			b.Set(LooksLike(b, r, r.Size(), UnknownManner), r, testNow)
			blk, err := b.Build(r, 0, r.Size())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range blk.Shapes.Len() {
				id := blk.Shapes.At(i)
				got = append(got, b.Shape(id).Level.String())
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%v, want %s", got, want)
			}
		}
	}
}

// TestTwoSourcesAreReadInTheirOwnStyles: the same lines, one after the other by one builder.
func TestTwoSourcesAreReadInTheirOwnStyles(t *testing.T) {
	f, err := line.NewFormat(line.FormatSpec{Name: "x", Pattern: `(?P<time>\S+ \S+) (?P<level>\d) `, Levels: map[string]string{"1": "error", "2": "warn"}})
	if err != nil {
		t.Fatal(err)
	}
	const text = "2026-01-29 12:00:00 1 lost\n2026-01-29 12:00:01 2 low\n2026-01-29 12:00:02 1 lost again\n"
	b := NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
	own := line.NewStyle(time.FixedZone("+08:00", 8*3600), []*line.Format{f}, true)
	for range 2 {
		for _, c := range []struct {
			style *line.Style
			want  string
		}{{nil, "12 UNKNOWN UNKNOWN UNKNOWN"}, {own, "04 ERROR WARN ERROR"}} {
			r := strings.NewReader(text)
			b.Set(LooksLike(b, r, r.Size(), StyledManner(c.style)), r, testNow)
			blk, err := b.Build(r, 0, r.Size())
			if err != nil {
				t.Fatal(err)
			}
			got := time.UnixMilli(blk.Times.At(0)).UTC().Format("15")
			for i := range blk.Shapes.Len() {
				id := blk.Shapes.At(i)
				got += " " + b.Shape(id).Level.String()
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		}
	}
}
