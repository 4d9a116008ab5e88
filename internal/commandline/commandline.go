// Package commandline is what is between the command line and kong: the one place that knows
// kong's nodes and messages. It lets people write words and negative numbers where kong would
// not, prints help and kong's errors in the reader's language, and completes words for a shell.
package commandline

import (
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"opsdeck/internal/lang"
	"opsdeck/internal/spelling"
)

// aNegative is a number with a minus: an age as -2h, -7d, or a mistake as -1.
var aNegative = regexp.MustCompile(`^-\d+(\.\d+)?[a-z]*$`)

// Words lets people write what kong would not take: negative numbers, and the words of a query
// between flags.
func Words(node *kong.Node, args []string) []string {
	return wordsLast(node, joinNegatives(node, args))
}

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
	node, out, words := split(node, args)
	if !takesWords(node) {
		return args
	}
	if len(words) > 0 {
		out = append(append(out, "--"), words...)
	}
	return out
}

// split finds the command that args name, with its flags, and the words after it.
func split(node *kong.Node, args []string) (command *kong.Node, out, words []string) {
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
	return node, out, words
}

// Misspelt tells which command was probably meant, where a word that is nearly its name would be
// taken for the first one of a query: audit tracee. Empty where none is.
func Misspelt(node *kong.Node, args []string) (what, hint lang.Msg) {
	command, _, words := split(node, args)
	if command.DefaultCmd == nil || !takesWords(command) || len(words) == 0 || len(words[0]) < 4 ||
		slices.Contains(args, "--") {
		return lang.Msg{}, lang.Msg{}
	}
	var names []string
	for _, c := range command.Children {
		names = append(names, c.Name)
	}
	near := spelling.Nearest(words[0], names)
	if near == "" {
		return lang.Msg{}, lang.Msg{}
	}
	path := command.Path()
	return lang.M("there is no command %s: did you mean %s?", path+" "+words[0], path+" "+near),
		lang.M("to search for the word: %s", "opsdeck "+command.DefaultCmd.Path()+" "+words[0])
}

// Refused says which value no flag takes, though kong does; empty for none.
func Refused(ctx *kong.Context) lang.Msg {
	if m := negative(ctx); !m.Empty() {
		return m
	}
	return empty(ctx)
}

// negative refuses a number or a duration below 0: no flag has a meaning for one.
func negative(ctx *kong.Context) lang.Msg {
	for _, f := range ctx.Flags() {
		v := f.Target
		if v.CanInt() && v.Int() < 0 {
			return lang.M("--%s cannot be negative", f.Name)
		}
	}
	return lang.Msg{}
}

// empty refuses a value that is given and empty, as "$MOMENT" of a script is when nothing
// set it: --until "" would otherwise mean what no --until means.
func empty(ctx *kong.Context) lang.Msg {
	for _, path := range ctx.Path {
		f := path.Flag
		if f == nil || path.Resolved {
			continue
		}
		v := ctx.FlagValue(f)
		texts, isList := v.([]string)
		if text, ok := v.(string); ok && text == "" || isList && (len(texts) == 0 || slices.Contains(texts, "")) {
			return lang.M("%s needs a value", "--"+f.Name)
		}
	}
	return lang.Msg{}
}

// Translate puts the help of every command and flag in the reader's language.
func Translate(n *kong.Node, p *lang.Printer) {
	if n.Parent != nil {
		n.Help = p.Msg(lang.Msg{Key: n.Help})
	}
	for _, f := range n.Flags {
		if f.Name == "help" {
			f.Help = "Show this help."
		}
		f.Help = p.Msg(lang.Msg{Key: strings.ReplaceAll(f.Help, "%", "%%")})
	}
	for _, arg := range n.Positional {
		arg.Help = p.Msg(lang.Msg{Key: arg.Help})
	}
	for _, child := range n.Children {
		Translate(child, p)
	}
}
