package main

import (
	"context"
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

// TestNoHalfLineIsLost: neither when its file is truncated nor when the command ends. That it was
// read before the truncation, lines of another file tell: the second one comes in a later look.
func TestNoHalfLineIsLost(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		io.WriteString(f, text)
	}
	const at = "2026-01-29T12:00:00Z INFO "
	write("a.log", at+"first\n")
	write("b.log", at+"first\n")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	_, lines, code := streamingUntil(ctx, t, "-f", "--source", filepath.Join(dir, "*.log"))
	for _, step := range []struct{ name, text, want string }{
		{want: at + "first"},
		{want: at + "first"},
		{"a.log", at + "torn", ""},
		{"b.log", at + "one\n", at + "one"},
		{"b.log", at + "two\n", at + "two"},
		{"", "", at + "torn"},
		{"a.log", at + "anew\n", at + "anew"},
		{"b.log", at + "last", ""},
	} {
		if step.name != "" {
			write(step.name, step.text)
		} else if step.want == at+"torn" {
			if err := os.Truncate(filepath.Join(dir, "a.log"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if step.want == "" {
			continue
		}
		if got := next(t, lines); got != step.want {
			t.Fatalf("printed %q, want %q", got, step.want)
		}
	}
	interrupt()
	if got := next(t, lines); got != at+"last" {
		t.Fatalf("printed %q at the end", got)
	}
	if more, is := <-lines; is || <-code == 0 {
		t.Fatalf("printed %q after the end", more)
	}
}
