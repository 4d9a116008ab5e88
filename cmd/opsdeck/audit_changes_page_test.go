package main

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// auditTab is the console's Audit tab over a real configuration, driven by keys.
type auditTab struct {
	t    *testing.T
	page page.Page
}

func openAuditTab(t *testing.T, config string) auditTab {
	t.Helper()
	a := newApp(stdio{nil, io.Discard, io.Discard}, func(string) string { return "" }, &globals{ConfigFile: config})
	svc, err := a.chosen()
	if err != nil {
		t.Fatal(err)
	}
	env := &page.Env{
		Ctx:   t.Context(),
		Lang:  a.lang,
		Theme: theme.New(theme.Options{NoColor: true}),
		Clock: a.clock,
		Zone:  time.UTC,
	}
	tab := auditTab{t, newAuditTab(env, svc)}
	t.Cleanup(tab.page.(page.Closer).Close)
	tab.answer(tab.page.Show())
	tab.view()
	return tab
}

func (tab auditTab) view() string { return tab.page.View(page.Size{Width: 120, Height: 40}) }

// answer runs commands until there are none, without those that wait for a clock.
func (tab auditTab) answer(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		got := make([]tea.Msg, len(m))
		var wg sync.WaitGroup
		for i, c := range m {
			if c != nil {
				wg.Go(func() { got[i] = c() })
			}
		}
		wg.Wait()
		for _, g := range got {
			tab.answer(page.Send(g))
		}
	case page.Msg:
		tab.answer(tab.page.(page.Envelope).Receive(m))
	}
}

func (tab auditTab) press(keys ...string) {
	tab.t.Helper()
	for _, k := range keys {
		a, ok := page.ForKey(tab.page.Actions(), k)
		switch {
		case k == "down":
			tab.page.Key(tea.KeyMsg{Type: tea.KeyDown})
		case !ok:
			tab.t.Fatalf("no action has the key %s", k)
		case a.Off != nil && !a.Off().Empty():
			tab.t.Fatalf("%s: %s", k, lang.English().Msg(a.Off()))
		default:
			tab.answer(a.Run())
		}
		tab.view()
	}
}

func (tab auditTab) sees(want ...string) {
	tab.t.Helper()
	view := tab.view()
	for _, w := range want {
		if !strings.Contains(view, w) {
			tab.t.Fatalf("no %q in\n%s", w, view)
		}
	}
}

func TestTheAuditTabShowsTheBinaryLog(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		beginLog(t, s)
		config, schema, _ := auditWorld(t, s)
		s.Exec(
			t,
			schema,
			"SET SESSION binlog_format=ROW",
			"CREATE TABLE orders (id INT PRIMARY KEY, state ENUM('新','已审核'), data VARBINARY(4))",
			"INSERT INTO orders VALUES (1,'新',0x00FF),(2,'新',NULL),(3,'新',NULL)",
			"BEGIN",
			"UPDATE orders SET state='已审核' WHERE id=2",
			"INSERT INTO audit_logs (user_id, action, resource_type, resource_id, created_at) "+
				"VALUES (9, 'APPROVE', 'ORDER', '2', CURRENT_TIMESTAMP(6))",
			"COMMIT",
			"DELETE FROM orders WHERE id < 3",
		)
		asked(t, config, 0, "backup", "binlog", "fetch")
		tab := openAuditTab(t, config)
		tab.press("x") // the newest audit row's transaction
		tab.sees("orders ~1", "audit_logs +1")
		tab.press("enter")
		tab.sees("state", "新 → 已审核", "APPROVE")
		tab.press("x") // and back
		tab.sees("/ id:251", "APPROVE")
		tab.press("b", "esc", "z") // all transactions, the largest first
		tab.sees("largest first", "orders +3", "orders -2")
		tab.press("z", "enter") // the newest one
		tab.sees("orders 1", "0x00ff", "row 1 of 2")
		tab.press("down", "t") // the life of order 2
		tab.sees("table:"+schema+".orders key:2", "transaction 1 of 3")
	})
}
