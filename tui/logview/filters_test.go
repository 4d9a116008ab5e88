package logview

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// typed opens the dialog that a command asks for, types a text into it and takes it.
func typed(t *testing.T, p *Page, cmd tea.Cmd, text string) {
	t.Helper()
	open, ok := first[page.Open](cmd)
	if !ok {
		t.Fatal("no dialog was opened")
	}
	o := open.Overlay
	o.Update(tea.KeyMsg{Type: tea.KeyCtrlU})
	o.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text)})
	done, _ := o.Update(tea.KeyMsg{Type: tea.KeyEnter})
	drive(p, done)
}

// first is the first message of a kind that a command brings.
func first[M any](cmd tea.Cmd) (m M, ok bool) {
	if cmd == nil {
		return m, false
	}
	switch got := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range got {
			if m, ok = first[M](c); ok {
				return m, true
			}
		}
	case M:
		return got, true
	}
	return m, false
}

// press finds the action of a key and runs it.
func press(t *testing.T, p *Page, key string) tea.Cmd {
	t.Helper()
	a, ok := page.ForKey(p.Actions(), key)
	if !ok {
		t.Fatalf("no action has the key %q", key)
	}
	if why := a.Why(p.look.env); !why.Empty() {
		t.Fatalf("%q cannot be used: %s", key, why)
	}
	return a.Run()
}

// TestKeptFiltersAreSwitchedOneByOne keeps two, and looks at the rows after each switch.
func TestKeptFiltersAreSwitchedOneByOne(t *testing.T) {
	var saved Session
	p, s := opened(t, "en", sizes[2])
	p.look.o.SaveSession = func(s Session) error { saved = s; return nil }
	all := s.Stats().Rows
	drive(p, press(t, p, "F"))
	typed(t, p, press(t, p, "a"), "level:error")
	settle(t, p, s)
	errs := s.Stats().Rows
	if errs == 0 || errs >= all {
		t.Fatalf("%d rows of %d", errs, all)
	}
	typed(t, p, press(t, p, "a"), "context:RedisLockService")
	settle(t, p, s)
	both := s.Stats().Rows
	if both <= errs {
		t.Fatalf("with a second filter in: %d rows, %d before", both, errs)
	}
	drive(p, press(t, p, "m")) // the second is out now
	settle(t, p, s)
	if n := s.Stats().Rows; n != errs {
		t.Errorf("in errors, out locks: %d rows, want %d", n, errs)
	}
	if view := p.View(p.look.size); !strings.Contains(view, "[1 in, 1 out]") ||
		!strings.Contains(view, "kept filters") {
		t.Errorf("head and panel do not say it:\n%s", view)
	}
	p.kept.scroll.Cursor = 0
	drive(p, press(t, p, " "))
	settle(t, p, s)
	if n := s.Stats().Rows; n != all-(both-errs) {
		t.Errorf("out locks alone: %d rows, want %d", n, all-(both-errs))
	}
	if len(saved.Filters) != 2 || saved.Filters[0].On || saved.Filters[1].Does != FilterOut {
		t.Errorf("kept for the next time: %+v", saved.Filters)
	}
	drive(p, press(t, p, "esc"))
	if view := p.View(p.look.size); strings.Contains(view, "kept filters") || !strings.Contains(view, "[1 out]") {
		t.Errorf("after esc:\n%s", view)
	}
}

// TestAFilterIsRemovedOnlyWhenAsked asks before a filter goes, and refuses one with an error.
func TestAFilterIsRemovedOnlyWhenAsked(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	drive(p, press(t, p, "F"))
	typed(t, p, press(t, p, "a"), "level:loud")
	if len(p.kept.list) != 0 {
		t.Errorf("a filter that cannot be read was kept: %+v", p.kept.list)
	}
	typed(t, p, press(t, p, "a"), "order")
	settle(t, p, s)
	open, _ := first[page.Open](press(t, p, "d"))
	if len(p.kept.list) != 1 {
		t.Fatal("it went before the answer")
	}
	cmd, _ := open.Overlay.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("d")})
	drive(p, cmd)
	if len(p.kept.list) != 0 {
		t.Error("it is there still")
	}
}

