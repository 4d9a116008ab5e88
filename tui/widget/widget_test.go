package widget

import (
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

func testEnv() *page.Env {
	return &page.Env{Lang: lang.English(), Theme: theme.New(theme.Options{NoColor: true})}
}

func typed(s string) (keys []tea.KeyMsg) {
	for _, r := range s {
		keys = append(keys, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	return keys
}

func TestConfirmRunsOnlyForTheWholeName(t *testing.T) {
	for text, want := range map[string]int{"shop": 1, "sho": 0, "shopp": 0, "": 0, "SHOP": 0} {
		ran := 0
		c := NewConfirm(testEnv(), lang.Raw("x"), nil, "shop", func() tea.Cmd { ran++; return nil })
		for _, k := range typed(text) {
			c.Update(k)
		}
		_, done := c.Update(tea.KeyMsg{Type: tea.KeyEnter})
		if ran != want || done != (want == 1) {
			t.Errorf("%q: ran %d times, done %v", text, ran, done)
		}
	}
}

func TestOverKeepsEveryLineAsWide(t *testing.T) {
	size := page.Size{Width: 21, Height: 9}
	bg := Fill([]string{"客户客户客户客户客户客户", "abc", strings.Repeat("x客", 9)}, size)
	for w := 1; w < 25; w++ {
		box := Box(
			testEnv().Theme,
			"标题",
			[]string{strings.Repeat("户", w/2), "a"},
			page.Size{Width: min(w+4, 21), Height: 9},
		)
		for i, line := range strings.Split(Over(bg, box, size), "\n") {
			if got := cells.Width(line); got != 21 {
				t.Fatalf("w=%d line %d is %d wide: %q", w, i, got, line)
			}
		}
	}
}

func TestScrollKeepsTheCursorInSight(t *testing.T) {
	var s Scroll
	s.Resize(100, 10)
	for _, key := range []string{"down", "pgdown", "end", "up", "ctrl+u", "home", "pgup", "G", "g", "ctrl+d"} {
		s.Key(key)
		from, to := s.Window()
		if s.Cursor < from || s.Cursor >= to || to-from != 10 {
			t.Fatalf("after %s: cursor %d, window %d–%d", key, s.Cursor, from, to)
		}
	}
	s.Resize(0, 5)
	if from, to := s.Window(); from != 0 || to != 0 || s.Cursor != 0 {
		t.Fatalf("empty list: %d–%d, cursor %d", from, to, s.Cursor)
	}
}

// A question that is longer than the screen keeps its answers in sight, each of
// them whole, and can be read to its end.
func TestAskAlwaysShowsItsAnswers(t *testing.T) {
	var body []lang.Msg
	for i := range 60 {
		body = append(body, lang.Raw(fmt.Sprintf("session left: %d", i)))
	}
	for _, size := range []page.Size{{Width: 40, Height: 10}, {Width: 80, Height: 24}, {Width: 24, Height: 7}} {
		a := NewAsk(
			testEnv(),
			lang.Raw("x"),
			body,
			true,
			Choice{Key: "r", Label: lang.Raw("try again")},
			Choice{Key: "k", Label: lang.Raw("end these")},
			Choice{Key: "x", Label: lang.Raw("abort")},
		)
		seen := map[string]bool{}
		for range 60 {
			view := a.View(size)
			for _, want := range []string{"r try again", "k end these", "x abort", "esc back"} {
				if !strings.Contains(view, want) {
					t.Fatalf("%v: %q is not in sight:\n%s", size, want, view)
				}
			}
			for _, line := range strings.Split(view, "\n") {
				if cells.Width(line) > size.Width {
					t.Fatalf("%v: too wide: %q", size, line)
				}
				seen[strings.TrimSpace(strings.Trim(line, "│ "))] = true
			}
			a.Update(tea.KeyMsg{Type: tea.KeyPgDown})
		}
		for i := range 60 {
			if !seen[fmt.Sprintf("session left: %d", i)] {
				t.Errorf("%v: session %d cannot be read", size, i)
			}
		}
	}
}

// TestAConfirmationIsReadToItsEndFirst: on a small screen enter reads on, and does nothing before
// all of it was in sight.
func TestAConfirmationIsReadToItsEndFirst(t *testing.T) {
	var body []lang.Msg
	for i := range 7 {
		body = append(body, lang.M("%d rows will be lost", i))
	}
	ran := 0
	c := NewConfirm(testEnv(), lang.Raw("x"), body, "shop", func() tea.Cmd { ran++; return nil })
	small := page.Size{Width: 40, Height: 10}
	c.View(small)
	for _, r := range "shop" {
		c.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	enter := tea.KeyMsg{Type: tea.KeyEnter}
	if _, done := c.Update(enter); done || ran > 0 || !strings.Contains(c.View(small), "Read on first") {
		t.Fatalf("done before it was read:\n%s", c.View(small))
	}
	read, done := false, false
	for n := 0; n < 5 && !done; n++ {
		read = read || strings.Contains(c.View(small), "6 rows will be lost")
		_, done = c.Update(enter)
	}
	if !read || !done || ran != 1 {
		t.Errorf("the last line in sight %v, done %v, ran %d", read, done, ran)
	}
}

// A warning that does not fit is told to be there, and can be read.
func TestAConfirmationLosesNoWarning(t *testing.T) {
	body := []lang.Msg{
		lang.Raw("first the state of the newest backup, named by its whole long name"),
		lang.Raw("then the mode and the server"),
		lang.Raw("last of all the 1086 rows that will be lost"),
	}
	c := NewConfirm(testEnv(), lang.Raw("x"), body, "shop", nil)
	size := page.Size{Width: 40, Height: 8}
	if view := c.View(size); !strings.Contains(view, "pgdn") || !strings.Contains(view, "shop") {
		t.Fatal(view)
	}
	for range 4 {
		c.Update(tea.KeyMsg{Type: tea.KeyPgDown})
		c.View(size)
	}
	if view := c.View(size); !strings.Contains(view, "be lost") || c.input.Value() != "" {
		t.Fatal(view)
	}
}
