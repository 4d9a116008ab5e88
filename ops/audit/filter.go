package audit

import (
	"strings"
	"time"
)

// Filter is what rows must be like: every term holds, and the time is in
// [Since, Until). A zero time is no bound.
type Filter struct {
	Terms        []Term
	Since, Until time.Time
}

// Op is what a term asks.
type Op int

// What a term can ask.
const (
	Is       Op = iota // the field is one of Any
	Resource           // the resource is one of Any: Match the type, Sub the id
	Contains           // some text of the row contains Any[0]
	Changed            // the change touched one of the JSON paths Any
)

// Term is one condition; Not turns it round, and then rows whose field is NULL
// are among the result.
type Term struct {
	Op    Op
	Field Field
	Any   []Match
	Not   bool
}

// Match is one value asked for: the parts of the text between its wildcards.
// One part means the text itself.
type Match struct {
	Parts []string
	Null  bool   // asks for NULL
	Sub   *Match // a resource's id; nil for any
}

// Exactly matches one text without wildcards.
func Exactly(text string) Match { return Match{Parts: []string{text}} }

// Wild tells whether the match has wildcards.
func (m Match) Wild() bool { return len(m.Parts) > 1 }

// Text is the match as text, with its wildcards.
func (m Match) Text() string { return strings.Join(m.Parts, "*") }

// Like is the match as a pattern of LIKE with '!' as its escape character.
func (m Match) Like() string {
	escaped := make([]string, len(m.Parts))
	for i, p := range m.Parts {
		escaped[i] = likeEscapes.Replace(p)
	}
	return strings.Join(escaped, "%")
}

var likeEscapes = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// Zero tells whether the filter lets every row through.
func (f Filter) Zero() bool { return len(f.Terms) == 0 && f.Since.IsZero() && f.Until.IsZero() }

// Span is the filter's time on the clock of the layout's time column: rows
// with since ≤ stamp < until.
func (f Filter) Span(l *Layout) (since, until Stamp) {
	return wallSpan(f.Since, f.Until, l.Zone)
}

// TextFields are the fields that Contains looks at, where the table has them.
func (l *Layout) TextFields() []Field {
	var out []Field
	for f := UserName; int(f) < NumFields; f++ {
		if l.Has(f) {
			out = append(out, f)
		}
	}
	return out
}

// Accept tells whether a row passes the filter, for rows that no server
// filters. Upper and lower case are the same here.
func (f Filter) Accept(l *Layout, r *Row) bool {
	since, until := f.Span(l)
	if since != NoStamp && r.At < since || until != MaxStamp && (r.At >= until || r.At == NoStamp) {
		return false
	}
	for _, t := range f.Terms {
		if t.accept(l, r) == t.Not {
			return false
		}
	}
	return true
}

func (t Term) accept(l *Layout, r *Row) bool {
	switch t.Op {
	case Contains:
		return containsAny(l, r, t.Any[0].Parts[0])
	case Changed:
		for _, m := range t.Any {
			if touched(r, m.Text()) {
				return true
			}
		}
		return false
	}
	for _, m := range t.Any {
		if t.Op == Is && m.accept(r.Values[t.Field]) {
			return true
		}
		if t.Op == Resource && m.accept(r.Values[ResourceType]) &&
			(m.Sub == nil || m.Sub.accept(r.Values[ResourceID])) {
			return true
		}
	}
	return false
}

func (m Match) accept(v Value) bool {
	if m.Null || !v.Valid {
		return m.Null && !v.Valid
	}
	if !m.Wild() {
		return strings.EqualFold(v.Text, m.Parts[0])
	}
	return glob(strings.ToLower(v.Text), m.Parts)
}

// glob matches text against parts with anything between them; greedy from the
// left is right because only the last part is anchored at the end.
func glob(text string, parts []string) bool {
	first := strings.ToLower(parts[0])
	last := strings.ToLower(parts[len(parts)-1])
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, strings.ToLower(p))
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, last)
}

func containsAny(l *Layout, r *Row, part string) bool {
	part = strings.ToLower(part)
	for _, f := range l.TextFields() {
		if v := r.Values[f]; v.Valid && strings.Contains(strings.ToLower(v.Text), part) {
			return true
		}
	}
	return false
}
