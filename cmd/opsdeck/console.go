package main

import (
	"bufio"
	"context"
	"errors"
	"io"
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
	"opsdeck/tui/statusview"
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
	view := tui.SwitchError{Page: c.Tab, Theme: look, Lang: a.lang.Code(), Zone: time.Local}
	if loaded.Console.UTC {
		view.Zone = time.UTC
	}
	run := tui.Run
	in := io.Reader(os.Stdin)
	if a.flags.Plain {
		run = tui.RunPlain
		in = bufio.NewReader(os.Stdin) // read on by the next service's console
	}
	for next := &view; ; {
		err = openConsole(ctx, a, *next, tui.Options{
			Copy:      clipboard.Clipboard{Out: a.out, Getenv: a.getenv, Dir: state}.Put,
			ReportDir: state,
			Version:   "opsdeck " + version.Get().String(),
		}, func(ctx context.Context, o tui.Options) error { return run(ctx, o, in, os.Stdout) })
		if !errors.As(err, &next) {
			break
		}
		show(a.settings, next.Service)
	}
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

// openConsole shows one service until the console is left, or another is chosen.
func openConsole(ctx context.Context, a *app, view tui.SwitchError, o tui.Options,
	run func(context.Context, tui.Options) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.lang = lang.For(view.Lang) // the console names keys, and the command where no key does it
	env := &page.Env{
		Ctx:      ctx,
		Lang:     a.lang,
		Theme:    theme.New(view.Theme),
		Clock:    a.clock,
		Zone:     view.Zone,
		ReadOnly: a.flags.ReadOnly,
	}
	pages, err := a.pages(env)
	if err != nil {
		return err
	}
	o.Env = env
	o.Pages = pages
	o.Start = view.Page
	o.Theme = view.Theme
	o.Host, _ = os.Hostname()
	o.Program = a.programFor(env.Service)
	o.Services = servicesOfConsole(a.settings)
	o.Actions = demoActions(a, env)
	o.Runbooks = openRunbooks(a, env)
	if l, err := a.config(); err == nil && l.Path == "" {
		o.First = defaultsUsed(l)
	}
	return run(ctx, o)
}

// servicesOfConsole are the services that the console can show.
func servicesOfConsole(s *settings) tui.Services {
	l, err := s.config()
	if err != nil {
		return tui.Services{}
	}
	services := tui.Services{Names: l.Names(), Program: s.programFor}
	if s.flags.Service == "" {
		services.Over = statusview.ID
	}
	return services
}

// show makes a service the one that the console shows.
func show(s *settings, service string) {
	if s.flags.Service != "" {
		s.flags.Service = service
		return
	}
	s.shown = service
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
