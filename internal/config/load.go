package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/spelling"
)

// Error points at what is wrong in a configuration file. Line is 0 when the
// whole file is meant.
type Error struct {
	Path string
	Line int
	Why  lang.Msg
	Hint lang.Msg // a near miss; may be empty

	Err    error // of the file system; may be nil
	Folder bool  // the path is a folder
}

// Msg is the error as a sentence: the place, what is wrong there, the hint.
func (e *Error) Msg() lang.Msg {
	place, why := e.Path, e.Why
	if e.Line > 0 {
		place += ":" + strconv.Itoa(e.Line)
	}
	if !e.Hint.Empty() {
		why = lang.M("%s (%s)", why, e.Hint)
	}
	return lang.M("%s: %s", place, why)
}

func (e *Error) Error() string { return e.Msg().String() }

// Loaded is a configuration and where each of its values came from.
type Loaded struct {
	*Config
	Path  string         // "" when the defaults alone are in force
	Lines map[string]int // "services[0].backup.dir": its line in the file
}

// maxSize bounds a configuration file; a larger one is a mistake.
const maxSize = 1 << 20

// Find picks the configuration file: the one asked for, else
// $XDG_CONFIG_HOME/opsdeck/config.yaml (~/.config when unset), else
// /etc/opsdeck/config.yaml, else "" for the defaults. A file asked for by name
// is returned whether it exists or not.
func Find(asked string, getenv func(string) string) string {
	if asked != "" {
		return Home(asked)
	}
	base := getenv("XDG_CONFIG_HOME")
	if base == "" {
		base = Home("~/.config")
	}
	for _, path := range []string{filepath.Join(base, "opsdeck", "config.yaml"),
		System("/etc/opsdeck/config.yaml", getenv)} {
		if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	return ""
}

// Load reads the file at path over the defaults; path "" gives the defaults.
// Relative paths in the file are below its folder. Errors in the content are *Error.
func Load(path string) (*Loaded, error) {
	if path == "" {
		return &Loaded{Config: Default()}, nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &Error{Path: path, Why: reason(err), Err: err}
	case info.IsDir():
		return nil, &Error{Path: path, Why: lang.M("is a folder, not a file"), Folder: true}
	case info.Size() > maxSize:
		return nil, &Error{Path: path, Why: lang.M("is larger than 1 MiB")}
	}
	text, err := regular.ReadFile(path)
	if err != nil {
		return nil, &Error{Path: path, Why: reason(err), Err: err}
	}
	if len(bytes.TrimSpace(text)) == 0 { // a full disk, or an editor that died: nobody wants the defaults
		return nil, &Error{Path: path, Why: lang.M("is empty, and so names no service"),
			Hint: lang.M("restore it from a copy, or write a new one: %s", "opsdeck config init --force")}
	}
	loaded, err := Parse(path, text)
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, &Error{Path: path, Why: reason(err), Err: err}
	}
	loaded.anchor(folder)
	return loaded, nil
}

func reason(err error) lang.Msg {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return lang.M("no such file")
	case errors.Is(err, fs.ErrPermission):
		return lang.M("permission denied")
	}
	return lang.Raw(err.Error())
}

// Parse reads a configuration from text; path is for messages only.
func Parse(path string, text []byte) (*Loaded, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, yamlError(path, err)
	}
	out := &Loaded{Config: Default(), Path: path, Lines: map[string]int{}}
	if len(file.Docs) > 1 {
		return nil, &Error{Path: path, Why: lang.M("holds several YAML documents; only one is allowed")}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.NullType ||
		onlyComments(file.Docs[0].Body) {
		return out, nil
	}
	body := file.Docs[0].Body
	if err := walk(path, "", body, reflect.TypeFor[Config](), out.Lines); err != nil {
		return nil, err
	}
	if err := decode(body, out.Config); err != nil {
		return nil, yamlError(path, err)
	}
	if len(out.Services) == 0 {
		out.Services = Default().Services
	}
	out.inherit()
	return out, out.check()
}

// decode fills the configuration. The decoder panics at some wrong shapes, as
// "services: !" with nothing after it.
func decode(body ast.Node, into *Config) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Why: lang.M("not a configuration: a value is missing or has the wrong type")}
		}
	}()
	return yaml.NodeToValue(body, into)
}

func onlyComments(n ast.Node) bool { return n.Type() == ast.CommentType }

func yamlError(path string, err error) error {
	var e yaml.Error
	var own *Error
	if errors.As(err, &own) {
		return &Error{Path: path, Why: own.Why}
	}
	if errors.As(err, &e) {
		line := 0
		if t := e.GetToken(); t != nil && t.Position != nil {
			line = t.Position.Line
		}
		return &Error{Path: path, Line: line, Why: lang.Raw(e.GetMessage())}
	}
	return &Error{Path: path, Why: lang.Raw(err.Error())}
}

// walk checks every key against the Go type that it stands for and notes its line.
func walk(path, at string, n ast.Node, t reflect.Type, lines map[string]int) error {
	if t == reflect.TypeFor[time.Duration]() {
		return checkDuration(path, at, n)
	}
	if isPath(n, t) {
		return nil
	}
	if err := checkShape(path, at, n, t); err != nil {
		return err
	}
	if t.Kind() == reflect.Map {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice:
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			return nil // the decoder says what is wrong with its type
		}
		for i, v := range seq.Values {
			if err := walk(path, fmt.Sprintf("%s[%d]", at, i), v, t.Elem(), lines); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for _, kv := range pairs(n) {
			key := kv.Key.GetToken().Value
			line := kv.Key.GetToken().Position.Line
			field, ok := fieldOf(t, key)
			if !ok {
				return unknownKey(path, line, at, key, t)
			}
			name := join(at, key)
			if _, twice := lines[name]; twice {
				return &Error{Path: path, Line: line, Why: lang.M("the key %q is given twice", name)}
			}
			lines[name] = line
			if err := walk(path, name, kv.Value, field.Type, lines); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkDuration(path, at string, n ast.Node) error {
	if _, err := time.ParseDuration(n.GetToken().Value); err != nil {
		return &Error{
			Path: path,
			Line: n.GetToken().Position.Line,
			Why:  lang.M("%s: %q is not a duration", at, n.GetToken().Value),
			Hint: lang.M("write it as 90s, 15m or 26h"),
		}
	}
	return nil
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("yaml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func unknownKey(path string, line int, at, key string, t reflect.Type) error {
	e := &Error{Path: path, Line: line, Why: lang.M("unknown key %q", join(at, key))}
	var names []string
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("yaml"))
	}
	if near := spelling.Nearest(key, names); near != "" {
		e.Hint = lang.M("did you mean %q?", near)
	}
	return e
}

// UnmarshalYAML reads a service over its defaults.
func (s *Service) UnmarshalYAML(unmarshal func(any) error) error {
	var named struct {
		Name string `yaml:"name"`
	}
	if err := unmarshal(&named); err != nil {
		return err
	}
	type plain Service
	v := plain(DefaultService())
	if named.Name != "" && named.Name != v.Name {
		v = plain(neutralService(named.Name))
	}
	if err := unmarshal(&v); err != nil {
		return err
	}
	*s = Service(v)
	return nil
}
