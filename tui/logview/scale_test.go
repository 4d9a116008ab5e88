package logview

import (
	"strings"
	"testing"

	"opsdeck/internal/cells"
)

// TestTheScaleIsReadWholeWhereverItsMarkIs: the mark covers no digit and words never touch.
func TestTheScaleIsReadWholeWhereverItsMarkIs(t *testing.T) {
	const left, right = "11-28 17:43", "11-29 13:23"
	all := []string{"30 m 16 s per column, top 111, log scale", "30 m 16 s per column", "每列 30 m 16 s，最高 111"}
	for _, words := range all {
		for _, n := range []int{12, 20, 38, 78, 118} {
			for mark := -1; mark < n; mark++ {
				line := scaleLine(n, mark, left, right, func(room int) string {
					if cells.Width(words) > room {
						return ""
					}
					return words
				})
				if mark >= 0 && line[mark] != ' ' {
					t.Fatalf("%d cells: the mark at %d covers %q", n, mark, inCells(line))
				}
				if mark >= 0 {
					line[mark] = '^'
				}
				text := inCells(line)
				if cells.Width(text) != n || n > 30 &&
					!(strings.Contains(text, right) && strings.Contains(text, left)) {
					t.Fatalf("%d cells, mark %d: %q", n, mark, text)
				}
				if at := strings.Index(text, words); at > 0 &&
					(text[at-1] != ' ' || text[at-2] != ' ' || text[at+len(words)] != ' ') {
					t.Fatalf("%d cells, mark %d: words touch in %q", n, mark, text)
				}
				if n == 118 && !strings.Contains(text, words) {
					t.Fatalf("mark %d: no words in %q", mark, text)
				}
			}
		}
	}
}
