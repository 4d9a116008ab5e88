package auditview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/golden"

	"opsdeck/internal/cells"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

var now = time.Date(2026, 1, 29, 14, 5, 0, 0, time.UTC)

// fake is a table in memory.
type fake struct {
	layout   *audit.Layout
	rows     []audit.Row // newest first
	late     []audit.Row // what After gives
	err      error
	unproved bool
	proved   int
	asked    []audit.PageRequest
}

func (f *fake) Layout() *audit.Layout { return f.layout }
func (f *fake) Notes() []lang.Msg     { return nil }
func (f *fake) Close()                {}

func (f *fake) Page(_ context.Context, req audit.PageRequest) (audit.Page, error) {
	f.asked = append(f.asked, req)
	if f.err != nil && !req.Leave {
		return audit.Page{}, f.err
	}
	p := audit.Page{Strategy: audit.ZoneOrder, Unproved: f.unproved && f.proved == 0}
	for _, r := range f.rows {
		if !r.Pos().Less(req.Before) || !req.Filter.Accept(f.layout, &r) {
			continue
		}
		if len(p.Rows) == req.Limit {
			p.More, p.Next = true, p.Rows[req.Limit-1].Pos()
			break
		}
		p.Rows = append(p.Rows, r)
	}
	return p, nil
}

func (f *fake) After(_ context.Context, _ audit.Filter, top audit.Pos, _ int) (out []audit.Row, err error) {
	return f.late, f.err
}

func (f *fake) Trace(_ context.Context, kind, rid string, _ bool, _ func(ops.Progress)) (audit.Trace, error) {
	t := audit.Trace{Type: kind, ID: rid}
	for i := len(f.rows) - 1; i >= 0; i-- {
		if f.rows[i].Get(audit.ResourceType) == kind && f.rows[i].Get(audit.ResourceID) == rid {
			t.Timeline = append(t.Timeline, f.rows[i])
		}
	}
	t.Summary = audit.Summarize(t.Timeline)
	return t, f.err
}

func (f *fake) Stats(context.Context, audit.StatsRequest, bool, func(ops.Progress)) (audit.Stats, error) {
	s := audit.Stats{Rows: int64(len(f.rows)), Since: now.AddDate(0, 0, -7)}
	action, user, resource := audit.NewTally(), audit.NewTally(), audit.NewTally()
	for i := range f.rows {
		action.Add(f.rows[i].Get(audit.Action), "", 1)
		user.Add(f.rows[i].Get(audit.UserID), "", 1)
		resource.Add(f.rows[i].Get(audit.ResourceType), "", 1)
		s.AddHour(f.rows[i].Time, 1)
	}
	s.ByAction, s.ByUser, s.ByResource = action.Top(0), user.Top(10), resource.Top(10)
	var unproved *audit.UnprovedError
	if errors.As(f.err, &unproved) && f.proved > 0 {
		return s, nil
	}
	return s, f.err
}

func (f *fake) Values(context.Context, audit.Field, string, int) ([]audit.Count, error) {
	return []audit.Count{{Value: "DELETE", Rows: 12}, {Value: "UPDATE", Rows: 30}, {Value: "客户", Rows: 2}}, nil
}

func init() { reportEvery = 0 }

func (f *fake) Prove(_ context.Context, _ float64, report func(ops.Progress)) error {
	f.proved++
	return nil
}

