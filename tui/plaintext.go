package tui

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// frameMarks are what boxes and rules are drawn with, at the edge of a line.
const frameMarks = "│─┌┐└┘├┤╭╮╰╯|+-"

// cursorMarks are before the row that the cursor is on.
const cursorMarks = "▌>"

// readable are the lines of a view that say something, without colours, boxes, rules
// and bars.
func readable(view string) (out []string) {
	for _, line := range strings.Split(ansi.Strip(view), "\n") {
		line = strings.TrimRight(line, " ")
		line = strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(line, "│"), "|"), " ")
		if bare := strings.TrimLeft(line, " "); strings.HasPrefix(bare, "│ ") || strings.HasPrefix(bare, "| ") {
			line = " " + strings.TrimLeft(bare, "│|")
		}
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			out = append(out, unframed(line))
		}
	}
	return out
}

// bar is a run of what bars and rules are drawn with in ASCII.
var bar = regexp.MustCompile(`[-=+*#%_.^─━▁▂▃▄▅▆▇█]{5,}`)

// columnGap is the space between columns, which nobody listens to.
var columnGap = regexp.MustCompile(`(\S)\s{3,}`)

// unframed takes a title out of the rule that it is drawn in, and bars out of a row.
func unframed(line string) string {
	if strings.HasSuffix(line, "──") || strings.HasSuffix(line, "--") || strings.HasSuffix(line, "-+") {
		line = " " + strings.Trim(line, frameMarks+" ")
	}
	line = bar.ReplaceAllString(line, "")
	return strings.TrimRight(columnGap.ReplaceAllString(line, "$1  "), " ")
}

// news are the lines that were not there before, and the cursor's when it moved.
func news(before, now []string) (out []string) {
	old := map[string]bool{}
	for _, line := range before {
		old[unmarked(line)] = true
	}
	for _, line := range now {
		if !old[unmarked(line)] || marked(line) && !slices.Contains(before, line) {
			out = append(out, line)
		}
	}
	return out
}

func marked(line string) bool {
	return strings.HasPrefix(strings.TrimLeft(line, " "), "▌") || strings.HasPrefix(line, ">")
}

// unmarked is a line as it is without the cursor on it.
func unmarked(line string) string {
	return strings.TrimSpace(strings.TrimLeft(strings.TrimLeft(line, " "), cursorMarks))
}
