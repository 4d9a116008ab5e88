package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// opensAnything are the files that open folders, or files of the system's own, which no
// operator names.
var opensAnything = []string{
	"internal/regular/regular.go", "internal/atomicfile/atomicfile.go", "internal/lock/wait.go",
	"internal/listener/listener.go", "internal/listener/connected.go", "ops/backup/inventory.go", "ops/service/twin.go",
	"ops/host/run.go", "ops/host/machine.go", "ops/site/deploys/git.go",
}

// TestOperatorsFilesAreOpenedByOneFunction: os.Open waits for ever on a pipe that has the
// name of a manifest, a log or a key.
func TestOperatorsFilesAreOpenedByOneFunction(t *testing.T) {
	opens := regexp.MustCompile(`\bos\.(Open|ReadFile)\(`)
	for _, top := range []string{"internal", "ops", "cmd/opsdeck"} {
		err := filepath.WalkDir("../../"+top, func(path string, d fs.DirEntry, err error) error {
			name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
				strings.HasPrefix(name, "internal/test") || strings.HasPrefix(name, "ops/opstest") ||
				slices.Contains(opensAnything, name) {
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil && opens.Match(text) {
				t.Errorf("%s: open it with internal/regular", name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
