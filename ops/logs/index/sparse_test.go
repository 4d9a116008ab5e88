package index

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testenv"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
)

type heldText struct{ *bytes.Reader }

func (heldText) Close() error { return nil }

type heldPart struct{ text []byte }

func (heldPart) Name() string { return "held" }

func (p heldPart) Open(context.Context) (logs.Text, error) {
	return heldText{bytes.NewReader(p.text)}, nil
}

// programsText is lines of the programs in testdata, in pieces of a few lines of one after
// the other, with long and coloured lines between.
func programsText(t *testing.T, r *rand.Rand, size int) []byte {
	t.Helper()
	files, err := filepath.Glob("../line/testdata/*.log")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var of [][]string
	for _, file := range files {
		if strings.HasSuffix(file, "export.log") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		of = append(of, strings.SplitAfter(string(text), "\n"))
	}
	if r.IntN(2) == 0 { // few programs
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		of = of[:1+r.IntN(3)]
	}
	var entry []byte
	if export, err := os.ReadFile("../line/testdata/journal-export.log"); err != nil {
		t.Fatal(err)
	} else if r.IntN(8) == 0 { // nothing stands between its entries
		return bytes.Repeat(export, size/len(export))
	} else if at := r.IntN(10); at > 0 {
		entry = export[:len(export)*at/10]
	}
	var b bytes.Buffer
	for b.Len() < size {
		lines := of[r.IntN(len(of))]
		at := r.IntN(len(lines))
		for _, line := range lines[at:min(len(lines), at+1+r.IntN(40))] {
			b.WriteString(line)
		}
		switch r.IntN(400) {
		case 0:
			fmt.Fprintf(&b, "\x1b[31m2026-01-29 09:00:00 ERROR\x1b[39m col\x1b[32mour %d\n", r.IntN(50))
		case 1:
			b.WriteString("2026-01-29 09:00:01 INFO " + strings.Repeat("long ", 4000) + "\n")
		case 2:
			b.WriteString(strings.Repeat("a plain line of a program\r\n", r.IntN(2000)))
		case 3:
			if r.IntN(20) == 0 {
				b.Write(entry)
			}
		}
	}
	return b.Bytes()
}

// somewhere is a piece of a line of the text.
func somewhere(r *rand.Rand, text []byte) string {
	for {
		at := r.IntN(len(text))
		word := text[at:min(len(text), at+4+r.IntN(16))]
		if !bytes.ContainsAny(word, "\n\r\x1b") && len(word) > 3 {
			return string(word)
		}
	}
}

// TestHitsByTheirWordAreThoseOfTheIndex compares what is read around the lines with a word
// with what an index of all lines gives: place, event, time, level and number of each hit.
func TestHitsByTheirWordAreThoseOfTheIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(testenv.Seed(t), 15))
	some := 0
	for round := range 3 {
		text := programsText(t, r, 5<<20)
		if round%2 == 1 {
			text = bytes.TrimSuffix(text, []byte("\n"))
		}
		for range 6 {
			word := somewhere(r, text)
			q := &query.Query{Groups: [][]query.Term{{query.ExactTerm(word)}}}
			if r.IntN(3) == 0 {
				q.Levels = logs.LevelSet(1<<logs.LevelError | 1<<logs.LevelWarn)
			}
			if hits := compareWays(t, q, text, word); hits > 0 {
				some++
			}
		}
	}
	if some == 0 {
		t.Error("no word was found in both ways")
	}
}

// TestTextsKeptWithHitsAreThoseOfTheFile compares the events that are kept with the hits of
// two sources, in rooms that are used again, with those that are read of the sources.
func TestTextsKeptWithHitsAreThoseOfTheFile(t *testing.T) {
	r := rand.New(rand.NewPCG(testenv.Seed(t), 16))
	kept := 0
	for range 2 {
		kept += keptTexts(t, r, 9<<20, 4)
	}
	if kept == 0 {
		t.Error("no text was kept")
	}
}

// TestTextsAreKeptWhileOtherRegionsAreRead is the same for one word of shorter texts: .ci/test
// has it under the race detector, which takes ten times as long.
func TestTextsAreKeptWhileOtherRegionsAreRead(t *testing.T) {
	r := rand.New(rand.NewPCG(testenv.Seed(t), 16))
	for range 10 { // a word that many lines have is looked for in another way
		if keptTexts(t, r, 5<<20, 1) > 0 {
			return
		}
	}
	t.Error("no text was kept")
}