func sample(t testing.TB) *fake {
	t.Helper()
	var cols []audit.Column
	for i := range audit.NumFields {
		f := audit.Field(i)
		typ := "varchar"
		switch f {
		case audit.ID:
			typ = "bigint"
		case audit.CreatedAt:
			typ = "timestamp"
		case audit.Changes:
			continue
		}
		cols = append(cols, audit.Column{Name: f.String(), Type: typ, Integer: typ == "bigint", Nullable: true})
	}
	l, err := audit.Map(
		"db",
		"audit_logs",
		cols,
		[]audit.Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	src := &fake{layout: l}
	actions := []string{"CREATE", "UPDATE", "DELETE", "APPROVE", "REJECT", "LOGIN"}
	for i := range 60 {
		r := audit.Row{ID: int64(1060 - i), Time: now.Add(-time.Duration(i*i) * 7 * time.Minute)}
		r.At = audit.StampOf(r.Time, time.UTC)
		set := func(f audit.Field, text string) { r.Values[f] = audit.Value{Text: text, Valid: true} }
		set(audit.ID, fmt.Sprint(r.ID))
		set(audit.UserID, fmt.Sprint(1+i%7))
		set(audit.UserName, []string{"张三", "li.si", "王小明 (出纳)", "root\x1b[31m"}[i%4])
		set(audit.Action, actions[i%6])
		set(audit.ResourceType, []string{"ORDER", "AR_INVOICE", "CUSTOMER"}[i%3])
		set(audit.ResourceID, fmt.Sprint(400+i%5))
		set(audit.OldValue, `{"status":"待审核","total":100,"password":"old-secret"}`)
		set(
			audit.NewValue,
			fmt.Sprintf(
				`{"status":"已审核，金额调整为一个很长的说明文字，用来检查换行是否正确","total":%d,"items":[{"qty":2}],"password":"new-secret"}`,
				100+i,
			),
		)
		set(audit.IP, fmt.Sprintf("10.0.0.%d", i))
		set(audit.Method, "POST")
		set(audit.Path, "/api/orders/"+fmt.Sprint(i))
		set(audit.Request, `{"token":"abc","a":[1,2]}`)
		src.rows = append(src.rows, r)
	}
	return src
}

// settled is the tab with everything answered that it asked for.
func settled(t testing.TB, code string, src *fake) *Page {
	t.Helper()
	env := &page.Env{
		Ctx:     context.Background(),
		Lang:    lang.For(code),
		Theme:   theme.New(theme.Options{NoColor: true}),
		Clock:   clocktest.New(now),
		Zone:    time.UTC,
		Service: "qianzhang",
	}
	p := New(env, func(context.Context) (Source, error) { return src, nil })
	answer(p, p.Show())
	return p
}

// answer runs commands and hands their answers back until there are none;
// what the page says to the console is returned.
func answer(p *Page, cmd tea.Cmd) (said []tea.Msg) {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		// Side by side, for some wait for others; the answers in their order.
		got := make([]tea.Msg, len(m))
		var wg sync.WaitGroup
		for i, c := range m {
			if c != nil {
				wg.Go(func() { got[i] = c() })
			}
		}
		wg.Wait()
		for _, g := range got {
			said = append(said, answer(p, page.Send(g))...)
		}
	case page.Msg:
		said = append(said, answer(p, p.Receive(m))...)
	case nil:
	default:
		said = append(said, m)
	}
	return said
}

// press presses keys as the console would hand them over.
func press(p *Page, keys ...string) (said []tea.Msg) {
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		for typ, name := range map[tea.KeyType]string{tea.KeyEnter: "enter", tea.KeyEsc: "esc", tea.KeyDown: "down",
			tea.KeyUp: "up", tea.KeyTab: "tab", tea.KeyEnd: "end", tea.KeyRight: "right",
			tea.KeyBackspace: "backspace"} {
			if k == name {
				msg = tea.KeyMsg{Type: typ}
			}
		}
		if a, ok := page.ForKey(p.Actions(), msg.String()); ok && !p.TakingText() {
			if a.Why(p.base.env).Empty() {
				said = append(said, answer(p, a.Run())...)
			}
			continue
		}
		said = append(said, answer(p, p.Key(msg))...)
	}
	return said
}

func typed(p *Page, text string) {
	for _, r := range text {
		press(p, string(r))
	}
}

func check(t *testing.T, view string, size page.Size) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != size.Height {
		t.Fatalf("%d lines, not %d", len(lines), size.Height)
	}
	for i, l := range lines {
		if w := cells.Width(l); w > size.Width {
			t.Fatalf("line %d has %d cells, not %d: %q", i, w, size.Width, l)
		}
	}
	if strings.Contains(view, "secret") || strings.Contains(view, "\x1b[31m") {
		t.Fatal("a secret or a control sequence is on the screen")
	}
}

// scenes are the tab's faces, and the keys that lead there.
var scenes = map[string]func(p *Page){
	"list":    func(p *Page) { press(p, "down", "down") },
	"detail":  func(p *Page) { press(p, "down", "enter") },
	"trace":   func(p *Page) { press(p, "t", "enter") },
	"stats":   func(p *Page) { press(p, "s") },
	"query":   func(p *Page) { press(p, "/"); typed(p, "action:") },
	"wrong":   func(p *Page) { press(p, "/"); typed(p, "张三 since:2026-02-30"); press(p, "enter") },
	"nothing": func(p *Page) { press(p, "/"); typed(p, "action:NEVER"); press(p, "enter") },
}

