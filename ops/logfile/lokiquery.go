package logfile

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"opsdeck/ops/logs/query"
)

// Filter is the part of a query that a source can do itself. What it lets
// through is looked at again, so it may let through too much, never too little.
type Filter struct {
	Since, Until time.Time
	Contains     []string // texts that every line holds as they stand
	Matches      []string // regular expressions that every line matches
}

// Push takes out of a query what a source may do itself.
func Push(q *query.Query) Filter {
	f := Filter{Since: q.Since, Until: q.Until}
	for _, g := range q.Groups {
		if len(g) == 1 && !g[0].Not {
			f.push(&g[0])
		}
	}
	return f
}

// push takes a word. Lines may hold colour codes, which a person does not see, so
// only what no code stands within is asked for: runs of letters and digits.
func (f *Filter) push(t *query.Term) {
	switch {
	case t.Kind == query.TermRegexp:
		f.pieces(t.Literal(), false)
	case t.Kind == query.TermFuzzy:
		var parts []string
		for _, r := range t.Text {
			parts = append(parts, regexp.QuoteMeta(string(r)))
		}
		f.Matches = append(f.Matches, folded(strings.Join(parts, ".*"), t.Fold))
	default:
		f.pieces(t.Text, t.Fold)
	}
}

func (f *Filter) pieces(text string, fold bool) {
	for _, piece := range strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) &&
			!unicode.IsDigit(r)
	}) {
		switch {
		case len(piece) < 2:
		case fold:
			f.Matches = append(f.Matches, folded(regexp.QuoteMeta(piece), true))
		default:
			f.Contains = append(f.Contains, piece)
		}
	}
}

func folded(re string, fold bool) string {
	if fold {
		return "(?i)" + re
	}
	return re
}

// narrows tells whether the filter leaves lines out, but by their time.
func (f *Filter) narrows() bool { return len(f.Contains)+len(f.Matches) > 0 }

// logQL is the selector with what lines must hold.
func (f *Filter) logQL(selector string) string {
	q := selector
	for _, text := range f.Contains {
		q += " |= " + strconv.Quote(text)
	}
	for _, re := range f.Matches {
		q += " |~ " + strconv.Quote(re)
	}
	return q
}
