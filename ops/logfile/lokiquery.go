package logfile

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"opsdeck/internal/pattern"
	"opsdeck/ops/logs/query"
)

// Filter is the part of a query that a source can evaluate itself. Its results are
// filtered again here, so it may let through too much, never too little.
type Filter struct {
	Since, Until time.Time
	Contains     []string // texts that every line contains literally
	Matches      []string // regular expressions that every line matches

	// Likely are regular expressions for words that the line itself may not contain, because a
	// time is put in front of a line without one. A search without any other narrowing may use
	// them to find some lines, never to find all.
	Likely []string
}

// ofTime matches a run of letters and digits that a time in front of a line may contain,
// such as 2006-01-02T15:04:05.000Z: parts of a year, a day with its hour, a two-digit
// number, ms.
var ofTime = pattern.New(`^(?:(?:19|20|21)\d\d|\d{1,3}|\d{0,2}[Tt]\d{0,2}|\d{0,3}[Zz])$`)

// number matches a number that is meant literally, such as an HTTP status: nobody means
// the milliseconds of a time by it.
var number = pattern.New(`^\d{3}$`)

// timeSigns are the characters of such a time, in any case.
const timeSigns = "0123456789-:.TtZz "

// Push extracts the part of a query that a source may evaluate itself.
func Push(q *query.Query) Filter {
	f := Filter{Since: q.Since, Until: q.Until}
	for _, g := range q.Groups {
		if len(g) == 1 && !g[0].Not {
			f.push(&g[0])
		}
	}
	return f
}

// push adds a word. Lines may contain colour codes, which a person does not see, so only
// parts that no code can interrupt are requested: runs of letters and digits.
func (f *Filter) push(t *query.Term) {
	switch {
	case t.Kind == query.TermRegexp:
		f.pieces(t.Literal(), false)
	case t.Kind == query.TermFuzzy:
		// The start of the word may match the time in front of the line.
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

// scattered matches the letters of a word in order.
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

// narrows reports whether the filter excludes lines by something other than their time.
func (f *Filter) narrows() bool { return len(f.Contains)+len(f.Matches) > 0 }

// logQL is the selector with the conditions on lines.
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
