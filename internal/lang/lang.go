package lang

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// Msg is a sentence that is not yet in any language: an English format in
// fmt's syntax and its arguments. An argument may itself be a Msg, or localized; a
// time is written in the machine's zone.
type Msg struct {
	Key  string
	Args []any
}

// M makes a Msg. The key must be a literal, so that the catalogue's test finds it.
func M(key string, args ...any) Msg { return Msg{Key: key, Args: args} }

// localized is an argument that says itself in a printer's language: a text that
// is kept in both.
type localized interface{ In(p *Printer) string }

// Empty tells whether there is nothing to say.
func (m Msg) Empty() bool { return m.Key == "" }

// String is the sentence in English, for logs and for errors seen by programs.
func (m Msg) String() string { return English().Msg(m) }

// Raw makes a Msg of text that came from outside and has no translation.
func Raw(text string) Msg { return Msg{Key: "%s", Args: []any{text}} }

// Sentence makes a clause a sentence: a capital at its front, a stop at its end.
func Sentence(clause Msg) Msg { return Msg{Key: "%s.", Args: []any{capital(clause)}} }

// capital is a Msg that stands at the front of a sentence.
type capital Msg

// Printer writes sentences in one language. It is safe for concurrent use.
type Printer struct {
	code  string
	p     *message.Printer
	known sync.Map // keys that the catalogue of p has, once asked for
	add   func(key string)
	base  *Printer                 // that holds the catalogue; nil is the printer itself
	after func(text string) string // what becomes of a whole sentence; nil is nothing
}

// Rewriting is a printer of the same language that passes each whole sentence through
// a function. Text from outside, made by Raw, is left as it is.
func (p *Printer) Rewriting(after func(text string) string) *Printer {
	base := p
	if p.base != nil {
		base = p.base
	}
	return &Printer{code: base.code, p: base.p, base: base, after: after}
}

var (
	english = sync.OnceValue(func() *Printer { return newPrinter("en", language.English) })
	chinese = sync.OnceValue(func() *Printer { return newPrinter("zh", language.Chinese) })
	pairs   [][]string // what register was given
)

// English returns the printer for English.
func English() *Printer { return english() }

// Chinese returns the printer for Chinese.
func Chinese() *Printer { return chinese() }

// For returns the printer for a code, "en" or "zh"; anything else is English.
func For(code string) *Printer {
	if strings.HasPrefix(strings.ToLower(code), "zh") {
		return chinese()
	}
	return english()
}

// FromEnv picks a language by LC_ALL, LC_MESSAGES and LANG, the first that is
// set, as setlocale(3) does.
func FromEnv(getenv func(string) string) *Printer {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			return For(v)
		}
	}
	return english()
}

// register adds to the Chinese catalogue: an English sentence, then its
// translation, and so on.
func register(part ...string) { pairs = append(pairs, part) }

// zh is the Chinese catalogue by its English sentences.
var zh = sync.OnceValue(func() map[string]string {
	all := map[string]string{"%s": "%s"}
	for pair := range slices.Chunk(slices.Concat(pairs...), 2) {
		key, text := pair[0], pair[1]
		if old, ok := all[key]; ok && old != text {
			panic("two translations of " + key)
		}
		all[key] = text
	}
	return all
})

// newPrinter makes a printer whose catalogue learns a sentence when it is first
// written: a command that writes ten does not pay for thousands.
func newPrinter(code string, tag language.Tag) *Printer {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	p := &Printer{code: code, p: message.NewPrinter(tag, message.Catalog(b))}
	p.add = func(key string) {
		var err error
		if code != "zh" {
			err = setPlural(b, tag, key)
		} else if text, ok := zh()[key]; ok {
			err = b.SetString(tag, key, text)
		}
		if err != nil {
			panic(fmt.Errorf("catalogue: %q: %w", key, err))
		}
	}
	return p
}

// learn gives the printer's catalogue a key before it is written.
func (p *Printer) learn(key string) {
	if _, ok := p.known.Load(key); !ok {
		p.add(key)
		p.known.Store(key, true)
	}
}

// Code is "en" or "zh".
func (p *Printer) Code() string { return p.code }

// T writes the sentence of a literal key.
func (p *Printer) T(key string, args ...any) string { return p.Msg(Msg{key, args}) }

// Msg writes a sentence. Numbers are written plainly, without grouping, for
// most of them are ports, ids and codes; human.Count groups where it helps.
func (p *Printer) Msg(m Msg) string {
	if m.Key == "" {
		return ""
	}
	if p.base != nil {
		text := p.base.Msg(m)
		if foreign(m) {
			return text
		}
		return p.after(text)
	}
	p.learn(m.Key)
	if len(m.Args) == 0 {
		return p.p.Sprintf(m.Key)
	}
	args := make([]any, len(m.Args))
	for i, a := range m.Args {
		args[i] = p.arg(a)
	}
	return joined(p.p.Sprintf(m.Key, args...))
}

// foreign tells whether a Msg is text from outside alone.
func foreign(m Msg) bool {
	if m.Key != "%s" || len(m.Args) != 1 {
		return false
	}
	switch a := m.Args[0].(type) {
	case Msg:
		return foreign(a)
	case *Msg:
		return foreign(*a)
	case capital:
		return foreign(Msg(a))
	case localized:
		return false
	}
	return true
}

func (p *Printer) arg(a any) any {
	switch v := a.(type) {
	case Msg:
		return p.Msg(v)
	case *Msg:
		return p.Msg(*v)
	case localized:
		return v.In(p)
	case time.Time:
		return v.Local().Format(time.DateTime)
	case capital:
		text := p.Msg(Msg(v))
		if p.code != "en" || beginsWithName(Msg(v)) {
			return text
		}
		r, n := utf8.DecodeRuneInString(text)
		return string(unicode.ToUpper(r)) + text[n:]
	case string:
		if isCount(v) {
			return counted(v)
		}
		if said := p.Span(v); said != v {
			return spanned{v, said}
		}
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, bool, nil:
		return plain{v}
	}
	return a
}

// beginsWithName tells whether the first word of an English sentence is this program's name
// or one of its arguments, such as a database's name, which keep their letters.
func beginsWithName(m Msg) bool {
	if strings.HasPrefix(m.Key, "opsdeck ") {
		return true
	}
	first := leadingVerb.FindStringSubmatch(m.Key)
	if first == nil {
		return false
	}
	n := 1
	if first[1] != "" {
		n, _ = strconv.Atoi(first[1])
	}
	if n > len(m.Args) {
		return false
	}
	switch a := m.Args[n-1].(type) {
	case Msg:
		return beginsWithName(a)
	case *Msg:
		return beginsWithName(*a)
	}
	return true
}

var leadingVerb = regexp.MustCompile(`^%(?:\[(\d+)\])?[a-z]`)

// plain keeps message.Printer from grouping digits. A number, or a yes or no, is written
// also where a sentence has %s or %q for it.
type plain struct{ v any }

func (n plain) Format(s fmt.State, verb rune) {
	switch verb {
	case 's':
		verb = 'v'
	case 'q':
		n.v = fmt.Sprint(n.v)
	}
	fmt.Fprintf(s, fmt.FormatString(s, verb), n.v)
}
