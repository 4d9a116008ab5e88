package cells

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Wrap breaks s at spaces, and between CJK, into lines of at most w cells. Words of
// letters, numbers and flags are cut only where a line has no room for one.
func Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	if !strings.ContainsFunc(s, wide) {
		wrapped := ansi.Wrap(strings.ReplaceAll(s, "-", keptHyphen), w, " ")
		return strings.Split(strings.ReplaceAll(wrapped, keptHyphen, "-"), "\n")
	}
	var lines []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		f := filler{width: w}
		for _, u := range units(paragraph) {
			f.add(u)
		}
		lines = append(lines, append(f.lines, f.line)...)
	}
	return lines
}

// WrapTo is Wrap into at most n lines: what has no room is cut from the last one.
func WrapTo(s string, w, n int) []string {
	lines := Wrap(s, w)
	if n < 1 || len(lines) <= n {
		return lines
	}
	rest := lines[n-1]
	for _, line := range lines[n:] {
		before, _ := utf8.DecodeLastRuneInString(rest)
		if after, _ := utf8.DecodeRuneInString(line); !wide(before) || !wide(after) {
			rest += " "
		}
		rest += line
	}
	return append(lines[:n-1:n-1], Cut(rest, w))
}

// keptHyphen replaces a hyphen while a text is wrapped, for a line must not end
// within a flag, a date or a name.
const keptHyphen = "\u2011"

// closing marks do not begin a line, opening marks do not end one.
const (
	closing = "，。、；：！？）】》」』”’…%,.;:!?)]}"
	opening = "（【《「『“‘([{"
)

// unit is what stays on one line: a CJK character with the marks that belong to it, a
// word, or a space.
type unit struct {
	text  string
	width int
}

// units cuts text where a line may end. What has no width belongs to what is before it,
// except for a space, which may be left out.
func units(s string) (out []unit) {
	var state byte
	var last rune // 0: the unit is still without a character
	for len(s) > 0 {
		seq, width, n, next := ansi.DecodeSequence(s, state, nil)
		if n < 1 {
			break
		}
		state = next
		s = s[n:]
		first, _ := utf8.DecodeRuneInString(seq)
		if len(out) == 0 || last == ' ' || width > 0 && last != 0 && breaks(last, first) {
			out = append(out, unit{})
			last = 0
		}
		u := &out[len(out)-1]
		u.text += seq
		u.width += width
		if width > 0 {
			last = first
		}
	}
	return out
}

// breaks tells whether a line may end between two characters.
func breaks(before, after rune) bool {
	if after == ' ' {
		return true
	}
	return (wide(before) || wide(after)) &&
		!strings.ContainsRune(closing, after) && !strings.ContainsRune(opening, before)
}

// filler fills lines with units.
type filler struct {
	width int
	lines []string
	line  string
	used  int // cells of line
	space string
}

func (f *filler) add(u unit) {
	if u.text == " " {
		f.space += u.text
		return
	}
	if f.used > 0 && f.used+len(f.space)+u.width > f.width {
		f.end()
	}
	f.line += f.space
	f.used += len(f.space)
	f.space = ""
	for f.used+u.width > f.width { // no line has room for it
		head := ansi.Truncate(u.text, f.width-f.used, "")
		if head == "" && f.used == 0 {
			break // one character is wider than a line
		}
		f.line += head
		u.text = ansi.TruncateLeft(u.text, Width(head), "")
		u.width -= Width(head)
		f.end()
	}
	f.line += u.text
	f.used += u.width
}

// end begins a new line; spaces at the break are left out.
func (f *filler) end() {
	f.lines = append(f.lines, f.line)
	f.line = ""
	f.used = 0
	f.space = ""
}
