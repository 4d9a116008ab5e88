package logview

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/ops/logs/query"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// overlayOf runs a command that opens a dialog.
func overlayOf(t *testing.T, cmd tea.Cmd) page.Overlay {
	t.Helper()
	m, ok := cmd().(page.Open)
	if !ok {
		t.Fatal("no dialog opens")
	}
	return m.Overlay
}

// typeInto types into a dialog and takes it.
func typeInto(p *Page, o page.Overlay, text string) {
	o.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text)})
	cmd, _ := o.Update(tea.KeyMsg{Type: tea.KeyEnter})
	drive(p, cmd)
}

func TestANotedBookmarkIsFoundAgainInANewConsole(t *testing.T) {
	size := page.Size{Width: 100, Height: 24}
	p, store := opened(t, "en", size)
	var kept []Bookmark
	p.look.o.SaveMarks = func(all []Bookmark) error { kept = all; return nil }
	key(p, store, t, "/", "'1521ms", "enter", "b", "esc")
	drive(p, p.finder.search("'201"))
	settle(t, p, store)
	typeInto(p, overlayOf(t, p.note()), "here it began 从这里开始")
	if len(kept) != 2 || kept[0].Note != "here it began 从这里开始" || kept[1].Note != "" {
		t.Fatalf("kept %+v", kept)
	}

	p, store = opened(t, "en", size)
	p.book.marks = kept
	key(p, store, t, "g", "'")
	if r, _ := p.list.current(); !strings.Contains(r.Event.Raw, "5201") {
		t.Fatalf("the first bookmark is at %q", r.Event.Raw)
	}
	if v := p.View(size); !strings.Contains(v, "here it began 从这里开始") {
		t.Fatalf("the note is not shown\n%s", v)
	}
	key(p, store, t, "'")
	if r, _ := p.list.current(); !strings.Contains(r.Event.Raw, "took 1521ms") {
		t.Fatalf("the second bookmark is at %q", r.Event.Raw)
	}
	typeInto(p, overlayOf(t, p.feed.pickMark()), "began")
	settle(t, p, store)
	if r, _ := p.list.current(); !strings.Contains(r.Event.Raw, "5201") {
		t.Fatalf("picked %q", r.Event.Raw)
	}
	key(p, store, t, "b")
	if len(p.book.marks) != 1 {
		t.Fatalf("%d bookmarks after one was taken away", len(p.book.marks))
	}
}

func TestASelectionLargerThanTheScreenIsCopiedWhole(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 12})
	key(p, store, t, "g", "v", "G")
	cmd := p.copyLines()
	m, ok := cmd().(page.Msg).Body.(copyMsg)
	if !ok {
		t.Fatal("nothing is copied")
	}
	lines := strings.Split(m.text, "\n")
	if len(lines) != 240 || !strings.Contains(lines[0], "5000") || !strings.Contains(lines[239], "5239") {
		t.Fatalf("%d lines, from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

func TestSearchesAreRememberedOnceAndPicked(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 20})
	p.look.o.Searches = []query.Saved{{Name: "the database", Query: "level:error connect"}}
	var kept []string
	p.look.o.SaveHistory = func(all []string) error { kept = all; return nil }
	for _, q := range []string{"wait", "took>1000", "wait"} {
		key(p, store, t, "/")
		p.box.input.Set(q)
		key(p, store, t, "enter")
	}
	if fmt.Sprint(kept) != "[took>1000 wait]" {
		t.Fatalf("kept %q", kept)
	}
	typeInto(p, overlayOf(t, p.finder.pickSearch()), "datab")
	settle(t, p, store)
	if p.ask.asked.Source != "level:error connect" || p.tally.stats.Hits != 4 {
		t.Fatalf("asked %q: %d hits", p.ask.asked.Source, p.tally.stats.Hits)
	}
}

func TestOneGoesToATimeOfTheDayShown(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 100, Height: 24})
	typeInto(p, overlayOf(t, p.askTime()), "13:30")
	settle(t, p, store)
	if r, _ := p.list.current(); r.Event.Time.Format("15:04:05") != "13:30:00" || p.list.follow {
		t.Fatalf("went to %v", r.Event.Time)
	}
	if m, ok := p.feed.toTime("half past two")().(page.Notice); !ok ||
		!strings.Contains(p.look.env.Lang.Msg(m.Text), "half past two") {
		t.Error("what is no time is not told")
	}
}

func TestOneKeyShowsOnlyTheContextUnderTheCursor(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 100, Height: 24})
	all := store.Stats().Rows
	key(p, store, t, "/", "'took", "enter", "x")
	if p.ask.asked.Source != "'took context:RedisLockService" || store.Stats().Hits == 0 {
		t.Fatalf("asked %q, %d hits", p.ask.asked.Source, store.Stats().Hits)
	}
	key(p, store, t, "x", "esc")
	if n := store.Stats().Rows; p.ask.asked.Source != "" || n != all {
		t.Fatalf("asked %q, %d rows of %d", p.ask.asked.Source, n, all)
	}
}
