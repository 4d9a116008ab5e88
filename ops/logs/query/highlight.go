package query

import (
	"sort"
	"unicode/utf8"
)

// Span is a piece of a line, in bytes.
type Span struct{ From, To int }

// Spans are the pieces of a line that the words of the query matched, in order
// and apart, to be shown bright.
func (q *Query) Spans(line string) []Span {
	var all []Span
	for _, group := range q.Groups {
		for i := range group {
			if !group[i].Not {
				all = append(all, group[i].spans(line)...)
			}
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].From < all[j].From })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

func (t *Term) spans(line string) (out []Span) {
	switch t.Kind {
	case TermRegexp:
		for _, m := range t.Re.FindAllStringIndex(line, 50) {
			if m[1] > m[0] {
				out = append(out, Span{m[0], m[1]})
			}
		}
		return out
	case TermFuzzy:
		return fuzzySpans(line, t.Text, t.Fold)
	}
	for at := 0; at < len(line) && len(out) < 50; {
		i := index(line[at:], t.Text, t.Fold)
		if i < 0 || t.Text == "" {
			break
		}
		n := matchAt(line[at+i:], t.Text, t.Fold)
		out = append(out, Span{at + i, at + i + n})
		at += i + max(n, 1)
	}
	return out
}

// fuzzySpans finds a short place for a fuzzy word, as fzf's first algorithm
// does: the first match's end, then backwards from there. A place where the word
// stands as it is wins.
func fuzzySpans(line, word string, fold bool) (out []Span) {
	if i := index(line, word, fold); i >= 0 {
		return []Span{{i, i + matchAt(line[i:], word, fold)}}
	}
	pos, ok := fuzzy(line, word, fold, []int{})
	if !ok || len(pos) == 0 {
		return nil
	}
	at := pos[len(pos)-1]
	_, n := utf8.DecodeRuneInString(line[at:])
	at += n
	for word != "" {
		want, n := utf8.DecodeLastRuneInString(word)
		r, size := utf8.DecodeLastRuneInString(line[:at])
		at -= size
		if fold {
			r = foldRune(r)
		}
		if r == want {
			out = append(out, Span{at, at + size})
			word = word[:len(word)-n]
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
