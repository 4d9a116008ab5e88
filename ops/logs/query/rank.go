package query

import (
	"container/heap"
	"strings"

	logline "opsdeck/ops/logs/line"
)

// Rank is how well a line fits the words of a query; less is better. A line that
// holds them as one text comes before one that holds each word somewhere, and
// that before one that only has their letters in order. Within these, whole
// words come before parts of words, and letters close together before letters
// far apart.
type Rank uint32

// The parts of a rank.
const (
	rankWords    Rank = 1 << 20 // each word somewhere
	rankFuzzy    Rank = 2 << 20 // letters in order
	rankPart     Rank = 1 << 16 // a part of a longer word
	rankFarthest Rank = 1<<16 - 1
)

// Rank ranks a line that the query matches, as a person sees it.
func (q *Query) Rank(line string) Rank {
	phrase, words := q.phrase()
	if words > 0 && phrase != "" {
		fold := smartFold(phrase)
		if i := index(line, phrase, fold); i >= 0 {
			return wholeWord(line, phrase, fold, i)
		}
	}
	var worst, far Rank
	for _, group := range q.Groups {
		r := rankFuzzy + rankFarthest
		for i := range group {
			r = min(r, group[i].rank(line))
		}
		worst = max(worst, r&^rankFarthest)
		far += r & rankFarthest
	}
	if words > 1 && worst < rankWords {
		worst += rankWords
	}
	return worst + min(far, rankFarthest)
}

// phrase is the query's words as they were typed, when they are plain words.
func (q *Query) phrase() (text string, words int) {
	var all []string
	for _, g := range q.Groups {
		t := g[0]
		switch {
		case t.Not:
			continue
		case len(g) > 1 || t.Kind != TermFuzzy && t.Kind != TermExact:
			return "", 0
		}
		all = append(all, t.Text)
	}
	return strings.Join(all, " "), len(all)
}

// wholeWord tells a whole word from a part of one.
func wholeWord(line, word string, fold bool, i int) Rank {
	for i >= 0 {
		n := max(1, matchAt(line[i:], word, fold))
		if (i == 0 || !logline.Alnum[line[i-1]] || !logline.Alnum[line[i]]) &&
			(i+n >= len(line) || !logline.Alnum[line[i+n]] || !logline.Alnum[line[i+n-1]]) {
			return 0
		}
		next := index(line[i+n:], word, fold)
		if next < 0 {
			break
		}
		i += n + next
	}
	return rankPart
}

// rank ranks a line for one word; one that must not be there ranks well.
func (t *Term) rank(line string) Rank {
	switch {
	case t.Not:
		return 0
	case t.Kind != TermFuzzy && t.Kind != TermExact:
		if t.Match(line) {
			return 0
		}
		return rankFuzzy + rankFarthest
	}
	if i := index(line, t.Text, t.Fold); i >= 0 {
		return wholeWord(line, t.Text, t.Fold, i)
	}
	if t.Kind == TermExact {
		return rankFuzzy + rankFarthest
	}
	spans := fuzzySpans(line, t.Text, t.Fold)
	if len(spans) == 0 {
		return rankFuzzy + rankFarthest
	}
	gaps := Rank(0)
	for i := 1; i < len(spans); i++ {
		gaps += Rank(spans[i].From - spans[i-1].To)
	}
	return rankFuzzy + min(gaps, rankFarthest)
}

// Best keeps the best of many things: those with the least rank, and of equals
// those that came first. The zero value keeps none.
type Best[T any] struct {
	Keep int // how many
	heap rankHeap[T]
	n    int
}

type ranked[T any] struct {
	rank Rank
	nth  int
	what T
}

type rankHeap[T any] []ranked[T]

func (h rankHeap[T]) Len() int      { return len(h) }
func (h rankHeap[T]) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h rankHeap[T]) Less(i, j int) bool {
	if h[i].rank != h[j].rank {
		return h[i].rank > h[j].rank
	}
	return h[i].nth > h[j].nth
}
func (h *rankHeap[T]) Push(x any) { *h = append(*h, x.(ranked[T])) }
func (h *rankHeap[T]) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// Full tells that nothing of this rank that still comes can be among the best.
func (b *Best[T]) Full(r Rank) bool {
	return len(b.heap) >= b.Keep && (b.Keep == 0 || b.heap[0].rank <= r)
}

// Add takes one more thing.
func (b *Best[T]) Add(r Rank, what T) {
	b.n++
	if b.Full(r) {
		return
	}
	if len(b.heap) == b.Keep {
		heap.Pop(&b.heap)
	}
	heap.Push(&b.heap, ranked[T]{r, b.n, what})
}

// Sorted empties it and returns the best, the very best first.
func (b *Best[T]) Sorted() []T {
	out := make([]T, len(b.heap))
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = heap.Pop(&b.heap).(ranked[T]).what
	}
	return out
}
