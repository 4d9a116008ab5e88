package restoreview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/golden"

	"opsdeck/internal/cells"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
	"opsdeck/ops/restore/run"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

var now = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

// fakeDesk answers from memory and notes what it was asked.
type fakeDesk struct {
	plan *restore.Plan
	run  *run.Run
	err  error
	did  []string

	later *run.Run // begun since; what "the newest" is then

	copies []string

	unreached error // of CanRollTo
	reach     restore.Reach
	conflicts int // of a transaction that is taken back
	rescued   restore.RescueTally
}

func (d *fakeDesk) Later(context.Context, *run.Run) (restore.Loss, error) {
	return restore.Loss{Tables: []restore.LossTable{{Table: "orders", Newer: 12, Changed: 3}}}, nil
}

func (d *fakeDesk) Me() string { return "li" }

func (d *fakeDesk) Database() string { return "qianzhang_sales" }

func (d *fakeDesk) Reach(context.Context) (restore.Reach, error) { return d.reach, nil }

func (d *fakeDesk) CanRollTo(context.Context, *binlog.Transaction) error { return d.unreached }

func (d *fakeDesk) Rewind(_ context.Context, _ *lang.Printer, txn, hash, conflicts string) (restore.Rewound, error) {
	d.did = append(d.did, strings.TrimSpace(fmt.Sprintf("rewind %s %s %s", txn, hash, conflicts)))
	r := restore.Rewound{Txn: txn, Hash: "h1", Rows: 4, Conflicts: d.conflicts, Text: "orders 1\norders 2"}
	if hash != "" {
		r.ID = "rewind-1"
	}
	return r, d.err
}

func (d *fakeDesk) Copies() []string { return d.copies }

func (d *fakeDesk) Sources(_ context.Context, at string) ([]restore.Source, error) {
	d.did = append(d.did, "sources "+at)
	return []restore.Source{
		{Name: "b.sql.gz", At: now.Add(-10 * time.Hour), SizeBytes: 1 << 20, State: "good"},
		{Name: "a.sql.gz", At: now.Add(-34 * time.Hour), State: "unverified"},
	}, d.err
}

func (d *fakeDesk) Draft(_ context.Context, c restore.Choice) (*restore.Plan, error) {
	d.did = append(d.did, draftWords(c))
	return d.plan, d.err
}

func draftWords(c restore.Choice) string {
	words := fmt.Sprintf("draft %s %s %v", c.Source, c.Mode, c.Tables)
	if c.Moment != nil {
		words += " to " + c.Moment.String()
	}
	return words
}

func (d *fakeDesk) Export(_ context.Context, p *restore.Plan) (*restore.Plan, error) {
	d.did = append(d.did, "export")
	out := *p
	out.Exported = []string{
		"/var/lib/opsdeck/exports/qianzhang-1/orders.sql",
		"/var/lib/opsdeck/exports/qianzhang-1/lost.json",
	}
	return &out, d.err
}

func (d *fakeDesk) Rescue(_ context.Context, _ *lang.Printer, p *restore.Plan, table, merge string) (
	restore.RescueShown, error) {
	d.did = append(d.did, strings.TrimSpace(fmt.Sprintf("rescue %s %s %s", p.Source.Name, table, merge)))
	said := lang.M("%s compared with %s of %s: %s the same, %s missing now, %s changed, %s new since", table,
		p.Source.Name, "2026-11-30 17:57:21", "995", human.Count(d.rescued.Missing), human.Count(d.rescued.Changed),
		"1")
	return restore.RescueShown{Said: said, Tally: d.rescued, Text: "missing  17  name: a"}, d.err
}

func (d *fakeDesk) Begin(_ context.Context, p *restore.Plan, typed string) error {
	d.did = append(d.did, "begin "+typed)
	return d.err
}

func (d *fakeDesk) Work(_ context.Context, id string, first restore.Kind) error {
	d.did = append(d.did, "work "+string(first))
	return d.err
}

func (d *fakeDesk) Run(_ context.Context, id string) (*run.Run, error) {
	if id == "" && d.later != nil {
		return d.later, nil
	}
	return d.run, nil
}

