package main

import (
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

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

// child is the command of that name below a node, or nil.
func child(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name {
			return c
		}
		for _, alias := range c.Aliases {
			if alias == name {
				return c
			}
		}
	}
	return nil
}

// takesWords tells whether a command, or the one that stands for it where none
// is named, takes a list of words and nothing before it.
func takesWords(node *kong.Node) bool {
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	return len(node.Positional) == 1 && node.Positional[0].IsCumulative()
}

// takesValue tells whether the argument behind a flag is its value.
func takesValue(node *kong.Node, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	for ; node != nil; node = node.Parent {
		flags := node.Flags
		if node.DefaultCmd != nil {
			flags = append(flags[:len(flags):len(flags)], node.DefaultCmd.Flags...)
		}
		for _, f := range flags {
			if arg == "--"+f.Name || f.Short != 0 && arg == "-"+string(f.Short) {
				return !f.IsBool() && !f.IsCounter()
			}
		}
	}
	return false
}
