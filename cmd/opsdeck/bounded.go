package main

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// lastWait is what a command has for its end once --timeout or a signal asked for
// it: to cancel queries, to remove what is half written. A system call on a file
// system that is gone takes longer than any time.
const lastWait = 10 * time.Second

// bounded runs a command and returns at the latest lastWait after ctx ended.
// The worker of a restore alone is waited for: it ends between two steps.
func (a *app) bounded(ctx context.Context, command string, work func() error) error {
	if strings.HasPrefix(command, "restore worker") {
		return work()
	}
	began := a.clock.Now()
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(lastWait):
	}
	return ops.E(a.stopped(), lang.M("%s, started at %s, did not stop within %s when asked; opsdeck exited without "+
		"waiting", command, began.Format("15:04:05"), lastWait.String())).
		WithHint(lang.M("a file system or a server that it uses does not respond"))
}
