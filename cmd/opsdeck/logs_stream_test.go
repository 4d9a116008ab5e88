package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// streaming runs `opsdeck logs` on a pipe and returns its input, its output line
// by line, and its exit code at the end.
func streaming(t *testing.T, args ...string) (in io.WriteCloser, lines <-chan string, code <-chan int) {
	t.Helper()
	return streamingUntil(t.Context(), t, args...)
}

// streamingUntil is streaming with an interruption.
func streamingUntil(
	ctx context.Context, t *testing.T, args ...string,
) (in io.WriteCloser, lines <-chan string, code <-chan int) {
	t.Helper()
	config := configFile(t, "services:\n  - name: q\n")
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	codes := make(chan int, 1)
	out := make(chan string, 100)
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(func() {
		cancel()
		inW.Close()
		outR.Close()
	})
	go func() {
		all := append([]string{"--config", config, "--lang", "en", "logs"}, args...)
		codes <- run(ctx, all, stdio{in: inR, out: outW, err: io.Discard})
		outW.Close()
	}()
	go func() {
		defer close(out)
		for s := bufio.NewScanner(outR); s.Scan(); {
			out <- s.Text()
		}
	}()
	return inW, out, codes
}

// next waits for a line of output, far longer than it may take.
func next(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line, ok := <-lines:
		if !ok {
			t.Fatal("the output ended")
		}
		return line
	case <-time.After(time.Minute):
		t.Fatal("no line came")
	}
	return ""
}

func TestStandardInputIsPrintedAsItComes(t *testing.T) {
	in, lines, code := streaming(t, "--source", "-", "level:warn+")
	for _, word := range []string{"one", "two", "three"} {
		io.WriteString(in, "2026-01-29T12:00:00Z INFO left out\n2026-01-29T12:00:00Z ERROR "+word+"\n")
		if got := next(t, lines); !strings.HasSuffix(got, word) {
			t.Fatalf("printed %q, want %s before more comes", got, word)
		}
	}
	io.WriteString(in, "2026-01-29T12:00:00Z ERROR no line break")
	in.Close()
	if got := next(t, lines); !strings.HasSuffix(got, "no line break") {
		t.Fatalf("printed %q at the end", got)
	}
	if c := <-code; c != 0 {
		t.Fatalf("exit code %d", c)
	}
}

func TestStandardInputIsLeftAtTheLimit(t *testing.T) {
	in, lines, code := streaming(t, "--source", "-", "--limit", "2", "--json")
	io.WriteString(in, strings.Repeat("2026-01-29T12:00:00Z INFO one\n", 5))
	for range 2 {
		next(t, lines)
	}
	if c := <-code; c != 0 { // though the input is still open
		t.Fatalf("exit code %d", c)
	}
	if line, more := <-lines; more {
		t.Fatalf("over the limit: %q", line)
	}
}

func TestPackedStandardInputIsUnpackedAsItComes(t *testing.T) {
	in, lines, _ := streaming(t, "--source", "-")
	z := gzip.NewWriter(in)
	for _, word := range []string{"one", "two"} {
		io.WriteString(z, "2026-01-29T12:00:00Z INFO "+word+"\n")
		z.Flush()
		if got := next(t, lines); !strings.HasSuffix(got, word) {
			t.Fatalf("printed %q, want %s", got, word)
		}
	}
	z.Close()
}

// TestWhatNeedsTheWholeInputReadsIt: counts and orders do not stop early.
func TestWhatNeedsTheWholeInputReadsIt(t *testing.T) {
	text := "2026-01-29T12:00:00Z INFO first\n2026-01-29T12:00:01Z INFO last\n"
	for args, want := range map[string]string{
		"--count":            "2",
		"--newest --limit 1": "2026-01-29T12:00:01Z INFO last",
		"--rank --limit 1 l": "2026-01-29T12:00:01Z INFO last",
	} {
		in, lines, code := streaming(t, append([]string{"--source", "-"}, strings.Fields(args)...)...)
		io.WriteString(in, text)
		in.Close()
		if got := next(t, lines); got != want || <-code != 0 {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

func TestStandardInputInAnotherEncodingIsReadAsItComes(t *testing.T) {
	gbk := "2026-01-29T12:00:00Z ERROR \xb5\xc7\xc2\xbc\xca\xa7\xb0\xdc\n"
	wrapped := `{"log":"2026-01-29T12:00:00Z ERROR 登录失败\n","stream":"stdout","time":"2026-01-29T12:00:00Z"}` + "\n"
	for _, text := range []string{"2026-01-29T12:00:00Z ERROR ascii first\n" + gbk, wrapped} {
		in, lines, _ := streaming(t, "--source", "-", "登录失败")
		for line := range bytes.Lines([]byte(text)) {
			in.Write(line)
		}
		if got := next(t, lines); !strings.HasSuffix(got, "ERROR 登录失败") {
			t.Errorf("printed %q", got)
		}
	}
}
