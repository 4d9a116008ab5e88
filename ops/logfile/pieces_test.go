package logfile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// whole is a file that is not read in pieces.
type whole struct{ logs.Part }

// containersLog is the log that Docker, or Kubernetes, writes for events with stacks and
// long lines on both streams.
func containersLog(kubernetes bool) string {
	var b strings.Builder
	put := func(line, stream string, i int) {
		if !kubernetes {
			b.WriteString(wrapped16k(line, stream))
			return
		}
		for at := fmt.Sprintf("2026-01-29T12:00:%02d.123456789Z %s", i%60, stream); ; line = line[40:] {
			if len(line) <= 40 {
				fmt.Fprintf(&b, "%s F %s\n", at, line)
				return
			}
			fmt.Fprintf(&b, "%s P %s\n", at, line[:40])
		}
	}
	for i := range 3000 {
		stream := []string{"stdout", "stderr"}[i%2]
		put(
			fmt.Sprintf(
				"2026-01-29T12:%02d:%02dZ ERROR event %d%s",
				i/60%60,
				i%60,
				i,
				strings.Repeat(" x", i%200*(i%7)),
			),
			stream,
			i,
		)
		for k := range i % 5 {
			put(fmt.Sprintf("    at f%d (/app/a.ts:%d:1)", k, i), stream, i)
		}
	}
	return b.String()
}

// TestALongContainersLogIsSearchedInPieces: nothing is lost, duplicated or cut, lines keep
// their numbers, and the first hits do not wait for the rest.
func TestALongContainersLogIsSearchedInPieces(t *testing.T) {
	was := commandPiece
	commandPiece = 100_000
	defer func() { commandPiece = was }()
	for name, kubernetes := range map[string]bool{"abc-json.log": false, "0.log": true} {
		path := write(t, name, []byte(containersLog(kubernetes)))
		all := func(part logs.Part, newest bool, words string, most int) (out []string) {
			s := index.Scan{
				Query:  parsed(words),
				Zone:   time.UTC,
				Newest: newest,
				Warn:   func(part string, err error) { t.Errorf("%s: %v", part, err) },
			}
			parser := line.NewParser(time.UTC, time.Now())
			if err := s.Each(t.Context(), []logs.Source{{Name: path, Parts: []logs.Part{part}}},
				func(h *index.Hit) error {
					e, err := s.Event(parser, h)
					if out = append(out, fmt.Sprintf("%s:%d %v %s", e.Source, e.Line, e.Time, e.Raw)); err == nil &&
						len(out) == most {
						err = index.ErrEnough
					}
					return err
				}); err != nil {
				t.Fatal(err)
			}
			return out
		}
		if n := len(NewFile(path).Pieces()); n < 4 {
			t.Fatalf("%s: %d pieces", name, n)
		}
		for _, words := range []string{"", "'event\\ 29", "'f3", "level:error 'f0 '2999"} {
			for _, newest := range []bool{false, true} {
				got, want := all(NewFile(path), newest, words, -1), all(whole{NewFile(path)}, newest, words, -1)
				if strings.Join(got, "\n") != strings.Join(want, "\n") || len(want) == 0 {
					t.Errorf("%s, %q, newest %v: %d hits, %d as a whole", name, words, newest, len(got), len(want))
				}
			}
		}
		n, err := (&index.Scan{Query: parsed("'event")}).Count(t.Context(), Group([]string{path}))
		if err != nil || n != 3000 {
			t.Errorf("%s: %d counted, %v", name, n, err)
		}
	}
}

// TestAPieceThatGaveItsRoomBackIsReadAgain: a piece whose space was released is unpacked
// again.
func TestAPieceThatGaveItsRoomBackIsReadAgain(t *testing.T) {
	was := commandPiece
	commandPiece = 100_000
	defer func() { commandPiece = was }()
	path := write(t, "abc-json.log", []byte(containersLog(false)))
	text, err := NewFile(path).Pieces()[1].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := func() []byte {
		b, err := io.ReadAll(io.NewSectionReader(text, 0, text.Size()))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := read()
	text.Close()
	if second := read(); !bytes.Equal(first, second) || len(first) < 50_000 {
		t.Errorf("%d bytes, then %d", len(first), len(second))
	}
	text.Close()
}

// TestStandardInputIsReadAsAFileIs: compressed, and wrapped by Docker.
func TestStandardInputIsReadAsAFileIs(t *testing.T) {
	text := containersLog(false)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, text)
	z.Close()
	for name, r := range map[string]io.Reader{"wrapped": strings.NewReader(text), "packed": &packed} {
		sources, err := Config{Stdin: r}.Resolve(t.Context(), []string{"-"})
		if err != nil {
			t.Fatal(err)
		}
		n, err := (&index.Scan{Query: parsed("field.stream=stderr")}).Count(t.Context(), sources)
		if err != nil || n != 1500 {
			t.Errorf("%s: %d events, %v", name, n, err)
		}
	}
}
