package query

import (
	"bytes"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	logline "opsdeck/ops/logs/line"
)

// Verdict is what a shape tells about all its lines.
type Verdict int8

const (
	UnknownYet Verdict = iota
	No
	Maybe // the line's own text decides
	Yes
)

func (v Verdict) not() Verdict {
	switch v {
	case Yes:
		return No
	case No:
		return Yes
	}
	return v
}

// TextVerdict tells whether the words of a query match the lines of a shape, and
// which groups of words the lines' own text has to decide, a bit for each.
func (q *Query) TextVerdict(s *logline.Shape) (all Verdict, left uint64) {
	if s.Opaque && q.HasText() {
		return Maybe, ^uint64(0)
	}
	all = Yes
	for k, group := range q.Groups {
		one := No
		for i := range group {
			one = max(one, group[i].verdict(s.Text))
		}
		if one == Maybe && k < 64 {
			left |= 1 << k
		}
		all = min(all, one)
	}
	return all, left
}

func (t *Term) verdict(text []byte) Verdict {
	v := t.findIn(text)
	if t.Not {
		return v.not()
	}
	return v
}

func (t *Term) findIn(text []byte) Verdict {
	if strings.ContainsAny(t.Text, "\x01\x02\x03") || strings.ContainsRune(t.Text, utf8.RuneError) {
		return Maybe // bytes that are no character are all alike, also those within a mark
	}
	switch t.Kind {
	case TermFuzzy:
		return fuzzyVerdict(text, t.Text, t.Fold)
	case TermExact:
		return exactVerdict(text, t.Text, t.Fold)
	case TermRegexp:
		if lit := t.Literal(); lit != "" && exactVerdict(text, lit, false) == No {
			return No
		}
		return Maybe
	}
	// An anchored word is at least in the line.
	if exactVerdict(text, t.Text, t.Fold) == No {
		return No
	}
	return Maybe
}

// fits tells whether what a mark stands for may hold a character.
func fits(mark byte, r rune) bool {
	switch {
	case r >= 0x80:
		return mark == logline.SlotTime && (r == 0x202f || r == 0xa0) // a space before PM
	case mark == logline.SlotDigits:
		return logline.Digit(byte(r))
	case mark == logline.SlotID:
		return logline.Alnum[r] || r == '-'
	}
	return logline.Digit(byte(r)) || strings.ContainsRune("TZ:.,+-/_ tzAPMapm", r)
}

// fuzzyVerdict looks for the word with nothing and with everything in the marks.
func fuzzyVerdict(text []byte, word string, fold bool) Verdict {
	line := string(text)
	if _, ok := fuzzy(line, word, fold, nil); ok {
		return Yes
	}
	for _, r := range line {
		if r >= rune(logline.SlotDigits) && r <= rune(logline.SlotID) {
			for word != "" {
				want, n := utf8.DecodeRuneInString(word)
				if !fits(byte(r), want) {
					break
				}
				word = word[n:]
			}
		}
		want, n := utf8.DecodeRuneInString(word)
		if fold {
			r = foldRune(r)
		}
		if word != "" && r == want {
			word = word[n:]
		}
	}
	if word == "" {
		return Maybe
	}
	return No
}

// exactVerdict looks for the word between the marks, then for its pieces that no
// mark can hold.
func exactVerdict(text []byte, word string, fold bool) Verdict {
	line := string(text)
	if index(line, word, fold) >= 0 {
		return Yes
	}
	marks := bytes.ContainsAny(text, "\x01\x02\x03")
	if !marks {
		return No
	}
	if bytes.IndexByte(text, logline.SlotTime) >= 0 || bytes.IndexByte(text, logline.SlotID) >= 0 {
		for _, piece := range strings.FieldsFunc(word, func(r rune) bool {
			return fits(logline.SlotTime, r) ||
				fits(logline.SlotID, r)
		}) {
			if index(line, piece, fold) < 0 {
				return No
			}
		}
		return inTime(line, word, fold)
	}
	return digitsVerdict(line, word, fold)
}

// inTime decides, for a shape with times or ids, whether the word could lie
// partly in one.
func inTime(line, word string, fold bool) Verdict {
	if strings.IndexByte(line, logline.SlotID) >= 0 {
		return Maybe
	}
	// A time holds digits and a few letters, and ends in at most those letters:
	// what is left of a piece without them stands outside.
	for _, w := range strings.FieldsFunc(word, func(r rune) bool {
		return fits(logline.SlotTime, r) &&
			!letterRune(r)
	}) {
		if w = strings.TrimLeftFunc(w, func(r rune) bool { return fits(logline.SlotTime, r) }); index(
			line,
			w,
			fold,
		) < 0 {
			return No
		}
	}
	return Maybe
}

func letterRune(r rune) bool { return r < 0x80 && logline.Letter(byte(r)) }

func digitsVerdict(line, word string, fold bool) Verdict {
	if strings.IndexFunc(word, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
		return No
	}
	for _, piece := range strings.FieldsFunc(word, func(r rune) bool { return r >= '0' && r <= '9' }) {
		if index(line, piece, fold) < 0 {
			return No
		}
	}
	return Maybe
}

// Literal is a text that every match of the regular expression holds, or "".
func (t *Term) Literal() string {
	re, err := syntax.Parse(t.Re.String(), syntax.Perl)
	if err != nil {
		return ""
	}
	return longest(re.Simplify())
}

func longest(re *syntax.Regexp) (best string) {
	if re.Flags&syntax.FoldCase != 0 && re.Op == syntax.OpLiteral {
		return ""
	}
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return longest(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if lit := longest(sub); len(lit) > len(best) {
				best = lit
			}
		}
	}
	return best
}

// EventVerdict tells what the query asks of the event, but for the time and what
// any of its lines may say, by the shape of its head.
func (q *Query) EventVerdict(s *logline.Shape) Verdict {
	v := Yes
	if q.Levels != 0 && !q.Levels.Has(s.Level) {
		return No
	}
	if len(q.Contexts) > 0 {
		switch {
		case s.Varies:
			v = Maybe
		case !matchAll(q.Contexts, s.Context):
			return No
		}
	}
	for i := range q.Heads {
		if s.Opaque {
			v = min(v, Maybe)
		} else {
			v = min(v, q.Heads[i].verdict(s.Text))
		}
	}
	if len(q.Fields) > 0 {
		v = min(v, Maybe)
	}
	return v
}
