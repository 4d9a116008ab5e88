package arch

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTheProgramsFilesHaveNoCircle holds the entrance hall in floors: a file of
// cmd/opsdeck uses files below it alone, so that each can be read without the rest.
func TestTheProgramsFilesHaveNoCircle(t *testing.T) {
	fset := token.NewFileSet()
	files := map[string]*ast.File{}
	eachGoFile(t, func(path string) {
		name, ours := strings.CutPrefix(path, "cmd/opsdeck/")
		if !ours || strings.Contains(name, "/") || strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(fset, filepath.Join(root, path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	})
	if len(files) < 50 {
		t.Fatalf("only %d files were read", len(files))
	}
	for _, circle := range circles(uses(fset, files)) {
		t.Errorf("these files of cmd/opsdeck use each other in a circle, move what they share below them: %s",
			strings.Join(circle, ", "))
	}
}

func TestACircleOfFilesIsSeen(t *testing.T) {
	fset := token.NewFileSet()
	files := map[string]*ast.File{}
	for name, text := range map[string]string{
		"a.go": "package p\nfunc a() { b() }",
		"b.go": "package p\ntype t struct{}\nfunc b() { t{}.c() }",
		"c.go": "package p\nfunc (t) c() { d() }\nfunc e() { a() }", // the receiver is no use
		"d.go": "package p\nfunc d() {}",
	} {
		f, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	found := circles(uses(fset, files))
	if len(found) != 1 || !slices.Equal(found[0], []string{"a.go", "b.go", "c.go"}) {
		t.Errorf("found %v", found)
	}
}

// noImports leaves other packages unknown: names of the package itself are enough.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not read") }

// uses are the files that each file of a package uses: by a name, or by a method.
// A method's receiver does not count; its type may have methods in several files.
func uses(fset *token.FileSet, files map[string]*ast.File) map[string][]string {
	receivers := map[*ast.Ident]bool{}
	var parsed []*ast.File
	for _, f := range files {
		parsed = append(parsed, f)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			ast.Inspect(fn.Recv, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					receivers[id] = true
				}
				return true
			})
		}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}}
	pkg, _ := conf.Check("program", fset, parsed, info) // its errors are the packages that were not read
	name := func(at token.Pos) string { return filepath.Base(fset.Position(at).Filename) }
	arrows := map[string][]string{}
	for id, used := range info.Uses {
		if used.Pkg() != pkg || receivers[id] || ofFunction(used, pkg) {
			continue
		}
		from := name(id.Pos())
		to := name(used.Pos())
		if from != to && !slices.Contains(arrows[from], to) {
			arrows[from] = append(arrows[from], to)
		}
	}
	return arrows
}

// ofFunction tells a field and a variable of a function, which no other file owns.
func ofFunction(o types.Object, pkg *types.Package) bool {
	v, ok := o.(*types.Var)
	return ok && (v.IsField() || v.Parent() != pkg.Scope())
}

// circles are the groups of files of which each reaches each other (strongly
// connected components of more than one, by reachability).
func circles(arrows map[string][]string) (all [][]string) {
	reach := map[string]map[string]bool{}
	for from := range arrows {
		reach[from] = map[string]bool{}
		work := slices.Clone(arrows[from])
		for len(work) > 0 {
			next := work[0]
			work = work[1:]
			if !reach[from][next] {
				reach[from][next] = true
				work = append(work, arrows[next]...)
			}
		}
	}
	seen := map[string]bool{}
	for from := range arrows {
		if seen[from] || !reach[from][from] {
			continue
		}
		var circle []string
		for other := range reach[from] {
			if reach[other][from] {
				circle = append(circle, other)
				seen[other] = true
			}
		}
		slices.Sort(circle)
		all = append(all, circle)
	}
	return all
}
