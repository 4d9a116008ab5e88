package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/termsafe"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/site"
)

// exitCode ends a command with a code and without a word; it has said all it
// had to say.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// fail tells the person what went wrong and what to do, and returns the exit
// code. It is the only place that does.
func (a *app) fail(err error) int {
	var silent exitCode
	if err == nil {
		return 0
	}
	if errors.As(err, &silent) {
		return int(silent)
	}
	e := a.ending(err)
	fmt.Fprintln(a.err, a.lang.T("opsdeck: %s", site.Sentence(a.lang, e)))
	if !e.Hint.Empty() {
		fmt.Fprintln(a.err, a.lang.T("  → %s", termsafe.Line(a.lang.Msg(e.Hint))))
	}
	return int(e.Code)
}

// ending is explain for an error that ends the command. One that was told to stop ends with
// the code of that, whatever it was doing: a script sees a broken operation from one that
// was stopped.
func (a *app) ending(err error) *ops.Error {
	e := *a.explain(err)
	if e.Code == ops.Failed || e.Code == ops.Busy || e.Code == ops.Interrupted {
		e.Code = cmp.Or(a.stopped(), e.Code)
	}
	return &e
}

// stopped is the exit code of a command that was told to stop: Interrupted by a signal, Busy
// by --timeout; 0 if nothing told it to.
func (a *app) stopped() ops.Code {
	var told error
	if a.over != nil {
		told = a.over()
	}
	switch {
	case errors.Is(told, context.DeadlineExceeded):
		return ops.Busy
	case told != nil:
		return ops.Interrupted
	}
	return ops.OK
}

// unseen is the error of a command whose exit code is a state, if it was told to stop before
// it had seen everything; nil if nothing told it to.
func (a *app) unseen() error {
	switch a.stopped() {
	case ops.OK:
		return nil
	case ops.Busy:
		return ops.E(ops.Code(ops.StateUnknown.ExitCode()),
			lang.M("gave up after --timeout %s", a.flags.Timeout.String()))
	}
	return a.over()
}

// explain makes an *ops.Error of any error.
func (a *app) explain(err error) *ops.Error {
	var known *ops.Error
	var held *lock.HeldError
	var silent *lock.UnansweredError
	var untrusted *trust.Error
	switch {
	case errors.As(err, &silent):
		return ops.E(ops.Busy,
			lang.M("gave up: %s has not responded since %s", silent.Path, silent.Since.Format("15:04:05"))).
			WithHint(lang.M("check its file system: df %s", human.Shell(filepath.Dir(silent.Path))))
	case errors.As(err, &untrusted):
		return site.Refused(untrusted)
	case errors.As(err, &known):
		if errors.Is(err, context.DeadlineExceeded) && a.stopped() == ops.Busy { // that it is down is not known
			return ops.E(ops.Busy, lang.M("gave up after --timeout %s: %s", a.flags.Timeout.String(), known.What)).
				WithHint(known.Hint)
		}
		return site.Known(known)
	case errors.As(err, &held):
		return site.Held(held, a.clock.Now())
	case insecure(err):
		return ops.E(ops.Config, lang.Raw(err.Error()))
	case errors.Is(err, context.DeadlineExceeded) && a.stopped() != ops.OK:
		return ops.E(ops.Busy, lang.M("gave up after --timeout %s", a.flags.Timeout.String()))
	case errors.Is(err, context.Canceled):
		return ops.E(ops.Interrupted, lang.M("interrupted"))
	}
	if full := site.FullDisk(err); full != nil {
		return full
	}
	if broke := a.explainBroken(err); broke != nil {
		return broke
	}
	if what, next, ok := site.NotOurs(err); ok {
		return ops.Wrap(err, ops.Failed, what).WithHint(next)
	}
	return ops.E(ops.Failed, lang.Raw(err.Error()))
}

// explainBroken says that the way to the service's database broke; nil for other errors.
func (a *app) explainBroken(err error) *ops.Error {
	service, none := a.service()
	if none != nil {
		return nil
	}
	target, none := mysql.Resolve(service.Database)
	if none != nil || !target.Broke(err) {
		return nil
	}
	var known *ops.Error
	errors.As(mysql.Explain(err, target), &known)
	return known
}
