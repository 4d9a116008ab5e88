// Package regex stands in for the module of this name, which compiles the ICU
// library to machine code at every start of every process (half a second). The
// demo's SQL server needs only the functions below, for REGEXP; Go's own regular
// expressions do.
package regex

import (
	"context"
	"regexp"
	"unicode/utf8"

	"gopkg.in/src-d/go-errors.v1"
)

// Regex is one regular expression and the text it is matched against.
type Regex interface {
	SetRegexString(ctx context.Context, regexStr string, flags RegexFlags) error
	SetMatchString(ctx context.Context, matchStr string) error
	IndexOf(ctx context.Context, start int, occurrence int, endIndex bool) (int, error)
	Matches(ctx context.Context, start int, occurrence int) (bool, error)
	Replace(ctx context.Context, replacementStr string, position int, occurrence int) (string, error)
	Substring(ctx context.Context, start int, occurrence int) (string, bool, error)
	StringBufferSize() uint32
	Close() error
}

// The errors of wrong use.
var (
	ErrRegexNotYetSet = errors.NewKind("SetRegexString must be called before any other function")
	ErrMatchNotYetSet = errors.NewKind("SetMatchString must be called as there is nothing to match against")
	ErrInvalidRegex   = errors.NewKind("the given regular expression is invalid")
)

// RegexFlags change how an expression is read; values as in ICU.
type RegexFlags uint32

// The flags.
const (
	RegexFlags_None             RegexFlags = 0
	RegexFlags_Unix_Lines       RegexFlags = 1
	RegexFlags_Case_Insensitive RegexFlags = 2
	RegexFlags_Comments         RegexFlags = 4
	RegexFlags_Multiline        RegexFlags = 8
	RegexFlags_Literal          RegexFlags = 16
	RegexFlags_Dot_All          RegexFlags = 32
)

// SetRegexLeakHandler does nothing: there is nothing to leak.
func SetRegexLeakHandler(func()) {}

// CreateRegex makes an empty Regex.
func CreateRegex(uint32) Regex { return &expression{} }

type expression struct {
	re   *regexp.Regexp
	text string
	set  bool
}

func (e *expression) SetRegexString(_ context.Context, text string, flags RegexFlags) error {
	if flags&RegexFlags_Literal != 0 {
		text = regexp.QuoteMeta(text)
	}
	modes := ""
	for _, m := range []struct {
		flag RegexFlags
		mode string
	}{{RegexFlags_Case_Insensitive, "i"}, {RegexFlags_Multiline, "m"}, {RegexFlags_Dot_All, "s"}} {
		if flags&m.flag != 0 {
			modes += m.mode
		}
	}
	if modes != "" {
		text = "(?" + modes + ")" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return ErrInvalidRegex.New()
	}
	e.re = re
	return nil
}

func (e *expression) SetMatchString(_ context.Context, text string) error {
	if e.re == nil {
		return ErrRegexNotYetSet.New()
	}
	e.text, e.set = text, true
	return nil
}

// find is the nth match at or after a character's place (from 1), in bytes.
func (e *expression) find(start, occurrence int) (from, to int, err error) {
	if e.re == nil {
		return 0, 0, ErrRegexNotYetSet.New()
	}
	if !e.set {
		return 0, 0, ErrMatchNotYetSet.New()
	}
	base := e.offset(start)
	all := e.re.FindAllStringIndex(e.text[base:], max(1, occurrence))
	if len(all) < max(1, occurrence) {
		return -1, -1, nil
	}
	last := all[len(all)-1]
	return base + last[0], base + last[1], nil
}

// offset is where the nth character begins.
func (e *expression) offset(n int) int {
	at := 0
	for ; n > 1 && at < len(e.text); n-- {
		_, size := utf8.DecodeRuneInString(e.text[at:])
		at += size
	}
	return at
}

func (e *expression) IndexOf(_ context.Context, start, occurrence int, endIndex bool) (int, error) {
	from, to, err := e.find(start, occurrence)
	if err != nil || from < 0 {
		return 0, err
	}
	if endIndex {
		from = to
	}
	return utf8.RuneCountInString(e.text[:from]) + 1, nil
}

func (e *expression) Matches(_ context.Context, start, occurrence int) (bool, error) {
	from, _, err := e.find(max(1, start), occurrence)
	return from >= 0 && err == nil, err
}

func (e *expression) Replace(_ context.Context, with string, position, occurrence int) (string, error) {
	from, to, err := e.find(position, occurrence)
	if err != nil || from < 0 {
		return e.text, err
	}
	if occurrence == 0 {
		base := e.offset(position)
		return e.text[:base] + e.re.ReplaceAllString(e.text[base:], with), nil
	}
	return e.text[:from] + with + e.text[to:], nil
}

func (e *expression) Substring(_ context.Context, start, occurrence int) (string, bool, error) {
	from, to, err := e.find(start, occurrence)
	if err != nil || from < 0 {
		return "", false, err
	}
	return e.text[from:to], true, nil
}

func (e *expression) StringBufferSize() uint32 { return 0 }

func (e *expression) Close() error { return nil }
