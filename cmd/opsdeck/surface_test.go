package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Every command is one of these: a new one has to be put into a list, and so to
// be thought about.
var (
	// readingCommands change nothing that lasts.
	readingCommands = []string{
		"console",
		"status",
		"logs search",
		"audit list",
		"audit trace",
		"audit stats",
		"audit export",
		"backup list",
		"backup show",
		"backup drills",
		"backup schedule show",
		"restore status",
		"restore standby status",
		"restore attach",
		"restore report",
		"restore lost",
		"alerts",
		"watch rules",
		"watch silences",
		"serve",
		"deploy plan",
		"deploy status",
		"doctor",
		"runbook",
		"operations",
		"config show",
		"config check",
		"completion",
		"man",
	}
	// changingCommands are called so that they would change something.
	changingCommands = map[string][]string{
		"logs learn":              {"surface_test.go", "--write"},
		"audit archive":           {"--year", "2020", "--delete"},
		"audit restore-archive":   {"audit_logs_2020.sql.gz"},
		"backup create":           nil,
		"backup verify":           {"--deep"},
		"backup prune":            nil,
		"backup remove":           {"x"},
		"backup accept":           {"x"},
		"backup drill":            nil,
		"backup sync":             nil,
		"backup schedule install": nil,
		"backup schedule remove":  nil,
		"backup schedule run":     {"daily"},
		"restore run":             nil,
		"restore resume":          nil,
		"restore abort":           nil,
		"restore undo":            nil,
		"restore drop-old":        nil,
		"restore standby run":     nil,
		"restore standby rebuild": nil,
		"restore standby remove":  nil,
		"restore set-aside":       {"x"},
		"restore rescue":          {"--table", "t", "--merge", "all"},
		"watch run":               nil,
		"watch test":              {"hook"},
		"watch silence":           {"mysql", "--for", "1h", "--why", "x"},
		"watch unsilence":         {"mysql"},
		"watch ack":               {"mysql"},
		"watch install":           nil,
		"config init":             nil,
		"deploy check":            {"--fix"},
		"deploy run":              nil,
		"deploy undo":             nil,
	}
	// destructiveCommands replace or remove rows or files: a name confirms them.
	destructiveCommands = []string{
		"deploy run",
		"deploy undo",
		"audit archive",
		"backup prune",
		"backup remove",
		"backup accept",
		"restore run",
		"restore abort",
		"restore undo",
		"restore drop-old",
		"restore standby remove",
		"restore rescue",
	}
	// jsonCommands print JSON when asked to.
	jsonCommands = []string{
		"status",
		"runbook",
		"logs search",
		"logs learn",
		"audit list",
		"audit trace",
		"audit stats",
		"audit export",
		"audit archive",
		"audit restore-archive",
		"backup create",
		"backup list",
		"backup show",
		"backup verify",
		"backup prune",
		"backup remove",
		"backup accept",
		"backup drill",
		"backup drills",
		"backup sync",
		"backup schedule show",
		"restore run",
		"restore status",
		"restore standby run",
		"restore standby rebuild",
		"restore standby status",
		"restore standby remove",
		"restore attach",
		"restore resume",
		"restore abort",
		"restore undo",
		"restore drop-old",
		"restore set-aside",
		"restore report",
		"restore lost",
		"restore rescue",
		"alerts",
		"watch rules",
		"watch silences",
		"operations",
		"doctor",
		"config show",
		"config check",
		"deploy check",
		"deploy plan",
		"deploy run",
		"deploy undo",
		"deploy status",
	}
)

// leaves are the commands that do something, by their words.
func leaves(t *testing.T) map[string]*kong.Node {
	t.Helper()
	var c cli
	a := newApp(stdio{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}}, os.Getenv, &c.globals)
	a.lang = earlyLang(nil, os.Getenv)
	parser, err := newParser(&c, a, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*kong.Node{}
	for _, n := range parser.Model.Leaves(true) {
		words := n.Name
		for at := n.Parent; at != nil && at.Parent != nil; at = at.Parent {
			words = at.Name + " " + words
		}
		all[words] = n
	}
	return all
}

func hasFlag(n *kong.Node, name string) bool {
	return slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == name })
}

func TestEveryCommandHasTheFlagsOfItsKind(t *testing.T) {
	all := leaves(t)
	for name, n := range all {
		_, changes := changingCommands[name]
		if changes == slices.Contains(readingCommands, name) {
			t.Errorf("%s is in neither or both of the lists of reading and changing commands", name)
		}
		if changes && !hasFlag(n, "dry-run") {
			t.Errorf("%s changes something and has no --dry-run", name)
		}
		if slices.Contains(destructiveCommands, name) && !hasFlag(n, "confirm") {
			t.Errorf("%s destroys something and has no --confirm", name)
		}
		if slices.Contains(jsonCommands, name) != hasFlag(n, "json") {
			t.Errorf("%s: --json is %v", name, hasFlag(n, "json"))
		}
		if n.Help == "" {
			t.Errorf("%s has no help", name)
		}
	}
	for _, list := range [][]string{readingCommands, destructiveCommands, jsonCommands} {
		for _, name := range list {
			if all[name] == nil {
				t.Errorf("there is no command %s", name)
			}
		}
	}
}

func TestReadOnlyRefusesEveryCommandThatChangesSomething(t *testing.T) {
	config := configFile(
		t,
		"services:\n  - name: q\n    database: {name: q, host: 127.0.0.1, port: 1}\n    backup: {dir: "+t.TempDir()+
			"}\nstate_dir: "+t.TempDir()+"\n",
	)
	for name, args := range changingCommands {
		t.Run(name, func(t *testing.T) {
			line := append(
				append([]string{"--read-only", "--config", config, "--lang", "en"}, strings.Fields(name)...),
				args...)
			var out, errs bytes.Buffer
			code := run(context.Background(), line, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			if code != 64 || !strings.Contains(errs.String(), "refused: opsdeck was started with --read-only") {
				t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
			}
		})
	}
}
