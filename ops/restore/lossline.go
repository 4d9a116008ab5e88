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

// LossTexts say what a restore would lose.
func (p *Plan) LossTexts(l *lang.Printer) (said []lang.Msg) {
	loss := p.Assessment.Loss
	said = append(said, lang.M("newer than %s (%s):", p.Source.Name, loss.Since.Local().Format("2006-01-02 15:04:05")))
	for _, t := range loss.Tables {
		said = append(said, lang.M("  %s", lang.Raw(t.Line(l))))
	}
	for _, doubt := range loss.Doubts() {
		said = append(said, lang.M("  %s", doubt))
	}
	for _, part := range []struct {
		what lang.Msg
		list []string
	}{{lang.M("users active since"), loss.Users}, {lang.M("resources they changed"), loss.Resources},
		{lang.M("exported"), p.Exported}} {
		if len(part.list) > 0 {
			said = append(said, lang.M("%s: %s", part.what, termsafe.Line(strings.Join(part.list, ", "))))
		}
	}
	if how := p.LoadExportedText(p.Exported); !how.Empty() {
		said = append(said, how)
	}
	return said
}
