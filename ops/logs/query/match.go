package query

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// MatchLine tells whether the words of the query match one line, as a person
// sees it. It is the plain form that every fast path is tested against.
func (q *Query) MatchLine(line string) bool {
	for _, group := range q.Groups {
		ok := false
		for _, t := range group {
			if t.Match(line) {
				ok = true
				break
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// Match tells whether the term matches the line.
func (t *Term) Match(line string) bool { return t.find(line) != t.Not }

func (t *Term) find(line string) bool {
	switch t.Kind {
	case TermRegexp:
		return t.Re.MatchString(line)
	case TermFuzzy:
		_, ok := fuzzy(line, t.Text, t.Fold, nil)
		return ok
	case TermExact:
		return index(line, t.Text, t.Fold) >= 0
	}
	return t.anchored(line)
}

// anchored is ^word, word$ and ^word$. As in fzf, blanks at the line's ends do
// not count unless the word has them too.
func (t *Term) anchored(line string) bool {
	if t.Kind != TermSuffix && !startsBlank(t.Text) {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
	}
	if t.Kind != TermPrefix && !endsBlank(t.Text) {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
	}
	switch t.Kind {
	case TermPrefix:
		return matchAt(line, t.Text, t.Fold) >= 0
	case TermEqual:
		return matchAt(line, t.Text, t.Fold) == len(line)
	}
	// A suffix: step back as many runes as the word has.
	i := len(line)
	for range utf8.RuneCountInString(t.Text) {
		_, n := utf8.DecodeLastRuneInString(line[:i])
		i -= n
	}
	return matchAt(line[i:], t.Text, t.Fold) == len(line)-i
}

func startsBlank(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

func endsBlank(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsSpace(r)
}

// fuzzy looks for the runes of word in this order, anywhere in line. With pos
// not nil it appends the byte offset of each.
func fuzzy(line, word string, fold bool, pos []int) ([]int, bool) {
	want, n := utf8.DecodeRuneInString(word)
	for i, r := range line {
		if fold {
			r = foldRune(r)
		}
		if r != want {
			continue
		}
		if pos != nil {
			pos = append(pos, i)
		}
		if word = word[n:]; word == "" {
			return pos, true
		}
		want, n = utf8.DecodeRuneInString(word)
	}
	return pos, word == ""
}

// index is strings.Index, in either case when fold; word is then lower case.
func index(line, word string, fold bool) int {
	if !fold {
		return strings.Index(line, word)
	}
	for i := 0; i < len(line); {
		if matchAt(line[i:], word, true) >= 0 {
			return i
		}
		_, n := utf8.DecodeRuneInString(line[i:])
		i += n
	}
	if word == "" {
		return 0
	}
	return -1
}

// matchAt tells how many bytes of line the word takes at its beginning, or -1.
func matchAt(line, word string, fold bool) int {
	if !fold {
		if strings.HasPrefix(line, word) {
			return len(word)
		}
		return -1
	}
	i := 0
	for _, want := range word {
		if i >= len(line) {
			return -1
		}
		r, n := utf8.DecodeRuneInString(line[i:])
		if foldRune(r) != want {
			return -1
		}
		i += n
	}
	return i
}

// AsksLines tells whether the query asks something that any line of an event may
// say.
func (q *Query) AsksLines() bool { return q.Critical || q.Took > 0 }

// MatchEvent tells whether what the query asks of the event holds. lines are those
// of the event as a person sees them.
func (q *Query) MatchEvent(e *logs.Event, lines []byte) bool {
	if q.Levels != 0 && !q.Levels.Has(e.Level) {
		return false
	}
	if !q.Since.IsZero() && (e.Time.IsZero() || e.Time.Before(q.Since)) {
		return false
	}
	if !q.Until.IsZero() && (e.Time.IsZero() || !e.Time.Before(q.Until)) {
		return false
	}
	if q.Critical && !line.IsCritical(lines) || q.Took > 0 && line.Took(lines) < q.Took {
		return false
	}
	return matchAll(q.Contexts, e.Context) && q.SourcesMatch(e.Source) && q.matchHeads(e) && q.matchFields(e)
}

func (q *Query) matchHeads(e *logs.Event) bool {
	if len(q.Heads) == 0 {
		return true
	}
	head, _, _ := strings.Cut(e.Raw, "\n")
	head = string(line.Visible([]byte(head), nil))
	for i := range q.Heads {
		if !q.Heads[i].Match(head) {
			return false
		}
	}
	return true
}

func matchAll(patterns []Pattern, name string) bool {
	for _, p := range patterns {
		if !p.Match(name) {
			return false
		}
	}
	return true
}

func (q *Query) matchFields(e *logs.Event) bool {
	for _, t := range q.Fields {
		v, ok := e.Field(t.Name)
		if !ok && t.text != nil {
			v, ok = t.inText(e.Raw)
		}
		if (ok && t.holds(v)) == t.Not {
			return false
		}
	}
	return true
}

// inText is the value after the test's name in a text.
func (t FieldTest) inText(raw string) (string, bool) {
	for i, v := range t.text.FindSubmatch(line.Visible([]byte(raw), nil)) {
		if i > 0 && len(v) > 0 {
			return string(v), true
		}
	}
	return "", false
}

// holds compares as numbers when both are, durations and sizes by what they count, else
// as text; = knows *. A number without a unit is compared as it is written.
func (t FieldTest) holds(v string) bool {
	switch t.Op {
	case "=":
		return glob(strings.ToLower(t.Value), strings.ToLower(v))
	case "!=":
		return !glob(strings.ToLower(t.Value), strings.ToLower(v))
	case "~":
		return strings.Contains(strings.ToLower(v), strings.ToLower(t.Value))
	}
	c := strings.Compare(v, t.Value)
	a, unitA, okA := line.Quantity(v)
	b, unitB, okB := line.Quantity(t.Value)
	if unitA == line.Plain {
		unitA = cmp.Or(line.UnitOf(t.Name), unitB)
	}
	if unitB == line.Plain {
		unitB = unitA
	}
	if okA && okB && unitA == unitB {
		c = cmp.Compare(a, b)
	}
	switch t.Op {
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	}
	return c <= 0
}