func (d *fakeDesk) Send(_ context.Context, id string, q run.Request) error {
	d.did = append(d.did, fmt.Sprintf("send %s %d", q.Event.Kind, q.Seq))
	return d.err
}

func samplePlan(mode restore.Mode) *restore.Plan {
	a := &restore.Assessment{
		At: now, Server: restore.ServerState{Address: "127.0.0.1:3306", Flavour: "mysql", Version: "8.0.36",
			Identity: "u"}, SchemaThere: true,
		Tables: []restore.TableState{
			{Name: "customers", Exists: true, InBackup: true, Check: "OK", Rows: 3, BackupRows: 3},
			{Name: "orders", Exists: true, InBackup: true, Check: "OK", Rows: 90, BackupRows: 80},
			{Name: "ar_invoices", InBackup: true},
			{Name: "临时表", Exists: true, Check: "OK"},
		},
		Loss: restore.Loss{
			Since: now.Add(-10 * time.Hour),
			Tables: []restore.LossTable{
				{Table: "orders", Newer: 1234},
				{Table: "临时表", Newer: 5, Estimate: true, Vanishes: true},
			},
			Users: []string{"张三 (12)"},
		},
		Disk: restore.Disk{
			Known:     true,
			Free:      1 << 40,
			NeedSwap:  4 << 30,
			NeedPlace: 2 << 30,
			SaveFree:  1 << 40,
		}, Sessions: []restore.Session{{ID: 1, User: "sales", Host: "10.0.0.7:4242"},
			{ID: 2, User: "sales", Host: "10.0.0.7:4243"}, {ID: 3, User: "report", Host: "localhost"}},
		Drill: &restore.Drill{At: now.Add(-30 * 24 * time.Hour), Duration: 48 * time.Second, Bytes: 1 << 30},
	}
	src := restore.Source{
		Name:       "qianzhang_sales_20260129_020000.sql.gz",
		Path:       "/var/backups/mysql/qianzhang_sales_20260129_020000.sql.gz",
		State:      "good",
		Manifest:   true,
		Consistent: true,
		At:         now.Add(-10 * time.Hour),
		SizeBytes:  350 << 20,
		RawBytes:   1100 << 20,
		Tables: []restore.SourceTable{
			{Name: "customers", Rows: 3},
			{Name: "orders", Rows: 80},
			{Name: "ar_invoices", Rows: 7},
		},
	}
	set := restore.Settings{
		Service:      "qianzhang",
		Operator:     "zhang",
		EmergencyDir: "/var/backups/mysql",
		LockWait:     15 * time.Second,
		Notify:       []string{"ops-group"},
		Process: restore.Process{
			Kind:  "pm2",
			Name:  "qianzhang-backend",
			Stop:  "pm2 stop qianzhang-backend",
			Start: "pm2 start qianzhang-backend",
		},
		Ready: restore.Ready{URL: "http://localhost:3000/health/ready", Wait: restore.Span(2 * time.Minute)},
	}
	return restore.Draft(
		"20260129-120000-0001",
		now,
		restore.Choice{Mode: mode, Accept: []string{"临时表"}},
		set,
		src,
		"qianzhang_sales",
		a,
	)
}

// at plays events on a plan, ten seconds apart, the last one 42 s ago.
func at(p *restore.Plan, alive bool, events ...restore.Event) *run.Run {
	r := &run.Run{Plan: p, State: restore.New(p), Alive: alive, Worker: lock.Holder{User: "zhang", PID: 7}}
	for i, e := range events {
		e.Time = now.Add(-42*time.Second - time.Duration(len(events)-1-i)*10*time.Second)
		next, _, err := restore.Next(r.State, e)
		if err != nil {
			panic(err)
		}
		r.State = next
	}
	return r
}

func ev(kind restore.Kind, notes ...string) restore.Event {
	e := restore.Event{Kind: kind}
	for _, n := range notes {
		e.Notes = append(e.Notes, restore.RawNote(n))
	}
	if kind == restore.KindDone && len(notes) > 0 && strings.HasPrefix(notes[0], "/var") {
		e.Data = &restore.Data{Emergency: notes[0]}
	}
	return e
}

