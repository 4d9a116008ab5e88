package line

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"opsdeck/internal/pattern"
	"opsdeck/ops/logs"
)

// Learned is a format proposed from a sample.
type Learned struct {
	Spec   FormatSpec
	Format *Format
	Lines  int // of the sample, without continuation lines
	Read   int // of those, lines that the format reads
	// Known is the number of lines that are read without it, with a time and a level.
	Known int
	// Open lists the words at the place of the level whose meaning is unknown.
	Open []string
}

// dateForm is an unusual time format and its layout; an empty layout means the usual
// ones.
type dateForm struct{ re, layout string }

var dateForms = withFractions([]dateForm{
	{`\d{4}[-/.]\d\d[-/.]\d\d[T _,]+\d\d:\d\d:\d\d(?:[.,:]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?`, ""},
	{`\d\d\.\d\d\.\d{4} - \d\d:\d\d:\d\d`, "02.01.2006 - 15:04:05"},
	{`\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d`, "02.01.2006 15:04:05"},
	{`\d\d\.\d\d\.\d\d \d\d:\d\d:\d\d`, "02.01.06 15:04:05"},
	{`\d\d-\d\d-\d{4} \d\d:\d\d:\d\d`, "02-01-2006 15:04:05"},
	{`\d\d/\d\d/\d{4}[ ,-]+\d\d:\d\d:\d\d`, ""},
	{`\d{4}-\d\d-\d\d \d\d[h.]\d\d[m.]\d\d`, "2006-01-02 15h04m05"},
	{`\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?:[.,]\d+)?`, ""},
	{`[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?`, ""},
	{`\d{4}年\d{1,2}月\d{1,2}日 ?\d{1,2}:\d\d:\d\d`, ""},
	{`\d{14}`, "20060102150405"},
	{`\d{8}[ T_-]\d{6}`, ""},
	{`1\d{9}(?:\.\d+)?`, ""},
	{`\d\d\d\d \d\d:\d\d:\d\d`, "0102 15:04:05"},
})

