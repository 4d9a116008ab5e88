package main

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// shapeOf prints one event as the command does.
func shapeOf(t *testing.T, raw string, terminal, bytesAsked bool) string {
	t.Helper()
	var out bytes.Buffer
	a := &app{printer: &printer{stdio: stdio{out: &out}, lang: lang.For("en")}}
	r := &logsRun{app: a, cmd: &logsCmd{Raw: bytesAsked}, query: &query.Query{}, terminal: terminal}
	r.out = bufio.NewWriter(&out)
	r.scan = index.Scan{Zone: time.UTC}
	p := line.NewParser(time.UTC, time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC))
	first, _, _ := strings.Cut(raw, "\n")
	e, _ := p.Parse([]byte(first))
	e.Raw = raw
	p.Whole(&e)
	r.event(&e)
	r.out.Flush()
	return out.String()
}

// TestHitsAreShapedOnATerminalAlone: as in the tab on a terminal, as they are elsewhere and by --raw.
func TestHitsAreShapedOnATerminalAlone(t *testing.T) {
	json := `{"timestamp":"2026-01-29T12:00:00.250Z","level":"ERROR","context":"Pay","message":"no","userId":7}`
	if got, want := shapeOf(t, json, true, false), "01-29 12:00:00.250 ERROR   Pay no userId=7\n"; got != want {
		t.Errorf("on a terminal %q, want %q", got, want)
	}
	if got := shapeOf(t, json, false, false); got != json+"\n" {
		t.Errorf("in a pipe %q", got)
	}
	stack := "2026-01-29 12:00:00 ERROR [Pay] boom\x1b[2J\n    at run (/app/a.js:1:2)"
	want := "01-29 12:00:00     ERROR   Pay boom^[[2J\n        at run (/app/a.js:1:2)\n"
	if got := shapeOf(t, stack, true, false); got != want {
		t.Errorf("a stack %q, want %q", got, want)
	}
	if got := shapeOf(t, stack, true, true); got != stack+"\n" {
		t.Errorf("--raw gives %q", got)
	}
	if got := shapeOf(t, "neither time nor level", true, false); got != "neither time nor level\n" {
		t.Errorf("of no form: %q", got)
	}
}
