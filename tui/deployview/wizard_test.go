package deployview

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/golden"

	"opsdeck/internal/cells"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/walk"
	"opsdeck/tui/widget"
)

var now = time.Date(2026, 1, 29, 14, 5, 0, 0, time.UTC)

// fake is a desk that does what it is told.
type fake struct {
	course deploy.Course
	err    error
	did    []string
}

func (f *fake) Service() string { return "shop" }
func (f *fake) Plans() []deploy.Choice {
	return []deploy.Choice{{Name: "update", Pulls: true}, {Name: "install"}}
}
func (f *fake) Newest() (deploy.Course, error) {
	return f.course, nil
}

func (f *fake) Plan(_ context.Context, l *lang.Printer, name, revision string) (deploy.Sheet, error) {
	f.did = append(f.did, strings.TrimSpace("plan "+name+" "+revision))
	lines := []string{l.T("plan hash: %s", "0123456789ab")}
	for i := range 30 {
		lines = append(lines, fmt.Sprintf("%2d. step", i+1))
	}
	return deploy.Sheet{Name: name, Revision: revision, Hash: "0123456789abcdef", Lines: lines,
		Effect: deploy.Effect("shop", deploy.Update(time.Minute))}, f.err
}

func (f *fake) Run(_ context.Context, _ *lang.Printer, s deploy.Sheet) error {
	f.did = append(f.did, "run "+s.Name+" "+s.Hash)
	return f.err
}

func (f *fake) Resume(context.Context, *lang.Printer) error {
	f.did = append(f.did, "resume")
	return f.err
}

func (f *fake) Undo(_ context.Context, _ *lang.Printer, id string) error {
	f.did = append(f.did, "undo "+id)
	return f.err
}

func (f *fake) Interrupt() error {
	f.did = append(f.did, "interrupt")
	return f.err
}

// desk is a console in small: the dialogs, and what they said.
type console struct {
	env     *page.Env
	stack   []page.Overlay
	notices []page.Notice
}

func openWizard(code string, f *fake) *console {
	over, cancel := context.WithCancel(context.Background())
	cancel() // no poll waits
	c := &console{env: &page.Env{Ctx: over, Lang: lang.For(code), Theme: theme.New(theme.Options{NoColor: true}),
		Clock: clocktest.New(now), Zone: time.UTC}}
	c.run(Open(c.env, f))
	return c
}

// run runs a command and hands on what comes of it.
func (c *console) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	msg := cmd()
	if v := reflect.ValueOf(msg); v.Kind() == reflect.Slice { // a batch, a sequence
		for i := range v.Len() {
			c.run(v.Index(i).Interface().(tea.Cmd))
		}
		return
	}
	switch m := msg.(type) {
	case nil:
	case page.Open:
		c.stack = append(c.stack, m.Overlay)
	case page.Notice:
		c.notices = append(c.notices, m)
	default:
		for _, o := range slices.Clone(c.stack) {
			c.tell(o, m)
		}
	}
}

func (c *console) tell(o page.Overlay, msg tea.Msg) {
	cmd, done := o.Update(msg)
	if done {
		c.stack = slices.DeleteFunc(c.stack, func(other page.Overlay) bool { return other == o })
	}
	c.run(cmd)
}

func (c *console) press(names ...string) {
	for _, n := range names {
		k := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(n)}
		switch n {
		case "enter":
			k = tea.KeyMsg{Type: tea.KeyEnter}
		case "esc":
			k = tea.KeyMsg{Type: tea.KeyEsc}
		case "down":
			k = tea.KeyMsg{Type: tea.KeyDown}
		}
		c.tell(c.stack[len(c.stack)-1], k)
	}
}

func (c *console) typed(text string) { c.press(strings.Split(text, "")...) }

func (c *console) view(size page.Size) string {
	out := widget.Fill(nil, size)
	for _, o := range c.stack {
		out = widget.Over(out, o.View(size), size)
	}
	return out
}

var size = page.Size{Width: 80, Height: 24}

func (c *console) says(t *testing.T, want ...string) {
	t.Helper()
	view := c.view(size)
	for _, w := range want {
		if !strings.Contains(view, w) {
			t.Errorf("%q is not said:\n%s", w, view)
		}
	}
}

func (c *console) silent(t *testing.T, never ...string) {
	t.Helper()
	view := c.view(size)
	for _, w := range never {
		if strings.Contains(view, w) {
			t.Errorf("%q is said:\n%s", w, view)
		}
	}
}

