package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"opsdeck/internal/commandline"
	"opsdeck/internal/version"
)

// This file builds the grammar of the one command that is named: the whole takes 7 ms more
// than the 11 that a command takes (measured, BenchmarkBinaryStart). What else is between
// the command line and kong is internal/commandline.

// wholeGrammar are the commands that speak about all the others.
var wholeGrammar = []string{"completion", "man"}

// grammar is the part of the command line that a run needs, and where its global
// flags are put. A command that is named stands alone in it: to build the whole
// takes longer than most commands do. asked tells that a shell wants completion.
func grammar(args []string, asked bool) (root any, flags *globals) {
	verb := verbOf(args)
	if field, ok := commandField(verb); ok && !asked && !slices.Contains(wholeGrammar, verb) {
		one := reflect.New(reflect.StructOf([]reflect.StructField{
			{Name: "Globals", Type: reflect.TypeFor[globals](), Tag: `embed:""`}, field}))
		return one.Interface(), one.Elem().Field(0).Addr().Interface().(*globals)
	}
	c := &cli{}
	return c, &c.globals
}

// commandField is the field of cli for a command's name.
func commandField(verb string) (reflect.StructField, bool) {
	of := reflect.TypeFor[cli]()
	field, ok := of.FieldByNameFunc(func(name string) bool { return verb != "" && strings.ToLower(name) == verb })
	return field, ok && len(field.Index) == 1 // the others are global flags
}

// verbOf is the first word that is no flag and no flag's value: "console" where
// there is none, and "" where all commands have to be known, as for --help.
func verbOf(args []string) string {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; arg {
		case "--config", "--lang", "--service", "--timeout":
			i++
		case "--help", "-h", "--":
			return ""
		default:
			if !strings.HasPrefix(arg, "-") {
				return arg
			}
		}
	}
	return "console"
}

func newParser(root any, a *app, exit func(int)) (*kong.Kong, error) {
	p, err := kong.New(root,
		kong.Name("opsdeck"),
		kong.Description(a.lang.T("A console for the operator of a MySQL-backed service.")),
		kong.Vars{"version": "opsdeck " + version.Get().String()},
		kong.Writers(a.out, a.err),
		kong.Exit(exit),
		kong.Help(commandline.Help(a.lang, a.width())),
		kong.Bind(a),
		kong.UsageOnError(),
	)
	if err != nil {
		return nil, err
	}
	commandline.Translate(p.Model.Node, a.lang)
	return p, nil
}

// cli is the table of contents: a line a verb, each in a file of its own.
type cli struct {
	globals

	Console    consoleCmd    `cmd:"" default:"1" help:"Open the console."`
	Status     statusCmd     `cmd:"" help:"Run all checks once; the exit code is the state."`
	Logs       logsGroup     `cmd:"" help:"Search the logs and follow them."`
	Backup     backupCmd     `cmd:"" help:"Make, list, verify, prune and copy backups, and drill restores."`
	Watch      watchCmd      `cmd:"" help:"Run the scheduled jobs instead of systemd or cron, and send alerts."`
	Alerts     alertsCmd     `cmd:"" help:"Show the alerts: firing, acknowledged, silenced and resolved."`
	Restore    restoreCmd    `cmd:"" help:"Restore the database in seven steps. You can detach, resume and undo."`
	Audit      auditCmd      `cmd:"" help:"Read the audit table: who did what."`
	Deploy     deployCmd     `cmd:"" help:"Check the machine, deploy a release, roll it back."`
	Serve      serveCmd      `cmd:"" help:"Serve health endpoints and Prometheus metrics over HTTP."`
	Doctor     doctorCmd     `cmd:"" help:"Check whether privileges, settings, folders and tools are ready for backup and restore."`
	Runbook    runbookCmd    `cmd:"" help:"Show what to do, step by step, when something happens."`
	Operations operationsCmd `cmd:"" help:"Show who changed what and when."`
	Config     configCmd     `cmd:"" help:"Write, show or check the configuration."`
	Completion completionCmd `cmd:"" help:"Print the completion code for a shell."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`
}
