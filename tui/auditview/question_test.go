package auditview

import (
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// TestAQuestionShowsNoEscapes: colours are not shown as text, which sentences are
// cleaned of.
func TestAQuestionShowsNoEscapes(t *testing.T) {
	p := &Page{base: base{env: &page.Env{Lang: lang.English(), Theme: theme.New(theme.Options{})}}}
	for _, err := range []error{&audit.TooMuchError{Max: 1000}, &audit.UnprovedError{}} {
		text := strings.Join(p.base.drawQuestion(err, page.Size{Width: 80, Height: 20}), "\n")
		if strings.Contains(text, "^[") || strings.Contains(text, "␛") || !strings.Contains(text, "rows") {
			t.Errorf("%q", text)
		}
	}
}
