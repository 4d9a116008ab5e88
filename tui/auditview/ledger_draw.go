package auditview

import (
	"fmt"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/audit"
	"opsdeck/ops/binlog"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// draw draws the query line, the transactions and one line about them.
func (l *ledger) draw(size page.Size) []string {
	lines := []string{l.queryLine(size.Width)}
	if size.Height < 3 {
		return lines
	}
	lines = append(lines, l.hint(size)...)
	lines = append(lines, l.list(page.Size{Width: size.Width, Height: size.Height - len(lines) - 1})...)
	for len(lines) < size.Height-1 {
		lines = append(lines, "")
	}
	return append(lines, l.status(size.Width))
}

func (l *ledger) queryLine(w int) string {
	t, e := l.base.env.Theme, l.base.env
	if l.editing {
		return " " + l.input.View(t, w-1)
	}
	right := t.Info.Render(e.T("binlog")) + " "
	if !l.readAt.IsZero() && w >= readAtFrom {
		right = t.Dim.Render(l.base.readAt(l.readAt)+" "+t.Glyph.Dot+" ") + right
	}
	if l.loading {
		right = t.Accent.Render(t.Glyph.Running+" "+e.T("reading")) + " "
	}
	right = " " + right
	left := " " + t.Accent.Render("/") + " "
	if l.query == "" {
		all := e.T("all transactions; for example table:orders kind:delete rows:100 since:-1h")
		return cells.Ends(left+t.Dim.Render(all), right, w)
	}
	return cells.Ends(left+t.Bold.Render(shown(l.query)), right, w)
}

// hint says what is wrong with the query, under its place.
func (l *ledger) hint(size page.Size) []string {
	if !l.editing || l.wrong == nil {
		return nil
	}
	t := l.base.env.Theme
	text := l.input.Value()
	from := min(l.wrong.Pos, len(text))
	to := min(l.wrong.End, len(text))
	marks := strings.Repeat("^", max(1, cells.Width(text[from:to])))
	out := []string{cells.Cut(strings.Repeat(" ", 3+cells.Width(text[:from]))+t.Crit.Render(marks), size.Width)}
	for _, s := range cells.Wrap(termsafe.Line(l.base.env.Lang.Msg(l.wrong.Msg)), max(1, size.Width-4)) {
		out = append(out, "   "+t.Crit.Render(s))
	}
	return out[:min(len(out), max(0, size.Height-2))]
}

func (l *ledger) list(size page.Size) []string {
	t, e := l.base.env.Theme, l.base.env
	switch {
	case l.opening:
		return []string{"", "  " + t.Dim.Render(cells.Cut(e.T("opening the binlog: the archive, and what only the "+
			"server has …"), max(1, size.Width-2)))}
	case l.err != nil:
		return l.base.problem(l.err, size, lang.M("r tries again"))
	case l.loading && len(l.all) == 0:
		return []string{"", "  " + t.Dim.Render(e.T("reading the transactions …"))}
	case len(l.all) == 0 && l.query == "":
		return []string{"", "  " + t.Dim.Render(e.T("the log has no transaction of this database"))}
	case len(l.all) == 0:
		return []string{"", "  " + t.Dim.Render(e.T("no matching transaction; esc shows all"))}
	}
	l.scroll.Resize(len(l.all), max(1, size.Height-1))
	from, to := l.scroll.Window()
	idWidth := l.idWidth(from, to, size.Width)
	head := cells.Pad(e.T("time"), l.clockWidth(size.Width)) + "  "
	if idWidth > 0 {
		head += cells.Pad(e.T("id"), idWidth) + "  "
	}
	head += cells.PadLeft(e.T("rows"), 9) + "  "
	if size.Width >= 100 {
		head += cells.PadLeft(e.T("size"), 9) + "  " + cells.PadLeft(e.T("thread"), 8) + "  "
	}
	lines := []string{t.Dim.Render(cells.Cut(" "+head+e.T("change"), size.Width))}
	for i := from; i < to; i++ {
		lines = append(lines, l.line(i, idWidth, size.Width))
	}
	return lines
}

// idWidth is the room for ids: a GTID of MySQL is long, and only its end differs.
func (l *ledger) idWidth(from, to, width int) (w int) {
	if width < 80 {
		return 0
	}
	for i := from; i < to; i++ {
		w = max(w, cells.Width(shortID(l.all[i].ID)))
	}
	return min(w, max(8, width/5))
}

// shortID is an id with the beginning of a UUID alone.
func shortID(id string) string {
	if uuid, rest, found := strings.Cut(id, ":"); found && len(uuid) == 36 {
		return uuid[:8] + "…:" + rest
	}
	return id
}

func (l *ledger) clockWidth(width int) int {
	if width >= 60 {
		return 19
	}
	return 8
}

func (l *ledger) clock(t *binlog.Transaction, width int) string {
	if width >= 60 {
		return t.Time.In(l.base.env.Zone).Format("2006-01-02 15:04:05")
	}
	return t.Time.In(l.base.env.Zone).Format("15:04:05")
}

func (l *ledger) line(i, idWidth, width int) string {
	t := l.base.env.Theme
	tx := &l.all[i]
	selected := i == l.scroll.Cursor
	dim := func(s string) string {
		if selected {
			return s
		}
		return t.Dim.Render(s)
	}
	text := l.clock(tx, width) + "  "
	if idWidth > 0 {
		text += dim(cells.Pad(shown(shortID(tx.ID)), idWidth)) + "  "
	}
	text += cells.PadLeft(tx.RowsShown(), 9) + "  "
	if width >= 100 {
		text += dim(cells.PadLeft(human.Bytes(tx.Size), 9)+"  "+cells.PadLeft(thread(tx), 8)) + "  "
	}
	text += l.base.didWhat(tx, selected)
	if selected {
		return widget.SelectedRow(t, cells.Pad(text, width-1), width)
	}
	return " " + cells.Cut(text, width-1)
}

func thread(t *binlog.Transaction) string {
	if t.Thread == 0 {
		return "-"
	}
	return fmt.Sprint(t.Thread)
}

// brief is what a transaction did: each table with the rows of each kind, statements,
// and the query where the server logs it.
func (p *base) didWhat(tx *binlog.Transaction, plain bool) string {
	t := p.env.Theme
	style := func(render func(...string) string, s string) string {
		if plain {
			return s
		}
		return render(s)
	}
	var parts []string
	for _, c := range tx.Tables {
		part := shown(c.Table)
		if c.Inserted > 0 {
			part += " " + style(t.Added.Render, "+"+human.Count(c.Inserted))
		}
		if c.Updated > 0 {
			part += " " + style(t.Warn.Render, "~"+human.Count(c.Updated))
		}
		if c.Deleted > 0 {
			part += " " + style(t.Removed.Render, "-"+human.Count(c.Deleted))
		}
		parts = append(parts, part)
	}
	for _, s := range append(append([]binlog.Statement{}, tx.DDL...), tx.Other...) {
		parts = append(parts, oneLine(s.SQL))
	}
	text := strings.Join(parts, ", ")
	if tx.Query != "" && len(tx.DDL)+len(tx.Other) == 0 {
		text += "  " + style(t.Dim.Render, oneLine(tx.Query))
	}
	if tx.RolledBack {
		text += "  " + style(t.Warn.Render, p.env.T("rolled back"))
	}
	if tx.Unsure {
		text += "  " + style(t.Warn.Render, "? "+p.env.T("maybe not this row"))
	}
	if tx.Unfinished {
		text += "  " + style(t.Warn.Render, p.env.T("prepared, not committed"))
	}
	return text
}

func oneLine(sql string) string { return shown(strings.Join(strings.Fields(sql), " ")) }

// status is one line about the transactions: where the cursor is, how long it took.
func (l *ledger) status(w int) string {
	t, e := l.base.env.Theme, l.base.env
	var parts []string
	if len(l.all) > 0 && l.err == nil {
		more := ""
		if l.full {
			more = "+"
		}
		parts = append(parts,
			e.T("transaction %s of %s", human.Count(int64(l.scroll.Cursor+1)), human.Count(int64(len(l.all)))+more))
		switch {
		case l.largest && l.all[0].RowsUnknown():
			parts = append(parts, e.T("largest first, unknown before them"))
		case l.largest:
			parts = append(parts, e.T("largest first"))
		}
		parts = append(parts, e.T("%d ms", l.took.Milliseconds()))
	}
	if l.log != nil {
		if note := l.log.Note(); !note.Empty() {
			parts = append(parts, t.Warn.Render(e.Lang.Msg(note)))
		}
	}
	return t.Dim.Render(cells.Cut(" "+strings.Join(parts, " "+t.Glyph.Dot+" "), w))
}

// draw draws one transaction: what it was, and the rows before and after.
func (o *one) draw(size page.Size) []string {
	lines := o.facts(&o.txn, size.Width)
	if size.Height < 16 {
		lines = lines[:min(len(lines), 2)]
	}
	if instead, ok := o.base.drawReading(&o.reading, lang.M("reading the rows …"), size); ok {
		return append(lines, instead...)
	}
	t, e := o.base.env.Theme, o.base.env
	if len(o.rows) == 0 {
		return append(lines, "", "  "+t.Dim.Render(e.T("the log has no rows, only statements")))
	}
	foot := e.T("row %s of %s", human.Count(int64(o.scroll.Cursor+1)), human.Count(o.all))
	if rest := o.all - int64(len(o.rows)); rest > 0 {
		foot += " " + t.Glyph.Dot + " " + e.T("the first %s are shown", human.Count(int64(len(o.rows))))
	}
	height := max(1, size.Height-len(lines)-1)
	lines = append(lines, o.rowLines(page.Size{Width: size.Width, Height: height})...)
	for len(lines) < size.Height-1 {
		lines = append(lines, "")
	}
	return append(lines, t.Dim.Render(cells.Cut(" "+foot, size.Width)))
}

// facts are the lines that say which transaction it is.
func (o *one) facts(tx *binlog.Transaction, w int) (lines []string) {
	t, e := o.base.env.Theme, o.base.env
	lines = append(lines, cells.Cut(" "+t.Title.Render(shown(tx.ID))+"  "+
		t.Dim.Render(e.Time(tx.Time)+"  "+o.base.ago(tx.Time)), w))
	pair := func(name lang.Msg, value string) {
		if value != "" {
			lines = append(lines, cells.Cut(" "+t.Dim.Render(cells.Pad(e.Lang.Msg(name), 8))+value, w))
		}
	}
	pair(lang.M("change"), o.base.didWhat(&binlog.Transaction{Tables: tx.Tables, DDL: tx.DDL, Other: tx.Other}, false))
	pair(lang.M("place"), fmt.Sprintf("%s:%d  %s", termsafe.Line(tx.File), tx.Pos, human.Bytes(tx.Size)))
	if tx.Thread != 0 {
		pair(lang.M("thread"), thread(tx))
	}
	if len(tx.DDL)+len(tx.Other) == 0 {
		pair(lang.M("query"), oneLine(tx.Query))
	}
	return append(lines, widget.Rule(t, "", w))
}

// rowLines draws the rows from the chosen one's surroundings on, the top moved until the
// chosen one is whole in sight.
func (o *one) rowLines(size page.Size) []string {
	s := &o.scroll
	s.Resize(len(o.rows), max(1, size.Height))
	for top := s.Top; ; top++ {
		lines, whole := o.rowsFrom(top, size)
		if whole || top >= s.Cursor {
			return lines
		}
	}
}

func (o *one) rowsFrom(top int, size page.Size) (lines []string, whole bool) {
	for i := top; i < len(o.rows) && len(lines) < size.Height; i++ {
		lines = append(lines, o.row(i, size.Width)...)
		if i == o.scroll.Cursor && len(lines) <= size.Height {
			whole = true
		}
	}
	return lines[:min(len(lines), size.Height)], whole
}

// row draws a row: its key, and below it what changed.
func (o *one) row(i, w int) []string {
	t := o.base.env.Theme
	r := &o.rows[i]
	style, mark := o.base.actionLook(strings.ToUpper(string(r.Verb)))
	name := shown(r.Table)
	if len(r.Key) > 0 {
		name += " " + shown(strings.Join(r.Key, ","))
	}
	var out []string
	if i == o.scroll.Cursor {
		out = append(out, widget.SelectedRow(t, mark+" "+cells.Pad(name, max(1, w-4)), w))
	} else {
		out = append(out, " "+cells.Cut(style.Render(mark)+" "+t.Bold.Render(name), w-1))
	}
	for _, line := range o.base.diffLines(rowDiff(r), max(8, w-6)) {
		out = append(out, cells.Cut("    "+t.Rule.Render(t.Glyph.VRule)+" "+line, w))
	}
	return out
}

// rowDiff is a row change in the form that audit rows are shown in.
func rowDiff(r *binlog.ShownRow) []audit.Change {
	row := audit.Row{}
	row.Values[audit.OldValue] = audit.Value{Text: r.Before, Valid: r.Before != ""}
	row.Values[audit.NewValue] = audit.Value{Text: r.After, Valid: r.After != ""}
	return audit.Diff(&row)
}
