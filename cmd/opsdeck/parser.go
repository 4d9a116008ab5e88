package main

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"opsdeck/internal/lang"
	"opsdeck/internal/version"
	"opsdeck/ops"
)

// This file is what stands between the command line and kong. It builds the grammar of
// the one command that is named (the whole takes 7 ms more than the 11 that a command
// takes), lets people write words and negative numbers where kong would not, and says
// kong's errors in the reader's language. All of those are of one type, kong.ParseError,
// so they are told apart by their text.

// wholeGrammar are the commands that speak about all the others.
var wholeGrammar = []string{"completion", "man"}

// grammar is the part of the command line that a run needs, and where its global
// flags are put. A command that is named stands alone in it: to build the whole
// takes longer than most commands do. asked tells that a shell wants completion.
func grammar(args []string, asked bool) (root any, flags *globals) {
	verb := verbOf(args)
	if field, ok := commandField(verb); ok && !asked && !slices.Contains(wholeGrammar, verb) {
		one := reflect.New(reflect.StructOf([]reflect.StructField{
			{Name: "Globals", Type: reflect.TypeFor[globals](), Tag: `embed:""`}, field}))
		return one.Interface(), one.Elem().Field(0).Addr().Interface().(*globals)
	}
	c := &cli{}
	return c, &c.globals
}

// commandField is the field of cli for a command's name.
func commandField(verb string) (reflect.StructField, bool) {
	of := reflect.TypeFor[cli]()
	field, ok := of.FieldByNameFunc(func(name string) bool { return verb != "" && strings.ToLower(name) == verb })
	return field, ok && len(field.Index) == 1 // the others are global flags
}

// verbOf is the first word that is no flag and no flag's value: "console" where
// there is none, and "" where all commands have to be known, as for --help.
func verbOf(args []string) string {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; arg {
		case "--config", "--lang", "--service", "--timeout":
			i++
		case "--help", "-h", "--":
			return ""
		default:
			if !strings.HasPrefix(arg, "-") {
				return arg
			}
		}
	}
	return "console"
}

// negative refuses a number or a duration below 0: no flag has a meaning for one.
func negative(ctx *kong.Context) error {
	for _, f := range ctx.Flags() {
		v := f.Target
		if v.CanInt() && v.Int() < 0 {
			return ops.E(ops.Usage, lang.M("--%s cannot be negative", f.Name))
		}
	}
	return nil
}

// empty refuses a value that is given and empty, as "$MOMENT" of a script is when nothing
// set it: --until "" would otherwise mean what no --until means.
func empty(ctx *kong.Context) error {
	for _, path := range ctx.Path {
		f := path.Flag
		if f == nil || path.Resolved {
			continue
		}
		v := ctx.FlagValue(f)
		texts, isList := v.([]string)
		if text, ok := v.(string); ok && text == "" || isList && (len(texts) == 0 || slices.Contains(texts, "")) {
			return ops.E(ops.Usage, lang.M("%s needs a value", "--"+f.Name))
		}
	}
	return nil
}

func newParser(root any, a *app, exit func(int)) (*kong.Kong, error) {
	p, err := kong.New(root,
		kong.Name("opsdeck"),
		kong.Description(a.lang.T("A console for the operator of a MySQL-backed service.")),
		kong.Vars{"version": "opsdeck " + version.Get().String()},
		kong.Writers(a.out, a.err),
		kong.Exit(exit),
		kong.Help(printHelp(a)),
		kong.Bind(a),
		kong.UsageOnError(),
	)
	if err != nil {
		return nil, err
	}
	translate(p.Model.Node, a.lang)
	return p, nil
}

// translate puts the help of every command and flag in the reader's language.
func translate(n *kong.Node, p *lang.Printer) {
	if n.Parent != nil {
		n.Help = p.Msg(lang.Msg{Key: n.Help})
	}
	for _, f := range n.Flags {
		f.Help = p.Msg(lang.Msg{Key: strings.ReplaceAll(f.Help, "%", "%%")})
	}
	for _, arg := range n.Positional {
		arg.Help = p.Msg(lang.Msg{Key: arg.Help})
	}
	for _, child := range n.Children {
		translate(child, p)
	}
}

// aNegative is a number with a minus: an age as -2h, -7d, or a mistake as -1.
var aNegative = regexp.MustCompile(`^-\d+(\.\d+)?[a-z]*$`)

// joinNegatives lets people write --since -2h: kong would take -2h for a flag.
func joinNegatives(node *kong.Node, args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		if c := child(node, args[i]); c != nil {
			node = c
		}
		if i+1 < len(args) && aNegative.MatchString(args[i+1]) && takesValue(node, args[i]) {
			joint := "="
			if !strings.HasPrefix(args[i], "--") {
				joint = ""
			}
			out = append(out, args[i]+joint+args[i+1])
			i++
			continue
		}
		out = append(out, args[i])
		if args[i] == "--" {
			return append(out, args[i+1:]...)
		}
	}
	return out
}

// aTerm is a term of a query that leaves rows out: -action:DELETE, -text~x.
var aTerm = regexp.MustCompile(`^-[a-z]{2,}[:~]`)

