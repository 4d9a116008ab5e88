package statusview

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/golden"

	"opsdeck/internal/cells"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

var now = time.Date(2026, 1, 29, 14, 5, 0, 0, time.UTC)

// fixed is a source that stands still until it is told.
type fixed struct {
	report health.Report
	signal chan struct{}
	looked int
}

func (f *fixed) Report() health.Report             { return f.report }
func (f *fixed) Rule() health.Rule                 { return health.DefaultRule }
func (f *fixed) Signal() (<-chan struct{}, func()) { return f.signal, func() {} }
func (f *fixed) Now()                              { f.looked++ }
func (f *fixed) Close()                            {}

// story makes a standing out of looks, five seconds apart and up to now.
func story(check health.Check, looks string, last health.Result) health.Standing {
	states := map[rune]ops.State{'o': ops.StateOK, 'w': ops.StateWarning, 'c': ops.StateCritical, 'u': ops.StateUnknown}
	s := health.Standing{Check: check}
	for i, l := range looks {
		r := last
		if i < len(looks)-1 || states[l] != last.State {
			r = health.Result{State: states[l], Detail: lang.Raw("an earlier look"), Headline: last.Headline}
		}
		r.At = now.Add(time.Duration(i-len(looks)+1) * 5 * time.Second)
		r.Latency = time.Duration(1+i*i%700) * time.Millisecond
		s = s.Next(r, health.DefaultRule)
	}
	return s
}

func incident() health.Report {
	check := func(name string, kind health.Kind, commands ...string) health.Check {
		return health.Check{Service: "qianzhang", Name: name, Kind: kind, Commands: commands,
			Limits: []health.Limit{{What: lang.Raw("answer"), Critical: lang.Raw("not 200")}}}
	}
	down := health.Broken(lang.M("MySQL is down"), lang.M("connection refused"))
	var ready health.Result
	ready.Add("checks.database", false, lang.M("no"))
	ready.Find(ops.StateCritical, lang.M("%s fails", "/health/ready"), lang.M("%s is false", "database"))
	ready.Raw = "HTTP 503 Service Unavailable\n\n{\"status\":\"not ready\",\"evil\":\"\x1b[2J\"}"
	redis := health.Result{Detail: lang.Raw("Redis 7.0.15 · 客户有限公司客户有限公司客户有限公司客户有限公司")}
	redis.AddUnknown("evicted_keys", lang.M("%s lacks the privilege to see it", "app"))
	return health.Report{At: now, Standings: []health.Standing{
		story(
			check("health", health.KindHTTP, "curl -sS -i http://localhost:3000/health"),
			strings.Repeat("o", 40),
			health.Result{Detail: lang.M("up since %s", now.Add(-26*time.Hour))},
		),
		story(
			check("ready", health.KindHTTP, "curl -sS -i http://localhost:3000/health/ready", "pm2 logs"),
			strings.Repeat("o", 30)+strings.Repeat("c", 9),
			ready,
		),
		story(
			check("mysql", health.KindMySQL, "mysql -e 'SHOW FULL PROCESSLIST'"),
			"ooowwoooooo"+strings.Repeat("c", 10),
			down,
		),
		story(check("redis", health.KindRedis), "oouuuo", redis),
		story(
			check("disk-data", health.KindDisk),
			"cc",
			health.Result{
				State:    ops.StateCritical,
				Detail:   lang.M("disk %s has %s free", "/", "1 %"),
				Headline: lang.M("disk %s has %s free", "/", "1 %"),
			},
		),
		story(
			check("backup", health.KindBackup),
			"o",
			health.Result{
				Detail:  lang.Raw("qianzhang_sales_20260129_105200.sql.gz"),
				Subject: now.Add(-3*time.Hour - 12*time.Minute),
			},
		),
		{Check: check("logs", health.KindLog)},
	}}
}

func newPage(code string, report health.Report) (*Page, *fixed) {
	env := &page.Env{
		Ctx:     context.Background(),
		Lang:    lang.For(code),
		Theme:   theme.New(theme.Options{NoColor: true}),
		Clock:   clocktest.New(now),
		Zone:    time.UTC,
		Service: "qianzhang",
	}
	f := &fixed{report: report, signal: make(chan struct{}, 1)}
	return New(env, f), f
}