var upToLoading = []restore.Event{
	ev(restore.KindBegin),
	ev(restore.KindDone, "the backup's SHA-256 matches the manifest"),
	ev(restore.KindDone, "stopped: pm2 stop qianzhang-backend"),
	ev(restore.KindDone, "no writes for 2.0 s"),
	ev(restore.KindDone, "/var/backups/mysql/emergency.sql.gz"),
}

func newPage(code string, d *fakeDesk) *Page {
	env := &page.Env{
		Ctx:     context.Background(),
		Lang:    lang.For(code),
		Theme:   theme.New(theme.Options{NoColor: true}),
		Clock:   clocktest.New(now),
		Zone:    time.UTC,
		Service: "qianzhang",
	}
	p := New(env, d)
	p.base.shown = true
	p.Update(runMsg{run: d.run})
	if p.base.planning() {
		p.Update(planMsg{plan: d.plan, err: d.err})
	}
	return p
}

func scenes() map[string]*fakeDesk {
	p := samplePlan(restore.Swap)
	loading := at(p, true, upToLoading...)
	loading.Progress = &ops.Progress{
		Phase:   "rows",
		Object:  "order_items",
		Done:    420 << 20,
		Total:   1 << 30,
		Unit:    "bytes",
		Elapsed: 42 * time.Second,
	}
	doubt := at(
		p,
		true,
		append(
			slices.Clone(upToLoading),
			ev(restore.KindDone, "9,336 rows of 8 tables loaded in 9.0 s"),
			ev(restore.KindFound, "orders has 79 rows, the backup 80", "qianzhang_sales was not changed."),
		)...)
	gone := at(p, false, upToLoading...)
	done := at(
		p,
		false,
		append(
			slices.Clone(upToLoading),
			ev(restore.KindDone, "rows loaded"),
			ev(restore.KindDone, "8 of 8 tables are as in the manifest"),
			ev(restore.KindDone, "8 tables exchanged"),
			ev(
				restore.KindDone,
				"started",
			),
			ev(restore.KindDone, "ready after 3.1 s: 200 ready"),
			ev(restore.KindDone, "report: report.md"),
			ev(restore.KindSilent),
		)...)
	return map[string]*fakeDesk{
		"plan": {plan: p}, "loading": {run: loading}, "doubt": {run: doubt}, "gone": {run: gone}, "done": {run: done},
		"noplan": {
			err: ops.E(ops.Busy, lang.Raw("MySQL at 127.0.0.1:3306 cannot be reached (connection refused)")).
				WithHint(lang.Raw("is the server running?")),
		},
	}
}

func TestViews(t *testing.T) {
	for name, d := range scenes() {
		for _, size := range []page.Size{{Width: 40, Height: 10}, {Width: 80, Height: 20}, {Width: 120, Height: 36}} {
			for _, code := range []string{"en", "zh"} {
				t.Run(fmt.Sprintf("%s/%dx%d/%s", name, size.Width, size.Height, code), func(t *testing.T) {
					view := newPage(code, d).View(size)
					golden.RequireEqual(t, view)
					fits(t, view, size)
				})
			}
		}
	}
}

func fits(t *testing.T, view string, size page.Size) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != size.Height {
		t.Fatalf("%d lines instead of %d", len(lines), size.Height)
	}
	for i, l := range lines {
		if cells.Width(l) > size.Width {
			t.Fatalf("line %d is %d cells wide: %q", i+1, cells.Width(l), l)
		}
	}
}

// Every step of every scene fits every size, from 1×1 on.
func TestEveryStepFitsEverySize(t *testing.T) {
	for name, d := range scenes() {
		for _, size := range []page.Size{{Width: 1, Height: 1}, {Width: 12, Height: 3}, {Width: 40, Height: 6},
			{Width: 61, Height: 8}, {Width: 200, Height: 60}} {
			p := newPage("zh", d)
			for range 7 {
				t.Run(
					fmt.Sprintf("%s/%dx%d/%d", name, size.Width, size.Height, p.base.step),
					func(t *testing.T) { fits(t, p.View(size), size) },
				)
				p.base.mark(1)
			}
		}
	}
}

