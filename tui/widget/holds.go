package widget

import "strings"

// Holds tells whether a text holds every word of what was typed into a filter, in
// any order and in either case. A filter of no words is held by everything.
func Holds(text, typed string) bool {
	text = strings.ToLower(text)
	for _, word := range strings.Fields(strings.ToLower(typed)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
