package commandline

import (
	"strings"

	"github.com/alecthomas/kong"
)

// Cursor is where on the command line the next word comes.
type Cursor struct {
	Node    *kong.Node
	Given   map[string]string // flags' values so far
	flag    *kong.Flag        // its value comes next
	place   int               // how many positional arguments there are already
	literal bool              // after --
}

// completed walks the words that are whole.
func completed(root *kong.Node, words []string) Cursor {
	at := Cursor{Node: root, Given: map[string]string{}}
	for _, word := range words {
		switch {
		case at.flag != nil:
			at.Given[at.flag.Name] = word
			at.flag = nil
		case word == "--":
			at.literal = true
		case !at.literal && len(word) > 1 && word[0] == '-':
			at.take(word)
		default:
			if next := child(at.Node, word); next != nil && at.place == 0 && !at.literal {
				at.Node = next
			} else {
				at.place++
			}
		}
	}
	return at
}

// take is a flag on the line, with its value or before it.
func (c *Cursor) take(word string) {
	name, value, joined := strings.Cut(word, "=")
	flag := flagCalled(c.Node, name)
	switch {
	case flag == nil || flag.IsBool():
	case joined:
		c.Given[flag.Name] = value
	default:
		c.flag = flag
	}
}

// positional are the arguments of a command, or of the one that is meant where
// none is named.
func positional(n *kong.Node) []*kong.Value {
	if len(n.Positional) == 0 && n.DefaultCmd != nil {
		return n.DefaultCmd.Positional
	}
	return n.Positional
}

func flagCalled(n *kong.Node, word string) *kong.Flag {
	for _, f := range reach(n) {
		if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

// reach are a command's flags, those of its default command, and the global ones.
func reach(n *kong.Node) []*kong.Flag {
	var out []*kong.Flag
	if n.DefaultCmd != nil && n.Parent != nil {
		out = append(out, n.DefaultCmd.Flags...)
	}
	for ; n != nil; n = n.Parent {
		out = append(out, n.Flags...)
	}
	return out
}
