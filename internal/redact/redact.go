// Package redact masks secrets in text that a person or a file will see:
// passwords in DSNs, URLs, options and JSON, tokens and cookies.
package redact

import (
	"regexp"
	"strings"
)

// Mask stands where a secret was.
const Mask = "••••••"

// words are what a name that holds a secret has in it.
var words = []string{"passw", "pwd", "secret", "token", "key"}

// rules are how secrets are known. Where none of a rule's words is in a text, in small
// letters, there is nothing to look for.
var rules = []struct {
	words []string
	re    *regexp.Regexp
	with  string
}{
	// scheme://user:secret@host and the driver's user:secret@tcp(host).
	{[]string{"://"}, regexp.MustCompile(`(://[^\s:/@]*:)[^\s@/]+(@)`), "${1}" + Mask + "${2}"},
	{[]string{"@tcp(", "@unix("}, regexp.MustCompile(`(\b[\w.-]+:)[^\s@:/]+(@(?:tcp|unix)\()`), "${1}" + Mask + "${2}"},
	{
		[]string{"authorization"},
		regexp.MustCompile(`(?i)(\bauthorization\s*[:=]\s*"?(?:bearer|basic)\s+)[\w.~+/=-]+`),
		"${1}" + Mask,
	},
	{[]string{"cookie"}, regexp.MustCompile(`(?i)((?:set-)?cookie\s*:\s*)[^\r\n"]+`), "${1}" + Mask},
	{
		words,
		regexp.MustCompile(
			`(?i)("[\w-]*(?:password|passwd|secret|token|api_?key|access_?key|private_?key)"\s*:\s*")(?:[^"\\]|\\.)*(")`,
		),
		"${1}" + Mask + "${2}",
	},
	// JSON within a JSON text, its quotes behind backslashes.
	{
		words,
		regexp.MustCompile(
			`(?i)(\\"[\w-]*(?:password|passwd|secret|token|api_?key|access_?key|private_?key)\\"\s*:\s*\\")(?:[^"\\]|\\\\.)*(\\")`,
		),
		"${1}" + Mask + "${2}",
	},
	{
		words,
		regexp.MustCompile(
			`(?i)(\b[\w-]*(?:password|passwd|pwd|secret|token|api_?key|access_?key)\b\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&,;"']+)`,
		),
		"${1}" + Mask,
	},
	{
		[]string{"identified"},
		regexp.MustCompile(`(?i)(\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`),
		"${1}" + Mask,
	},
	{[]string{"eyj"}, regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+`), Mask},
}

// Small is a text in the small letters of ASCII. Letters outside that regular
// expressions take for some inside, in any case, become those too.
func Small(s string) string {
	small := strings.ToLower(s)
	if strings.Contains(small, "\u017f") {
		small = strings.ReplaceAll(small, "\u017f", "s")
	}
	return small
}

// HasAny tells whether one of the words is in the text.
func HasAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// answered is the end of error 1045. It tells whether a password was sent, which is no
// secret and often the whole cause. While the rules run, hidden has its place.
var (
	answered = regexp.MustCompile(`(?i)\(using password: (yes|no)\)`)
	hidden   = regexp.MustCompile(`\(using \x00: (\w+)\)`)
)

// Text returns s with the secrets that can be recognised masked.
func Text(s string) string {
	small := Small(s)
	if HasAny(small, "(using password: ") {
		s = answered.ReplaceAllString(s, "(using \x00: ${1})")
	}
	for _, r := range rules {
		if HasAny(small, r.words...) {
			s = r.re.ReplaceAllString(s, r.with)
		}
	}
	return hidden.ReplaceAllString(s, "(using password: ${1})")
}
