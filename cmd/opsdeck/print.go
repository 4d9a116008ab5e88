package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"opsdeck/internal/cells"
	"opsdeck/internal/jsonout"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/tui/theme"
)

// printer is what a verb prints with: results on out, narration on err, in the
// reader's language.
type printer struct {
	stdio
	lang         *lang.Printer
	color, ascii bool
	closed       bool // a JSON document was printed: nothing may follow it
}

// json prints one document.
func (p *printer) json(v any) error {
	p.closed = true
	return jsonout.Write(p.out, v, "  ")
}

// ndjson prints one line of NDJSON.
func (p *printer) ndjson(v any) error { return jsonout.Write(p.out, v, "") }

// jsonParts prints one document while it is made.
func (p *printer) jsonParts(parts ...jsonout.Part) error {
	p.closed = true
	return jsonout.WriteParts(p.out, parts...)
}

// timeOrNull is a time in JSON: null where there is none.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// say writes a line of results to stdout.
func (p *printer) say(m lang.Msg) { fmt.Fprintln(p.out, termsafe.Text(p.lang.Msg(m))) }

// sayAll writes lines of results.
func (p *printer) sayAll(all []lang.Msg) {
	for _, m := range all {
		p.say(m)
	}
}

// note narrates on stderr.
func (p *printer) note(m lang.Msg) { fmt.Fprintln(p.err, termsafe.Text(p.lang.Msg(m))) }

// drawn is text with marks of ours, in ASCII where that was asked for.
func (p *printer) drawn(text string) string {
	if p.ascii {
		return cells.ASCII(text)
	}
	return text
}

// theme is the one for plain output on stdout.
func (p *printer) theme() *theme.Theme {
	return theme.New(theme.Options{Dark: true, NoColor: !p.color, ASCII: p.ascii, Output: p.out})
}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// size is the terminal's on stdout, or 0 when it is not a terminal.
func (p *printer) size() (width, height int) {
	if f, ok := p.out.(*os.File); ok {
		width, height, _ = term.GetSize(int(f.Fd())) // 0 with an error
	}
	return width, height
}

// width is the terminal's width on stdout, or 0 when it is not a terminal.
func (p *printer) width() int {
	w, _ := p.size()
	return w
}

// mark is a text in the colour of a state, after its glyph.
func (p *printer) mark(s ops.State, text string) string {
	style, glyph := p.theme().State(s)
	return style.Render(glyph + " " + text)
}

// readLine reads what a person types; false when the command ends before.
func (p *printer) readLine(ctx context.Context) (string, bool) {
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(p.in).ReadString('\n')
		typed <- strings.TrimRight(line, "\r\n")
	}()
	select {
	case line := <-typed:
		return line, true
	case <-ctx.Done():
		return "", false
	}
}

// saysYes asks the person at the terminal a question whose default is no.
func (p *printer) saysYes(ctx context.Context, question lang.Msg) bool {
	fmt.Fprint(p.err, p.lang.Msg(question)+" ")
	text, _ := p.readLine(ctx)
	return slices.Contains([]string{"y", "yes", "是"}, strings.ToLower(strings.TrimSpace(text)))
}

// atTerminal tells whether a person sits at the command.
func (p *printer) atTerminal() bool { return isTerminal(p.in) && isTerminal(p.err) }

// plain prints a text of several lines, safe for a terminal.
func (p *printer) plain(text string) error {
	_, err := fmt.Fprint(p.out, termsafe.Text(text))
	return err
}

func colorWanted(out io.Writer, noColor bool, getenv func(string) string) bool {
	return !noColor && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && getenv("TERM") != "" && isTerminal(out)
}

// stdio is what a run reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}
