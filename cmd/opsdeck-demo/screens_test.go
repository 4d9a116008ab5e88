package main

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// screensEnv is the folder for the pictures that `make screens` draws.
const screensEnv = "OPSDECK_SCREENS"

// shot is a page as it is drawn: by the key that opens it, once it shows the words
// that no other page shows.
type shot struct {
	name, keys string
	words      map[string][]string // by language
}

var shots = []shot{
	{"status", "1jjjjj", map[string][]string{"en": {"HISTORY", "redis"},
		"zh": {"redis", "disk-data"}}}, // the missing table
	{"logs", "2", map[string][]string{"en": {"following", "GET /api/v1/"}, "zh": {"跟踪中", "GET /api/v1/"}}},
	{"audit", "3", map[string][]string{"en": {"newest first", "+ CREATE"}, "zh": {"最新在前", "+ CREATE"}}},
	{"backups", "4", map[string][]string{"en": {"daily", "weekly"}, "zh": {"每日", "每周"}}},
	{"restore", "5", map[string][]string{"en": {"Assess", "Notify"}, "zh": {"评估", "通知"}}},
}

// TestScreens draws the five tabs of a living world, as a terminal shows them, into
// the folder OPSDECK_SCREENS: two sizes, dark and light, and some in Chinese.
func TestScreens(t *testing.T) {
	to := os.Getenv(screensEnv)
	if to == "" {
		t.Skip("set " + screensEnv + " to a folder, as `make screens` does")
	}
	r := bringUp(t)
	if code, out := r.demo(t, "fault", "db-damaged"); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	for _, lang := range []string{"en", "zh"} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			for name, p := range palettes {
				if lang == "zh" && size[0] == 80 {
					continue
				}
				pane := openPane(t, r, lang, p, size[0], size[1])
				for _, s := range shots {
					file := fmt.Sprintf("%s-%dx%d-%s.svg", s.name, size[0], size[1], name)
					if lang != "en" {
						file = lang + "-" + file
					}
					svg := drawSVG(pane.take(s, lang), p, size[0], size[1])
					if err := os.WriteFile(filepath.Join(to, file), []byte(svg), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				pane.close()
			}
		}
	}
}

// pane is the program in a terminal of tmux, which knows the width of each character.
type pane struct {
	t      *testing.T
	socket string
}

func openPane(t *testing.T, r *running, lang string, p palette, columns, rows int) *pane {
	t.Helper()
	command := []string{
		"exec env LANG=C.UTF-8 LC_ALL= NO_COLOR= COLORFGBG='" + p.colorfgbg + "'",
		socketEnv + "=" + controlSocket(r.dir),
		opsdeck(t), "--lang", lang, "--config", r.dir + "/config.yaml",
	}
	pn := newPane(t, strings.Join(command, " "), columns, rows)
	pn.sees([]string{"redis"}) // a key that comes before the first frame is for no page
	return pn
}

