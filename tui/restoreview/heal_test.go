package restoreview

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
)

func deleted(tables ...string) *binlog.Transaction {
	t := &binlog.Transaction{ID: "uuid:88", Time: now.Add(-time.Hour)}
	for _, name := range tables {
		t.Count("qianzhang_sales", name).Add(binlog.Delete, 4)
	}
	return t
}

// said runs commands and gives what they deliver.
func said(cmd tea.Cmd) (out []tea.Msg) {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range m {
			out = append(out, said(c)...)
		}
	default:
		out = append(out, m)
	}
	return out
}

// overlay is the dialog that a command opens; answers go to the page.
func overlay(p *Page, cmd tea.Cmd) (found page.Overlay) {
	for _, m := range said(cmd) {
		switch m := m.(type) {
		case page.Open:
			found = m.Overlay
		case page.Msg:
			if more := overlay(p, p.Receive(m)); more != nil {
				found = more
			}
		}
	}
	return found
}

// TestTheFirstStepSaysThatALaterMomentMayBeReached, and does not call a plan of the backup alone
// one that loses next to nothing.
func TestTheFirstStepSaysThatALaterMomentMayBeReached(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	d.plan.Source.At = now.Add(-55 * time.Second)
	d.reach = restore.Reach{Backup: now.Add(-10 * time.Hour), LogTo: now.Add(-3 * time.Second), Now: now}
	p := newPage("en", d)
	p.Update(planMsg{plan: d.plan, reach: reached(t.Context(), d)})
	view := p.View(page.Size{Width: 200, Height: 40})
	view = strings.Join(strings.Fields(view), " ")
	contains(t, view, "u restores to a later moment, if the binlog can be replayed: newest good backup "+
		"2026-01-29 02:00:00, binlog to 2026-01-29 11:59:57", "everything written since is lost (55 s)")
	if strings.Contains(view, "at most") {
		t.Error(view)
	}
}

// A plan from an older backup loses what came since that backup, not since the newest.
func TestAPlanSaysWhatItsOwnBackupLoses(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	d.plan.Source.At = now.Add(-200 * 24 * time.Hour)
	d.reach = restore.Reach{Backup: now.Add(-10 * time.Hour), Now: now}
	p := newPage("en", d)
	p.Update(planMsg{plan: d.plan, reach: reached(t.Context(), d)})
	view := strings.Join(strings.Fields(p.View(page.Size{Width: 200, Height: 40})), " ")
	for _, want := range []string{
		"everything written since is lost (200 d)",
		"there is a newer good backup: 2026-01-29 02:00:00",
	} {
		if !strings.Contains(view, want) {
			t.Errorf("%q is not said:\n%s", want, view)
		}
	}
	if strings.Contains(view, "is lost (10 h)") {
		t.Error(view)
	}
}

func TestAMomentIsChosenByOneKey(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	for text, want := range map[string]string{
		"2026-01-29T10:30:00Z": "draft   [] to 2026-01-29T10:30:00Z",
		"binlog.000007:1234":   "draft   [] to binlog.000007:1234",
		"":                     "draft   []",
	} {
		o := press(t, p, "u")
		prompt := o.(interface {
			Update(tea.Msg) (tea.Cmd, bool)
		})
		for range 40 {
			prompt.Update(tea.KeyMsg{Type: tea.KeyBackspace})
		}
		prompt.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text)})
		cmd, _ := prompt.Update(tea.KeyMsg{Type: tea.KeyEnter})
		overlay(p, cmd)
		if got := d.did[len(d.did)-1]; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestAnAccidentIsUndoneByKeys(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	ask := overlay(p, p.Update(deleted("orders", "customers")))
	view := ask.View(page.Size{Width: 80, Height: 30})
	for _, want := range []string{"Recommended: undo this transaction", "undoes 8 rows", "several tables"} {
		if !strings.Contains(strings.Join(strings.Fields(view), " "), want) {
			t.Fatalf("no %q in\n%s", want, view)
		}
	}
	cmd, _ := ask.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("u")})
	plan := overlay(p, cmd)
	cmd, _ = plan.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("b")})
	confirm := overlay(p, cmd)
	if slices.Contains(d.did, "rewind uuid:88 h1") {
		t.Fatal("it was done without a confirmation")
	}
	if !typeIn(p, confirm, "qianzhang_sales") || !slices.Contains(d.did, "rewind uuid:88 h1") {
		t.Fatalf("%v", d.did)
	}
}