func key(name string) tea.KeyMsg {
	for _, k := range []tea.KeyType{tea.KeyEsc, tea.KeyEnter, tea.KeyUp, tea.KeyDown, tea.KeyPgDown, tea.KeyHome,
		tea.KeyEnd} {
		if m := (tea.KeyMsg{Type: k}); m.String() == name {
			return m
		}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}

// press sends keys as the console does: actions first, unless text is taken.
func press(p *Page, keys ...string) (last tea.Cmd) {
	for _, k := range keys {
		if a, ok := page.ForKey(p.Actions(), k); ok && !p.TakingText() {
			if a.Why(p.look.env).Empty() {
				last = a.Run()
			}
			continue
		}
		last = p.Key(key(k))
	}
	return last
}

func TestGolden(t *testing.T) {
	for _, code := range []string{"en", "zh"} {
		for _, size := range []page.Size{{Width: 40, Height: 7}, {Width: 80, Height: 19}, {Width: 120, Height: 35}} {
			for name, keys := range map[string][]string{
				"list": {"down", "down"}, "detail": {"down", "enter"}, "filter": {"/", "m", "y"},
			} {
				t.Run(fmt.Sprintf("%s-%s-%d", name, code, size.Width), func(t *testing.T) {
					p, _ := newPage(code, incident())
					p.View(size)
					press(p, keys...)
					golden.RequireEqual(t, []byte(p.View(size)+"\n"))
				})
			}
		}
	}
}

func TestEveryScreenIsExactlyItsSize(t *testing.T) {
	twice := incident()
	for _, s := range incident().Standings {
		s.Check.Service = "另一个服务"
		twice.Standings = append(twice.Standings, s)
	}
	for name, report := range map[string]health.Report{"none": {}, "one service": incident(), "two services": twice} {
		for _, ascii := range []bool{false, true} {
			for _, keys := range [][]string{{}, {"enter"}, {"end", "enter", "end"}, {"/", "x", "y", "z"}, {"b"}} {
				for _, w := range []int{1, 2, 10, 39, 40, 59, 60, 80, 99, 100, 149, 150, 200} {
					for _, h := range []int{1, 2, 3, 7, 19, 55} {
						p, _ := newPage("zh", report)
						p.look.env.Theme = theme.New(theme.Options{ASCII: ascii})
						p.View(page.Size{Width: w, Height: h})
						press(p, keys...)
						lines := strings.Split(p.View(page.Size{Width: w, Height: h}), "\n")
						if len(lines) != h {
							t.Fatalf("%s %v %dx%d: %d lines", name, keys, w, h, len(lines))
						}
						for i, l := range lines {
							if got := cells.Width(l); got > w {
								t.Fatalf("%s %v %dx%d: line %d has %d cells: %q", name, keys, w, h, i, got, l)
							}
						}
					}
				}
			}
		}
	}
}

func TestOutsideTextCannotReachTheTerminal(t *testing.T) {
	p, _ := newPage("en", incident())
	press(p, "g", "down", "enter", "end")
	if v := p.View(page.Size{Width: 120, Height: 35}); strings.Contains(v, "\x1b[2J") || !strings.Contains(v, "^[[2J") {
		t.Fatalf("the answer is not made safe:\n%s", v)
	}
}

// sent runs a command and what it batches, and returns the messages.
func sent(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case nil:
		return nil
	case tea.BatchMsg:
		var out []tea.Msg
		for _, c := range m {
			out = append(out, sent(c)...)
		}
		return out
	default:
		return []tea.Msg{m}
	}
}

func TestVerdictIsSentOnceAndAgainWhenItChanges(t *testing.T) {
	p, f := newPage("en", incident())
	p.Hint([]page.Page{p})
	verdicts := func(r health.Report) (out []string) {
		f.report = r
		f.signal <- struct{}{}
		for _, m := range sent(p.wait()) {
			if news, ok := m.(page.Msg); ok {
				p.table.take(news.Body.(newsMsg).report)
				for _, m := range sent(p.judge()) {
					if v, ok := m.(page.Verdict); ok {
						out = append(out, v.Text.String())
					}
				}
			}
		}
		return out
	}
	first := verdicts(incident())
	if len(first) != 1 ||
		!strings.HasPrefix(
			first[0],
			"MySQL is down since 14:04:15 (connection refused); 2 more problems; newest good backup 3 h 12 m ago.",
		) {
		t.Fatalf("got %q", first)
	}
	if again := verdicts(incident()); len(again) != 0 {
		t.Fatalf("the same verdict was sent again: %q", again)
	}
	well := incident()
	well.Standings = well.Standings[:1]
	if got := verdicts(well); len(got) != 1 || got[0] != "The check passes." {
		t.Fatalf("got %q", got)
	}
}

func TestIdleScreenStandsStill(t *testing.T) {
	p, _ := newPage("en", incident())
	size := page.Size{Width: 200, Height: 60}
	first := p.View(size)
	p.look.env.Clock.(*clocktest.Clock).Advance(time.Minute)
	later := incident()
	later.At = now.Add(time.Minute)
	p.Update(newsMsg{report: later})
	if p.View(size) != first {
		t.Fatal("the screen changed though no number did")
	}
}

