package restoreview

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// healing chooses how an accident is healed: to which moment, and how much of the
// database.
type healing struct {
	base  *base
	txn   *binlog.Transaction // the accident, when another tab named it
	since time.Time           // the undo of a transaction is being planned or done; zero: it is not
}

// rewoundMsg is a plan to undo a transaction, or what came of it.
type rewoundMsg struct {
	done    restore.Rewound
	planned bool // a plan was asked for
	err     error
}

// actions are the keys of the plan that choose the moment.
func (p *healing) actions() []page.Action {
	return []page.Action{
		{
			ID:     "restore.until",
			Keys:   []string{"u"},
			Label:  lang.M("moment"),
			Help:   lang.M("restore to a moment: the backup, then the binlog up to that moment"),
			Footer: true,
			Run:    func() tea.Cmd { return p.openMoment(nil) },
		},
		{
			ID:     "restore.ways",
			Keys:   []string{"w"},
			Label:  lang.M("ways"),
			Help:   lang.M("choose what to restore: the database, one table, or undo one transaction"),
			Footer: true,
			Run:    p.openWays,
		},
	}
}

// openMoment asks for the moment; no text is the backup alone.
func (p *healing) openMoment(tables []string) tea.Cmd {
	e, was := p.base.env, ""
	if m := p.base.choice.Moment; m != nil && m.Before == "" {
		was = m.String()
	}
	body := e.T("A time (14:03, 2026-01-29T14:03:12), FILE:POS, or GTIDs; empty: only the backup.")
	return page.Send(page.Open{Overlay: widget.NewPrompt(e, lang.M("Restore to a moment"), body, was,
		func(text string) tea.Cmd {
			var moment *binlog.Moment
			if text = strings.TrimSpace(text); text != "" {
				var err error
				if moment, err = binlog.ReadMoment(text, e.Clock.Now(), e.Zone); err != nil {
					p.base.problem = err
					return nil
				}
			}
			if tables != nil {
				p.base.choice.Tables = tables
			}
			return p.to(moment)
		})})
}

// to makes a plan up to a moment, or of the backup alone.
func (p *healing) to(moment *binlog.Moment) tea.Cmd {
	p.base.choice.Moment = moment
	if moment != nil {
		p.base.choice.Source = "" // the newest backup from which it can be reached
	}
	return p.base.draft()
}

// openWays offers the three ways in plain words. An accident that another tab named
// stays one of the answers: it may not be the one that is meant now.
func (p *healing) openWays() tea.Cmd {
	choices := []widget.Choice{
		{Key: "d", Label: restore.CureDatabase.Label(), Run: p.whole},
		{Key: "t", Label: restore.CureTable.Label(), Run: p.openTable},
		{Key: "u", Label: lang.M("find the transaction"), Run: func() tea.Cmd {
			return page.Send(page.Goto{Page: "audit", Body: binlog.Query{Largest: true}})
		}},
	}
	body := []lang.Msg{
		lang.M("To undo one transaction, find it in the Audit tab: b shows the binlog, z sorts the largest " +
			"first, u on the transaction returns here. This changes the least: nothing else is lost."),
	}
	if t := p.txn; t != nil {
		body = append(body, lang.M("Last selected: transaction %s of %s, %s rows.", t.ID, p.base.env.Time(t.Time),
			t.RowsShown()))
		choices = append(choices, widget.Choice{Key: "l", Label: lang.M("the last selected one"),
			Run: func() tea.Cmd { return p.openCures(t) }})
	}
	return page.Send(page.Open{Overlay: widget.NewAsk(p.base.env, lang.M("What to restore"), body, false, choices...)})
}

// openCures offers the ways to heal what a transaction did.
// It asks first whether a restore can reach the moment before.
func (p *healing) openCures(t *binlog.Transaction) tea.Cmd {
	return p.offerCures(t, nil)
}

