package deploy

import (
	"strings"

	"opsdeck/internal/pattern"
)

// Var is one variable of an environment file.
type Var struct {
	Key   string
	Value string
	Line  int // 1 is the first
}

// Env is an environment file as the dotenv package of Node reads it.
type Env struct {
	Vars []Var // in the file's order; a key may be there twice, and the last one counts
	Odd  []int // lines that are neither empty, comment nor variable: dotenv skips them
}

// Get returns the value of a key that counts.
func (e Env) Get(key string) (value string, is bool) {
	for _, v := range e.Vars {
		if v.Key == key {
			value, is = v.Value, true
		}
	}
	return value, is
}

// Keys are the keys, each once, in the file's order.
func (e Env) Keys() []string {
	var keys []string
	seen := map[string]bool{}
	for _, v := range e.Vars {
		if !seen[v.Key] {
			keys = append(keys, v.Key)
		}
		seen[v.Key] = true
	}
	return keys
}

// space is \s of JavaScript, which knows more than that of Go.
const space = `[\s\v\p{Z}\x{FEFF}]`

// entry is the expression by which dotenv 16 reads a file (its lib/main.js): a key,
// "=" or ": ", and a value in one of three quotes, over several lines too, or up to
// a # or the line's end.
var entry = pattern.New(`(?m)^` + space + `*(?:export` + space + `+)?([\w.-]+)(?:` + space + `*=` + space +
	`*?|:` + space + `+?)(` + space + `*'(?:\\'|[^'])*'|` + space + `*"(?:\\"|[^"])*"|` + space +
	"*`(?:\\\\`|[^`])*`" + `|[^#\r\n]+)?` + space + `*(?:#.*)?(?:$|\n)`)

// ParseEnv reads an environment file as dotenv does. It never fails: what dotenv
// skips is in Odd.
func ParseEnv(text string) Env {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var e Env
	at := 0
	for _, m := range entry.FindAllStringSubmatchIndex(text, -1) {
		e.odd(text, at, m[0])
		at = m[1]
		value := ""
		if m[4] >= 0 {
			value = text[m[4]:m[5]]
		}
		line := 1 + strings.Count(text[:m[2]], "\n")
		e.Vars = append(e.Vars, Var{Key: text[m[2]:m[3]], Value: unquote(value), Line: line})
	}
	e.odd(text, at, len(text))
	return e
}

// odd notes the lines between two variables that are neither empty nor comments.
func (e *Env) odd(text string, from, to int) {
	line := 1 + strings.Count(text[:from], "\n")
	for i, l := range strings.Split(text[from:to], "\n") {
		if l = strings.Trim(l, " \t\v\f\u00a0\ufeff"); l != "" && l[0] != '#' {
			e.Odd = append(e.Odd, line+i)
		}
	}
}

// unquote takes a value out of its quotes; \n and \r mean line ends within double
// quotes alone.
func unquote(raw string) string {
	v := strings.TrimFunc(raw, func(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r\u00a0\ufeff", r) })
	if v == "" {
		return ""
	}
	quote := v[0]
	if len(v) > 1 && strings.IndexByte("'\"`", quote) >= 0 && v[len(v)-1] == quote {
		v = v[1 : len(v)-1]
	}
	if quote == '"' {
		v = strings.ReplaceAll(strings.ReplaceAll(v, `\n`, "\n"), `\r`, "\r")
	}
	return v
}
