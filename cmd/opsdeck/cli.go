package main

import (
	"cmp"
	"context"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"opsdeck/internal/lang"
)

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

// globals are the flags of every command.
type globals struct {
	ConfigFile string           `name:"config" placeholder:"FILE" help:"Configuration file." type:"path"`
	Lang       string           `placeholder:"en|zh" enum:",en,zh" default:"" help:"Language: en or zh; else by LC_ALL, LC_MESSAGES, LANG."`
	NoColor    bool             `help:"No colour; NO_COLOR, TERM=dumb and pipes do the same."`
	ASCII      bool             `name:"ascii" help:"Borders and marks in ASCII."`
	Plain      bool             `help:"No colour, only ASCII marks; the console prints and reads lines, for screen readers."`
	ReadOnly   bool             `help:"Refuse every operation that changes something."`
	Service    string           `placeholder:"NAME" help:"The service to act on, when several are configured."`
	Timeout    time.Duration    `placeholder:"DUR" help:"Stop after this long."`
	Version    kong.VersionFlag `help:"Print the version."`
}

// run is the program: arguments in, exit code out.
func run(ctx context.Context, args []string, io stdio) int {
	_, completes := os.LookupEnv("COMP_LINE")
	root, flags := grammar(args, completes)
	a := newApp(io, os.Getenv, flags)
	a.until(ctx)
	a.lang = earlyLang(args, os.Getenv)
	code := -1
	parser, err := newParser(root, a, func(n int) { code = n })
	if err != nil {
		return a.fail(err)
	}
	if completes {
		complete(ctx, a, parser.Model.Node)
		return 0
	}
	kctx, err := parser.Parse(wordsLast(parser.Model.Node, joinNegatives(parser.Model.Node, args)))
	if code >= 0 { // --help and --version are done
		return code
	}
	a.speak(a.lang.Code())
	if err != nil {
		return a.failAs(args, usageError(err))
	}
	if err := cmp.Or(negative(kctx), empty(kctx)); err != nil {
		return a.failAs(args, err)
	}
	if flags.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, flags.Timeout)
		defer cancel()
		a.until(ctx)
	}
	flags.ASCII = flags.ASCII || flags.Plain
	a.ascii = flags.ASCII
	a.color = colorWanted(io.out, flags.NoColor || flags.Plain, os.Getenv)
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = a.bounded(ctx, kctx.Command(), func() error { return kctx.Run(a) })
	return a.failAs(args, err)
}

// earlyLang finds the language before the command line is parsed, so that its
// errors and help are in it too.
func earlyLang(args []string, getenv func(string) string) *lang.Printer {
	for i, arg := range args {
		if v, ok := strings.CutPrefix(arg, "--lang="); ok {
			return lang.For(v)
		}
		if arg == "--lang" && i+1 < len(args) {
			return lang.For(args[i+1])
		}
		if arg == "--" {
			break
		}
	}
	return lang.FromEnv(getenv)
}
