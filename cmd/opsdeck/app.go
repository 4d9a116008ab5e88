package main

import (
	"context"
	"sync/atomic"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
)

// app is what a verb's Run gets: how it prints, what the program was started with,
// and the time. wire.go makes services of it.
type app struct {
	*printer
	*settings
	clock clock.Clock

	lastLinePrinted atomic.Bool // the last line of a restore's JSON was printed
}

func newApp(io stdio, getenv func(string) string, flags *globals) *app {
	a := &app{
		printer:  &printer{stdio: io, lang: lang.English(), ascii: flags.ASCII},
		settings: &settings{flags: flags, getenv: getenv},
		clock:    clock.Real{},
	}
	a.speak = func(l string) { a.lang = a.inLang(l) }
	if isTerminal(io.err) { // a person; the log of a job would have it every night
		a.unconfigured = func() { a.note(defaultsUsed(a.loaded)) }
	}
	return a
}

// oplog is the record of operations.
func (a *app) oplog(ctx context.Context) (*oplog.Log, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	return &oplog.Log{Dir: dir, Ctx: ctx, Now: a.clock.Now, Getenv: a.getenv}, nil
}
