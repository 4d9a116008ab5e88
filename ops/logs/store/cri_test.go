package store

import (
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

const criAt = "2026-01-29T12:00:00.123456789Z"

func TestLinesOfKubernetesAreWhatTheContainerWrote(t *testing.T) {
	var d line.Docker
	var out []byte
	for _, line := range []string{
		criAt + " stdout P [Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [Order",
		criAt + " stderr F Error: x",
		criAt + " stdout F Service] one two",
		criAt + " stdout F ",
		criAt + " stdout F", // an empty line of CRI-O
		criAt + " stdout F:x \x1b[31mred\x1b[39m",
		criAt + " stdout X not one",
		"2026-01-29 12:00:00 stdout F not one either",
		criAt + " stderr P no end",
	} {
		out = d.Unwrap(out, []byte(line))
	}
	out = d.Rest(out)
	const want = "Error: x\n[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [OrderService] one " +
		"two\n\n\n\x1b[31mred\x1b[39m\n" +
		criAt + " stdout X not one\n2026-01-29 12:00:00 stdout F not one either\nno end\n"
	if got := line.Unmarked(string(out)); got != want {
		t.Errorf("%q", got)
	}
	p := line.NewParser(time.UTC, testNow)
	e, _ := p.Parse(out[:len(line.MarkLead)+len("2;1769688000123m")+len("Error: x")])
	if s, _ := e.Field("stream"); s != "stderr" || e.Time.UnixMilli() != 1769688000123 || e.Raw != "Error: x" {
		t.Errorf("%+v", e)
	}
}

func TestWhatKubernetesWroteIsKnownByItsBeginning(t *testing.T) {
	for head, want := range map[string]bool{
		criAt + " stdout F x\nanything":            true,
		criAt + " stderr P x":                      true,
		"2026-01-29T12:00:00.1+08:00 stdout F x\n": true,
		criAt + " INFO stdout F x\n":               false,
		criAt + " stdout FF x\n":                   false,
		"":                                         false,
	} {
		if line.IsCRI([]byte(head)) != want || line.IsWrapped([]byte(head)) != want {
			t.Errorf("%q: want %v", head, want)
		}
	}
}

// TestALineOfKubernetesIsUnderstoodByItself: as it comes by a pipe.
func TestALineOfKubernetesIsUnderstoodByItself(t *testing.T) {
	p := line.NewParser(time.UTC, testNow)
	e, kind := p.Parse([]byte(criAt + ` stderr F {"level":"warn","context":"Pay","message":"late"}`))
	if s, _ := e.Field("stream"); kind != line.KindHead || e.Level != logs.LevelWarn || e.Context != "Pay" ||
		e.Message != "late" ||
		s != "stderr" ||
		e.Time.UnixMilli() != 1769688000123 {
		t.Errorf("%v %+v", kind, e)
	}
	if e, kind := p.Parse([]byte(criAt + "     stdout F x")); e.Message == "x" || kind != line.KindHead {
		t.Errorf("%v %+v", kind, e)
	}
	if e, kind := p.Parse([]byte(criAt + " stdout F     at f (/app/a.ts:1:2)")); kind != line.KindCont ||
		e.Message != "    at f (/app/a.ts:1:2)" {
		t.Errorf("%v %+v", kind, e)
	}
}

// TestTheElasticCommonSchemaIsUnderstood: its names flat and nested.
func TestTheElasticCommonSchemaIsUnderstood(t *testing.T) {
	p := line.NewParser(time.UTC, testNow)
	for line, want := range map[string]logs.Event{
		`{"@timestamp":"2026-01-29T12:00:00.123Z","log.level":"error","message":"boom","service.name":"orders","error.stack_trace":"Error: boom\n    at a"}`:      {Level: logs.LevelError, Context: "orders", Message: "boom"},
		`{"@timestamp":"2026-01-29T12:00:00.123Z","log":{"level":"warn","logger":"Pay"},"message":"late","service":{"name":"orders"}}`:                            {Level: logs.LevelWarn, Context: "Pay", Message: "late"},
		`{"@timestamp":"2026-01-29T12:00:00.123Z","log.level":"ERROR","log.logger":"Pay","service":{"name":"orders"},"error":{"message":"no","stack_trace":"x"}}`: {Level: logs.LevelError, Context: "Pay", Message: "no"},
	} {
		e, _ := p.Parse([]byte(line))
		if e.Level != want.Level || e.Context != want.Context || e.Message != want.Message ||
			e.Time.UnixMilli() != 1769688000123 {
			t.Errorf("%s: %v %q %q %v", line, e.Level, e.Context, e.Message, e.Time)
		}
	}
}
