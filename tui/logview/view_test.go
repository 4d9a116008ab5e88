package logview

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/golden"
)

var now = time.Date(2026, 1, 29, 14, 5, 0, 0, time.UTC)

type text struct{ sized }

// sized is a reader of bytes or of a string.
type sized interface {
	io.ReaderAt
	Size() int64
}

func (text) Close() error { return nil }

// sample is an hour of a service's log, with a failure at its end.
func sample() string {
	var b strings.Builder
	at := now.Add(-time.Hour)
	for i := range 240 {
		at = at.Add(15 * time.Second)
		switch {
		case i%11 == 5:
			fmt.Fprintf(
				&b,
				`{"timestamp":"%s","level":"INFO","context":"ArService","message":"客户 %d 信用额度不足，订单已转人工审核","metadata":{"userId":%d,"items":[1,2]}}`+"\n",
				at.Format("2006-01-02T15:04:05.000Z"),
				i,
				i%7,
			)
		case i%17 == 3:
			fmt.Fprintf(
				&b,
				"[Nest] 12345  - %s    WARN [RedisLockService] lock wait took %dms\n",
				at.Format("01/02/2006, 03:04:05 PM"),
				900+i*3,
			)
		case i > 220 && i%4 == 0:
			fmt.Fprintf(
				&b,
				"[Nest] 12345  - %s   ERROR [TypeOrmModule] Unable to connect to the database. Retrying "+
					"(%d)...\nError: connect ECONNREFUSED 127.0.0.1:3306\n    at OrderService.create "+
					"(/app/src/orders/order.service.ts:%d:13)\n    at process.processTicksAndRejections "+
					"(node:internal/process/task_queues:95:5)\n",
				at.Format("01/02/2006, 03:04:05 PM"),
				i,
				i,
			)
		case i == 230:
			fmt.Fprintf(
				&b,
				"[Nest] 12345  - %s   DEBUG [Evil] \x1b]0;owned\x07 \x1b[8mhidden\x1b[2J \u202etxt.exe\n",
				at.Format("01/02/2006, 03:04:05 PM"),
			)
		default:
			fmt.Fprintf(
				&b,
				"[Nest] 12345  - %s     LOG [OrderService] Order created successfully: %d\n",
				at.Format("01/02/2006, 03:04:05 PM"),
				5000+i,
			)
		}
	}
	return b.String()
}

// opened is a page over the sample, with everything read and drawn.
func opened(t *testing.T, code string, size page.Size) (*Page, *store.Store) {
	t.Helper()
	store := store.NewStore(time.UTC, func() time.Time { return now })
	t.Cleanup(store.Close)
	env := &page.Env{
		Ctx:     context.Background(),
		Lang:    lang.For(code),
		Theme:   theme.New(theme.Options{NoColor: true}),
		Clock:   clocktest.New(now),
		Zone:    time.UTC,
		Service: "qianzhang",
	}
	store.Add(
		"/l/qianzhang-backend-out.log",
		"/l/qianzhang-backend-out.log",
		text{bytes.NewReader([]byte(sample()))},
		false,
		false,
	)
	p := New(env, store, Options{})
	p.look.size = size
	settle(t, p, store)
	return p, store
}

// settle waits for the store, then for a window of all of it.
func settle(t *testing.T, p *Page, store *store.Store) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		if st := store.Stats(); st.Done == st.Bytes && !st.Pending && st.Bytes > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the store does not come to rest")
		}
		time.Sleep(time.Millisecond)
	}
	p.look.shown, p.parked = true, true
	p.feed.loading = false
	drive(p, p.feed.load())
	drive(p, p.feed.count(true))
	p.View(p.look.size)
	drive(p, p.feed.load())
	drive(p, p.feed.count(true))
}

// drive runs commands and what comes of them.
func drive(p *Page, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			drive(p, c)
		}
	case page.Msg:
		drive(p, p.Update(m.Body))
	}
}

func key(p *Page, store *store.Store, t *testing.T, keys ...string) {
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		switch k {
		case "enter":
			msg = tea.KeyMsg{Type: tea.KeyEnter}
		case "esc":
			msg = tea.KeyMsg{Type: tea.KeyEsc}
		}
		var cmd tea.Cmd
		if a, ok := page.ForKey(p.Actions(), msg.String()); ok && !p.TakingText() {
			if a.Why(p.look.env).Empty() {
				cmd = a.Run()
			}
		} else {
			cmd = p.Key(msg)
		}
		drive(p, cmd)
		if p.look.mode == listMode {
			settle(t, p, store)
		}
	}
}

var sizes = []page.Size{
	{Width: 40, Height: 8},
	{Width: 80, Height: 20},
	{Width: 120, Height: 35},
	{Width: 200, Height: 55},
}

