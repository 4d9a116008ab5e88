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
