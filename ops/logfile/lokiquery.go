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

	// Likely are regular expressions for words that the line itself may lack, since a time
	// that it does not say is put before it: a search that nothing else narrows may use them
	// to bring some lines, never to bring all.
	Likely []string
}

// ofTime is a run of letters and digits that a time put before a line may hold, as
// 2006-01-02T15:04:05.000Z: parts of a year, a day with its hour, a number of two digits, ms.
var ofTime = regexp.MustCompile(`^(?:(?:19|20|21)\d\d|\d{1,3}|\d{0,2}[Tt]\d{0,2}|\d{0,3}[Zz])$`)

// number is what is looked for as it is, such as a status of HTTP: nobody means the ms of
// a time by it.
var number = regexp.MustCompile(`^\d{3}$`)

// timeSigns are what such a time consists of, in any case.
const timeSigns = "0123456789-:.TtZz "

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
		// What comes first may be found in the time before the line.
		if sure := strings.TrimLeft(t.Text, timeSigns); sure != "" {
			f.Matches = append(f.Matches, scattered(sure, t.Fold))
		} else {
			f.Likely = append(f.Likely, scattered(t.Text, t.Fold))
		}
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
		case ofTime.MatchString(piece) && (piece != text || !number.MatchString(text)):
			f.Likely = append(f.Likely, folded(regexp.QuoteMeta(piece), fold))
		case fold:
			f.Matches = append(f.Matches, folded(regexp.QuoteMeta(piece), true))
		default:
			f.Contains = append(f.Contains, piece)
		}
	}
}

// scattered matches the letters of a word in their order.
func scattered(text string, fold bool) string {
	var parts []string
	for _, r := range text {
		parts = append(parts, regexp.QuoteMeta(string(r)))
	}
	return folded(strings.Join(parts, ".*"), fold)
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