// course is a deployment of five steps by its journal.
func course(running bool, lines ...deploy.Line) deploy.Course {
	p := &deploy.Plan{Name: "update", Service: "shop", From: "b35dc2c5369999", To: "f67da3bfda9999"}
	for _, name := range []string{"stop", "pull", "install", "start", "ready"} {
		p.Steps = append(p.Steps, deploy.Step{Name: name, Kind: deploy.Kind(name), Timeout: time.Minute})
	}
	p.Steps[2].Kind = deploy.KindCommand
	p.Seal(now.Add(-time.Minute))
	p.ID = "20260129-140400-56f2"
	for i := range lines {
		lines[i].Time = now.Add(time.Duration(i-len(lines)) * time.Second)
	}
	d := &deploy.Deployment{Plan: p, Lines: lines, State: deploy.Fold(p, lines)}
	result := map[deploy.Result]string{deploy.ResultDone: "deployed", deploy.ResultTakenBack: "rolled back",
		deploy.ResultStuck: "not rolled back completely: an operator is needed", "": "not finished"}
	return deploy.Course{Deployment: d, Running: running, Result: lang.M(result[d.State.Result]),
		Report: "/state/deploys/report.md", Usual: []time.Duration{0, 0, 40 * time.Second, 0, 0}}
}

// upTo are the lines of a deployment until its install step is under way.
func upTo(more ...deploy.Line) []deploy.Line {
	return append([]deploy.Line{{Event: deploy.EventBegin, Step: -1}, {Event: deploy.EventStep, Step: 0},
		{Event: deploy.EventDone, Step: 0, Detail: "shop"}, {Event: deploy.EventStep, Step: 1},
		{Event: deploy.EventDone, Step: 1, Detail: "f67da3bfda"}, {Event: deploy.EventStep, Step: 2}}, more...)
}

func failed(result deploy.Result, last deploy.Event, data map[string]string) deploy.Course {
	return course(false, upTo(
		deploy.Line{Event: deploy.EventFailed, Step: 2, Detail: "npm: exit 1", Tail: []string{"ENOSPC\x1b[2J"}},
		deploy.Line{Event: deploy.EventBack, Step: -1}, deploy.Line{Event: deploy.EventUndo, Step: 2},
		deploy.Line{Event: last, Step: 2, Detail: "node_modules", Data: data},
		deploy.Line{Event: deploy.EventEnd, Step: -1, Result: result})...)
}

// TestADeploymentIsShownConfirmedAndFollowed: the plan that was shown is the one that
// begins, and only once the service's name was typed.
func TestADeploymentIsShownConfirmedAndFollowed(t *testing.T) {
	f := &fake{}
	c := openWizard("en", f)
	c.says(t, "Choose a plan", "update", "install", "the branch that is checked out")
	c.press("v")
	c.typed("v2.1")
	c.press("enter")
	c.says(t, "Revision: v2.1")
	c.press("enter")
	c.says(t, "plan hash: 0123456789ab", "1–", "enter deploy")
	c.press("enter")
	c.typed("shopp")
	c.press("enter")
	c.says(t, "That is not the name")
	c.press("esc")
	if len(f.did) != 1 || f.did[0] != "plan update v2.1" {
		t.Fatalf("without a confirmation: %q", f.did)
	}
	c.press("enter")
	c.typed("shop")
	f.course = course(true, upTo()...)
	c.press("enter")
	if want := "run update 0123456789abcdef"; f.did[len(f.did)-1] != want {
		t.Fatalf("%q, want %q last", f.did, want)
	}
	c.says(t, "20260129-140400-56f2", "b35dc2c536", "step 3 of 5", "install  running", "usually about 40 s",
		"start    not begun", "esc leave; it continues")
	c.silent(t, "r resume", "u roll back")
	c.press("esc")
	if len(c.stack) != 0 || len(c.notices) == 0 {
		t.Errorf("the dialog is not left, or nothing is said: %v", c.notices)
	}
}

// TestARunningDeploymentIsStoppedOnlyWhenThatIsConfirmed.
func TestARunningDeploymentIsStoppedOnlyWhenThatIsConfirmed(t *testing.T) {
	f := &fake{course: course(true, upTo()...)}
	c := openWizard("en", f)
	c.press("x", "esc")
	if len(f.did) != 0 {
		t.Fatalf("%q", f.did)
	}
	c.press("x")
	c.says(t, "nothing is rolled back")
	f.course = course(false, upTo()...)
	c.press("y")
	if !slices.Equal(f.did, []string{"interrupt"}) {
		t.Fatalf("%q", f.did)
	}
	c.says(t, "interrupted: no process is working on it", "install  interrupted", "r resume", "u roll back")
	c.silent(t, "running")
	c.press("r")
	c.typed("shop")
	c.press("enter", "u")
	c.says(t, "from f67da3bfda to")
	c.typed("shop")
	c.press("enter")
	if !slices.Equal(f.did, []string{"interrupt", "resume", "undo 20260129-140400-56f2"}) {
		t.Fatalf("%q", f.did)
	}
}

