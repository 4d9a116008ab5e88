package restoreview

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/ops/restore"
	"opsdeck/tui/page"
)

// openedBy runs a command and returns the dialog that it opens.
func openedBy(t *testing.T, cmd tea.Cmd) page.Overlay {
	t.Helper()
	if cmd == nil {
		t.Fatal("no dialog")
	}
	open, ok := cmd().(page.Open)
	if !ok {
		t.Fatal("no dialog")
	}
	return open.Overlay
}

func pressOn(o page.Overlay, k string) tea.Cmd {
	msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
	if k == "enter" {
		msg = tea.KeyMsg{Type: tea.KeyEnter}
	}
	cmd, _ := o.Update(msg)
	return cmd
}

// TestRowsAreRescuedByKeys compares a table and merges its missing rows, without
// the command line.
func TestRowsAreRescuedByKeys(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap), rescued: restore.RescueTally{Missing: 2}}
	p := newPage("en", d)
	p.base.plan, p.looked = d.plan, true
	i := slices.IndexFunc(p.Actions(), func(a page.Action) bool { return a.ID == "restore.rescue" })
	if i < 0 || !p.Actions()[i].Off().Empty() {
		t.Fatal("rescue cannot be reached")
	}
	compare := pressOn(openedBy(t, p.Actions()[i].Run()), "enter")
	ask := openedBy(t, p.Receive(compare().(page.Msg)))
	for _, width := range []int{40, 80, 200} {
		view := strings.Join(strings.FieldsFunc(ask.View(page.Size{Width: width, Height: 24}),
			func(r rune) bool { return r == ' ' || r == '│' || r == '\n' }), " ")
		contains(t, view, "995 the same, 2 missing now, 0 changed, 1 new since", "restore the missing rows")
		if strings.Contains(view, "changed rows") || strings.Contains(view, "both") {
			t.Errorf("what has no rows is offered:\n%s", view)
		}
	}
	rows, done := ask.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("v")})
	if openedBy(t, rows); done {
		t.Error("leaving the rows does not come back to the question")
	}
	confirm := openedBy(t, pressOn(ask, "m"))
	for _, r := range d.plan.Target.Live {
		pressOn(confirm, string(r))
	}
	merge := pressOn(confirm, "enter")
	if merge == nil {
		t.Fatal("the name was not taken")
	}
	p.Receive(merge().(page.Msg))
	table := d.plan.Source.Tables[0].Name
	want := []string{
		"rescue " + d.plan.Source.Name + " " + table,
		"rescue " + d.plan.Source.Name + " " + table + " missing",
	}
	if !slices.Equal(d.did, want) {
		t.Errorf("%q, want %q", d.did, want)
	}
}
