// Package redact masks secrets in text that a person or a file will see:
// passwords in DSNs, URLs, options and JSON, tokens and cookies.
package redact

import (
	"strings"

	"opsdeck/internal/pattern"
)

// Mask stands where a secret was.
const Mask = "••••••"

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
	answered = pattern.New(`(?i)\(using password: (yes|no)\)`)
	hidden   = pattern.New(`\(using \x00: (\w+)\)`)
)

// Text returns s with the secrets that can be recognised masked.
func Text(s string) string {
	small := Small(s)
	tells := HasAny(small, "(using password: ")
	if tells {
		s = answered.ReplaceAllString(s, "(using \x00: ${1})")
	}
	for _, r := range rules {
		if HasAny(small, r.words...) {
			s = r.mask(s)
		}
	}
	if tells {
		s = hidden.ReplaceAllString(s, "(using password: ${1})")
	}
	return s
}
