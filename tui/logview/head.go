package logview

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
	"opsdeck/tui/page"
)

// head is the query box and what there is.
func (p *heading) head(width int) string {
	least := 16
	if p.box.typing {
		least = min(width/2, 30)
	}
	right := p.counts(width - max(least, p.askedWidth()))
	room := max(10, width-cells.Width(right)-1)
	if p.box.typing {
		p.box.input.SetHint(p.look.env.T("words, 'exact, !not, level:warn+, since:-2h …"))
		return p.box.input.View(p.look.env.Theme, room) + " " + right
	}
	left := p.look.ink.dim.Paint(p.look.env.T(" / to search"))
	if text := termsafe.Line(p.ask.asked.Source); strings.TrimSpace(text) != "" {
		left = p.look.ink.accent.Paint(" / ") + p.look.ink.bold.Paint(cells.Cut(strings.TrimSpace(text), room-3))
		left += p.look.ink.dim.Paint(p.ask.manner())
	}
	left = p.look.ink.warn.Paint(p.kept.words()) + left // first: what leaves events out is always seen
	return cells.Pad(cells.Cut(left, room), room) + " " + right
}

// askedWidth is how many cells the query takes, up to half of the screen.
func (p *heading) askedWidth() int {
	if p.ask.asked.Empty() {
		return 0
	}
	text := termsafe.Line(p.ask.asked.Source) + p.ask.manner() + p.kept.words()
	return min(p.look.size.Width/2, cells.Width(text)+5)
}

// manner says how hits are shown, when not each by itself in the order of time.
func (p *asking) manner() string {
	switch {
	case p.byRank():
		return p.look.env.T(" (best first)")
	case !p.filter:
		return p.look.env.T(" (marked)")
	case p.around > 0 && !p.asked.Empty():
		return p.look.env.T(" (with %d around)", p.around)
	case p.asked.Worded:
		return p.look.env.T(" (as typed; ~ by letters)")
	}
	return ""
}

// byLetters tells that hits may only have a word's letters in order.
func (p *asking) byLetters() bool {
	_, ok := p.asked.AsText()
	return ok && !p.asked.Worded
}

// counts are hits of all, the errors that matter, and how far the index is; the
// least needed goes first when there is no room.
func (p *heading) counts(room int) string {
	e := p.look.env
	s := p.tally.stats
	t := p.look.env.Theme
	var parts []string
	if !p.ask.asked.Empty() {
		more := ""
		if s.Pending {
			more = t.Glyph.Ellipsis
		}
		hits := e.T("%s hits", human.Count(s.Hits)+more)
		if p.ask.byLetters() {
			hits = e.T("%s hits by letters", human.Count(s.Hits)+more)
		}
		parts = append(parts, p.look.ink.bold.Paint(hits))
	}
	asked := len(parts)
	if s.All.Critical > 0 {
		parts = append(parts, p.look.ink.crit.Paint(t.Glyph.Crit+" "+e.T("%s critical", human.Count(s.All.Critical))))
	}
	if s.All.Slow > 0 {
		parts = append(parts, p.look.ink.warn.Paint(t.Glyph.Warn+" "+e.T("%s slow", human.Count(s.All.Slow))))
	}
	if n := s.All.ByLevel[logs.LevelError] + s.All.ByLevel[logs.LevelFatal]; n > 0 {
		parts = append(parts, e.T("%s errors", human.Count(n)))
	}
	parts = append(parts, p.look.ink.dim.Paint(e.T("%s events", human.Count(s.All.Events))))
	if asked > 0 { // the rest is not of the hits alone
		parts[asked] = p.look.ink.dim.Paint(e.T("total:")) + " " + parts[asked]
	}
	if s.Done < s.Bytes {
		done := fmt.Sprintf("%d%%", s.Done*100/max(1, s.Bytes))
		parts = append(parts, p.look.ink.accent.Paint(e.T("indexing %s", done)))
	}
	out := strings.Join(parts, "  ")
	for len(parts) > 1 && cells.Width(out) > room {
		parts = parts[:len(parts)-1]
		out = strings.Join(parts, "  ")
	}
	return out + " "
}

// errorLine shows what is wrong in the query, under the place.
func (p *asking) errorLine(width int) []string {
	if p.queryErr == nil {
		return nil
	}
	at := 2 + cells.Width(termsafe.Line(p.query.Source[:min(p.queryErr.Pos, len(p.query.Source))]))
	text := p.look.env.Theme.Glyph.Up + " " + termsafe.Line(p.look.env.Lang.Msg(p.queryErr.What))
	at = max(0, min(at, width-cells.Width(text)-1))
	return []string{strings.Repeat(" ", at) + p.look.ink.crit.Paint(cells.Cut(text, width-at))}
}

