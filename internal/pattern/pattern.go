// Package pattern has regular expressions that are compiled when they are first used. The
// program has hundreds, and a command uses a few: to compile all took a third of its start.
package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression. It may be used by many goroutines.
type Pattern struct {
	text string
	once sync.Once
	expr *regexp.Regexp
}

// New is the pattern of an expression, which must be valid: the first use panics otherwise.
func New(text string) *Pattern { return &Pattern{text: text} }

// Regexp is the compiled expression.
func (p *Pattern) Regexp() *regexp.Regexp {
	p.once.Do(func() { p.expr = regexp.MustCompile(p.text) })
	return p.expr
}

// MatchString is that of regexp.Regexp, as those that follow are.
func (p *Pattern) MatchString(s string) bool { return p.Regexp().MatchString(s) }

// Find is the leftmost match in bytes.
func (p *Pattern) Find(b []byte) []byte { return p.Regexp().Find(b) }

// FindStringIndex is where the leftmost match is.
func (p *Pattern) FindStringIndex(s string) []int { return p.Regexp().FindStringIndex(s) }

// FindSubmatch is the leftmost match in bytes with its groups.
func (p *Pattern) FindSubmatch(b []byte) [][]byte { return p.Regexp().FindSubmatch(b) }

// FindAllStringSubmatch is at most n matches with their groups; -1 for all.
func (p *Pattern) FindAllStringSubmatch(s string, n int) [][]string {
	return p.Regexp().FindAllStringSubmatch(s, n)
}

// FindStringSubmatch is the leftmost match with its groups.
func (p *Pattern) FindStringSubmatch(s string) []string { return p.Regexp().FindStringSubmatch(s) }

// FindStringSubmatchIndex is where they are.
func (p *Pattern) FindStringSubmatchIndex(s string) []int {
	return p.Regexp().FindStringSubmatchIndex(s)
}

// FindAllStringSubmatchIndex is where at most n matches and their groups are; -1 for all.
func (p *Pattern) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return p.Regexp().FindAllStringSubmatchIndex(s, n)
}

// ReplaceAllString replaces each match, with $1 for a group.
func (p *Pattern) ReplaceAllString(s, with string) string {
	return p.Regexp().ReplaceAllString(s, with)
}

// ReplaceAllStringFunc replaces each match by what a function makes of it.
func (p *Pattern) ReplaceAllStringFunc(s string, with func(string) string) string {
	return p.Regexp().ReplaceAllStringFunc(s, with)
}
