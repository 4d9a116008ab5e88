package tui

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/tui/theme"
)

func TestAPlainConsolePrintsLinesAlone(t *testing.T) {
	c, pages, _ := testConsole()
	o := c.o
	o.ReportDir = t.TempDir()
	o.Env.Theme = theme.New(theme.Options{NoColor: true, ASCII: true})
	in, keys := io.Pipe()
	var out farEnd
	end := make(chan error, 1)
	go func() { end <- RunPlain(context.Background(), o, in, &out) }()
	out.await(t, "1 Status")
	before := len(out.String())
	io.WriteString(keys, "3\n")
	out.await(t, "Restore")
	io.WriteString(keys, "?\n")
	out.await(t, "Everywhere")
	io.WriteString(keys, "esc\n:quit\n")
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	if before == 0 || pages[2].id != "restore" {
		t.Fatal("nothing was printed")
	}
	if s := out.String(); strings.ContainsAny(s, "\x1b\r\a") {
		t.Errorf("the output moves the cursor: %q", s)
	}
}

func TestAPlainConsoleEndsWithItsInput(t *testing.T) {
	c, _, _ := testConsole()
	var out farEnd
	if err := RunPlain(context.Background(), c.o, strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
}

func TestALineIsKeys(t *testing.T) {
	for _, c := range []struct {
		line  string
		texts bool
		want  []string
	}{
		{"j", false, []string{"j"}},
		{"enter", true, []string{"enter"}},
		{"down 3", false, []string{"down", "down", "down"}},
		{"down -1", false, []string{"down"}},
		{"/time out", false, []string{"/", "time out", "enter"}},
		{"shop", false, nil},
		{"shop", true, []string{"shop", "enter"}},
		{"=y", true, []string{"y", "enter"}},
		{"备", false, []string{"备"}},
	} {
		var got []string
		for _, k := range keysOf(c.line, c.texts) {
			got = append(got, k.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

func TestOnlyWhatIsNewIsPrinted(t *testing.T) {
	before := readable("tabs\n▌one\n two\n─ title ────\n  ███▁▁ \n")
	now := readable("tabs\n one\n▌two\n─ title ────\n three   \n")
	if got := news(before, now); !slices.Equal(got, []string{"▌two", " three"}) {
		t.Errorf("%q", got)
	}
	if got := readable("   --since 1h\n│ box  text  │\n╰───────────╯\n-- fields -----\n"); !slices.Equal(got,
		[]string{"   --since 1h", "  box  text", " fields"}) {
		t.Errorf("%q", got)
	}
}

// TestPanesAreReadOneAfterTheOther: "o 5 Verify | since is lost" would say something else.
func TestPanesAreReadOneAfterTheOther(t *testing.T) {
	view := "Plan\n 恢复   │ lost is\n two    │ what\n three  │\n        │ came\n        │ later\nend | of all\n"
	want := []string{"Plan", " 恢复", " two", " three", " lost is", " what", " came", " later", "end | of all"}
	for _, view := range []string{view, strings.ReplaceAll(view, "│", "|")} {
		if got := readable(apart(view)); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	}
	box := "│ one  │\n│ two  │\n│ 3    │\n│ 4    │\n│ five │"
	if got := apart(box); got != box {
		t.Errorf("a box is cut: %q", got)
	}
}

var _ tea.Model = (*plain)(nil)
