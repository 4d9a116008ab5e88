package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallLog writes a log of these lines with a configuration, and runs logs over it.
func smallLog(t *testing.T, text string) (dir string, logs func(args ...string) (code int, out, errs string)) {
	t.Helper()
	dir = t.TempDir()
	for name, b := range map[string][]byte{
		"app.log": []byte(text),
		"config.yaml": fmt.Appendf(nil, "services:\n  - name: app\n    logs: [%q]\nstate_dir: %q\n",
			filepath.Join(dir, "app.log*"), filepath.Join(dir, "state")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		all := append([]string{"--config", filepath.Join(dir, "config.yaml"), "--lang", "en", "logs"}, args...)
		code := run(context.Background(), all, stdio{in: strings.NewReader(""), out: &out, err: &errs})
		return code, out.String(), errs.String()
	}
}

// TestFlagsOfLogsThatSayNothingAreRefused: with 64 and the reason.
func TestFlagsOfLogsThatSayNothingAreRefused(t *testing.T) {
	_, logs := smallLog(t, "2026-01-29T12:00:00Z INFO x\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--stat", ""}, "--stat needs a value"},
		{[]string{"--pairs", ""}, "--pairs needs a value"},
		{[]string{"--compare", ""}, "--compare needs a value"},
		{[]string{"--over", "0"}, "--over"},
		{[]string{"--over", "0s"}, "--over needs a duration"},
		{[]string{"--top", "3"}, "--top needs --by, --pairs or --compare"},
		{[]string{"--sort", "best", "--by", "level"}, `must be one of "count","p50","p95","max","sum","name", not`},
		{[]string{"--pairs", "start /begin/ end /done/"}, "both need a group"},
		{[]string{"--pairs", "start begin end done"}, "both need a group"},
		{[]string{"--pairs", "start /(/ end /b/ by id"}, "missing closing ): `(`"},
		{[]string{"--since", "2026-01-29", "--until", "2026-01-29"}, "--until must be after --since"},
		{[]string{"--since", "2026-01-29", "--until", "2026-01-28"}, "--until must be after --since"},
	} {
		code, out, errs := logs(c.args...)
		if code != 64 || !strings.Contains(errs, c.want) || strings.Contains(errs, "?m") || out != "" {
			t.Errorf("%q: exit %d, want 64 and %q: %s%s", c.args, code, c.want, out, errs)
		}
	}
	code, out, errs := logs("--since", "2026-01-29", "--until", "2026-01-30", "--count")
	if code != 0 || out != "1\n" {
		t.Errorf("the whole day: exit %d, %s%s", code, out, errs)
	}
}

// TestAnEndDoesNotEndWhatBeganLater: where lines are out of order no operation has a negative duration.
func TestAnEndDoesNotEndWhatBeganLater(t *testing.T) {
	_, logs := smallLog(t, "2026-01-29T12:00:00Z INFO begin id=a\n"+
		"2026-01-29T12:00:09Z INFO begin id=a\n2026-01-29T12:00:04Z INFO done id=a\n"+
		"2026-01-29T12:00:20Z INFO begin id=b\n2026-01-29T12:00:15Z INFO done id=b\n")
	code, out, errs := logs("--json", "--pairs", "start begin end done by id")
	var doc pairsJSON
	if err := json.Unmarshal([]byte(out), &doc); code != 0 || err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, errs)
	}
	if doc.Pairs != 1 || doc.OpenCount != 2 || doc.NoStart != 1 || doc.Slowest[0].DurationMS != 4000 {
		t.Errorf("%+v", doc)
	}
	for _, o := range doc.Open {
		if o.DurationMS < 0 {
			t.Errorf("%s is unfinished for %v ms", o.ID, o.DurationMS)
		}
	}
	if _, _, errs = logs("--pairs", "start begin end done by id"); !strings.Contains(errs, "1 pair: ") {
		t.Errorf("not one pair: %s", errs)
	}
}

