package bytepair

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// plain is Next by the words of its comment.
func plain(b []byte, first, second byte, gap int, fold bool, stop byte, i int) int {
	same := func(c, want byte) bool {
		if fold && 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c == want
	}
	for ; i < len(b); i++ {
		if b[i] == stop || same(b[i], first) && i+gap < len(b) && same(b[i+gap], second) {
			break
		}
	}
	return i
}

func TestEachPlaceOfAPairIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 32))
	const of = "aAbB[{`@\x00\xff\xe5\x1b1"
	for range 20_000 {
		b := bytes.Repeat([]byte{'-'}, r.IntN(200))
		for range r.IntN(8) {
			if len(b) > 0 {
				b[r.IntN(len(b))] = of[r.IntN(len(of))]
			}
		}
		first, second := "ab[{\xe51"[r.IntN(6)], "ab[{\xe51"[r.IntN(6)]
		gap, fold, stop := 1+r.IntN(40), r.IntN(2) == 0, "\x1b\x00"[r.IntN(2)]
		p := New(first, second, gap, fold, stop)
		for i := 0; i <= len(b); i++ {
			if got, want := p.Next(b, i), plain(b, first, second, gap, fold, stop, i); got != want {
				t.Fatalf("%q from %d: %q and %q %d behind (fold %v), stop %q: %d, want %d",
					b, i, first, second, gap, fold, stop, got, want)
			}
		}
	}
}

func BenchmarkNext(b *testing.B) {
	text := bytes.Repeat([]byte("2026-01-29 09:00:00 INFO a line of a log\n"), 100_000)
	p := New('Q', 'z', 3, false, 0x1b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if p.Next(text, 0) != len(text) {
			b.Fatal("found")
		}
	}
}
