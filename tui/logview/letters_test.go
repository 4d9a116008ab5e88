package logview

import (
	"strings"
	"testing"

	"opsdeck/tui/page"
)

// TestAWordFindsLinesThatHaveItAsTyped: lines that only have its letters in order come where
// no line has the word, or by a key, and the screen says so.
func TestAWordFindsLinesThatHaveItAsTyped(t *testing.T) {
	size := page.Size{Width: 100, Height: 20}
	p, store := opened(t, "en", size)
	hits := func(want int64, says string) {
		t.Helper()
		if v := p.View(size); p.tally.stats.Hits != want || !strings.Contains(v, says) {
			t.Fatalf("%d hits, want %d, and %q in\n%s", p.tally.stats.Hits, want, says, v)
		}
	}
	ask := func(text string) {
		key(p, store, t, "/")
		p.box.input.Set(text)
		key(p, store, t, "enter")
		settle(t, p, store) // letters are looked for once no line had the words
	}
	ask("connect")
	hits(4, "4 hits ")
	key(p, store, t, "~")
	hits(6, "6 hits by letters")
	key(p, store, t, "~")
	hits(4, "as typed; ~ by letters")
	ask("unbl cnnct") // no line has these as typed
	hits(2, "2 hits by letters")
	hits(2, "best first")
	ask("connect") // the next query begins from nothing
	hits(4, "4 hits ")
	hits(4, "following")
	ask("'connect")
	if why := p.ask.noPlainWord(); why.Empty() {
		t.Fatal("~ can be pressed where no word is plain")
	}
}

// TestAllEventsAreNotMarkedBeforeAnythingIsAsked: m does nothing then, so it cannot act later.
func TestAllEventsAreNotMarkedBeforeAnythingIsAsked(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 20})
	key(p, store, t, "m", "/")
	p.box.input.Set("wait")
	key(p, store, t, "enter")
	if p.tally.stats.Rows != p.tally.stats.Hits || p.tally.stats.Hits == 0 {
		t.Fatalf("%d rows, %d hits", p.tally.stats.Rows, p.tally.stats.Hits)
	}
	key(p, store, t, "m", "esc", "m")
	if !p.ask.filter {
		t.Fatal("m does not lead back once the query is gone")
	}
}

// TestATimelineZoomsIntoWhatThereIs: at its end it does not go beyond.
func TestATimelineZoomsIntoWhatThereIs(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 20})
	to := p.tally.line.To
	key(p, store, t, "z")
	if !p.tally.line.To.Equal(to) || p.tally.line.From.Before(to.Add(-16*60e9)) {
		t.Fatalf("zoomed from %s to %s, the log ends at %s", p.tally.line.From, p.tally.line.To, to)
	}
}
