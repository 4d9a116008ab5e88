package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// frame is a screen, and how long it is shown.
type frame struct {
	lines []string
	time  time.Duration
}

// TestFilm plays demo.tape and draws it as one moving picture, into the folder
// OPSDECK_SCREENS.
func TestFilm(t *testing.T) {
	to := os.Getenv(screensEnv)
	if to == "" {
		t.Skip("set " + screensEnv + " to a folder, as `make screens` does")
	}
	command, actions := readTape(t)
	tmp, err := os.MkdirTemp("", "demo-") // short: the world's sockets lie below it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	command = strings.Replace(command, "bin/opsdeck-demo", shellQuote(os.Args[0]), 1)
	command = strings.Replace(command, " bin/opsdeck ", " "+shellQuote(opsdeck(t))+" ", 1)
	const columns, rows = 100, 30
	dark := palettes["dark"]
	pn := newPane(t, "exec env "+demoEnv+"=1 TMPDIR="+tmp+" LANG=C.UTF-8 LC_ALL= NO_COLOR= COLORFGBG='"+dark.colorfgbg+
		"' "+command,
		columns, rows)
	var frames []frame
	for _, a := range actions {
		pn.press(a.keys...)
		if slices.Contains(a.keys, escape) {
			time.Sleep(afterEscape)
		}
		if a.wait != nil {
			eventually(t, "the screen with "+a.wait.String(), func() bool { return a.wait.MatchString(pn.text()) })
		}
		if a.pause > 0 {
			time.Sleep(a.pause)
			frames = append(frames, frame{pn.lines(), a.pause})
		}
	}
	svg := drawFilm(frames, dark, columns, rows)
	if err := os.WriteFile(filepath.Join(to, "demo.svg"), []byte(svg), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawFilm shows frames one after the other, again and again. A row that several frames
// share is written once.
func drawFilm(frames []frame, p palette, columns, rows int) string {
	var whole time.Duration
	for _, f := range frames {
		whole += f.time
	}
	var style, defs, body strings.Builder
	known := map[string]string{}
	var at time.Duration
	for i, f := range frames {
		from, to := 100*at.Seconds()/whole.Seconds(), 100*(at+f.time).Seconds()/whole.Seconds()
		at += f.time
		fmt.Fprintf(&style, "@keyframes k%d{0%%{visibility:hidden}%.3f%%{visibility:visible}%.3f%%,100%%{visibility:hidden}}"+
			".f%d{animation:k%d %.1fs step-end infinite}\n", i, from, min(to, 99.999), i, i, whole.Seconds())
		hidden := ` visibility="hidden"`
		if i == 0 {
			hidden = "" // what shows no animation shows this
		}
		fmt.Fprintf(&body, `<g class="f%d"%s>`, i, hidden)
		for y, line := range f.lines {
			var row strings.Builder
			drawLine(&row, line, p, y)
			if row.Len() == 0 {
				continue
			}
			id := known[row.String()]
			if id == "" {
				id = fmt.Sprintf("r%d", len(known))
				known[row.String()] = id
				fmt.Fprintf(&defs, "<g id=%q>%s</g>\n", id, row.String())
			}
			fmt.Fprintf(&body, `<use href="#%s"/>`, id)
		}
		body.WriteString("</g>\n")
	}
	var b strings.Builder
	openSVG(&b, p, columns, rows)
	b.WriteString("<style>\n" + style.String() + "</style>\n<defs>\n" + defs.String() + "</defs>\n" + body.String() +
		"</svg>\n")
	return b.String()
}
