package tui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// mostMethods is how many methods a type of the console may have. A page that outgrows
// it is split into the parts that change together.
const mostMethods = 40

func TestNoTypeOfTheConsoleHasTooManyMethods(t *testing.T) {
	counts := map[string]int{}
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if name := receiver(decl); name != "" {
				counts[filepath.Dir(path)+"."+name]++
			}
		}
		return nil
	})
	if err != nil || files < 50 || counts["logview.Page"] == 0 {
		t.Fatalf("looked at %d files: %v", files, err)
	}
	for name, n := range counts {
		if n > mostMethods {
			t.Errorf("%s has %d methods, want %d at most", name, n, mostMethods)
		}
	}
}

func receiver(decl ast.Decl) string {
	f, ok := decl.(*ast.FuncDecl)
	if !ok || f.Recv == nil {
		return ""
	}
	kind := f.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if name, ok := kind.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
