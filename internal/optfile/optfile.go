// Package optfile reads MySQL option files (my.cnf) by the rules of the MySQL
// manual, "Using Option Files": groups, comments, quotes, escapes, !include and
// !includedir.
package optfile

import (
	"bufio"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/trust"
)

// options are the options of the groups that were asked for. Names are in the
// form with dashes; a later setting replaces an earlier one.
type options map[string]string

// InsecureError says that a file holds a password and others can read it.
type InsecureError struct {
	Path string
	Mode fs.FileMode
}

func (e *InsecureError) Error() string {
	return fmt.Sprintf("%s holds a password and has mode %04o", e.Path, e.Mode.Perm())
}

// syntaxError points at a line that cannot be read.
type syntaxError struct {
	Path string
	Line int
	Why  string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Why) }

// maxDepth is how deep includes may nest, as in MySQL's my_default.cc.
const maxDepth = 10

// Setting is one option as a file has it.
type Setting struct {
	Name  string // in the form with dashes, without "loose-"
	Value string
	Bare  bool // a name alone
	Loose bool // "loose-": a program that does not know the option ignores it
	Path  string
	Line  int
}

// Settings reads the options of the given groups from the file at path and what it
// includes, and tells where each is set, in the order of the file. A file that holds a
// password and can be read by group or others is refused with an *InsecureError, one that
// every user can write to with a *trust.Error.
func Settings(path string, groups ...string) (list []Setting, err error) {
	err = read(path, groups, &list, 0)
	return list, err
}

func read(path string, groups []string, out *[]Setting, depth int) error {
	if depth > maxDepth {
		return &syntaxError{path, 0, "includes nest too deep"}
	}
	f, err := regular.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if info.Mode().Perm()&0o002 != 0 { // MySQL's programs ignore such a file
		return &trust.Error{Path: path, Why: lang.M("every user can write to it"), Fix: "chmod go-w " + path}
	}
	group := ""
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '!':
			if err := include(path, n, line, groups, out, depth); err != nil {
				return err
			}
		case line[0] == '[':
			end := strings.IndexByte(line, ']')
			if end < 0 {
				return &syntaxError{path, n, "a group has no closing ]"}
			}
			group = strings.TrimSpace(line[1:end])
		case group == "":
			return &syntaxError{path, n, "an option stands before any [group]"}
		case slices.Contains(groups, group):
			s := option(line)
			s.Path, s.Line = path, n
			if s.Name == "password" && s.Value != "" && info.Mode().Perm()&0o077 != 0 {
				return &InsecureError{path, info.Mode()}
			}
			*out = append(*out, s)
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func include(path string, n int, line string, groups []string, out *[]Setting, depth int) error {
	verb, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	if arg != "" && !filepath.IsAbs(arg) {
		arg = filepath.Join(filepath.Dir(path), arg)
	}
	switch {
	case verb == "!include" && arg != "":
		return read(arg, groups, out, depth+1)
	case verb == "!includedir" && arg != "":
		names, err := filepath.Glob(filepath.Join(arg, "*.cnf"))
		if err != nil {
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			if err := read(name, groups, out, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return &syntaxError{path, n, "want !include FILE or !includedir FOLDER"}
}

// option splits "name = value # comment". A name alone has the value "".
func option(line string) Setting {
	name, value, valued := strings.Cut(uncomment(line), "=")
	name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", "-")
	name, loose := strings.CutPrefix(name, "loose-")
	value = strings.TrimSpace(value)
	if n := len(value); n >= 2 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	return Setting{Name: name, Value: unescape(value), Bare: !valued, Loose: loose}
}

// uncomment cuts a comment that starts in the middle of a line, outside quotes.
func uncomment(line string) string {
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != 0:
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote == 0 && c == '#':
			return strings.TrimSpace(line[:i])
		}
	}
	return line
}

var escapes = map[byte]byte{'b': '\b', 't': '\t', 'n': '\n', 'r': '\r', '\\': '\\', 's': ' ', '"': '"', '\'': '\''}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if c, ok := escapes[s[i+1]]; ok {
				b.WriteByte(c)
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