// timelineRows is how high the timeline is, with its scale.
func (p *tally) timelineRows() int {
	switch h := p.look.size.Height; {
	case h < 12 || p.stats.Rows == 0 && len(p.line.Counts) == 0:
		return 0
	case h < 18:
		return 2
	}
	return 4
}

func (p *tally) timelineWidth() int {
	if p.timelineRows() == 0 && p.look.size.Height < 12 {
		return 0
	}
	return max(1, p.look.size.Width-2)
}

// columns is how many columns of the timeline are counted: where there is no room for it, those of
// before, for the screen may grow again while nothing else happens.
func (p *tally) columns() int {
	if n := p.timelineWidth(); n > 0 {
		return n
	}
	if n := len(p.line.Counts); n > 0 {
		return n
	}
	return max(0, p.look.size.Width-2)
}

// listTop is how many lines stand above the first row.
func (p *list) listTop() int {
	n := 1 + p.tally.timelineRows()
	if p.ask.queryErr != nil {
		n++
	}
	return n
}

func (p *list) listHeight() int { return max(1, p.look.size.Height-p.listTop()-p.paneHeight()-1) }

// viewTimeline draws how many rows there are over time: bars with the errors' and
// the warnings' share coloured from below, and the scale.
func (p *heading) viewTimeline(size page.Size) []string {
	rows := p.tally.timelineRows()
	if rows == 0 {
		return nil
	}
	height := rows - 1
	out := make([]string, rows)
	counts := stretched(p.tally.line.Counts, p.tally.timelineWidth())
	if len(counts) == 0 || p.tally.line.From.IsZero() {
		return out
	}
	y := scaleOf(counts, height)
	at := p.cursorColumn(len(counts))
	for row := range height {
		var b strings.Builder
		b.WriteByte(' ')
		for x, c := range counts {
			b.WriteString(p.look.barCell(c, y, height-1-row, x == at))
		}
		out[row] = b.String()
	}
	out[height] = p.scale(len(counts), at, y)
	return out
}

// stretched is a timeline as wide as the screen has become since it was counted.
func stretched(counts [][7]int32, width int) [][7]int32 {
	n := len(counts)
	if n == 0 || n == width || width <= 0 {
		return counts
	}
	out := make([][7]int32, width)
	for x := range out {
		from := x * n / width
		for i := from; i < max(from+1, (x+1)*n/width); i++ {
			for l, v := range counts[i] {
				out[x][l] += v
			}
		}
	}
	return out
}

func total(c [7]int32) (n int32) {
	for _, v := range c {
		n += v
	}
	return n
}

// barCell is one cell of a bar, y cells above its foot.
func (p *look) barCell(c [7]int32, scale yScale, y int, cursor bool) string {
	bars := p.env.Theme.Glyph.Bar
	n := total(c)
	eighths := scale.eighths
	fill := min(8, eighths(n)-y*8)
	glyph := " "
	if fill > 0 {
		glyph = string(bars[fill-1])
	} else if cursor && y == 0 {
		return p.ink.accent.Paint(string(bars[0]))
	}
	bad := c[logs.LevelError] + c[logs.LevelFatal]
	switch {
	case fill <= 0:
		return glyph
	case cursor:
		return p.ink.accent.Paint(glyph)
	case eighths(bad) > y*8:
		return p.ink.crit.Paint(glyph)
	case eighths(bad+c[logs.LevelWarn]) > y*8:
		return p.ink.warn.Paint(glyph)
	}
	return p.ink.dim.Paint(glyph)
}

// cursorColumn is the column of the event under the cursor, or -1.
func (p *heading) cursorColumn(n int) int {
	r, ok := p.list.current()
	if !ok || r.Event.Time.IsZero() || p.tally.line.From.IsZero() {
		return -1
	}
	width := p.tally.line.To.Sub(p.tally.line.From)
	x := int(int64(r.Event.Time.Sub(p.tally.line.From)) / max(1, int64(width)/int64(n)))
	if r.Event.Time.Before(p.tally.line.From) || x >= n {
		return -1
	}
	return x
}