// What the desk refuses to undo is no longer recommended: the dialog says the whole reason,
// and the next way is a key in it.
func TestARefusedUndoNamesItsReasonAndTheNextWay(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	ask := overlay(p, p.Update(deleted("orders")))
	d.err = ops.Wrap(errors.New("the table orders was replaced since, by 0-1-340"), ops.Failed,
		lang.M("this transaction cannot be undone row by row"))
	cmd, _ := ask.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("u")})
	again := overlay(p, cmd)
	view := strings.Join(strings.FieldsFunc(again.View(page.Size{Width: 80, Height: 30}),
		func(r rune) bool { return strings.ContainsRune(" │\n", r) }), " ")
	contains(t, view, "Recommended: one table to a moment", "undo this transaction: not possible: this transaction "+
		"cannot be undone row by row (the table orders was replaced since, by 0-1-340)")
	d.err = nil
	if cmd, _ := again.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("u")}); !noAnswer(cmd) {
		t.Error("the refused way is still a key")
	}
	cmd, _ = again.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("t")})
	overlay(p, cmd)
	if got := d.did[len(d.did)-1]; got != "draft   [orders] to uuid:88" {
		t.Error(got)
	}
}

func TestConflictsOfAnUndoAreTheOperatorsChoice(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap), conflicts: 2}
	p := newPage("en", d)
	ask := overlay(p, p.Update(deleted("orders")))
	cmd, _ := ask.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("u")})
	plan := overlay(p, cmd)
	if cmd, _ := plan.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("b")}); !noAnswer(cmd) {
		t.Fatal("the conflicts were passed over")
	}
	cmd, _ = plan.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("o")})
	if !typeIn(p, overlay(p, cmd), "qianzhang_sales") || !slices.Contains(d.did, "rewind uuid:88 h1 overwrite") {
		t.Fatalf("%v", d.did)
	}
}

func TestOneTableToJustBeforeTheAccident(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	ask := overlay(p, p.Update(deleted("orders")))
	cmd, _ := ask.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("t")})
	overlay(p, cmd)
	if got := d.did[len(d.did)-1]; got != "draft   [orders] to uuid:88" {
		t.Fatal(got)
	}
	p.Update(planMsg{plan: d.plan})
	cmd, _ = press(t, p, "w").Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("u")})
	if got, ok := cmd().(page.Goto); !ok || got.Page != "audit" {
		t.Fatalf("%#v", got)
	}
}

// No way to a moment is recommended where the log does not reach it.
func TestAWayThatTheLogDoesNotReachIsNotRecommended(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap), unreached: errors.New("no log")}
	p := newPage("en", d)
	txn := deleted()
	txn.DDL = []binlog.Statement{{Schema: "qianzhang_sales", SQL: "TRUNCATE orders"}}
	view := strings.Join(strings.Fields(overlay(p, p.Update(txn)).View(page.Size{Width: 80, Height: 30})), " ")
	if strings.Contains(view, "Recommended") || !strings.Contains(view, "one table to a moment: not possible: no log") {
		t.Error(view)
	}
}

// The ways that w offers do not take the last transaction for the one that is meant now:
// it is one answer, by its name; and its table is under the cursor.
func TestTheLastTransactionIsOneOfTheAnswers(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	p.Update(planMsg{plan: d.plan})
	name := func(o page.Overlay) string {
		return strings.Join(strings.Fields(o.View(page.Size{Width: 80, Height: 30})), " ")
	}
	if view := name(press(t, p, "w")); strings.Contains(view, "last selected") {
		t.Fatalf("nothing was chosen: %s", view)
	}
	overlay(p, p.Update(deleted("orders")))
	ways := press(t, p, "w")
	if view := name(ways); !strings.Contains(view, "Last selected: transaction uuid:88") {
		t.Fatal(view)
	}
	cmd, _ := ways.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("t")})
	picker := overlay(p, cmd).(*picker)
	if got := picker.rows[picker.scroll.Cursor].id; got != "orders" {
		t.Errorf("the cursor is on %s", got)
	}
	cmd, _ = press(t, p, "w").Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("l")})
	if view := name(overlay(p, cmd)); !strings.Contains(view, "Recommended: undo this transaction") {
		t.Error(view)
	}
}

// noAnswer tells that a key did nothing in a dialog but be told as no answer.
func noAnswer(cmd tea.Cmd) bool {
	if cmd == nil {
		return false
	}
	n, is := cmd().(page.Notice)
	return is && strings.Contains(n.Text.String(), "is not an answer here")
}
