package tui

import (
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/termsafe"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// tall is the height from which there is room for the rule under the header
// and a second line of verdict.
const tall = 16

// View draws the frame: tabs, verdict, rule, page, footer.
func (c *Console) View() string {
	defer c.work.report()
	if !c.same {
		c.drawn = draw(c)
	}
	return c.drawn
}

func draw(c *Console) string {
	w, h := c.size.Width, c.size.Height
	if w < 1 || h < 1 {
		return ""
	}
	head := c.head()
	body := page.Size{Width: w, Height: max(0, h-len(head)-1)}
	lines := append([]string{}, head...)
	if body.Height > 0 {
		view := strings.Split(c.page().View(body), "\n")
		for i := range body.Height {
			line := ""
			if i < len(view) {
				line = view[i]
			}
			lines = append(lines, cells.Cut(line, w))
		}
	}
	switch {
	case c.notice.Text.Empty():
		lines = append(lines, c.footer(w))
	case body.Height > 1:
		covers := noticeLines(c, w, min(longestNotice, body.Height-1))
		lines = slices.Concat(lines[:len(lines)-len(covers)], covers, []string{c.footer(w)})
	default: // there is no line to cover
		lines = append(lines, noticeLines(c, w, 1)...)
	}
	out := strings.Join(lines[:min(h, len(lines))], "\n")
	for i := range c.stack {
		o := &c.stack[i]
		if o.shown.IsZero() {
			o.shown = c.env.Clock.Now()
		}
		out = widget.Over(out, o.View(page.Size{Width: w, Height: h}), c.size)
	}
	if c.env.Theme.ASCII {
		return cells.ScreenInASCII(out, w)
	}
	return out
}

// head is everything above the page.
func (c *Console) head() []string {
	w, h := c.size.Width, c.size.Height
	if h < 4 {
		return []string{c.tabs(w)}
	}
	lines := append([]string{c.tabs(w)}, c.verdictLines(w, h)...)
	if h >= tall {
		lines = append(lines, widget.Rule(c.env.Theme, shows(c), w))
	}
	return lines
}

func (c *Console) headHeight() int { return len(c.head()) }

// verdictRoom is how many cells the verdict's sentence can take on a screen: what to do next
// ends it, and must be seen. A second line loses some to the first one's last word.
func verdictRoom(w, h int) int {
	if verdictMost(h) == 1 {
		return max(1, w-4)
	}
	return max(1, 2*(w-4)-4)
}

// verdictMost is how many lines the verdict may take: what to do next fits on no single one.
func verdictMost(h int) int {
	if h < 8 {
		return 1
	}
	return 2
}

// verdictLines is the one sentence, on a second line where there is room.
func (c *Console) verdictLines(w, h int) []string {
	t, e := c.env.Theme, c.env
	if c.verdict.Text.Empty() {
		return []string{
			t.Dim.Render(cells.Cut(" "+t.Glyph.Pending+" "+e.T("checking the service for the first time"), w)),
		}
	}
	style, glyph := t.State(c.verdict.State)
	text := termsafe.Line(e.Lang.Msg(c.verdict.Text))
	lines := cells.WrapTo(text, max(1, w-4), verdictMost(h))
	out := []string{" " + style.Render(glyph+" "+lines[0])}
	if len(lines) == 2 {
		out = append(out, "   "+style.Render(lines[1]))
	}
	return out
}

// tabs is the first line: the tabs at the left, where we are at the right.
func (c *Console) tabs(w int) string {
	left := strings.Join(c.tabCells(w), "")
	where := c.where(w - cells.Width(left) - 1)
	gap := max(0, w-cells.Width(left)-cells.Width(where))
	return cells.Cut(left+strings.Repeat(" ", gap)+where, w)
}

// tabCells are the tabs, shortened to their digits where they do not fit.
func (c *Console) tabCells(w int) []string {
	t := c.env.Theme
	draw := func(short bool) (out []string, width int) {
		for i, p := range c.o.Pages {
			digit := strconv.Itoa(i + 1)
			title := digit + " " + c.env.Lang.Msg(p.Title())
			if short && i != c.active {
				title = digit
			}
			cell := t.Dim.Render(" "+digit) + strings.TrimPrefix(title, digit) + " "
			if i == c.active {
				cell = t.Badge.Render(" " + title + " ")
			}
			out = append(out, cell)
			width += cells.Width(cell)
		}
		return out, width
	}
	out, width := draw(false)
	if c.o.Services.several() { // whose tabs they are matters more than what they are called
		width += cells.Width(readOnlyBadge(c)) + cells.Width(c.env.Service) + 2
	}
	if width > w {
		out, _ = draw(true)
	}
	return out
}

// tabAt is the tab at a column of the first line, or -1.
func (c *Console) tabAt(x int) int {
	at := 0
	for i, cell := range c.tabCells(c.size.Width) {
		at += cells.Width(cell)
		if x < at {
			return i
		}
	}
	return -1
}

// where names service, host and zone, and says when nothing may be changed; the
// least needed goes first when there is no room.
func (c *Console) where(room int) string {
	t, e := c.env.Theme, c.env
	zone := page.ZoneName(e.Clock.Now().In(e.Zone))
	readOnly := readOnlyBadge(c)
	service := termsafe.Line(e.Service)
	host := termsafe.Line(c.o.Host)
	dot := t.Rule.Render(" " + t.Glyph.Dot + " ")
	least := t.Dim.Render(zone)
	if c.o.Services.several() {
		least = t.Bold.Render(service)
	}
	for _, s := range []string{
		readOnly + t.Bold.Render(service) + dot + t.Dim.Render(host) + dot + t.Dim.Render(zone) + " ",
		readOnly + t.Bold.Render(service) + dot + t.Dim.Render(zone) + " ",
		readOnly + least + " ",
		readOnly,
	} {
		if cells.Width(s) <= room {
			return s
		}
	}
	return ""
}

// readOnlyBadge says that nothing may be changed, where that is so.
func readOnlyBadge(c *Console) string {
	if !c.env.ReadOnly {
		return ""
	}
	return c.env.Theme.Badge.Render(c.env.T(" read-only ")) + " "
}

// longestNotice is how many lines of the page a notice may cover.
const longestNotice = 3

// noticeLines are a notice, which covers the page's last lines for a while; the keys
// stay. What does not fit is cut.
func noticeLines(c *Console, w, most int) (out []string) {
	style, glyph := c.env.Theme.State(c.notice.State)
	mark := glyph + " "
	for _, line := range cells.WrapTo(termsafe.Line(c.env.Lang.Msg(c.notice.Text)), max(1, w-4), most) {
		out = append(out, cells.Pad(" "+style.Render(mark+line), w))
		mark = strings.Repeat(" ", cells.Width(mark))
	}
	return out
}

// footer is the last line: the keys.
func (c *Console) footer(w int) string {
	own := keyList(c, c.page().Actions())
	always := keyList(c, c.actions)
	room := w - 1
	for _, k := range always {
		room -= cells.Width(k) + 2
	}
	line := " "
	for _, k := range own {
		if cells.Width(k)+2 > room {
			break
		}
		line += k + "  "
		room -= cells.Width(k) + 2
	}
	return cells.Cut(line+strings.Join(always, "  "), w)
}

// keyList draws the actions that belong in the footer and can run now.
func keyList(c *Console, actions []page.Action) (out []string) {
	for _, a := range actions {
		if a.Footer && len(a.Keys) > 0 && a.Why(c.env).Empty() {
			out = append(out, widget.KeyHelp(c.env.Theme, keyName(a.Keys[0]), c.env.Lang.Msg(a.Label)))
		}
	}
	return out
}
