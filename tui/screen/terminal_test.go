package screen

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// terminal is a model of a terminal: what it shows after the bytes it was sent. It
// knows scrolling and margins, which painter does not.
type terminal struct {
	painter
	top, bottom int
	asked       int
	held        []byte // a sequence that is not there in full
	wraps       bool
}

func newTerminal(w, h int) *terminal {
	return &terminal{painter: painter{to: newGrid(w, h, cell{text: "?", width: 1})}, bottom: h - 1}
}

func (t *terminal) send(s string) {
	var state byte
	for len(s) > 0 {
		seq, width, n, next := ansi.DecodeSequence(s, state, nil)
		state = next
		s = s[n:]
		switch {
		case width > 0:
			t.wraps = t.wraps || t.x+width > t.to.w
			t.put(seq, width)
		case seq == "\r":
			t.x = 0
		case seq == "\n":
			t.lineFeed()
		case seq == "\x1bM":
			t.reverse()
		case seq == question:
			t.asked++
		default:
			t.sequence(seq)
		}
	}
}

func (t *terminal) lineFeed() {
	if t.y != t.bottom {
		t.y = min(t.y+1, t.to.h-1)
		return
	}
	shift(t.to.rows[t.top:t.bottom+1], 1, t.empty)
}

func (t *terminal) reverse() {
	if t.y != t.top {
		t.y = max(t.y-1, 0)
		return
	}
	shift(t.to.rows[t.top:t.bottom+1], -1, t.empty)
}

func (t *terminal) empty() []cell { return slices.Repeat([]cell{blank}, t.to.w) }

func (t *terminal) sequence(seq string) {
	params, final := seq[2:len(seq)-1], seq[len(seq)-1]
	switch final {
	case 'r':
		first, last, _ := strings.Cut(params, ";")
		t.top = number(first, 1) - 1
		t.bottom = number(last, t.to.h) - 1
		t.x = 0
		t.y = 0
	case 'C':
		t.x = min(t.x+number(params, 1), t.to.w-1)
	default:
		t.control(seq)
	}
}

// frame is how Bubble Tea sends a whole frame.
func frame(lines []string) string {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K")
	}
	return b.String()
}

func draw(g *grid, lines []string) {
	g.fill(blank)
	p := painter{to: g}
	p.paint(frame(lines))
}

// script is a source of choices: random bytes in the fuzz test.
type script struct{ b []byte }

func (s *script) pick(n int) int {
	if len(s.b) == 0 || n < 1 {
		return 0
	}
	v := int(s.b[0])
	s.b = s.b[1:]
	return v % n
}

var words = []string{
	"error", "a", " ", "  ", "    ", "备份", "恢", "é", "─│", "👍🏽", "e\u0301", "10:00:01",
	"\x1b[31mred\x1b[m", "\x1b[1;44m on blue \x1b[0m", "\x1b[7m", "\x1b[m", "\x1b[38;5;240mgrey\x1b[39m",
	"\x1b[4m_ _\x1b[24m", "\x1b[2mdim\x1b[22m",
}

func (s *script) line() string {
	var b strings.Builder
	for range s.pick(8) {
		b.WriteString(words[s.pick(len(words))])
	}
	return b.String() + "\x1b[m"
}

// change turns one frame into the next as a console does: some lines are new, or all
// move up or down.
func (s *script) change(lines []string) []string {
	out := slices.Clone(lines)
	switch s.pick(3) {
	case 0:
		out[s.pick(len(out))] = s.line()
	case 1:
		from := s.pick(len(out))
		out = append(slices.Delete(out, from, from+1), s.line())
	case 2:
		at := s.pick(len(out))
		out = slices.Insert(out, at, s.line())[:len(out)]
	}
	return out
}

func FuzzTheTerminalShowsTheFrame(f *testing.F) {
	for i := range 40 {
		seed := []byte(strings.Repeat(strconv.Itoa(i*7919), 40))
		f.Add(seed, i*30)
	}
	f.Fuzz(func(t *testing.T, choices []byte, budget int) {
		s := &script{choices}
		w, h := 4+s.pick(30), 1+s.pick(12)
		lines := make([]string, h)
		for y := range lines {
			lines[y] = s.line()
		}
		next, shown, term := newGrid(w, h, blank), newGrid(w, h, unknown), newTerminal(w, h)
		for range 30 {
			draw(next, lines)
			for done := false; !done; {
				p := newPen()
				done = update(p, shown, next, budget)
				term.send(p.String())
				requireSame(t, shown, term.to)
			}
			requireSame(t, next, term.to)
			if term.wraps {
				t.Fatal("wrote beyond the last column")
			}
			lines = s.change(lines)
		}
	})
}

func requireSame(t *testing.T, want, got *grid) {
	t.Helper()
	for y, row := range want.rows {
		if !row[0].absent && !slices.Equal(row, got.rows[y]) {
			t.Fatalf("row %d: want %v\ngot %v", y, row, got.rows[y])
		}
	}
}

func TestScrollingALogCostsItsNewLineAlone(t *testing.T) {
	const w, h = 80, 24
	lines := []string{"tabs", "query"}
	for i := range h - 3 {
		lines = append(lines, "10:00:"+strconv.Itoa(i+10)+" ERROR something of its own happened, number "+
			strconv.Itoa(i*i))
	}
	lines = append(lines, "keys")
	next, shown := newGrid(w, h, blank), newGrid(w, h, unknown)
	draw(next, lines)
	update(newPen(), shown, next, largest)
	fresh := "10:00:59 WARN the newest line of all"
	lines = slices.Insert(slices.Delete(lines, 2, 3), h-2, fresh)
	draw(next, lines)
	p := newPen()
	update(p, shown, next, largest)
	if n := p.Len(); n > len(fresh)+60 {
		t.Errorf("a new line of %d bytes cost %d: %q", len(fresh), n, p.String())
	}
}

func TestATypedLetterIsOneCell(t *testing.T) {
	next, shown := newGrid(80, 24, blank), newGrid(80, 24, unknown)
	draw(next, []string{"", "> erro", "x"})
	update(newPen(), shown, next, largest)
	draw(next, []string{"", "> error", "x"})
	p := newPen()
	update(p, shown, next, largest)
	if p.String() != "\x1b[2;7Hr" {
		t.Errorf("wrote %q", p.String())
	}
}

func TestStyleChangesAreShort(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"", "31", "\x1b[31m"},
		{"31", "31;1", "\x1b[1m"},
		{"31;1", "31", "\x1b[;31m"},
		{"31;1", "", "\x1b[m"},
		{"31;44", "44", "\x1b[39m"},
		{"", "38;5;240", "\x1b[38;5;240m"},
		{"", "38:2:1:2:3", "\x1b[38;2;1;2;3m"},
	} {
		var from, to style
		from.apply(c.from)
		to.apply(c.to)
		if got := change(from, to); got != c.want {
			t.Errorf("%s → %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}