// offerCures asks whether a restore can reach the moment before a transaction. refused is
// why it cannot be undone row by row; nil where that was not tried.
func (p *healing) offerCures(t *binlog.Transaction, refused error) tea.Cmd {
	p.txn = t
	ctx, desk := p.base.env.Ctx, p.base.desk
	return func() tea.Msg {
		return page.Msg{To: ID, Body: curesMsg{t, desk.CanRollTo(ctx, t), refused}}
	}
}

// curesMsg says of a transaction whether a restore can reach the moment before it.
type curesMsg struct {
	txn     *binlog.Transaction
	err     error // why it cannot
	refused error // why the transaction cannot be undone
}

// reason is what an error says, without what it advises.
func reason(err error) lang.Msg {
	if err == nil {
		return lang.Msg{}
	}
	if known := (*ops.Error)(nil); errors.As(err, &known) {
		if known.Err != nil {
			return lang.M("%s (%s)", known.What, known.Err)
		}
		return known.What
	}
	return lang.Raw(err.Error())
}

func (p *healing) showCures(m curesMsg) tea.Cmd {
	t := m.txn
	if p.txn != t {
		return nil // another one was chosen since
	}
	advice := restore.Advise(t, p.base.desk.Database(), reason(m.err))
	if m.refused != nil {
		advice = restore.WithoutUndo(advice, reason(m.refused))
	}
	body := []lang.Msg{
		lang.M("Transaction %s of %s, %s rows.", t.ID, p.base.env.Time(t.Time), t.RowsShown()),
	}
	if advice[0].Off.Empty() {
		body = append(body, lang.M("Recommended: %s.", advice[0].Cure.Label()))
	} else {
		body = append(body, lang.M("None of these is possible."))
	}
	var choices []widget.Choice
	for _, a := range advice {
		body = append(body, lang.Msg{}, lang.M("%s: %s.", a.Cure.Label(), a.Why))
		if !a.Off.Empty() {
			body[len(body)-1] = lang.M("%s: not possible: %s.", a.Cure.Label(), a.Off)
			continue
		}
		choices = append(choices, widget.Choice{Key: cureKeys[a.Cure], Label: a.Cure.Label(), Run: p.take(t, a)})
	}
	return page.Send(page.Open{Overlay: widget.NewAsk(p.base.env, lang.M("How to repair it"), body, true, choices...)})
}

var cureKeys = map[restore.Cure]string{restore.CureUndo: "u", restore.CureTable: "t", restore.CureDatabase: "d"}

// take is what a cure's key does.
func (p *healing) take(t *binlog.Transaction, a restore.Advice) func() tea.Cmd {
	before := &binlog.Moment{Before: t.ID}
	return func() tea.Cmd {
		switch {
		case a.Cure == restore.CureUndo:
			return p.rewind(t.ID, "", "")
		case a.Cure == restore.CureDatabase:
			p.base.choice.Tables = nil
			return p.to(before)
		case a.Table != "":
			p.base.choice.Tables = []string{a.Table}
			return p.to(before)
		}
		return p.pickTable(func(tables []string) tea.Cmd {
			p.base.choice.Tables = tables
			return p.to(before)
		})
	}
}

// whole restores the whole database to a moment.
func (p *healing) whole() tea.Cmd {
	p.base.choice.Tables = nil
	return p.openMoment(nil)
}

// openTable restores one table to a moment.
func (p *healing) openTable() tea.Cmd { return p.pickTable(p.openMoment) }

func (p *healing) pickTable(then func([]string) tea.Cmd) tea.Cmd {
	if p.base.plan == nil {
		p.base.problem = ops.E(ops.Usage, lang.M("there is no plan yet"))
		return nil
	}
	var rows []pick
	for _, t := range p.base.plan.Source.Tables {
		rows = append(rows, pick{
			id:   t.Name,
			text: termsafe.Line(t.Name) + "  " + p.base.env.T("%s rows", human.Count(t.Rows)),
		})
	}
	picker := newPicker(p.base.env, lang.M("Choose the table"), rows, false, then).at(p.likely())
	return page.Send(page.Open{Overlay: picker})
}

