package logs

import (
	"bytes"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// verdict is what a shape tells about all its lines.
type verdict int8

const (
	unknownYet verdict = iota
	no
	maybe // the line's own text decides
	yes
)

func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return v
}

// textVerdict tells whether the words of a query match the lines of a shape, and
// which groups of words the lines' own text has to decide, a bit for each.
func (q *Query) textVerdict(s *Shape) (all verdict, left uint64) {
	if s.opaque && q.HasText() {
		return maybe, ^uint64(0)
	}
	all = yes
	for k, group := range q.Groups {
		one := no
		for i := range group {
			one = max(one, group[i].verdict(s.Text))
		}
		if one == maybe && k < 64 {
			left |= 1 << k
		}
		all = min(all, one)
	}
	return all, left
}

func (t *Term) verdict(text []byte) verdict {
	v := t.findIn(text)
	if t.Not {
		return v.not()
	}
	return v
}

func (t *Term) findIn(text []byte) verdict {
	if strings.ContainsAny(t.Text, "\x01\x02\x03") || strings.ContainsRune(t.Text, utf8.RuneError) {
		return maybe // bytes that are no character are all alike, also those within a mark
	}
	switch t.Kind {
	case TermFuzzy:
		return fuzzyVerdict(text, t.Text, t.Fold)
	case TermExact:
		return exactVerdict(text, t.Text, t.Fold)
	case TermRegexp:
		if lit := t.Literal(); lit != "" && exactVerdict(text, lit, false) == no {
			return no
		}
		return maybe
	}
	// An anchored word is at least in the line.
	if exactVerdict(text, t.Text, t.Fold) == no {
		return no
	}
	return maybe
}

// fits tells whether what a mark stands for may hold a character.
func fits(mark byte, r rune) bool {
	switch {
	case r >= 0x80:
		return mark == slotTime && r == 0x202f // the narrow space before PM
	case mark == slotDigits:
		return digit(byte(r))
	case mark == slotID:
		return alnum[r] || r == '-'
	}
	return digit(byte(r)) || strings.ContainsRune("TZ:.,+-/ tzAPMapmUuCc", r)
}

// fuzzyVerdict looks for the word with nothing and with everything in the marks.
func fuzzyVerdict(text []byte, word string, fold bool) verdict {
	line := string(text)
	if _, ok := fuzzy(line, word, fold, nil); ok {
		return yes
	}
	for _, r := range line {
		if r >= rune(slotDigits) && r <= rune(slotID) {
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
		return maybe
	}
	return no
}

// exactVerdict looks for the word between the marks, then for its pieces that no
// mark can hold.
func exactVerdict(text []byte, word string, fold bool) verdict {
	line := string(text)
	if index(line, word, fold) >= 0 {
		return yes
	}
	marks := bytes.ContainsAny(text, "\x01\x02\x03")
	if !marks {
		return no
	}
	if bytes.IndexByte(text, slotTime) >= 0 || bytes.IndexByte(text, slotID) >= 0 {
		for _, piece := range strings.FieldsFunc(word, func(r rune) bool { return fits(slotTime, r) || fits(slotID, r) }) {
			if index(line, piece, fold) < 0 {
				return no
			}
		}
		return inTime(line, word, fold)
	}
	return digitsVerdict(line, word, fold)
}

// inTime decides, for a shape with times or ids, whether the word could lie
// partly in one.
func inTime(line, word string, fold bool) verdict {
	if strings.IndexByte(line, slotID) >= 0 {
		return maybe
	}
	// A time holds digits and a few letters, and ends in at most those letters:
	// what is left of a piece without them stands outside.
	for _, w := range strings.FieldsFunc(word, func(r rune) bool { return fits(slotTime, r) && !letterRune(r) }) {
		if w = strings.TrimLeftFunc(w, func(r rune) bool { return fits(slotTime, r) }); index(line, w, fold) < 0 {
			return no
		}
	}
	return maybe
}

func letterRune(r rune) bool { return r < 0x80 && letter(byte(r)) }

func digitsVerdict(line, word string, fold bool) verdict {
	if strings.IndexFunc(word, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
		return no
	}
	for _, piece := range strings.FieldsFunc(word, func(r rune) bool { return r >= '0' && r <= '9' }) {
		if index(line, piece, fold) < 0 {
			return no
		}
	}
	return maybe
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

// eventVerdict tells what the query asks of the event, but for the time and what
// any of its lines may say, by the shape of its head.
func (q *Query) eventVerdict(s *Shape) verdict {
	v := yes
	if q.Levels != 0 && !q.Levels.Has(s.Level) {
		return no
	}
	if len(q.Contexts) > 0 {
		switch {
		case s.varies:
			v = maybe
		case !matchAll(q.Contexts, s.Context):
			return no
		}
	}
	for i := range q.Heads {
		if s.opaque {
			v = min(v, maybe)
		} else {
			v = min(v, q.Heads[i].verdict(s.Text))
		}
	}
	if len(q.Fields) > 0 {
		v = min(v, maybe)
	}
	return v
}
