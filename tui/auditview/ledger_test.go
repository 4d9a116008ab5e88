package auditview

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/tui/page"
)

// fakeLog is a binary log in memory.
type fakeLog struct {
	all  []binlog.Transaction // newest first
	rows map[string][]binlog.ShownRow
	err  error
}

func (f *fakeLog) Note() lang.Msg { return lang.Msg{} }
func (f *fakeLog) Close()         {}

func (f *fakeLog) List(_ context.Context, q binlog.Query, take func(*binlog.Transaction) error) error {
	all := slices.Clone(f.all)
	if q.Largest {
		slices.SortStableFunc(all, func(a, b binlog.Transaction) int { return int(q.Weight(&b) - q.Weight(&a)) })
	}
	for i := range all {
		if !q.Takes(&all[i]) || q.Key != nil && len(f.of(all[i].ID, q)) == 0 {
			continue
		}
		if err := take(&all[i]); err != nil {
			return err
		}
	}
	return f.err
}

func (f *fakeLog) of(id string, q binlog.Query) (out []binlog.ShownRow) {
	for _, r := range f.rows[id] {
		if q.Table != "" && !binlog.Matches(r.Schema, r.Table, q.Table) || q.Key != nil && !slices.Equal(q.Key, r.Key) {
			continue
		}
		out = append(out, r)
	}
	return out
}

func (f *fakeLog) Rows(_ context.Context, id string, q binlog.Query, most int) ([]binlog.ShownRow, int64, error) {
	rows := f.of(id, q)
	return rows[:min(len(rows), most)], int64(len(rows)), nil
}

// accident is a log whose second transaction deleted all orders; the first wrote an
// audit row.
func accident() *fakeLog {
	f := &fakeLog{rows: map[string][]binlog.ShownRow{}}
	add := func(ago time.Duration, verb binlog.Verb, table, query string, keys ...string) {
		t := binlog.Transaction{
			ID:     fmt.Sprintf("3e11fa47-71ca-11e1-9e33-c80aa9429562:%d", 90-len(f.all)),
			Time:   now.Add(-ago),
			File:   "binlog.000007",
			Pos:    uint64(9000 - len(f.all)*500),
			Size:   int64(300 * len(keys)),
			Thread: 17,
			Query:  query,
		}
		t.Count("db", table).Add(verb, int64(len(keys)))
		for _, k := range keys {
			r := binlog.ShownRow{Schema: "db", Table: table, Verb: verb, Key: []string{k}}
			was := fmt.Sprintf(`{"id":%s,"status":"待审核","password":"old-secret"}`, k)
			then := fmt.Sprintf(`{"id":%s,"status":"已审核","password":"new-secret"}`, k)
			if verb != binlog.Insert {
				r.Before = was
			}
			if verb != binlog.Delete {
				r.After = then
			}
			f.rows[t.ID] = append(f.rows[t.ID], r)
		}
		f.all = append(f.all, t)
	}
	add(time.Minute, binlog.Insert, "audit_logs", "INSERT INTO audit_logs VALUES (?)", "1060")
	add(2*time.Minute, binlog.Delete, "orders", "DELETE FROM orders", "1", "2", "3", "4")
	add(3*time.Minute, binlog.Update, "orders", "UPDATE orders SET status = '已审核' WHERE id = 2", "2")
	add(70*time.Minute, binlog.Insert, "orders", "", "1", "2")
	return f
}

func init() {
	scenes["log"] = func(p *Page) { withLog(p, accident()); press(p, "b", "down") }
	scenes["transaction"] = func(p *Page) { withLog(p, accident()); press(p, "b", "down", "down", "enter") }
	scenes["logquery"] = func(p *Page) {
		withLog(p, accident())
		press(p, "b", "/")
		typed(p, "table:orders kind:drop")
		press(p, "enter")
	}
}

func withLog(p *Page, f *fakeLog) {
	p.WithLog(func(context.Context) (Log, error) { return f, f.err })
}

func ids(p *Page) (out []string) {
	for _, t := range p.ledger.all {
		_, n, _ := strings.Cut(t.ID, ":")
		out = append(out, n)
	}
	return out
}

func TestTheLogsLargestTransactionsComeFirstOnOneKey(t *testing.T) {
	p := settled(t, "en", sample(t))
	withLog(p, accident())
	press(p, "b")
	if got := fmt.Sprint(ids(p)); got != "[90 89 88 87]" {
		t.Fatal(got)
	}
	press(p, "z")
	if got := fmt.Sprint(ids(p)); got != "[89 87 90 88]" {
		t.Fatal(got)
	}
	press(p, "/")
	typed(p, "table:orders kind:delete rows:3 since:-1h")
	press(p, "enter")
	if got := fmt.Sprint(ids(p)); got != "[89]" {
		t.Fatal(got)
	}
	press(p, "esc")
	if p.ledger.query != "" || len(p.ledger.all) != 4 {
		t.Fatalf("%q, %d", p.ledger.query, len(p.ledger.all))
	}
	press(p, "b")
	if p.base.mode != listMode {
		t.Fatal("the audit rows are not back")
	}
}

