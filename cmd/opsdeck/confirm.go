package main

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// confirm asks for a destructive act. given is the value of --confirm; without
// it the person at a terminal types the name. Everything else is refused.
func (a *app) confirm(ctx context.Context, name, given string, what lang.Msg) error {
	switch {
	case given == name:
		return nil
	case given != "":
		return ops.E(ops.Usage, lang.M("--confirm says %q, but the target is %q; nothing was done", given, name))
	case !a.atTerminal():
		return ops.E(ops.Usage, lang.M("this needs a confirmation; nothing was done")).
			WithHint(lang.M("without a terminal add %s", confirmFlag(name)))
	}
	fmt.Fprintln(a.err, termsafe.Text(a.lang.Msg(what)))
	fmt.Fprint(a.err, a.lang.T("Type %s to continue:", termsafe.Line(name))+" ")
	switch text, ok := a.readLine(ctx); {
	case !ok:
		fmt.Fprintln(a.err)
		return ctx.Err()
	case text != name:
		return ops.E(ops.Usage, lang.M("That is not the name. Nothing was done."))
	}
	return nil
}

// confirmFlag is the flag that confirms a name, as a shell takes it.
func confirmFlag(name string) string {
	if strings.HasPrefix(name, "-") {
		return "--confirm=" + human.Shell(name)
	}
	return "--confirm " + human.Shell(name)
}