func key(name string) tea.KeyMsg {
	switch name {
	case "enter":
		return tea.KeyMsg{Type: tea.KeyEnter}
	case "esc":
		return tea.KeyMsg{Type: tea.KeyEsc}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}

// press runs the action of a key and what comes of it, and returns the dialog
// that it opened.
func press(t *testing.T, p *Page, name string) page.Overlay {
	t.Helper()
	a, ok := page.ForKey(p.Actions(), name)
	if !ok {
		t.Fatalf("no action has the key %s", name)
	}
	if why := a.Why(p.base.env); !why.Empty() {
		t.Fatalf("%s: %s", name, why.String())
	}
	return opened(p, a.Run())
}

func opened(p *Page, cmd tea.Cmd) page.Overlay {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case page.Open:
		return m.Overlay
	case page.Msg:
		return opened(p, p.Receive(m))
	case tea.BatchMsg:
		for _, c := range m {
			if o := opened(p, c); o != nil {
				return o
			}
		}
	}
	return nil
}

// typeIn types text into a dialog and ends with enter.
func typeIn(p *Page, o page.Overlay, text string) (done bool) {
	for _, r := range text {
		o.Update(key(string(r)))
	}
	cmd, done := o.Update(key("enter"))
	p.base.shown = false // so that the look at the run does not go on for ever
	opened(p, cmd)
	return done
}

func TestBeginTakesTheTypedName(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	d.did = nil
	o := press(t, p, "B")
	if typeIn(p, o, "wrong") || len(d.did) > 0 {
		t.Fatalf("a wrong name did %v", d.did)
	}
	o = press(t, p, "B")
	if !typeIn(p, o, "qianzhang_sales") || !slices.Equal(d.did, []string{"begin qianzhang_sales"}) {
		t.Fatalf("it did %v", d.did)
	}
}

func TestABlockedPlanCannotBegin(t *testing.T) {
	plan := samplePlan(restore.Swap)
	plan.Findings = append(plan.Findings, restore.Finding{Blocks: true, What: restore.RawNote("no room")})
	p := newPage("en", &fakeDesk{plan: plan})
	a, _ := page.ForKey(p.Actions(), "B")
	if why := a.Why(p.base.env); why.String() != "no room" {
		t.Fatalf("got %q", why.String())
	}
}

func TestAQuestionOpensItsDialogGuardedAndSendsTheAnswer(t *testing.T) {
	d := scenes()["doubt"]
	p := newPage("en", d)
	o := opened(p, p.asking.openQuestion(true))
	if g, ok := o.(interface{ Guarded() bool }); !ok || !g.Guarded() {
		t.Fatal("the dialog takes keys that were typed before it showed")
	}
	cmd, done := o.Update(key("r"))
	p.base.shown = false
	opened(p, cmd)
	if !done || !slices.Equal(d.did, []string{fmt.Sprintf("send retry %d", d.run.State.Seq)}) {
		t.Fatalf("it did %v", d.did)
	}
	d.did = nil
	cmd, _ = o.Update(key("g")) // going on in spite of a doubt takes the name
	confirm := opened(p, cmd)
	if confirm == nil || len(d.did) > 0 {
		t.Fatalf("it went on without the name: %v", d.did)
	}
	for answer, says := range map[string]string{"x": "qianzhang", "k": "ended"} { // they end something
		d.did = nil
		if cmd, _ = o.Update(key(answer)); answer == "k" && noAnswer(cmd) {
			continue // it is not an answer to this question
		}
		confirm := opened(p, cmd)
		if confirm == nil || len(d.did) > 0 {
			t.Fatalf("%s did %v without the name", answer, d.did)
		}
		if text := confirm.View(page.Size{Width: 80, Height: 24}); !strings.Contains(text, says) {
			t.Errorf("%s does not say what it does:\n%s", answer, text)
		}
		if !typeIn(p, confirm, "qianzhang_sales") || len(d.did) != 1 {
			t.Errorf("%s with the name did %v", answer, d.did)
		}
	}
	for _, other := range []string{"q", "z", "i"} { // typed for a shell that is not there
		d.did = nil
		if cmd, done := o.Update(key(other)); done || !noAnswer(cmd) || len(d.did) > 0 {
			t.Errorf("%s: done %v, did %v", other, done, d.did)
		}
	}
}

