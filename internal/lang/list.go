package lang

import "strings"

// List is names as an argument of a sentence, joined as each language joins them.
type List []string

// In is the list in a printer's language.
func (l List) In(p *Printer) string {
	if p.Code() == "zh" {
		return strings.Join(l, "、")
	}
	return strings.Join(l, ", ")
}

// String is the list in English.
func (l List) String() string { return strings.Join(l, ", ") }
