package restore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"
)

func allStages() []Stage {
	var out []Stage
	for s := range table {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// variants are all combinations of the facts that rules use.
func variants(stage Stage) []Snapshot {
	var out []Snapshot
	for _, m := range []Mode{Swap, InPlace, Into} {
		for bits := range 64 {
			s := Snapshot{
				ID:       "x",
				Database: "db",
				Mode:     m,
				Stage:    stage,
				Notifies: bits&1 > 0,
				Kept:     bits&2 > 0,
				Swapped:  bits&8 > 0,
				Loaded:   bits&16 > 0,
				Later:    bits&32 > 0,
			}
			if bits&4 > 0 {
				s.Data.Emergency = "e.sql.gz"
			}
			out = append(out, s)
		}
	}
	return out
}

// TestTheWholeTable prints every cell: the stages that an event can lead to, over all
// facts; a dot is impossible.
func TestTheWholeTable(t *testing.T) {
	var b strings.Builder
	for _, stage := range allStages() {
		fmt.Fprintf(&b, "%s", stage)
		if e, ok := stage.Effect(); ok {
			fmt.Fprintf(&b, " does %s", e)
		}
		b.WriteString("\n")
		for _, kind := range allKinds {
			to := map[string]bool{}
			for _, v := range variants(stage) {
				for _, typed := range []string{"", "db"} {
					cell(t, v, Event{Kind: kind, Typed: typed}, to)
				}
				cell(t, v, Event{Kind: kind, Data: &Data{Unreadable: []string{"t"}}}, to)
			}
			var names []string
			for n := range to {
				names = append(names, n)
			}
			slices.Sort(names)
			if len(names) == 0 {
				names = []string{"."}
			}
			fmt.Fprintf(&b, "  %-8s %s\n", kind, strings.Join(names, " "))
		}
	}
	golden.RequireEqual(t, b.String())
}

func cell(t *testing.T, v Snapshot, e Event, to map[string]bool) {
	t.Helper()
	n, effects, err := Next(v, e)
	if err != nil {
		if n.Stage != v.Stage || n.Seq != v.Seq || len(effects) > 0 {
			t.Errorf("%s × %s: an error changed the snapshot", v.Stage, e.Kind)
		}
		return
	}
	want, does := n.Stage.Effect()
	if does != (len(effects) == 1) || does && effects[0] != want {
		t.Errorf("%s × %s: effects %v in %s", v.Stage, e.Kind, effects, n.Stage)
	}
	name := string(n.Stage)
	if e.Typed == "" {
		to[name] = true
	} else if !to[name] {
		to[name+"(typed)"] = true
	}
}

// facets are the variants of an event's data that affect transitions.
var facets = []*Data{nil, {Unreadable: []string{"t"}}}

// TestDiagram prints the path of each mode, for people.
func TestDiagram(t *testing.T) {
	var b strings.Builder
	for _, m := range []Mode{Swap, InPlace, Into} {
		fmt.Fprintf(&b, "%%%% %s\nstateDiagram-v2\n", m)
		for _, stage := range reachable(m) {
			for _, kind := range allKinds {
				if kind == KindResume {
					continue
				}
				seen := Stage("")
				for _, data := range facets {
					n, _, err := Next(facts(m, stage), Event{Kind: kind, Typed: "db", Data: data})
					if err == nil && n.Stage != seen {
						fmt.Fprintf(&b, "  %s --> %s: %s\n", stage, n.Stage, kind)
						seen = n.Stage
					}
				}
			}
		}
	}
	golden.RequireEqual(t, b.String())
}

func facts(m Mode, stage Stage) Snapshot {
	return Snapshot{
		ID:       "x",
		Database: "db",
		Mode:     m,
		Stage:    stage,
		Notifies: true,
		Kept:     m != Into,
		Swapped:  !stage.Back(),
		Data:     Data{Emergency: "e"},
	}
}

func reachable(m Mode) []Stage {
	seen := map[Stage]bool{Planned: true}
	for waiting := []Stage{Planned}; len(waiting) > 0; waiting = waiting[1:] {
		for _, kind := range allKinds {
			for _, data := range facets {
				n, _, err := Next(facts(m, waiting[0]), Event{Kind: kind, Typed: "db", Data: data})
				if err == nil && !seen[n.Stage] {
					seen[n.Stage] = true
					waiting = append(waiting, n.Stage)
				}
			}
		}
	}
	var out []Stage
	for s := range seen {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// TestEveryWayIsSafe walks all paths from the plan, to a depth that covers each path
// without repeats, and checks the invariants on each.
func TestEveryWayIsSafe(t *testing.T) {
	for _, m := range []Mode{Swap, InPlace, Into} {
		t.Run(string(m), func(t *testing.T) {
			seen := map[string]bool{}
			var walk func(s Snapshot)
			walk = func(s Snapshot) {
				key := fmt.Sprint(
					s.Stage,
					s.SkipBackup,
					s.Doubted,
					s.Swapped,
					s.Kept,
					s.Data.Emergency,
					s.Loaded,
					verified(s),
					saved(s),
				)
				if seen[key] {
					return
				}
				seen[key] = true
				safe(t, s)
				for _, kind := range allKinds {
					for _, typed := range []string{"", "db"} {
						for _, e := range outcomesOf(s, kind, typed) {
							if n, _, err := Next(s, e); err == nil {
								walk(n)
							}
						}
					}
				}
			}
			walk(Snapshot{ID: "x", Database: "db", Mode: m, Stage: Planned, Notifies: true})
			if len(seen) < 20 {
				t.Fatalf("only %d states seen: the walk is broken", len(seen))
			}
		})
	}
}

func outcomesOf(s Snapshot, kind Kind, typed string) []Event {
	e := Event{Kind: kind, Typed: typed, Time: time.Unix(int64(s.Seq), 0)}
	switch {
	case s.Stage == Saving && kind == KindDone:
		e.Data = &Data{Emergency: "e.sql.gz"}
	case s.Stage == Saving && kind == KindFound:
		unreadable := e
		unreadable.Data = facets[1]
		return []Event{e, unreadable}
	}
	return []Event{e}
}

func endedBy(s Snapshot, stage Stage, how ...Kind) bool {
	return slices.ContainsFunc(s.Trail, func(m Mark) bool { return m.Stage == stage && slices.Contains(how, m.How) })
}

func verified(s Snapshot) bool {
	return endedBy(s, Verifying, KindDone) || endedBy(s, AskVerify, KindGoOn)
}
func saved(s Snapshot) bool { return s.Data.Emergency != "" || s.SkipBackup }

func safe(t *testing.T, s Snapshot) {
	t.Helper()
	way := func() string {
		var names []string
		for _, m := range s.Trail {
			names = append(names, string(m.Stage)+":"+string(m.How))
		}
		return strings.Join(names, " ")
	}
	switch {
	case s.Stage == Swapping && !verified(s):
		t.Errorf("exchange before verification: %s", way())
	case s.Stage == Loading && s.Mode != Into && !saved(s):
		t.Errorf("load without emergency backup: %s", way())
	case s.Stage == Loading && s.Mode != Into && !endedBy(s, Stopping, KindDone):
		t.Errorf("load before the service was stopped: %s", way())
	case s.Stage == Done && s.Mode != Into && !endedBy(s, Starting, KindDone) && !endedBy(s, AskStart, KindKeep):
		t.Errorf("done with the service down: %s", way())
	case s.Stage == UndoLoading && s.Data.Emergency == "":
		t.Errorf("undo with nothing to load: %s", way())
	case s.Stage == Aborted && endedBy(s, Stopping, KindDone) && !endedBy(s, AbortStarting, KindDone) &&
		!endedBy(s, AskAbortStart, KindLeave):
		t.Errorf("aborted with the service down: %s", way())
	case s.Stage == Aborted && s.Swapped:
		t.Errorf("aborted after the exchange: %s", way())
	case s.Stage == Undone && s.Swapped:
		t.Errorf("undone with the restored tables live: %s", way())
	}
	if !s.Stage.Final() && s.Stage != Planned && !s.Can(KindResume) {
		t.Errorf("%s cannot be resumed: %s", s.Stage, way())
	}
	if s.Stage.Asks() && len(s.Answers()) == 0 {
		t.Errorf("%s takes no answer: %s", s.Stage, way())
	}
}

func TestSkippingTheBackupTakesTheTypedName(t *testing.T) {
	s := Snapshot{Database: "sales", Mode: InPlace, Stage: AskSave}
	if _, _, err := Next(s, Event{Kind: KindSkip, Typed: "sale"}); !errors.Is(err, ErrTyped) {
		t.Fatalf("a wrong name gave %v", err)
	}
	if !s.NeedsTyping(KindSkip) || s.NeedsTyping(KindRetry) {
		t.Fatal("NeedsTyping does not say so")
	}
}

func TestEveryStageHasAStepAndAName(t *testing.T) {
	for _, s := range allStages() {
		if s.Step() == 0 {
			t.Errorf("%s has no step", s)
		}
		if _, does := s.Effect(); does == (s.Asks() || s.Final() || s == Planned) {
			t.Errorf("%s: effect %v", s, does)
		}
	}
}
