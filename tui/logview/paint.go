package logview

import (
	"cmp"
	"slices"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/ops/logs/query"
	"opsdeck/tui/widget"
)

// stroke is a piece of a text that is painted.
type stroke struct {
	query.Span
	ink widget.Ink
}

// painter finds what else of a text is painted, besides the search's matches; may be nil.
type painter func(text string) []stroke

// lit paints what a highlight finds in a text; all of it where its query has no words.
func (k *kept) lit(i int) painter {
	if i < 0 || k.ready[i] == nil {
		return nil
	}
	q := k.ready[i]
	ink := k.ink(i)
	return func(text string) (out []stroke) {
		if !q.HasText() {
			return []stroke{{query.Span{To: len(text)}, ink}}
		}
		for _, s := range q.Spans(text) {
			out = append(out, stroke{s, ink})
		}
		return out
	}
}

// highlight cuts a text to a width with the query's matches bright; where the
// first match lies beyond, the text is shown from before it.
func (p *asking) highlight(text string, width int, more painter) string {
	safe := oneLine(text)
	var spans []query.Span
	if p.asked.HasText() {
		spans = p.asked.Spans(safe)
	}
	if len(spans) > 0 {
		if from := p.beginning(safe, spans[0], width); from > 0 {
			safe = p.look.env.Theme.Glyph.Ellipsis + safe[from:]
			for i := range spans {
				spans[i].From += len(p.look.env.Theme.Glyph.Ellipsis) - from
				spans[i].To += len(p.look.env.Theme.Glyph.Ellipsis) - from
			}
		}
	}
	var all []stroke
	for _, s := range spans {
		all = append(all, stroke{s, p.look.ink.match})
	}
	if more != nil {
		all = append(all, without(more(safe), spans)...)
		slices.SortFunc(all, func(a, b stroke) int { return cmp.Compare(a.From, b.From) })
	}
	return cells.Cut(painted(safe, all), width)
}

// beginning is where a text is shown from so that a match is seen.
func (p *asking) beginning(safe string, first query.Span, width int) int {
	if cells.Width(safe[:first.To]) <= width-1 || cells.Width(safe) <= width {
		return 0
	}
	from := first.From
	for from > 0 && cells.Width(safe[from:first.To]) < width/3 {
		from--
		for from > 0 && safe[from]&0xc0 == 0x80 {
			from--
		}
	}
	return from
}

// without are the parts of strokes that lie outside of spans, which are in order.
func without(strokes []stroke, spans []query.Span) (out []stroke) {
	for _, s := range strokes {
		for _, hole := range spans {
			if hole.From > s.From && hole.From < s.To {
				out = append(out, stroke{query.Span{From: s.From, To: hole.From}, s.ink})
			}
			if hole.To > s.From && hole.From < s.To {
				s.From = min(hole.To, s.To)
			}
		}
		if s.From < s.To {
			out = append(out, s)
		}
	}
	return out
}

// painted paints the strokes, which are in order.
func painted(text string, strokes []stroke) string {
	var b strings.Builder
	at := 0
	for _, s := range strokes {
		if s.From < at || s.To > len(text) {
			continue
		}
		b.WriteString(text[at:s.From])
		b.WriteString(s.ink.Paint(text[s.From:s.To]))
		at = s.To
	}
	return b.String() + text[at:]
}