// wordsLast lets people write the words of a query between flags, and terms
// that begin with a dash: audit list user:1 --json -action:DELETE. kong takes
// the words of a list only in one piece and the dash for a flag, so the words
// go behind a "--" at the end. Commands without such a list stay as they are.
func wordsLast(node *kong.Node, args []string) []string {
	var out, words []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			words = append(words, args[i+1:]...)
			i = len(args)
		case strings.HasPrefix(arg, "-") && arg != "-" && !aTerm.MatchString(arg):
			out = append(out, arg)
			if takesValue(node, arg) && i+1 < len(args) {
				i++
				out = append(out, args[i])
			}
		case len(words) == 0 && child(node, arg) != nil:
			node = child(node, arg)
			out = append(out, arg)
		default:
			words = append(words, arg)
		}
	}
	if !takesWords(node) {
		return args
	}
	if len(words) > 0 {
		out = append(append(out, "--"), words...)
	}
	return out
}

// usageError is kong's error in words that can be translated, with where to
// read how the command is used.
func usageError(err error) error {
	var parse *kong.ParseError
	hint := lang.M("`opsdeck --help` lists the commands and flags")
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		hint = lang.M("`opsdeck %s --help` shows how it is used", parse.Context.Selected().Path())
	}
	return ops.E(ops.Usage, reword(err.Error())).WithHint(hint)
}

// reword says a message of kong's in our own words; one that is not known
// stays as it is. The patterns follow the messages of kong's context.go and
// mapper.go.
func reword(text string) lang.Msg {
	for _, w := range []struct {
		pattern string
		say     func(m []string) lang.Msg
	}{
		{`^unexpected argument (\S+), did you mean (.+)\?$`, func(m []string) lang.Msg {
			return lang.M("there is no command or argument %s: did you mean %s?", m[1], m[2])
		}},
		{`^unexpected argument (.+)$`,
			func(m []string) lang.Msg { return lang.M("there is no command or argument %s", m[1]) }},
		{`^unknown flag (\S+), did you mean (.+)\?$`,
			func(m []string) lang.Msg { return lang.M("there is no flag %s: did you mean %s?", m[1], m[2]) }},
		{`^unknown flag (.+)$`, func(m []string) lang.Msg { return lang.M("there is no flag %s", m[1]) }},
		{`^missing flags: (.+)$`, func(m []string) lang.Msg { return lang.M("missing: %s", m[1]) }},
		{`^expected one of (.+)$`, func(m []string) lang.Msg { return lang.M("needs one of: %s", m[1]) }},
		{`^expected (.+)$`, func(m []string) lang.Msg { return lang.M("missing: %s", m[1]) }},
		{`^(.+) must be one of (?:"",)?(.+) but got (.+)$`,
			func(m []string) lang.Msg { return lang.M("%s must be one of %s, not %s", m[1], m[2], m[3]) }},
		{`^(.+): expected an? .*(?:int|uint|float) but got (\S+).*$`,
			func(m []string) lang.Msg { return lang.M("%s must be a number, not %s", m[1], m[2]) }},
		{`^(.+): expected duration but got ("[^"]*").*$`, func(m []string) lang.Msg {
			return lang.M("%s must be a duration such as 90s, 15m or 26h, not %s", m[1], m[2])
		}},
		{`^(.+): expected .* value but got "EOL".*$`,
			func(m []string) lang.Msg { return lang.M("%s needs a value", m[1]) }},
		{`^(.+): bool value must be .* but got (".*")$`, func(m []string) lang.Msg {
			return lang.M("%s must be true or false, not %s", m[1], m[2])
		}},
		{`^(--\S+) and (--\S+) can't be used together$`, func(m []string) lang.Msg {
			return lang.M("%s and %s "+
				"cannot be used together", m[1], m[2])
		}},
	} {
		if m := regexp.MustCompile(w.pattern).FindStringSubmatch(text); m != nil {
			return w.say(m)
		}
	}
	return lang.Raw(text)
}

// cli is the table of contents: a line a verb, each in a file of its own.
type cli struct {
	globals

	Console    consoleCmd    `cmd:"" default:"1" help:"Open the console."`
	Status     statusCmd     `cmd:"" help:"Run all checks once; the exit code is the state."`
	Logs       logsGroup     `cmd:"" help:"Search the logs and follow them."`
	Backup     backupCmd     `cmd:"" help:"Make, list, verify, prune and copy backups, and drill restores."`
	Watch      watchCmd      `cmd:"" help:"Run the scheduled jobs instead of systemd or cron, and send alerts."`
	Alerts     alertsCmd     `cmd:"" help:"Show the alerts: firing, acknowledged, silenced and resolved."`
	Restore    restoreCmd    `cmd:"" help:"Restore the database in seven steps. You can detach, resume and undo."`
	Audit      auditCmd      `cmd:"" help:"Read the audit table: who did what."`
	Deploy     deployCmd     `cmd:"" help:"Check the machine, deploy a release, roll it back."`
	Serve      serveCmd      `cmd:"" help:"Serve health endpoints and Prometheus metrics over HTTP."`
	Doctor     doctorCmd     `cmd:"" help:"Check whether privileges, settings, folders and tools are ready for backup and restore."`
	Runbook    runbookCmd    `cmd:"" help:"Show what to do, step by step, when something happens."`
	Operations operationsCmd `cmd:"" help:"Show who changed what and when."`
	Config     configCmd     `cmd:"" help:"Write, show or check the configuration."`
	Completion completionCmd `cmd:"" help:"Print the completion code for a shell."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`
}