// withFractions puts before each layout that ends in seconds those with a fraction.
func withFractions(forms []dateForm) (out []dateForm) {
	for _, f := range forms {
		if strings.HasSuffix(f.layout, "05") {
			for _, mark := range []string{".", ","} {
				for _, digits := range []int{9, 6, 3} {
					out = append(out, dateForm{
						f.re + fmt.Sprintf(`[%s]\d{%d}\b`, mark, digits),
						f.layout + mark + strings.Repeat("0", digits),
					})
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// headTokens is how many bytes of a line count as its head.
const headTokens = 160

// Learn proposes a format for the lines of a sample; nil when most of them have no time.
// The pattern is what most lines have in common, up to the level and the text right
// after it.
func Learn(name string, lines [][]byte, p *Parser) *Learned {
	l := &Learned{}
	var heads [][]byte
	for _, line := range lines {
		if len(line) == 0 || line[0] == ' ' || line[0] == '\t' || !utf8.Valid(line) {
			continue
		}
		heads = append(heads, line)
		if e, kind := p.Parse(line); kind == KindHead && !e.Time.IsZero() && e.Level != logs.LevelUnknown {
			l.Known++
		}
	}
	l.Lines = len(heads)
	form, re := bestDate(heads)
	if re == nil {
		return nil
	}
	pattern, words := bestHead(heads, form, re)
	l.Spec = FormatSpec{Name: name, Pattern: pattern, Time: form.layout, Levels: map[string]string{}}
	if form.layout == "2006-01-02 15h04m05" {
		l.Spec.Time = layoutAs(heads, re)
	}
	for _, w := range words {
		if _, ok := levelWord(w); !ok && w != "" {
			l.Open = append(l.Open, w)
		}
	}
	f, err := NewFormat(l.Spec)
	if err != nil {
		return nil
	}
	l.Format = f
	for _, line := range heads {
		if _, ms, _, ok := f.read(p, line); ok && ms != Unset {
			l.Read++
		}
	}
	return l
}

// layoutAs is the layout with the separators that the lines use in their clock.
func layoutAs(heads [][]byte, re *regexp.Regexp) string {
	for _, h := range heads {
		if m := re.Find(h[:min(len(h), headTokens)]); m != nil {
			return fmt.Sprintf("2006-01-02 15%c04%c05", m[13], m[16])
		}
	}
	return ""
}

// bestDate is the time format that most lines have in their head.
func bestDate(heads [][]byte) (best dateForm, re *regexp.Regexp) {
	most := len(heads) / 2
	for _, form := range dateForms {
		r := regexp.MustCompile(form.re)
		n := 0
		for _, h := range heads {
			if r.Match(h[:min(len(h), headTokens)]) {
				n++
			}
		}
		if n > most {
			most = n
			best = form
			re = r
		}
	}
	return best, re
}

// head holds the parts of a line's head.
type head struct {
	pattern string
	level   string
}

// bestHead is the pattern that most lines have in common, and the words at the place of
// the level.
func bestHead(heads [][]byte, form dateForm, date *regexp.Regexp) (pattern string, levels []string) {
	votes := map[string]int{}
	words := map[string][]string{}
	for _, h := range heads {
		x, ok := headOf(h, form, date)
		if !ok {
			continue
		}
		votes[x.pattern]++
		if x.level != "" && !slices.Contains(words[x.pattern], x.level) {
			words[x.pattern] = append(words[x.pattern], x.level)
		}
	}
	best := ""
	for p, n := range votes {
		if n > votes[best] || n == votes[best] && p > best {
			best = p
		}
	}
	slices.Sort(words[best])
	return best, words[best]
}

var (
	word     = pattern.New(`^[\pL\pN_.$/-]+`)
	inWrap   = pattern.New(`^([\[({<])([\pL\d_]{1,12})([\])}>])`)
	wrapped  = pattern.New(`^([\[({<])([^\[\](){}<>]{1,60})([\])}>])`)
	nameMark = pattern.New(`^([\pL_][\pL\d_.$-]*)( - |: |#\d+ )`)
)

// headOf splits a line's head.
func headOf(line []byte, form dateForm, date *regexp.Regexp) (h head, ok bool) {
	at := date.FindIndex(line[:min(len(line), headTokens)])
	if at == nil {
		return h, false
	}
	var b strings.Builder
	general(&b, line[:at[0]])
	b.WriteString(`(?P<time>` + form.re + `)`)
	rest := line[at[1]:]
	for range 4 { // words before the level
		rest = skipMarks(&b, rest)
		if m := inWrap.FindSubmatch(rest); m != nil {
			if _, level := levelWord(string(m[2])); level || len(m[2]) == 1 {
				fmt.Fprintf(&b, `%s(?P<level>\w+)%s`, regexp.QuoteMeta(string(m[1])), regexp.QuoteMeta(string(m[3])))
				h.level = string(m[2])
				h.pattern = contextAfter(&b, rest[len(m[0]):])
				return h, true
			}
			fmt.Fprintf(
				&b,
				`%s[^%s]*%s`,
				regexp.QuoteMeta(string(m[1])),
				regexp.QuoteMeta(string(m[3])),
				regexp.QuoteMeta(string(m[3])),
			)
			rest = rest[len(m[0]):]
			continue
		}
		w := word.Find(rest)
		if w == nil {
			break
		}
		if _, level := levelWord(string(w)); level {
			b.WriteString(`(?P<level>\pL+\d?)`)
			h.level = string(w)
			h.pattern = contextAfter(&b, rest[len(w):])
			return h, true
		}
		if !allDigits(w) && !bytes.ContainsAny(w, "0123456789./-_") {
			break // a sentence begins
		}
		general(&b, w)
		rest = rest[len(w):]
	}
	h.pattern = `(?P<time>` + form.re + `)[ \t]*`
	if at[0] > 0 {
		var lead strings.Builder
		general(&lead, line[:at[0]])
		h.pattern = lead.String() + h.pattern
	}
	return h, true
}

// levelWord tells whether a word alone is a level.
func levelWord(w string) (logs.Level, bool) {
	if len(w) == 1 && letterLevels[w[0]] != logs.LevelUnknown {
		return letterLevels[w[0]], true
	}
	return logs.ParseLevel(w)
}

// skipMarks writes the characters before the next word to the pattern.
func skipMarks(b *strings.Builder, rest []byte) []byte {
	i := 0
	for i < len(rest) && bytes.IndexByte([]byte(" \t|,;:*-=>"), rest[i]) >= 0 {
		i++
	}
	general(b, rest[:i])
	return rest[i:]
}

// general writes a pattern for text: classes for runs of blanks, digits and letters;
// other characters as they are.
func general(b *strings.Builder, text []byte) {
	for len(text) > 0 {
		i := 0
		switch c := text[0]; {
		case c == ' ' || c == '\t':
			for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
				i++
			}
			b.WriteString(`[ \t]+`)
		case Alnum[c] || c == '_' || c >= 0x80:
			for i < len(text) && (Alnum[text[i]] || bytes.IndexByte([]byte("_.-/"), text[i]) >= 0 || text[i] >= 0x80) {
				i++
			}
			b.WriteString(`[^\s\[\](){}<>|,;:]+`)
		default:
			i = 1
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
		text = text[i:]
	}
}

// contextAfter ends a pattern after the level, with a context if there is one.
func contextAfter(b *strings.Builder, rest []byte) string {
	rest = skipMarks(b, rest)
	if m := wrapped.FindSubmatch(rest); m != nil {
		open := regexp.QuoteMeta(string(m[1]))
		shut := regexp.QuoteMeta(string(m[3]))
		fmt.Fprintf(b, `%s(?P<context>[^%s]*)%s`, open, shut, shut)
		skipMarks(b, rest[len(m[0]):])
	} else if m := nameMark.FindSubmatch(rest); m != nil {
		if mark := string(m[2]); mark[0] == '#' {
			b.WriteString(`(?P<context>[\pL_][\pL\d_.$-]*)#(?P<id>\d+)[ \t]+`)
		} else {
			fmt.Fprintf(b, `(?P<context>[\pL_][\pL\d_.$-]*)%s`, regexp.QuoteMeta(mark))
		}
	}
	return b.String()
}
