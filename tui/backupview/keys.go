package backupview

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// Actions is the table of keys: those of the plan, of the opened backup, or of
// the list, and the acts.
func (p *Page) Actions() []page.Action {
	switch {
	case p.dossier.planOpen:
		return p.planActions()
	case p.dossier.opened() != nil:
		return append(p.detailActions(), p.acts()...)
	}
	return append(p.listActions(), p.acts()...)
}

func (p *Page) listActions() []page.Action {
	return []page.Action{
		{
			ID:     "backups.open",
			Keys:   []string{"enter"},
			Label:  lang.M("open"),
			Help:   lang.M("show the backup, or fold the tier"),
			Footer: true,
			Run:    p.table.enter,
		},
		{
			ID:     "backups.filter",
			Keys:   []string{"/"},
			Label:  lang.M("filter"),
			Help:   lang.M("filter the list by what you type"),
			Footer: true,
			Run: func() tea.Cmd {
				p.table.typing = true
				p.table.input.Set(p.table.filter)
				p.table.input.Focus()
				return nil
			},
		},
		{
			ID:    "backups.fold",
			Keys:  []string{" "},
			Label: lang.M("fold"),
			Help:  lang.M("fold or unfold the tier"),
			Run:   func() tea.Cmd { p.table.fold(); return nil },
		},
		{
			ID:    "backups.foldall",
			Keys:  []string{"z"},
			Label: lang.M("fold all"),
			Help:  lang.M("fold or unfold all tiers"),
			Run:   func() tea.Cmd { p.table.foldAll(); return nil },
		},
		{ID: "backups.sort", Keys: []string{"o"}, Label: lang.M("sort"), Help: lang.M("sort by age, size or state"),
			Run: func() tea.Cmd { p.table.order = (p.table.order + 1) % orders; p.table.list(); return nil }},
		{
			ID:    "backups.all",
			Keys:  []string{"esc"},
			Label: lang.M("all"),
			Help:  lang.M("stop the running work, or list everything again"),
			Run:   p.table.escape,
		},
	}
}

func (p *table) enter() tea.Cmd {
	if p.scroll.Cursor >= len(p.rows) {
		return nil
	}
	if s := p.rows[p.scroll.Cursor].set; s != nil {
		return p.dossier.openSet(called(s))
	}
	p.fold()
	return nil
}

func (p *table) escape() tea.Cmd {
	if p.filter != "" {
		p.filter = ""
		p.list()
		return nil
	}
	p.work.stop()
	return nil
}