// Who may only look is not asked.
func TestAReadOnlyConsoleIsNotAsked(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		p := newPage("en", scenes()["doubt"])
		p.base.shown, p.base.env.ReadOnly, p.base.asked = true, readOnly, -1
		p.Update(runMsg{run: p.base.run})
		if asked := p.base.asked == p.base.run.State.Seq; asked == readOnly {
			t.Errorf("read-only %v: asked %v", readOnly, asked)
		}
	}
}

// A question that somebody else answered, or whose worker is gone, leaves the
// screen: an answer to it would go nowhere.
func TestAQuestionThatIsAnsweredElsewhereLeavesTheScreen(t *testing.T) {
	doubt := scenes()["doubt"].run
	answered, _, err := restore.Next(doubt.State, ev(restore.KindRetry))
	if err != nil {
		t.Fatal(err)
	}
	for name, now := range map[string]*run.Run{
		"answered": {Plan: doubt.Plan, State: answered, Alive: true}, "gone": {Plan: doubt.Plan, State: doubt.State},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPage("en", scenes()["doubt"])
			p.base.shown = false // so that the look at the run does not go on for ever
			o := opened(p, p.asking.openQuestion(true))
			if o == nil || closed(p.seeRun(runMsg{run: doubt})) != nil {
				t.Fatal("the question is not asked")
			}
			if closed(p.seeRun(runMsg{run: now})) != o {
				t.Fatal("the dialog stays")
			}
		})
	}
}

// closed is the dialog that a command takes away.
func closed(cmd tea.Cmd) page.Overlay {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case page.Close:
		return m.Overlay
	case tea.BatchMsg:
		for _, c := range m {
			if o := closed(c); o != nil {
				return o
			}
		}
	}
	return nil
}

func TestAWorkerThatIsGoneCanBeResumed(t *testing.T) {
	d := scenes()["gone"]
	p := newPage("en", d)
	p.base.shown = false
	press(t, p, "R")
	if !slices.Equal(d.did, []string{"work resume"}) {
		t.Fatalf("it did %v", d.did)
	}
}

// Where a restore is over, one that is begun later is seen: the operator's own
// second one, and another's while a new plan is being made.
func TestARestoreThatIsBegunLaterIsSeen(t *testing.T) {
	for name, way := range map[string]func(t *testing.T, p *Page){
		"one's own": func(t *testing.T, p *Page) {
			press(t, p, "N")
			typeIn(p, press(t, p, "B"), "qianzhang_sales")
		},
		"another's":                func(*testing.T, *Page) {},
		"another's while planning": func(t *testing.T, p *Page) { press(t, p, "N") },
	} {
		t.Run(name, func(t *testing.T) {
			d := scenes()["done"]
			d.plan = samplePlan(restore.Swap)
			p := newPage("en", d)
			p.base.shown = false // so that the look at the run does not go on for ever
			way(t, p)
			later := samplePlan(restore.Swap)
			later.ID = "20260129-130000-0002"
			d.later = at(later, true, upToLoading...)
			opened(p, p.look(0))
			if !p.base.watching() || p.base.run.Plan.ID != later.ID {
				t.Fatalf("it shows the plan, or the run %s", p.base.run.Plan.ID)
			}
		})
	}
}

func TestAnOldDraftIsDropped(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	first := p.base.draft()
	p.base.choice.Mode = restore.InPlace
	p.base.draft()
	p.base.plan = nil
	p.Receive(first().(page.Msg))
	if p.base.plan != nil {
		t.Fatal("the answer to an older question was taken")
	}
}

