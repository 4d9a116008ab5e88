package audit

import (
	"fmt"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/termsafe"
)

// CountsText is "UPDATE 12, CREATE 1", of the first ten, safe for a terminal.
func CountsText(all []Count) string {
	var parts []string
	for _, c := range all[:min(10, len(all))] {
		parts = append(parts, fmt.Sprintf("%s × %s", termsafe.Line(Mask(c.Name())), human.Count(c.Rows)))
	}
	return strings.Join(parts, ", ")
}

// Name is what was counted, for people: its label with its value.
func (c Count) Name() string {
	switch {
	case c.Label != "" && c.Value != "":
		return c.Label + " (" + c.Value + ")"
	case c.Label != "":
		return c.Label
	case c.Value == "":
		return "-"
	}
	return c.Value
}
