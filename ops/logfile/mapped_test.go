package logfile

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
)

// shrinking is a file that is truncated as soon as it is mapped.
type shrinking struct {
	*fileText
	to int64
}

func (s shrinking) Map(off, end int64) ([]byte, func(), bool) {
	text, unmap, ok := s.fileText.Map(off, end)
	os.Truncate(s.path, s.to)
	return text, unmap, ok
}

type onePart struct{ text logs.Text }

func (onePart) Name() string                              { return "one" }
func (p onePart) Open(context.Context) (logs.Text, error) { return p.text, nil }

// TestALogThatIsTruncatedWhileItIsCounted: a fault of its map is no crash, and what could not be
// read is told; a log that stays is counted whole.
func TestALogThatIsTruncatedWhileItIsCounted(t *testing.T) {
	const lines = 200_000
	path := filepath.Join(t.TempDir(), "app.log")
	whole := strings.Repeat("2026-01-29 12:00:00 INFO a needle in the hay\n", lines)
	for _, c := range []struct {
		to    int64
		count int64
		told  bool
		each  bool // the hits are read, too
	}{
		{int64(len(whole)), lines, false, false}, {0, 0, true, false},
		{int64(len(whole)), lines, false, true}, {0, 0, true, true},
	} {
		if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		told := false
		scan := index.Scan{
			Query: &query.Query{Groups: [][]query.Term{{query.ExactTerm("a needle")}}},
			Warn:  func(string, error) { told = true },
		}
		text := shrinking{newFileText(f, int64(len(whole))), c.to}
		sources := []logs.Source{{Name: "one", Parts: []logs.Part{onePart{text}}}}
		n := int64(0)
		if c.each {
			err = scan.Each(t.Context(), sources, func(h *index.Hit) error {
				n++
				_, err := h.Text()
				return err
			})
		} else {
			n, err = scan.Count(t.Context(), sources)
		}
		if err != nil || n != c.count || told != c.told {
			t.Errorf("truncated to %d: %d lines, told %v, %v; want %d, %v", c.to, n, told, err, c.count, c.told)
		}
	}
}
