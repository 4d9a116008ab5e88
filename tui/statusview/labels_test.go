package statusview

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/tui/theme"

	"opsdeck/tui/page"
)

// TestEveryFieldOfACheckHasALabel reads the sources of all checks: no field that one
// of them adds is shown by its JSON name.
func TestEveryFieldOfACheckHasALabel(t *testing.T) {
	names := fieldNames(t)
	if len(names) < 50 {
		t.Fatalf("only %d fields were found: %v", len(names), names)
	}
	for _, code := range []string{"en", "zh"} {
		look := look{env: &page.Env{Lang: lang.For(code), Theme: theme.New(theme.Options{})}}
		for name, where := range names {
			label := look.label(health.Field{Name: name + map[bool]string{true: "x"}[strings.HasSuffix(name, "_")]})
			if strings.Contains(label, "_") || label == name && labels[name].Empty() {
				t.Errorf("%s: %s: the field %q is shown as %q", code, where, name, label)
			}
		}
	}
}

// fieldNames are the literals that checks call Add and AddUnknown with.
func fieldNames(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	files := token.NewFileSet()
	look := func(path string) {
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Add" && sel.Sel.Name != "AddUnknown" {
				return true
			}
			arg := call.Args[0]
			if sum, ok := arg.(*ast.BinaryExpr); ok { // "alert_" + name
				arg = sum.X
			}
			if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				name, _ := strconv.Unquote(lit.Value)
				names[name] = files.Position(lit.Pos()).String()
			}
			return true
		})
	}
	for _, room := range []string{"probe", "site/checks", "health", "mysql"} {
		root := filepath.Join("../../ops", room)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != root:
				return fs.SkipDir
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				look(path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// TestAValueWithoutWordsIsShownInTheLanguage holds that a truth value is not the
// word of the programming language.
func TestAValueWithoutWordsIsShownInTheLanguage(t *testing.T) {
	p, _ := newPage("zh", incident())
	s := &health.Standing{}
	s.Last.Fields = []health.Field{{Name: "watch_running", Value: false}, {Name: "pid", Value: 7, State: ops.StateOK}}
	got := strings.Join(p.table.dossier.fields(s, 60), "\n")
	if !strings.Contains(got, "否") || strings.Contains(got, "false") || !strings.Contains(got, "7") {
		t.Errorf("the fields read %q", got)
	}
}
