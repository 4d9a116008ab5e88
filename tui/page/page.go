// Package page says what a page of the console is, and how pages speak with the
// console around them. Pages never import each other.
package page

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/theme"
)

// Env is what every page shares. The console owns it and changes it between
// messages (language, zone, theme), so pages read it anew each time.
type Env struct {
	Ctx      context.Context // ends when the console ends
	Lang     *lang.Printer
	Theme    *theme.Theme
	Clock    clock.Clock
	Zone     *time.Location // times are shown in it
	Service  string
	ReadOnly bool
	Advice   *Advice // how sentences name what to do next; nil leaves them as they are
}

// Speak changes the language; what sentences advise is named as Advice says.
func (e *Env) Speak(p *lang.Printer) {
	e.Lang = p
	if a := e.Advice; a != nil {
		e.Lang = p.Rewriting(func(text string) string { return a.in(p, text) })
	}
}

// Command writes a command of opsdeck so that it works when it is typed.
func (e *Env) Command(command string) string {
	if e.Advice == nil {
		return command
	}
	return e.Advice.command(command)
}

// T writes a sentence in the console's language.
func (e *Env) T(key string, args ...any) string { return e.Lang.Msg(lang.Msg{Key: key, Args: args}) }

// Time writes a moment in the console's zone, date and time to the second.
func (e *Env) Time(t time.Time) string { return t.In(e.Zone).Format("2006-01-02 15:04:05") }

// ZoneName names the offset of a moment's zone: its own name may stand for several, as CST
// does.
func ZoneName(at time.Time) string {
	_, offset := at.Zone()
	switch {
	case offset == 0:
		return "UTC"
	case offset%3600 != 0:
		return "UTC" + at.Format("-07:00")
	}
	return "UTC" + at.Format("-07")
}

// Size is the room a page may draw in, in cells.
type Size struct{ Width, Height int }

// Page is one tab. Its methods run on the console's goroutine and do no I/O:
// what takes time is a tea.Cmd, built from copied arguments, a context and a
// generation, whose answer comes back as a Msg.
type Page interface {
	ID() string      // "status": the address of its messages
	Title() lang.Msg // on the tab
	// Init starts what the page needs from the console's start on, shown or not.
	Init() tea.Cmd
	// Show is called when the page comes to the front, Hide when it leaves.
	Show() tea.Cmd
	Hide()
	// Update handles the Body of a Msg addressed to the page, or a broadcast
	// (Incident).
	Update(body any) tea.Cmd
	// Key handles a key that no action of the page has: moving in a list, or
	// text while TakingText.
	Key(k tea.KeyMsg) tea.Cmd
	// TakingText tells that keys are text now; only ctrl-c is kept from the page.
	TakingText() bool
	// Actions is the table behind dispatch, footer, help and palette.
	Actions() []Action
	// View draws exactly Height lines, each at most Width cells.
	View(size Size) string
}

// Again is a page that answers to its own digit when it is in front already.
type Again interface{ Again() tea.Cmd }

// Staged is a page whose actions depend on what it finds. Later are those that it has at
// other stages, or may have once it was looked at, for the palette: Off says what is known.
// Choosing one brings the page to the front; its key works there.
type Staged interface{ Later() []Action }

// Mouser is a page that understands the mouse. x and y are within the page.
type Mouser interface {
	Mouse(m tea.MouseMsg, x, y int) tea.Cmd
}

// Closer is a page whose background work must end, and be waited for, before
// the program may. It is called once, off the console's goroutine.
type Closer interface {
	Close()
}

// Busier is a page with work under way that quitting would disturb; the console
// asks before it quits and shows the sentence.
type Busier interface {
	Busy() (why lang.Msg, busy bool)
}

// Action is one thing that a page or the console can do.
type Action struct {
	ID     string   // stable name for the palette's memory: "backup.create"
	Keys   []string // as tea.KeyMsg.String() says: "enter", "ctrl+d", "D"
	Label  lang.Msg // a word or two, for the footer
	Help   lang.Msg // one line, for help and palette
	Footer bool     // worth a place in the footer
	Writes bool     // changes something outside: refused when read-only
	// Off says why the action cannot run now; nil or an empty Msg means it can.
	Off func() lang.Msg
	Run func() tea.Cmd
}

// Why returns the reason that the action cannot run now, or an empty Msg.
func (a Action) Why(env *Env) lang.Msg {
	if a.Writes && env.ReadOnly {
		return lang.M("read-only mode: opsdeck was started with --read-only")
	}
	if a.Off != nil {
		return a.Off()
	}
	return lang.Msg{}
}

// ForKey finds the action of a key.
func ForKey(actions []Action, key string) (Action, bool) {
	for _, a := range actions {
		for _, k := range a.Keys {
			if k == key {
				return a, true
			}
		}
	}
	return Action{}, false
}

// Msg carries an answer to a page. The page drops it when the generation is not
// the one it waits for.
type Msg struct {
	To   string // Page.ID
	Gen  uint64
	Body any
}

// Unseen is the body of a message that changes nothing which is drawn: the console does not
// draw for it.
type Unseen interface{ Unseen() }

// Gen counts generations: each new request makes the answers to older ones stale.
type Gen uint64

// Next begins a new generation and returns it.
func (g *Gen) Next() uint64 { *g++; return uint64(*g) }

// Is tells whether an answer's generation is the current one.
func (g Gen) Is(n uint64) bool { return uint64(g) == n }

// Envelope lets a page see the generation: the console passes a whole Msg to
// pages that implement it, instead of calling Update with the Body.
type Envelope interface {
	Receive(m Msg) tea.Cmd
}

// Messages that any page may return (through a tea.Cmd) to the console.
type (
	// Goto brings a page to the front and hands it a body.
	Goto struct {
		Page string
		Body any
	}
	// Incident sets the console's one moment of interest; every page gets it.
	Incident struct{ At time.Time }
	// Room tells every page how many cells the verdict's sentence can take on the screen.
	Room struct{ Verdict int }

	// Rezoned tells every page that times are shown in another zone, for what it sent to
	// the console before.
	Rezoned struct{}
	// Changed tells every page that something outside was changed, so that what
	// they found before may hold no longer.
	Changed struct{}
	// Notice shows a sentence in the footer for a few seconds.
	Notice struct {
		State ops.State
		Text  lang.Msg
	}
	// Copy puts text on the operator's clipboard (OSC 52), or in a file where
	// that cannot work.
	Copy struct{ Text string }
	// Verdict is the line under the tabs.
	Verdict struct {
		State ops.State
		Text  lang.Msg
	}
	// Open puts an overlay on the stack.
	Open struct{ Overlay Overlay }
	// Close takes an overlay off the stack, if it is there still: what it asked
	// is not to be asked any more.
	Close struct{ Overlay Overlay }
	// Refresh asks for a new frame; it carries nothing.
	Refresh struct{}
)

// Send makes a command that delivers a message.
func Send(m tea.Msg) tea.Cmd { return func() tea.Msg { return m } }

// After makes a command that delivers a message after d, or nothing when ctx
// ends before. tea.Tick would keep the console from ending.
func After(ctx context.Context, d time.Duration, m tea.Msg) tea.Cmd {
	return func() tea.Msg {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return m
		case <-ctx.Done():
			return nil
		}
	}
}

// Overlay is a dialog above the page. It gets every key until it is done; keys
// typed before it was first drawn never reach it.
type Overlay interface {
	Update(msg tea.Msg) (cmd tea.Cmd, done bool)
	// View draws the dialog's box, at most the given size.
	View(size Size) string
}
