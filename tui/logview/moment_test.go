package logview

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	logstore "opsdeck/ops/logs/store"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// notices runs a command and what comes of it, and gathers what is said.
func notices(p *Page, cmd tea.Cmd) (said []string) {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			said = append(said, notices(p, c)...)
		}
	case page.Msg:
		said = append(said, notices(p, p.Update(m.Body))...)
	case page.Notice:
		said = append(said, lang.English().Msg(m.Text))
	}
	return said
}

// TestAMomentThatNoLogReachesIsSaid: of an incident, and of a time that is typed.
func TestAMomentThatNoLogReachesIsSaid(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 20})
	first := now.Add(-time.Hour + 15*time.Second)
	for _, c := range []struct {
		at   time.Time
		want string
		cur  time.Time
	}{
		{now.Add(-48 * time.Hour), "no event is that old: the logs start at 2026-01-29 13:05:15", first},
		{now.Add(-30 * time.Minute), "", now.Add(-30 * time.Minute)},
		{now.Add(2 * time.Hour), "no event is that new: the logs end at 2026-01-29 14:05:00", now},
		{now.Add(20 * time.Second), "", now},
	} {
		said := strings.Join(notices(p, p.Update(page.Incident{At: c.at})), "; ")
		if r, ok := p.list.current(); said != c.want || !ok || !r.Event.Time.Equal(c.cur) {
			t.Errorf("%v: %q, the cursor is at %v", c.at, said, r.Event.Time)
		}
	}
	said := notices(p, p.feed.toTime("2026-01-01"))
	if len(said) != 1 || !strings.HasPrefix(said[0], "no event is that old") {
		t.Errorf("%q", said)
	}
	// Older text comes: one is where one wanted to be, until one moves.
	before := now.Add(-30 * 24 * time.Hour)
	older := func(days int) string {
		return fmt.Sprintf("%s INFO older\n", before.Add(time.Duration(days)*24*time.Hour).Format(time.RFC3339))
	}
	store.Add(
		"/l/qianzhang-backend-out.log",
		"/l/1",
		text{bytes.NewReader([]byte(older(0) + older(2) + older(5)))},
		false,
		true,
	)
	settle(t, p, store)
	if r, _ := p.list.current(); !r.Event.Time.Equal(before.Add(2 * 24 * time.Hour)) {
		t.Errorf("the cursor is at %v", r.Event.Time)
	}
	key(p, store, t, "j")
	settle(t, p, store)
	if r, _ := p.list.current(); !r.Event.Time.Equal(before.Add(5 * 24 * time.Hour)) {
		t.Errorf("moved, but the cursor is at %v", r.Event.Time)
	}
}

// TestAPatternIsLeftOutWithAllItsLines: no stack stays behind.
func TestAPatternIsLeftOutWithAllItsLines(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 20})
	key(p, store, t, "p")
	if lit := p.groups.patterns.list[0].Literal; !strings.Contains(lit, "Unable to connect") {
		t.Fatalf("first is %q", lit)
	}
	key(p, store, t, "x")
	if p.tally.stats.Rows != 238 {
		t.Errorf("%d rows for %q", p.tally.stats.Rows, p.ask.query.Source)
	}
	for _, r := range p.list.rows {
		if r.Event.Cont || r.Critical {
			t.Errorf("%q stays", r.Event.Raw)
		}
	}
}

// TestATimelineFillsAScreenThatBecameWider: or narrower, until it is counted anew.
func TestATimelineFillsAScreenThatBecameWider(t *testing.T) {
	counts := make([][7]int32, 78)
	for i := range counts {
		counts[i][logs.LevelInfo] = int32(i)
	}
	for _, width := range []int{1, 38, 77, 78, 79, 118, 400} {
		out := stretched(counts, width)
		sum := int32(0)
		for i, c := range out {
			if sum += c[logs.LevelInfo]; i > 0 && width > 78 && c[logs.LevelInfo] < out[i-1][logs.LevelInfo] {
				t.Fatalf("%d: out of order at %d", width, i)
			}
		}
		if len(out) != width || width <= 78 && sum != 78*77/2 {
			t.Errorf("%d: %d columns, %d events", width, len(out), sum)
		}
	}
}