var sizes = []page.Size{{Width: 40, Height: 10}, {Width: 80, Height: 24}, {Width: 120, Height: 40}}

func TestView(t *testing.T) {
	for name, scene := range scenes {
		for _, code := range []string{"en", "zh"} {
			for _, size := range sizes {
				t.Run(fmt.Sprintf("%s/%s/%dx%d", name, code, size.Width, size.Height), func(t *testing.T) {
					p := settled(t, code, sample(t))
					p.View(size)
					scene(p)
					view := p.View(size)
					check(t, view, size)
					golden.RequireEqual(t, []byte(view))
				})
			}
		}
	}
}

func TestEverySceneFitsEverySize(t *testing.T) {
	for name, scene := range scenes {
		p := settled(t, "zh", sample(t))
		scene(p)
		for _, w := range []int{1, 7, 40, 59, 99, 150, 200} {
			for _, h := range []int{1, 2, 4, 9, 60} {
				size := page.Size{Width: w, Height: h}
				t.Run(fmt.Sprintf("%s %dx%d", name, w, h), func(t *testing.T) { check(t, p.View(size), size) })
			}
		}
	}
}

func TestProblemsAreShownWithTheNextStep(t *testing.T) {
	src := sample(t)
	src.err = &audit.TooMuchError{
		Estimate: audit.Estimate{Rows: 1_000_000_000},
		Max:      200_000,
		Index:    "ALTER TABLE `audit_logs` ADD INDEX (`created_at`)",
	}
	p := settled(t, "en", src)
	view := p.View(page.Size{Width: 80, Height: 20})
	for _, want := range []string{"1,000,000,000 rows without an index", "ADD INDEX (`created_at`)", "a read anyway"} {
		if !strings.Contains(view, want) {
			t.Fatalf("%q is missing:\n%s", want, view)
		}
	}
	press(p, "a")
	if len(p.rows.list.rows) == 0 || !src.asked[len(src.asked)-1].Leave {
		t.Fatal("leave was not given")
	}
	env := p.base.env
	p = New(env, func(context.Context) (Source, error) {
		return nil, ops.E(ops.Config, lang.M("there is no table %s in the database %s", "x", "y")).
			WithHint(lang.M("name the audit table as audit.table in the configuration"))
	})
	answer(p, p.Show())
	if view := p.View(page.Size{Width: 80, Height: 20}); !strings.Contains(view, "there is no table x") ||
		!strings.Contains(view, "audit.table") {
		t.Fatalf("got:\n%s", view)
	}
}

func TestUnprovedRowsAreSaidToBeAndReplaced(t *testing.T) {
	src := sample(t)
	src.unproved = true
	p := settled(t, "en", src)
	if src.proved != 1 || p.rows.list.unproved || len(p.rows.list.rows) == 0 {
		t.Fatalf("proved %d times, unproved %v", src.proved, p.rows.list.unproved)
	}
	p.rows.list.unproved = true
	if !strings.Contains(p.View(page.Size{Width: 100, Height: 20}), "whether they are the newest") {
		t.Fatal("the list does not say that its order is not known")
	}
}

func TestOldAnswersAreDropped(t *testing.T) {
	p := settled(t, "en", sample(t))
	gen := uint64(p.rows.list.gen.Gen)
	p.rows.reload(false)
	p.Receive(page.Msg{To: id, Gen: gen, Body: pageMsg{err: errors.New("old")}})
	if p.rows.list.err != nil || !p.rows.list.loading {
		t.Fatal("an answer to an older question was taken")
	}
}

func TestNewRowsKeepTheCursorOnItsRow(t *testing.T) {
	src := sample(t)
	p := settled(t, "en", src)
	p.View(page.Size{Width: 80, Height: 24})
	press(p, "down", "down", "down")
	on := p.rows.current().ID
	for i := range 3 {
		r := src.rows[0]
		r.ID, r.At = int64(2000+i), r.At+audit.Stamp(1+i)
		src.late = append(src.late, r)
	}
	src.late = append(src.late, src.rows[0]) // seen before
	answer(p, p.rows.poll())
	list := &p.rows.list
	if p.rows.current().ID != on || list.unseen != 3 || list.rows[0].ID != 2002 || len(list.rows) != 63 {
		t.Fatalf(
			"on %d not %d, %d unseen, first %d of %d",
			p.rows.current().ID,
			on,
			p.rows.list.unseen,
			p.rows.list.rows[0].ID,
			len(p.rows.list.rows),
		)
	}
}