// newPane runs a command of the shell in a terminal of its own.
func newPane(t *testing.T, command string, columns, rows int) *pane {
	t.Helper()
	pn := &pane{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	t.Cleanup(func() { exec.Command("tmux", "-S", pn.socket, "kill-server").Run() })
	pn.tmux("-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows), "sh")
	pn.tmux("set", "-g", "status", "off")
	pn.tmux("respawn-pane", "-k", command)
	return pn
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (p *pane) close() { p.tmux("kill-server") }

// take opens a page and returns its lines, once it shows all that it should.
func (p *pane) take(s shot, lang string) []string {
	p.t.Helper()
	p.press(strings.Split(s.keys, "")...)
	p.sees(s.words[lang])
	time.Sleep(2 * time.Second) // graphs and what is counted in the background
	return p.lines()
}

func (p *pane) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		args := []string{"send-keys", "-H"}
		for _, b := range []byte(k) {
			args = append(args, fmt.Sprintf("%02x", b))
		}
		p.tmux(args...)
	}
}

// lines are the screen with its colours.
func (p *pane) lines() []string {
	return strings.Split(strings.TrimRight(p.tmux("capture-pane", "-p", "-e", "-N"), "\n"), "\n")
}

func (p *pane) text() string { return p.tmux("capture-pane", "-p") }

func (p *pane) sees(words []string) {
	p.t.Helper()
	for range 600 {
		text, missing := p.tmux("capture-pane", "-p"), false
		for _, w := range words {
			missing = missing || !strings.Contains(text, w)
		}
		if !missing {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Fatalf("the screen does not show %q:\n%s", words, p.tmux("capture-pane", "-p"))
}

// palette is what a terminal makes of the 16 colours.
type palette struct {
	colorfgbg string // how a terminal tells the program its background
	text      string
	ground    string
	colours   [16]string
}

var palettes = map[string]palette{
	"dark": {"15;0", "#d0d7de", "#0d1117", [16]string{
		"#0d1117", "#ff7b72", "#3fb950", "#d29922", "#1f4f99", "#bc8cff", "#2a8a94", "#b1bac4",
		"#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#ffffff",
	}},
	"light": {"0;15", "#1f2328", "#ffffff", [16]string{
		"#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#1b7c83", "#8c959f",
		"#57606a", "#a40e26", "#1a7f37", "#633c01", "#218bff", "#a475f9", "#3192aa", "#ffffff",
	}},
}

// colour is one of 256: the palette's, and of the cube of 6×6×6 that xterm has after them.
func (p palette) colour(n int) string {
	if n < len(p.colours) {
		return p.colours[n]
	}
	n -= len(p.colours)
	part := func(v int) int {
		if v == 0 {
			return 0
		}
		return 55 + 40*v
	}
	return fmt.Sprintf("#%02x%02x%02x", part(n/36%6), part(n/6%6), part(n%6))
}

// ink is how a character is written. Colours are numbers of 256, or -1.
type ink struct {
	fg, bg                          int
	bold, faint, underline, reverse bool
}

var plainInk = ink{fg: -1, bg: -1}

// sgr applies a sequence "\x1b[…m".
func (k ink) sgr(seq string) ink {
	words := strings.FieldsFunc(seq[2:len(seq)-1]+";", func(r rune) bool { return r == ';' })
	number := func(i int) int {
		n, _ := strconv.Atoi(words[i])
		return n
	}
	for i := 0; i < len(words); i++ {
		switch n := number(i); {
		case (n == 38 || n == 48) && i+2 < len(words) && words[i+1] == "5":
			if n == 38 {
				k.fg = number(i + 2)
			} else {
				k.bg = number(i + 2)
			}
			i += 2
		case n == 0:
			k = plainInk
		case n == 1:
			k.bold = true
		case n == 2:
			k.faint = true
		case n == 4:
			k.underline = true
		case n == 7:
			k.reverse = true
		case n >= 30 && n <= 37:
			k.fg = n - 30
		case n == 39:
			k.fg = -1
		case n >= 40 && n <= 47:
			k.bg = n - 40
		case n == 49:
			k.bg = -1
		case n >= 90 && n <= 97:
			k.fg = n - 90 + 8
		case n >= 100 && n <= 107:
			k.bg = n - 100 + 8
		}
	}
	if seq == "\x1b[m" {
		return plainInk
	}
	return k
}

// Size of a cell of the picture, in its units.
const (
	cellWidth  = 8.4
	cellHeight = 18
	margin     = 12
)

// drawSVG draws the lines of a terminal. Each run of one style is as wide as its cells, whatever the font.
func drawSVG(lines []string, p palette, columns, rows int) string {
	var b strings.Builder
	openSVG(&b, p, columns, rows)
	for y, line := range lines {
		drawLine(&b, line, p, y)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// openSVG begins a picture of a terminal, with its ground.
func openSVG(b *strings.Builder, p palette, columns, rows int) {
	w, h := float64(columns)*cellWidth+2*margin, rows*cellHeight+2*margin
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" `+
		`font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace" `+
		`font-size="14" fill="%s" xml:space="preserve">`+"\n", w, h, w, h, p.text)
	fmt.Fprintf(b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", p.ground)
}

func drawLine(b *strings.Builder, line string, p palette, y int) {
	var state byte
	k, x, from, run := plainInk, 0, 0, ""
	flush := func() {
		drawRun(b, run, k, p, from, x, y)
		from = x
		run = ""
	}
	for len(line) > 0 {
		seq, width, n, next := ansi.DecodeSequence(line, state, nil)
		state = next
		line = line[n:]
		switch {
		case width > 0:
			if width == 2 || strings.HasSuffix(run, "  ") && seq != " " {
				flush() // wide ones one by one, and words apart from what fills
			}
			run += seq
			x += width
			if width == 2 {
				flush()
			}
		case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m"):
			flush()
			k = k.sgr(seq)
		}
	}
	flush()
}

func drawRun(b *strings.Builder, run string, k ink, p palette, from, to, y int) {
	if from == to {
		return
	}
	fg, bg := p.text, ""
	if k.fg >= 0 {
		fg = p.colour(k.fg)
	}
	if k.bg >= 0 {
		bg = p.colour(k.bg)
	}
	if k.reverse {
		ground := bg
		if ground == "" {
			ground = p.ground
		}
		fg, bg = ground, fg
	}
	left := margin + float64(from)*cellWidth
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n",
			left, margin+y*cellHeight, float64(to-from)*cellWidth, cellHeight, bg)
	}
	text := strings.TrimRight(run, " ")
	if text == "" {
		return
	}
	cells := to - from - (len(run) - len(text))
	fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f"`, left, margin+y*cellHeight+14, float64(cells)*cellWidth)
	if fg != p.text {
		fmt.Fprintf(b, ` fill="%s"`, fg)
	}
	if k.bold {
		b.WriteString(` font-weight="bold"`)
	}
	if k.faint {
		b.WriteString(` opacity=".65"`)
	}
	if k.underline {
		b.WriteString(` text-decoration="underline"`)
	}
	fmt.Fprintf(b, ">%s</text>\n", html.EscapeString(text))
}
