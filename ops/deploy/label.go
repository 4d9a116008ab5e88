package deploy

import "opsdeck/internal/lang"

// Label is the event of a line in a word or two.
func (l Line) Label() lang.Msg {
	switch l.Event {
	case EventStep:
		return lang.M("running")
	case EventDone:
		return lang.M("done")
	case EventSkipped:
		return lang.M("skipped")
	case EventSeen:
		return lang.M("shown before the change")
	case EventFailed, EventUndoFailed:
		return lang.M("failed")
	case EventUndo:
		return lang.M("rolling back")
	case EventUndone:
		if l.Data[MayStay] != "" {
			return lang.M("not rolled back")
		}
		return lang.M("rolled back")
	}
	return lang.Raw(string(l.Event))
}
