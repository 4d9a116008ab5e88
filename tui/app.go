// Package tui is the console: tabs, the verdict line, the footer, and the way
// that keys and messages take. Its pages are given to it; it knows none by name.
package tui

import (
	"strconv"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/widget"
)

// Options is what a console is made of.
type Options struct {
	Env     *page.Env
	Pages   []page.Page
	Host    string
	Program string        // how this program is called again, with its --config; "" is opsdeck
	Start   string        // the page to begin with; "" is the first
	Actions []page.Action // further ones for the palette, e.g. the demo's faults
	// Runbooks opens what to do, step by step, from the help; nil where there is nothing.
	Runbooks func() tea.Cmd
	Services Services
	Theme    theme.Options // as Env.Theme was made, for the key that changes it
	// Copy puts text on the clipboard and says how it did. It runs in a command.
	Copy func(text string) (lang.Msg, error)
	// ReportDir is where a crash leaves its report.
	ReportDir string
	Version   string
	First     lang.Msg // the notice to begin with; none is empty
}

// Console is the root model.
type Console struct {
	o       Options
	env     *page.Env
	size    page.Size
	active  int
	verdict page.Verdict
	notice  page.Notice
	noticed uint64          // the notice's number, so that only its own timer clears it
	refused func() lang.Msg // why the key of the notice was refused, asked again; nil for other notices
	armed   time.Time
	mouse   bool
	stack   []overlay
	actions []page.Action
	work    *tracker
	next    *SwitchError // what to show after this; nil is nothing
	drawn   string       // the last View
	same    bool         // what came since changes nothing of it
}

// quitAgain is how soon the second ctrl-c must follow the first.
const quitAgain = 2 * time.Second

// noticeTime is how long a notice stays.
const noticeTime = 5 * time.Second

// New makes a console.
func New(o Options) *Console {
	c := &Console{o: o, env: o.Env, size: page.Size{Width: 80, Height: 24}, work: newTracker(o)}
	tabs := map[string]string{}
	for i, p := range o.Pages {
		tabs[p.ID()] = strconv.Itoa(i + 1)
		if p.ID() == o.Start {
			c.active = i
		}
	}
	if c.env.Lang != nil {
		c.env.Advice = page.NewAdvice(o.Program, tabs)
		for _, name := range o.Services.Names {
			if name != o.Env.Service {
				c.env.Advice.Also(name, o.Services.Program(name))
			}
		}
		c.env.Speak(c.env.Lang)
		atPage(c)
	}
	c.actions = c.globalActions()
	if o.Services.several() {
		c.actions = append([]page.Action{serviceAction(c)}, c.actions...)
	}
	if o.Runbooks != nil {
		c.actions = append(c.actions, page.Action{
			ID:    "console.runbooks",
			Label: lang.M("runbooks"),
			Help:  lang.M("what to do, step by step: restore, MySQL is down, deploy, on call …"),
			Run:   o.Runbooks,
		})
	}
	return c
}

func (c *Console) page() page.Page { return c.o.Pages[c.active] }

// Init starts every page.
func (c *Console) Init() tea.Cmd {
	cmds := []tea.Cmd{}
	for _, p := range c.o.Pages {
		cmds = append(cmds, p.Init())
	}
	cmds = append(cmds, c.page().Show())
	if !c.o.First.Empty() {
		cmds = append(cmds, c.notify(ops.StateWarning, c.o.First))
	}
	return c.work.watch(tea.Batch(cmds...))
}

// Update takes a message on its way; see route.go.
func (c *Console) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer c.work.report()
	c.same = c.refused == nil && unseen(msg)
	return c, c.work.watch(c.route(msg))
}

// unseen tells whether a message changes nothing that is drawn.
func unseen(msg tea.Msg) bool {
	m, ok := msg.(page.Msg)
	if !ok {
		return false
	}
	_, ok = m.Body.(page.Unseen)
	return ok
}

// goTo brings a page to the front.
func (c *Console) goTo(i int) tea.Cmd {
	if i < 0 || i >= len(c.o.Pages) {
		return nil
	}
	if i == c.active {
		if again, ok := c.page().(page.Again); ok {
			return again.Again()
		}
		return nil
	}
	c.page().Hide()
	c.active = i
	atPage(c)
	c.notice = page.Notice{} // it was about the other page
	return c.page().Show()
}

// atPage tells the advice which page is in front: its own keys need no tab.
func atPage(c *Console) {
	if len(c.o.Pages) > 0 {
		c.env.Advice.At(c.page().ID())
	}
}

