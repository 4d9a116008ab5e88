// Package theme holds the colours and glyphs of the console. Colour is never
// the only sign: every state has a glyph and a word too. The 16 ANSI colours
// are used, so that the operator's own palette decides.
package theme

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"opsdeck/ops"
)

// Theme is a set of styles and glyphs.
type Theme struct {
	ASCII bool
	Dark  bool
	Plain bool // the page is read line by line: what is drawn with bars and marks is left out

	Text, Dim, Bold, Title  lipgloss.Style
	Accent                  lipgloss.Style // what is ours: the active tab, keys
	Selected                lipgloss.Style // the row under the cursor
	Match                   lipgloss.Style // where a search matched
	OK, Warn, Crit, Unknown lipgloss.Style
	Info, Added, Removed    lipgloss.Style
	Rule                    lipgloss.Style   // lines and borders
	Key                     lipgloss.Style   // a key in footer and help
	Badge                   lipgloss.Style   // reversed words in the header
	Marks                   []lipgloss.Style // of highlight rules, by the order of MarkColours

	Border lipgloss.Border
	Glyph  Glyphs
}

// MarkColours are the names of the colours of highlight rules.
var MarkColours = []string{"red", "yellow", "green", "cyan", "blue", "magenta"}

// Glyphs are the marks beside words, one cell each unless said otherwise.
type Glyphs struct {
	OK, Warn, Crit, Unknown          string
	Cursor, Fold, Open, Bullet, More string
	Up, Down, Left, Right            string
	HRule, VRule, Ellipsis, Dot      string
	Check, Cross, Running, Pending   string
	Bar                              []rune // eight heights, low to high
	Full, Half, Empty                string // progress
	Spinner                          []string
}

// Options chooses a theme.
type Options struct {
	Dark    bool
	Deep    bool // the terminal has 256 colours
	NoColor bool // no styling at all: pipes, files, golden views
	Mono    bool // no colours, but bold, faint, underline and reverse: NO_COLOR on a terminal
	ASCII   bool
	Plain   bool      // the page is read line by line, see InWords
	Output  io.Writer // decides nothing but where styles would be rendered; may be nil
}

// New makes a theme. It asks the terminal nothing.
func New(o Options) *Theme {
	w := o.Output
	if w == nil {
		w = io.Discard
	}
	r := lipgloss.NewRenderer(w)
	r.SetColorProfile(termenv.ANSI)
	// On a light background: yellow, green and cyan of the 16 are pale in many palettes.
	yellow, green, cyan := "3", "2", "4"
	if o.Deep {
		r.SetColorProfile(termenv.ANSI256)
		yellow, green, cyan = "130", "28", "24"
	}
	if o.NoColor {
		r.SetColorProfile(termenv.Ascii)
	}
	r.SetHasDarkBackground(o.Dark)
	s := r.NewStyle
	mono := o.Mono || o.NoColor
	fg := func(dark, light string) lipgloss.Style {
		if mono {
			return s()
		}
		if o.Dark {
			return s().Foreground(lipgloss.Color(dark))
		}
		return s().Foreground(lipgloss.Color(light))
	}
	t := &Theme{
		ASCII: o.ASCII, Dark: o.Dark,
		Text: s(), Bold: s().Bold(true), Title: s().Bold(true),
		// Faint rather than bright black, which some palettes (Solarized) use for
		// their background.
		Dim:      s().Faint(true),
		Accent:   fg("14", cyan).Bold(true),
		Selected: s().Background(lipgloss.Color("4")).Foreground(lipgloss.Color("15")),
		Match:    fg("11", "5").Bold(true).Underline(true),
		OK:       fg("10", green), Warn: fg("11", yellow), Crit: fg("9", "1").Bold(true), Unknown: fg("13", "5"),
		Info: fg("12", "4"), Added: fg("10", green), Removed: fg("9", "1"),
		Rule: fg("8", "8"), Key: fg("14", cyan),
		Badge:  s().Background(lipgloss.Color("6")).Foreground(lipgloss.Color("0")).Bold(true),
		Border: lipgloss.RoundedBorder(), Glyph: unicodeGlyphs,
	}
	for _, c := range [][2]string{{"9", "1"}, {"11", yellow}, {"10", green}, {"14", "6"}, {"12", "4"}, {"13", "5"}} {
		t.Marks = append(t.Marks, fg(c[0], c[1]).Reverse(true))
	}
	if mono {
		// Without colour, weight has to carry what colour did.
		t.Crit, t.Warn, t.Match = s().Bold(true), s().Bold(true), s().Underline(true)
		t.Selected, t.Badge = s().Reverse(true), s().Reverse(true).Bold(true)
	}
	if o.ASCII {
		t.Border = lipgloss.ASCIIBorder()
		t.Glyph = asciiGlyphs
	}
	if o.Plain {
		return t.InWords()
	}
	return t
}

// InWords is the theme of a page that is read line by line, aloud perhaps: bars are blank,
// and columns and graphs that hold nothing else are left out.
func (t *Theme) InWords() *Theme {
	words := *t
	words.Plain = true
	words.Glyph.Bar = []rune("        ")
	return &words
}

var unicodeGlyphs = Glyphs{
	OK: "●", Warn: "▲", Crit: "✖", Unknown: "?",
	Cursor: "▌", Fold: "▸", Open: "▾", Bullet: "•", More: "⋯",
	Up: "↑", Down: "↓", Left: "←", Right: "→",
	HRule: "─", VRule: "│", Ellipsis: "…", Dot: "·",
	Check: "✓", Cross: "✗", Running: "◐", Pending: "○",
	Bar:  []rune("▁▂▃▄▅▆▇█"),
	Full: "█", Half: "▌", Empty: "░",
	Spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
}

var asciiGlyphs = Glyphs{
	OK: "+", Warn: "!", Crit: "X", Unknown: "?",
	Cursor: ">", Fold: ">", Open: "v", Bullet: "*", More: "~",
	Up: "^", Down: "v", Left: "<-", Right: "->",
	HRule: "-", VRule: "|", Ellipsis: "~", Dot: ".",
	Check: "+", Cross: "x", Running: "*", Pending: "o",
	Bar:  []rune("_.-=+*%#"),
	Full: "#", Half: "=", Empty: ".",
	Spinner: []string{"|", "/", "-", "\\"},
}

// State is the style and the glyph of a state.
func (t *Theme) State(s ops.State) (lipgloss.Style, string) {
	switch s {
	case ops.StateOK:
		return t.OK, t.Glyph.OK
	case ops.StateWarning:
		return t.Warn, t.Glyph.Warn
	case ops.StateCritical:
		return t.Crit, t.Glyph.Crit
	}
	return t.Unknown, t.Glyph.Unknown
}