// likely is the table that is probably meant: the one that is chosen already, else the one
// of which the accident changed most rows; "" for none.
func (p *healing) likely() (table string) {
	if chosen := p.base.choice.Tables; len(chosen) > 0 {
		return chosen[0]
	}
	if p.txn == nil {
		return ""
	}
	most := int64(0)
	for _, c := range p.txn.Tables {
		if c.Schema == p.base.desk.Database() && c.Rows() > most {
			table, most = c.Table, c.Rows()
		}
	}
	return table
}

// rewind plans the undo of a transaction, or does the plan with a hash.
func (p *healing) rewind(txn, hash, conflicts string) tea.Cmd {
	ctx, desk, l := p.base.env.Ctx, p.base.desk, p.base.env.Lang
	p.since = p.base.env.Clock.Now()
	p.base.problem = nil
	return func() tea.Msg {
		done, err := desk.Rewind(ctx, l, txn, hash, conflicts)
		return page.Msg{To: ID, Body: rewoundMsg{done, hash == "", err}}
	}
}

// seeRewound shows the plan and asks, or says that it is done.
func (p *healing) seeRewound(m rewoundMsg) tea.Cmd {
	p.since = time.Time{}
	if m.err != nil && m.planned && p.txn != nil {
		return p.offerCures(p.txn, m.err) // with the reason, and what is left to do
	}
	if p.base.problem = m.err; m.err != nil {
		return nil
	}
	if m.done.ID != "" {
		p.txn = nil
		text := lang.M("nothing was changed")
		if m.done.Rows > 0 {
			text = lang.M("done: %s rows restored; to undo that: opsdeck restore undo %s",
				human.Count(int64(m.done.Rows)), m.done.ID)
		}
		return tea.Batch(p.base.draft(), page.Send(page.Notice{State: ops.StateOK, Text: text}))
	}
	body := []lang.Msg{m.done.Summary()}
	read := func() tea.Cmd {
		lines := strings.Split(strings.TrimSpace(termsafe.Text(m.done.Text)), "\n")
		for i := range lines {
			lines[i] = cells.Cut(lines[i], 200)
		}
		return page.Send(page.Open{Overlay: widget.NewText(p.base.env, restore.CureUndo.Label(), lines, m.done.Text)})
	}
	choices := []widget.Choice{{Key: "v", Label: lang.M("read the rows"), Run: read, Stay: true}}
	switch {
	case p.base.env.ReadOnly:
	case m.done.Conflicts == 0:
		choices = append(choices, p.confirmed("b", lang.M("undo it"), m.done, "", body))
	default:
		body = append(body, lang.M("Keep the changed rows as they are now, or overwrite them?"))
		choices = append(choices,
			p.confirmed("s", lang.M("keep those rows"), m.done, "skip", body),
			p.confirmed("o", lang.M("overwrite those rows"), m.done, "overwrite", body))
	}
	return page.Send(page.Open{Overlay: widget.NewAsk(p.base.env, restore.CureUndo.Label(), body, true, choices...)})
}

// confirmed is an answer that takes the database's name before it runs.
func (p *healing) confirmed(key string, label lang.Msg, r restore.Rewound, how string, body []lang.Msg) widget.Choice {
	name := p.base.desk.Database()
	run := func() tea.Cmd { return p.rewind(r.Txn, r.Hash, how) }
	return widget.Choice{Key: key, Label: label, Run: func() tea.Cmd {
		return page.Send(page.Open{Overlay: widget.NewConfirm(p.base.env, label, body, name, run)})
	}}
}

// line says that an undo is being planned or done, with a clock.
func (p *healing) line(w int) []string {
	return p.base.clockLine(lang.M("Comparing the rows of the transaction with the live rows …"), p.since, w)
}

// reached asks how close to the present a restore can come; what cannot be told is
// left out.
func reached(ctx context.Context, desk Desk) restore.Reach {
	r, err := desk.Reach(ctx)
	if err != nil {
		return restore.Reach{}
	}
	return r
}
