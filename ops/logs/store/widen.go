package store

import (
	"hash/maphash"
	"sort"
	"strings"
)

// slotWord is the mark of a word that varies in a pattern: a name, a state.
const slotWord byte = 4

// When patterns that differ in one word are one.
const (
	widenFrom  = 8      // of so many, the word varies
	widenWords = 16     // words looked at
	widenMost  = 50_000 // patterns
)

// widen makes one pattern of those that differ in one word only, when there are so
// many that the word is a name rather than a part of the sentence. Paths stay apart:
// each route is a pattern of its own. Patterns are by their shapes.
func widen(by map[string]*EventPattern) {
	if len(by) < widenFrom || len(by) > widenMost {
		return
	}
	w := widener{seed: maphash.MakeSeed(), count: map[uint64]int{}}
	shapes := make([]string, 0, len(by))
	for shape, p := range by {
		shapes = append(shapes, shape)
		w.each(shape, p, func(key uint64, _ int) { w.count[key]++ })
	}
	sort.Strings(shapes)
	for _, shape := range shapes {
		p := by[shape]
		best, at := 0, 0
		w.each(shape, p, func(key uint64, i int) {
			if n := w.count[key]; n > best {
				best, at = n, i
			}
		})
		if best >= widenFrom {
			delete(by, shape)
			joined(by, without(shape, at), p)
		}
	}
}

// widener counts the patterns that are alike without one word.
type widener struct {
	seed  maphash.Seed
	count map[uint64]int
}

// each calls do for every word that may vary, with a key that patterns share which
// differ in it only.
func (w *widener) each(shape string, p *EventPattern, do func(key uint64, i int)) {
	words := strings.Split(shape, " ")
	if len(words) < 2 {
		return
	}
	var h maphash.Hash
	h.SetSeed(w.seed)
	for i, word := range words[:min(len(words), widenWords)] {
		if !maybeName(word) {
			continue
		}
		h.Reset()
		h.WriteString(p.Context)
		h.WriteByte(byte(p.Level))
		h.WriteByte(byte(i))
		for k, other := range words {
			if k != i {
				h.WriteString(other)
			}
			h.WriteByte(' ')
		}
		do(h.Sum64(), i)
	}
}

// maybeName tells a word that may be a name from paths and pairs of key and value.
func maybeName(word string) bool {
	return word != "" && !strings.ContainsAny(word, "/=\x01\x02\x03\x04")
}

// without is a shape with a mark in the place of one word.
func without(shape string, at int) string {
	words := strings.Split(shape, " ")
	words[at] = string(rune(slotWord))
	return strings.Join(words, " ")
}

// joined adds a pattern to the one of a shape.
func joined(by map[string]*EventPattern, shape string, p *EventPattern) {
	to := by[shape]
	if to == nil {
		p.Text, p.Literal = readable(shape), literalOf(shape)
		by[shape] = p
		return
	}
	to.Count += p.Count
	to.Now += p.Now
	to.Before += p.Before
	to.Level = max(to.Level, p.Level)
	to.Critical = to.Critical || p.Critical
	if !p.First.IsZero() && (to.First.IsZero() || p.First.Before(to.First)) {
		to.First = p.First
	}
	if p.Last.After(to.Last) {
		to.Last = p.Last
	}
}