func TestErrorsOfRequestsAreShown(t *testing.T) {
	d := scenes()["done"]
	p := newPage("en", d)
	p.Update(sentMsg{err: errors.New("the disk is full")})
	if !strings.Contains(p.View(page.Size{Width: 80, Height: 20}), "the disk is full") {
		t.Fatal("it is not")
	}
}

// The console's own keys never reach a page.
func TestNoSceneTakesTheConsolesKeys(t *testing.T) {
	for name, d := range scenes() {
		for _, a := range newPage("en", d).Actions() {
			for _, k := range a.Keys {
				if strings.Contains(" tab shift+tab ? : L U T M q 1 2 3 4 5 6 7 8 9 ", " "+k+" ") {
					t.Errorf("%s: %s takes the console's key %s", name, a.ID, k)
				}
			}
		}
	}
}

func TestABackupIsChosenAtACopy(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap), copies: []string{"far"}}
	p := newPage("en", d)
	d.did = nil
	o := press(t, p, "b")
	o.View(page.Size{Width: 80, Height: 20})
	for range 2 { // past the two backups here
		o.Update(key("down"))
	}
	cmd, _ := o.Update(key("enter"))
	if view := p.View(page.Size{Width: 80, Height: 20}); !strings.Contains(view, "Checking the copy far") {
		t.Fatalf("no word of the look at the copy:\n%s", view)
	}
	o = opened(p, cmd)
	cmd, _ = o.Update(key("enter"))
	opened(p, cmd)
	if want := []string{"sources ", "sources far", "draft far:b.sql.gz  []"}; !slices.Equal(d.did, want) {
		t.Fatalf("it did %q, want %q", d.did, want)
	}
}

func TestWhatWillBeLostIsExportedFromTheWizard(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	d.did = nil
	press(t, p, "e")
	if view := p.View(page.Size{Width: 80, Height: 20}); !slices.Contains(d.did, "export") ||
		!strings.Contains(view, "/var/lib/opsdeck/exports/qianzhang-1") {
		t.Fatalf("it did %v\n%s", d.did, view)
	}
}

// TestAnExportOutlivesAChangeOfMode exports and then changes the mode: the plan still
// says where the rows are kept. Another backup loses other rows.
func TestAnExportOutlivesAChangeOfMode(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	p := newPage("en", d)
	press(t, p, "e")
	d.plan = samplePlan(restore.InPlace)
	press(t, p, "m")
	if got := p.base.plan; got.Mode != restore.InPlace || len(got.Exported) == 0 {
		t.Fatalf("mode %s, exported %v", got.Mode, got.Exported)
	}
	other := samplePlan(restore.InPlace)
	other.Source.Name = "another.sql.gz"
	if keepExport(p.base.plan, other); len(other.Exported) > 0 {
		t.Fatal("another backup's rows are called exported")
	}
}

// TestAnExportThatIsBehindSaysSo: the service writes on after an export, which can be made again.
func TestAnExportThatIsBehindSaysSo(t *testing.T) {
	plan := samplePlan(restore.Swap)
	plan.Exported, plan.ExportedAt = []string{"/e/orders.sql"}, now.Add(-time.Minute)
	plan.ExportedRows = plan.Assessment.Loss.Rows() + plan.Assessment.Loss.Changed() - 15
	p := newPage("en", &fakeDesk{plan: plan})
	rows := human.Count(plan.ExportedRows)
	view := strings.Join(strings.Fields(p.View(page.Size{Width: 300, Height: 40})), " ")
	contains(t, view, rows+" of them exported at 2026-01-29 11:59:00")
	if strings.Contains(view, "kept in") || !p.asking.cannotExport().Empty() {
		t.Errorf("%s\n%s", p.asking.cannotExport(), view)
	}
	words := ""
	for _, m := range lossWords(plan, p.base.env.Time) {
		words += m.String() + "\n"
	}
	contains(t, words, rows+" of them are exported, as of 2026-01-29 11:59:00, to /e. The others, ")
	if strings.Contains(words, "They are exported") {
		t.Error(words)
	}

	plan.ExportedRows += 15
	if p.asking.cannotExport().Empty() {
		t.Error("what is exported is exported again")
	}
	words = ""
	for _, m := range lossWords(plan, p.base.env.Time) {
		words += m.String() + "\n"
	}
	contains(t, words, "They are exported to /e.", "until the service is stopped is only in the emergency backup")
}

