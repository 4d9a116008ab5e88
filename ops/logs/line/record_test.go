package line

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
)

// recordsOf reads a file of records one after the other, and what is no record line by line.
func recordsOf(t *testing.T, name string) (out []logs.Event) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	p := NewParser(time.UTC, testNow)
	lines := strings.SplitAfter(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		l := strings.TrimSuffix(lines[i], "\n")
		if l == "" {
			continue
		}
		if !OpensRecord(Visible([]byte(l), nil)) {
			e, _ := p.Parse([]byte(l))
			out = append(out, e)
			continue
		}
		e, ms, breaks, ok := p.Record(strings.Join(lines[i:], ""))
		if !ok || ms == Unset {
			t.Fatalf("%s:%d: %v, time %d", name, i+1, ok, ms)
		}
		e.Time = p.timeOf(ms)
		out = append(out, e)
		i += breaks
	}
	return out
}

// TestRecordsOfRealProgramsAreRead: each with its time, level, context and message.
func TestRecordsOfRealProgramsAreRead(t *testing.T) {
	for name, want := range map[string][]string{
		"winston-pretty.log": {
			"ERROR Orders payment failed", "WARN  it's low", "INFO  two\nlines", "INFO  GET /x", "VERBOSE  v",
			"DEBUG  d", "VERBOSE  s", "ERROR  ", "ERROR  kaputt", "INFO  hi \"there\"",
		},
		"journal-export.log": {
			"INFO qianzhang plain 客户", "ERROR qianzhang an error", "WARN qianzhang low stock", "INFO qianzhang red",
		},
		"journal-json.log": {
			"INFO qianzhang plain 客户", "ERROR qianzhang an error", "WARN qianzhang low stock", "INFO qianzhang red",
		},
	} {
		got := recordsOf(t, name)
		if len(got) != len(want) {
			t.Errorf("%s: %d records, want %d", name, len(got), len(want))
			continue
		}
		for i, e := range got {
			if say := fmt.Sprintf("%v %s %s", e.Level, e.Context, e.Message); say != want[i] {
				t.Errorf("%s: %q, want %q", name, say, want[i])
			}
			if e.Time.Format(time.DateOnly) != "2026-11-29" {
				t.Errorf("%s: at %v", name, e.Time)
			}
			for _, f := range e.Fields {
				if f.JSON && !json.Valid([]byte(f.Value)) {
					t.Errorf("%s: %s: %s is no JSON", name, f.Key, f.Value)
				}
			}
		}
	}
	stock := recordsOf(t, "winston-pretty.log")[1]
	if v, _ := stock.Field("stock"); v != `{"a":1,"b":[1,2,3]}` {
		t.Errorf("stock is %s", v)
	}
	stack := recordsOf(t, "winston-pretty.log")[8]
	if v, _ := stack.Field("stack"); !strings.HasPrefix(v, "Error: kaputt\n    at Object") {
		t.Errorf("stack is %q", v)
	}
}

// TestWhatIsNoRecord: an object of another kind, half of one, and one that goes on after it.
func TestWhatIsNoRecord(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	for _, text := range []string{
		"{\n  a: 1,\n  b: 2\n}\n",
		"{\n  level: 'error',\n  message: 'x',\n",
		"{\n  level: 'error',\n  message: 'x'\n} and more\n",
		"{\n",
		"{\n}\n",
		"{",
		"{ [ { ( '",
	} {
		if e, _, _, ok := p.Record(text); ok {
			t.Errorf("%q is %v %q", text, e.Level, e.Message)
		}
	}
}

// TestLevelsOfWebServers: what nginx and Apache wrote, by level; every line has its time.
func TestLevelsOfWebServers(t *testing.T) {
	for name, want := range map[string]map[logs.Level]int{
		"nginx-error.log":       {logs.LevelInfo: 16, logs.LevelError: 3},
		"nginx-access-time.log": {logs.LevelInfo: 1, logs.LevelWarn: 2, logs.LevelError: 1},
		"apache-error.log": {
			logs.LevelDebug: 43, logs.LevelInfo: 6, logs.LevelVerbose: 9, logs.LevelError: 3,
		},
		"apache-access.log": {logs.LevelInfo: 1, logs.LevelWarn: 2, logs.LevelError: 1},
	} {
		got := map[logs.Level]int{}
		for _, e := range recordsOf(t, name) {
			if got[e.Level]++; e.Level != logs.LevelUnknown && e.Time.Format(time.DateOnly) != "2026-11-29" {
				t.Errorf("%s: %q at %v", name, e.Message, e.Time)
			}
		}
		for l, n := range want {
			if got[l] != n {
				t.Errorf("%s: %d lines of %v, want %d", name, got[l], l, n)
			}
		}
		if got[logs.LevelUnknown] > 0 {
			t.Errorf("%s: %d lines have no level", name, got[logs.LevelUnknown])
		}
	}
}

// TestSystemdsTimeIsRead: "Sun 2026-11-29 14:02:13 UTC".
func TestSystemdsTimeIsRead(t *testing.T) {
	for _, e := range recordsOf(t, "journal-short-full.log") {
		if e.Time.UTC().Format(time.DateTime) != "2026-11-29 14:02:13" || e.Context != "qianzhang" {
			t.Errorf("%v [%s] %s", e.Time, e.Context, e.Message)
		}
	}
}

// TestAnEntryIsFoundAnywhere: at the beginning, behind line breaks, holes and what looks like one.
func TestAnEntryIsFoundAnywhere(t *testing.T) {
	for n := range 100 {
		before := strings.Repeat("_", n%3) + strings.Repeat("a_C\x00", n/4) + strings.Repeat("_\n", n%4)
		for _, text := range []string{"__CURSOR", "__CURSOR=", "__CURSOR=s", "_CURSOR=s", "\n__CURSOR=\n"} {
			for _, after := range []string{"", strings.Repeat("__C", 40)} {
				all := before + text + after
				if got, want := HoldsEntry([]byte(all)), strings.Contains(all, "__CURSOR="); got != want {
					t.Fatalf("%q: %v", all, got)
				}
			}
		}
	}
}