// keptTexts compares the events with some words of two texts, either way, and counts those
// that were kept with their hits.
func keptTexts(t *testing.T, r *rand.Rand, size, words int) (kept int) {
	t.Helper()
	var sources []logs.Source
	for _, name := range []string{"a", "b"} {
		text := programsText(t, r, size)
		sources = append(sources, logs.Source{Name: name, Parts: []logs.Part{heldPart{text}}})
	}
	text := sources[0].Parts[0].(heldPart).text
	for range words {
		word := somewhere(r, text)
		events := func(texts, newest bool) (out []string) {
			s := &Scan{
				Query:      &query.Query{Groups: [][]query.Term{{query.ExactTerm(word)}}},
				Zone:       time.UTC,
				Now:        time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC),
				Newest:     newest,
				Unnumbered: true,
				Texts:      texts,
			}
			var last Hit
			err := s.Each(t.Context(), sources, func(h *Hit) error {
				if h.event != nil {
					kept++
				}
				if last.SameEvent(h) {
					return nil
				}
				around, err := s.Around(h, 0, 0, &Hit{})
				out = append(out, around.Event)
				last = *h
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for _, newest := range []bool{false, true} {
			got, want := events(true, newest), events(false, newest)
			if !slices.Equal(got, want) {
				t.Fatalf("%q, newest %v: %d events, of the file %d", word, newest, len(got), len(want))
			}
		}
	}
	return kept
}

// TestTextsThatArePassedOnAreThoseOfTheHits compares the texts of events that are passed on at once
// with those of the hits one by one.
func TestTextsThatArePassedOnAreThoseOfTheHits(t *testing.T) {
	r := rand.New(rand.NewPCG(testenv.Seed(t), 17))
	passed := 0
	for range 2 {
		text := programsText(t, r, 5<<20)
		if r.IntN(2) == 0 {
			text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
		}
		source := []logs.Source{{Name: "a", Parts: []logs.Part{heldPart{text}, heldPart{text[:1<<20]}}}}
		for range 4 {
			word := somewhere(r, text)
			printed := func(pass bool) (out []byte, hits int64) {
				s := &Scan{
					Query:      &query.Query{Groups: [][]query.Term{{query.ExactTerm(word)}}},
					Zone:       time.UTC,
					Now:        time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC),
					Unnumbered: true,
					Texts:      true,
				}
				if pass {
					s.Pass = func(texts []byte, n int64) error {
						passed++
						out = append(out, texts...)
						hits += n
						return nil
					}
				}
				var last Hit
				err := s.Each(t.Context(), source, func(h *Hit) error {
					if hits++; last.SameEvent(h) {
						return nil
					}
					around, err := s.Around(h, 0, 0, &Hit{})
					if around.Event != "" {
						out = append(append(out, around.Event...), '\n')
					}
					last = *h
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return out, hits
			}
			got, hits := printed(true)
			if want, n := printed(false); !bytes.Equal(got, want) || hits != n {
				t.Fatalf("%q: %d bytes of %d hits, want %d of %d", word, len(got), hits, len(want), n)
			}
		}
	}
	if passed == 0 {
		t.Error("no text was passed on")
	}
}

// compareWays looks through each region in both ways, and returns the hits of those that
// can be read by the word.
func compareWays(t *testing.T, q *query.Query, text []byte, word string) (hits int) {
	t.Helper()
	s := &Scan{Query: q, Zone: time.UTC, Now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	s.prepare()
	opened, _ := heldPart{text}.Open(context.Background())
	p := s.openText("held", "held", opened, UnknownManner)
	defer p.close()
	k := <-s.kits
	k.build.Set(p.manner, p.text, s.Now)
	for i := range p.regions {
		off, end, err := p.bounds(i, k.build.start)
		if err != nil {
			t.Fatal(err)
		}
		if off >= end || len(k.find) == 0 {
			continue
		}
		got, ok := k.sparse(context.Background(), s, p, off, end, false)
		if !ok {
			continue
		}
		blk, err := k.build.Build(p.text, off, end)
		if err != nil {
			t.Fatal(err)
		}
		found, err := k.match.Find(context.Background(), blk, p.text, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		var want []Hit
		for n := found.Next(0); n >= 0; n = found.Next(n + 1) {
			want = append(want, k.hit(blk, p, n))
		}
		if got.err != nil || got.lines != blk.Sum.Lines || fmt.Sprint(got.hits) != fmt.Sprint(want) {
			t.Fatalf("%q, region %d (%d to %d): %d lines, %d hits, %v; by the index %d lines, %d hits%s",
				word, i, off, end, got.lines, len(got.hits), got.err, blk.Sum.Lines, len(want),
				firstOther(got.hits, want, text))
		}
		hits += len(want)
	}
	return hits
}

// firstOther shows the first hit in which two lists differ.
func firstOther(got, want []Hit, text []byte) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("; missing: %+v", want[i])
		case i >= len(want):
			return fmt.Sprintf("; too many: %+v", got[i])
		case fmt.Sprint(got[i]) != fmt.Sprint(want[i]):
			return fmt.Sprintf("; hit %d of %+v, want %+v, in\n%s", i, got[i], want[i],
				text[max(0, want[i].Head-600):min(int64(len(text)), want[i].Last+600)])
		}
	}
	return ""
}
