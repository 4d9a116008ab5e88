package main

import (
	"context"
	"os"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"opsdeck/internal/clipboard"
	"opsdeck/ops/site/runbooks"
	"opsdeck/tui"
	"opsdeck/tui/page"
	"opsdeck/tui/runbookview"
	"opsdeck/tui/theme"
)

// runbooksOf are the runbooks of the console's service.
func runbooksOf(a *app) (runbooks.Console, error) {
	s, err := a.consoleService()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) runbooks.Place {
		p := a.placeOf(s)
		if sh, err := a.shelfOf(s); err == nil {
			p = p.WithNewest(runbooks.NewestGood(ctx, sh.Shelf))
		}
		return p
	}, nil
}

// openRunbooks opens the runbooks from the console's help and palette.
func openRunbooks(a *app, env *page.Env) func() tea.Cmd {
	all, err := runbooksOf(a)
	if err != nil {
		return nil
	}
	return func() tea.Cmd { return runbookview.Open(env, all) }
}

// showRunbook shows a runbook on the terminal, with its commands to run.
func showRunbook(ctx context.Context, a *app, all runbooks.Console, name string) error {
	book, err := all.Read(ctx, name)
	if err != nil {
		return err
	}
	look := a.look()
	lipgloss.SetHasDarkBackground(true)
	lipgloss.SetColorProfile(termenv.ANSI)
	state, _ := a.stateDir()
	env := &page.Env{Ctx: ctx, Lang: a.lang, Theme: theme.New(look), Clock: a.clock, ReadOnly: a.flags.ReadOnly}
	return tui.Show(ctx, tui.Options{Env: env, Theme: look, ReportDir: state,
		Copy: clipboard.Clipboard{Out: a.out, Getenv: a.getenv, Dir: state}.Put},
		runbookview.New(env, all, book), os.Stdin, os.Stdout)
}