// TestATimelineIsOfTheQueryThoughItHadNoRoom: a search that is cleared on a small screen is not
// shown when the screen grows again.
func TestATimelineIsOfTheQueryThoughItHadNoRoom(t *testing.T) {
	large, small := page.Size{Width: 80, Height: 24}, page.Size{Width: 40, Height: 8}
	p, store := opened(t, "en", large)
	all := sum(p.tally.line)
	drive(p, p.Update(find{Query: "level:error"}))
	settle(t, p, store)
	hits := sum(p.tally.line)
	if all == 0 || hits == 0 || hits >= all {
		t.Fatalf("%d of %d", hits, all)
	}
	p.View(small)
	drive(p, p.Update(find{}))
	p.View(large)
	if got := sum(p.tally.line); got != all || len(p.tally.line.Counts) != large.Width-2 {
		t.Errorf("%d in %d columns, want %d", got, len(p.tally.line.Counts), all)
	}
}

// sum is how many events a timeline has.
func sum(line logstore.Timeline) (n int32) {
	for _, c := range line.Counts {
		for _, of := range c {
			n += of
		}
	}
	return n
}

// slowly is a store whose hits are at first found in its newest events alone.
type slowly struct {
	*logstore.Store
	pending bool
}

func (s *slowly) Window(at logstore.Place, above, below int) logstore.Window {
	w := s.Store.Window(at, above, below)
	if s.pending {
		w = s.Store.Window(logstore.Place{}, 3, 0)
		w.Above, w.Stats.Pending = 0, true
	}
	return w
}

// TestOneStaysWhereOneWasWhenTheQueryChanges: also where the hits of the newest events
// are found first.
func TestOneStaysWhereOneWasWhenTheQueryChanges(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 20})
	s := &slowly{Store: store}
	p.feed.source = s
	key(p, store, t, "g", "j")
	was, _ := p.list.current()
	s.pending = true
	drive(p, p.finder.search("o"))
	drive(p, p.finder.search("order"))
	if r, _ := p.list.current(); r.ID == was.ID {
		t.Fatal("the hits are not found late")
	}
	s.pending = false
	settle(t, p, store)
	if r, _ := p.list.current(); r.ID != was.ID {
		t.Errorf("the cursor went from %v to %v", was.Event.Time, r.Event.Time)
	}
	s.pending = true
	drive(p, p.finder.search("created"))
	drive(p, p.Key(tea.KeyMsg{Type: tea.KeyDown}))
	if p.feed.holding != (logstore.RowID{}) {
		t.Error("one moved, and is held")
	}
}

// TestOneGoesByTheHour.
func TestOneGoesByTheHour(t *testing.T) {
	p, store := opened(t, "en", page.Size{Width: 80, Height: 20})
	key(p, store, t, "}")
	key(p, store, t, "{")
	if r, _ := p.list.current(); !r.Event.Time.Equal(now.Add(-time.Hour + 15*time.Second)) {
		t.Errorf("one hour earlier is at %v", r.Event.Time)
	}
	key(p, store, t, "j", "}")
	if r, _ := p.list.current(); !r.Event.Time.Equal(now) {
		t.Errorf("an hour on is at %v", r.Event.Time)
	}
}

// TestAnEventThatIsCutSaysSo: in both forms of its detail, before its text.
func TestAnEventThatIsCutSaysSo(t *testing.T) {
	p, _ := opened(t, "en", page.Size{Width: 80, Height: 20})
	for _, raw := range []bool{false, true} {
		p.sheet.detail = detail{ok: true, raw: raw, event: logs.Event{Raw: "x", Message: "x", More: 3 << 20}}
		first := strings.Join(strings.Fields(strings.Join(p.sheet.detailLines(60)[:3], " ")), " ")
		if !strings.Contains(first, "its last 3.0 MiB are not shown") || !strings.Contains(first, "opsdeck logs --raw") {
			t.Errorf("raw %v: %s", raw, first)
		}
		p.sheet.detail.event.More = 0
		if lines := p.sheet.detailLines(60); strings.Contains(strings.Join(lines, " "), "longer") {
			t.Errorf("a whole event: %q", lines)
		}
	}
}
