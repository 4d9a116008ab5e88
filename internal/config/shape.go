package config

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"

	"opsdeck/internal/lang"
)

// checkShape tells by its key a value that is of another kind than the Go type
// it stands for. Empty values, and those behind anchors, aliases and tags, are
// the decoder's.
func checkShape(path, at string, n ast.Node, t reflect.Type) error {
	var want lang.Msg
	switch n.Type() {
	case ast.NullType, ast.AnchorType, ast.AliasType, ast.TagType:
		return nil
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		want = unless(lang.M("a whole number"), n, ast.IntegerType)
	case reflect.Float64:
		want = unless(lang.M("a number"), n, ast.IntegerType, ast.FloatType)
	case reflect.Bool:
		want = unless(lang.M("true or false"), n, ast.BoolType)
	case reflect.String:
		if _, scalar := n.(ast.ScalarNode); !scalar {
			want = lang.M("one text")
		}
	case reflect.Slice:
		want = unless(lang.M("a list"), n, ast.SequenceType)
	case reflect.Struct, reflect.Map:
		want = unless(lang.M("keys with values"), n, ast.MappingType, ast.MappingValueType)
	}
	if want.Empty() {
		return nil
	}
	what := lang.Raw(at)
	if at == "" {
		what = lang.M("the file")
	}
	e := &Error{Path: path, Line: n.GetToken().Position.Line, Why: lang.M("%s needs %s", what, want)}
	if _, scalar := n.(ast.ScalarNode); scalar {
		e.Why = lang.M("%s needs %s, not %q", what, want, n.GetToken().Value)
	}
	return e
}

// unless is want when the node is of none of the kinds.
func unless(want lang.Msg, n ast.Node, kinds ...ast.NodeType) lang.Msg {
	for _, k := range kinds {
		if n.Type() == k {
			return lang.Msg{}
		}
	}
	return want
}
