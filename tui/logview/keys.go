package logview

import (
	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// Actions is the table of keys where the tab stands.
func (p *Page) Actions() []page.Action {
	switch p.look.mode {
	case detailMode:
		return p.detailActions()
	case patternMode:
		return p.patternActions()
	case statMode:
		return p.counted.statActions()
	case filterMode:
		return p.kept.filterActions()
	case fileMode:
		return p.files.fileActions()
	case compareMode:
		return p.spans.actions()
	}
	return append(p.listActions(), p.moreActions()...)
}

func (p *Page) listActions() []page.Action {
	jump := func(what store.Mark, down bool) func() tea.Cmd {
		// At the end, where one follows, there is only upwards.
		return func() tea.Cmd { return p.feed.jump(what, down && !p.list.follow) }
	}
	follow := lang.M("follow")
	if p.list.follow {
		follow = lang.M("pause")
	}
	return []page.Action{
		{
			ID:    "logs.query",
			Keys:  []string{"/"},
			Label: lang.M("search"),
			Help: lang.M(
				"search: words as typed, otherwise by letters; 'exact, ^start, end$, !not, /regexp/, level:warn+ " +
					"context:X since:-2h took>1000",
			),
			Footer: true,
			Run:    p.finder.edit,
		},
		{
			ID:     "logs.open",
			Keys:   []string{"enter"},
			Label:  lang.M("open"),
			Help:   lang.M("open the event: all fields, stack, raw text"),
			Footer: true,
			Off:    p.list.noRow,
			Run:    p.feed.openCurrent,
		},
		{
			ID:     "logs.level",
			Keys:   []string{"l"},
			Label:  lang.M("level"),
			Help:   lang.M("show only info, warnings or errors and above, or everything"),
			Footer: true,
			Run:    p.finder.pickLevel,
		},
		{
			ID:     "logs.critical",
			Keys:   []string{"c"},
			Label:  lang.M("critical"),
			Help:   lang.M("to the next error that needs immediate action"),
			Footer: true,
			Off:    p.list.noRow,
			Run:    jump(store.MarkCritical, true),
		},
		{
			ID:     "logs.patterns",
			Keys:   []string{"p"},
			Label:  lang.M("patterns"),
			Help:   lang.M("group events that differ only in numbers; mark what is new or surging"),
			Footer: true,
			Run:    p.openPatterns,
		},
		{
			ID:    "logs.stat",
			Keys:  []string{"a"},
			Label: lang.M("statistics"),
			Help:  lang.M("count the shown events by a field or over time, with percentiles of their duration"),
			Off:   p.counted.noStat,
			Run:   p.counted.askField,
		},
		{
			ID:     "logs.follow",
			Keys:   []string{"f"},
			Label:  follow,
			Help:   lang.M("follow the newest lines, or stop"),
			Footer: true,
			Run:    p.toggleFollow,
		},
		{
			ID:     "logs.around",
			Keys:   []string{"m"},
			Label:  lang.M("around"),
			Help:   lang.M("show all events with the hits marked, or only the hits"),
			Footer: !p.ask.asked.Empty(),
			Off:    p.ask.nothingAsked,
			Run:    p.finder.toggleFilter,
		},
		{
			ID:    "logs.letters",
			Keys:  []string{"~"},
			Label: lang.M("by letters"),
			Help:  lang.M("search words by their letters in order, or as typed"),
			Off:   p.ask.noPlainWord,
			Run:   p.finder.toggleLetters,
		},
		{
			ID:    "logs.wider",
			Keys:  []string{"]"},
			Label: lang.M("more around"),
			Help:  lang.M("show more events around each hit"),
			Off:   p.ask.noHits,
			Run:   p.finder.widen(1),
		},
		{
			ID:    "logs.narrower",
			Keys:  []string{"["},
			Label: lang.M("fewer around"),
			Help:  lang.M("show fewer events around each hit"),
			Off:   p.ask.noHits,
			Run:   p.finder.widen(-1),
		},
		{
			ID:    "logs.order",
			Keys:  []string{"o"},
			Label: lang.M("best first"),
			Help:  lang.M("sort hits by relevance or by time"),
			Off:   p.ask.noWords,
			Run:   p.finder.toggleOrder,
		},
		{
			ID:    "logs.next",
			Keys:  []string{"n"},
			Label: lang.M("next hit"),
			Help:  lang.M("to the next hit"),
			Off:   p.list.noRow,
			Run:   p.finder.nextHit(true),
		},
		{
			ID:    "logs.previous",
			Keys:  []string{"N"},
			Label: lang.M("previous hit"),
			Help:  lang.M("to the previous hit"),
			Off:   p.list.noRow,
			Run:   p.finder.nextHit(false),
		},
		{
			ID:    "logs.criticalback",
			Keys:  []string{"C"},
			Label: lang.M("previous critical"),
			Help:  lang.M("to the previous critical error"),
			Off:   p.list.noRow,
			Run:   jump(store.MarkCritical, false),
		},
		{
			ID:    "logs.slow",
			Keys:  []string{"s"},
			Label: lang.M("slow"),
			Help:  lang.M("to the next operation of 1000 ms or more"),
			Off:   p.list.noRow,
			Run:   jump(store.MarkSlow, true),
		},
		{
			ID:    "logs.slowback",
			Keys:  []string{"S"},
			Label: lang.M("previous slow"),
			Help:  lang.M("to the previous slow operation"),
			Off:   p.list.noRow,
			Run:   jump(store.MarkSlow, false),
		},
		{
			ID:    "logs.error",
			Keys:  []string{"e"},
			Label: lang.M("error"),
			Help:  lang.M("to the next error"),
			Off:   p.list.noRow,
			Run:   jump(store.MarkError, true),
		},
		{
			ID:    "logs.errorback",
			Keys:  []string{"E"},
			Label: lang.M("previous error"),
			Help:  lang.M("to the previous error"),
			Off:   p.list.noRow,
			Run:   jump(store.MarkError, false),
		},
	}
}

func (p *Page) moreActions() []page.Action {
	return []page.Action{
		{
			ID:    "logs.filters",
			Keys:  []string{"F"},
			Label: lang.M("filters"),
			Help:  lang.M("kept filters: show, exclude or highlight what they match; switch each on or off"),
			Run:   p.kept.openFilters,
		},
		{
			ID:    "logs.files",
			Keys:  []string{"D"},
			Label: lang.M("logs"),
			Help:  lang.M("the logs: on or off, lines, age of the newest line, rotated parts"),
			Run:   p.files.openFiles,
		},
		{
			ID:    "logs.delta",
			Keys:  []string{"d"},
			Label: lang.M("Δ time"),
			Help:  lang.M("show the time since the previous line, since the previous bookmark, or the time itself"),
			Off:   p.list.noRow,
			Run:   p.nextDelta,
		},
		{
			ID:    "logs.compare",
			Keys:  []string{"A"},
			Label: lang.M("compare"),
			Help: lang.M("compare the patterns of the selected time, or of the hour around the cursor, with a good " +
				"span"),
			Off: p.spans.noCompare,
			Run: p.spans.askGood,
		},
		{
			ID:    "logs.time",
			Keys:  []string{"t"},
			Label: lang.M("go to a time"),
			Help:  lang.M("go to a time: 14:00, 2026-01-29T14:00, yesterday, -2h"),
			Off:   p.list.noRow,
			Run:   p.askTime,
		},
		{
			ID:    "logs.hour",
			Keys:  []string{"}"},
			Label: lang.M("one hour later"),
			Help:  lang.M("one hour after the event under the cursor"),
			Off:   p.list.noTime,
			Run:   p.feed.byHour(1),
		},
		{
			ID:    "logs.hourback",
			Keys:  []string{"{"},
			Label: lang.M("one hour earlier"),
			Help:  lang.M("one hour before the event under the cursor"),
			Off:   p.list.noTime,
			Run:   p.feed.byHour(-1),
		},
		{
			ID:    "logs.context",
			Keys:  []string{"x"},
			Label: lang.M("only this context"),
			Help:  lang.M("only events of the context under the cursor, or all again"),
			Off:   p.list.noContext,
			Run:   p.finder.sameContext,
		},
		{
			ID:    "logs.incident",
			Keys:  []string{"@"},
			Label: lang.M("incident"),
			Help:  lang.M("mark this time as the incident: every tab shows it"),
			Off:   p.list.noTime,
			Run:   p.setIncident,
		},
		{
			ID:    "logs.zoom",
			Keys:  []string{"z", "+"},
			Label: lang.M("zoom in"),
			Help:  lang.M("zoom the timeline in around the cursor"),
			Off:   p.list.noTime,
			Run:   p.feed.zoomIn,
		},
		{
			ID:    "logs.zoomout",
			Keys:  []string{"Z", "-"},
			Label: lang.M("zoom out"),
			Help:  lang.M("zoom the timeline out"),
			Run:   p.feed.zoomOut,
		},
		{
			ID:    "logs.mark",
			Keys:  []string{"b"},
			Label: lang.M("bookmark"),
			Help:  lang.M("set or remove a bookmark"),
			Off:   p.list.noRow,
			Run:   p.bookmark,
		},
		{
			ID:    "logs.note",
			Keys:  []string{"B"},
			Label: lang.M("note"),
			Help:  lang.M("bookmark with a note"),
			Off:   p.list.noRow,
			Run:   p.note,
		},
		{
			ID:    "logs.nextmark",
			Keys:  []string{"'"},
			Label: lang.M("next bookmark"),
			Help:  lang.M("to the next bookmark"),
			Off:   p.book.noBookmark,
			Run:   p.feed.nextBookmark,
		},
		{
			ID:    "logs.marks",
			Keys:  []string{"\""},
			Label: lang.M("bookmarks"),
			Help:  lang.M("list the bookmarks and their notes"),
			Off:   p.book.noBookmark,
			Run:   p.feed.pickMark,
		},
		{
			ID:    "logs.searches",
			Keys:  []string{"h"},
			Label: lang.M("searches"),
			Help:  lang.M("pick a saved search or an earlier one"),
			Off:   p.box.noSearch,
			Run:   p.finder.pickSearch,
		},
		{
			ID:    "logs.select",
			Keys:  []string{"v"},
			Label: lang.M("select"),
			Help:  lang.M("start a selection here, or end it; y copies it"),
			Off:   p.list.noRow,
			Run:   p.selectFrom,
		},
		{
			ID:    "logs.copy",
			Keys:  []string{"y"},
			Label: lang.M("copy"),
			Help:  lang.M("copy the line or the selection, with secrets masked"),
			Off:   p.list.noRow,
			Run:   p.copyLines,
		},
		{
			ID:    "logs.copyevent",
			Keys:  []string{"Y"},
			Label: lang.M("copy event"),
			Help:  lang.M("copy the whole event, with secrets masked"),
			Off:   p.list.noRow,
			Run:   p.copyEvent,
		},
		{
			ID:    "logs.export",
			Keys:  []string{"w"},
			Label: lang.M("export"),
			Help:  lang.M("write the shown events to a file, as text or NDJSON, with secrets masked"),
			Off:   p.heading.noExport,
			Run:   p.askExport,
		},
		{
			ID:    "logs.clear",
			Keys:  []string{"esc"},
			Label: lang.M("all"),
			Help:  lang.M("show all events again"),
			Run:   p.clear,
		},
	}
}

// nextHit steps through hits: in the list of hits that is the next row.
func (p *finder) nextHit(down bool) func() tea.Cmd {
	return func() tea.Cmd {
		if p.ask.asked.Empty() {
			return p.edit()
		}
		if !p.ask.byRank() && (!p.ask.filter || p.ask.around > 0) {
			return p.feed.jump(store.MarkHit, down)
		}
		if down {
			return p.feed.move(1)
		}
		return p.feed.move(-1)
	}
}

func (p *Page) toggleFollow() tea.Cmd {
	p.feed.cancelJump()
	if p.list.follow {
		p.list.leaveEnd()
		return nil
	}
	return p.feed.toEnd()
}

// clear takes away, one after another, the selection, the zoom, the query.
func (p *Page) clear() tea.Cmd {
	switch {
	case p.list.from != store.RowID{}:
		p.list.from = store.RowID{}
		return nil
	case len(p.tally.zoom) > 0:
		p.tally.zoom = nil
		return p.feed.count(true)
	}
	p.ask.minLevel = logs.LevelUnknown
	p.box.input.Set("")
	return p.finder.search("")
}

// Key moves in what is shown, or types the query.
func (p *Page) Key(k tea.KeyMsg) tea.Cmd {
	if p.box.typing {
		return p.finder.typeQuery(k)
	}
	name := k.String()
	p.feed.cancelJump()
	switch p.look.mode {
	case detailMode:
		p.sheet.detail.scroll(name, p.look.size.Height)
		return nil
	case patternMode:
		p.groups.patterns.scroll.Key(name)
		return nil
	case statMode:
		p.counted.scroll.Key(name)
		return nil
	case compareMode:
		p.spans.scroll.Key(name)
		return nil
	case filterMode:
		p.kept.scroll.Key(name)
		return nil
	case fileMode:
		p.files.scroll.Key(name)
		return nil
	}
	h := max(p.list.listHeight()-1, 1)
	switch name {
	case "up", "k":
		return p.feed.move(-1)
	case "down", "j":
		return p.feed.move(1)
	case "pgup", "ctrl+b":
		return p.feed.move(-h)
	case "pgdown", "ctrl+f", " ":
		return p.feed.move(h)
	case "ctrl+u":
		return p.feed.move(-h / 2)
	case "ctrl+d":
		return p.feed.move(h / 2)
	case "home", "g":
		return p.feed.toTop()
	case "end", "G":
		return p.feed.toEnd()
	}
	return nil
}

// Mouse scrolls with the wheel and puts the cursor where one clicks.
func (p *Page) Mouse(m tea.MouseMsg, _, y int) tea.Cmd {
	p.feed.cancelJump()
	switch m.Button {
	case tea.MouseButtonWheelUp:
		if p.look.mode == listMode {
			return p.feed.move(-3)
		}
	case tea.MouseButtonWheelDown:
		if p.look.mode == listMode {
			return p.feed.move(3)
		}
	case tea.MouseButtonLeft:
		at := p.list.lineAt(y - p.list.listTop())
		if m.Action == tea.MouseActionPress && p.look.mode == listMode && y >= p.list.listTop() &&
			y < p.list.listTop()+p.list.listHeight() &&
			at >= 0 {
			if at == p.list.cur {
				return p.feed.openCurrent()
			}
			return p.feed.move(at - p.list.cur)
		}
	}
	return nil
}
