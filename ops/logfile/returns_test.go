package logfile

import (
	"context"
	"os"
	"path/filepath"
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
