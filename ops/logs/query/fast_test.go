package query

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"

	"opsdeck/internal/testenv"
)

// TestTheFinderFindsEachPlace: as a plain look from place to place does, in either case.
func TestTheFinderFindsEachPlace(t *testing.T) {
	r := rand.New(rand.NewSource(int64(testenv.Seed(t))))
	letters := "aAbBdD x1"
	random := func(n int) string {
		var s strings.Builder
		for range n {
			s.WriteByte(letters[r.Intn(len(letters))])
		}
		return s.String()
	}
	for range 3000 {
		text, word, fold := random(r.Intn(900)), random(1+r.Intn(3)), r.Intn(2) == 0
		plain := text
		if fold {
			word, plain = strings.ToLower(word), strings.ToLower(text)
		}
		f := newFinder(word, fold)
		for from, at := 0, 0; at >= 0; from = at + 1 {
			at = f.next([]byte(text), from)
			want := strings.Index(plain[min(from, len(plain)):], word)
			if want >= 0 {
				want += from
			}
			if at != want {
				t.Fatalf("%q in %q from %d (fold %v): %d, want %d", word, text, from, fold, at, want)
			}
		}
	}
}

// TestWordsAndColoursOfATextAreFound: as a look from place to place finds them, on CPUs that
// look for pairs and on others.
func TestWordsAndColoursOfATextAreFound(t *testing.T) {
	r := rand.New(rand.NewSource(int64(testenv.Seed(t))))
	random := func(n int, letters string) string {
		var s strings.Builder
		for range n {
			s.WriteByte(letters[r.Intn(len(letters))])
		}
		return s.String()
	}
	for range 300 {
		text, fold := random(r.Intn(2000), "aAbB dD1\xe5\x8e"+strings.Repeat("-", r.Intn(40))), r.Intn(2) == 0
		for range r.Intn(5) {
			text += "\x1b" + random(r.Intn(100), "aAb-1")
		}
		word := random(1+r.Intn(4), "abd1\xe5")
		if r.Intn(20) == 0 {
			word += "\x1b"
		}
		plain := text
		if fold {
			low := []byte(text)
			for i, c := range low {
				low[i] = lower[c]
			}
			plain = string(low)
		}
		for _, pairs := range []bool{true, false} {
			f := newTextFinder(word, fold)
			f.pairs = f.pairs && pairs
			for from := 0; from <= len(text); from++ {
				at, coloured := f.Next([]byte(text), from)
				want, esc := strings.Index(plain[from:], word), strings.IndexByte(text[from:], escape)
				if want >= 0 {
					want += from
				}
				if wantColour := esc >= 0 && (want < 0 || from+esc < want); wantColour != coloured ||
					!coloured && at != want || coloured && at != from+esc {
					t.Fatalf("%q in %q from %d (fold %v, pairs %v): %d %v, want %d, escape at %d",
						word, text, from, fold, f.pairs, at, coloured, want, esc)
				}
			}
		}
	}
}

// BenchmarkFindInEitherCase looks for a word that is in every line, one form of whose
// rarest letter is in none.
func BenchmarkFindInEitherCase(b *testing.B) {
	text := bytes.Repeat([]byte("[Nest] 1  - 01/29/2026, 1:00:00 PM     LOG [OrderService] Order created: 7\n"), 7000)
	f := newFinder("created", true)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		n := 0
		for at := f.next(text, 0); at >= 0; at = f.next(text, at+1) {
			n++
		}
		if n != 7000 {
			b.Fatal(n)
		}
	}
}
