package redact

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// longestFirst are the secrets to look for, each in the forms in which programs print it,
// the longest first: one may be a part of another.
func longestFirst(secrets []string) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); len(s) >= leastKnown {
			out = append(out, s)
		}
	}
	for _, s := range secrets {
		for line := range strings.Lines(s) {
			add(line)
			add(url.QueryEscape(strings.TrimSpace(line)))
			add(url.PathEscape(strings.TrimSpace(line)))
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return slices.Compact(out)
}

// OfURL is the password within a URL, as it is written there and as it is meant; nothing
// where there is none.
func OfURL(s string) (out []string) {
	_, rest, is := strings.Cut(s, "://")
	if !is {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "/")
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return nil
	}
	_, password, is := strings.Cut(rest[:at], ":")
	if !is || password == "" {
		return nil
	}
	out = append(out, password)
	if plain, err := url.PathUnescape(password); err == nil && plain != password {
		out = append(out, plain)
	}
	return out
}