// TestHighlightsHaveASignWithoutColour marks rows by the rule's number, and the search stays marked.
func TestHighlightsHaveASignWithoutColour(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	p.restore(Options{Highlights: []Filter{{Query: "context:RedisLockService", Colour: "cyan"}}})
	key(p, s, t, "g")
	settle(t, p, s)
	signs := 0
	for _, l := range strings.Split(p.View(p.look.size), "\n") {
		if strings.HasPrefix(l, "1") && strings.Contains(l, "lock wait") {
			signs++
		} else if strings.Contains(l, "lock wait") && !strings.HasPrefix(l, p.look.env.Theme.Glyph.Cursor) {
			t.Errorf("no sign: %q", l)
		}
	}
	if signs == 0 {
		t.Error("no row has the sign")
	}
	drive(p, press(t, p, "F"))
	if why := mustAct(t, p, "d").Why(p.look.env); why.Empty() {
		t.Error("a rule of the configuration can be removed")
	}
	drive(p, press(t, p, "x"))
	if now := p.session.now(); len(now.RulesOff) != 1 || len(now.Filters) != 0 {
		t.Errorf("session: %+v", now)
	}
}

func mustAct(t *testing.T, p *Page, key string) page.Action {
	t.Helper()
	a, ok := page.ForKey(p.Actions(), key)
	if !ok {
		t.Fatalf("no action has the key %q", key)
	}
	return a
}

// TestTheSessionComesBack closes the tab with a filter, a log that is off and a place, and opens it again.
func TestTheSessionComesBack(t *testing.T) {
	var saved Session
	p, s := opened(t, "en", sizes[2])
	p.look.o.SaveSession = func(s Session) error { saved = s; return nil }
	drive(p, press(t, p, "F"))
	typed(t, p, press(t, p, "a"), "context:OrderService")
	drive(p, press(t, p, "esc"))
	settle(t, p, s)
	key(p, s, t, "g", "j", "j", "j")
	was, _ := p.list.current()
	drive(p, p.session.save())

	again, store := opened(t, "en", sizes[2])
	again.restore(Options{Session: saved})
	settle(t, again, store)
	settle(t, again, store)
	if r, _ := again.list.current(); r.Event.Raw != was.Event.Raw || again.list.follow {
		t.Errorf("at %q, want %q", r.Event.Raw, was.Event.Raw)
	}
	if a, b := store.Stats().Rows, s.Stats().Rows; a != b {
		t.Errorf("%d rows, want %d", a, b)
	}
	if again.session.notice.Empty() {
		t.Error("nothing says that a filter leaves events out")
	}
}

// TestLogsAreSwitchedOff leaves a log's events out, and says how much there is of each.
func TestLogsAreSwitchedOff(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	s.Add("/l/second-error.log", "/l/second-error.log",
		text{strings.NewReader(now.Format("2006-01-02T15:04:05.000Z") + " ERROR [X] only here\n")}, false, false)
	settle(t, p, s)
	all := s.Stats().Rows
	drive(p, press(t, p, "D"))
	view := p.View(p.look.size)
	if !strings.Contains(view, "[x] /l/second-error.log") || !strings.Contains(view, "1 line ") {
		t.Errorf("the panel:\n%s", view)
	}
	p.files.scroll.Cursor = 1
	drive(p, press(t, p, "x"))
	settle(t, p, s)
	if n := s.Stats().Rows; n != all-1 {
		t.Errorf("%d rows, want %d", n, all-1)
	}
	if view := p.View(p.look.size); !strings.Contains(view, "[ ] /l/second-error.log") ||
		!strings.Contains(view, "[1 log off]") || strings.Contains(view, "only here") {
		t.Errorf("with one off:\n%s", view)
	}
	drive(p, press(t, p, "o"))
	settle(t, p, s)
	if n := s.Stats().Rows; n != 1 {
		t.Errorf("only that log: %d rows", n)
	}
}

