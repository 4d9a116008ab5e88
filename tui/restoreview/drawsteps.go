package restoreview

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

// stepState is how a step stands.
type stepState struct {
	glyph string
	style interface{ Render(...string) string }
	took  time.Duration
	known bool
	word  lang.Msg // the same for a page that is read line by line
}

func (p *sheet) stepState(s restore.Step) stepState {
	t := p.base.env.Theme
	pending := stepState{glyph: t.Glyph.Pending, style: t.Dim, word: lang.M("not started")}
	if !p.base.watching() {
		if p.base.plan.Steps[s-1].Skipped {
			pending.glyph = t.Glyph.Dot
			pending.word = lang.M("skipped")
		}
		return pending
	}
	st := p.base.run.State
	var took time.Duration
	seen := false
	for _, m := range st.Trail {
		if m.Stage.Step() != s {
			continue
		}
		seen = true
		end := m.End
		if end.IsZero() {
			end = p.base.lastSign()
		}
		took += end.Sub(m.Begin)
	}
	current := st.Stage.Step() == s && !st.Stage.Final()
	switch {
	case current && st.Stage.Asks():
		return stepState{t.Glyph.Warn, t.Warn, took, true, lang.M("needs an answer")}
	case current && !p.base.run.Alive:
		return stepState{t.Glyph.Warn, t.Warn, took, true, lang.M("interrupted")}
	case current:
		return stepState{t.Glyph.Running, t.Accent, took, true, lang.M("running")}
	case seen && st.Stage.Back() && s > 1 && s < restore.StepRestart:
		word := lang.M("being undone")
		if st.Stage.Final() {
			word = lang.M("undone")
		}
		return stepState{t.Glyph.Left, t.Unknown, took, true, word}
	case seen:
		return stepState{t.Glyph.Check, t.OK, took, true, lang.M("done")}
	}
	return pending
}

// left is the list of the seven steps, with marks and times.
func (p *sheet) left() []string {
	e, t := p.base.env, p.base.env.Theme
	w := 0
	for _, s := range restore.AllSteps {
		w = max(w, cells.Width(e.Lang.Msg(s.Label())))
	}
	var lines []string
	marks := 0
	for _, s := range restore.AllSteps {
		marks = max(marks, cells.Width(p.stepState(s).glyph))
	}
	for i, s := range restore.AllSteps {
		st := p.stepState(s)
		clock := "     "
		if st.known {
			clock = cells.PadLeft(human.Clock(st.took), 5)
		}
		name := fmt.Sprintf("%d %s", i+1, cells.Pad(e.Lang.Msg(s.Label()), w))
		if i == p.base.step {
			name = t.Selected.Render(name)
		}
		line := st.style.Render(cells.Pad(st.glyph, marks)) + " " + name + " " + t.Dim.Render(clock)
		if t.Plain {
			line += "  " + e.Lang.Msg(st.word)
		}
		lines = append(lines, line)
	}
	return lines
}

// strip is the steps in one line, for a narrow screen.
func (p *sheet) strip(w int) string {
	e, t := p.base.env, p.base.env.Theme
	var b strings.Builder
	for _, s := range restore.AllSteps {
		st := p.stepState(s)
		b.WriteString(st.style.Render(st.glyph))
	}
	label := e.Lang.Msg(restore.AllSteps[p.base.step].Label())
	b.WriteString(" " + t.Selected.Render(fmt.Sprintf("%d/7 %s", p.base.step+1, label)))
	if st := p.stepState(restore.AllSteps[p.base.step]); st.known {
		b.WriteString(" " + human.Clock(st.took))
	}
	return cells.Cut(b.String(), w)
}
