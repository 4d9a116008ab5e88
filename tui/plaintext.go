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

// leastBeside is how many lines a rule must pass through to be the one between two panes.
const leastBeside = 5

// apart puts two panes that are side by side below one another: the lines of the left
// one, then those of the right one.
func apart(view string) string {
	lines := strings.Split(ansi.Strip(view), "\n")
	var out []string
	for i := 0; i < len(lines); {
		left, right := panes(lines[i:])
		if len(left) == 0 {
			out = append(out, lines[i])
			i++
			continue
		}
		out = append(append(out, left...), right...)
		i += len(left)
	}
	return strings.Join(out, "\n")
}

// panes cuts the first lines at the rule that passes through them; without one there are none.
func panes(lines []string) (left, right []string) {
	for _, column := range rules(lines[0]) {
		left, right = nil, nil
		for _, line := range lines {
			if !slices.Contains(rules(line), column) {
				break
			}
			left = append(left, ansi.Truncate(line, column, ""))
			right = append(right, " "+strings.TrimLeft(ansi.TruncateLeft(line, column+1, ""), " "))
		}
		if len(left) >= leastBeside && says(left) && says(right) {
			return left, right
		}
	}
	return nil, nil
}

// rules are the columns of a line that hold a rule with a space after it.
func rules(line string) (columns []int) {
	for at, r := range line {
		if r != '│' && r != '|' {
			continue
		}
		if rest := line[at+len(string(r)):]; rest == "" || rest[0] == ' ' {
			columns = append(columns, ansi.StringWidth(line[:at]))
		}
	}
	return columns
}

func says(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.ContainsFunc(line, unicode.IsLetter) })
}

// bar is a run of what bars and rules are drawn with in ASCII.
var bar = regexp.MustCompile(`[-=+*#%_.^─━▁▂▃▄▅▆▇█]{5,}`)

// deepest is the deepest indent of a text; what begins farther right was set below something.
const deepest = 12

// columnGap is the space between columns, which nobody listens to.
var columnGap = regexp.MustCompile(`(\S)\s{3,}`)

// unframed takes a title out of the rule that it is drawn in, and bars out of a row.
func unframed(line string) string {
	if strings.HasSuffix(line, "──") || strings.HasSuffix(line, "--") || strings.HasSuffix(line, "-+") {
		line = " " + strings.Trim(line, frameMarks+" ")
	}
	line = bar.ReplaceAllString(line, "")
	if bare := strings.TrimLeft(line, " "); len(line)-len(bare) > deepest {
		line = " " + bare
	}
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