// TestCommandsOfAPlanNameTheConfiguration, so that a copied one acts on the same database.
func TestCommandsOfAPlanNameTheConfiguration(t *testing.T) {
	plan := samplePlan(restore.Swap)
	p := newPage("en", &fakeDesk{plan: plan})
	p.base.env.Advice = page.NewAdvice("opsdeck --config /c.yaml", nil)
	all := report.Runbook(plan, lang.For("en"), "opsdeck --config /c.yaml")
	for range restore.AllSteps {
		all += strings.Join(p.base.statements(), "\n") + "\n"
		p.base.mark(1)
	}
	for _, want := range []string{"backup create --kind emergency", "restore --from "} {
		if n := strings.Count(all, "opsdeck --config /c.yaml "+want); n != 2 || n != strings.Count(all, want) {
			t.Errorf("%s: %d\n%s", want, n, all)
		}
	}
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

// TestAShrunkenBackupIsNotSimplyGood lists a backup that lost most of its rows, and one of another
// server.
func TestAShrunkenBackupIsNotSimplyGood(t *testing.T) {
	p := newPage("en", &fakeDesk{plan: samplePlan(restore.Swap)})
	lost := restore.RawNote("far fewer rows")
	shrunk := restore.Source{Name: "a.sql.gz", State: "good", PassedOver: []restore.Note{lost}}
	if row := p.picking.sourceRow(shrunk); !strings.Contains(row, "shrunk") || strings.Contains(row, "good") {
		t.Error(row)
	}
	shrunk.Other = true
	p.picking.sources = []restore.Source{shrunk} // the column is as wide as its words
	if row := p.picking.sourceRow(shrunk); !strings.Contains(row, "other server") || strings.Contains(row, "good") {
		t.Error(row)
	}
	shrunk.Other, shrunk.PassedOver = false, nil
	if row := p.picking.sourceRow(shrunk); !strings.Contains(row, "good") {
		t.Error(row)
	}
}

func TestUndoSaysWhatItLosesBeforeItAsks(t *testing.T) {
	d := scenes()["done"]
	p := newPage("en", d)
	d.did = nil
	o := press(t, p, "Z")
	if o == nil {
		t.Fatal("no dialog")
	}
	if view := o.View(page.Size{Width: 80, Height: 20}); !strings.Contains(view, "orders  12 rows  3 changed rows") {
		t.Fatalf("the loss is not named:\n%s", view)
	}
	if !typeIn(p, o, "qianzhang_sales") || !slices.Equal(d.did, []string{"work undo"}) {
		t.Fatalf("it did %v", d.did)
	}
}

// A plan that was made before the newest backup must not be the one that is
// proposed when the tab is opened again.
func TestAnOldPlanIsMadeAnewWhenTheTabIsShown(t *testing.T) {
	d := &fakeDesk{plan: samplePlan(restore.Swap)}
	again := func(p *Page, after time.Duration) bool {
		p.Hide()
		p.base.env.Clock.(*clocktest.Clock).Advance(after)
		p.Show()
		p.Update(runMsg{})
		return !p.base.since.IsZero() // it looks at the target
	}
	if again(newPage("en", d), 10*time.Second) {
		t.Error("a plan of ten seconds is thrown away")
	}
	if !again(newPage("en", d), 2*time.Minute) {
		t.Error("a plan of two minutes is still proposed")
	}
	kept := newPage("en", d)
	exported, err := d.Export(t.Context(), kept.base.plan)
	if err != nil {
		t.Fatal(err)
	}
	kept.base.plan = exported
	if again(kept, time.Hour) {
		t.Error("a plan whose losses were exported is thrown away")
	}
}
