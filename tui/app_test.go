package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/golden"

	"opsdeck/internal/cells"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/widget"
)

// fakePage records what reaches it.
type fakePage struct {
	id     string
	title  lang.Msg
	text   bool
	keys   []string
	bodies []any
	acts   []page.Action
}

func (p *fakePage) ID() string              { return p.id }
func (p *fakePage) Title() lang.Msg         { return p.title }
func (p *fakePage) Init() tea.Cmd           { return nil }
func (p *fakePage) Show() tea.Cmd           { return nil }
func (p *fakePage) Hide()                   {}
func (p *fakePage) Update(body any) tea.Cmd { p.bodies = append(p.bodies, body); return nil }
func (p *fakePage) Key(k tea.KeyMsg) tea.Cmd {
	p.keys = append(p.keys, k.String())
	return nil
}
func (p *fakePage) TakingText() bool       { return p.text }
func (p *fakePage) Actions() []page.Action { return p.acts }
func (p *fakePage) View(s page.Size) string {
	return widget.Fill([]string{"客户有限公司 " + p.id}, s)
}

var start = time.Date(2026, 1, 29, 14, 2, 7, 0, time.UTC)

func testConsole() (*Console, []*fakePage, *clocktest.Clock) {
	fake := clocktest.New(start)
	pages := []*fakePage{
		{id: "status", title: lang.Raw("Status")},
		{id: "logs", title: lang.Raw("日志")},
		{id: "restore", title: lang.Raw("Restore")},
	}
	pages[0].acts = []page.Action{
		{
			ID:     "status.open",
			Keys:   []string{"enter"},
			Label:  lang.Raw("open"),
			Help:   lang.Raw("open the check"),
			Footer: true,
			Run:    func() tea.Cmd { return nil },
		},
		{
			ID:     "status.stop",
			Keys:   []string{"S"},
			Label:  lang.Raw("stop"),
			Help:   lang.Raw("stop the service"),
			Footer: true,
			Writes: true,
			Run:    func() tea.Cmd { return nil },
		},
	}
	env := &page.Env{
		Ctx:      context.Background(),
		Lang:     lang.English(),
		Theme:    theme.New(theme.Options{NoColor: true}),
		Clock:    fake,
		Zone:     time.UTC,
		Service:  "qianzhang",
		ReadOnly: true,
	}
	c := New(
		Options{
			Env:   env,
			Pages: []page.Page{pages[0], pages[1], pages[2]},
			Host:  "db1",
			Theme: theme.Options{NoColor: true},
		},
	)
	return c, pages, fake
}

func press(c *Console, names ...string) (last tea.Cmd) {
	for _, n := range names {
		last = c.route(keyMsg(n))
	}
	return last
}

