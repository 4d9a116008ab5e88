package main

import (
	"opsdeck/internal/commandline"
	"os"
	"strings"
	"testing"
)

func TestTheWordsOfAQueryStandAnywhere(t *testing.T) {
	for args, want := range map[string]string{
		"audit list -action:DELETE --json":               "audit list --json -- -action:DELETE",
		"audit user:1 --limit 5 x --json":                "audit --limit 5 --json -- user:1 x",
		"audit export x -text~a -o f -user:1":            "audit export -o f -- x -text~a -user:1",
		"--lang zh audit stats --since 2d user:1 --json": "--lang zh audit stats --since 2d --json -- user:1",
		"audit list -user:1 --yes -- -o:x --json":        "audit list --yes -- -user:1 -o:x --json",
		"audit trace ORDER 1 --json":                     "audit trace ORDER 1 --json",
		"logs timeout --level ERROR order -f":            "logs --level ERROR -f -- timeout order",
		"logs --source - x -C 3 y":                       "logs --source - -C 3 -- x y",
		"backup show NAME --json":                        "backup show NAME --json",
		"audit list --limit=3 a":                         "audit list --limit=3 -- a",
	} {
		root, flags := grammar(strings.Fields(args), false)
		parser, err := newParser(
			root,
			newApp(stdio{}, os.Getenv, flags),
			func(int) {},
		)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(commandline.Words(parser.Model.Node, strings.Fields(args)), " "); got != want {
			t.Errorf("%s becomes\n%s, not\n%s", args, got, want)
		}
	}
}
