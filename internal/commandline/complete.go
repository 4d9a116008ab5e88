package commandline

import (
	"opsdeck/internal/termsafe"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Values are what a flag or an argument can be where the cursor is.
type Values func(at Cursor, of *kong.Value) []string

// Candidates are the words that can be in the place of the last one of a line. A fish takes
// the whole word of --flag=VALUE; bash and zsh take the value alone, for = separates words there.
func Candidates(root *kong.Node, line string, fish bool, values Values) []string {
	words := ShellWords(line)
	if len(words) < 2 {
		return nil
	}
	at := completed(root, words[1:len(words)-1])
	last := words[len(words)-1]
	name, value, joined := strings.Cut(last, "=")
	switch {
	case at.flag != nil:
		return fitting(listed(last, values(at, at.flag.Value)), last)
	case !at.literal && joined && strings.HasPrefix(name, "-"):
		return at.joined(name, value, fish, values)
	case !at.literal && strings.HasPrefix(last, "-"):
		return fitting(flagNames(at.Node), last)
	}
	return fitting(at.words(values), last)
}

// joined are the values of --flag=VALUE.
func (c Cursor) joined(name, value string, fish bool, values Values) []string {
	flag := flagCalled(c.Node, name)
	if flag == nil {
		return nil
	}
	out := fitting(listed(value, values(c, flag.Value)), value)
	if fish {
		for i := range out {
			out[i] = name + "=" + out[i]
		}
	}
	return out
}

// words are commands and positional arguments that fit here.
func (c Cursor) words(values Values) []string {
	var out []string
	if c.place == 0 && !c.literal {
		for _, n := range c.Node.Children {
			if !n.Hidden {
				out = append(out, n.Name)
			}
		}
	}
	if place := positional(c.Node); len(place) > 0 {
		arg := place[min(c.place, len(place)-1)]
		if c.place < len(place) || arg.IsCumulative() {
			out = append(out, values(c, arg)...)
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

// ShellWords splits a line as a shell does, quotes and backslashes taken away.
// The last word is the one being typed, "" after a blank.
func ShellWords(line string) []string {
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
