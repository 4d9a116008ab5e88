package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/term"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/tui/theme"
)

// app is what a verb's Run gets: the streams, the language, the configuration.
type app struct {
	stdio
	getenv func(string) string
	clock  clock.Clock
	lang   *lang.Printer
	flags  *globals
	color  bool

	// answered waits for a look at a file that may never answer; over tells whether
	// the time for that is over. See until.
	answered func(path string, look func() error) error
	over     func() bool

	told atomic.Bool // the last line of a restore's JSON was printed

	once   sync.Once
	loaded *config.Loaded
	lerr   error
}

// until lets the configuration and its folders be waited for until ctx ends.
func (a *app) until(ctx context.Context) {
	a.answered = func(path string, look func() error) error { return lock.Answered(ctx, path, look) }
	a.over = func() bool { return ctx.Err() != nil }
}

// look looks at a file; without until it waits for as long as that takes.
func (a *app) look(path string, look func() error) error {
	if a.answered == nil {
		return look()
	}
	return a.answered(path, look)
}

// config loads the configuration, once.
func (a *app) config() (*config.Loaded, error) {
	a.once.Do(func() {
		a.loaded, a.lerr = a.loadConfig()
		if a.lerr != nil {
			a.lerr = configError(a.lerr)
		} else if a.flags.Lang == "" && a.loaded.Console.Lang != "" {
			a.lang = lang.For(a.loaded.Console.Lang)
		}
	})
	return a.loaded, a.lerr
}

// loadConfig reads the configuration. It holds commands that are run: one that
// others may write is refused.
func (a *app) loadConfig() (*config.Loaded, error) {
	path := config.Find(a.flags.ConfigFile, a.getenv)
	got := make(chan *config.Loaded, 1)
	err := a.look(path, func() error {
		l, err := config.Load(path)
		if err == nil && path != "" {
			err = trust.Path(path)
		}
		got <- l
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-got, nil
}

func configError(err error) error {
	var untrusted *trust.Error
	var silent *lock.UnansweredError
	if errors.As(err, &untrusted) || errors.As(err, &silent) {
		return err
	}
	var e *config.Error
	hint := lang.M("`opsdeck config init` writes a commented file, `opsdeck config check` checks one")
	if errors.As(err, &e) {
		return ops.E(ops.Config, lang.M("the configuration is not usable: %s", e.Msg())).WithHint(hint)
	}
	return ops.Wrap(err, ops.Config, lang.M("the configuration cannot be read")).WithHint(hint)
}

// stateDir is the folder of records, locks and restores.
func (a *app) stateDir() (string, error) {
	l, err := a.config()
	if err != nil {
		return "", err
	}
	dir := l.StateDirFor(os.Getuid(), a.getenv)
	return dir, a.look(dir, func() error { return trust.Path(dir) })
}

// oplog is the record of operations.
func (a *app) oplog(ctx context.Context) (*oplog.Log, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	return &oplog.Log{Dir: dir, Ctx: ctx, Now: a.clock.Now, Getenv: a.getenv}, nil
}

// writable refuses a state-changing command under --read-only.
func (a *app) writable() error {
	if !a.flags.ReadOnly {
		return nil
	}
	return ops.E(ops.Usage, lang.M("refused: opsdeck was started with --read-only")).
		WithHint(lang.M("run it again without --read-only"))
}

// mayChange is writable for a command of which a dry run was asked, or not: what
// changes nothing may be looked at.
func (a *app) mayChange(dryRun bool) error {
	if dryRun {
		return nil
	}
	return a.writable()
}

// json prints one document.
func (a *app) json(v any) error { return writeJSON(a.out, v, "  ") }

// ndjson prints one line of NDJSON.
func (a *app) ndjson(v any) error { return writeJSON(a.out, v, "") }

func writeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := w.Write(termsafe.JSON(b.Bytes()))
	return err
}

// say writes a line of results to stdout.
func (a *app) say(m lang.Msg) { fmt.Fprintln(a.out, termsafe.Text(a.lang.Msg(m))) }

// note narrates on stderr.
func (a *app) note(m lang.Msg) { fmt.Fprintln(a.err, termsafe.Text(a.lang.Msg(m))) }

// theme is the one for plain output on stdout.
func (a *app) theme() *theme.Theme {
	return theme.New(theme.Options{Dark: true, NoColor: !a.color, ASCII: a.flags.ASCII, Output: a.out})
}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the terminal's width on stdout, or 0 when it is not a terminal.
func (a *app) width() int {
	f, ok := a.out.(*os.File)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

// height is the terminal's height on stdout, or 0 when it is not a terminal.
func (a *app) height() int {
	f, ok := a.out.(*os.File)
	if !ok {
		return 0
	}
	_, h, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return h
}

func colorWanted(out io.Writer, noColor bool, getenv func(string) string) bool {
	return !noColor && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && getenv("TERM") != "" && isTerminal(out)
}