func TestCompletionTakesWhatExists(t *testing.T) {
	p := settled(t, "en", sample(t))
	press(p, "/")
	typed(p, "act")
	press(p, "tab")
	typed(p, "del")
	press(p, "tab", "enter")
	if p.base.query != "action:DELETE" || p.TakingText() {
		t.Fatalf("the query is %q", p.base.query)
	}
	for i := range p.rows.list.rows {
		if p.rows.list.rows[i].Get(audit.Action) != "DELETE" {
			t.Fatal("the filter was not used")
		}
	}
	press(p, "esc")
	if p.base.query != "" || len(p.rows.list.rows) != 60 {
		t.Fatal("esc does not show all rows")
	}
}

func TestARowLeadsToTheLogsOfItsMoment(t *testing.T) {
	p := settled(t, "en", sample(t))
	cmd := p.rows.jump()
	if cmd == nil || p.rows.current().Time.IsZero() {
		t.Fatal("no way to the logs")
	}
	p.Update(page.Incident{At: now})
	press(p, "@")
	if !strings.HasPrefix(p.base.query, "since:2026-01-29T13:55:00Z until:2026-01-29T14:15:00Z") {
		t.Fatalf("around the incident: %q", p.base.query)
	}
}

func TestTheCopyHasNoSecrets(t *testing.T) {
	p := settled(t, "en", sample(t))
	said := press(p, "y")
	if len(said) != 1 {
		t.Fatalf("%v", said)
	}
	if c, ok := said[0].(page.Copy); !ok || strings.Contains(c.Text, "secret") ||
		!strings.Contains(c.Text, `"id":1060`) {
		t.Fatalf("%v", said[0])
	}
}

func TestATimeOfAnotherYearSaysTheYear(t *testing.T) {
	src := sample(t)
	src.rows[2].Time = now.AddDate(-1, 0, 0)
	src.rows[2].At = audit.StampOf(src.rows[2].Time, time.UTC)
	p := settled(t, "en", src)
	for width, want := range map[int]string{40: "2025-01-29 ", 80: "2025-01-29 14:05:00", 120: "2025-01-29 14:05:00"} {
		if view := p.View(page.Size{Width: width, Height: 24}); !strings.Contains(view, want) {
			t.Fatalf("no %q at %d:\n%s", want, width, view)
		}
	}
}

func TestALiveListThatIsEmptyTakesItsFirstRow(t *testing.T) {
	src := sample(t)
	p := settled(t, "en", src)
	press(p, "/")
	typed(p, "action:NEVER")
	press(p, "enter")
	p.rows.list.live = true
	if len(p.rows.list.rows) != 0 {
		t.Fatalf("%d rows", len(p.rows.list.rows))
	}
	r := src.rows[0]
	r.ID, r.At = 3000, r.At+1
	src.late = []audit.Row{r}
	answer(p, p.rows.poll())
	if len(p.rows.list.rows) != 1 || p.rows.current().ID != 3000 {
		t.Fatalf("the row that came is not shown: %d rows", len(p.rows.list.rows))
	}
}

func TestALiveListWaitsForAServerThatIsAway(t *testing.T) {
	src := sample(t)
	p := settled(t, "en", src)
	p.rows.list.live = true
	src.err = ops.E(ops.Busy, lang.M("MySQL at %s cannot be reached (%s)", "x", "y"))
	first, second := answer(p, p.rows.poll()), answer(p, p.rows.poll())
	if len(first) != 1 || len(second) != 0 || !p.rows.list.live {
		t.Fatalf("said %v, then %v, live %v", first, second, p.rows.list.live)
	}
	if view := p.View(page.Size{Width: 80, Height: 24}); !strings.Contains(view, "live, once the server is back") {
		t.Fatalf("got:\n%s", view)
	}
	src.err = nil
	answer(p, p.rows.poll())
	if view := p.View(page.Size{Width: 80, Height: 24}); !strings.Contains(view, "● live") &&
		!strings.Contains(view, " live ") {
		t.Fatalf("got:\n%s", view)
	}
	p.rows.list.err = ops.E(ops.Busy, lang.M("interrupted")) // as the r key would have met it
	if answer(p, p.rows.poll()); p.rows.list.err != nil || len(p.rows.list.rows) == 0 {
		t.Fatal("the list does not come back with the server")
	}
	src.err = &audit.TooMuchError{Max: 1}
	if answer(p, p.rows.poll()); p.rows.list.live {
		t.Fatal("live although it was refused")
	}
}
