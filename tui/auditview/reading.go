package auditview

import (
	"context"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// reading is one question to the table: whether it is being answered, how far
// that is, and what the answer was, unless it is rows or counts.
type reading struct {
	gen      generation
	loading  bool
	progress ops.Progress
	signal   chan readingMsg
	err      error
	question error // asks for leave
}

func (r *reading) stop() { r.gen.stop() }

// readingMsg tells how far the reading of a mode is.
type readingMsg struct {
	of       mode
	progress ops.Progress
}

// begin ends the question before. What report is told comes as a readingMsg;
// close ends that.
func (r *reading) begin(parent context.Context,
	of mode) (ctx context.Context, gen uint64, wait tea.Cmd, report func(ops.Progress), end func()) {
	ctx, gen = r.gen.begin(parent)
	signal := make(chan readingMsg, 1)
	r.loading = true
	r.err = nil
	r.question = nil
	r.progress = ops.Progress{}
	r.signal = signal
	report = func(p ops.Progress) { tell(signal, readingMsg{of, p}) }
	return ctx, gen, park(signal, gen), report, func() { close(signal) }
}

// tell leaves a report for park, unless one lies there already.
func tell[T any](signal chan<- T, report T) {
	select {
	case signal <- report:
	default:
	}
}

// park waits until work reports, and hands that over at most a few times a
// second; it ends with the work.
func park[T any](signal <-chan T, gen uint64) tea.Cmd {
	return func() tea.Msg {
		time.Sleep(reportEvery)
		report, ok := <-signal
		if !ok {
			return nil
		}
		return page.Msg{To: id, Gen: gen, Body: report}
	}
}

// takeProgress takes a report.
func (r *reading) takeProgress(gen uint64, m readingMsg) tea.Cmd {
	return r.gen.drop(gen, func() tea.Cmd {
		r.progress = m.progress
		return park(r.signal, gen)
	})
}

// answered tells whether there is an answer to show; anything else is noted.
func (r *reading) answered(err error) bool {
	r.loading = false
	switch {
	case err == nil:
		return true
	case errors.Is(err, context.Canceled):
	case asksLeave(err):
		r.question = err
	default:
		r.err = err
	}
	return false
}

// drawReading draws what stands in an answer's place; ok is false when the
// answer itself is to be drawn.
func (p *base) drawReading(r *reading, doing lang.Msg, size page.Size) (lines []string, ok bool) {
	t := p.env.Theme
	switch {
	case r.loading:
		lines = []string{"", "  " + t.Dim.Render(p.env.Lang.Msg(doing))}
		if n := r.progress; n.Total > 0 {
			share := float64(n.Done) / float64(n.Total)
			lines = append(lines, "  "+widget.Bar(t, share, min(40, size.Width-12))+" "+human.Percent(share),
				"  "+t.Dim.Render(p.env.T("%s rows", human.Count(n.Done))))
		}
		return lines, true
	case r.err != nil:
		return p.problem(r.err, size, lang.M("esc goes back")), true
	case r.question != nil:
		return p.drawQuestion(r.question, size), true
	}
	return nil, false
}
