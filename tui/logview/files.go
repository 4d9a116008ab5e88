package logview

import (
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// files is the panel of the logs: on or off, how much there is of each, how far reading is.
type files struct {
	look    *look
	kept    *kept
	feed    *feed
	finder  *finder
	session *session
	infos   []store.SourceInfo
	open    string // the source whose parts are listed
	scroll  widget.Scroll
}

type filesMsg struct{ infos []store.SourceInfo }

// fileRow is a row of the panel: a source, or one of its parts.
type fileRow struct {
	info *store.SourceInfo
	part *store.PartInfo
}

func (f *files) rows() (out []fileRow) {
	for i := range f.infos {
		out = append(out, fileRow{info: &f.infos[i]})
		if f.infos[i].Name != f.open {
			continue
		}
		for k := range slices.Backward(f.infos[i].Parts) {
			out = append(out, fileRow{&f.infos[i], &f.infos[i].Parts[k]})
		}
	}
	return out
}

func (f *files) openFiles() tea.Cmd {
	f.look.mode = fileMode
	return tea.Batch(f.feed.load(), f.loadFiles())
}

// loadFiles asks what there is of each source.
func (f *files) loadFiles() tea.Cmd {
	source := f.feed.source
	return func() tea.Msg { return send(filesMsg{source.Sources()}) }
}

func (f *files) view(width, height int) []string {
	e := f.look.env
	out := []string{f.look.rule(e.T("logs"), width)}
	rows := f.rows()
	if len(rows) == 0 {
		return append(out, f.look.ink.dim.Paint(cells.Cut("  "+e.T("no log was found"), width)))
	}
	f.scroll.Resize(len(rows), height-1)
	from, to := f.scroll.Window()
	for i := from; i < to; i++ {
		row := f.row(rows[i], width-1)
		if i == f.scroll.Cursor {
			row = widget.SelectedRow(e.Theme, row, width)
		} else {
			row = " " + row
		}
		out = append(out, cells.Cut(row, width))
	}
	return out
}

// row draws a source or a part of it: the name gives way first, from its beginning.
func (f *files) row(r fileRow, width int) string {
	e := f.look.env
	var lead, name string
	var facts []string
	if r.part == nil {
		lead, name = "[x] ", r.info.Name
		if r.info.Off {
			lead = "[ ] "
		}
		facts = f.facts(r.info)
	} else {
		lead, name = "    "+e.Theme.Glyph.VRule+" ", filepath.Base(r.part.Name)
		facts = []string{e.T("%s lines", human.Count(r.part.Lines)), human.Bytes(r.part.Bytes)}
		if r.part.Live {
			facts = append(facts, e.T("live"))
		}
		facts = append(facts, f.unread(r.part.Unread)...)
		if r.part.Err != nil {
			facts = append(facts, f.look.ink.crit.Paint(termsafe.Line(r.part.Err.Error())))
		}
	}
	room := max(12, width-cells.Width(lead)-2-min(46, width/2))
	tail := strings.Join(facts, "  ")
	return lead + cells.Pad(cells.CutLeft(termsafe.Line(name), room), room) + "  " + tail
}

// facts are what there is of a source, what matters most first.
func (f *files) facts(s *store.SourceInfo) []string {
	e := f.look.env
	var out []string
	for _, p := range s.Parts {
		if p.Err != nil {
			out = append(out, f.look.ink.crit.Paint(e.T("read only in part")))
			break
		}
	}
	out = append(out, f.unread(s.Unread)...)
	out = append(out, e.T("%s lines", human.Count(s.Lines)), f.lag(s))
	if n := len(s.Parts); n != 1 {
		out = append(out, e.T("%d parts", n))
	}
	return append(out, human.Bytes(s.Bytes))
}

func (f *files) unread(n int64) []string {
	if n <= 0 {
		return nil
	}
	return []string{f.look.ink.accent.Paint(f.look.env.T("%s not read yet", human.Bytes(n)))}
}

// lag says how long ago the newest event of a source was.
func (f *files) lag(s *store.SourceInfo) string {
	e := f.look.env
	if s.Last.IsZero() {
		return e.T("no time known")
	}
	ago := e.Clock.Now().Sub(s.Last)
	if ago < 0 {
		return e.T("newest %s ahead", human.Duration(-ago))
	}
	return e.T("newest %s ago", human.Duration(ago))
}

func (f *files) fileActions() []page.Action {
	none := func() lang.Msg {
		if len(f.infos) == 0 {
			return lang.M("no log was found")
		}
		return lang.Msg{}
	}
	return []page.Action{
		{
			ID:     "logs.back",
			Keys:   []string{"esc", "D", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    f.feed.closePanel,
		},
		{
			ID:     "logs.fileon",
			Keys:   []string{" ", "x"},
			Label:  lang.M("on or off"),
			Help:   lang.M("show or hide the log's events"),
			Footer: true,
			Off:    none,
			Run:    f.switchFile,
		},
		{
			ID:     "logs.fileonly",
			Keys:   []string{"o"},
			Label:  lang.M("only this"),
			Help:   lang.M("show only this log's events, or all logs again"),
			Footer: true,
			Off:    none,
			Run:    f.onlyFile,
		},
		{
			ID:     "logs.fileparts",
			Keys:   []string{"enter"},
			Label:  lang.M("parts"),
			Help:   lang.M("list the log's rotated parts"),
			Footer: true,
			Off:    none,
			Run: func() tea.Cmd {
				name := f.current()
				if f.open == name {
					name = ""
				}
				f.open = name
				return f.feed.load()
			},
		},
	}
}

// current is the name of the source under the cursor.
func (f *files) current() string {
	rows := f.rows()
	if len(rows) == 0 {
		return ""
	}
	return rows[min(f.scroll.Cursor, len(rows)-1)].info.Name
}

func (f *files) switchFile() tea.Cmd {
	name := f.current()
	off := slices.Clone(f.kept.off)
	if i := slices.Index(off, name); i >= 0 {
		off = slices.Delete(off, i, i+1)
	} else {
		off = append(off, name)
	}
	return f.setOff(off)
}

func (f *files) onlyFile() tea.Cmd {
	name := f.current()
	var off []string
	for _, s := range f.infos {
		if s.Name != name {
			off = append(off, s.Name)
		}
	}
	if len(f.kept.off) == len(off) && !slices.Contains(f.kept.off, name) {
		off = nil
	}
	return f.setOff(off)
}

// setOff switches logs off.
func (f *files) setOff(off []string) tea.Cmd {
	f.kept.off = off
	return tea.Batch(f.finder.apply(), f.loadFiles(), f.session.save())
}