func TestFilterKeepsTheCursorOnItsCheck(t *testing.T) {
	p, _ := newPage("en", incident())
	p.View(page.Size{Width: 80, Height: 19})
	press(p, "g", "down", "down")
	if p.table.chosen != "qianzhang/mysql" {
		t.Fatalf("chosen %s", p.table.chosen)
	}
	press(p, "/", "d", "o", "w", "n", "enter")
	if p.table.chosen != "qianzhang/mysql" || p.table.countChecks() != 1 || p.table.typing {
		t.Fatalf("chosen %s of %d", p.table.chosen, p.table.countChecks())
	}
	press(p, "esc")
	if p.table.chosen != "qianzhang/mysql" || p.table.countChecks() != 7 {
		t.Fatalf("after esc: %s of %d", p.table.chosen, p.table.countChecks())
	}
	press(p, "b")
	if p.table.countChecks() != 4 {
		t.Fatalf("%d are not well", p.table.countChecks())
	}
}

// The verdict says that this tab's digit and enter show more: they open the check that it
// speaks of, also when the tab is in front already, or another check is open.
func TestTheVerdictsCheckIsTheOneThatOpens(t *testing.T) {
	p, _ := newPage("en", incident())
	p.View(page.Size{Width: 80, Height: 19})
	press(p, "enter")
	if p.dossier.open != "qianzhang/mysql" {
		t.Fatalf("open: %s", p.dossier.open)
	}
	press(p, "esc", "g", "enter")
	if p.dossier.open == "qianzhang/mysql" {
		t.Fatal("the cursor was not moved")
	}
	p.Again()
	press(p, "enter")
	if p.dossier.open != "qianzhang/mysql" {
		t.Fatalf("again: %s", p.dossier.open)
	}
	press(p, "esc", "g")
	p.Hide()
	p.Show()
	if p.table.chosen != "qianzhang/mysql" {
		t.Fatalf("shown again: %s", p.table.chosen)
	}
	press(p, "g")
	p.Update(newsMsg{report: incident()})
	if p.table.chosen == "qianzhang/mysql" {
		t.Fatal("news moved the cursor of a person")
	}
}

func TestCommandsAreCopied(t *testing.T) {
	p, _ := newPage("en", incident())
	p.View(page.Size{Width: 80, Height: 19})
	press(p, "g", "down", "enter", "c")
	if got := sent(press(p, "y")); len(got) != 1 || got[0] != (page.Copy{Text: "pm2 logs"}) {
		t.Fatalf("got %v", got)
	}
}

func TestMomentOpensTheLogs(t *testing.T) {
	p, _ := newPage("en", incident())
	p.View(page.Size{Width: 80, Height: 19})
	cmd := press(p, "g", "down", "down", "i")
	if cmd == nil {
		t.Fatal("nothing was sent")
	}
	got := fmt.Sprint(cmd())
	if !strings.Contains(got, "0x") { // a sequence of commands
		t.Fatalf("got %s", got)
	}
}

func TestLookNowAsksTheSource(t *testing.T) {
	p, f := newPage("en", incident())
	sent(press(p, "r"))
	if f.looked != 1 {
		t.Fatalf("looked %d times", f.looked)
	}
}

func BenchmarkFrame200x60With50Checks(b *testing.B) {
	report := health.Report{At: now}
	one := incident()
	for i := range 50 {
		s := one.Standings[i%3]
		s.Check.Name = fmt.Sprintf("check-%d", i)
		report.Standings = append(report.Standings, s)
	}
	p, _ := newPage("en", report)
	p.look.env.Theme = theme.New(theme.Options{Dark: true})
	size := page.Size{Width: 200, Height: 60}
	p.View(size)
	b.ReportAllocs()
	for b.Loop() {
		p.View(size)
	}
}

// TestAPlainPageDrawsNothing: who hears the page hears words; bars and rows of marks are
// "percent plus plus" there, and take the room of what they are about.
func TestAPlainPageDrawsNothing(t *testing.T) {
	size := page.Size{Width: 200, Height: 36}
	drawn, _ := newPage("en", incident())
	drawn.look.env.Theme = theme.New(theme.Options{NoColor: true, ASCII: true})
	p, _ := newPage("en", incident())
	p.look.env.Theme = theme.New(theme.Options{NoColor: true, ASCII: true, Plain: true})
	for _, view := range []struct {
		text string
		has  bool
	}{{drawn.View(size), true}, {p.View(size), false}} {
		for _, what := range []string{"HISTORY", "TREND", "---"} {
			list, _, _ := strings.Cut(view.text, "\n- ") // the preview has a rule above it
			if strings.Contains(list, what) != view.has {
				t.Errorf("%q is there: %v\n%s", what, !view.has, view.text)
			}
		}
	}
}
