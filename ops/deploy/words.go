package deploy

import (
	"slices"
	"strings"

	"opsdeck/internal/lang"
)

// Label is how far a step is, for people. running tells that a process is at work on the
// deployment.
func (m Mark) Label(running bool) lang.Msg {
	switch m {
	case MarkBegun:
		if running {
			return lang.M("running")
		}
		return lang.M("interrupted")
	case MarkDone:
		return lang.M("done")
	case MarkFailed:
		return lang.M("failed")
	case MarkUndoing:
		if !running {
			return lang.M("interrupted")
		}
		return lang.M("rolling back")
	case MarkUndone:
		return lang.M("rolled back")
	case MarkUndoFailed:
		return lang.M("not rolled back")
	case MarkSkipped:
		return lang.M("skipped")
	}
	return lang.M("not begun")
}

// Label is how far a step of the deployment is. One that nothing takes back is not said to
// be rolled back.
func (d *Deployment) Label(step int, running bool) lang.Msg {
	m := d.State.Marks[step]
	for _, l := range d.Lines {
		if m == MarkUndone && l.Step == step && l.Event == EventUndone && l.Data[MayStay] != "" {
			return lang.M("not rolled back")
		}
	}
	return m.Label(running)
}

// Said is what was said last of a step; empty for nothing.
func (d *Deployment) Said(step int) (said lang.Msg) {
	for _, l := range d.Lines {
		if l.Step == step && l.Detail != "" && l.Event != EventSeen {
			said = l.What()
		}
	}
	return said
}

// Backward tells whether a deployment that is not over is being taken back, or will be when
// it is resumed.
func (s State) Backward() bool { return s.Result == "" && (s.Back || s.Failed >= 0) }

// WayBack is how far a deployment is taken back: the steps that are, those that nothing
// takes back, and those that are left, in the order of the way back.
func WayBack(p *Plan, s State) lang.Msg {
	var back, stay, left []string
	stays := strings.Split(s.Data[MayStay], ", ")
	for i := len(p.Steps) - 1; i >= 0; i-- {
		name := p.Steps[i].Name
		switch m := s.Marks[i]; {
		case m == "" || m == MarkSkipped:
		case m != MarkUndone:
			left = append(left, name)
		case slices.Contains(stays, name):
			stay = append(stay, name)
		default:
			back = append(back, name)
		}
	}
	var said []lang.Msg
	for _, part := range []struct {
		steps []string
		text  func(string) lang.Msg
	}{
		{back, func(n string) lang.Msg { return lang.M("rolled back: %s", n) }},
		{stay, func(n string) lang.Msg { return lang.M("without undo, changes may remain: %s", n) }},
		{left, func(n string) lang.Msg { return lang.M("not yet rolled back: %s", n) }},
	} {
		if len(part.steps) > 0 {
			said = append(said, part.text(strings.Join(part.steps, ", ")))
		}
	}
	if len(said) == 0 {
		return lang.M("no step was started")
	}
	out := said[0]
	for _, m := range said[1:] {
		out = lang.M("%s; %s", out, m)
	}
	return out
}
