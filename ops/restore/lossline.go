package restore

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"strings"
)

// Line is the loss in one table, in words.
func (t LossTable) Line(l *lang.Printer) string {
	words := t.About(l)
	if t.Newer > 0 || len(words) == 0 {
		words = append([]string{l.T("%s rows", human.Count(t.Newer))}, words...)
	}
	return termsafe.Line(t.Table) + "  " + strings.Join(words, ", ")
}
