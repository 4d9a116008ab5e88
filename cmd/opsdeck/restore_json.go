package main

import (
	"errors"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/site"
)

// refusedJSON is the last line of `restore --json` when no run has ended: what
// stood in the way, and what to do.
type refusedJSON struct {
	Result string `json:"result"` // refused
	Error  string `json:"error"`
	Hint   string `json:"hint"`
}

// wantsJSON tells whether the arguments are those of a restore that answers in JSON,
// even where they cannot be parsed.
func wantsJSON(args []string) bool {
	return slices.Contains(args, "restore") && (slices.Contains(args, "--json") || slices.Contains(args, "--json=true"))
}

// failAs is fail, with the error in JSON on stdout too when that is wanted and the
// command has not ended in JSON by itself.
func failAs(a *app, asJSON bool, err error) int {
	if asJSON && err != nil && !a.told.Load() {
		refuse(a, err)
	}
	return a.fail(err)
}

// refuse prints the error as the last line of JSON.
func refuse(a *app, err error) {
	var silent exitCode
	e := a.explain(err)
	if errors.As(err, &silent) {
		e = ops.E(ops.Code(silent), lang.M("interrupted"))
	}
	a.ndjson(refusedJSON{"refused", site.Sentence(a.lang, e), redact.Text(a.lang.Msg(e.Hint))})
}
