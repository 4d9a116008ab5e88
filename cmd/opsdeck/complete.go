package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"opsdeck/internal/termsafe"
)

// completeWithin is how long a shell waits for names at most: a folder on a dead
// file system gives none.
const completeWithin = 200 * time.Millisecond

// complete answers a shell that completes the command line in COMP_LINE up to
// COMP_POINT: a candidate a line. What goes wrong gives no candidate.
func complete(ctx context.Context, a *app, root *kong.Node) {
	line := a.getenv("COMP_LINE")
	if at, err := strconv.Atoi(a.getenv("COMP_POINT")); err == nil && at >= 0 && at < len(line) {
		line = line[:at]
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	a.until(ctx)
	found := make(chan []string, 1)
	go func() { found <- candidates(a, root, shellWords(line)) }()
	select {
	case names := <-found:
		for _, name := range names {
			fmt.Fprintln(a.out, name)
		}
	case <-ctx.Done():
	}
}

// candidates are the words that can be in the place of the last one.
func candidates(a *app, root *kong.Node, words []string) []string {
	if len(words) < 2 {
		return nil
	}
	at := completed(root, words[1:len(words)-1])
	a.flags.ConfigFile = kong.ExpandPath(at.given["config"])
	a.flags.Service = at.given["service"]
	last := words[len(words)-1]
	name, value, joined := strings.Cut(last, "=")
	switch {
	case at.flag != nil:
		return fitting(listed(last, values(a, at, at.flag.Value)), last)
	case !at.literal && joined && strings.HasPrefix(name, "-"):
		return a.joined(at, name, value)
	case !at.literal && strings.HasPrefix(last, "-"):
		return fitting(flagNames(at.node), last)
	}
	return fitting(at.words(a), last)
}

// joined are the values of --flag=VALUE. Bash and zsh take the value alone, for
// = separates words there; fish takes the whole word.
func (a *app) joined(at cursor, name, value string) []string {
	flag := flagCalled(at.node, name)
	if flag == nil {
		return nil
	}
	out := fitting(listed(value, values(a, at, flag.Value)), value)
	if a.getenv("OPSDECK_COMPLETE") == "fish" {
		for i := range out {
			out[i] = name + "=" + out[i]
		}
	}
	return out
}

// cursor is where on the command line the next word comes.
type cursor struct {
	node    *kong.Node
	flag    *kong.Flag        // its value comes next
	place   int               // how many positional arguments there are already
	literal bool              // after --
	given   map[string]string // flags' values so far
}

// completed walks the words that are whole.
func completed(root *kong.Node, words []string) cursor {
	at := cursor{node: root, given: map[string]string{}}
	for _, word := range words {
		switch {
		case at.flag != nil:
			at.given[at.flag.Name] = word
			at.flag = nil
		case word == "--":
			at.literal = true
		case !at.literal && len(word) > 1 && word[0] == '-':
			at.take(word)
		default:
			if next := child(at.node, word); next != nil && at.place == 0 && !at.literal {
				at.node = next
			} else {
				at.place++
			}
		}
	}
	return at
}

// take is a flag on the line, with its value or before it.
func (c *cursor) take(word string) {
	name, value, joined := strings.Cut(word, "=")
	flag := flagCalled(c.node, name)
	switch {
	case flag == nil || flag.IsBool():
	case joined:
		c.given[flag.Name] = value
	default:
		c.flag = flag
	}
}

// words are commands and positional arguments that fit here.
func (c cursor) words(a *app) []string {
	var out []string
	if c.place == 0 && !c.literal {
		for _, n := range c.node.Children {
			if !n.Hidden {
				out = append(out, n.Name)
			}
		}
	}
	if place := positional(c.node); len(place) > 0 {
		arg := place[min(c.place, len(place)-1)]
		if c.place < len(place) || arg.IsCumulative() {
			out = append(out, values(a, c, arg)...)
		}
	}
	return out
}

// positional are the arguments of a command, or of the one that is meant where
// none is named.
func positional(n *kong.Node) []*kong.Value {
	if len(n.Positional) == 0 && n.DefaultCmd != nil {
		return n.DefaultCmd.Positional
	}
	return n.Positional
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

func flagCalled(n *kong.Node, word string) *kong.Flag {
	for _, f := range reach(n) {
		if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

func flagNames(n *kong.Node) []string {
	var out []string
	for _, f := range reach(n) {
		if !f.Hidden {
			out = append(out, "--"+f.Name)
		}
	}
	return out
}

// listed puts what is before the last comma in front of each value, for flags
// that take several.
func listed(typed string, values []string) []string {
	comma := strings.LastIndexByte(typed, ',')
	if comma < 0 {
		return values
	}
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, typed[:comma+1]+v)
	}
	return out
}

// fitting are the candidates that begin as what was typed, sorted, each once. A
// name that a shell or a terminal would take for more than a name is left out.
func fitting(all []string, typed string) []string {
	var out []string
	for _, c := range all {
		plain := !strings.ContainsAny(c, " \t\n'\"\\$`&|;<>()*?[]#~!") && termsafe.Line(c) == c
		if plain && strings.HasPrefix(c, typed) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shellWords splits a line as a shell does, quotes and backslashes taken away.
// The last word is the one being typed, "" after a blank.
func shellWords(line string) []string {
	words := []string{""}
	quote := rune(0)
	escaped := false
	for _, r := range line {
		end := len(words) - 1
		switch {
		case escaped:
			words[end] += string(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			words[end] += string(r)
		case r == '\'' || r == '"':
			quote = r
		case r == ' ' || r == '\t':
			if words[end] != "" {
				words = append(words, "")
			}
		default:
			words[end] += string(r)
		}
	}
	return words
}