func keyMsg(name string) tea.KeyMsg {
	for _, k := range []tea.KeyType{tea.KeyTab, tea.KeyShiftTab, tea.KeyEsc, tea.KeyEnter, tea.KeyCtrlC, tea.KeyUp,
		tea.KeyDown} {
		if m := (tea.KeyMsg{Type: k}); m.String() == name {
			return m
		}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}

func TestEveryLineFitsEverySize(t *testing.T) {
	for _, size := range []page.Size{{Width: 1, Height: 1}, {Width: 2, Height: 3}, {Width: 40, Height: 10},
		{Width: 80, Height: 24}, {Width: 200, Height: 60}} {
		for _, open := range []string{"", "?", ":"} {
			c, _, _ := testConsole()
			c.route(tea.WindowSizeMsg{Width: size.Width, Height: size.Height})
			c.route(page.Verdict{State: ops.StateCritical, Text: lang.Raw(strings.Repeat("MySQL 客户 is down ", 20))})
			if open != "" {
				press(c, open)
			}
			lines := strings.Split(c.View(), "\n")
			if len(lines) != size.Height {
				t.Errorf("%v %q: %d lines", size, open, len(lines))
			}
			for i, l := range lines {
				if w := cells.Width(l); w > size.Width {
					t.Errorf("%v %q: line %d is %d wide", size, open, i, w)
				}
			}
		}
	}
}

// TestEveryPageHearsOfTheZone: what a page sent to the console before, as its verdict, is in
// the zone that the head names; and that is an offset, for CST is three zones.
func TestEveryPageHearsOfTheZone(t *testing.T) {
	c, pages, _ := testConsole()
	press(c, "U")
	if len(pages[0].bodies) != 1 || pages[0].bodies[0] != (page.Rezoned{}) {
		t.Errorf("the first page was told %v", pages[0].bodies)
	}
	for zone, want := range map[*time.Location]string{
		time.UTC:                             "UTC",
		time.FixedZone("CST", 8*3600):        "UTC+08",
		time.FixedZone("IST", 5*3600+30*60):  "UTC+05:30",
		time.FixedZone("NST", -3*3600-30*60): "UTC-03:30",
	} {
		if got := page.ZoneName(start.In(zone)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestKeysGoInTheFixedOrder(t *testing.T) {
	c, pages, _ := testConsole()
	press(c, "x", "2", "y", "tab", "z", "shift+tab", "w")
	if got := strings.Join(pages[0].keys, ""); got != "x" {
		t.Errorf("first page got %q", got)
	}
	if got := strings.Join(pages[1].keys, ""); got != "yw" {
		t.Errorf("second page got %q", got)
	}
	pages[1].text = true
	press(c, "q", "?", ":", "1", "tab")
	if got := strings.Join(pages[1].keys, " "); got != "y w q ? : 1 tab" {
		t.Errorf("a page that takes text got %q", got)
	}
}

func TestKeysThatArriveTogetherCountOneByOne(t *testing.T) {
	c, pages, _ := testConsole()
	c.route(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("x2y")})
	if got := strings.Join(pages[0].keys, "") + "|" + strings.Join(pages[1].keys, ""); got != "x|y" {
		t.Errorf("got %q", got)
	}
	c.route(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q3"), Paste: true})
	if c.page().ID() != "logs" || len(pages[1].keys) != 1 {
		t.Error("pasted text was taken for keys")
	}
}

func TestReadOnlyRefusesWhatWrites(t *testing.T) {
	c, _, _ := testConsole()
	press(c, "S")
	if !strings.Contains(c.View(), "read-only mode") {
		t.Error(c.View())
	}
}

func TestLateDialogIgnoresKeysTypedBeforeItShowed(t *testing.T) {
	c, _, fake := testConsole()
	ran := false
	dialog := widget.NewConfirm(c.env, lang.Raw("x"), nil, "a", func() tea.Cmd { ran = true; return nil })
	c.route(page.Open{Overlay: dialog})
	press(c, "a", "enter") // typed ahead, before any frame
	c.View()
	fake.Advance(grace - time.Millisecond)
	press(c, "a", "enter") // in the same moment as the frame
	if ran {
		t.Fatal("keys typed before the dialog was visible ran it")
	}
	fake.Advance(time.Millisecond)
	press(c, "a", "enter")
	if !ran || len(c.stack) != 0 {
		t.Fatalf("ran %v, stack %d", ran, len(c.stack))
	}
}

func TestCtrlCTwiceQuits(t *testing.T) {
	c, _, fake := testConsole()
	press(c, "ctrl+c")
	fake.Advance(quitAgain + time.Second)
	if cmd := press(c, "ctrl+c"); isQuit(cmd, 100*time.Millisecond) {
		t.Error("two slow presses quit")
	}
	fake.Advance(time.Second)
	if cmd := press(c, "ctrl+c"); !isQuit(cmd, time.Minute) {
		t.Error("two quick presses did not quit")
	}
	if !isQuit(press(c, "q"), time.Minute) {
		t.Error("q did not quit")
	}
}

// isQuit tells whether a command leaves the console, within so long.
func isQuit(cmd tea.Cmd, within time.Duration) bool {
	if cmd == nil {
		return false
	}
	done := make(chan tea.Msg, 1)
	go func() { done <- cmd() }()
	select {
	case m := <-done:
		_, ok := m.(tea.QuitMsg)
		return ok
	case <-time.After(within):
		return false // the notice's timer
	}
}

func TestMessagesAreRoutedByAddress(t *testing.T) {
	c, pages, _ := testConsole()
	c.route(page.Msg{To: "logs", Body: "for logs"})
	c.route(page.Incident{At: start})
	c.route(page.Goto{Page: "restore", Body: "a.sql.gz"})
	if len(pages[0].bodies) != 1 || len(pages[1].bodies) != 2 || len(pages[2].bodies) != 2 ||
		c.page().ID() != "restore" {
		t.Fatalf("%v %v %v, at %s", pages[0].bodies, pages[1].bodies, pages[2].bodies, c.page().ID())
	}
}

func TestPaletteFindsAndRuns(t *testing.T) {
	c, _, _ := testConsole()
	press(c, ":")
	press(c, strings.Split("utc", "")...)
	press(c, "enter")
	if c.env.Zone != time.Local || len(c.stack) != 0 {
		t.Fatalf("zone %v, stack %d", c.env.Zone, len(c.stack))
	}
}

func TestViews(t *testing.T) {
	for name, size := range map[string]page.Size{"40x10": {Width: 40, Height: 10}, "80x24": {Width: 80, Height: 24},
		"120x40": {Width: 120, Height: 40}} {
		for _, p := range []*lang.Printer{lang.English(), lang.Chinese()} {
			for view, keys := range map[string][]string{"frame": nil, "help": {"?"}, "palette": {":", "t", "a", "b"}} {
				t.Run(view+"/"+name+"/"+p.Code(), func(t *testing.T) {
					c, _, _ := testConsole()
					c.env.Lang = p
					c.route(tea.WindowSizeMsg{Width: size.Width, Height: size.Height})
					c.route(
						page.Verdict{
							State: ops.StateCritical,
							Text: lang.Raw(
								"MySQL is down since 14:02:07 (connection refused); newest good backup 3 h 12 m " +
									"ago. Press 5 to restore.",
							),
						},
					)
					press(c, keys...)
					golden.RequireEqual(t, []byte(c.View()))
				})
			}
		}
	}
}

func BenchmarkFrame200x60(b *testing.B) {
	c, _, _ := testConsole()
	c.route(tea.WindowSizeMsg{Width: 200, Height: 60})
	for b.Loop() {
		c.View()
	}
}
