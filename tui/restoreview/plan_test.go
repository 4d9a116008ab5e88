package restoreview

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
	"opsdeck/tui/page"
)

// What the wizard shows of a plan is what `restore --plan` prints, on paper and
// for programs: facts, losses, and each step with what it does, what it runs, and
// the way back.
func TestThePlanOnPaperIsWhatTheWizardShows(t *testing.T) {
	for _, mode := range []restore.Mode{restore.Swap, restore.InPlace} {
		for _, code := range []string{"en", "zh"} {
			t.Run(string(mode)+"/"+code, func(t *testing.T) {
				plan := samplePlan(mode)
				p := newPage(code, &fakeDesk{plan: plan})
				paper := report.Runbook(plan, p.base.env.Lang, "opsdeck")
				text, err := json.MarshalIndent(plan, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				both := func(what lang.Msg, shown string) {
					t.Helper()
					words := p.base.env.Lang.Msg(what)
					if !strings.Contains(shown, words) {
						t.Errorf("the wizard does not show %q:\n%s", words, shown)
					}
					if !strings.Contains(paper, words) {
						t.Errorf("the paper does not have %q:\n%s", words, paper)
					}
					if english, _ := json.Marshal(what.String()); !strings.Contains(
						string(text),
						strings.Trim(string(english), `"`),
					) {
						t.Errorf("the JSON does not have %s:\n%s", english, text)
					}
				}
				if len(plan.Known()) < 7 {
					t.Fatalf("only %d facts", len(plan.Known()))
				}
				for n, step := range restore.AllSteps {
					shown := p.View(page.Size{Width: 300, Height: 60})
					if n == 0 {
						for _, f := range plan.Known() {
							both(f.What.Msg, shown)
						}
					}
					both(plan.What(step), shown)
					both(plan.Back(step), shown)
					all := press(t, p, "enter").View(page.Size{Width: 400, Height: 60})
					for _, s := range plan.Steps[n].Statements {
						for _, line := range strings.Split(s, "\n") {
							both(lang.Raw(line), all)
						}
					}
					p.base.mark(1)
				}
				losses, rows := press(
					t,
					p,
					"o",
				).View(page.Size{Width: 200, Height: 60}),
					press(
						t,
						p,
						"i",
					).View(page.Size{Width: 200, Height: 60})
				for _, l := range plan.Assessment.Loss.Tables {
					for _, words := range append(l.About(p.base.env.Lang), l.Table, human.Count(l.Newer)) {
						if !strings.Contains(losses, words) || !strings.Contains(paper, words) {
							t.Errorf("%q is not told of %s", words, l.Table)
						}
					}
				}
				for _, r := range plan.Rows(p.base.env.Lang) {
					for _, words := range r {
						if !strings.Contains(rows, words) || !strings.Contains(paper, words) {
							t.Errorf("%q is not told of %s:\n%s", words, r[0], rows)
						}
					}
				}
			})
		}
	}
}

// A wait that a key began says what is waited for, with a clock, and cannot be
// begun twice.
func TestAWaitAfterAKeyHasAClock(t *testing.T) {
	d := scenes()["done"]
	p := newPage("en", d)
	undo, _ := page.ForKey(p.Actions(), "Z")
	undo.Run() // no answer yet
	p.base.env.Clock.(*clocktest.Clock).Advance(7 * time.Second)
	if view := p.View(page.Size{Width: 80, Height: 20}); !strings.Contains(
		view,
		"Counting the rows written since the restore …  0:07",
	) {
		t.Errorf("no clock:\n%s", view)
	}
	if undo, _ = page.ForKey(p.Actions(), "Z"); undo.Why(p.base.env).Empty() {
		t.Error("it can be begun twice")
	}
	d = scenes()["gone"]
	p = newPage("en", d)
	resume, _ := page.ForKey(p.Actions(), "R")
	resume.Run()
	p.base.env.Clock.(*clocktest.Clock).Advance(3 * time.Second)
	if view := p.View(page.Size{Width: 80, Height: 20}); !strings.Contains(
		view,
		"Handing over to the worker …  0:03",
	) {
		t.Errorf("no clock:\n%s", view)
	}
	if resume, _ = page.ForKey(p.Actions(), "R"); resume.Why(p.base.env).Empty() {
		t.Error("it can be begun twice")
	}
}

// TestAStartConfirmsTheLossesOfNow: a plan that was made a while ago is made anew by B; the question
// has the new figures, and a server that is down has no question.
func TestAStartConfirmsTheLossesOfNow(t *testing.T) {
	old := samplePlan(restore.Swap)
	d := &fakeDesk{plan: old}
	p := newPage("en", d)
	if view := p.View(page.Size{Width: 120, Height: 30}); strings.Contains(view, "checked at") {
		t.Errorf("a new plan has an age:\n%s", view)
	}
	p.base.env.Clock.(*clocktest.Clock).Advance(9 * time.Minute)
	if view := p.View(page.Size{Width: 120, Height: 30}); !strings.Contains(view, "checked at 2026-01-29 12:00:00") {
		t.Errorf("the plan's figures have no time:\n%s", view)
	}
	if view := p.View(page.Size{Width: 40, Height: 20}); !strings.Contains(view, "checked at 2026-01-29 12:00:00") {
		t.Errorf("the plan's figures have no time on a narrow screen:\n%s", view)
	}
	again := *samplePlan(restore.Swap)
	again.CreatedAt = old.CreatedAt.Add(9 * time.Minute)
	again.Assessment.Loss.Tables = []restore.LossTable{{Table: "orders", Newer: 4711}}
	d.plan = &again
	o := press(t, p, "B")
	if o == nil {
		t.Fatal("no question")
	}
	if text := o.View(page.Size{Width: 80, Height: 24}); !strings.Contains(text, "4,711 newer rows") ||
		!strings.Contains(text, "Counted at 2026-01-29 12:09:00.") {
		t.Errorf("the figures of then:\n%s", text)
	}
	p.base.env.Clock.(*clocktest.Clock).Advance(9 * time.Minute)
	begin, _ := page.ForKey(p.Actions(), "B")
	plan := begin.Run()
	for _, k := range []string{"q", "s", "o", "enter"} { // the name, typed before the question is there
		if o := opened(p, p.Key(key(k))); o != nil || !p.TakingText() {
			t.Errorf("%s acts on the page while the plan is made: %T", k, o)
		}
	}
	if o := opened(p, plan); o == nil || p.TakingText() {
		t.Error("the question does not follow")
	}
	p.base.env.Clock.(*clocktest.Clock).Advance(9 * time.Minute)
	plan = begin.Run()
	if p.Key(key("esc")); p.TakingText() || opened(p, plan) != nil {
		t.Error("esc does not leave the start")
	}
	p.base.env.Clock.(*clocktest.Clock).Advance(9 * time.Minute)
	d.plan, d.err = nil, errors.New("MySQL at 127.0.0.1:3306 cannot be reached")
	if o := press(t, p, "B"); o != nil {
		t.Errorf("a question over a server that is down:\n%s", o.View(page.Size{Width: 80, Height: 24}))
	}
	if view := p.View(page.Size{Width: 120, Height: 30}); !strings.Contains(view, "cannot be reached") {
		t.Errorf("the page does not say why:\n%s", view)
	}
}
