package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAHalfLineIsOneEventHoweverLongItTakes: lines of two files, each written in
// halves with a pause longer than a followed file is thought quiet after.
func TestAHalfLineIsOneEventHoweverLongItTakes(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-f", "--json"}
	var files []*os.File
	for _, name := range []string{"a.log", "b.log"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		io.WriteString(f, "2026-01-29T12:00:00Z INFO first\n")
		files = append(files, f)
		args = append(args, "--source", f.Name())
	}
	_, lines, _ := streaming(t, args...)
	for range files {
		if got := next(t, lines); !strings.Contains(got, `"first"`) {
			t.Fatalf("printed %s", got)
		}
	}
	for i, f := range files {
		io.WriteString(f, "2026-01-29T12:00:01Z ERROR Error: x\n    at fo")
		io.WriteString(files[1-i], "2026-01-29T12:00:01Z INFO tor")
		time.Sleep(600 * time.Millisecond)
		io.WriteString(f, "o (x.js:1)\n2026-01-29T12:00:02Z INFO after")
		io.WriteString(files[1-i], "n\n")
		got := []string{next(t, lines), next(t, lines)}
		all := strings.Join(got, "\n")
		if !strings.Contains(all, `Error: x\n    at foo (x.js:1)`) || !strings.Contains(all, `"torn"`) {
			t.Fatalf("printed\n%s", all)
		}
		time.Sleep(600 * time.Millisecond)
		io.WriteString(f, "wards\n")
		if got := next(t, lines); !strings.Contains(got, `"afterwards"`) {
			t.Fatalf("printed %s", got)
		}
	}
}
