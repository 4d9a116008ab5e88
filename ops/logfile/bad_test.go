package logfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// find counts and lists a query's hits in files.
func find(t *testing.T, words string, paths ...string) (raws []string, warned []error) {
	t.Helper()
	q, err := query.ParseQuery(words, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := index.Scan{Query: q, Zone: time.UTC, Warn: func(_ string, err error) { warned = append(warned, err) }}
	p := line.NewParser(time.UTC, time.Now())
	err = s.Each(context.Background(), Group(paths), func(h *index.Hit) error {
		e, err := s.Event(p, h)
		raws = append(raws, e.Raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Count(context.Background(), Group(paths))
	if err != nil || n != int64(len(raws)) {
		t.Errorf("%q: %d hits, counted %d, %v", words, len(raws), n, err)
	}
	return raws, warned
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOneHugeLine(t *testing.T) {
	megabytes := 24
	if os.Getenv("OPSDECK_SOAK") != "" {
		megabytes = 200
	}
	path := filepath.Join(t.TempDir(), "big.log")
	f, _ := os.Create(path)
	f.WriteString("2026-01-29T12:00:00Z INFO before\n2026-01-29T12:00:01Z ERROR ")
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for range megabytes {
		f.Write(piece)
	}
	f.WriteString("needle\n2026-01-29T12:00:02Z INFO after\n")
	f.Close()
	for words, want := range map[string]int{"'needle": 1, "nEedle": 0, "needle": 1, "level:error": 1, "'after": 1,
		"": 3, "!'needle": 2, "level:error 'xneedle": 1, "/xneedle$/": 1, "/^xneedle/": 0} {
		if raws, _ := find(t, words, path); len(raws) != want {
			t.Errorf("%q: %d hits, want %d", words, len(raws), want)
		}
	}
}

func TestOddText(t *testing.T) {
	lines := "2026-01-29T12:00:00Z INFO 客户 one\n2026-01-29T12:00:01Z ERROR 客户 two 信用额度不足\n"
	utf16le, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(lines)
	utf16be, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(lines)
	utf32le, _ := utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewEncoder().String(lines)
	utf32be, _ := utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM).NewEncoder().String(lines)
	gbk, _ := simplifiedchinese.GBK.NewEncoder().String(lines)
	var zipped, zst bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(lines))
	z.Close()
	w, _ := zstd.NewWriter(&zst)
	w.Write([]byte(lines))
	w.Close()
	for name, data := range map[string]string{
		"crlf": strings.ReplaceAll(lines, "\n", "\r\n"), "utf16le": utf16le, "utf16be": utf16be,
		"utf32le": utf32le, "utf32be": utf32be, "gbk": gbk, "gz": zipped.String(), "zst": zst.String(),
		"nul":      strings.ReplaceAll(lines, "one", "o\x00ne\x00"),
		"invalid":  strings.ReplaceAll(lines, "one", "\xff\xfe\x80 one"),
		"colours":  strings.ReplaceAll(lines, "ERROR", "\x1b[31mERROR\x1b[39m"),
		"backward": "2026-01-29T13:00:00Z INFO later\n" + lines,
		"noend":    strings.TrimSuffix(lines, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "a.log", []byte(data))
			raws, warned := find(t, "level:error '客户", path)
			if len(raws) != 1 || !strings.HasSuffix(raws[0], "two 信用额度不足") || len(warned) > 0 {
				t.Errorf("%q, %v", raws, warned)
			}
		})
	}
}

func TestADamagedGzipGivesWhatItHolds(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for i := range 20_000 {
		fmt.Fprintf(z, "2026-01-29T12:00:00Z INFO line %d %x\n", i, i*7919)
	}
	z.Close()
	path := write(t, "a__2026-01-29_00-00-00.log.gz", b.Bytes()[:b.Len()/2])
	raws, warned := find(t, "'line", path)
	if len(raws) < 5000 || len(raws) >= 20_000 {
		t.Errorf("%d lines", len(raws))
	}
	var e *ops.Error
	if len(warned) == 0 || !errors.As(warned[0], &e) || !strings.Contains(e.Error(), "damaged") {
		t.Errorf("warned %v", warned)
	}
}

func TestWhatIsNoFileIsToldAndDoesNotHang(t *testing.T) {
	dir := t.TempDir()
	fifo, sock, secret := filepath.Join(
		dir,
		"fifo.log",
	), filepath.Join(
		dir,
		"sock.log",
	), filepath.Join(
		dir,
		"secret.log",
	)
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	os.WriteFile(secret, []byte("x\n"), 0)
	for path, want := range map[string]string{dir: "folder", fifo: "pipe", sock: "socket",
		filepath.Join(dir, "none.log"): "cannot be read", secret: "cannot be read"} {
		if path == secret && os.Getuid() == 0 {
			continue
		}
		raws, warned := find(t, "", path)
		if len(raws) != 0 || len(warned) == 0 || !strings.Contains(warned[0].Error(), want) {
			t.Errorf("%s: %q, %v", path, raws, warned)
		}
	}
}

func TestAGlobOfThousandsOfFiles(t *testing.T) {
	dir := t.TempDir()
	n := 2000
	if os.Getenv("OPSDECK_SOAK") != "" {
		n = 10_000
	}
	for i := range n {
		line := fmt.Sprintf("2026-01-29T12:%02d:%02d.%03dZ INFO file %d\n", i/60%60, i%60, i%1000, i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%05d.log", i)), []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := expand(filepath.Join(dir, "*.log"))
	if err != nil || len(paths) != n {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	raws, warned := find(t, "'file", paths...)
	if len(raws) != n || len(warned) > 0 {
		t.Fatalf("%d hits, %v", len(raws), warned)
	}
	for i := 1; i < n; i++ {
		if raws[i][:20] < raws[i-1][:20] {
			t.Fatalf("%q comes after %q", raws[i], raws[i-1])
		}
	}
}

func TestAQueryOf10kB(t *testing.T) {
	path := write(t, "a.log", []byte("2026-01-29T12:00:00Z INFO "+strings.Repeat("ab ", 5000)+"\n"))
	for _, words := range []string{strings.Repeat("ab ", 3300), strings.Repeat("a", 10_000), "'" +
		strings.Repeat(`ab\ `, 2500), "/" + strings.Repeat("(a|b)?", 1600) + "/"} {
		find(t, words, path)
	}
}

func TestAFileThatGrowsWhileItIsRead(t *testing.T) {
	path := write(t, "a.log", []byte(strings.Repeat("2026-01-29T12:00:00Z INFO line\n", 200_000)))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	more := strings.Repeat("2026-01-29T12:00:01Z INFO more\n", 1000)
	raws := 0
	q, _ := query.ParseQuery("'line", time.Now())
	err = (&index.Scan{Query: q}).Each(t.Context(), Group([]string{path}), func(*index.Hit) error {
		if raws++; raws%1000 == 1 { // once per thousand lines read
			f.WriteString(more)
		}
		return nil
	})
	if err != nil || raws != 200_000 {
		t.Fatalf("%d, %v", raws, err)
	}
}
