package deploy

import (
	"maps"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
)

// Mark is how far one step is.
type Mark string

// The marks of a step; "" is not begun.
const (
	MarkBegun      Mark = "begun"
	MarkDone       Mark = "done"
	MarkFailed     Mark = "failed"
	MarkUndoing    Mark = "undoing"
	MarkUndone     Mark = "undone"
	MarkUndoFailed Mark = "undo-failed"
	MarkSkipped    Mark = "skipped" // its check held already: nothing was done, and nothing is taken back
)

// Result is how a deployment ended; "" while it has not.
type Result string

// The results. Stuck means that it could not be taken back whole: a person is needed.
const (
	ResultDone      Result = "done"
	ResultTakenBack Result = "taken-back"
	ResultStuck     Result = "stuck"
)

// ByHand is the key in the journal's data of a deployment that a person has taken back.
const ByHand = "by_hand"

// MayStay is the key in the journal's data of the steps that nothing takes back: what
// they changed may stay. Their names are joined by ", ".
const MayStay = "may_stay"

// Child is a program that a step started, by its pid and the moment of its start in
// clock ticks since the machine's.
type Child struct {
	PID   int `json:"pid"`
	Start int `json:"start"`
}

// Event is what happened.
type Event string

// The events of a journal.
const (
	EventBegin      Event = "begin"   // or resumed
	EventStep       Event = "step"    // a step is about to run
	EventChild      Event = "child"   // it started a program
	EventSeen       Event = "seen"    // what it found before it changes anything
	EventDone       Event = "done"    // the step is done
	EventSkipped    Event = "skipped" // its check held already: nothing was done
	EventFailed     Event = "failed"  // the step failed
	EventBack       Event = "back"    // from here on steps are taken back
	EventUndo       Event = "undo"    // a step is about to be taken back
	EventUndone     Event = "undone"
	EventUndoFailed Event = "undo-failed"
	EventEnd        Event = "end"
)

// Line is one line of a journal.
type Line struct {
	Seq    int               `json:"seq"` // 1, 2, 3 …
	Time   time.Time         `json:"time"`
	Event  Event             `json:"event"`
	Step   int               `json:"step"`             // index in the plan; -1 for none
	Detail string            `json:"detail,omitempty"` // in the language of whoever ran it
	Said   lang.Both         `json:"said,omitzero"`    // the same in both; older journals have none
	Tail   []string          `json:"tail,omitempty"`   // the last lines of the tool's output
	Data   map[string]string `json:"data,omitempty"`   // for later steps and the way back
	Child  *Child            `json:"child,omitempty"`
	Result Result            `json:"result,omitempty"`
}

// State is how a deployment is getting on, as its journal tells.
type State struct {
	Marks  []Mark
	Data   map[string]string // of all steps together
	Back   bool
	Failed int       // index of the step that failed first; -1 for none
	Detail string    // why that step failed, in the language of whoever ran it
	Said   lang.Both // the same in both
	Tail   []string
	Child  *Child // a program that was started and not seen to its end
	Result Result
	Began  time.Time
	Ended  time.Time
}

// Why is why the step failed, in the language of whoever reads it.
func (s State) Why() lang.Msg { return said(s.Said, s.Detail) }

// What is what a line says, in the language of whoever reads it.
func (l Line) What() lang.Msg { return said(l.Said, l.Detail) }

func said(both lang.Both, detail string) lang.Msg {
	if both.Empty() {
		return lang.Raw(detail)
	}
	return lang.M("%s", both)
}

// At is the index of the step that is under way or comes next, and whether it is being
// taken back; -1 when nothing is left to do.
func (s State) At() (step int, back bool) {
	if a := Next(s); a.Step >= 0 {
		return a.Step, s.Back
	}
	if s.Back || s.Failed >= 0 {
		return s.Failed, s.Back
	}
	return -1, false
}

