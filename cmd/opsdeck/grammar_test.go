package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// saidBy is what a run says with a grammar.
func saidBy(t *testing.T, root any, flags *globals, args []string) string {
	t.Helper()
	var out bytes.Buffer
	a := newApp(stdio{in: strings.NewReader(""), out: &out, err: &out}, os.Getenv, flags)
	a.lang = earlyLang(args, os.Getenv)
	parser, err := newParser(root, a, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		a.fail(usageError(err))
	}
	return out.String()
}

func TestACommandAloneReadsAsAmongTheOthers(t *testing.T) {
	t.Parallel()
	for name := range leaves(t) {
		for _, tail := range [][]string{{"--help"}, {"--nosuchflag"}, {"--lang", "zh", "--help"}} {
			args := append(strings.Fields(name), tail...)
			root, flags := grammar(args, false)
			var c cli
			if alone, whole := saidBy(t, root, flags, args), saidBy(t, &c, &c.globals, args); alone != whole ||
				alone == "" {
				t.Errorf("%v\nalone\n%s\namong the others\n%s", args, alone, whole)
			}
		}
	}
}

func TestTheVerbIsFoundAmongFlags(t *testing.T) {
	for line, want := range map[string]string{
		"": "console", "--ascii": "console", "status": "status", "--config status logs x": "logs",
		"--config=a status":                "status",
		"--lang zh --no-color backup list": "backup", "--help": "", "-h status": "", "-- status": "",
		"--service s": "console",
	} {
		if got := verbOf(strings.Fields(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// BenchmarkCommandLine is what every start pays before its command begins.
func BenchmarkCommandLine(b *testing.B) {
	for _, line := range []string{"--version", "status --help"} {
		b.Run(line, func(b *testing.B) {
			for b.Loop() {
				run(context.Background(), strings.Fields(line), stdio{strings.NewReader(""), io.Discard, io.Discard})
			}
		})
	}
}

// BenchmarkBinaryStart is the real program from its start to its end: the goals
// are 15 ms for a start, and 30 ms to the first answer of status against a port
// that refuses.
func BenchmarkBinaryStart(b *testing.B) {
	bin, err := program()
	if err != nil {
		b.Fatal(err)
	}
	config := configFile(
		b,
		"services:\n  - name: q\n    health: {url: \"http://127.0.0.1:1\"}\n    database: {name: q, host: "+
			"127.0.0.1, port: 1, user: u}\n    process: {kind: none}\n",
	)
	for _, line := range []string{"--version", "status --only mysql,redis,health,ready --config " + config} {
		b.Run(strings.Fields(line)[0], func(b *testing.B) {
			for b.Loop() {
				exec.Command(bin, strings.Fields(line)...).Run() // its exit code is the state
			}
		})
	}
}
