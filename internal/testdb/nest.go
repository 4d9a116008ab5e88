package testdb

import (
	"os"
	"path/filepath"
	"testing"
)

// Nest is the folder of node modules with the real NestJS.
func Nest(t testing.TB) string {
	t.Helper()
	modules := filepath.Join(cacheDir(), "nest", "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "@nestjs", "core", "package.json")); err != nil {
		absent(t, err)
	}
	return modules
}
