package logview

import (
	"strings"
	"testing"

	"opsdeck/tui/page"
)

func TestATallScreenShowsTheChosenEventBelowTheList(t *testing.T) {
	size := page.Size{Width: 200, Height: 55}
	p, store := opened(t, "en", size)
	for range 3 {
		r, _ := p.list.current()
		_, below, ok := strings.Cut(p.View(size), "─ event ─")
		if want := r.Event.Time.In(p.look.env.Zone).Format("15:04:05.000"); !ok || !strings.Contains(below, want) {
			t.Errorf("the pane does not show the event of %s:\n%s", want, below)
		}
		key(p, store, t, "up")
	}
	if strings.Contains(p.View(page.Size{Width: 200, Height: 30}), "─ event ─") {
		t.Error("a low screen has a pane")
	}
}

// A query without a hit says what may have been meant: words are text.
func TestAQueryWithoutAHitSaysWhatWouldMatch(t *testing.T) {
	p, store := opened(t, "en", sizes[2])
	key(p, store, t, "/", "Order.*created", "enter")
	view := p.View(p.look.size)
	if !strings.Contains(view, "nothing matches") || !strings.Contains(view, "/Order.*created/") {
		t.Errorf("no advice:\n%s", view)
	}
	key(p, store, t, "esc")
	if view := p.View(p.look.size); strings.Contains(view, "/Order.*created/") {
		t.Errorf("the advice stays:\n%s", view)
	}
}
