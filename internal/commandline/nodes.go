package commandline

import (
	"strings"

	"github.com/alecthomas/kong"
)

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

// takesWords tells whether a command, or its default command where none
// is named, takes a list of words and nothing before it.
func takesWords(node *kong.Node) bool {
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	return len(node.Positional) == 1 && node.Positional[0].IsCumulative()
}

// takesValue tells whether the argument after a flag is its value.
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
