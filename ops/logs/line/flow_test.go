package line

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// eventsOf are the events of a text with times: what each one's lines begin with.
func eventsOf(text string) (out []string) {
	p := NewParser(time.UTC, testNow)
	var flow Flow
	n := 0
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\r\n")
		e, kind := p.Parse([]byte(l))
		if flow.BeginsRead(p, &e, kind, []byte(l), false) || len(out) == 0 {
			out = append(out, fmt.Sprintf("%s %s", e.Level, e.Message))
			n = 0
			continue
		}
		n++
		out[len(out)-1] = strings.TrimSuffix(out[len(out)-1], fmt.Sprintf(" +%d", n-1)) + fmt.Sprintf(" +%d", n)
	}
	return out
}

// TestWhatAnotherProgramPrintsBeginsItsOwnEvent: what real Node printed among Nest's lines.
// Colours tell exactly where Nest's message ends; without them a small letter goes on.
func TestWhatAnotherProgramPrintsBeginsItsOwnEvent(t *testing.T) {
	for name, want := range map[string][]string{
		"nest-console-color.log": {
			"INFO Nest application successfully started",
			"UNKNOWN Server listening on 3000",
			"UNKNOWN connected to redis",
			"INFO multi +2",
			"UNKNOWN { +7",
			"ERROR Failed to create order +8",
			"UNKNOWN after the stack",
			"WARN low stock",
			"ERROR TypeError: not a function +7",
			"UNKNOWN 🚀 ready",
			"ERROR no stack here",
			"UNKNOWN listening again",
			"INFO Object(2) { +5",
			"UNKNOWN ┌─────────┬───┬───┐ +4",
			"WARN (node:4242) [DEP0999] DeprecationWarning: careful +1",
			"INFO before the rejection",
			"ERROR with a cause +10",
			"DEBUG done",
			"ERROR /app/app.js:26 +9",
		},
		"nest-console-plain.log": {
			"INFO Nest application successfully started",
			"UNKNOWN Server listening on 3000",
			"UNKNOWN connected to redis",
			"INFO multi +2",
			"UNKNOWN { +7",
			"ERROR Failed to create order +9",
			"WARN low stock",
			"ERROR TypeError: not a function +7",
			"UNKNOWN 🚀 ready",
			"ERROR no stack here +1",
			"INFO Object(2) { +5",
			"UNKNOWN ┌─────────┬───┬───┐ +4",
			"WARN (node:4242) [DEP0999] DeprecationWarning: careful +1",
			"INFO before the rejection",
			"ERROR with a cause +10",
			"DEBUG done",
			"ERROR /app/app.js:26 +9",
		},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got := eventsOf(string(text))
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestTheRestOfAMessageContinuesItsEvent: stacks, causes and messages of several lines, of
// Nest and of others.
func TestTheRestOfAMessageContinuesItsEvent(t *testing.T) {
	const nest = "[Nest] 1  - 01/29/2026, 12:00:00 PM "
	const text = "2026-01-29T12:00:00Z "
	for _, c := range []struct {
		lines string
		want  int
	}{
		{nest + "    LOG [X] multi\nline message\nthird\n", 1},
		{nest + "  ERROR [X] failed\nError: x\nof two lines\n    at a (b.js:1:1)\n", 1},
		{nest + "  ERROR [X] Nest can't resolve dependencies\n\nPotential solutions:\n- Is A a module?\n", 1},
		{nest + "    LOG [X] Values:\nA=1\nB=2\n", 1},
		{nest + "    LOG [X] Object(1) {\n  a: 1\n}\n", 1},
		{text + "INFO started\nServer listening on 3000\nconnected to redis\n", 3},
		{text + "INFO request failed\nTraceback (most recent call last):\n  File \"a.py\"\nZeroDivisionError: x\n", 1},
		{text + "WARN failed\njava.io.IOException: x\n\tat A.b(C.java:1)\nCaused by: java.lang.X\n\tat D.e(F.java:2)\n", 1},
		{text + "ERROR failed\nServer said no\n", 1},
		{text + "a line that names no level\nServer listening on 3000\n", 1},
		{"api-1  | " + text + "INFO a\ndb-1   | Ready for start up\napi-1  | " + text + "INFO b\n", 3},
		{`{"time":"2026-01-29T12:00:00Z","level":"error","msg":"x"}` + "\nlistening\n- one\n", 2},
		{`10.0.0.1 - - [29/Jan/2026:12:00:00 +0800] "GET / HTTP/1.1" 200 157` + "\nWhat is this\n", 1},
		{nest + "   WARN [Sql] SELECT *\nFROM orders\nWHERE id = 1\nORDER BY id\nLIMIT 3\n" + nest + "    LOG [X] a\n", 2},
		{text + "INFO SELECT a\nFROM b\nLEFT JOIN c ON 1\nFrom here on all is well\n", 2},
		{nest + "    LOG [X] a\n> shop@1.0.0 start\n[Health] Database check failed\n", 3},
	} {
		if got := eventsOf(c.lines); len(got) != c.want {
			t.Errorf("%d events, want %d, of\n%s%q", len(got), c.want, c.lines, got)
		}
	}
}

// TestALevelInSmallLettersBeginsAnEvent: as winston's simple form, git and psql print it, with and
// without colours; but an error that is logged goes on with its stack, which node-postgres begins
// so, and a traceback of Python may end so.
func TestALevelInSmallLettersBeginsAnEvent(t *testing.T) {
	const nest = "[Nest] 1  - 01/29/2026, 12:00:00 PM "
	const text = "2026-01-29T12:00:00Z "
	for lines, want := range map[string]string{
		text + "[lab] info: first\nerror: one\nerror: two\nwarn: low\n" + text + "[lab] info: second\n"://
		"INFO first|ERROR one|ERROR two|WARN low|INFO second",
		nest + "    LOG [X] first\nfatal: one\n\x1b[31merror\x1b[39m:   two\n    at a (b.js:1)\n\x1b[33mwarn\x1b[39m:   low\n"://
		"INFO first|FATAL one|ERROR two +1|WARN low",
		text + "INFO first\n\nerror: one\n": "INFO first +1|ERROR one",
		nest + "  ERROR [X] failed\nerror: duplicate key\n    at a (b.js:1)\nerror: one\nwarn: low\n"://
		"ERROR failed +2|ERROR one|WARN low",
		nest + "    LOG [X] Values:\nerror: 1\n": "INFO Values: +1",
		text + "INFO first\nTraceback (most recent call last):\n  File \"a.py\"\nerror: [Errno 111] refused\n"://
		"INFO first +3",
		text + "ERROR failed\nerror: one\n":                  "ERROR failed +1",
		text + "WARN first\nError: one\n    at a (b.js:1)\n": "WARN first +2",
	} {
		if got := strings.Join(eventsOf(lines), "|"); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", lines, got, want)
		}
	}
}

// TestAFlowIsKeptWhole: every state comes back from its bits.
func TestAFlowIsKeptWhole(t *testing.T) {
	for b := range uint8(128) {
		if f := FlowOf(b); f.Bits() != b || FlowOf(f.Bits()) != f {
			t.Errorf("%d has become %d", b, f.Bits())
		}
	}
}
