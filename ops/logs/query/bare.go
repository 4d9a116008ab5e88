package query

import (
	"regexp"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/spelling"
	"opsdeck/ops/logs/line"
)

// bareField is a word such as orderId=456 or data.orderId=456.
var bareField = regexp.MustCompile(`^(!?)([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)=([^=<>~\s]+)$`)

// bareNumber is a word such as elapsed>1.5s or data.size<=3kB.
var bareNumber = regexp.MustCompile(`^(!?)([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)(>=|<=|>|<)(-?[\d.]+\pL*)$`)

// compared takes a word that compares a field, or a value after its name in the text, with
// a number.
func (p *queryParser) compared(w word) (done bool) {
	m := bareNumber.FindStringSubmatch(w.text)
	if m == nil || p.bar {
		return false
	}
	name := strings.TrimPrefix(m[2], "field.")
	if _, _, ok := line.Quantity(m[4]); !ok {
		return false
	}
	p.field(FieldTest{Not: m[1] == "!", Name: name, Op: m[3], Value: m[4], Pos: w.pos})
	p.group, p.bar = false, false
	return true
}

// field takes a test of a field. A comparison with a number also finds the value after its
// name in the text of an event that has no such field.
func (p *queryParser) field(t FieldTest) {
	if _, _, ok := line.Quantity(t.Value); ok && strings.ContainsAny(t.Op, "<>") {
		// A name that is not UTF-8 is in no text.
		t.text, _ = regexp.Compile(line.ValueOf(t.Name))
	}
	p.q.Fields = append(p.q.Fields, t)
}

// bare takes a word that is a field's name and its value: it finds orderId=456 as written,
// and "orderId":456 in JSON, however deep. A name with points needs its parts in that order.
// done is false for any other word.
func (p *queryParser) bare(w word) (done bool) {
	m := bareField.FindStringSubmatch(w.text)
	if m == nil || p.bar {
		return false
	}
	name := m[2]
	value := strings.Trim(m[3], `"'`)
	if value == "" {
		return false
	}
	parts := strings.Split(name, ".")
	last := parts[len(parts)-1]
	var json strings.Builder
	for _, part := range parts[:len(parts)-1] {
		json.WriteString(`"` + regexp.QuoteMeta(part) + `"\s*:\s*\{.*?`)
	}
	v := regexp.QuoteMeta(value)
	json.WriteString(`"` + regexp.QuoteMeta(last) + `"\s*:\s*(?:"` + v + `"|` + v + `\s*(?:[,}\]]|$))`)
	text := `(?:^|[^\w.])` + regexp.QuoteMeta(name) + `=["']?` + v + `(?:["'\s,;&)\]}]|$)|` + json.String()
	if smartFold(w.text) {
		text = "(?i)" + text
	}
	t, err := RegexpTerm(text)
	if err != nil {
		return false
	}
	if t.Not = m[1] == "!"; !t.Not {
		// The name alone rules most lines out before the expression is tried.
		p.q.Groups = append(p.q.Groups, []Term{{Kind: TermExact, Text: last, Fold: smartFold(w.text)}})
	}
	p.q.Groups = append(p.q.Groups, []Term{t})
	p.q.Named = append(p.q.Named, name)
	p.group, p.bar = false, false
	return true
}

// FieldNames are the names of fields that the query asks for.
func (q *Query) FieldNames() []string {
	names := append([]string(nil), q.Named...)
	for _, f := range q.Fields {
		names = append(names, f.Name)
	}
	return names
}

// expressionSigns are what a regular expression has and text seldom does.
var expressionSigns = []string{".*", ".+", `\d`, `\w`, `\s`, `\b`, "[0-9", "[a-z", "(?", "]+", "]*"}

// keyed is a word that looks as if it asked for a field: user:5.
var keyedWord = regexp.MustCompile(`^!?([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*):([^/:\s][^:\s]*)$`)

// Unkeyed says of the first word such as user:5, whose key the language does not know, that it is
// looked for as text, and what asks for the field; empty where there is none.
func (q *Query) Unkeyed() lang.Msg {
	for _, w := range splitQuery(q.Source) {
		if isKeyed(w.text) {
			continue
		}
		if m := keyedWord.FindStringSubmatch(w.text); m != nil {
			return lang.M("%s is searched as text; %s finds the field (keys: %s)",
				w.text, fieldWord(m[1], m[2]), strings.Join(queryKeys, " "))
		}
	}
	return lang.Msg{}
}

// fieldTest is a test after field: as in field:took>1s.
var fieldTest = regexp.MustCompile(`^[A-Za-z_][\w.-]*(?:!=|>=|<=|[=<>~]).`)

// fieldWord is the word that finds a field for one such as user:5, elapsed:>1s or
// field:elapsed>1s.
func fieldWord(name, value string) string {
	if name == "field" && fieldTest.MatchString(value) {
		return "field." + value
	}
	if !strings.ContainsAny(value[:1], "=<>~") {
		value = "=" + value
	}
	return "field." + strings.TrimPrefix(name, "field.") + value
}

// Advice says what may be meant where a query finds nothing; it may be empty.
func (q *Query) Advice() lang.Msg {
	for _, w := range strings.Fields(q.Source) {
		if len(w) > 1 && (w[0] == '/' || strings.HasPrefix(w, "!/")) {
			continue
		}
		for _, s := range expressionSigns {
			if strings.Contains(w, s) {
				return lang.M("words are text; for a regular expression write /%s/ or use --regexp", w)
			}
		}
	}
	return q.Unkeyed()
}

// Near are those of names that a person may have meant by one: another case, the end of a
// nested name, or up to two letters apart; the nearest first.
func Near(name string, names []string) (out []string) {
	best := 3
	for _, n := range names {
		d := spelling.Distance(strings.ToLower(name), strings.ToLower(n))
		if strings.HasSuffix(strings.ToLower(n), "."+strings.ToLower(name)) {
			d = 0
		}
		switch {
		case n == name || d > 2 || d >= len(name):
		case d < best:
			best = d
			out = append([]string{n}, out...)
		default:
			out = append(out, n)
		}
	}
	return out[:min(len(out), 3)]
}