// scale is the line under the bars: from, the cursor's mark, the incident's, to.
func (p *heading) scale(n, at int, y yScale) string {
	t, e := p.look.env.Theme, p.look.env
	layout := "15:04:05"
	from := p.tally.line.From.In(e.Zone)
	to := p.tally.line.To.In(e.Zone)
	if day(from) != day(to) {
		layout = "01-02 15:04"
	}
	left := from.Format(layout)
	right := to.Format(layout)
	column := roundSpan(to.Sub(from) / time.Duration(max(1, n)))
	line := scaleLine(n, p.markColumn(n, at), left, right, func(room int) string {
		return p.look.scaleWords(column, y, room)
	})
	mark := func(x int, glyph string) string {
		return " " + p.look.ink.dim.Paint(inCells(line[:x])) + glyph + p.look.ink.dim.Paint(inCells(line[min(x+1, n):]))
	}
	if x := p.incidentColumn(n); x >= 0 {
		return mark(x, p.look.ink.crit.Paint("@"))
	}
	if at >= 0 {
		return mark(at, p.look.ink.accent.Paint(t.Glyph.Up))
	}
	return " " + p.look.ink.dim.Paint(inCells(line))
}

// incidentColumn is the column of the incident, or -1.
func (p *heading) incidentColumn(n int) int {
	from, to := p.tally.line.From, p.tally.line.To
	if p.look.incident.IsZero() || !p.look.incident.After(from) || !p.look.incident.Before(to) {
		return -1
	}
	return int(int64(p.look.incident.Sub(from)) * int64(n) / max(1, int64(to.Sub(from))))
}

// markColumn is the column that the scale marks: the incident's, else the cursor's.
func (p *heading) markColumn(n, cursor int) int {
	if x := p.incidentColumn(n); x >= 0 {
		return x
	}
	return cursor
}

func roundSpan(d time.Duration) time.Duration {
	switch {
	case d > time.Minute:
		return d.Round(time.Second)
	case d > time.Second:
		return d.Round(100 * time.Millisecond)
	}
	return max(d.Round(time.Millisecond), time.Millisecond)
}

// foot says whether the end is followed, and where one is.
func (p *heading) foot(width int) string {
	e := p.look.env
	t := p.look.env.Theme
	s := p.tally.stats
	left := ""
	switch {
	case p.ask.byRank():
		left = p.look.ink.accent.Paint(" "+t.Glyph.Bullet+" "+e.T("best first")) + p.look.ink.dim.Paint(
			"  "+e.T("o sorts by time"),
		)
	case s.Sources == 0 && len(s.Errors) > 0: // the list says it
	case p.list.follow:
		left = e.Theme.OK.Render(" " + t.Glyph.OK + " " + e.T("following"))
	default:
		left = p.look.ink.warn.Paint(" " + t.Glyph.Pending + " " + e.T("paused"))
		if n := s.Added - p.list.seen; n > 0 {
			left += p.look.ink.bold.Paint("  " + e.T("+%s new", human.Count(n)))
		}
		left += p.look.ink.dim.Paint("  " + e.T("G follows"))
	}
	if p.writing {
		left += p.look.ink.accent.Paint("  " + e.T("writing the export …"))
	}
	if s.Lost > 0 {
		left += p.look.ink.crit.Paint("  " + e.T("%s lost unread: the file was truncated", human.Bytes(s.Lost)))
	}
	if s.Dropped > 0 {
		left += p.look.ink.crit.Paint("  " + e.T("%s lines were dropped by the server", human.Count(s.Dropped)))
	}
	if n := len(s.Errors); n > 0 && s.Sources > 0 {
		left += p.look.ink.crit.Paint("  " + p.look.problem(s.Errors[n-1])[0])
	}
	right := ""
	if p.ask.byRank() {
		right = p.look.ink.dim.Paint(
			e.T("%s of %s", human.Count(int64(min(p.list.cur+1, len(p.list.rows)))), human.Count(s.Hits)),
		) + " "
	} else if s.Rows > 0 && !p.list.follow {
		right = p.look.ink.dim.Paint(e.T("%s of %s", human.Count(min(s.Index+1, s.Rows)), human.Count(s.Rows))) + " "
	} else if r, ok := p.list.current(); ok && !r.Event.Time.IsZero() {
		right = p.look.ink.dim.Paint(e.Time(r.Event.Time)) + " "
	}
	if width-cells.Width(right) < 10 {
		return cells.Cut(left, width)
	}
	return cells.Ends(left, right, width)
}
