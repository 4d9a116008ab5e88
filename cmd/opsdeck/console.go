package main

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"opsdeck/internal/clipboard"
	"opsdeck/internal/lang"
	"opsdeck/internal/version"
	"opsdeck/ops"
	"opsdeck/tui"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// consoleGC is the console's GOGC: how far its heap may grow, in percent.
const consoleGC = 50

type consoleCmd struct {
	Tab string `placeholder:"NAME" help:"The tab to open first: status, logs, audit, backups or restore."`
}

// Run opens the console. It needs a terminal on both sides.
func (c *consoleCmd) Run(ctx context.Context, a *app) error {
	if err := c.terminal(a); err != nil {
		return err
	}
	loaded, err := a.config()
	if err != nil {
		return err
	}
	state, err := a.stateDir()
	if err != nil {
		return err
	}
	// The console asks the terminal nothing at its start: a slow line would make
	// it wait. The libraries beneath must not ask either.
	lipgloss.SetHasDarkBackground(true)
	lipgloss.SetColorProfile(termenv.ANSI)
	look := a.look()
	// The console stays open for days beside the service: its heap is small, and
	// collecting it twice as often costs less than what it would grow to.
	debug.SetGCPercent(consoleGC)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.lang = lang.For(a.lang.Code()) // the console names keys, and the command where no key does it
	env := &page.Env{
		Ctx:      ctx,
		Lang:     a.lang,
		Theme:    theme.New(look),
		Clock:    a.clock,
		Zone:     time.Local,
		ReadOnly: a.flags.ReadOnly,
	}
	if loaded.Console.UTC {
		env.Zone = time.UTC
	}
	pages, err := a.pages(env)
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	run := tui.Run
	if a.flags.Plain {
		run = tui.RunPlain
	}
	err = run(ctx, tui.Options{
		Env:       env,
		Pages:     pages,
		Host:      host,
		Program:   a.again(),
		Start:     c.Tab,
		Actions:   demoActions(a, env),
		Theme:     look,
		Runbooks:  openRunbooks(a, env),
		Copy:      clipboard.Clipboard{Out: a.out, Getenv: a.getenv, Dir: state}.Put,
		ReportDir: state,
		Version:   "opsdeck " + version.Get().String(),
	}, os.Stdin, os.Stdout)
	var crash *tui.CrashError
	if errors.As(err, &crash) {
		return ops.Wrap(err, ops.Failed, lang.M("the console crashed; nothing that runs on the server was affected")).
			WithHint(lang.M("the report is in %s; a running restore continues: opsdeck restore status", crash.Report))
	}
	if err == nil && ctx.Err() != nil ||
		errors.Is(err, tui.ErrHangup) { // ended by a signal or a hangup, not by the person
		return exitCode(ops.Interrupted)
	}
	return err
}

// terminal refuses what the console cannot be drawn on. A plain one only prints.
func (c *consoleCmd) terminal(a *app) error {
	if a.flags.Plain {
		return nil
	}
	if !isTerminal(a.in) || !isTerminal(a.out) {
		return ops.E(ops.Usage, lang.M("the console needs a terminal")).
			WithHint(lang.M("in scripts use a command; `opsdeck --help` lists them"))
	}
	if t := a.getenv("TERM"); t == "" || t == "dumb" {
		return ops.E(ops.Usage, lang.M("the terminal type %q cannot move its cursor", t)).
			WithHint(lang.M("set TERM, for example TERM=xterm-256color, or use a command"))
	}
	return nil
}
