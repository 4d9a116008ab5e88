package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPackagesWithoutTheRaceDetectorOnlyCompute: those that the Makefile takes out of the race
// detector's sight have nothing that it could miss: no goroutine, no channel, no atomic.
func TestPackagesWithoutTheRaceDetectorOnlyCompute(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^PURE := ((?:.*\\\n)*.*)$`).FindSubmatch(makefile)
	if list == nil {
		t.Fatal("the Makefile has no list of packages that only compute")
	}
	names := strings.Fields(strings.ReplaceAll(string(list[1]), "\\\n", " "))
	format := `{{.ImportPath}}:{{join .Imports ","}}:{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}},{{end}}`
	cmd := exec.Command("go", append([]string{"list", "-f", format, usesCatalogue}, names...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", names, err)
	}
	imports := map[string][]string{}
	var files []string
	for _, line := range strings.Fields(string(out)) {
		part := strings.Split(line, ":")
		imports[part[0]] = strings.Split(part[1], ",")
		if part[0] != usesCatalogue {
			files = append(files, strings.FieldsFunc(part[2], func(r rune) bool { return r == ',' })...)
		}
	}
	if len(names) < 10 || len(files) < len(names) {
		t.Fatalf("%d packages, %d files", len(names), len(files))
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := concurrent(t, path, text); found != "" {
			t.Errorf("%s: has %s: take its package off PURE in the Makefile", path, found)
		}
	}
	for _, name := range names {
		if _, listed := imports[name]; !listed {
			t.Errorf("%s is no package", name)
		}
		if of := withSyncMap(t, imports[name]); of != "" {
			t.Errorf("%s: uses %s, which has a sync.Map: take it off PURE in the Makefile", name, of)
		}
	}
	if withSyncMap(t, imports[usesCatalogue]) == "" {
		t.Error("ops/logs/query uses the catalogue of sentences, which has a sync.Map")
	}
	for _, text := range []string{
		"package p; func f() { go f() }", "package p; var c chan int", "package p; import _ \"sync/atomic\"",
	} {
		if concurrent(t, "p.go", []byte(text)) == "" {
			t.Errorf("nothing is found in %s", text)
		}
	}
}

// usesCatalogue is a package that imports one with a sync.Map.
const usesCatalogue = "opsdeck/ops/logs/query"

// withSyncMap names a package of ours among these imports that has a sync.Map: a type with one
// brings its methods, without the race detector, into every program with it.
func withSyncMap(t *testing.T, imports []string) string {
	t.Helper()
	for _, used := range imports {
		dir, ours := strings.CutPrefix(used, "opsdeck/")
		if !ours {
			continue
		}
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "sync.Map") && !strings.HasSuffix(path, "_test.go") {
				return used
			}
		}
	}
	return ""
}

// TestPackagesThatAreNeverRacedOnlyCompute: those that .ci/test never runs under the race
// detector have no goroutine, and neither have their tests.
func TestPackagesThatAreNeverRacedOnlyCompute(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(root, ".ci", "test"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)\ncomputing=\((.*?)\)`).FindSubmatch(script)
	if list == nil {
		t.Fatal(".ci/test has no list of packages that only compute")
	}
	dirs, err := exec.Command("bash", "-c", "echo "+strings.ReplaceAll(string(list[1]), "\n", " ")).Output()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(dirs))
	if len(names) < 20 {
		t.Fatalf("%d packages: %s", len(names), dirs)
	}
	for _, dir := range names {
		files, _ := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if len(files) == 0 {
			t.Errorf("%s has no files", dir)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found := concurrent(t, path, text)
			if filepath.Base(path) != "race_test.go" { // which names them
				for _, call := range []string{"t.Parallel()", ".Go(", "testdb.Beside(", "synctest."} {
					if strings.Contains(string(text), call) {
						found = call
					}
				}
			}
			if found != "" {
				t.Errorf("%s: has %s: take its package off computing in .ci/test", path, found)
			}
		}
	}
}

// concurrent names what a file has that the race detector would have to see.
func concurrent(t *testing.T, path string, text []byte) (found string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = "a goroutine"
		case *ast.ChanType:
			found = "a channel"
		case *ast.ImportSpec:
			if n.Path.Value == `"sync/atomic"` {
				found = "an atomic"
			}
		}
		return true
	})
	return found
}

// TestEachPackageIsUnderTheRaceDetectorSomewhere: the tests that .ci/test runs under the race
// detector are there, and each package that it otherwise runs without has some.
func TestEachPackageIsUnderTheRaceDetectorSomewhere(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(root, ".ci", "test"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^plain=\((.*)\)$`).FindSubmatch(script)
	raced := regexp.MustCompile(`(?s)\nraced\(\) \{.*?\n\}\n`).FindSubmatch(script)
	if list == nil || raced == nil {
		t.Fatal(".ci/test has no list of packages, or no list of tests")
	}
	names := regexp.MustCompile(`Test\w+`).FindAllString(string(raced[0]), -1)
	found := map[string]bool{}
	for _, dir := range append(strings.Fields(string(list[1])), "./cmd/opsdeck") {
		files, _ := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		count := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
					found[name] = true
					count++
				}
			}
		}
		if count < 3 {
			t.Errorf("%s runs without the race detector but for %d tests", dir, count)
		}
	}
	for _, name := range names {
		if !found[name] {
			t.Errorf(".ci/test names %s, and there is no such test", name)
		}
	}
}