func (p *Page) detailActions() []page.Action {
	step := func(n int) func() tea.Cmd {
		return func() tea.Cmd {
			for p.table.scroll.Cursor+n >= 0 && p.table.scroll.Cursor+n < len(p.table.rows) {
				p.table.scroll.Move(n)
				p.table.settle()
				if s := p.table.rows[p.table.scroll.Cursor].set; s != nil {
					return p.dossier.openSet(called(s))
				}
			}
			return nil
		}
	}
	return []page.Action{
		{
			ID:     "backups.back",
			Keys:   []string{"esc", "enter", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    func() tea.Cmd { p.dossier.open = ""; return nil },
		},
		{
			ID:    "backups.next",
			Keys:  []string{"right", "l", "n"},
			Label: lang.M("next"),
			Help:  lang.M("the next backup of the list"),
			Run:   step(1),
		},
		{
			ID:    "backups.previous",
			Keys:  []string{"left", "h"},
			Label: lang.M("previous"),
			Help:  lang.M("the previous backup in the list"),
			Run:   step(-1),
		},
		p.compareAction(),
		{
			ID:    "backups.copypath",
			Keys:  []string{"y"},
			Label: lang.M("copy path"),
			Help:  lang.M("copy the backup's path"),
			Run:   func() tea.Cmd { return page.Send(page.Copy{Text: p.dossier.opened().Path}) },
		},
	}
}

func (p *Page) planActions() []page.Action {
	return []page.Action{
		{
			ID:     "backups.planback",
			Keys:   []string{"esc", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("cancel; nothing is done"),
			Footer: true,
			Run:    func() tea.Cmd { p.dossier.planOpen = false; return nil },
		},
		{
			ID:     "backups.prunenow",
			Keys:   []string{"enter"},
			Label:  lang.M("execute"),
			Help:   lang.M("execute this plan after you type the database's name"),
			Footer: true,
			Writes: true,
			Off:    p.work.noPrune,
			Run:    p.confirmPrune,
		},
	}
}

// acts are what can be done with the backups.
func (p *Page) acts() []page.Action {
	return []page.Action{
		{
			ID:     "backups.create",
			Keys:   []string{"b"},
			Label:  lang.M("back up"),
			Help:   lang.M("make a full backup now"),
			Footer: true,
			Writes: true,
			Off:    p.work.off(p.stock.svc.Create != nil),
			Run:    p.askCreate,
		},
		{
			ID:     "backups.verify",
			Keys:   []string{"v"},
			Label:  lang.M("verify"),
			Help:   lang.M("verify the backup: length, hashes, trailer"),
			Footer: true,
			Off:    p.table.onSet(p.stock.svc.Verify != nil),
			Run: func() tea.Cmd {
				s := p.table.current()
				verify := p.stock.svc.Verify
				return p.work.start(lang.M("verify %s", s.Name),
					func(ctx context.Context, r Report) (lang.Msg, error) { return verify(ctx, s, r) })
			},
		},
		{
			ID:    "backups.verifydue",
			Keys:  []string{"V"},
			Label: lang.M("verify new"),
			Help:  lang.M("verify all unverified backups and the newest"),
			Off:   p.work.off(p.stock.svc.Verify != nil),
			Run: func() tea.Cmd {
				verify := p.stock.svc.Verify
				return p.work.start(lang.M("verify the unverified backups"),
					func(ctx context.Context, r Report) (lang.Msg, error) { return verify(ctx, nil, r) })
			},
		},
		{
			ID:     "backups.restore",
			Keys:   []string{"R"},
			Label:  lang.M("restore"),
			Help:   lang.M("plan a restore from this backup; nothing is changed yet"),
			Footer: true,
			Off:    p.table.onAnySet,
			Run:    func() tea.Cmd { return page.Send(page.Goto{Page: "restore", Body: called(p.table.current())}) },
		},
		{
			ID:     "backups.drill",
			Keys:   []string{"d"},
			Label:  lang.M("drill"),
			Help:   lang.M("drill: load this backup into a scratch database, check it, drop it"),
			Footer: true,
			Writes: true,
			Off:    p.noDrill,
			Run:    p.askDrill,
		},
		{
			ID:     "backups.prune",
			Keys:   []string{"p"},
			Label:  lang.M("prune"),
			Help:   lang.M("show what prune would remove; nothing is removed yet"),
			Footer: true,
			Off:    p.work.off(p.stock.svc.Prune != nil),
			Run:    func() tea.Cmd { p.dossier.planOpen, p.dossier.detail = true, widget.Scroll{}; return p.read() },
		},
		{
			ID:     "backups.sync",
			Keys:   []string{"c"},
			Label:  lang.M("copy"),
			Help:   lang.M("update the offsite copies"),
			Writes: true,
			Off:    p.work.off(p.stock.svc.Sync != nil),
			Run:    p.askSync,
		},
		{
			ID:    "backups.read",
			Keys:  []string{"r"},
			Label: lang.M("refresh"),
			Help:  lang.M("read the folder again"),
			Run:   p.read,
		},
	}
}

// off says why an act cannot begin.
func (p *work) off(can bool) func() lang.Msg {
	return func() lang.Msg {
		switch {
		case !can:
			return lang.M("this is not configured for the service")
		case p.stock.shelf == nil:
			return lang.M("the list of backups is not loaded yet")
		case p.job != nil:
			return lang.M("%s is running: wait until it ends, or press esc to stop it", p.job.title)
		}
		return lang.Msg{}
	}
}

// onSet says why an act on the chosen backup cannot begin here.
func (p *table) onSet(can bool) func() lang.Msg {
	return func() lang.Msg {
		if s := p.current(); s != nil && s.AtCopy != "" {
			return lang.M("it is only at the copy %s: a restore fetches it", s.AtCopy)
		}
		if why := p.onAnySet(); !why.Empty() {
			return why
		}
		return p.work.off(can)()
	}
}

// onAnySet says why nothing can be done with the chosen backup.
func (p *table) onAnySet() lang.Msg {
	s := p.current()
	switch {
	case s == nil:
		return lang.M("choose a backup first")
	case s.Parsed.Physical:
		return lang.M("a physical backup folder: use the tool that made it")
	}
	return p.work.off(true)()
}

// noDrill says why the chosen backup cannot be drilled. An audit archive holds rows
// of one table: no restore starts from it.
func (p *Page) noDrill() lang.Msg {
	if s := p.table.current(); s != nil && s.Tier == backup.Archive {
		return lang.M("an audit archive is not a backup: read it with `opsdeck audit list --archive`")
	}
	return p.table.onSet(p.stock.svc.Drill != nil)()
}

func (p *work) noPrune() lang.Msg {
	switch {
	case p.stock.shelf == nil:
		return lang.M("the list of backups is not loaded yet")
	case len(p.stock.shelf.Plan.Blocked) > 0:
		return lang.M("nothing was removed: %s", p.stock.shelf.Plan.Blocked[0])
	case p.stock.shelf.Plan.Empty() && p.stock.shelf.Log.Files == 0:
		return lang.M("there is nothing to prune")
	}
	return p.off(true)()
}

func (p *Page) ask(title lang.Msg, body []lang.Msg, label lang.Msg, run func() tea.Cmd) tea.Cmd {
	return page.Send(
		page.Open{
			Overlay: widget.NewAsk(p.stock.env, title, body, true, widget.Choice{Key: "enter", Label: label, Run: run}),
		},
	)
}

func (p *Page) askCreate() tea.Cmd {
	create, db := p.stock.svc.Create, p.stock.svc.Database
	body := []lang.Msg{lang.M("Makes a full backup of %s now, while the service runs.", db)}
	if trend := backup.SizeTrend(p.stock.shelf.Inventory); len(trend) > 0 {
		body = append(body, lang.M("The last one took %s on disk; %s are free.", human.Bytes(trend[len(trend)-1].Bytes),
			human.Bytes(p.stock.shelf.Inventory.Disk.Free)))
	}
	return p.ask(lang.M("Back up now"), body, lang.M("back up"),
		func() tea.Cmd { return p.work.start(lang.M("back up %s", db), create) })
}

func (p *Page) askDrill() tea.Cmd {
	s := p.table.current()
	drill := p.stock.svc.Drill
	body := []lang.Msg{
		lang.M(
			"%s is loaded into a scratch database, compared with its manifest, and dropped again. %s itself is "+
				"not changed.",
			termsafe.Line(s.Name),
			p.stock.svc.Database,
		),
	}
	if d, _, ok := backup.RestoreTime(p.stock.shelf.Drills, s.Size); ok {
		body = append(body, lang.M("By the last drill this takes about %s.", human.Duration(d)))
	}
	return p.ask(lang.M("Restore drill"), body, lang.M("start"), func() tea.Cmd {
		return p.work.start(lang.M("drill of %s", s.Name),
			func(ctx context.Context, r Report) (lang.Msg, error) { return drill(ctx, s, r) })
	})
}

func (p *Page) askSync() tea.Cmd {
	sync := p.stock.svc.Sync
	return p.ask(lang.M("Copy"),
		[]lang.Msg{lang.M("Sends the missing backups to the copies and verifies them there. Removes nothing there.")},
		lang.M("copy"), func() tea.Cmd { return p.work.start(lang.M("copy"), sync) })
}

// confirmPrune asks for the database's name; then the plan that was on screen
// is carried out, and no other.
func (p *Page) confirmPrune() tea.Cmd {
	plan, prune := p.stock.shelf.Plan, p.stock.svc.Prune
	var body []lang.Msg
	if !plan.Empty() {
		body = []lang.Msg{
			lang.M("%d backups will be removed permanently, freeing %s.", len(plan.Removes()), human.Bytes(plan.Frees)),
			lang.M("The newest good backup, %s, is verified again first.", plan.Guard.Name),
		}
	}
	if log := p.stock.shelf.Log; log.Files > 0 {
		body = append(body, lang.M("%d binlog files will be removed permanently, freeing %s.", log.Files,
			human.Bytes(log.Bytes)))
	}
	begin := func() tea.Cmd {
		p.dossier.planOpen = false
		return p.work.start(lang.M("prune"),
			func(ctx context.Context, r Report) (lang.Msg, error) { return prune(ctx, plan, r) })
	}
	confirm := widget.NewConfirm(p.stock.env, lang.M("Prune backups"), body, p.stock.svc.Database, begin)
	return page.Send(page.Open{Overlay: confirm})
}

// Key moves in the list or the opened backup, or types the filter.
func (p *Page) Key(k tea.KeyMsg) tea.Cmd {
	switch {
	case p.table.typing:
		p.table.typeFilter(k)
	case p.dossier.planOpen || p.dossier.open != "":
		p.dossier.detail.Key(k.String())
	default:
		if p.table.scroll.Key(k.String()) {
			p.table.settle()
		}
	}
	return nil
}

func (p *table) typeFilter(k tea.KeyMsg) {
	switch k.String() {
	case "enter":
		p.typing = false
		return
	case "esc":
		p.typing = false
		p.input.Set("")
	default:
		p.input.Key(k)
	}
	p.filter = p.input.Value()
	p.list()
}
