package main

import (
	"errors"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/site"
)

// brokenJSON is how a command with --json ends that has no document to print, or, where
// it prints lines, breaks off: what stood in the way, and what to do.
type brokenJSON struct {
	Result   string `json:"result,omitempty"` // refused: of a restore, where no run has ended
	Error    string `json:"error"`
	Hint     string `json:"hint"`
	ExitCode int    `json:"exit_code"`
}

// wantsJSON tells whether arguments ask for JSON, even where they cannot be parsed.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// ofRestore tells whether arguments are those of a restore, whose last line says its result.
func ofRestore(args []string) bool {
	return slices.Contains(args, "restore") && !slices.Contains(args, "runbook")
}

// failAs is fail, with the error in JSON on stdout too when that is wanted and the
// command has not ended in JSON by itself.
func (a *app) failAs(args []string, err error) int {
	switch {
	case err == nil || !wantsJSON(args) || a.closed || a.lastLinePrinted.Load():
	case ofRestore(args):
		a.failJSON("refused", err)
	case errors.As(err, new(exitCode)), ops.CodeOf(err) == ops.Interrupted: // it has said all
	default:
		a.failJSON("", err)
	}
	return a.fail(err)
}

// failJSON prints the error as the last line of JSON.
func (a *app) failJSON(result string, err error) {
	var silent exitCode
	e := a.ending(err)
	if errors.As(err, &silent) {
		e = ops.E(ops.Code(silent), lang.M("interrupted"))
	}
	a.ndjson(brokenJSON{result, site.Sentence(a.lang, e), redact.Text(a.lang.Msg(e.Hint)), int(e.Code)})
}
