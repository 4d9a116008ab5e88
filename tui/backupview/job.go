package backupview

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// frame is how often progress is drawn at most.
const frame = 100 * time.Millisecond

// job is long work under way; there is one at a time.
type job struct {
	title  lang.Msg
	cancel context.CancelFunc
	done   chan struct{} // closed when the work has ended
	signal chan struct{} // of capacity 1: there is newer progress

	mu   sync.Mutex
	last ops.Progress

	shown    ops.Progress
	stopping bool
	keep     func() // takes what the work found, once it ended well
}

type (
	progressMsg struct {
		job  *job
		last ops.Progress
	}
	endMsg struct {
		job  *job
		text lang.Msg
		err  error
	}
)

// start begins work and the watching of its progress.
func (p *work) start(title lang.Msg, work func(context.Context, Report) (lang.Msg, error)) tea.Cmd {
	if p.job != nil {
		return page.Send(
			page.Notice{
				State: ops.StateWarning,
				Text:  lang.M("%s is running: wait until it ends, or press esc to stop it", p.job.title),
			},
		)
	}
	ctx, cancel := context.WithCancel(p.stock.env.Ctx)
	j := &job{title: title, cancel: cancel, done: make(chan struct{}), signal: make(chan struct{}, 1)}
	p.job = j
	run := func() tea.Msg {
		defer close(j.done)
		defer cancel()
		text, err := work(ctx, j.report)
		return page.Msg{To: ID, Body: endMsg{j, text, err}}
	}
	return tea.Batch(run, j.watch())
}

func (j *job) report(r ops.Progress) {
	j.mu.Lock()
	j.last = r
	j.mu.Unlock()
	select {
	case j.signal <- struct{}{}:
	default:
	}
}

// watch parks until there is newer progress, or the end.
func (j *job) watch() tea.Cmd {
	return func() tea.Msg {
		select {
		case <-j.done:
			return nil
		case <-j.signal:
		}
		select {
		case <-j.done:
			return nil
		case <-time.After(frame):
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		return page.Msg{To: ID, Body: progressMsg{j, j.last}}
	}
}

func (p *work) progressed(m progressMsg) tea.Cmd {
	if m.job != p.job {
		return nil
	}
	m.job.shown = m.last
	return m.job.watch()
}

// ended tells how the work ended and looks at the folder anew.
func (p *Page) ended(m endMsg) tea.Cmd {
	if m.job == p.work.job {
		p.work.job = nil
	}
	notice := page.Notice{State: ops.StateOK, Text: m.text}
	if warning := (*ops.Warning)(nil); errors.As(m.err, &warning) {
		notice = page.Notice{State: ops.StateWarning, Text: warning.What}
		m.err = nil
	}
	if m.err == nil && m.job.keep != nil {
		m.job.keep()
	}
	if m.err != nil {
		notice = page.Notice{State: ops.StateCritical, Text: lang.M("%s: %s", m.job.title, p.stock.sentence(m.err))}
		if errors.Is(m.err, context.Canceled) {
			notice = page.Notice{State: ops.StateWarning, Text: lang.M("%s: stopped", m.job.title)}
		}
	}
	if m.err != nil {
		return tea.Batch(page.Send(notice), p.read())
	}
	return tea.Batch(page.Send(notice), p.read(), page.Send(page.Changed{}))
}

// sentence is an error for people.
func (p *stock) sentence(err error) string {
	var e *ops.Error
	if errors.As(err, &e) {
		text := p.env.Lang.Msg(e.What)
		if !e.Hint.Empty() {
			text += " → " + p.env.Lang.Msg(e.Hint)
		}
		return termsafe.Line(text)
	}
	return termsafe.Line(err.Error())
}

// stop breaks the work off.
func (p *work) stop() {
	if p.job != nil {
		p.job.stopping = true
		p.job.cancel()
	}
}

// jobLines draw the work under way, below everything else.
func (p *work) jobLines(width int) []string {
	j := p.job
	if j == nil {
		return nil
	}
	t := p.stock.env.Theme
	e := p.stock.env
	r := j.shown
	head := t.Accent.Render(t.Glyph.Running) + " " + t.Bold.Render(e.Lang.Msg(j.title))
	if j.stopping {
		return []string{cells.Cut(head+"  "+e.T("stopping…"), width)}
	}
	keys := widget.KeyHelp(t, "esc", e.T("stop"))
	facts := termsafe.Line(r.Object)
	if r.Unit == "bytes" && r.Done > 0 {
		facts += "  " + human.Bytes(r.Done) + "  " + human.Rate(r.Rate())
	} else if r.Rows > 0 {
		facts += "  " + e.T("%s rows", human.Count(r.Rows))
	}
	if left, ok := r.ETA(); ok {
		facts += "  " + e.T("ETA %s", human.Clock(left))
	}
	share := ""
	if r.Total > 0 {
		f := float64(r.Done) / float64(r.Total)
		share = widget.Bar(t, f, max(6, min(24, width/5))) + " " + human.Percent(min(1, f)) + "  "
	}
	lines := []string{cells.Cut(head+"  "+keys, width)}
	return append(lines, cells.Cut("  "+share+facts, width))
}