func TestARowsLifeIsTracedByItsKey(t *testing.T) {
	p := settled(t, "en", sample(t))
	withLog(p, accident())
	press(p, "b", "down", "enter", "down", "t")
	if got := fmt.Sprint(ids(p)); got != "[89 88 87]" || p.ledger.query != "table:db.orders key:2" {
		t.Fatal(got, p.ledger.query)
	}
	press(p, "down", "enter")
	if len(p.ledger.one.rows) != 1 {
		t.Fatal("more than the traced row is shown")
	}
	view := p.View(page.Size{Width: 80, Height: 24})
	if !strings.Contains(view, "待审核 → 已审核") || !strings.Contains(view, "UPDATE orders") {
		t.Fatal(view)
	}
	press(p, "esc", "esc")
	if len(p.ledger.all) != 4 {
		t.Fatal("esc does not lead back to the query before")
	}
	press(p, "down", "t")
	if p.base.mode != txnMode {
		t.Fatal("a transaction of many rows was traced without a choice of one")
	}
	press(p, "esc", "down", "t")
	if got := fmt.Sprint(ids(p)); got != "[89 88 87]" {
		t.Fatal(got)
	}
}

func TestAnAuditRowLeadsToItsTransactionAndBack(t *testing.T) {
	p := settled(t, "en", sample(t))
	withLog(p, accident())
	press(p, "x")
	if tx := p.ledger.current(); tx == nil || !strings.HasSuffix(tx.ID, ":90") || len(p.ledger.all) != 3 {
		t.Fatalf("%+v among %v", tx, ids(p))
	}
	press(p, "enter", "x")
	if p.base.mode != listMode || p.base.query != "id:1060" || len(p.rows.list.rows) != 1 {
		t.Fatalf("mode %d, query %q, %d rows", p.base.mode, p.base.query, len(p.rows.list.rows))
	}
	press(p, "esc")
	p.View(page.Size{Width: 80, Height: 24})
	press(p, "down", "down")
	said := press(p, "x")
	warned := func(m tea.Msg) bool {
		n, ok := m.(page.Notice)
		return ok && n.State != ops.StateOK
	}
	if !slices.ContainsFunc(said, warned) {
		t.Fatalf("nothing says that the row's own transaction was not found: %v", said)
	}
}

func TestTheLogSharesTheMomentOfTheIncident(t *testing.T) {
	p := settled(t, "en", sample(t))
	withLog(p, accident())
	p.Update(page.Incident{At: now.Add(-150 * time.Second)})
	press(p, "b", "@")
	if tx := p.ledger.current(); len(p.ledger.all) != 3 || tx == nil || !strings.HasSuffix(tx.ID, ":88") {
		t.Fatalf("%v, on %+v", ids(p), tx)
	}
	if cmd := p.ledger.logs(); cmd == nil {
		t.Fatal("i does nothing")
	}
}

func TestTheLogIsReadWhereTheAuditTableIsMissing(t *testing.T) {
	env := settled(t, "en", sample(t)).base.env
	p := New(env, func(context.Context) (Source, error) { return nil, ops.E(ops.Busy, lang.M("no rows")) })
	answer(p, p.Show())
	withLog(p, accident())
	press(p, "b")
	if len(p.ledger.all) != 4 {
		t.Fatal("the log is not shown")
	}
	press(p, "enter")
	check(t, p.View(page.Size{Width: 80, Height: 24}), page.Size{Width: 80, Height: 24})
	press(p, "esc", "b")
	if view := p.View(page.Size{Width: 80, Height: 24}); !strings.Contains(view, "no rows") {
		t.Fatal(view)
	}
	f := accident()
	f.err = ops.E(ops.Config, lang.M("no transactions"))
	withLog(p, f)
	p.ledger.log = nil
	press(p, "b")
	if view := p.View(page.Size{Width: 80, Height: 24}); !strings.Contains(view, "no transactions") {
		t.Fatal(view)
	}
}

// Esc leads out of the log as it leads out of everything else, also where the log
// cannot be read.
func TestEscLeavesTheLog(t *testing.T) {
	p := settled(t, "en", sample(t))
	withLog(p, accident())
	press(p, "b", "esc")
	if p.base.mode != listMode {
		t.Fatal("esc does not lead to the audit rows")
	}
	f := accident()
	f.err = ops.E(ops.Config, lang.M("no transactions"))
	withLog(p, f)
	p.ledger.log = nil
	press(p, "b")
	if p.base.mode != logMode {
		t.Fatal("the log is not in front")
	}
	press(p, "esc")
	if p.base.mode != listMode {
		t.Fatal("esc does not lead out of a log that cannot be read")
	}
}
