package config

import (
	"os"
	"path/filepath"
	"strings"
)

// Home replaces a leading ~ by the user's home folder.
func Home(path string) string {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, path[1:])
}
