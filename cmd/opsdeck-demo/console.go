package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// consolePatience is how long the console may take to end when asked.
const consolePatience = 5 * time.Second

// findOpsdeck finds the program to open: the one named, else the one beside
// this one, else the one on the PATH.
func findOpsdeck(named string) (string, error) {
	candidates := []string{named}
	if named == "" {
		if self, err := os.Executable(); err == nil {
			candidates = []string{filepath.Join(filepath.Dir(self), "opsdeck")}
		}
		candidates = append(candidates, "opsdeck")
	}
	for _, c := range candidates {
		if path, err := exec.LookPath(c); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("no opsdeck at %v: build it with `make build`, or name it with --opsdeck", candidates)
}
