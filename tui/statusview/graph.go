package statusview

import (
	"strings"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/health"
)

// steps are the latencies at which a bar grows by an eighth. They are fixed, so
// that a bar means the same in every row and does not change with its
// neighbours.
var steps = []time.Duration{5, 10, 25, 60, 150, 400, 1000}

func level(d time.Duration) int {
	for i, s := range steps {
		if d < s*time.Millisecond {
			return i
		}
	}
	return len(steps)
}

// newest are the newest w samples.
func newest(s *health.Standing, w int) []health.Sample {
	h := s.History
	if len(h) > w {
		h = h[len(h)-w:]
	}
	return h
}

// even tells whether all samples are alike in what is drawn of them. Then the
// drawing is filled to its left end as well: a service that stands still must
// not draw a line that grows with every look.
func even(h []health.Sample, of func(health.Sample) int) bool {
	for _, x := range h {
		if of(x) != of(h[0]) {
			return false
		}
	}
	return len(h) > 0
}

func levelOf(x health.Sample) int { return level(x.Latency) }
func stateOf(x health.Sample) int { return int(x.State) }

// fill makes w samples of fewer that are even.
func fill(h []health.Sample, w int, of func(health.Sample) int) []health.Sample {
	if len(h) == w || !even(h, of) {
		return h
	}
	out := make([]health.Sample, w)
	for i := range out {
		out[i] = h[0]
	}
	return out
}

// spark draws latencies as bars, newest at the right.
func (p *look) spark(s *health.Standing, w int) string {
	h := fill(newest(s, w), w, levelOf)
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", w-len(h)))
	for _, x := range h {
		b.WriteRune(p.env.Theme.Glyph.Bar[level(x.Latency)])
	}
	return b.String()
}

// strip draws what each look said as a mark, newest at the right.
func (p *look) strip(s *health.Standing, w int, colour bool) string {
	h := newest(s, w)
	if p.env.Theme.Plain {
		h = nil
	}
	if s.State == ops.StateOK {
		h = fill(h, w, stateOf)
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", w-len(h)))
	for from := 0; from < len(h); {
		to := from
		for to < len(h) && h[to].State == h[from].State {
			to++
		}
		run := strings.Repeat(p.mark(h[from].State), to-from)
		if colour {
			run = p.ink.state[h[from].State].Paint(run)
		}
		b.WriteString(run)
		from = to
	}
	return b.String()
}

// mark is a state in the strip.
func (p *look) mark(s ops.State) string {
	g := p.env.Theme.Glyph
	switch s {
	case ops.StateWarning:
		return g.Warn
	case ops.StateCritical:
		return g.Crit
	case ops.StateUnknown:
		return g.Unknown
	}
	if p.env.Theme.ASCII {
		return "-"
	}
	return "━"
}

// graph draws latencies as columns of h lines, newest at the right, with the
// states below.
func (p *dossier) graph(s *health.Standing, w, h int) []string {
	t := p.look.env.Theme
	samples := fill(newest(s, w), w, levelOf)
	lines := make([]string, 0, h+1)
	for line := h - 1; line >= 0; line-- {
		var b strings.Builder
		b.WriteString(strings.Repeat(" ", w-len(samples)))
		for _, x := range samples {
			eighths := (level(x.Latency)+1)*h - line*8
			switch {
			case eighths >= 8:
				b.WriteRune(t.Glyph.Bar[7])
			case eighths > 0:
				b.WriteRune(t.Glyph.Bar[eighths-1])
			default:
				b.WriteByte(' ')
			}
		}
		lines = append(lines, t.Info.Render(b.String()))
	}
	return append(lines, p.look.strip(s, w, true))
}
