// Package query reads what a person asks of logs, and tells whether a line or a shape of lines answers it.
package query

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
)

// TermKind is how a word of a query is looked for in a line.
type TermKind uint8

// The kinds, in the notation of fzf, and a regular expression between slashes.
const (
	TermFuzzy  TermKind = iota // word: its characters in this order
	TermExact                  // 'word: the word as it stands
	TermPrefix                 // ^word
	TermSuffix                 // word$
	TermEqual                  // ^word$
	TermRegexp                 // /word/
)

// Term is one word of a query. Case matters when the word has a capital, as in
// fzf ("smart case"), unless Exact is asked for by a flag.
type Term struct {
	Kind TermKind
	Not  bool
	Text string // lower case when Fold
	Fold bool   // letters of either case match
	Re   *regexp.Regexp
}

// FieldTest compares a field of the event with a value.
type FieldTest struct {
	Not      bool
	Name, Op string // = != > < >= <= ~
	Value    string
	Pos      int
	text     *regexp.Regexp // finds the value in the text of an event that has no such field
}

// Query is what is looked for: every group of Terms must match the line by one
// of its alternatives, and all the rest must hold for the event.
type Query struct {
	Source   string // as it was typed
	Groups   [][]Term
	Levels   logs.LevelSet // 0: any
	Contexts []Pattern
	Sources  []Pattern
	Since    time.Time // zero: from the beginning
	Until    time.Time // exclusive; zero: to the end
	Fields   []FieldTest
	Named    []string // fields that are asked for as name=value, in the text
	Heads    []Term   // what the events' first lines hold, or do not
	Took     int64    // at least so many ms; 0: any
	Critical bool
	Worded   bool // plain words are looked for as they were typed, not by their letters

	// Kept filters, which index.Matcher alone looks at: events with a hit of one of Any, if
	// there is one, and with a hit of none of None.
	Any, None []*Query
	Off       []string // names of sources that are left out
}

// Pattern is a name with * for any text, in any case; several with commas.
type Pattern struct {
	Not   bool
	Globs []string // lower case
}

// Match tells whether a name fits.
func (p Pattern) Match(name string) bool {
	name = strings.ToLower(name)
	for _, g := range p.Globs {
		if glob(g, name) {
			return !p.Not
		}
	}
	return p.Not
}

// SourcesMatch tells whether a source is asked for: by its whole name, or by a file's
// name without its folder, of which a part without * is enough, as for --source.
func (q *Query) SourcesMatch(name string) bool {
	if slices.Contains(q.Off, name) {
		return false
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	stem, _, _ := strings.Cut(base, ".")
	for _, p := range q.Sources {
		any := Pattern{Globs: p.Globs}
		found := any.Match(name) || any.Match(base) || any.Match(stem) ||
			slices.ContainsFunc(p.Globs, func(g string) bool {
				return g != "" && !strings.Contains(g, "*") && strings.Contains(strings.ToLower(base), g)
			})
		if found == p.Not {
			return false
		}
	}
	return true
}

// ParsePattern reads "Order*,Ar*".
func ParsePattern(text string) Pattern {
	return Pattern{Globs: strings.Split(strings.ToLower(text), ",")}
}

// glob matches with * alone; it takes time in proportion to both lengths.
func glob(pattern, name string) bool {
	star := -1
	mark := 0
	i := 0
	j := 0
	for j < len(name) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && pattern[i] == name[j]:
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}

// HasText tells whether the query looks into the lines' text. A query that does
// not finds events, by their heads; one that does finds lines.
func (q *Query) HasText() bool { return len(q.Groups) > 0 }

// Empty tells whether everything is a hit.
func (q *Query) Empty() bool { return !q.HasText() && !q.HasTests() }

// Events is the query where whole events are shown for their lines: what must not
// stand in a line must not stand in its event's first line either, else the lines
// below bring back what was to be left out. A query of nothing else finds events.
func (q *Query) Events() *Query {
	out := *q
	out.Heads = slices.Clone(q.Heads)
	out.Groups = nil
	words := false
	for _, g := range q.Groups {
		if len(g) == 1 && g[0].Not {
			out.Heads = append(out.Heads, g[0])
		} else {
			words = true
		}
	}
	if words {
		out.Groups = q.Groups
	}
	return &out
}

// AsText is the query with its plain words looked for as they were typed, which fuzzy words
// would find among many lines that only have their letters in order. ok is false where there is no such word.
func (q *Query) AsText() (out *Query, ok bool) {
	worded := *q
	worded.Groups = make([][]Term, len(q.Groups))
	for i, g := range q.Groups {
		worded.Groups[i] = slices.Clone(g)
		for j := range g {
			if g[j].Kind == TermFuzzy && !g[j].Not {
				worded.Groups[i][j].Kind, worded.Worded = TermExact, true
			}
		}
	}
	return &worded, worded.Worded
}

// HasTests tells whether the query asks something of the event.
func (q *Query) HasTests() bool {
	return q.Levels != 0 || len(q.Contexts) > 0 || len(q.Sources) > 0 || !q.Since.IsZero() || !q.Until.IsZero() ||
		len(q.Fields) > 0 || len(q.Heads) > 0 || q.Took > 0 || q.Critical || q.Filtered()
}

// Filtered tells whether kept filters or sources that are off leave events out.
func (q *Query) Filtered() bool { return len(q.Any)+len(q.None)+len(q.Off) > 0 }

// Same tells whether two queries ask for the same by their words; Since and Until apart.
func (q *Query) Same(o *Query) bool {
	same := func(a, b []*Query) bool { return slices.EqualFunc(a, b, (*Query).Same) }
	return q.Source == o.Source && q.Worded == o.Worded && slices.Equal(q.Off, o.Off) &&
		same(q.Any, o.Any) && same(q.None, o.None)
}

// QueryError says what is wrong in a query and where: Pos to End, in bytes.
type QueryError struct {
	Pos, End int
	What     lang.Msg
}

// Error is the sentence in English with the place.
func (e *QueryError) Error() string { return fmt.Sprintf("query, at %d: %s", e.Pos+1, e.What) }

// ParseQuery reads the language of the query box. Words are separated by
// blanks; all must match, except alternatives with a lone | between them. Times
// are in now's zone. The error, if any, is a *QueryError; the query then holds
// what could be understood.
func ParseQuery(text string, now time.Time) (*Query, error) {
	q := &Query{Source: text}
	p := queryParser{q: q, now: now}
	for _, w := range splitQuery(text) {
		p.word(w)
	}
	if p.err != nil {
		return q, p.err
	}
	return q, nil
}

// word is one word of a query as it stands, and where.
type word struct {
	text     string
	pos, end int
}

// splitQuery splits at blanks, but not at one behind a backslash, inside a
// regular expression, or inside quotes that follow a key's colon.
func splitQuery(text string) (words []word) {
	for i := 0; i < len(text); {
		if text[i] == ' ' || text[i] == '\t' {
			i++
			continue
		}
		end := wordEnd(text, i)
		words = append(words, word{text[i:end], i, end})
		i = end
	}
	return words
}

func wordEnd(text string, i int) int {
	start := i
	if end := regexpEnd(text, i); end > 0 {
		return end
	}
	quoted := false
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
		case c == '"' && i > start && (quoted || strings.IndexByte(":=~<>", text[i-1]) >= 0 && isKeyed(text[start:i])):
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return i
		}
	}
	return len(text)
}