// globalActions are the console's own keys. Pages must not use them.
func (c *Console) globalActions() []page.Action {
	n := len(c.o.Pages)
	actions := []page.Action{
		{ID: "console.next", Keys: []string{"tab"}, Label: lang.M("next tab"), Help: lang.M("go to the next tab"),
			Run: func() tea.Cmd { return c.goTo((c.active + 1) % n) }},
		{
			ID:    "console.previous",
			Keys:  []string{"shift+tab"},
			Label: lang.M("previous tab"),
			Help:  lang.M("go to the previous tab"),
			Run:   func() tea.Cmd { return c.goTo((c.active + n - 1) % n) },
		},
		{
			ID:     "console.help",
			Keys:   []string{"?", "f1"},
			Label:  lang.M("help"),
			Help:   lang.M("show the keys of this page"),
			Footer: true,
			Run:    func() tea.Cmd { c.push(c.help()); return nil },
		},
		{
			ID:     "console.palette",
			Keys:   []string{":"},
			Label:  lang.M("palette"),
			Help:   lang.M("find any action by typing a part of its name"),
			Footer: true,
			Run:    func() tea.Cmd { c.push(newPalette(c)); return nil },
		},
		{
			ID:    "console.language",
			Keys:  []string{"L"},
			Label: lang.M("中文/English"),
			Help:  lang.M("switch the language: English or Chinese"),
			Run:   c.switchLanguage,
		},
		{
			ID:    "console.zone",
			Keys:  []string{"U"},
			Label: lang.M("UTC/local"),
			Help:  lang.M("show times in UTC or in local time"),
			Run:   c.switchZone,
		},
		{
			ID:    "console.theme",
			Keys:  []string{"T"},
			Label: lang.M("dark/light"),
			Help:  lang.M("switch between dark and light background"),
			Run:   c.switchTheme,
		},
		{
			ID:    "console.mouse",
			Keys:  []string{"M"},
			Label: lang.M("mouse"),
			Help:  lang.M("turn the mouse on or off; off, the terminal selects text"),
			Run:   c.switchMouse,
		},
		{
			ID:     "console.quit",
			Keys:   []string{"q"},
			Label:  lang.M("quit"),
			Help:   lang.M("quit the console; or press ctrl-c twice"),
			Footer: true,
			Run:    c.quit,
		},
	}
	for i := range n {
		p := c.o.Pages[i]
		actions = append(
			actions,
			page.Action{ID: "console.tab." + p.ID(), Keys: []string{strconv.Itoa(i + 1)}, Label: p.Title(),
				Help: lang.M("go to the tab %s", p.Title()), Run: func() tea.Cmd { return c.goTo(i) }},
		)
	}
	return actions
}

func (c *Console) switchLanguage() tea.Cmd {
	if c.env.Lang.Code() == "en" {
		c.env.Speak(lang.Chinese())
	} else {
		c.env.Speak(lang.English())
	}
	return nil
}

func (c *Console) switchZone() tea.Cmd {
	if c.env.Zone == time.UTC {
		c.env.Zone = time.Local
	} else {
		c.env.Zone = time.UTC
	}
	return c.broadcast(page.Rezoned{})
}

func (c *Console) switchTheme() tea.Cmd {
	c.o.Theme.Dark = !c.o.Theme.Dark
	*c.env.Theme = *theme.New(c.o.Theme)
	return nil
}

func (c *Console) switchMouse() tea.Cmd {
	c.mouse = !c.mouse
	if c.mouse {
		return tea.Batch(tea.EnableMouseCellMotion, c.notify(ops.StateOK, lang.M("mouse on; M turns it off")))
	}
	return tea.Batch(tea.DisableMouse, c.notify(ops.StateOK, lang.M("mouse off")))
}

// quit leaves, after a question when work is under way.
func (c *Console) quit() tea.Cmd {
	return leave(c, lang.M("Quit the console?"), lang.M("quit"), func() tea.Cmd { return tea.Quit })
}

// leave ends the console by do, after a question when work is under way.
func leave(c *Console, question, yes lang.Msg, do func() tea.Cmd) tea.Cmd {
	for _, p := range c.o.Pages {
		b, ok := p.(page.Busier)
		if !ok {
			continue
		}
		if why, busy := b.Busy(); busy {
			c.push(widget.NewAsk(c.env, question, []lang.Msg{why}, false,
				widget.Choice{Key: "y", Label: yes, Run: do}))
			return nil
		}
	}
	return do()
}

// interrupt is ctrl-c: the second one in a row quits.
func (c *Console) interrupt() tea.Cmd {
	now := c.env.Clock.Now()
	if !c.armed.IsZero() && now.Sub(c.armed) < quitAgain {
		return tea.Quit
	}
	c.armed = now
	return c.notify(ops.StateWarning, lang.M("press ctrl-c again to quit"))
}

type clearNotice struct{ n uint64 }

func (c *Console) notify(s ops.State, text lang.Msg) tea.Cmd {
	c.noticed++
	c.refused = nil
	n := c.noticed
	c.notice = page.Notice{State: s, Text: text}
	return page.After(c.env.Ctx, noticeTime, clearNotice{n})
}
