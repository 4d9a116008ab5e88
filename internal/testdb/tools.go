package testdb

import (
	"path/filepath"
	"testing"
)

// Promtool is the path of Prometheus' own tool, which checks rules and runs tests of
// them.
func Promtool(t testing.TB) string {
	t.Helper()
	bin, err := program(filepath.Join(cacheDir(), "promtool"), "promtool")
	if err != nil {
		bin, err = program("", "promtool")
	}
	if err != nil {
		absent(t, err)
	}
	return bin
}

// Browser is the path of a real Chromium, which needs no screen.
func Browser(t testing.TB) string {
	t.Helper()
	bin, err := program("", "chromium-headless-shell", "chromium")
	if err != nil {
		absent(t, err)
	}
	return bin
}
