package arch

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// files are the files of the repository, without what .gitignore leaves out.
func files(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("git ls-files: %v", err)
	}
	return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
}

func TestTheTopLevelHoldsExactlyWhatItShould(t *testing.T) {
	want := []string{
		"CHANGELOG.md",
		"LICENSE",
		"Makefile",
		"README.md",
		"cmd",
		"demo.tape",
		"go.mod",
		"go.sum",
		"internal",
		"ops",
		"testdata",
		"tui",
	}
	var got []string
	for _, file := range files(t) {
		if top, _, _ := strings.Cut(file, "/"); !strings.HasPrefix(top, ".") {
			got = append(got, top)
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("the top level holds %q, want %q", got, want)
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	marks := []string{"TO" + "DO", "FIX" + "ME", "not " + "implemented"}
	for _, file := range files(t) {
		if !strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, ".md") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			for _, mark := range marks {
				if bytes.Contains(line, []byte(mark)) {
					t.Errorf("%s:%d: %s", file, i+1, mark)
				}
			}
		}
	}
}

func TestTheProgramHoldsNoServerAndNoTestCode(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./cmd/opsdeck")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "opsdeck/ops") {
		t.Fatal("the program's packages were not listed")
	}
	for _, dep := range deps {
		for _, not := range []string{"github.com/dolthub/", "testing", "opsdeck/internal/testdb", "opsdeck/ops/opstest",
			"github.com/alicebob/miniredis", "github.com/johannesboyne/gofakes3"} {
			if dep == not || strings.HasPrefix(dep, strings.TrimSuffix(not, "/")+"/") {
				t.Errorf("the program is linked with %s", dep)
			}
		}
	}
}

// TestTheDemosModuleIsComplete keeps the nested module's go.mod and go.sum in
// step with what the packages that it shares with the program import.
func TestTheDemosModuleIsComplete(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Dir = filepath.Join(root, "cmd", "opsdeck-demo")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\nadd the lines of ../../go.mod and ../../go.sum that it misses", err, out)
	}
}
