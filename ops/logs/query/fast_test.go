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
			at = f.Next([]byte(text), from)
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

// BenchmarkFindInEitherCase looks for a word that is in every line, one form of whose
// rarest letter is in none.
func BenchmarkFindInEitherCase(b *testing.B) {
	text := bytes.Repeat([]byte("[Nest] 1  - 01/29/2026, 1:00:00 PM     LOG [OrderService] Order created: 7\n"), 7000)
	f := newFinder("created", true)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		n := 0
		for at := f.Next(text, 0); at >= 0; at = f.Next(text, at+1) {
			n++
		}
		if n != 7000 {
			b.Fatal(n)
		}
	}
}
