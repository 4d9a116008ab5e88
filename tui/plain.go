package tui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// A plain console prints lines and reads lines: nothing moves, so that a screen reader
// or script(1) can follow. It is the same console, with the same keys.
const (
	plainWidth  = 400 // nothing is aligned with anything: a narrow page would only cut what it says
	plainHeight = 36
	// quiet is how long nothing must change until what is there is printed, and
	// answered the longest wait for that.
	quiet    = 300 * time.Millisecond
	answered = 3 * time.Second
)

// plain is the model of a plain console: it counts what happens and answers with the
// text of the screen.
type plain struct {
	*Console
	events *atomic.Int64
}

// keysMsg are keys typed as one line; textMsg asks for the text of the screen.
type (
	keysMsg struct{ line string }
	textMsg struct{ to chan<- plainText }
)

// plainText is the screen as lines, and where it is: a line of another place is no
// change but a new page.
type plainText struct {
	place string
	lines []string
}

func (p *plain) View() string { return "" }

func (p *plain) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case textMsg:
		m.to <- p.text()
		return p, nil
	case keysMsg:
		p.events.Add(1)
		keys := keysOf(m.line, p.takesText())
		if len(keys) == 0 {
			return p, p.notify(ops.StateWarning, lang.M("no key has the name %q; ? lists them", termsafe.Line(m.line)))
		}
		var cmds []tea.Cmd
		for _, k := range keys {
			_, cmd := p.Console.Update(k)
			cmds = append(cmds, cmd)
		}
		return p, tea.Batch(cmds...)
	}
	p.events.Add(1)
	_, cmd := p.Console.Update(msg)
	return p, cmd
}

func (p *plain) takesText() bool { return p.top() != nil || p.page().TakingText() }

// text draws the dialog that is open, or the page.
func (p *plain) text() plainText {
	view := p.Console.View()
	place := p.page().ID()
	if top := p.top(); top != nil {
		view = top.View(p.size)
		place += fmt.Sprintf(" %T %d", top.Overlay, len(p.stack))
	}
	if p.top() != nil && !p.notice.Text.Empty() { // the page, which would say it, is below
		view += "\n" + strings.Join(noticeLines(p.Console, p.size.Width, longestNotice), "\n")
	}
	if p.env.Theme.ASCII {
		view = cells.ASCII(view)
	}
	if p.page().ID() != "logs" || p.top() != nil { // its rows have marks in a column of their own
		view = apart(view)
	}
	return plainText{place, readable(view)}
}

// RunPlain shows the console as lines until it is left, ctx ends or there is no more
// input. Of an input that is a bufio.Reader it takes no line that comes after its end.
func RunPlain(ctx context.Context, o Options, in io.Reader, out io.Writer) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	o.Env.Ctx = inner
	o.Theme.Plain = true
	*o.Env.Theme = *o.Env.Theme.InWords()
	c := New(o)
	c.size.Width = plainWidth
	c.size.Height = plainHeight
	model := &plain{Console: c, events: &atomic.Int64{}}
	program := tea.NewProgram(model, tea.WithInput(nil), tea.WithOutput(io.Discard), tea.WithoutRenderer(),
		tea.WithoutSignalHandler())
	stop := context.AfterFunc(ctx, func() { program.Send(quitMsg{}) })
	defer stop()
	ended := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		runPlain(inner, &conversation{program: program, model: model, out: out, ended: ended}, in)
	}()
	_, err := program.Run()
	close(ended)
	cancel()
	c.close()
	if path := c.work.crashed(); path != "" {
		return &CrashError{path}
	}
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && c.next != nil {
		<-over // the next console reads the lines that follow
		return c.next
	}
	return err
}

// conversation prints what the screen says and sends what a person types.
type conversation struct {
	program *tea.Program
	model   *plain
	out     io.Writer
	ended   <-chan struct{}
	last    plainText
	typed   string // the line that the next print answers
}

func runPlain(ctx context.Context, c *conversation, in io.Reader) {
	c.settle(ctx)
	fmt.Fprintln(c.out, c.model.env.T("Type a key and Enter: 2, enter, esc, down 5. "+
		"/words searches, :name finds an action. "+
		"An empty line shows what has changed, a dot shows everything, q quits."))
	c.print(true)
	lines := bufio.NewReader(in)
	for {
		text, err := lines.ReadString('\n')
		if err != nil && text == "" {
			break
		}
		line := strings.TrimSpace(text)
		if line != "" && line != "." {
			c.program.Send(keysMsg{line})
		}
		c.settle(ctx)
		c.typed = line
		c.print(line == ".")
		select {
		case <-c.ended:
			return
		default:
		}
	}
	c.program.Send(quitMsg{})
}

// settle waits until nothing has changed for a while.
func (c *conversation) settle(ctx context.Context) {
	for end, before := time.Now().Add(answered), int64(-1); time.Now().Before(end); {
		now := c.model.events.Load()
		if now == before {
			return
		}
		before = now
		select {
		case <-time.After(quiet):
		case <-c.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// print writes the whole screen, or what is new on it.
func (c *conversation) print(whole bool) {
	to := make(chan plainText, 1)
	c.program.Send(textMsg{to})
	select {
	case now := <-to:
		lines := now.lines
		if !whole && now.place == c.last.place {
			if lines = news(c.last.lines, now.lines); len(lines) == 0 {
				lines = []string{c.model.env.T("nothing new on the screen yet")}
				if c.typed != "" {
					lines = []string{c.model.env.T("%s changed nothing on the screen; ? lists the keys", c.typed)}
				}
			}
		}
		for _, line := range lines {
			fmt.Fprintln(c.out, line)
		}
		fmt.Fprint(c.out, "> ")
		c.last = now
	case <-c.ended:
	}
}

// namedKeys are the keys that a line can name.
var namedKeys = map[string]tea.KeyType{
	"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab,
	"space": tea.KeySpace, "backspace": tea.KeyBackspace, "f1": tea.KeyF1, "f5": tea.KeyF5, "ctrl+c": tea.KeyCtrlC,
}

// mostRepeats bounds "down 5".
const mostRepeats = 500

// keysOf are the keys that a line means: a key by its name, "down 5", one letter, or a
// text with Enter where one is taken, after "/" and ":", and after "=" in any case.
func keysOf(line string, takesText bool) []tea.KeyMsg {
	name, times, _ := strings.Cut(line, " ")
	if kind, ok := namedKeys[name]; ok {
		n, err := strconv.Atoi(strings.TrimSpace(times))
		if err != nil {
			n = 1
		}
		return repeated(tea.KeyMsg{Type: kind}, min(max(n, 1), mostRepeats))
	}
	text, forced := strings.CutPrefix(line, "=")
	first := []rune(line)[0]
	size := len([]rune(line))
	switch {
	case forced:
		return typedText(text)
	case size == 1:
		return []tea.KeyMsg{runes(string(first))}
	case takesText:
		return typedText(line)
	case first == '/' || first == ':':
		return append([]tea.KeyMsg{runes(string(first))}, typedText(string([]rune(line)[1:]))...)
	}
	return nil
}

func runes(text string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text)} }

func typedText(text string) []tea.KeyMsg {
	return []tea.KeyMsg{runes(text), {Type: tea.KeyEnter}}
}

func repeated(k tea.KeyMsg, n int) (out []tea.KeyMsg) {
	for range n {
		out = append(out, k)
	}
	return out
}
