// Package walk is for tests: it looks at every face of a page in both languages,
// four sizes of terminals, on dark and light grounds and in ASCII.
package walk

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"opsdeck/internal/cells"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// Face is a page as a person has it before them.
type Face struct {
	Env   *page.Env // its theme is set before each view
	View  func(page.Size) string
	Press func(keys ...string) // nil: nothing on it can be stepped through
}

var sizes = []page.Size{
	{Width: 40, Height: 10}, {Width: 80, Height: 24}, {Width: 120, Height: 40}, {Width: 200, Height: 60},
}

var looks = map[string]theme.Options{
	"dark": {Dark: true}, "light": {}, "ascii": {ASCII: true, NoColor: true},
}

// raw is what a sentence shows whose arguments do not fit, or were left out.
var raw = regexp.MustCompile(`%!|%\[?\d*\]?[-+#]?\d*\.?\d*[sdvqxfT]\b`)

// english is a run of English words; allowed is what may be read so in Chinese: commands
// and statements with what follows them, quoted text, and what the tests' logs, servers
// and operators say in English.
var (
	english = regexp.MustCompile(`[A-Za-z]{2,}(?: [A-Za-z]{2,}){2,}`)
	allowed = regexp.MustCompile("`[^`]*`?|\"[^\"]*\"?|(?:opsdeck|systemctl|mysql|zcat|docker|pm2|#) .*|" +
		"(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|GRANT|RENAME|CHECK|SHOW) .*|" +
		"Order created succ.*|lock wait took.*|Unable to connect.*|an earlier look|is the server.*|" +
		"cannot be reached|was not changed")
)

// Every opens a page's faces in each language and looks at each of them: as many
// lines as the terminal has and none wider, no argument of a sentence left out,
// in Chinese some Chinese, and steps that a slow line carries.
func Every(t *testing.T, open func(code string) map[string]Face) {
	t.Helper()
	for _, code := range []string{"en", "zh"} {
		for name, face := range open(code) {
			for _, size := range sizes {
				for look, options := range looks {
					face.Env.Theme = theme.New(options)
					view := face.View(size)
					for _, wrong := range faults(view, size, code) {
						t.Errorf("%s %s %s %dx%d: %s", name, code, look, size.Width, size.Height, wrong)
					}
				}
			}
			cheap(t, name+" "+code, face)
		}
	}
}

func faults(view string, size page.Size, code string) (wrong []string) {
	lines := strings.Split(view, "\n")
	if len(lines) != size.Height {
		wrong = append(wrong, fmt.Sprintf("%d lines", len(lines)))
	}
	for i, line := range lines {
		if w := cells.Width(line); w > size.Width {
			wrong = append(wrong, fmt.Sprintf("line %d is %d wide: %q", i, w, line))
		}
	}
	text := ansi.Strip(view)
	if found := raw.FindString(text); found != "" {
		wrong = append(wrong, fmt.Sprintf("%q is on the screen:\n%s", found, text))
	}
	if code == "zh" {
		for _, found := range english.FindAllString(allowed.ReplaceAllString(text, "·"), -1) {
			wrong = append(wrong, fmt.Sprintf("English in Chinese: %q", found))
		}
	}
	if code == "zh" && !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		wrong = append(wrong, "no Chinese is on the screen:\n"+text)
	}
	return wrong
}