// Fold replays a journal over a plan.
func Fold(p *Plan, lines []Line) State {
	s := State{Marks: make([]Mark, len(p.Steps)), Data: map[string]string{}, Failed: -1}
	begun := make([]int, len(p.Steps))
	for _, l := range lines {
		if l.Event == EventStep && l.Step >= 0 && l.Step < len(begun) {
			begun[l.Step]++
		}
		if s.skippedBefore(p, l, begun) {
			l.Event = EventSkipped
		}
		s.apply(l)
	}
	return s
}

// skippedBefore tells whether a line of an older journal, which knew no EventSkipped, is
// that of a step with nothing to do: it says so, and the step's command was never started.
// One that was begun twice may have run before it was interrupted: it is no such step.
func (s *State) skippedBefore(p *Plan, l Line, begun []int) bool {
	if l.Event != EventDone || l.Step < 0 || l.Step >= len(p.Steps) {
		return false
	}
	step := p.Steps[l.Step]
	if step.Check == "" || begun[l.Step] > 1 || s.Data[RanKey(step)] != "" {
		return false
	}
	said := NothingToDo(step)
	return l.Detail == termsafe.Line(lang.English().Msg(said)) || l.Detail == termsafe.Line(lang.Chinese().Msg(said))
}

// NothingToDo is what is said of a step whose check held already.
func NothingToDo(s Step) lang.Msg { return lang.M("nothing to do: %s", s.Check) }

// RanKey is the key in the journal's data that tells that a step's own command was started.
func RanKey(s Step) string { return "ran:" + s.Name }

func (s *State) apply(l Line) {
	if s.Began.IsZero() {
		s.Began = l.Time
	}
	maps.Copy(s.Data, l.Data)
	if l.Event != EventChild {
		s.Child = nil
	}
	switch l.Event {
	case EventChild:
		s.Child = l.Child
	case EventBack:
		s.Back = true
		s.Result = ""
		s.Ended = time.Time{}
		for i, m := range s.Marks {
			if m == MarkUndoFailed { // try it again
				s.Marks[i] = MarkUndoing
			}
		}
	case EventEnd:
		s.Result, s.Ended = l.Result, l.Time
	}
	mark, is := marks[l.Event]
	if !is || l.Step < 0 || l.Step >= len(s.Marks) {
		return
	}
	s.Marks[l.Step] = mark
	if (mark == MarkFailed || mark == MarkUndoFailed) && (s.Failed < 0 || mark == MarkUndoFailed) {
		s.Failed, s.Tail = l.Step, l.Tail
		s.Detail, s.Said = l.Detail, l.Said
	}
}

var marks = map[Event]Mark{EventStep: MarkBegun, EventDone: MarkDone, EventFailed: MarkFailed, EventUndo: MarkUndoing,
	EventUndone: MarkUndone, EventUndoFailed: MarkUndoFailed,
	EventSkipped: MarkSkipped}

// Action is what comes next.
type Action struct {
	Event  Event // EventStep, EventBack, EventUndo or EventEnd; "" when all is over
	Step   int
	Result Result
}

// Next decides what comes next. A step that failed turns the deployment round; what
// cannot be taken back stops it.
func Next(s State) Action {
	if s.Result != "" {
		return Action{Step: -1}
	}
	if !s.Back {
		for i, m := range s.Marks {
			switch m {
			case MarkDone, MarkSkipped:
			case MarkFailed:
				return Action{Event: EventBack, Step: -1}
			default:
				return Action{Event: EventStep, Step: i}
			}
		}
		return Action{Event: EventEnd, Step: -1, Result: ResultDone}
	}
	for i := len(s.Marks) - 1; i >= 0; i-- {
		switch s.Marks[i] {
		case "", MarkUndone, MarkSkipped:
		case MarkUndoFailed:
			return Action{Event: EventEnd, Step: -1, Result: ResultStuck}
		default:
			return Action{Event: EventUndo, Step: i}
		}
	}
	return Action{Event: EventEnd, Step: -1, Result: ResultTakenBack}
}