func TestScreens(t *testing.T) {
	screens := map[string][]string{
		"list": nil, "query": {"/", "connect", "enter"}, "error": {"/", "order level:loud", "enter"},
		"typing": {"/", "客户"},
		"detail": {
			"/",
			"unable",
			"enter",
			"enter",
		}, "json": {"/", "'客户", "enter", "enter"}, "patterns": {"p"}, "paused": {"g"},
		"around": {"/", "wait", "enter", "]", "]"}, "best": {"/", "connect", "enter", "o"},
	}
	for name, keys := range screens {
		for _, size := range sizes {
			for _, code := range []string{"en", "zh"} {
				t.Run(fmt.Sprintf("%s_%dx%d_%s", name, size.Width, size.Height, code), func(t *testing.T) {
					p, store := opened(t, code, size)
					key(p, store, t, keys...)
					view := p.View(size)
					lines := strings.Split(view, "\n")
					if len(lines) != size.Height {
						t.Errorf("%d lines, want %d", len(lines), size.Height)
					}
					for i, l := range lines {
						if w := cells.Width(l); w > size.Width {
							t.Errorf("line %d is %d cells wide", i, w)
						}
					}
					if strings.Contains(view, "\x1b]") || strings.Contains(view, "\u202e") ||
						strings.Contains(view, "\x1b[8m") {
						t.Error("an attack reaches the terminal")
					}
					if size.Width < 200 {
						golden.RequireEqual(t, []byte(view))
					}
				})
			}
		}
	}
}

func TestScrollingUpStopsFollowingAndCountsWhatIsNew(t *testing.T) {
	size := page.Size{Width: 80, Height: 20}
	store := store.NewStore(time.UTC, func() time.Time { return now })
	t.Cleanup(store.Close)
	env := &page.Env{
		Ctx:   context.Background(),
		Lang:  lang.English(),
		Theme: theme.New(theme.Options{NoColor: true}),
		Clock: clocktest.New(now),
		Zone:  time.UTC,
	}
	g := &grows{}
	g.add(sample())
	seg := store.Add("a", "a", g, true, false)
	p := New(env, store, Options{})
	p.look.size = size
	settle(t, p, store)
	if !strings.Contains(p.View(size), "following") {
		t.Fatal("does not follow at first")
	}
	key(p, store, t, "k", "k")
	seg.Grow(g.add("2026-01-29T14:06:00Z INFO brand new\n2026-01-29T14:06:01Z INFO and newer\n"), nil)
	settle(t, p, store)
	if v := p.View(size); !strings.Contains(v, "paused") || !strings.Contains(v, "+2 new") ||
		strings.Contains(v, "brand new") {
		t.Fatalf("paused, but\n%s", v)
	}
	key(p, store, t, "G")
	if v := p.View(size); !strings.Contains(v, "following") || !strings.Contains(v, "and newer") {
		t.Fatalf("follows again, but\n%s", v)
	}
}

type grows struct{ b []byte }

func (g *grows) add(s string) int64 {
	g.b = append(append([]byte(nil), g.b...), s...)
	return int64(len(g.b))
}
func (g *grows) ReadAt(p []byte, off int64) (int, error) { return copy(p, g.b[off:]), nil }
func (g *grows) Size() int64                             { return int64(len(g.b)) }
func (g *grows) Close() error                            { return nil }

func TestAtSetsTheIncident(t *testing.T) {
	p, _ := opened(t, "en", page.Size{Width: 80, Height: 20})
	cmd := p.setIncident()
	found := false
	for _, c := range cmd().(tea.BatchMsg) {
		if m, ok := c().(page.Incident); ok {
			found = m.At.Equal(p.list.rows[p.list.cur].Event.Time)
		}
	}
	if !found {
		t.Fatal("no incident was sent")
	}
}

// TestALogThatIsNotThereIsNotFollowed: the list says why and what helps, and nothing
// is called followed until there is something to follow.
func TestALogThatIsNotThereIsNotFollowed(t *testing.T) {
	st := store.NewStore(time.UTC, func() time.Time { return now })
	t.Cleanup(st.Close)
	env := &page.Env{
		Ctx: context.Background(), Lang: lang.For("zh"), Theme: theme.New(theme.Options{NoColor: true}),
		Clock: clocktest.New(now), Zone: time.UTC,
	}
	p := New(env, st, Options{})
	p.look.size = page.Size{Width: 80, Height: 20}
	missing := ops.E(ops.Failed, lang.M("no logs are configured")).
		WithHint(lang.M("name one with --source FILE, or set logs: in the configuration"))
	view := func() string {
		p.look.shown, p.parked, p.feed.loading = true, true, false
		drive(p, p.feed.load())
		return p.View(p.look.size)
	}
	st.Fail("", missing)
	st.Fail("", missing)
	if n := len(st.Stats().Errors); n != 1 {
		t.Errorf("one failure is noted %d times", n)
	}
	if got := view(); !strings.Contains(got, "没有配置日志") || !strings.Contains(got, "→ ") || strings.Contains(got, "跟踪中") {
		t.Errorf("without a log:\n%s", got)
	}
	st.Fail("", nil)
	st.Add("/l/a.log", "/l/a.log", text{bytes.NewReader([]byte(sample()))}, false, false)
	settle(t, p, st)
	if got := view(); strings.Contains(got, "没有配置日志") || !strings.Contains(got, "跟踪中") {
		t.Errorf("with a log:\n%s", got)
	}
}
