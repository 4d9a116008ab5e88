package audit

import (
	"slices"
	"strings"
)

// Aliases are the further names of kinds of resources, by their first name. Some
// services write one thing under several names: AR_PAYMENT:1 and payments:1.
type Aliases map[string][]string

// Of are all names of a kind of resource, that one first. Upper and lower case
// are the same, as in the filters.
func (a Aliases) Of(kind string) []string {
	out := []string{kind}
	for first, others := range a {
		names := append([]string{first}, others...)
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, kind) }) {
			continue
		}
		for _, n := range names {
			if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, n) }) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out[1:])
	return out
}

// Has tells whether a name is one of them.
func (a Aliases) Has(kind string) bool { return len(a.Of(kind)) > 1 }