// regexpEnd finds the end of "/…/" or "!/…/" at i, or 0.
func regexpEnd(text string, i int) int {
	if text[i] == '!' {
		i++
	}
	if i+2 >= len(text) || text[i] != '/' {
		return 0
	}
	for j := i + 1; j < len(text); j++ {
		switch text[j] {
		case '\\':
			j++
		case '/':
			if j > i+1 && (j+1 == len(text) || text[j+1] == ' ') {
				return j + 1
			}
		}
	}
	return 0
}

type queryParser struct {
	q     *Query
	now   time.Time
	err   error
	group bool // a term came last, so | may follow
	bar   bool // | came last
}

func (p *queryParser) fail(w word, what lang.Msg) {
	if p.err == nil {
		p.err = &QueryError{Pos: w.pos, End: w.end, What: what}
	}
}

func (p *queryParser) word(w word) {
	if w.text == "|" && p.group && !p.bar {
		p.bar = true
		return
	}
	if p.keyed(w) {
		p.group, p.bar = false, false
		return
	}
	if p.bare(w) || p.compared(w) {
		return
	}
	t, ok, err := parseTerm(w.text)
	if err != nil {
		p.fail(w, lang.M("not a regular expression: %s", lang.Raw(err.Error())))
		return
	}
	if !ok {
		return
	}
	if p.bar && p.group {
		last := len(p.q.Groups) - 1
		p.q.Groups[last] = append(p.q.Groups[last], t)
	} else {
		p.q.Groups = append(p.q.Groups, []Term{t})
	}
	p.group, p.bar = true, false
}

// parseTerm reads a word as fzf does; ok is false for one with no text, such as
// a lone "!" that is still being typed.
func parseTerm(text string) (t Term, ok bool, err error) {
	if rest := strings.TrimPrefix(text, "!"); len(rest) > 2 && rest[0] == '/' && rest[len(rest)-1] == '/' {
		re, err := regexp.Compile(rest[1 : len(rest)-1])
		return Term{Kind: TermRegexp, Not: rest != text, Text: rest[1 : len(rest)-1], Re: re}, true, err
	}
	text = strings.ReplaceAll(text, `\ `, " ")
	if text, t.Not = strings.CutPrefix(text, "!"); t.Not {
		t.Kind = TermExact
	}
	if text != "$" && strings.HasSuffix(text, "$") {
		t.Kind = TermSuffix
		text = text[:len(text)-1]
	}
	switch {
	case strings.HasPrefix(text, "'"):
		text = text[1:]
		if t.Kind = TermExact; t.Not {
			t.Kind = TermFuzzy
		}
	case strings.HasPrefix(text, "^"):
		text = text[1:]
		if t.Kind == TermSuffix {
			t.Kind = TermEqual
		} else {
			t.Kind = TermPrefix
		}
	}
	t.Text = text
	t.Fold = smartFold(text)
	return t, text != "", nil
}

// smartFold tells whether a word is to match letters of either case.
func smartFold(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return foldRune(r) != r }) < 0
}

// ExactTerm looks for text as it stands, case and all.
func ExactTerm(text string) Term { return Term{Kind: TermExact, Text: text} }

// RegexpTerm looks for a regular expression of Go's syntax.
func RegexpTerm(text string) (Term, error) {
	re, err := regexp.Compile(text)
	return Term{Kind: TermRegexp, Text: text, Re: re}, err
}

// foldRune is the lower case of r. A letter outside ASCII never becomes one
// inside, so that the bytes of an ASCII word decide.
func foldRune(r rune) rune {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if l := unicode.ToLower(r); l >= 0x80 {
		return l
	}
	return r
}

// Saved is a named query of the configuration.
type Saved struct{ Name, Query string }
