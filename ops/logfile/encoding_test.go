package logfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logstore "opsdeck/ops/logs/store"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

func coded(t *testing.T, e encoding.Encoding, text string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func appendTo(t *testing.T, path string, text []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
}

// TestGBKThatBeginsLateIsFound: after more ASCII than is looked at first, at the end of a
// long file, among lines in UTF-8, in characters of four bytes.
func TestGBKThatBeginsLateIsFound(t *testing.T) {
	const order = "2026-01-29T12:00:01Z ERROR 订单处理失败：库存不足\n"
	ascii := strings.Repeat("2026-01-29T12:00:00Z INFO started\n", 1000)
	gbk := string(coded(t, simplifiedchinese.GB18030, order))
	for name, c := range map[string]struct {
		text string
		hits int
	}{
		"after ASCII":            {ascii + gbk + ascii, 1},
		"at the end of 8 MB":     {strings.Repeat(ascii, 250) + gbk, 1},
		"beside UTF-8":           {gbk + order + gbk + order, 4},
		"four bytes":             {string(coded(t, simplifiedchinese.GB18030, "2026-01-29T12:00:01Z ERROR 订单😀失败\n")), 1},
		"short lines":            {ascii + strings.Repeat(string(coded(t, simplifiedchinese.GB18030, "2026-01-29T12:00:01Z INFO 订单\n")), 5), 4},
		"Latin-1 remains itself": {"2026-01-29T12:00:01Z INFO caf\xe9 \xff\n" + order, 1},
	} {
		raws, warned := find(t, "'订单", write(t, "a.log", []byte(c.text)))
		if len(raws) != c.hits || len(warned) > 0 {
			t.Errorf("%s: %d hits, want %d; %v", name, len(raws), c.hits, warned)
		}
	}
}

// TestAnEmptyLogThatIsNotUTF8IsFollowed: what a rotation leaves; and one that began
// with ASCII, or with a hole of zeros.
func TestAnEmptyLogThatIsNotUTF8IsFollowed(t *testing.T) {
	line := func(i int) string {
		return fmt.Sprintf("2026-01-29T12:00:0%dZ WARN 客户 %d 信用额度不足", i, i)
	}
	for name, c := range map[string]struct {
		begin string
		code  encoding.Encoding
	}{
		"GBK":                {"", simplifiedchinese.GB18030},
		"UTF-16LE":           {"", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
		"UTF-16BE":           {"", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
		"UTF-32LE":           {"", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
		"UTF-32BE":           {"", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
		"GBK after ASCII":    {"2026-01-29T11:00:00Z INFO started\n", simplifiedchinese.GB18030},
		"GBK after a hole":   {strings.Repeat("\x00", 700_000), simplifiedchinese.GB18030},
		"UTF-8 after a hole": {strings.Repeat("\x00", 700_000), encoding.Nop},
	} {
		path := write(t, "a.log", []byte(c.begin))
		store := fed(t, path)
		want := []string{}
		if first := strings.Trim(c.begin, "\x00\n"); first != "" {
			want = append(want, first)
		}
		for i := range 4 {
			text := coded(t, c.code, line(i)+"\n")
			appendTo(t, path, text[:20])
			appendTo(t, path, text[20:])
			want = append(want, line(i))
			until(t, name, func() bool { rest(store); return len(rawsOf(store)) == len(want) })
		}
		until(t, name+": the lines", func() bool {
			rest(store)
			return slices.Equal(rawsOf(store), want)
		})
	}
}

// slowSink has something happen between the look at a text and its beginning.
type slowSink struct {
	Sink
	meanwhile func()
}

func (s slowSink) Begin(name string, text logs.Text) Track {
	s.meanwhile()
	return s.Sink.Begin(name, text)
}

// TestALineThatComesWhileALogIsOpenedIsConverted: nothing is shown that was not looked at.
func TestALineThatComesWhileALogIsOpenedIsConverted(t *testing.T) {
	line := func(i int) string {
		return fmt.Sprintf("2026-01-29T12:00:0%dZ WARN 客户 %d 信用额度不足", i, i)
	}
	for name, begin := range map[string]string{
		"empty": "", "ASCII": "2026-01-29T11:00:00Z INFO started\n", "a hole": strings.Repeat("\x00", 700_000),
	} {
		path := write(t, "a.log", []byte(begin))
		store := logstore.NewStore(time.UTC, time.Now)
		defer store.Close()
		add := func(i int) { appendTo(t, path, coded(t, simplifiedchinese.GB18030, line(i)+"\n")) }
		tail := NewTail(path, unwrapped{slowSink{storeSink{store, "a"}, func() { add(0) }}, nil})
		tail.Look()
		add(1)
		tail.Look()
		rest(store)
		want := []string{line(0), line(1)}
		if name == "ASCII" {
			want = append([]string{strings.TrimSpace(begin)}, want...)
		}
		if got := rawsOf(store); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestAHoleHidesNoLine: before the first line and between lines, for a search too.
func TestAHoleHidesNoLine(t *testing.T) {
	const first = "2026-01-29T12:00:00Z ERROR first\n"
	const last = "2026-01-29T12:00:01Z ERROR last\n"
	for _, text := range []string{
		strings.Repeat("\x00", 1<<20) + first + last,
		first + strings.Repeat("\x00", 5000) + last,
		strings.Repeat("\x00", 5000) + first + strings.Repeat("\x00", 5000) + last,
	} {
		raws, warned := find(t, "level:error", write(t, "a.log", []byte(text)))
		if strings.Join(raws, "\n")+"\n" != first+last || len(warned) > 0 {
			t.Errorf("%.80q, %v", raws, warned)
		}
	}
	path := write(t, "b.log", nil)
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip("no sparse files here:", err)
	}
	appendTo(t, path, []byte(first))
	if raws, _ := find(t, "level:error", path); len(raws) != 1 {
		t.Errorf("after a hole of 1 TB: %q", raws)
	}
}

// TestChineseLinesDoNotDependOnThePieces: cut anywhere, with half lines shown.
func TestChineseLinesDoNotDependOnThePieces(t *testing.T) {
	const text = "ascii\n订单处理失败：库存不足 1\n\nutf8 ok\n短\n😀 客户信用额度不足\nlast 用户登录"
	whole := append(coded(t, simplifiedchinese.GB18030, text), "\n"...)
	whole = append(whole, "混合 UTF-8\ncaf\xe9\n"...)
	want := text + "\n混合 UTF-8\ncaf\xe9\n"
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var out bytes.Buffer
		c := &chineseLines{w: &out}
		for at := 0; at < len(whole); {
			n := min(len(whole)-at, 1+r.IntN(9))
			c.Write(whole[at : at+n])
			if at += n; r.IntN(3) == 0 {
				if err := c.half(); err != nil {
					t.Fatal(err)
				}
			}
		}
		c.Close()
		if got := out.String(); got != want {
			t.Fatalf("%q\nwant %q", got, want)
		}
	}
}

// TestTheWholeOfAFileIsLookedAtWhenAsked: a single line in GBK, between the places that are
// looked at in any case, is found by a search for what is not ASCII.
func TestTheWholeOfAFileIsLookedAtWhenAsked(t *testing.T) {
	ascii := strings.Repeat("2026-01-29T12:00:00Z INFO started\n", 3000)
	gbk := coded(t, simplifiedchinese.GB18030, "2026-01-29T12:00:01Z ERROR 订单处理失败：库存不足\n")
	path := write(t, "a.log", []byte(strings.Repeat(ascii, 10)+string(gbk)+strings.Repeat(ascii, 31)))
	for whole, want := range map[bool]string{true: "订单", false: "\xb6\xa9"} {
		sources, err := Config{Whole: whole}.Resolve(t.Context(), []string{path})
		if err != nil {
			t.Fatal(err)
		}
		text, err := sources[0].Parts[0].Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, text.Size())
		text.ReadAt(got, 0)
		text.Close()
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("whole %v: the line is not shown as %q", whole, want)
		}
	}
}
