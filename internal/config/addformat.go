package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/lang"
)

// YAML is the format as an item of log_formats.
func (f LogFormat) YAML() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: %s\n    pattern: %s\n", quoted(f.Name), quoted(f.Pattern))
	if f.Time != "" {
		fmt.Fprintf(&b, "    time: %s\n", quoted(f.Time))
	}
	if len(f.Levels) > 0 {
		b.WriteString("    levels:\n")
		for _, word := range slices.Sorted(maps.Keys(f.Levels)) {
			fmt.Fprintf(&b, "      %s: %s\n", quoted(word), quoted(f.Levels[word]))
		}
	}
	if f.Zone != "" {
		fmt.Fprintf(&b, "    zone: %s\n", quoted(f.Zone))
	}
	return b.String()
}

// quoted is a text in single quotes, in which YAML knows no escapes.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// AddLogFormat adds a format to the text of a configuration and leaves all else of it as it
// is, comments too. It fails where the list is not written as a block, and where the outcome
// would be no valid configuration. path is for messages only.
func AddLogFormat(path string, text []byte, f LogFormat) ([]byte, error) {
	lines := bytes.SplitAfter(text, []byte{'\n'})
	at := len(lines)
	found := false
	for i, l := range lines {
		if !bytes.HasPrefix(l, []byte("log_formats:")) {
			continue
		}
		rest := bytes.TrimSpace(l[len("log_formats:"):])
		if len(rest) > 0 && rest[0] != '#' {
			return nil, &Error{Path: path, Line: i + 1,
				Why: lang.M("log_formats is not written as a list with one item below the other")}
		}
		found, at = true, endOfBlock(lines, i+1)
	}
	item := f.YAML()
	if found {
		item = indented(item, indentOf(lines[:at]))
	} else {
		item = "\nlog_formats:\n" + item
	}
	head := bytes.Join(lines[:at], nil)
	if len(head) > 0 && head[len(head)-1] != '\n' {
		head = append(head, '\n')
	}
	out := slices.Concat(head, []byte(item), bytes.Join(lines[at:], nil))
	if _, err := Parse(path, out); err != nil {
		return nil, err
	}
	return out, nil
}

// endOfBlock is the line after the last one that belongs to the block that begins at from.
func endOfBlock(lines [][]byte, from int) int {
	end := from
	for i := from; i < len(lines); i++ {
		l := lines[i]
		switch text := bytes.TrimSpace(l); {
		case len(text) == 0 || text[0] == '#':
			continue // of the block when more of it follows
		case l[0] != ' ' && l[0] != '-':
			return end
		}
		end = i + 1
	}
	return end
}

// indentOf is how far the items of the list at the end of the lines are set in.
func indentOf(lines [][]byte) int {
	for _, l := range slices.Backward(lines) {
		if bytes.HasPrefix(l, []byte("log_formats:")) {
			break
		}
		if text := bytes.TrimLeft(l, " "); bytes.HasPrefix(text, []byte("- ")) {
			n := len(l) - len(text)
			if n <= 2 {
				return n
			}
		}
	}
	return 2
}

// indented sets an item in by n blanks instead of two.
func indented(item string, n int) string {
	var b strings.Builder
	for l := range strings.Lines(item) {
		b.WriteString(strings.Repeat(" ", n) + strings.TrimPrefix(l, "  "))
	}
	return b.String()
}
