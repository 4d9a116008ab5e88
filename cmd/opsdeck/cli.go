package main

import (
	"context"
	"os"
	"strings"

	"opsdeck/internal/commandline"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// run is the program: arguments in, exit code out.
func run(ctx context.Context, args []string, io stdio) int {
	_, completes := os.LookupEnv("COMP_LINE")
	io.out = noticing(io.out)
	root, flags := grammar(args, completes)
	a := newApp(io, os.Getenv, flags)
	a.until(ctx)
	a.lang = earlyLang(args, os.Getenv)
	code := -1
	parser, err := newParser(root, a, func(n int) { code = n })
	if err != nil {
		return a.fail(err)
	}
	if completes {
		complete(ctx, a, parser.Model.Node)
		return 0
	}
	kctx, err := parser.Parse(commandline.Words(parser.Model.Node, args))
	if code >= 0 { // --help and --version are done
		return max(code, a.fail(a.incomplete(nil)))
	}
	a.speak(a.lang.Code())
	if err != nil {
		return a.failAs(args, usageError(err))
	}
	if what, hint := commandline.Misspelt(parser.Model.Node, args); !what.Empty() {
		return a.failAs(args, ops.E(ops.Usage, what).WithHint(hint))
	}
	if refused := commandline.Refused(kctx); !refused.Empty() {
		return a.failAs(args, ops.E(ops.Usage, refused))
	}
	if flags.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, flags.Timeout)
		defer cancel()
		a.until(ctx)
	}
	flags.ASCII = flags.ASCII || flags.Plain
	a.ascii = flags.ASCII
	a.color = colorWanted(io.out, flags.NoColor || flags.Plain, os.Getenv)
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = a.bounded(ctx, kctx.Command(), func() error { return kctx.Run(a) })
	if lost := a.incomplete(err); lost != nil && a.stopped() == ops.OK {
		return a.fail(lost)
	}
	return a.failAs(args, err)
}

// earlyLang finds the language before the command line is parsed, so that its
// errors and help are in it too.
func earlyLang(args []string, getenv func(string) string) *lang.Printer {
	for i, arg := range args {
		if v, ok := strings.CutPrefix(arg, "--lang="); ok {
			return lang.For(v)
		}
		if arg == "--lang" && i+1 < len(args) {
			return lang.For(args[i+1])
		}
		if arg == "--" {
			break
		}
	}
	return lang.FromEnv(getenv)
}

// usageError is what the parser says to a command line that it does not take.
func usageError(err error) error {
	what, hint := commandline.Explain(err)
	return ops.E(ops.Usage, what).WithHint(hint)
}
