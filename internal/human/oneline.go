package human

import (
	"slices"
	"strings"
)

// OneLine puts a text of several lines, as joined errors have, on one line. A line that
// occurs twice is said once.
func OneLine(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !slices.Contains(parts, line) {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}
