package deploy

import "opsdeck/internal/lang"

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
