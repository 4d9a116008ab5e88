package main

import (
	"context"
	"os"
	"os/exec"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"opsdeck/internal/clipboard"
	"opsdeck/internal/lang"
	"opsdeck/ops/site/runbooks"
	"opsdeck/tui"
	"opsdeck/tui/page"
	"opsdeck/tui/runbookview"
	"opsdeck/tui/theme"
)

// shelfOfRunbooks are the runbooks of a service, for the console and the pager.
type shelfOfRunbooks struct {
	app   *app
	place func(context.Context) runbooks.Place
}

// runbooksOf are the runbooks of the console's service.
func runbooksOf(a *app) (shelf shelfOfRunbooks, err error) {
	s, err := a.consoleService()
	if err != nil {
		return shelf, err
	}
	return shelfOfRunbooks{a, func(ctx context.Context) runbooks.Place {
		p := a.placeOf(s)
		if sh, err := a.shelfOf(s); err == nil {
			p = p.WithNewest(runbooks.NewestGood(ctx, sh.Shelf))
		}
		return p
	}}, nil
}

// openRunbooks opens the runbooks from the console's help and palette.
func openRunbooks(a *app, env *page.Env) func() tea.Cmd {
	shelf, err := runbooksOf(a)
	if err != nil {
		return nil
	}
	return func() tea.Cmd { return runbookview.Open(env, shelf) }
}

// Entries are the runbooks.
func (s shelfOfRunbooks) Entries() (out []runbookview.Entry) {
	for _, r := range runbooks.All {
		out = append(out, runbookview.Entry{Name: r.Name, When: r.When})
	}
	return out
}

// Read fills a runbook for the service.
func (s shelfOfRunbooks) Read(ctx context.Context, name string) (b runbookview.Book, err error) {
	r, _ := runbooks.Named(name)
	p := s.place(ctx)
	b.Service = p.Service()
	b.Entry = runbookview.Entry{Name: r.Name, When: r.When}
	for _, step := range r.Steps(p) {
		one := runbookview.Step{Do: step.Do}
		for _, line := range step.Commands {
			one.Commands = append(one.Commands, runbookview.Command{
				Line: line, Fill: runbooks.NeedsFilling(line), Harm: runbooks.Destroys(line)})
		}
		b.Steps = append(b.Steps, one)
	}
	return b, ctx.Err()
}

// runInTerminal runs its first argument, says how it ended by the second, and waits. The
// command is a job of its own, so that ctrl-C ends it and not the console; opsdeck in it is
// this program, wherever it is installed.
const runInTerminal = `opsdeck() { "$OPSDECK_PROGRAM" "$@"; }; export -f opsdeck; export OPSDECK_PROGRAM="$4"; ` +
	`printf '$ %s\n\n' "$1"; set -m; bash -c "$1"; code=$?; set +m; ` +
	`printf '\n%s: %d\n%s' "$2" "$code" "$3"; stty -isig 2>/dev/null; read -r _; stty isig 2>/dev/null`

// Command runs a line in the terminal.
func (s shelfOfRunbooks) Command(l *lang.Printer, line string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = "opsdeck"
	}
	c := exec.Command("bash", "-c", runInTerminal, "opsdeck", line, l.T("exit code"),
		l.T("Press Enter to return to opsdeck."), self)
	c.Stdin = os.Stdin
	c.Stdout = os.Stdout
	c.Stderr = os.Stderr
	return c
}

// page shows a runbook on the terminal, with its commands to run.
func (s shelfOfRunbooks) page(ctx context.Context, name string) error {
	a := s.app
	book, err := s.Read(ctx, name)
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
		runbookview.New(env, s, book), os.Stdin, os.Stdout)
}
