package store

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	logline "opsdeck/ops/logs/line"
)

// wrap writes a line as Docker's json-file driver does: in parts of 16 kB.
func wrap(t testing.TB, line, stream, at, attrs string) (out []string) {
	const most = 16 << 10
	for text := line + "\n"; text != ""; {
		n := min(len(text), most)
		log, err := json.Marshal(text[:n])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, `{"log":`+string(log)+`,"stream":"`+stream+`"`+attrs+`,"time":"`+at+`"}`)
		text = text[n:]
	}
	return out
}

// unwrap reads wrapped lines.
func unwrap(lines []string) []string {
	var d logline.Docker
	var out []byte
	for _, line := range lines {
		out = d.Unwrap(out, []byte(line))
	}
	out = d.Rest(out)
	return strings.Split(strings.TrimSuffix(logline.Unmarked(string(out)), "\n"), "\n")
}

func TestDockersLinesAreWhatTheContainerWrote(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	lines := []string{
		`{"level":"ERROR","message":"a \"quoted\" <tag> & \\n"}`,
		"\x1b[32m[Nest] 1\x1b[39m 客户 😀",
		"",
		"\ttab",
		strings.Repeat("x", 16<<10-1),
		strings.Repeat("x", 16<<10),
		strings.Repeat(`\`, 40_000),
	}
	for range 20 {
		lines = append(lines, strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(80_000)))
	}
	for _, attrs := range []string{"", `,"attrs":{"tag":"a,b\"}","n":"1"}`} {
		var wrapped []string
		for _, line := range lines {
			wrapped = append(wrapped, wrap(t, line, "stdout", "2026-01-29T12:00:00.123456789Z", attrs)...)
		}
		got := unwrap(wrapped)
		if len(got) != len(lines) {
			t.Fatalf("%d lines, want %d", len(got), len(lines))
		}
		for i := range lines {
			if got[i] != lines[i] {
				t.Errorf("line %d of %d bytes has become %.60q of %d", i, len(lines[i]), got[i], len(got[i]))
			}
		}
	}
}

func TestPartsOfOneStreamAreJoinedAcrossTheOther(t *testing.T) {
	long := strings.Repeat("o", 40_000)
	parts := wrap(t, long, "stdout", "2026-01-29T12:00:00Z", "")
	err := wrap(t, "an error between", "stderr", "2026-01-29T12:00:00.1Z", "")
	got := unwrap([]string{parts[0], err[0], parts[1], parts[2], "not wrapped", parts[0]})
	want := []string{"an error between", long, "not wrapped", long[:16<<10]}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d lines of %d bytes", len(got), len(strings.Join(got, "")))
	}
}

func TestAMarkTellsTimeAndStreamAndIsNotSeen(t *testing.T) {
	var d logline.Docker
	p := logline.NewParser(time.UTC, testNow)
	for text, want := range map[string]string{
		"listening": "2026-01-29T12:00:00.5Z",
		"[Nest] 1  - 01/29/2026, 11:00:00 AM     LOG [A] x": "2026-01-29T11:00:00Z",
	} {
		line := d.Unwrap(nil, []byte(wrap(t, text, "stderr", "2026-01-29T12:00:00.5Z", "")[0]))
		e, _ := p.Parse(logline.TrimCR(line[:len(line)-1]))
		stream, _ := e.Field("stream")
		if got := e.Time.UTC().Format(time.RFC3339Nano); got != want || e.Raw != text || stream != "stderr" {
			t.Errorf("%q: at %s, raw %q, stream %q", text, got, e.Raw, stream)
		}
		if seen := string(logline.Visible(line, nil)); seen != text+"\n" {
			t.Errorf("seen is %q", seen)
		}
	}
}

func TestWhereAContainersLineEndsIsSeenByTheEndOfItsPart(t *testing.T) {
	for text, want := range map[string]bool{`a\n`: true, `a`: false, `a\\n`: false, `\\\n`: true, `n`: false, `","stream":\"\n`: true} {
		if got := logline.DockerBreak([]byte(`{"log":"` + text + `","stream":"stdout","time":"2026-01-29T12:00:00Z"}`)); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if got := logline.DockerBreak([]byte(`{"log": "` + text + `", "stream": "stdout", "time": "2026-01-29T12:00:00Z"}`)); got != want {
			t.Errorf("%s: %v, with blanks", text, got)
		}
	}
}

func TestDockersFormWithBlanksIsTheSame(t *testing.T) {
	line := `{"log": "a \"b\"\n", "stream": "stderr", "attrs": {"tag": "x"}, "time": "2026-01-29T12:00:00Z"}`
	if got := unwrap([]string{line}); len(got) != 1 || got[0] != `a "b"` || !logline.IsDocker([]byte(line+"\n")) {
		t.Errorf("%q", got)
	}
	if other := `{"log": "a", "level": "info"}`; logline.IsDocker([]byte(other + "\n")) {
		t.Error("an application's JSON is taken for Docker's")
	}
}

func FuzzDocker(f *testing.F) {
	f.Add([]byte(`{"log":"a\n","stream":"stdout","time":"2026-01-29T12:00:00Z"}`), []byte("x"))
	f.Add([]byte(`{"log":"\u0000\ud83d","stream":"stderr","attrs":{},"time":""}`), []byte(`{"log":"`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var d logline.Docker
		out := d.Rest(d.Unwrap(d.Unwrap(nil, a), b))
		if len(out) > 0 && out[len(out)-1] != '\n' {
			t.Fatalf("a line without its break: %q", out)
		}
		logline.NewParser(time.UTC, testNow).Parse(out)
		logline.IsDocker(a)
		logline.DockerBreak(a)
	})
}