// TestDeltaIsMeasuredFromTheLineOrTheMark reads the column against the rows' own times.
func TestDeltaIsMeasuredFromTheLineOrTheMark(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	key(p, s, t, "g", "j", "j")
	drive(p, press(t, p, "d"))
	if d, ok := p.list.since(p.list.cur, nil); !ok || d != 15*time.Second {
		t.Errorf("since the line before: %s", d)
	}
	if !strings.Contains(p.View(p.look.size), "+15.00s") {
		t.Error("the column is not shown")
	}
	key(p, s, t, "b", "j", "j")
	drive(p, press(t, p, "d"))
	if d, ok := p.list.since(p.list.cur, p.book.marks); !ok || d != 30*time.Second {
		t.Errorf("since the mark: %s", d)
	}
	for d, want := range map[time.Duration]string{
		0: "+0ms", -time.Second: "-1.00s", 61 * time.Second: "+1m01s", 25 * time.Hour: "+1d01h",
		59990 * time.Millisecond: "+59.99s",
	} {
		if got := deltaText(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// TestGapsAreDrawn draws a long time without an event, and the cursor stays in sight.
func TestGapsAreDrawn(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	var b strings.Builder
	at := now
	for i := range 40 {
		if at = at.Add(time.Second); i == 20 {
			at = at.Add(12*time.Minute + 30*time.Second)
		}
		b.WriteString(at.Format("2006-01-02T15:04:05.000Z") + " INFO [Late] tick\n")
	}
	s.Add("/l/late.log", "/l/late.log", text{strings.NewReader(b.String())}, false, false)
	settle(t, p, s)
	if strings.Contains(p.View(p.look.size), "without events") {
		t.Error("a gap is drawn though Δ is off")
	}
	drive(p, press(t, p, "d"))
	key(p, s, t, "g", "G")
	view := p.View(p.look.size)
	if !strings.Contains(view, "12 m 31 s without events") {
		t.Errorf("no gap is drawn:\n%s", view)
	}
	last := strings.Split(view, "\n")[p.list.listTop()+p.list.listHeight()-1]
	if !strings.Contains(last, "tick") {
		t.Errorf("the cursor's row is not the last: %q", last)
	}
}

// TestAFieldIsTakenIntoTheSearch takes a nested field of the open event, with and without.
func TestAFieldIsTakenIntoTheSearch(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	all := s.Stats().Rows
	key(p, s, t, "/", "'客户", "enter", "g", "enter")
	e := p.sheet.detail.event
	var at int
	for i, v := range pairsOf(&e) {
		if v.name == "metadata.userId" {
			at = i
		}
	}
	open, ok := first[page.Open](press(t, p, "x"))
	if !ok || at == 0 {
		t.Fatalf("no dialog, or no such field: %+v", pairsOf(&e))
	}
	for range at {
		open.Overlay.Update(tea.KeyMsg{Type: tea.KeyDown})
	}
	drive(p, p.finder.search(""))
	cmd, _ := open.Overlay.Update(tea.KeyMsg{Type: tea.KeyEnter})
	drive(p, cmd)
	settle(t, p, s)
	v, _ := e.Field("metadata.userId")
	if want := "!field.metadata.userId=" + v; p.ask.query.Source != want {
		t.Errorf("the search is %q, want %q", p.ask.query.Source, want)
	}
	out := s.Stats().Rows
	drive(p, p.finder.search("field.metadata.userId="+v))
	settle(t, p, s)
	if in := s.Stats().Rows; in == 0 || in+out != all {
		t.Errorf("%d with it, %d without, %d in all", in, out, all)
	}
}

// TestTwoSpansAreCompared asks for the good time, and names a span without an event.
func TestTwoSpansAreCompared(t *testing.T) {
	p, s := opened(t, "en", sizes[2])
	var good, bad stat.Span
	var fails error
	p.look.o.Compare = func(_ context.Context, _ *query.Query, g, b stat.Span) (*stat.Comparison, error) {
		good, bad = g, b
		c := &stat.Comparison{Good: g, Bad: b, Events: [2]int64{40, 50}}
		c.Patterns = []stat.Pattern{
			{Text: "Unable to connect to the database. Retrying (#)...", Change: stat.New, Bad: 5},
			{Text: "Order created successfully: #", Change: stat.Same, Good: 40, Bad: 45},
		}
		return c, fails
	}
	key(p, s, t, "g")
	r, _ := p.list.current()
	typed(t, p, press(t, p, "A"), "-1d")
	if bad.To.Sub(bad.From) != time.Hour || !bad.From.Equal(r.Event.Time.Add(-30*time.Minute)) ||
		!good.From.Equal(bad.From.AddDate(0, 0, -1)) {
		t.Errorf("good %v, bad %v", good, bad)
	}
	view := p.View(p.look.size)
	if !strings.Contains(view, "NEW") || !strings.Contains(view, "1 pattern differs, 1 do") ||
		strings.Contains(view, "Order created") {
		t.Errorf("the table:\n%s", view)
	}
	drive(p, press(t, p, "enter"))
	if want := `'Unable\ to\ connect\ to\ the\ database.\ Retrying\ (`; p.ask.query.Source != want {
		t.Errorf("the search is %q", p.ask.query.Source)
	}
	fails = errors.New("no such file")
	settle(t, p, s)
	typed(t, p, press(t, p, "A"), "-1d")
	if !strings.Contains(p.View(p.look.size), "no such file") {
		t.Error("the error is not shown")
	}
	p.look.mode = listMode
	p.look.env.Lang = lang.For("zh")
	p.View(page.Size{Width: 40, Height: 10})
}