// TestSpansOfACompareDoNotOverlap: the good one ends where the bad one begins, and it is said.
func TestSpansOfACompareDoNotOverlap(t *testing.T) {
	var text strings.Builder
	for m := range 60 {
		fmt.Fprintf(&text, "2026-01-29T12:%02d:00Z INFO tick\n", m)
	}
	_, logs := smallLog(t, text.String())
	bad := []string{"--since", "2026-01-29T12:20:00Z", "--until", "2026-01-29T12:50:00Z"}
	code, out, errs := logs(append(bad, "--json", "--compare", "2026-01-29T12:10:00Z")...)
	var doc compareJSON
	if err := json.Unmarshal([]byte(out), &doc); code != 0 || err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, errs)
	}
	if doc.Good.Events != 10 || doc.Bad.Events != 30 || !doc.Good.Until.Equal(doc.Bad.Since) {
		t.Errorf("good %+v, bad %+v", doc.Good, doc.Bad)
	}
	if !strings.Contains(errs, "the good span ends at --since") {
		t.Errorf("it is not said: %s", errs)
	}
	for at, want := range map[string]int{
		"2026-01-29T12:20:00Z": 64, "2026-01-29T12:49:59Z": 64, "2026-01-29T12:50:00Z": 0, "2026-01-29T11:50:00Z": 0,
		"2026-01-28T00:00:00Z": 1, // nothing was logged then
	} {
		if code, out, errs := logs(append(bad, "--compare", at)...); code != want {
			t.Errorf("%s: exit %d, want %d: %s%s", at, code, want, out, errs)
		}
	}
	_, out, errs = logs(append(bad, "--compare", "2026-01-28T00:00:00Z", "tick")...)
	if !strings.Contains(errs, "nothing in the good span matches the query") || !strings.Contains(out, "NEW") {
		t.Errorf("%s%s", out, errs)
	}
}

// TestDocumentsOfADamagedLogSayIt: what was counted of a part is not all.
func TestDocumentsOfADamagedLogSayIt(t *testing.T) {
	dir, logs := smallLog(t, "2026-01-29T12:00:00Z INFO x id=1\n")
	for _, args := range [][]string{
		{"--count"}, {"--by", "level"}, {"--stat", "id"}, {"--over", "1h"}, {"--pairs", "start x end y by id"},
		{"--since", "2026-01-29T12:00:00Z", "--until", "2026-01-29T13:00:00Z", "--compare", "2026-01-29T11:00:00Z",
			"x"},
	} {
		path := filepath.Join(dir, "app.log.1.gz")
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if _, out, _ := logs(append(args, "--json")...); strings.Contains(out, "incomplete") || out == "" {
			t.Errorf("%q: whole logs: %s", args, out)
		}
		if err := os.WriteFile(path, []byte("\x1f\x8b\x08 broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, _ := logs(append(args, "--json")...)
		if want := args[0] == "--count"; (code == 1) != want {
			t.Errorf("%q: exit %d", args, code)
		}
		var doc incompleteJSON
		if err := json.Unmarshal([]byte(out), &doc); err != nil {
			t.Fatalf("%q: %v in %s", args, err, out)
		}
		if len(doc.Incomplete) != 1 || !strings.Contains(doc.Incomplete[0], "app.log.1.gz") ||
			!strings.Contains(doc.Incomplete[0], "damaged") {
			t.Errorf("%q: incomplete is %q", args, doc.Incomplete)
		}
	}
}

// TestACountOfAPartIsNotPrintedAsTheWhole: neither of some lines nor of none.
func TestACountOfAPartIsNotPrintedAsTheWhole(t *testing.T) {
	dir, logs := smallLog(t, "2026-01-29T12:00:00Z INFO x\n2026-01-29T12:00:01Z INFO x\n")
	if code, out, errs := logs("--count", "x"); code != 0 || out != "2\n" || errs != "" {
		t.Errorf("whole: exit %d: %s%s", code, out, errs)
	}
	if err := os.WriteFile(filepath.Join(dir, "app.log.1.gz"), []byte("\x1f\x8b\x08 broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	for query, said := range map[string]string{"x": "the rest has 2 events", "nosuch": "the rest has 0 events"} {
		code, out, errs := logs("--count", query)
		if code != 1 || out != "" || !strings.Contains(errs, said) || !strings.Contains(errs, "app.log.1.gz") {
			t.Errorf("%s: exit %d, out %q: %s", query, code, out, errs)
		}
	}
}

// TestWithoutLogsTheSentenceSaysSo: it does not end before the name of a log.
func TestWithoutLogsTheSentenceSaysSo(t *testing.T) {
	config := configFile(t, "services:\n  - name: app\n    logs: []\n")
	for lang, want := range map[string]string{"en": "no logs are configured\n", "zh": "没有配置日志\n"} {
		var out, errs bytes.Buffer
		code := run(context.Background(), []string{"--config", config, "--lang", lang, "logs"},
			stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if code != 1 || !strings.Contains(errs.String(), want) || out.Len() > 0 {
			t.Errorf("%s: exit %d: %s%s", lang, code, out.String(), errs.String())
		}
	}
}