// TestHowADeploymentEndedIsSaid: no calming word where a person is needed.
func TestHowADeploymentEndedIsSaid(t *testing.T) {
	c := openWizard("en", &fake{course: failed(deploy.ResultStuck, deploy.EventUndoFailed, nil)})
	c.says(t, "✖ not rolled back completely", "install  not rolled back", "step install failed: node_modules",
		"u roll back")
	c.silent(t, "new deployment", "●", "\x1b[2J")
	c = openWizard("en", &fake{course: failed(deploy.ResultTakenBack, deploy.EventUndone,
		map[string]string{deploy.MayStay: "install"})})
	c.press("n")
	c.says(t, "▲ rolled back", "install  not rolled back", "step install failed: npm: exit 1", "| ENOSPC",
		"b new deployment")
	c.silent(t, "u roll back", "●")
	c = openWizard("en", &fake{course: failed(deploy.ResultTakenBack, deploy.EventUndone, nil)})
	c.press("n")
	c.says(t, "install  rolled back")
}

// TestWhatCannotBeginIsSaid: the reason stays on the screen, and nothing seems to run.
func TestWhatCannotBeginIsSaid(t *testing.T) {
	f := &fake{}
	c := openWizard("en", f)
	c.press("enter", "enter")
	c.typed("shop")
	f.err = ops.E(ops.Busy, lang.Raw("the lock is held")).WithHint(lang.Raw("wait"))
	c.press("enter")
	c.says(t, "✖ the lock is held → wait", "plan hash")
	c.silent(t, "Beginning", "running")
	f.err = nil
	c.press("enter")
	c.typed("shop")
	c.press("enter")
	c.silent(t, "the lock is held")
}

// TestReadOnlyDeploysNothing: the plan is shown, and no key changes anything.
func TestReadOnlyDeploysNothing(t *testing.T) {
	f := &fake{course: course(true, upTo()...)}
	c := openWizard("en", f)
	c.env.ReadOnly = true
	c.press("x", "y")
	f.course = course(false, upTo()...)
	c = openWizard("en", f)
	c.env.ReadOnly = true
	c.press("r", "u")
	f.course = deploy.Course{}
	c = openWizard("en", f)
	c.env.ReadOnly = true
	c.press("enter", "enter")
	if len(c.stack) != 1 || !slices.Equal(f.did, []string{"plan update"}) || len(c.notices) == 0 {
		t.Errorf("did %q, %d dialogs, notices %v", f.did, len(c.stack), c.notices)
	}
}

// faces are the wizard in each of its stages.
func faces(code string) map[string]*console {
	plan := openWizard(code, &fake{})
	plan.press("enter")
	confirm := openWizard(code, &fake{})
	confirm.press("enter", "enter")
	over := openWizard(code, &fake{course: failed(deploy.ResultTakenBack, deploy.EventUndone, nil)})
	over.press("n")
	broken := &fake{}
	refused := openWizard(code, broken)
	broken.err = ops.E(ops.Busy, lang.Raw("客户 "+strings.Repeat("x", 200)))
	refused.press("enter")
	return map[string]*console{
		"choose": openWizard(code, &fake{}), "plan": plan, "confirm": confirm, "over": over, "refused": refused,
		"running":     openWizard(code, &fake{course: course(true, upTo()...)}),
		"interrupted": openWizard(code, &fake{course: course(false, upTo()...)}),
		"stuck":       openWizard(code, &fake{course: failed(deploy.ResultStuck, deploy.EventUndoFailed, nil)}),
	}
}

func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		out := map[string]walk.Face{}
		for name, c := range faces(code) {
			out[name] = walk.Face{Env: c.env, View: c.view}
		}
		return out
	})
}

// TestTheKeysAreInSightInASmallTerminal: whoever cannot see the keys cannot leave.
func TestTheKeysAreInSightInASmallTerminal(t *testing.T) {
	small := page.Size{Width: 40, Height: 10}
	for name, c := range faces("en") {
		if view := c.view(small); !strings.Contains(view, "esc") {
			t.Errorf("%s: no key in sight:\n%s", name, view)
		}
	}
	c := openWizard("en", &fake{course: course(true, upTo()...)})
	if view := c.view(small); !strings.Contains(view, "install") || !strings.Contains(view, "step 3 of 5") {
		t.Errorf("the running step is not in sight:\n%s", view)
	}
	for _, w := range []int{1, 2, 5, 12} {
		for _, h := range []int{1, 2, 3, 5} {
			for name, c := range faces("zh") {
				for _, l := range strings.Split(c.view(page.Size{Width: w, Height: h}), "\n") {
					if cells.Width(l) > w {
						t.Fatalf("%s %dx%d: %q", name, w, h, l)
					}
				}
			}
		}
	}
}

func TestGolden(t *testing.T) {
	for _, code := range []string{"en", "zh"} {
		for name, c := range faces(code) {
			for _, s := range []page.Size{{Width: 40, Height: 10}, size} {
				t.Run(fmt.Sprintf("%s-%s-%d", name, code, s.Width), func(t *testing.T) {
					golden.RequireEqual(t, []byte(c.view(s)+"\n"))
				})
			}
		}
	}
}
